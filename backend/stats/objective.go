package stats

import (
	"slices"

	"github.com/inferometer/inferometer/backend/domain"
)

// defaultPercentile judges an objective that names none.
const defaultPercentile = 95

// objectives are those of the plan, and the one a search for the limit goes by.
func objectives(plan domain.Plan) []domain.Objective {
	o := plan.Load.Objective
	if plan.Load.Kind != domain.LoadKnee || o == nil || slices.ContainsFunc(plan.SLO, func(s domain.Objective) bool {
		return s.Metric == o.Metric && s.BelowMs == o.BelowMs && same(s.Percentile, o.Percentile)
	}) {
		return plan.SLO
	}
	return append(slices.Clone(plan.SLO), *o)
}

func unanswered(objectives []domain.Objective) []domain.ObjectiveResult {
	out := make([]domain.ObjectiveResult, len(objectives))
	for i, o := range objectives {
		out[i].Objective = o
	}
	return out
}

// judge compares the percentile of a metric with the objectives that speak of it. An objective
// without a single value is not met.
func (t *tally) judge(metric string, sorted []float64) {
	for i := range t.results {
		r := &t.results[i]
		if r.Objective.Metric != metric || len(sorted) == 0 {
			continue
		}
		p := float64(defaultPercentile)
		if r.Objective.Percentile != nil {
			p = *r.Objective.Percentile
		}
		v := Quantile(sorted, p/100)
		r.ValueMs, r.Met = &v, v <= r.Objective.BelowMs
	}
}

// goodput counts the requests that succeeded and met every objective, each taken for the request
// alone; nil without objectives.
func (t *tally) goodput(m set, seconds float64) *domain.Goodput {
	if len(t.objectives) == 0 {
		return nil
	}
	var g domain.Goodput
	tokens := 0
	for _, r := range m.ok {
		if slices.ContainsFunc(t.objectives, func(o domain.Objective) bool { return !meets(r, o) }) {
			continue
		}
		g.Met++
		if r.OutputTokens != nil {
			tokens += *r.OutputTokens
		}
	}
	if len(m.all) > 0 {
		share := float64(g.Met) / float64(len(m.all))
		g.Fraction = &share
	}
	if seconds > 0 {
		rps, tps := float64(g.Met)/seconds, float64(tokens)/seconds
		g.RequestsPerSecond, g.TokensPerSecond = &rps, &tps
	}
	return &g
}

// meets reports whether one request stayed at or below the limit. A metric that the request cannot
// have counts as met, as vLLM's goodput has it: an answer of one token has no TPOT to miss.
func meets(r record, o domain.Objective) bool {
	v, ok := ofRequest(r, o.Metric)
	return !ok || v <= o.BelowMs
}

// ofRequest is one latency of one request, in ms. Its ITL is the mean of its gaps: the largest
// would be judged by one hiccup, and the percentiles over all gaps show those.
func ofRequest(r record, metric string) (float64, bool) {
	var us *int64
	switch metric {
	case "ttft":
		us = r.TTFTUs
	case "ttfv":
		us = r.TTFVUs
	case "ttfr":
		us = r.FirstByteUs
	case "e2e":
		us = r.LastUs
	case "tpot":
		return tpot(r)
	case "ntpot":
		return ntpot(r)
	case "itl":
		n := len(r.ChunkUs)
		if n < 2 {
			return 0, false
		}
		return float64(r.ChunkUs[n-1]-r.ChunkUs[0]) / 1e3 / float64(n-1), true
	}
	if us == nil {
		return 0, false
	}
	return float64(*us) / 1e3, true
}
