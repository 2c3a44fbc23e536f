package infer

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// Predict is where one more value of the same kind would lie: mean ± t(n-1) · s · √(1 + 1/n). And p is the
// chance of a value at least as far from the mean as next is, t = (next - mean) / (s · √(1 + 1/n)) with n-1 degrees
// of freedom, on both sides. It is wider than the interval of the mean, which says where the mean lies and not
// where the next value does. It takes the values as independent and normal. It is false below two values, for values
// that are not all finite, and where all values are one: then nothing is known of their spread.
//
// G. J. Hahn, "Factors for Calculating Two-Sided Prediction Intervals for Samples from a Normal
// Distribution", Journal of the American Statistical Association 64 (1969), 878-888, for one further value.
func Predict(values []float64, next, confidence float64) (in Interval, p float64, ok bool) {
	if len(values) < 2 || !share(confidence) || !finite(values) || notFinite(next) || same(values) {
		return Interval{}, math.NaN(), false
	}
	m, squares := meanAndSquares(values)
	n := float64(len(values))
	s := math.Sqrt(squares / (n - 1) * (1 + 1/n))
	half := tFactor(confidence, n-1) * s
	if notFinite(half) || s == 0 {
		return Interval{}, math.NaN(), false
	}
	t := distuv.StudentsT{Sigma: 1, Nu: n - 1}
	return Interval{m - half, m + half}, 2 * t.CDF(-math.Abs(next-m)/s), true
}
