package stats

import (
	"slices"

	"github.com/inferometer/inferometer/backend/domain"
)

const (
	farGapUs  = 3_000_000 // metrics addresses are asked once a second; one answer may be missed
	farEdgeUs = 1_500_000 // beyond its first and last answer a meter is taken to go on as it did
)

// farMeters are the meters of an engine on other machines: what the metrics addresses of its endpoint
// tell of their GPUs.
func farMeters() []meter {
	const elsewhere = "The engine runs on another machine, whose meters cannot be read from here."
	return []meter{
		{scope: domain.ScopeGPUBoard, leastS: leastEnergyS, gapUs: farGapUs, averageUs: boardAverage, missing: elsewhere,
			counter: far(func(g domain.GPUSample) *float64 { return g.EnergyJ }, true), power: far(boardPower, false)},
		{scope: domain.ScopeCPUPackage, leastS: leastEnergyS, counter: nothing, power: nothing, missing: elsewhere},
	}
}

// far adds up a figure over the GPUs of every machine that tells of GPUs. The machines answer at moments
// of their own, so that each is read between its answers. One board that does not tell the figure makes
// the sum unknown. rising says that the figure counts up.
func far(get func(domain.GPUSample) *float64, rising bool) gauge {
	return func(samples []domain.Sample) []point {
		machines, whole := machinePoints(samples, get)
		if !whole || len(machines) == 0 {
			return nil
		}
		var times []int64
		for i := range machines {
			machines[i] = extended(byTime(machines[i]), rising)
			for _, p := range machines[i] {
				times = append(times, p.us)
			}
		}
		slices.Sort(times)
		var out []point
		for _, us := range slices.Compact(times) {
			sum, known := point{us: us}, true
			for _, ps := range machines {
				p, _, ok := valueAt(ps, us)
				sum.v, known = sum.v+p.v, known && ok
			}
			if known {
				out = append(out, sum)
			}
		}
		return out
	}
}

// machinePoints are the figure's sums by machine, at the times of its answers; whole is false when a board
// of a machine never tells it.
func machinePoints(samples []domain.Sample, get func(domain.GPUSample) *float64) (machines [][]point, whole bool) {
	bySource := map[string]int{}
	for i := range samples {
		for _, r := range samples[i].Remote {
			if len(r.GPUs) == 0 {
				continue
			}
			values := collect(r.GPUs, get)
			if len(values) < len(r.GPUs) {
				return nil, false
			}
			at, known := bySource[r.Source]
			if !known {
				at = len(machines)
				bySource[r.Source], machines = at, append(machines, nil)
			}
			sum := 0.0
			for _, v := range values {
				sum += v
			}
			machines[at] = append(machines[at], point{samples[i].TUs - int64(r.AgeMs*1e3), sum})
		}
	}
	return machines, true
}

// extended adds a point before the first and one after the last answer: power stays, a counter goes on at
// its pace.
func extended(ps []point, rising bool) []point {
	n := len(ps)
	if n < 2 {
		return ps
	}
	first, last := point{ps[0].us - farEdgeUs, ps[0].v}, point{ps[n-1].us + farEdgeUs, ps[n-1].v}
	if rising {
		first.v -= farEdgeUs * pace(ps[0], ps[1])
		last.v += farEdgeUs * pace(ps[n-2], ps[n-1])
	}
	return append(append([]point{first}, ps...), last)
}

// pace is the rise of a counter per µs.
func pace(a, b point) float64 {
	if b.us == a.us {
		return 0
	}
	return (b.v - a.v) / float64(b.us-a.us)
}
