package infer

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// ShareInterval is Wilson's score interval of a share, 0 to 1, of which k of n cases were seen. It stays
// within 0 and 1 and holds its confidence for small n and for shares near the ends, where the usual
// share ± z·s has no width at all. It is false when n is 0 or k is not of 0 to n.
//
// E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", Journal of the
// American Statistical Association 22 (1927), 209-212; recommended for small n by L. D. Brown, T. T. Cai
// and A. DasGupta, "Interval Estimation for a Binomial Proportion", Statistical Science 16 (2001), 101-133.
func ShareInterval(k, n int, confidence float64) (Interval, bool) {
	if n <= 0 || k < 0 || k > n || !share(confidence) {
		return Interval{}, false
	}
	return wilson(float64(k)/float64(n), float64(n), confidence), true
}

// wilson is the interval of a share p of n cases, which may be worth less than they are many.
func wilson(p, n, confidence float64) Interval {
	z := distuv.UnitNormal.Quantile(0.5 + confidence/2)
	middle := (p + z*z/(2*n)) / (1 + z*z/n)
	half := z / (1 + z*z/n) * math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
	out := Interval{max(0, middle-half), min(1, middle+half)}
	if p == 0 {
		out.Low = 0 // rounding must not lift it
	}
	if p == 1 {
		out.High = 1
	}
	return out
}

// ClusterMean is the mean of values that came in clusters, such as the tokens of texts: sums[i] is what
// the values of cluster i amount to and sizes[i] how many there are. Values of one cluster are alike, so
// the interval counts clusters, not values: the ratio estimator Σsums / Σsizes with the t interval of its
// linearised variance, n/(n-1) · Σ(sums - mean·sizes)² / (Σsizes)², at n-1 degrees of freedom. It is
// false, with the mean still right, below two clusters; the mean is NaN when there is no value.
//
// W. G. Cochran, "Sampling Techniques", 3rd ed. (1977), sections 2.11 and 9A.
func ClusterMean(sums, sizes []float64, confidence float64) (float64, Interval, bool) {
	var sum, size float64
	for i := range min(len(sums), len(sizes)) {
		sum, size = sum+sums[i], size+sizes[i]
	}
	m := sum / size
	if len(sums) != len(sizes) || len(sums) < 2 || notFinite(m) || !share(confidence) {
		return m, Interval{}, false
	}
	var squares float64
	for i := range sums {
		d := sums[i] - m*sizes[i]
		squares += d * d
	}
	n := float64(len(sums))
	half := tFactor(confidence, n-1) * math.Sqrt(n/(n-1)*squares) / size
	if notFinite(half) {
		return m, Interval{}, false
	}
	return m, Interval{m - half, m + half}, true
}
