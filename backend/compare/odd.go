package compare

import (
	"math"
	"slices"

	"github.com/inferometer/inferometer/backend/domain"
)

// What stands apart is pointed at, and never taken out: it is mostly a thing that happened.
const (
	leastForOdd = 6 // values; of fewer nobody can say which is the odd one
	oddFence    = 3 // interquartile ranges from the quartiles: Tukey's outer fence
	mostOdds    = 4
)

// oddOnes are the pairs, or the runs of a side, whose value of a metric lies far from that of the others. Of pairs it
// is the ratio to the baseline, so that what was common to a pair is no oddity. What is nearer to the middle than
// the smallest effect that matters is none.
//
// J. W. Tukey, "Exploratory Data Analysis" (1977), section 2D.
func oddOnes(sides []domain.ComparisonSide, m metric, values [][]float64, a Asked) []domain.ComparisonOdd {
	var out []domain.ComparisonOdd
	for side := range sides {
		if a.Paired && side == a.Baseline {
			continue
		}
		logs, places := []float64{}, []int{}
		for i, v := range values[side] {
			if a.Paired {
				v /= values[a.Baseline][i]
			}
			if v > 0 && !math.IsInf(v, 1) {
				logs, places = append(logs, math.Log(v)), append(places, i)
			}
		}
		if len(logs) < leastForOdd {
			continue
		}
		sorted := slices.Sorted(slices.Values(logs))
		q1, middle, q3 := quantile(sorted, 0.25), quantile(sorted, 0.5), quantile(sorted, 0.75)
		reach := oddFence * (q3 - q1)
		for i, v := range logs {
			if (v < q1-reach || v > q3+reach) && math.Abs(v-middle) > math.Log1p(a.MinEffect/100) {
				out = append(out, domain.ComparisonOdd{Metric: m.key, Side: side, Place: places[i], Run: sides[side].Runs[places[i]],
					Percent: 100 * math.Expm1(v-middle)})
			}
		}
	}
	return out
}

// mostOdd keeps the clearest metric of each pair or run, and the few that stand furthest apart.
func mostOdd(all []domain.ComparisonOdd) []domain.ComparisonOdd {
	size := func(o domain.ComparisonOdd) float64 { return math.Abs(math.Log1p(o.Percent / 100)) }
	slices.SortStableFunc(all, func(a, b domain.ComparisonOdd) int {
		switch x, y := size(a), size(b); {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return 0
	})
	out := []domain.ComparisonOdd{}
	for _, o := range all {
		same := func(k domain.ComparisonOdd) bool { return k.Side == o.Side && k.Place == o.Place }
		if len(out) < mostOdds && !slices.ContainsFunc(out, same) {
			out = append(out, o)
		}
	}
	return out
}

// quantile interpolates between the two nearest ranks (type 7).
func quantile(sorted []float64, q float64) float64 {
	rank := q * float64(len(sorted)-1)
	low := int(rank)
	high := min(low+1, len(sorted)-1)
	return sorted[low] + (rank-float64(low))*(sorted[high]-sorted[low])
}
