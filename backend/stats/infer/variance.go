package infer

import "math"

// What would make a mean over runs more certain; the values of Variance.Advice.
const (
	MoreRuns     = "more_runs"
	MoreRequests = "more_requests"
)

// Variance is where the spread of values comes from: from request to request inside a run, and from run
// to run. Both are variances, in the square of the values' unit.
type Variance struct {
	Within, Between float64
	Runs            int    // runs with a value
	Advice          string // MoreRuns, MoreRequests, or "" where neither is clearly better or 3 runs are not there
}

// clearShare is the part of the mean's variance from which a level is the one to work on.
const clearShare = 2.0 / 3

// SplitVariance splits the variance of values of several runs into its two levels, by the analysis of
// variance with random effects: Within is the mean square inside runs; Between is what the mean square of
// the run means has above that, over the requests of a run, and 0 where it has less.
//
// The mean over R runs of n requests has the variance Between / R + Within / (R·n). More requests in a
// run lessen only the second part. Where two thirds or more are the second, the advice is more requests,
// which cost no new start; where two thirds or more are the first, it is more runs, because no number of
// requests helps. With 2 runs Between is hardly known, so no advice is given.
//
// It is false below two runs, without a run of two values, and where a variance is too large for a
// number. Values that are not finite are left out.
//
// T. Kalibera and R. Jones, "Rigorous Benchmarking in Reasonable Time", ISMM 2013, 63-74; for runs of
// unequal length S. R. Searle, G. Casella and C. E. McCulloch, "Variance Components" (1992), chapter 3.
func SplitVariance(runs [][]float64) (Variance, bool) {
	var means, sizes []float64
	var within, n, sizesSquared float64
	for _, run := range runs {
		kept, _ := known(run)
		if len(kept) == 0 {
			continue
		}
		m, squares := meanAndSquares(kept)
		size := float64(len(kept))
		means, sizes = append(means, m), append(sizes, size)
		within += squares
		n += size
		sizesSquared += size * size
	}
	k := float64(len(means))
	if k < 2 || n == k {
		return Variance{}, false
	}
	var grand, between float64
	for i, m := range means {
		grand += m * sizes[i] / n
	}
	for i, m := range means {
		between += sizes[i] * (m - grand) * (m - grand)
	}
	requests := (n - sizesSquared/n) / (k - 1) // of a run; their mean where all have as many
	out := Variance{Within: within / (n - k), Runs: len(means)}
	out.Between = max(0, (between/(k-1)-out.Within)/requests)
	if notFinite(out.Within) || notFinite(out.Between) {
		return Variance{}, false
	}
	out.Advice = advice(out, requests)
	return out, true
}

func advice(v Variance, requests float64) string {
	part := v.Between / (v.Between + v.Within/requests)
	switch {
	case v.Runs < 3 || math.IsNaN(part):
		return ""
	case part >= clearShare:
		return MoreRuns
	case part <= 1-clearShare:
		return MoreRequests
	}
	return ""
}
