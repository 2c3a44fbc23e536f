package infer

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// mostExactTrend is the longest series without ties whose p is counted out; from there on the normal
// distribution is close.
const mostExactTrend = 10

// Trend is how far values drift from the first to the last: the Theil-Sen slope, the median of the
// slopes of all pairs, over the whole length, in percent of their median; and the two-sided p of "no
// drift" by Mann and Kendall, who count in how many pairs the later value is the larger. Neither is moved
// by a few outliers. Values are equally far apart in time, a missing one is NaN, and p corrects for ties.
//
// The test takes the noise as independent: values that follow one another (a temperature, a load) drift
// by its measure even where they only wander. So a small p alone is no fault of a run; look at the slope.
// p is NaN below 3 values; the slope then too, and where the median is 0.
//
// H. B. Mann, "Nonparametric Tests Against Trend", Econometrica 13 (1945), 245-259; M. G. Kendall, "Rank
// Correlation Methods", 4th ed. (1975); P. K. Sen, "Estimates of the Regression Coefficient Based on
// Kendall's Tau", Journal of the American Statistical Association 63 (1968), 1379-1389.
func Trend(values []float64) (slopePercent, p float64) {
	kept, at := known(values)
	if len(kept) < 3 {
		return math.NaN(), math.NaN()
	}
	sorted := slices.Sorted(slices.Values(kept))
	if middle := quantile(sorted, 0.5); middle == 0 {
		slopePercent = math.NaN()
	} else {
		slopePercent = 100 * theilSen(kept, at) * float64(len(values)-1) / math.Abs(middle)
	}
	return slopePercent, mannKendall(kept, sorted)
}

// mannKendall is the two-sided p of S, the pairs that rise less those that fall.
func mannKendall(values, sorted []float64) float64 {
	n := float64(len(values))
	pairs := n * (n - 1) / 2
	variance := n * (n - 1) * (2*n + 5)
	tied := 0.0
	for i := 0; i < len(sorted); {
		j := i + 1
		for j < len(sorted) && sorted[j] == sorted[i] {
			j++
		}
		k := float64(j - i)
		variance -= k * (k - 1) * (2*k + 5)
		tied += k * (k - 1) / 2
		i = j
	}
	falling := float64(inversions(slices.Clone(values)))
	s := pairs - tied - 2*falling
	if tied == 0 && len(values) <= mostExactTrend {
		return exactKendall(len(values), int(min(falling, pairs-falling)))
	}
	if variance <= 0 {
		return 1 // all the same
	}
	z := max(0, math.Abs(s)-1) / math.Sqrt(variance/18) // less 1: S moves in steps of 2
	return min(1, 2*distuv.UnitNormal.CDF(-z))
}

// exactKendall is the two-sided p of n values without ties in which so few pairs are out of order,
// counted over all orders. Each further value has 0 to n-1 pairs out of order with those before, all
// equally likely.
func exactKendall(n, few int) float64 {
	chances := []float64{1}
	for size := 2; size <= n; size++ {
		next := make([]float64, len(chances)+size-1)
		for i, c := range chances {
			for k := range size {
				next[i+k] += c / float64(size)
			}
		}
		chances = next
	}
	var p float64
	for _, c := range chances[:few+1] {
		p += 2 * c
	}
	return min(1, p)
}

// inversions counts the pairs whose earlier value is the larger, by merging; it sorts the values.
func inversions(values []float64) int {
	return mergeCount(values, make([]float64, len(values)))
}

func mergeCount(values, spare []float64) int {
	n := len(values)
	if n < 2 {
		return 0
	}
	middle := n / 2
	count := mergeCount(values[:middle], spare[:middle]) + mergeCount(values[middle:], spare[middle:])
	copy(spare, values)
	left, right := spare[:middle], spare[middle:n]
	for i := range values {
		if len(right) == 0 || len(left) > 0 && left[0] <= right[0] {
			values[i], left = left[0], left[1:]
			continue
		}
		values[i], right = right[0], right[1:]
		count += len(left)
	}
	return count
}

// theilSen is the median slope of all pairs, per step, without making them all: how many slopes lie
// below s is how many pairs are out of order once s a step is taken off, so the median is found by
// halving the range it lies in. Its error is below 1e-12 of the steepest slope.
//
// R. Cole, J. S. Salowe, W. L. Steiger and E. Szemerédi, "An Optimal-Time Algorithm for Slope Selection",
// SIAM Journal on Computing 18 (1989), 792-810, whose count this is.
func theilSen(values []float64, at []int) float64 {
	steepest := 0.0
	for i := 1; i < len(values); i++ { // no pair is steeper than the steepest neighbours
		steepest = max(steepest, math.Abs(values[i]-values[i-1])/float64(at[i]-at[i-1]))
	}
	if steepest == 0 {
		return 0
	}
	pairs := len(values) * (len(values) - 1) / 2
	lower := slopeAt(values, at, (pairs-1)/2, steepest)
	upper := lower
	if pairs%2 == 0 {
		upper = slopeAt(values, at, pairs/2, steepest)
	}
	slope := (lower + upper) / 2
	if math.Abs(slope) < 1e-12*steepest {
		return 0
	}
	return slope
}

// slopeAt is the slope that so many others lie below.
func slopeAt(values []float64, at []int, rank int, steepest float64) float64 {
	left := make([]float64, len(values))
	low, high := -steepest, steepest
	for range 44 { // 2 / 2^44 is about 1e-13
		s := low + (high-low)/2
		for i, v := range values {
			left[i] = v - s*float64(at[i])
		}
		if inversions(left) > rank {
			high = s
		} else {
			low = s
		}
	}
	return low + (high-low)/2
}
