package stats

import (
	"math"
	"slices"

	"github.com/inferometer/inferometer/backend/domain"
)

// MinP99 is the smallest sample for which a 99th percentile is shown: below it the figure is the
// maximum under another name.
const MinP99 = 100

// Quantile returns quantile q (0 to 1) of sorted values by linear interpolation between the two
// nearest ranks (type 7, the default of R and NumPy). It is NaN for no values.
func Quantile(sorted []float64, q float64) float64 {
	n := len(sorted)
	if n == 0 {
		return math.NaN()
	}
	rank := min(max(q, 0), 1) * float64(n-1)
	low := int(math.Floor(rank))
	if low >= n-1 {
		return sorted[n-1]
	}
	below, above := sorted[low], sorted[low+1]
	return below + (rank-float64(low))*(above-below)
}

// Median returns the median of values in any order, nil for none. It leaves values as they are.
func Median(values []float64) *float64 {
	if len(values) == 0 {
		return nil
	}
	sorted := slices.Sorted(slices.Values(values))
	m := Quantile(sorted, 0.5)
	return &m
}

// Of summarises values in any order; it sorts them in place. P99 is nil below 100 values.
func Of(values []float64) domain.Stats {
	n := len(values)
	if n == 0 {
		return domain.Stats{}
	}
	slices.Sort(values)
	at := func(q float64) *float64 {
		v := Quantile(values, q)
		return &v
	}
	s := domain.Stats{
		Mean: mean(values), P50: at(0.5), P90: at(0.9), P95: at(0.95), Min: at(0), Max: at(1), N: n,
	}
	if n >= MinP99 {
		s.P99 = at(0.99)
	}
	return s
}

// mean returns the arithmetic mean, nil for no values. The running form does not overflow.
func mean(values []float64) *float64 {
	if len(values) == 0 {
		return nil
	}
	var m float64
	for i, v := range values {
		m += (v - m) / float64(i+1)
	}
	return &m
}

func largest(values []float64) *float64 {
	if len(values) == 0 {
		return nil
	}
	m := slices.Max(values)
	return &m
}
