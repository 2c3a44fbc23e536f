package compare

import (
	"fmt"
	"math"
	"slices"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/stats/infer"
)

// AssumedSpread is the standard deviation of the logarithm of a pair's ratio where no runs tell it: with it eight pairs
// find 2 % in the three of four cases that the simulated machine gives (docs/benchmarks.md, “Its statistics”), before p is corrected over figures.
const AssumedSpread = 0.019

// leastForSpread is how many runs of an arm tell how it spreads; with fewer the figure is mostly luck.
const leastForSpread = 3

// Estimate says what pairs would find. before holds the runs that were measured earlier with the settings of each arm;
// seconds is how long a run of each takes, NaN where that is not known. The runs of a pair are taken to spread
// independently, which is cautious: what drifts falls on both.
func Estimate(before [][]domain.Run, seconds []float64, pairs, most int, minEffect float64) domain.ExperimentEstimate {
	e := domain.ExperimentEstimate{Pairs: pairs, Total: pairs * len(before), MinEffectPercent: minEffect, Options: []domain.EstimateOption{}}
	spread, looked, figures := spreadOf(before)
	e.SpreadFrom, e.RunsLookedAt, e.Figures = "runs", looked, figures
	if looked == 0 {
		e.SpreadFrom, spread = "assumed", AssumedSpread
	}
	e.SpreadPercent = 100 * spread
	each := 0.0
	for _, s := range seconds {
		each += s
	}
	takes := func(n int) *float64 {
		if math.IsNaN(each) {
			return nil
		}
		return new(each * float64(n))
	}
	e.Seconds = takes(pairs)
	if minEffect > 0 {
		// The verdict corrects p over all figures; the first of Holm's steps is the hardest, and an exact p cannot be below 2 ÷ 2ⁿ.
		alpha := (1 - Confidence) / float64(figures)
		power := 0.0
		if pairs >= LeastPairs && 2/math.Pow(2, float64(pairs)) <= alpha {
			power = infer.PairedPower(spread, minEffect/100, pairs, alpha)
		}
		e.Power = &power
		for _, want := range []float64{0.8, 0.9} {
			o := domain.EstimateOption{Power: want}
			if n, ok := infer.PairsFor(spread, minEffect/100, want, alpha, most); ok {
				o.Pairs, o.Seconds = &n, takes(n)
			}
			e.Options = append(e.Options, o)
		}
	}
	e.Sentence = estimateWords(e)
	return e
}

// spreadOf is the standard deviation of a pair's log ratio of the main figure, from how the runs of each arm spread; an arm
// without enough of them is taken to spread like the widest other. figures counts the judged ones that any run has.
func spreadOf(before [][]domain.Run) (spread float64, looked, figures int) {
	var variances []float64
	for _, runs := range before {
		logs := logsOf(runs)
		if len(logs) < leastForSpread {
			continue
		}
		m := 0.0
		for _, v := range logs {
			m += v / float64(len(logs))
		}
		squares := 0.0
		for _, v := range logs {
			squares += (v - m) * (v - m)
		}
		variances = append(variances, squares/float64(len(logs)-1))
		looked += len(logs)
	}
	for _, m := range metrics() {
		had := false
		for _, runs := range before {
			had = had || slices.ContainsFunc(valuesOf(Side{Runs: runs}, m, ""), func(v float64) bool { return !math.IsNaN(v) })
		}
		if m.tested && (had || looked == 0) {
			figures++
		}
	}
	if looked == 0 {
		return 0, 0, figures
	}
	widest := slices.Max(variances)
	slices.Sort(variances)
	if len(variances) == 1 {
		variances = append(variances, widest)
	}
	// Of several arms the two that spread most: the others are easier to tell apart.
	n := len(variances)
	return math.Sqrt(variances[n-1] + variances[n-2]), looked, figures
}

// logsOf are the logarithms of the main figure of runs: decode speed, else output throughput.
func logsOf(runs []domain.Run) []float64 {
	for _, m := range metrics()[:2] {
		var out []float64
		for _, v := range valuesOf(Side{Runs: runs}, m, "") {
			if v > 0 {
				out = append(out, math.Log(v))
			}
		}
		if len(out) > 0 {
			return out
		}
	}
	return nil
}

func estimateWords(e domain.ExperimentEstimate) string {
	from := fmt.Sprintf("A pair spreads by %.1f %%, as %d earlier runs do.", e.SpreadPercent, e.RunsLookedAt)
	if e.SpreadFrom == "assumed" {
		from = fmt.Sprintf("It is assumed that a pair spreads by %.1f %%: no earlier runs tell it.", e.SpreadPercent)
	}
	if e.Power == nil {
		return from
	}
	text := fmt.Sprintf("%d pairs find a difference of %g %% in %.0f of 100 cases.", e.Pairs, e.MinEffectPercent, 100**e.Power)
	for _, o := range e.Options {
		if o.Pairs != nil && *o.Pairs > e.Pairs {
			text += fmt.Sprintf(" %d pairs find it in %.0f.", *o.Pairs, 100*o.Power)
		}
	}
	return text + " " + from
}
