package infer

import (
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// Interval is a range that holds the true figure in the given share of cases; in the unit of the values.
type Interval struct{ Low, High float64 }

// leastResamples is the fewest for which the ends of a bootstrap interval mean anything.
const leastResamples = 100

// stream is the second half of every generator's seed, so that callers give one number.
const stream = 0x9e3779b97f4a7c15

// QuantileInterval is the interval of quantile q (0 to 1) by order statistics. It assumes nothing of the
// shape: how many of n values lie below the true quantile is binomial, so the chance that the l-th and
// the u-th of them enclose it is exactly P(l ≤ B(n, q) < u). Of all pairs whose chance reaches the
// confidence it takes the closest, and among equally close ones the likeliest, then the higher. The
// chance is therefore the confidence or a little more.
//
// It is false when no pair reaches the confidence, because n is too small (at 95 %: 6 values for a
// median, 299 for a 99th percentile), and for values that are not all finite. The values must be sorted.
//
// H. A. David and H. N. Nagaraja, "Order Statistics", 3rd ed. (2003), section 7.1; for ends that need not
// lie evenly W. Q. Meeker, G. J. Hahn and L. A. Escobar, "Statistical Intervals", 2nd ed. (2017),
// section 5.2.
func QuantileInterval(sorted []float64, q, confidence float64) (Interval, bool) {
	if !share(q) || !share(confidence) || !finite(sorted) {
		return Interval{}, false
	}
	low, high, ok := quantileRanks(len(sorted), q, confidence)
	if !ok {
		return Interval{}, false
	}
	return Interval{sorted[low-1], sorted[high-1]}, true
}

// quantileRanks are the ranks, from 1 on, of the two ends. The binomial has one peak, so the likeliest
// range of a given length grows from there, each time to the likelier side.
func quantileRanks(n int, q, confidence float64) (low, high int, ok bool) {
	if n < 2 {
		return 0, 0, false
	}
	const tie = 1 + 1e-9 // rounding must not decide between two sides that are alike
	mode := min(max(int(float64(n+1)*q), 1), n-1)
	p := binomial(n, mode, q)
	below, above := p, p // the chances of from and to
	from, to, total := mode, mode, p
	odds := q / (1 - q)
	for total < confidence {
		down, up := -1.0, -1.0
		if from > 1 {
			down = below * float64(from) / float64(n-from+1) / odds
		}
		if to < n-1 {
			up = above * float64(n-to) / float64(to+1) * odds
		}
		switch {
		case down < 0 && up < 0:
			return 0, 0, false
		case down > up*tie || up < 0:
			from, below, total = from-1, down, total+down
		default:
			to, above, total = to+1, up, total+up
		}
	}
	return from, to + 1, true
}

// binomial is P(B(n, q) = k), through logarithms, so that it is right for large n too.
func binomial(n, k int, q float64) float64 {
	return distuv.Binomial{N: float64(n), P: q}.Prob(float64(k))
}

// MeanInterval is Student's t interval of the mean: mean ± t(n-1) · s / √n. It takes the values as
// independent and their mean as normal, which for skewed values holds from some dozens on; see BCaMean.
// It is false below two values and for values that are not all finite.
//
// Student (W. S. Gosset), "The Probable Error of a Mean", Biometrika 6 (1908), 1-25; in this form
// NIST/SEMATECH e-Handbook of Statistical Methods, section 1.3.5.2.
func MeanInterval(values []float64, confidence float64) (Interval, bool) {
	if len(values) < 2 || !share(confidence) || !finite(values) {
		return Interval{}, false
	}
	if same(values) {
		return Interval{values[0], values[0]}, true // rounding would give it a width
	}
	m, squares := meanAndSquares(values)
	n := float64(len(values))
	half := tFactor(confidence, n-1) * math.Sqrt(squares/(n-1)/n)
	if notFinite(m) || notFinite(half) {
		return Interval{}, false
	}
	return Interval{m - half, m + half}, true
}

// BCaMean is the bias-corrected and accelerated bootstrap interval of the mean, which follows the skew
// of the values where Student's t is even on both sides. The acceleration is worked out from the values,
// Σd³ / (6 (Σd²)^1.5) with d the deviations from the mean; for the mean that is what leaving out each
// value in turn gives. Quantiles between resamples are interpolated (type 7), and resamples that equal
// the mean count half, as SciPy does.
//
// 10,000 resamples put the ends within about 1 % of the width of where endless ones would. It is false
// below two values, below 100 resamples, for values that are not all finite, and where so few values lie
// so far apart that the correction has no answer.
//
// B. Efron, "Better Bootstrap Confidence Intervals", Journal of the American Statistical Association 82
// (1987), 171-185.
func BCaMean(values []float64, confidence float64, resamples int, seed uint64) (Interval, bool) {
	n := len(values)
	if n < 2 || n > math.MaxUint32 || resamples < leastResamples || !share(confidence) || !finite(values) {
		return Interval{}, false
	}
	if same(values) {
		return Interval{values[0], values[0]}, true
	}
	m := mean(values)
	deviations := make([]float64, n)
	var squares, cubes float64
	for i, v := range values {
		d := v - m
		deviations[i] = d
		squares += d * d
		cubes += d * d * d
	}
	if notFinite(squares) {
		return Interval{}, false
	}
	acceleration := cubes / (6 * math.Pow(squares, 1.5))
	drawn := resampledMeans(deviations, resamples, seed)
	slices.Sort(drawn)
	low, high, ok := bcaShares(drawn, acceleration, confidence)
	if !ok {
		return Interval{}, false
	}
	return Interval{m + quantile(drawn, low), m + quantile(drawn, high)}, true
}

// bcaShares are which quantiles of the sorted means, given as deviations from the true one, are the ends
// of the interval.
func bcaShares(drawn []float64, acceleration, confidence float64) (low, high float64, ok bool) {
	below, _ := slices.BinarySearch(drawn, 0)
	equal := 0
	for below+equal < len(drawn) && drawn[below+equal] == 0 {
		equal++
	}
	bias := distuv.UnitNormal.Quantile((float64(below) + float64(equal)/2) / float64(len(drawn)))
	at := func(p float64) float64 {
		z := bias + distuv.UnitNormal.Quantile(p)
		left := 1 - acceleration*z
		if left <= 0 {
			return math.NaN()
		}
		return distuv.UnitNormal.CDF(bias + z/left)
	}
	low, high = at((1-confidence)/2), at((1+confidence)/2)
	return low, high, !notFinite(bias) && low < high
}

// resampledMeans draws as many values as there are, with replacement, and takes their mean; many times.
// One number of the generator gives two places: the upper part of 32 random bits times n. That favours
// no place by more than n in 2³².
func resampledMeans(values []float64, times int, seed uint64) []float64 {
	random := rand.NewPCG(seed, stream)
	n := uint64(len(values))
	out := make([]float64, times)
	for i := range out {
		var a, b float64 // two sums, so that one addition need not wait for the other
		for range n / 2 {
			x := random.Uint64()
			a += values[(x>>32)*n>>32]
			b += values[(x&math.MaxUint32)*n>>32]
		}
		if n%2 == 1 {
			a += values[(random.Uint64()>>32)*n>>32]
		}
		out[i] = (a + b) / float64(n)
	}
	return out
}
