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
	slopePercent = 100 * theilSen(kept, at) * float64(len(values)-1) / math.Abs(quantile(sorted, 0.5))
	if notFinite(slopePercent) {
		slopePercent = math.NaN()
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
	falling := float64(inversions(values))
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

// inversions counts the pairs whose earlier value is the larger, by merging (D. E. Knuth, "The Art of
// Computer Programming", vol. 3, 2nd ed. (1998), section 5.1.1).
func inversions(values []float64) int {
	return mergeCount(slices.Clone(values), make([]float64, len(values)))
}

// mergeCount sorts values with the help of a second slice of the same length.
func mergeCount(values, spare []float64) int {
	const few = 12 // that many are sorted faster one by one
	n := len(values)
	count := 0
	if n <= few {
		for i := 1; i < n; i++ {
			v, k := values[i], i
			for ; k > 0 && values[k-1] > v; k-- {
				values[k] = values[k-1]
			}
			values[k] = v
			count += i - k
		}
		return count
	}
	middle := n / 2
	count = mergeCount(values[:middle], spare[:middle]) + mergeCount(values[middle:], spare[middle:])
	copy(spare, values)
	left, right := spare[:middle], spare[middle:n]
	l, r := 0, 0
	for i := range values {
		if r == len(right) || l < len(left) && left[l] <= right[r] {
			values[i] = left[l]
			l++
			continue
		}
		values[i] = right[r]
		r++
		count += len(left) - l
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
	s := slopes{values, at, make([]float64, len(values)), make([]float64, len(values)), steepest * 1e-13}
	pairs := len(values) * (len(values) - 1) / 2
	slope := s.between((pairs-1)/2, pairs/2, -steepest, steepest)
	if math.Abs(slope) < 1e-12*steepest {
		return 0
	}
	return slope
}

// slopes are those of all pairs of values.
type slopes struct {
	values      []float64
	at          []int
	left, spare []float64
	tolerance   float64
}

// between is the mean of the slopes that rankLow and rankHigh others lie below, which are neighbours and
// lie from low to high.
func (s slopes) between(rankLow, rankHigh int, low, high float64) float64 {
	for high-low > s.tolerance {
		middle := low + (high-low)/2
		if middle <= low || middle >= high {
			break // there is no number between them
		}
		switch below := s.below(middle); {
		case below > rankHigh:
			high = middle
		case below <= rankLow:
			low = middle
		default: // one on each side
			return (s.between(rankLow, rankLow, low, middle) + s.between(rankHigh, rankHigh, middle, high)) / 2
		}
	}
	return low + (high-low)/2
}

// below counts the slopes below one.
func (s slopes) below(slope float64) int {
	for i, v := range s.values {
		s.left[i] = v - slope*float64(s.at[i])
	}
	return mergeCount(s.left, s.spare)
}
