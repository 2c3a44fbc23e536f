// Package compare holds runs against one another. Each run is one value of each metric: requests of one run
// share the run's luck, so that testing them against those of another run finds differences where there
// are none (in simulation in 40 to 77 of 100 cases instead of 5). It is pure: no clock, no I/O, no
// randomness.
package compare

import (
	"fmt"
	"math"
	"slices"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/stats/infer"
)

// Confidence of every interval, and with it the error rate of every verdict.
const Confidence = 0.95

// What a verdict needs: with fewer pairs than six the exact test cannot reach 5 % (2 ÷ 2ⁿ), and an interval over
// two runs says next to nothing.
const (
	LeastPairs = 6
	LeastRuns  = 3
	// DefaultMinEffect is the smallest difference that matters, in percent.
	DefaultMinEffect = 2.0
)

// The verdicts.
const (
	Better     = "better"
	Worse      = "worse"
	Equivalent = "equivalent"
	NoneShown  = "no_difference"
	TooFew     = "too_few"
	Untested   = "untested" // shown with its interval: it follows from the tested ones, or is none to judge by
)

// Side is one side with its runs. Of a paired comparison the runs of all sides stand in the order of their
// blocks, so that equal places belong together.
type Side struct {
	Name string
	Runs []domain.Run
}

// metric is one figure of a run. Those that are tested get a verdict and count for the correction over
// metrics, so that there are few of them: with every further one a difference is harder to show. The others are
// shown with their interval alone.
type metric struct {
	key, unit, better string
	tested            bool
	get               func(*domain.Figures, *domain.Run) *float64
}

func metrics() []metric {
	return []metric{
		{"decode_tokens_per_second", "tok/s", "higher", true, func(f *domain.Figures, _ *domain.Run) *float64 { return f.DecodeTokensPerSecond }},
		{"output_tokens_per_second", "tok/s", "higher", true, func(f *domain.Figures, _ *domain.Run) *float64 { return f.OutputTokensPerSecond }},
		{"prefill_tokens_per_second", "tok/s", "higher", false, func(f *domain.Figures, _ *domain.Run) *float64 { return f.PrefillTokensPerSecond }},
		{"ttft_ms", "ms", "lower", true, func(f *domain.Figures, _ *domain.Run) *float64 { return f.TTFTMs.P50 }},
		{"ttft_p95_ms", "ms", "lower", false, func(f *domain.Figures, _ *domain.Run) *float64 { return f.TTFTMs.P95 }},
		{"tpot_ms", "ms", "lower", false, func(f *domain.Figures, _ *domain.Run) *float64 { return f.TPOTMs.P50 }},
		{"itl_p99_ms", "ms", "lower", false, func(f *domain.Figures, _ *domain.Run) *float64 { return f.ITLMs.P99 }},
		{"e2e_ms", "ms", "lower", false, func(f *domain.Figures, _ *domain.Run) *float64 { return f.E2EMs.P50 }},
		{"requests_per_second", "req/s", "higher", false, func(f *domain.Figures, _ *domain.Run) *float64 { return f.RequestsPerSecond }},
		{"j_per_token", "J/token", "lower", true, func(f *domain.Figures, _ *domain.Run) *float64 { return energyOf(f) }},
		{"peak_vram_gb", "GB", "lower", false, func(_ *domain.Figures, r *domain.Run) *float64 { return r.HardwareMetrics.Peak.VRAMUsedGB }},
		{"peak_ram_gb", "GB", "lower", false, func(_ *domain.Figures, r *domain.Run) *float64 { return r.HardwareMetrics.Peak.RAMUsedGB }},
	}
}

// energyOf is the energy of the scope that is told first, where it has a figure.
func energyOf(f *domain.Figures) *float64 {
	if f.Energy == nil {
		return nil
	}
	for _, s := range f.Energy.Scopes {
		if s.JPerToken != nil {
			return s.JPerToken
		}
	}
	return nil
}

