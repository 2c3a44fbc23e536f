package infer

import (
	"math"
	"slices"
	"sort"

	"gonum.org/v1/gonum/stat/distuv"
)

// Stop says whether to go on repeating.
type Stop string

// The answers of Looks.
const (
	GoOn         Stop = "go_on"         // not known well enough, or no look is due
	NarrowEnough Stop = "narrow_enough" // the interval is as narrow as was asked
	Shown        Stop = "shown"         // of a ratio: the difference is shown, however wide its interval
	NoUse        Stop = "no_use"        // the most there may be will not make it narrow enough, or did not
)

// Looks is a plan for repeating until a figure is known well enough. Who tests after every value and
// stops at the first good answer finds a difference in a thing compared with itself in a quarter of cases
// instead of 5 %; so the numbers of values at which to stop are fixed before, and each look has a part of
// the error to itself. Between looks intervals may be shown, but decide nothing.
//
// P. Armitage, C. K. McPherson and B. C. Rowe, "Repeated Significance Tests on Accumulating Data",
// Journal of the Royal Statistical Society A 132 (1969), 235-244, on why; S. J. Pocock, "Group Sequential
// Methods in the Design and Analysis of Clinical Trials", Biometrika 64 (1977), 191-199, on planned looks.
type Looks struct {
	At         []int   // numbers of values, rising; see PlannedLooks
	Target     float64 // half an interval's width that is narrow enough, as a share: 0.02 is ± 2 %
	Confidence float64 // over all looks together, such as 0.95
}

// Decision is what a look says.
type Decision struct {
	Stop Stop
	// Interval is at the level of one look, so it holds wherever the repeating stops: all looks' intervals
	// together enclose the true figure with the plan's confidence. Of a ratio it is around the ratio.
	Interval  Interval
	HalfWidth float64 // as a share, like Target; NaN below two values
	Next      int     // number of values at the next look; 0 when there is none
	Needed    int     // number of values that the target takes at the present spread; 0 where unknown
}

// mostLooks keeps each look's part of the error large.
const mostLooks = 5

// PlannedLooks are the numbers of values at which to look, from least to most and both of them. Each is
// about twice the one before, because an interval gets narrower with the root of their number; there are
// 5 at most. Below 2 values there is no interval, so no look is earlier.
func PlannedLooks(least, most int) []int {
	least = max(least, 2)
	if most <= least {
		return []int{least}
	}
	steps := math.Log2(float64(most) / float64(least))
	n := min(mostLooks, 1+int(math.Ceil(steps-1e-9)))
	out := make([]int, n)
	for i := range out {
		out[i] = int(math.Round(float64(least) * math.Exp2(steps*float64(i)/float64(n-1))))
	}
	return slices.Compact(out)
}

// LookAlpha is the level of one of so many looks, if all together are to have alpha. It is Bonferroni's,
// which holds however the looks depend on one another and needs no equal steps between them.
//
// O. J. Dunn, "Multiple Comparisons Among Means", Journal of the American Statistical Association 56
// (1961), 52-64.
func LookAlpha(looks int, alpha float64) float64 {
	return alpha / float64(max(looks, 1))
}

// Mean decides over a figure that is measured once a run, such as a speed, from the values so far: the
// half width of Student's t interval, as a share of the mean, against the target. Ask after every value:
// a number of values that is not in the plan decides nothing. Before the last look it says NoUse only
// when even the smallest spread that the values allow, at 95 %, is too large for the most values.
func (l Looks) Mean(values []float64) Decision {
	out, look := l.open(len(values))
	in, ok := MeanInterval(values, l.level())
	if !ok {
		return l.close(out, look)
	}
	m, squares := meanAndSquares(values)
	out.Interval, out.HalfWidth = in, (in.High-in.Low)/2/math.Abs(m)
	if m == 0 || math.IsNaN(out.HalfWidth) {
		out.HalfWidth = math.Inf(1)
		return l.close(out, look)
	}
	df := float64(len(values) - 1)
	spread := math.Sqrt(squares/df) / math.Abs(m)
	out.Needed = l.needed(spread, l.Target)
	switch {
	case !look:
	case out.HalfWidth <= l.Target:
		out.Stop = NarrowEnough
	case out.Next != 0 && l.hopeless(spread, df):
		out.Stop = NoUse
	}
	return l.close(out, look)
}

// Ratio decides over a paired comparison from the pairs so far, as Mean does; the width is that of the
// logarithm. It also stops when the difference is shown: P is at most the look's level and the interval
// is on one side of 1. It says NoUse only at the last look, because a difference may be shown before the
// interval is narrow. The error is PairedRatio's; fewer than two pairs are none, and go on.
func (l Looks) Ratio(a, b []float64) (Decision, error) {
	out, look := l.open(len(a))
	if len(a) == len(b) && len(a) < 2 {
		return l.close(out, look), nil
	}
	r, err := PairedRatio(a, b, l.level())
	if err != nil {
		return Decision{}, err
	}
	half := (math.Log(r.Interval.High) - math.Log(r.Interval.Low)) / 2
	spread := half / tFactor(l.level(), r.DF) * math.Sqrt(r.DF+1)
	target := math.Log1p(l.Target)
	out.Interval, out.HalfWidth = r.Interval, math.Expm1(half)
	out.Needed = l.needed(spread, target)
	switch {
	case !look:
	case r.P <= 1-l.level() && (r.Interval.Low > 1 || r.Interval.High < 1):
		out.Stop = Shown
	case half <= target:
		out.Stop = NarrowEnough
	}
	return l.close(out, look), nil
}

// level is the confidence of one look.
func (l Looks) level() float64 { return 1 - LookAlpha(len(l.At), 1-l.Confidence) }

// open begins a decision over n values; look is whether one is due.
func (l Looks) open(n int) (out Decision, look bool) {
	out = Decision{Stop: GoOn, HalfWidth: math.NaN()}
	for _, at := range l.At {
		if at > n {
			out.Next = at
			break
		}
	}
	return out, slices.Contains(l.At, n) || out.Next == 0
}

// close ends a decision: at the last look there is no going on, and who stops has no next one.
func (l Looks) close(d Decision, look bool) Decision {
	if look && d.Next == 0 && d.Stop == GoOn {
		d.Stop = NoUse
	}
	if d.Stop != GoOn {
		d.Next = 0
	}
	return d
}

// hopeless reports whether the last look is too early even for the smallest spread that one found with so
// many degrees of freedom allows, at 95 %.
func (l Looks) hopeless(spread, df float64) bool {
	smallest := spread * math.Sqrt(df/distuv.ChiSquared{K: df}.Quantile(0.95))
	return l.halfWidth(smallest, l.At[len(l.At)-1]) > l.Target
}

// halfWidth is what n values with the spread give.
func (l Looks) halfWidth(spread float64, n int) float64 {
	return tFactor(l.level(), float64(n-1)) * spread / math.Sqrt(float64(n))
}

// needed is the fewest values whose half width reaches the target, 0 above a million. It is searched for
// between what the normal distribution says and a little more: t takes about z² / 2 values more.
func (l Looks) needed(spread, target float64) int {
	const most = 1_000_000
	z := distuv.UnitNormal.Quantile((1 + l.level()) / 2)
	normal := math.Ceil(sq(z * spread / target))
	if !(normal <= most) || !(z < 40) || target <= 0 {
		return 0
	}
	from := max(int(normal), 2)
	more := 10 + int(2*z*z)
	n := from + sort.Search(more, func(i int) bool { return l.halfWidth(spread, from+i) <= target })
	if n == from+more {
		return 0
	}
	return n
}
