package experiment

import (
	"math"
	"slices"

	"github.com/inferometer/inferometer/backend/domain"
)

// refine halves the steps around the best cell, axis by axis, where the values are numbers: it adds the cells
// between it and its neighbours and measures them in blocks of their own, each with the best cell in it to hold them
// against. So the interval that the optimum lies in is halved each round. It ends when the steps are small, when
// no new cell differs from the best (what is finer could not be told apart either), or at the most runs.
//
// J. Kiefer, "Sequential Minimax Search for a Maximum", Proceedings of the American Mathematical Society 4 (1953),
// 502-506, on searching the maximum between neighbours; with noise, halving with repeats is the plain form of it.
func refine(e domain.Experiment, runs []domain.Run) Step {
	d := *e.Design.Sweep
	complete := Step{End: &End{domain.StatusCompleted, Complete}}
	round := (len(e.Order) - 1) / *d.Repeats
	if !*d.Refine || round >= sweepRounds {
		return complete
	}
	(sweep{}).Result(&e, runs)
	r := e.Sweep
	if r.Best == nil || round > 0 && flat(*r, round) {
		return complete
	}
	fresh := between(e, *r)
	if len(fresh) == 0 {
		return complete
	}
	planned := 0
	for _, block := range e.Order {
		planned += len(block)
	}
	room := (*d.MostRuns-planned) / *d.Repeats - 1
	if room < 1 {
		return Step{End: &End{domain.StatusCompleted, MostRuns}}
	}
	fresh = fresh[:min(len(fresh), room)]
	cells, swept := []int{*r.Best}, sweptBy(d)
	var s Step
	for _, v := range fresh {
		cells = append(cells, len(e.Arms)+len(s.Arms))
		s.Arms = append(s.Arms, domain.Arm{Name: nameOf(v, swept), Benchmark: applied(e.Arms[*r.Best].Benchmark, v)})
	}
	s.Blocks = [][]int{shuffled(e, cells)}
	return s
}

// flat reports whether no cell of a round differs from the best.
func flat(r domain.SweepResult, round int) bool {
	for _, c := range r.Cells {
		if c.Round == round && c.Verdict != "tied" && c.Verdict != "best" {
			return false
		}
	}
	return r.SpreadPercent != nil
}

// between are the cells halfway between the best and its neighbours on each axis of numbers.
func between(e domain.Experiment, r domain.SweepResult) []values {
	known := map[string]bool{}
	for _, c := range r.Cells {
		known[keyOf(c.Settings)] = true
	}
	best := r.Cells[*r.Best]
	var out []values
	for _, a := range e.Design.Sweep.Axes {
		s, _ := settingOf(a.Setting)
		if !s.numeric() {
			continue
		}
		at := **s.number(&best.Settings)
		lower, upper := neighbours(s, at, r, best.Settings)
		for _, next := range []*int{lower, upper} {
			if next == nil {
				continue
			}
			v := best.Settings
			n, ok := s.halfway(min(at, *next), max(at, *next))
			if !ok {
				continue
			}
			*s.number(&v) = &n
			if !known[keyOf(v)] && impossible(applied(e.Arms[*r.Best].Benchmark, v)) == "" {
				known[keyOf(v)] = true
				out = append(out, v)
			}
		}
	}
	return out
}

// neighbours are the next values on an axis that were measured, all other settings being those of a cell.
func neighbours(s setting, at int, r domain.SweepResult, of values) (lower, upper *int) {
	var tried []int
	for _, c := range r.Cells {
		v := c.Settings
		n := *s.number(&v)
		if n == nil || c.Verdict == "none" {
			continue
		}
		*s.number(&v) = &at
		if keyOf(v) == keyOf(of) {
			tried = append(tried, *n)
		}
	}
	slices.Sort(tried)
	tried = slices.Compact(tried)
	i, _ := slices.BinarySearch(tried, at)
	if i > 0 {
		lower = &tried[i-1]
	}
	if i < len(tried) && tried[i] == at {
		i++
	}
	if i < len(tried) {
		upper = &tried[i]
	}
	return lower, upper
}

// halfway is the value between two: the geometric mean where one is at least twice the other, as of 512 and 2048, else
// the mean; rounded to what matters. It is false where the step is small already: not above 3 %.
func (s setting) halfway(low, high int) (int, bool) {
	step := max(s.grain, int(math.Round(0.03*float64(high))))
	if high-low <= step {
		return 0, false
	}
	mid := float64(low+high) / 2
	if low > 0 && high >= 2*low {
		mid = math.Sqrt(float64(low) * float64(high))
	}
	n := int(math.Round(mid/float64(s.grain))) * s.grain
	return n, n > low && n < high
}