// Figures are those that a run of several stages is spoken of by: what its search found, else its best
// stage; of a run of one stage its own. Nil where nothing was measured.
func Figures(r *domain.Run) *domain.Figures {
	if r.Summary == nil {
		return nil
	}
	lead := r.Summary.BestStage
	if r.Summary.Knee != nil && r.Summary.Knee.Stage != nil {
		lead = r.Summary.Knee.Stage
	}
	if lead != nil && len(r.Summary.Stages) > 1 {
		for i := range r.Summary.Stages {
			if s := &r.Summary.Stages[i]; s.Index == *lead && s.Summary != nil {
				return s.Summary
			}
		}
	}
	return &r.Summary.Figures
}

// Asked is how sides are to be compared.
type Asked struct {
	Baseline  int
	Paired    bool
	MinEffect float64  // the smallest difference that matters, in percent
	Load      string   // the stage that is compared; empty: the one that each run is spoken of by
	Judged    []string // the metrics that get a verdict; nil: the usual ones
}

// Of compares sides with the one of index baseline, as With does with what is usual.
func Of(sides []Side, baseline int, paired bool, minEffect float64) domain.Comparison {
	return With(sides, Asked{Baseline: baseline, Paired: paired, MinEffect: minEffect})
}

// With compares sides with the baseline.
func With(sides []Side, a Asked) domain.Comparison {
	c := domain.Comparison{Paired: a.Paired, Baseline: a.Baseline, MinEffectPercent: a.MinEffect, Load: a.Load, Judged: []string{},
		Sides: []domain.ComparisonSide{}, Differs: differences(sides)}
	for _, s := range sides {
		side := domain.ComparisonSide{Name: s.Name, Runs: []domain.RunID{}}
		for i := range s.Runs {
			side.Runs = append(side.Runs, s.Runs[i].ID)
		}
		c.Sides = append(c.Sides, side)
	}
	tested := map[string]bool{}
	for _, m := range metrics() {
		if a.Judged != nil {
			m.tested = slices.Contains(a.Judged, m.key)
		}
		row, values := rowOf(sides, m, a.Load)
		if row == nil {
			continue
		}
		for i := range sides {
			if i != a.Baseline {
				row.Values[i].Effect = effect(values[a.Baseline], values[i], a.Paired)
			}
		}
		if tested[m.key] = m.tested; m.tested {
			c.Judged = append(c.Judged, m.key)
			c.Odd = append(c.Odd, oddOnes(c.Sides, m, values, a)...)
		}
		c.Metrics = append(c.Metrics, *row)
	}
	verdicts(c, tested)
	c.Odd = mostOdd(c.Odd)
	c.Loads = loadsOf(sides)
	c.ApartS = apart(sides, a)
	c.Warnings = warnings(sides, c)
	c.Sentence = sentence(c)
	if m := mainMetric(c); m != nil {
		c.Main = m.Key
	}
	c.Why = why(sides, c)
	return c
}

// verdicts corrects the p over the metrics that are tested and draws the verdict of each.
func verdicts(c domain.Comparison, tested map[string]bool) {
	for i := range c.Sides {
		if i != c.Baseline {
			adjust(c.Metrics, tested, i)
		}
	}
	least := LeastRuns
	if c.Paired {
		least = LeastPairs
	}
	for _, row := range c.Metrics {
		for i := range row.Values {
			e := row.Values[i].Effect
			switch {
			case e == nil:
			case !tested[row.Key]:
				e.Verdict, e.AtLeast = Untested, "unknown"
			default:
				judge(e, row.Better, c.MinEffectPercent/100, min(row.Values[i].N, row.Values[c.Baseline].N) >= least)
			}
		}
	}
}

