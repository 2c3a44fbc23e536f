package infer

import (
	"fmt"
	"math"
	"slices"
)

// Ratio is a comparison of b with a: how many times b's values are a's.
type Ratio struct {
	Ratio    float64 // geometric mean of b ÷ geometric mean of a; 1 is no difference
	Interval Interval
	P        float64 // two-sided: the chance of so large a difference, or a larger one, where there is none
	N, M     int     // values of a and of b
	DF       float64 // degrees of freedom of the interval
}

// mostFlips is how many pairs have their signs flipped in every way; with more, t is as good.
const mostFlips = 16

// PairedRatio compares two arms that ran in pairs: a[i] and b[i] under the same conditions, one soon
// after the other and in random order, each value one run. Whatever is common to a pair, such as a
// machine that warms up, cancels. The ratio is the geometric mean of b[i] / a[i], with Student's t
// interval of the logarithms; P is exact by SignFlipP up to 16 pairs, and beyond that from the same t.
//
// Interval and P come from two methods and may disagree at the very edge. Exact P cannot be below
// 2 / 2^n, so with fewer than 6 pairs it never is below 5 %. The error says which value is wrong.
//
// Student, "The Probable Error of a Mean", Biometrika 6 (1908), 1-25; R. A. Fisher, "The Design of
// Experiments" (1935), section 21; on benchmarks T. Kalibera and R. Jones, "Rigorous Benchmarking in
// Reasonable Time", ISMM 2013, 63-74, whose ratio of means this is, on logarithms.
func PairedRatio(a, b []float64, confidence float64) (Ratio, error) {
	if err := checkArms(a, b, confidence); err != nil {
		return Ratio{}, err
	}
	if len(a) != len(b) {
		return Ratio{}, fmt.Errorf("pairs need as many values on both sides: a has %d, b has %d", len(a), len(b))
	}
	n := len(a)
	logs := make([]float64, n)
	for i := range a {
		logs[i] = math.Log(b[i]) - math.Log(a[i])
	}
	m, squares := meanAndSquares(logs)
	if same(logs) {
		m, squares = logs[0], 0
	}
	df := float64(n - 1)
	standardError := math.Sqrt(squares / df / float64(n))
	out := ratioOf(m, standardError, df, confidence)
	out.N, out.M = n, n
	if n <= mostFlips {
		out.P = SignFlipP(logs)
	}
	return out, nil
}

// WelchRatio compares two arms that did not run in pairs, each value one run: Welch's t on logarithms,
// which lets the arms spread differently. Nothing takes out what changed on the machine between them, so
// a difference may be the hour's and not the arm's; say so beside it. Where neither arm spreads at all,
// P is 1 or 0. The error says which value is wrong.
//
// B. L. Welch, "The Generalization of 'Student's' Problem when Several Different Population Variances
// are Involved", Biometrika 34 (1947), 28-35; degrees of freedom by F. E. Satterthwaite, Biometrics
// Bulletin 2 (1946), 110-114.
func WelchRatio(a, b []float64, confidence float64) (Ratio, error) {
	if err := checkArms(a, b, confidence); err != nil {
		return Ratio{}, err
	}
	meanA, shareA := logMean(a)
	meanB, shareB := logMean(b)
	n, m := float64(len(a)), float64(len(b))
	variance := shareA + shareB
	df := n + m - 2
	if variance > 0 {
		df = 1 / (sq(shareA/variance)/(n-1) + sq(shareB/variance)/(m-1))
	}
	out := ratioOf(meanB-meanA, math.Sqrt(variance), df, confidence)
	out.N, out.M = len(a), len(b)
	return out, nil
}

// ratioOf turns a mean of logarithms and its standard error into a ratio.
func ratioOf(m, standardError, df, confidence float64) Ratio {
	half := tFactor(confidence, df) * standardError
	return Ratio{
		Ratio:    math.Exp(m),
		Interval: Interval{math.Exp(m - half), math.Exp(m + half)},
		P:        tP(m, standardError, df),
		DF:       df,
	}
}

