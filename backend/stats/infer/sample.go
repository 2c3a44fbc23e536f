package infer

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// mean is the arithmetic mean. The running form does not overflow.
func mean(values []float64) float64 {
	var m float64
	for i, v := range values {
		m += (v - m) / float64(i+1)
	}
	return m
}

// meanAndSquares returns the mean and the sum of the squared deviations from it, in two passes, so that
// values far from zero lose no digits.
func meanAndSquares(values []float64) (m, squares float64) {
	m = mean(values)
	for _, v := range values {
		squares += (v - m) * (v - m)
	}
	return m, squares
}

// finite reports whether every value is a number and none is infinite.
func finite(values []float64) bool {
	return !slices.ContainsFunc(values, notFinite)
}

func notFinite(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) }

// known are the values that are finite numbers, in their order, with where each stood.
func known(values []float64) (kept []float64, at []int) {
	kept, at = make([]float64, 0, len(values)), make([]int, 0, len(values))
	for i, v := range values {
		if !notFinite(v) {
			kept, at = append(kept, v), append(at, i)
		}
	}
	return kept, at
}

// same reports whether all values are one.
func same(values []float64) bool {
	return !slices.ContainsFunc(values, func(v float64) bool { return v != values[0] })
}

// share reports whether p lies between 0 and 1, neither of them.
func share(p float64) bool { return p > 0 && p < 1 }

// quantile is quantile q of sorted values by linear interpolation (type 7, the default of R and NumPy).
func quantile(sorted []float64, q float64) float64 {
	rank := min(max(q, 0), 1) * float64(len(sorted)-1)
	low := int(rank)
	if low >= len(sorted)-1 {
		return sorted[len(sorted)-1]
	}
	return sorted[low] + (rank-float64(low))*(sorted[low+1]-sorted[low])
}

// tFactor is how many standard errors on each side hold the given share of Student's t. With very many
// degrees of freedom that is the normal distribution to the last digits that gonum gets right.
func tFactor(confidence, df float64) float64 {
	if df > 1e7 {
		return distuv.UnitNormal.Quantile((1 + confidence) / 2)
	}
	return distuv.StudentsT{Sigma: 1, Nu: df}.Quantile((1 + confidence) / 2)
}

// tP is the two-sided p of t. Without any spread t has no value: then p is 1 where the means are the
// same, and 0 where they are not.
func tP(difference, standardError, df float64) float64 {
	if standardError == 0 {
		if difference == 0 {
			return 1
		}
		return 0
	}
	return 2 * distuv.StudentsT{Sigma: 1, Nu: df}.Survival(math.Abs(difference/standardError))
}