// rowOf is a metric of all sides at a load, with the values of their runs; nil where no run has one.
func rowOf(sides []Side, m metric, load string) (*domain.ComparisonMetric, [][]float64) {
	row := domain.ComparisonMetric{Key: m.key, Unit: m.unit, Better: m.better, Values: make([]domain.ComparisonValue, len(sides))}
	values := make([][]float64, len(sides))
	known := false
	for i, s := range sides {
		values[i] = valuesOf(s, m, load)
		row.Values[i] = summarise(values[i])
		known = known || row.Values[i].Mean != nil
	}
	if !known {
		return nil, nil
	}
	return &row, values
}

// valuesOf is one value a run, NaN where it has none.
func valuesOf(s Side, m metric, load string) []float64 {
	out := make([]float64, len(s.Runs))
	for i := range s.Runs {
		out[i] = math.NaN()
		if f, run := at(&s.Runs[i], load); f != nil {
			if v := m.get(f, run); v != nil {
				out[i] = *v
			}
		}
	}
	return out
}

func known(values []float64) []float64 {
	return slices.DeleteFunc(slices.Clone(values), math.IsNaN)
}

func summarise(values []float64) domain.ComparisonValue {
	v := known(values)
	if len(v) == 0 {
		return domain.ComparisonValue{}
	}
	total := 0.0
	for _, x := range v {
		total += x
	}
	out := domain.ComparisonValue{Mean: new(total / float64(len(v))), N: len(v)}
	if in, ok := infer.MeanInterval(v, Confidence); ok {
		out.Interval = &domain.Interval{in.Low, in.High}
	}
	return out
}

// effect is the ratio of b to a; nil where one of them has no value above 0.
func effect(a, b []float64, paired bool) *domain.Effect {
	if paired {
		a, b = together(a, b)
	} else {
		a, b = known(a), known(b)
	}
	positive := func(v []float64) bool {
		return len(v) > 0 && !slices.ContainsFunc(v, func(x float64) bool { return x <= 0 })
	}
	if !positive(a) || !positive(b) {
		return nil
	}
	compareBy := infer.WelchRatio
	if paired {
		compareBy = infer.PairedRatio
	}
	r, err := compareBy(a, b, Confidence)
	if err != nil { // too few for an interval: the ratio alone
		return &domain.Effect{Ratio: geometric(b) / geometric(a)}
	}
	e := &domain.Effect{Ratio: r.Ratio, Interval: &domain.Interval{r.Interval.Low, r.Interval.High}}
	if !math.IsNaN(r.P) {
		e.P = &r.P
	}
	return e
}

// together keeps the places at which both have a value.
func together(a, b []float64) (x, y []float64) {
	for i := range min(len(a), len(b)) {
		if !math.IsNaN(a[i]) && !math.IsNaN(b[i]) {
			x, y = append(x, a[i]), append(y, b[i])
		}
	}
	return x, y
}

func geometric(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += math.Log(x)
	}
	return math.Exp(sum / float64(len(v)))
}

// adjust corrects the p of one side over the metrics that are tested (Holm, 1979).
func adjust(rows []domain.ComparisonMetric, tested map[string]bool, side int) {
	p := make([]float64, len(rows))
	for i := range rows {
		p[i] = math.NaN()
		if e := rows[i].Values[side].Effect; e != nil && e.P != nil && tested[rows[i].Key] {
			p[i] = *e.P
		}
	}
	for i, adjusted := range infer.Holm(p) {
		if !math.IsNaN(adjusted) {
			rows[i].Values[side].Effect.AdjustedP = &adjusted
		}
	}
}

// judge draws the verdict. A difference that is real but within the smallest effect that matters is
// equivalent, for it matters to nobody.
func judge(e *domain.Effect, better string, margin float64, enough bool) {
	e.Verdict, e.AtLeast = TooFew, "unknown"
	if !enough || e.Interval == nil {
		return
	}
	low, high, ratio := e.Interval[0], e.Interval[1], e.Ratio
	if better == "lower" {
		low, high, ratio = 1/high, 1/low, 1/ratio
	}
	switch p := e.AdjustedP; {
	case low > 1/(1+margin) && high < 1+margin:
		e.Verdict = Equivalent
	case p != nil && *p < 1-Confidence && ratio > 1:
		e.Verdict = Better
	case p != nil && *p < 1-Confidence:
		e.Verdict = Worse
	default:
		e.Verdict = NoneShown
	}
	switch {
	case low >= 1+margin:
		e.AtLeast = "yes"
	case high < 1+margin:
		e.AtLeast = "no"
	}
}

