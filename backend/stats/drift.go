package stats

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/inferometer/inferometer/backend/domain"
)

// Limits of the check for drift.
const (
	leastDrift    = 20   // requests
	mostDrift     = 2000 // requests looked at, evenly spread
	limitDriftP   = .01
	limitDriftPct = 5.0
)

// drift is how far a latency moved over the requests of the stage where it moved most: the median of
// the last third against that of the first. Nil where there were too few requests to tell.
type drift struct {
	pct     *float64
	certain bool // the order of the requests explains it, by Spearman's rank correlation
}

func (d drift) worse(o drift) drift {
	switch {
	case o.pct == nil:
		return d
	case d.pct == nil, o.certain && !d.certain, o.certain == d.certain && math.Abs(*o.pct) > math.Abs(*d.pct):
		return o
	}
	return d
}

func (d drift) condition() condition {
	c := condition{Check: domain.Check{Code: "unstable", State: stateUnknown, Detail: "Too few requests under one load to tell a drift."}}
	if d.pct == nil {
		return c
	}
	size := math.Abs(*d.pct)
	seen := weigh("unstable", "", sight{&size, limitDriftPct, "%", "How far latencies moved from the first to the last third of the requests.",
		"Latencies moved by %.0f %% from the first to the last third of the requests (limit %.0f %%): the machine was not in a steady state."})
	if !d.certain {
		seen.State, seen.level, seen.warning = stateOK, "", ""
	}
	return seen
}

// drift looks at a stage of constant load. stages is how many are looked at: the more, the surer each
// has to be.
func (p part) drift(stages int) drift {
	values, _ := p.inOrder()
	n := len(values)
	if n < leastDrift {
		return drift{}
	}
	first, last := Median(values[:n/3]), Median(values[n-n/3:])
	if *first <= 0 {
		return drift{}
	}
	return drift{pct: ptr(100 * (*last / *first - 1)), certain: spearmanP(values) < limitDriftP/float64(max(1, stages))}
}

// inOrder are the latencies of a stage of constant load in the order of sending; none where its load
// changed. The requests that began while the users filled the loop, and those that ended while it
// drained, met another load than the rest and are left out. The latency is E2E when all answers have one
// length, else TPOT.
func (p part) inOrder() (latencies []float64, metric string) {
	rs := slices.Clone(p.ok)
	slices.SortStableFunc(rs, func(a, b record) int { return cmp.Compare(a.SentUs, b.SentUs) })
	if users := askedOf(p.mark.Load).users; users != nil && len(rs) > 2**users {
		rs = rs[*users : len(rs)-*users]
	} else if users != nil {
		return nil, ""
	}
	ramp := p.mark.Load.Kind == domain.LoadRamp || p.mark.Load.Kind == domain.LoadTrace
	if ramp || slices.ContainsFunc(rs, func(r record) bool { return r.Turn > 0 }) {
		return nil, ""
	}
	if slices.ContainsFunc(rs, func(r record) bool { return !same(r.OutputTokens, rs[0].OutputTokens) }) {
		return each(thinned(rs), tpot)(nil), "tpot_ms"
	}
	return each(thinned(rs), offset(func(r record) *int64 { return r.LastUs }))(nil), "e2e_ms"
}

// thinned keeps at most mostDrift records, evenly spread.
func thinned(rs []record) []record {
	step := (len(rs) + mostDrift - 1) / mostDrift
	if step <= 1 {
		return rs
	}
	out := rs[:0]
	for i := 0; i < len(rs); i += step {
		out = append(out, rs[i])
	}
	return out
}

// spearmanP is the two-sided probability that values without any order in time would correlate so
// strongly with their place, by Spearman's ρ and Student's t with n − 2 degrees of freedom.
func spearmanP(values []float64) float64 {
	n := len(values)
	ranks := ranksOf(values)
	mid := float64(n-1) / 2
	var xy, xx, yy float64
	for i, r := range ranks {
		x, y := float64(i)-mid, r-mid
		xy, xx, yy = xy+x*y, xx+x*x, yy+y*y
	}
	if xx == 0 || yy == 0 {
		return 1
	}
	rho := xy / math.Sqrt(xx*yy)
	if math.Abs(rho) >= 1 {
		return 0
	}
	t := rho * math.Sqrt(float64(n-2)/(1-rho*rho))
	return 2 * distuv.StudentsT{Sigma: 1, Nu: float64(n - 2)}.Survival(math.Abs(t))
}

// ranksOf gives each value its rank from 0; equal values share the mean of theirs.
func ranksOf(values []float64) []float64 {
	order := make([]int, len(values))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(values[a], values[b]) })
	ranks := make([]float64, len(values))
	for from := 0; from < len(order); {
		to := from
		for to < len(order) && values[order[to]] == values[order[from]] {
			to++
		}
		for _, i := range order[from:to] {
			ranks[i] = float64(from+to-1) / 2
		}
		from = to
	}
	return ranks
}
