package experiment

import (
	"math"
	"slices"
)

// point is one cell in its objectives, the logarithm of each, turned so that more is better. NaN is not known.
type point []float64

// front tells which points no other beats: none is better in one objective and as good in all others. Of points that
// stand so because of a lead that is too small to matter alone, it keeps the one that is better in the first objective;
// tolerance is the smallest lead that matters. A point with an unknown objective is not on it.
//
// K. Miettinen, "Nonlinear Multiobjective Optimization" (1999), section 2.2; on leads too small to matter P. Loridan,
// "ε-Solutions in Vector Minimization Problems", Journal of Optimization Theory and Applications 43 (1984), 265-276.
func front(points []point, tolerance float64) []bool {
	out := make([]bool, len(points))
	var order []int
	for i, p := range points {
		if whollyKnown(p) && !slices.ContainsFunc(points, func(q point) bool { return whollyKnown(q) && beats(q, p) }) {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(i, j int) int { return better(points[i], points[j]) })
	var kept []point
	for _, i := range order {
		p := points[i]
		if !slices.ContainsFunc(kept, func(q point) bool { return asGood(q, p, tolerance) }) {
			kept, out[i] = append(kept, p), true
		}
	}
	return out
}

// better sorts the higher first, by the first objective in which they differ.
func better(p, q point) int {
	return slices.Compare(q, p)
}

func whollyKnown(p point) bool { return len(p) > 0 && !slices.ContainsFunc(p, math.IsNaN) }

// beats reports whether q is at least as good as p in all and better in one.
func beats(q, p point) bool {
	more := false
	for i := range p {
		if q[i] < p[i] {
			return false
		}
		more = more || q[i] > p[i]
	}
	return more
}

// asGood reports whether p leads q in no objective by what matters.
func asGood(q, p point, tolerance float64) bool {
	for i := range p {
		if p[i]-q[i] > tolerance {
			return false
		}
	}
	return true
}

// scores weigh the points: the weighted geometric mean of how near each objective comes to the best of all points. So
// 10 % less speed costs as much as 10 % more memory, whatever other points there are; a scale from the worst to the best
// would make a great matter of a small difference. NaN for a point with an unknown objective, and without weights.
//
// J. Aczél and T. L. Saaty, "Procedures for Synthesizing Ratio Judgements", Journal of Mathematical Psychology 27
// (1983), 93-102.
func scores(points []point, weights []float64) []float64 {
	out := make([]float64, len(points))
	total := 0.0
	for _, w := range weights {
		total += w
	}
	top := make(point, len(weights))
	for k := range top {
		top[k] = math.Inf(-1)
		for _, p := range points {
			if whollyKnown(p) {
				top[k] = max(top[k], p[k])
			}
		}
	}
	for i, p := range points {
		out[i] = math.NaN()
		if !whollyKnown(p) || !(total > 0) {
			continue
		}
		sum := 0.0
		for k, w := range weights {
			sum += w * (p[k] - top[k])
		}
		out[i] = math.Exp(sum / total)
	}
	return out
}
