package infer

import (
	"math"

	"gonum.org/v1/gonum/integrate/quad"
	"gonum.org/v1/gonum/stat/distuv"
)

// PairedPower is the chance (0 to 1) that a comparison of so many pairs at level alpha finds an effect
// of the given size, for logarithms of paired ratios that spread by sdLog. The effect is the ratio less
// 1: 0.02 is 2 % more. It is that of the two-sided paired t test, of a call in either direction, from
// the noncentral t distribution with ln(1 + effect) · √pairs / sdLog.
//
// 0 with fewer than 2 pairs, where there is no test; NaN for an sdLog below 0, an effect of -1 or less,
// or an alpha that is not between 0 and 1.
//
// J. Cohen, "Statistical Power Analysis for the Behavioral Sciences", 2nd ed. (1988), chapter 2.
func PairedPower(sdLog, effect float64, pairs int, alpha float64) float64 {
	if notFinite(sdLog) || sdLog < 0 || notFinite(effect) || effect <= -1 || !share(alpha) {
		return math.NaN()
	}
	if pairs < 2 {
		return 0
	}
	shift := math.Abs(math.Log1p(effect)) * math.Sqrt(float64(pairs))
	switch {
	case shift == 0:
		return alpha
	case sdLog == 0:
		return 1
	}
	df := float64(pairs - 1)
	critical := tFactor(1-alpha, df)
	return min(1, noncentralAbove(critical, df, shift/sdLog)+noncentralAbove(critical, df, -shift/sdLog))
}

// PairsFor is the fewest pairs, up to most, that find the effect with at least the given power; see
// PairedPower. It never answers fewer than an exact sign-flip test needs to reach alpha at all, which
// is 6 pairs at 5 %. False when most is not enough, and for what PairedPower refuses.
func PairsFor(sdLog, effect, power, alpha float64, most int) (int, bool) {
	if !share(power) || !share(alpha) || math.IsNaN(PairedPower(sdLog, effect, most, alpha)) {
		return 0, false
	}
	low := 1 + int(math.Ceil(-math.Log2(alpha)-1e-9)) // 2 / 2^pairs ≤ alpha
	low = max(low, 2)
	if low > most || PairedPower(sdLog, effect, most, alpha) < power {
		return 0, false
	}
	high := most
	for low < high { // power only rises with pairs
		middle := low + (high-low)/2
		if PairedPower(sdLog, effect, middle, alpha) >= power {
			high = middle
		} else {
			low = middle + 1
		}
	}
	return low, true
}

// noncentralAbove is the chance that noncentral t with df degrees of freedom exceeds t ≥ 0. With S the
// root of a χ² over its degrees of freedom it is the mean of Φ(noncentrality - t·S) over S. That is
// integrated by Gauss-Legendre in two pieces, where Φ is 1 and where it falls; series for it lose their
// digits where the noncentrality is large.
//
// N. L. Johnson, S. Kotz and N. Balakrishnan, "Continuous Univariate Distributions", vol. 2, 2nd ed.
// (1995), chapter 31.
func noncentralAbove(t, df, noncentrality float64) float64 {
	const nodes, tail = 100, 9 // beyond nine standard deviations nothing weighs anything
	half := df / 2
	logGamma, _ := math.Lgamma(half)
	scale := math.Ln2 + half*math.Log(half) - logGamma
	part := func(s float64) float64 {
		density := math.Exp(scale + (df-1)*math.Log(s) - half*s*s)
		return distuv.UnitNormal.CDF(noncentrality-t*s) * density
	}
	reach := tail / math.Sqrt(2*df)
	from, to := max(0, 1-reach), 1+reach
	fall := min(max((noncentrality-tail)/t, from), to)
	sum := 0.0
	if fall > from {
		sum += quad.Fixed(part, from, fall, nodes, quad.Legendre{}, 1)
	}
	if to = min(to, (noncentrality+tail)/t); to > fall {
		sum += quad.Fixed(part, fall, to, nodes, quad.Legendre{}, 1)
	}
	return min(max(sum, 0), 1)
}