// logMean is the mean of the logarithms with its squared standard error.
func logMean(values []float64) (m, variance float64) {
	logs := make([]float64, len(values))
	for i, v := range values {
		logs[i] = math.Log(v)
	}
	if same(logs) {
		return logs[0], 0
	}
	m, squares := meanAndSquares(logs)
	n := float64(len(logs))
	return m, squares / (n - 1) / n
}

func sq(x float64) float64 { return x * x }

// checkArms names what keeps two sets from being compared.
func checkArms(a, b []float64, confidence float64) error {
	if !share(confidence) {
		return fmt.Errorf("confidence must lie between 0 and 1, not %v", confidence)
	}
	for _, side := range []struct {
		name   string
		values []float64
	}{{"a", a}, {"b", b}} {
		if n := len(side.values); n < 2 {
			return fmt.Errorf("a comparison needs 2 values on each side at least: %s has %d", side.name, n)
		}
		bad := slices.IndexFunc(side.values, func(v float64) bool { return notFinite(v) || v <= 0 })
		if bad >= 0 {
			return fmt.Errorf("ratios need positive values: value %d of %s is %v", bad+1, side.name, side.values[bad])
		}
	}
	return nil
}

// SignFlipP is the exact two-sided p of "no difference" for logarithms of paired ratios: in how large a
// share of all 2^n ways to give them signs their sum is as far from 0 as it is, or farther. If nothing
// tells the arms apart, each pair could as well have come out the other way round, so the test holds
// whatever the noise looks like. NaN without values, above 16, and where one is not finite. The ways are
// counted by halves, each half's sums sorted, so 2^16 of them take microseconds.
//
// R. A. Fisher, "The Design of Experiments" (1935), section 21; E. J. G. Pitman, "Significance Tests
// which May be Applied to Samples from any Populations", Supplement to the Journal of the Royal
// Statistical Society 4 (1937), 119-130.
func SignFlipP(logRatios []float64) float64 {
	n := len(logRatios)
	if n == 0 || n > mostFlips || !finite(logRatios) {
		return math.NaN()
	}
	var sum, size float64
	for _, v := range logRatios {
		sum, size = sum+v, size+math.Abs(v)
	}
	if notFinite(size) {
		return math.NaN()
	}
	bound := math.Abs(sum) - 1e-12*size // sums that are equal on paper differ by rounding
	if bound <= 0 {
		return 1
	}
	first, second := signedSums(logRatios[:n/2]), signedSums(logRatios[n/2:])
	// Both sorted: the larger the one, the more of the other reach the bound with it. For each way to a sum
	// there is one to its negative, so those beyond -bound are as many.
	ways, from := 0, len(second)
	for _, s := range first {
		for from > 0 && s+second[from-1] >= bound {
			from--
		}
		ways += len(second) - from
	}
	return float64(2*ways) / float64(int(1)<<n)
}

// signedSums are the sums of the values with signs in all ways, sorted.
func signedSums(values []float64) []float64 {
	sums := []float64{0}
	for _, v := range values {
		for i := range len(sums) {
			sums = append(sums, sums[i]+v)
			sums[i] -= v
		}
	}
	slices.Sort(sums)
	return sums
}

// Holm adjusts the p of several tests made at once, in the order given, so that the chance of even one
// false alarm among all stays at the level they are then compared with. Each is multiplied by how many
// tests there are, less the smaller ones, is never below a smaller one's, and never above 1. NaN is a
// test that was not made: it stays and does not count.
//
// S. Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian Journal of Statistics
// 6 (1979), 65-70.
func Holm(p []float64) []float64 {
	out := make([]float64, len(p))
	var order []int
	for i, v := range p {
		out[i] = v
		if !math.IsNaN(v) {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(i, j int) int {
		switch {
		case p[i] < p[j]:
			return -1
		case p[i] > p[j]:
			return 1
		}
		return 0
	})
	least := 0.0
	for rank, i := range order {
		least = max(least, min(1, p[i]*float64(len(order)-rank)))
		out[i] = least
	}
	return out
}