// sentence says the main thing: the verdict on output throughput of several users, else on decode speed, of
// the side that differs most.
func sentence(c domain.Comparison) string {
	if len(c.Sides) < 2 {
		return ""
	}
	row := mainMetric(c)
	if row == nil {
		return "There is no judged figure that both sides have."
	}
	at, size := -1, -1.0
	for i, v := range row.Values {
		if v.Effect == nil {
			continue
		}
		if d := math.Abs(math.Log(v.Effect.Ratio)); d > size {
			at, size = i, d
		}
	}
	return words(*row, c, at)
}

// mainMetric is what a comparison is spoken of by: of the judged figures the first that has an effect, those of speed
// before the others.
func mainMetric(c domain.Comparison) *domain.ComparisonMetric {
	find := func(key string) *domain.ComparisonMetric {
		i := slices.IndexFunc(c.Metrics, func(m domain.ComparisonMetric) bool { return m.Key == key })
		if i < 0 || !slices.ContainsFunc(c.Metrics[i].Values, func(v domain.ComparisonValue) bool { return v.Effect != nil }) {
			return nil
		}
		return &c.Metrics[i]
	}
	first := slices.DeleteFunc([]string{"decode_tokens_per_second", "output_tokens_per_second", "ttft_ms"}, func(key string) bool { return !slices.Contains(c.Judged, key) })
	for _, key := range append(first, c.Judged...) {
		if m := find(key); m != nil {
			return m
		}
	}
	return nil
}

// otherFigures are the metrics in which a side is better or worse, not faster or slower.
func otherFigures() map[string]string {
	return map[string]string{"j_per_token": "energy per token", "peak_vram_gb": "peak use of VRAM", "peak_ram_gb": "peak use of RAM"}
}

func words(row domain.ComparisonMetric, c domain.Comparison, side int) string {
	e := row.Values[side].Effect
	name, base := c.Sides[side].Name, c.Sides[c.Baseline].Name
	ratio, interval := e.Ratio, e.Interval
	if row.Better == "lower" {
		ratio = 1 / ratio
		if interval != nil {
			interval = &domain.Interval{1 / interval[1], 1 / interval[0]}
		}
	}
	faster, slower, same, in := "faster", "slower", "as fast as", ""
	if name, other := otherFigures()[row.Key]; other {
		faster, slower, same, in = "better", "worse", "as good as", " in "+name
	}
	percent := func(r float64) string { return fmt.Sprintf("%+.1f %%", 100*(r-1)) }
	switch e.Verdict {
	case TooFew:
		least := fmt.Sprintf("%d runs a side", LeastRuns)
		if c.Paired {
			least = fmt.Sprintf("%d pairs", LeastPairs)
		}
		return fmt.Sprintf("%s against %s: %s. Too few runs for a verdict, which needs %s.", name, base, percent(ratio), least)
	case Equivalent:
		return fmt.Sprintf("%s is %s %s%s: %s, and with 95 %% confidence within ± %g %%.", name, same, base, in, percent(ratio), c.MinEffectPercent)
	case NoneShown:
		return fmt.Sprintf("No difference shown between %s and %s: %s, from %s to %s.", name, base, percent(ratio), percent(interval[0]), percent(interval[1]))
	case Worse:
		return fmt.Sprintf("%s is %s than %s%s: %s, from %s to %s.", name, slower, base, in, percent(ratio), percent(interval[0]), percent(interval[1]))
	}
	return fmt.Sprintf("%s is %s than %s%s: %s, from %s to %s.", name, faster, base, in, percent(ratio), percent(interval[0]), percent(interval[1]))
}
