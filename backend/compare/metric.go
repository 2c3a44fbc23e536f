package compare

import (
	"slices"

	"github.com/inferometer/inferometer/backend/domain"
)

// Metrics names the figures that runs are compared by, the one that they are spoken of by first.
func Metrics() []string {
	var keys []string
	for _, m := range metrics() {
		keys = append(keys, m.key)
	}
	return keys
}

// Unit tells the unit of a figure and whether higher or lower is better; empty for a figure that is none.
func Unit(key string) (unit, better string) {
	m := metricOf(key)
	return m.unit, m.better
}

// Value is one figure of a run; nil where it has none.
func Value(r *domain.Run, key string) *float64 {
	m, f := metricOf(key), Figures(r)
	if m.get == nil || f == nil {
		return nil
	}
	return m.get(f, r)
}

func metricOf(key string) metric {
	all := metrics()
	if i := slices.IndexFunc(all, func(m metric) bool { return m.key == key }); i >= 0 {
		return all[i]
	}
	return metric{}
}

// Tested names the figures that get a verdict.
func Tested() []string {
	var keys []string
	for _, m := range metrics() {
		if m.tested {
			keys = append(keys, m.key)
		}
	}
	return keys
}
