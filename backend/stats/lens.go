package stats

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/inferometer/inferometer/backend/domain"
)

// Lenses reports the run as other tools would, from the same stamps and by each tool's own
// definitions: who is counted, by what tokens are counted, where a request ends, which window is
// divided by, and how percentiles are taken. A tool's own measuring error is not put in.
func Lenses(in Input) []domain.Lens {
	v := viewOf(in)
	return []domain.Lens{vllm(v), aiperf(v), guidellm(v), llamaBench(v), llmperf(v)}
}

// view is what the lenses look at.
type view struct {
	plan   domain.Plan
	ours   domain.Figures
	stages []part
	sent   []record // measured requests that were sent
}

func viewOf(in Input) view {
	v := view{plan: in.Plan, ours: reportOf(in, false).Summary.Figures, stages: stages(in)}
	for _, p := range v.stages {
		for _, r := range p.all {
			if r.Outcome != domain.OutcomeDropped {
				v.sent = append(v.sent, r)
			}
		}
	}
	return v
}

// ok are the requests that succeeded.
func (v view) ok() []record {
	return keep(v.sent, func(r record) bool { return r.Outcome == domain.OutcomeOK })
}

// lenient are the requests that a tool counts which looks neither for error events within a stream
// nor for its end mark: the successful ones, and those that sent content and then ended so.
func (v view) lenient() []record {
	return keep(v.sent, func(r record) bool {
		cut := r.ErrorClass == domain.ErrClassStream || r.ErrorClass == domain.ErrClassCut
		return r.Outcome == domain.OutcomeOK || cut && r.TTFTUs != nil && r.LastUs != nil
	})
}

// seconds is the time from the first request sent to the last end, of each stage, added up.
func (v view) seconds(end func(record) int64) float64 {
	var us int64
	for _, p := range v.stages {
		var from, to int64 = math.MaxInt64, math.MinInt64
		for _, r := range p.all {
			if r.Outcome != domain.OutcomeDropped {
				from, to = min(from, r.SentUs), max(to, end(r))
			}
		}
		us += max(0, to-min(from, to))
	}
	return float64(us) / 1e6
}

func keep(rs []record, want func(record) bool) []record {
	var out []record
	for _, r := range rs {
		if want(r) {
			out = append(out, r)
		}
	}
	return out
}

func total(rs []record, get func(record) int) float64 {
	n := 0
	for _, r := range rs {
		n += get(r)
	}
	return float64(n)
}

func outputTokens(r record) int {
	if r.OutputTokens == nil {
		return 0
	}
	return *r.OutputTokens
}

// textTokens counts by the text where the model's tokenizer did so, as tools do that bring their
// own tokenizer, and else as the server does.
func textTokens(r record) int {
	if r.TextTokens != nil && r.TextTokensExact {
		return *r.TextTokens
	}
	return outputTokens(r)
}

func promptTokens(rs []record) *float64 {
	return float(sum(rs, func(r record) *int { return r.PromptTokens }))
}

func float(n *int) *float64 {
	if n == nil {
		return nil
	}
	return ptr(float64(*n))
}

// per divides, nil where there is nothing to divide by.
func per(n, by float64) *float64 {
	if by <= 0 {
		return nil
	}
	return ptr(n / by)
}

// scale changes the unit of a figure.
func scale(p *float64, by float64) *float64 {
	if p == nil {
		return nil
	}
	return ptr(*p * by)
}

// row is one figure of a lens.
func row(key, label, unit string, value, ours *float64, definition string) domain.LensRow {
	return domain.LensRow{Key: key, Label: label, Unit: unit, Value: value, Ours: ours, Definition: definition}
}

// values are the values of one metric in ascending order.
type values []float64

func valuesOf(fill func([]float64) []float64) values {
	out := fill(nil)
	slices.Sort(out)
	return out
}

func (v values) mean() *float64 { return mean(v) }

// at is the linearly interpolated quantile, as NumPy and pandas take it.
func (v values) at(q float64) *float64 {
	if len(v) == 0 {
		return nil
	}
	return ptr(Quantile(v, q))
}

// std is the standard deviation with so many degrees of freedom taken off; nil without values, and
// 0 where too few are left.
func (v values) std(off int) *float64 {
	m := v.mean()
	if m == nil {
		return nil
	}
	if len(v) <= off {
		return ptr(0)
	}
	var squares float64
	for _, x := range v {
		squares += (x - *m) * (x - *m)
	}
	return ptr(math.Sqrt(squares / float64(len(v)-off)))
}

// weighted are values that stand for several observations each.
type weighted []struct{ value, weight float64 }

func (w *weighted) add(value, weight float64) {
	*w = append(*w, struct{ value, weight float64 }{value, weight})
}

func (w weighted) total() float64 {
	var sum float64
	for _, x := range w {
		sum += x.weight
	}
	return sum
}

func (w weighted) mean() *float64 {
	var sum float64
	for _, x := range w {
		sum += x.value * x.weight
	}
	return per(sum, w.total())
}

// at is the smallest value at or below which the share q of the observations lies (nearest rank).
func (w weighted) at(q float64) *float64 {
	all := w.total()
	if all <= 0 {
		return nil
	}
	slices.SortFunc(w, func(a, b struct{ value, weight float64 }) int { return cmp.Compare(a.value, b.value) })
	var below float64
	for _, x := range w {
		below += x.weight
		if below >= q*all*(1-1e-12) {
			return ptr(x.value)
		}
	}
	return ptr(w[len(w)-1].value)
}

// lengthOf names a test by its token count where all requests share it, as pp512.
func lengthOf(prefix string, lengths []int) string {
	slices.Sort(lengths)
	if n := len(lengths); n > 0 && lengths[0] == lengths[n-1] {
		return fmt.Sprintf("%s%d", prefix, lengths[0])
	}
	return prefix
}
