package experiment

import (
	"fmt"
	"slices"
	"strings"

	"github.com/inferometer/inferometer/backend/compare"
	"github.com/inferometer/inferometer/backend/domain"
)

// What a sweep does where nothing else is asked for, and how large it may be.
const (
	sweepRepeats  = 3
	mostRepeats   = 10
	mostCells     = 200
	mostSweepRuns = 500
	sweepRounds   = 6
	mostSweepText = 16 << 20 // the prompt is stored with each cell
)

// MostRuns is the reason for which a sweep ends that would add more values, had it not as many runs as it may have.
const MostRuns = "most_runs"

// sweep measures combinations of settings in blocks: each holds all cells once, in random order and with the same
// prompts, so that drift falls on all alike. Refining adds blocks of further cells, each with the best so far in it,
// to hold them against.
type sweep struct{}

func (sweep) Plan(r domain.ExperimentRequest, e *domain.Experiment, bad *Refusals) {
	before := len(*bad)
	b := base(r, bad)
	d := or(r.Sweep, domain.SweepDesign{})
	d.Repeats = new(or(d.Repeats, sweepRepeats))
	d.MostRuns = new(or(d.MostRuns, mostSweepRuns))
	d.Refine = new(or(d.Refine, false))
	d.Weights = weightsOf(d.Weights)
	bad.Range("body.sweep.repeats", float64(*d.Repeats), 1, mostRepeats)
	bad.Range("body.sweep.most_runs", float64(*d.MostRuns), 1, mostSweepRuns)
	checkWeights(*d.Weights, bad)
	all := combinations(d, b, bad)
	swept := sweptBy(d)
	d.Metric = new(or(d.Metric, defaultMetric(swept)))
	if !slices.Contains(compare.Metrics(), *d.Metric) {
		bad.Add("body.sweep.metric", "must be one of %s", strings.Join(compare.Metrics(), ", "))
	}
	if *d.Refine && !slices.ContainsFunc(d.Axes, func(a domain.SweepAxis) bool { s, _ := settingOf(a.Setting); return s.name != "" && s.numeric() }) {
		bad.Add("body.sweep.refine", "needs an axis of numbers")
	}
	e.Design.Sweep = &d
	if len(*bad) > before {
		return
	}
	for _, v := range all {
		if cell := applied(b, v); impossible(cell) == "" {
			e.Arms = append(e.Arms, domain.Arm{Name: nameOf(v, swept), Benchmark: cell})
		}
	}
	switch n := len(e.Arms) * *d.Repeats; {
	case n == 0:
		bad.Add("body.sweep", "has no combination that can be measured")
	case n > *d.MostRuns:
		bad.Add("body.sweep", "makes %d runs, more than most_runs, %d", n, *d.MostRuns)
	case b.Prompt != nil && len(*b.Prompt)*len(e.Arms) > mostSweepText:
		bad.Add("body.benchmark.prompt", "is too long to be kept with each of %d cells; use a dataset", len(e.Arms))
	}
	if e.Name == "" {
		e.Name = strings.Join(swept, " × ")
		if !slices.Contains(swept, modelID) {
			e.Name += " · " + b.ModelID
		}
		e.Name = string([]rune(e.Name)[:min(200, len([]rune(e.Name)))])
	}
}

func defaultMetric(swept []string) string {
	if slices.Contains(swept, concurrency) {
		return "output_tokens_per_second"
	}
	return compare.Metrics()[0]
}

// sweptBy names what a design varies, in the order of its axes, or as the first of a list has it.
func sweptBy(d domain.SweepDesign) []string {
	var names []string
	for _, a := range d.Axes {
		names = append(names, a.Setting)
	}
	if len(d.List) > 0 {
		names = namesOf(d.List[0])
	}
	return names
}

func namesOf(v values) []string {
	var names []string
	for _, s := range settings() {
		if s.get(&v) != nil {
			names = append(names, s.name)
		}
	}
	return names
}

// combinations are the cells that are asked for, impossible ones among them.
func combinations(d domain.SweepDesign, b domain.BenchmarkRequest, bad *Refusals) []values {
	switch {
	case len(d.Axes) == 0 && len(d.List) == 0:
		bad.Add("body.sweep", "give axes or a list")
	case len(d.Axes) > 0 && len(d.List) > 0:
		bad.Add("body.sweep.list", "give axes or a list, not both")
	case len(d.List) > 0:
		return listed(d.List, b, bad)
	}
	return grid(d.Axes, b, bad)
}

func grid(axes []domain.SweepAxis, b domain.BenchmarkRequest, bad *Refusals) []values {
	before := len(*bad)
	all, seen := []values{{}}, map[string]bool{}
	for i, a := range axes {
		at := fmt.Sprintf("body.sweep.axes[%d]", i)
		s, ok := settingOf(a.Setting)
		if !ok {
			bad.Add(at+".setting", "must be one of %s", strings.Join(SweepSettings(), ", "))
			continue
		}
		if why := s.fits(b); why != "" {
			bad.Add(at+".setting", "%s", why)
		}
		if seen[a.Setting] || a.Setting == cacheType && (seen["cache_type_k"] || seen["cache_type_v"]) || strings.HasPrefix(a.Setting, cacheType) && seen[cacheType] {
			bad.Add(at+".setting", "is varied by another axis too")
		}
		seen[a.Setting] = true
		if len(a.Values) == 0 || len(a.Values) > 64 {
			bad.Add(at+".values", "must have 1 to 64 entries")
		}
		if len(all)*max(1, len(a.Values)) > mostCells {
			bad.Add("body.sweep.axes", "make more than %d combinations", mostCells)
			return nil
		}
		all = crossed(all, s, a.Values, at, bad)
	}
	if len(*bad) > before || len(axes) == 0 {
		return nil
	}
	return all
}

// crossed puts each value of an axis to each combination of the axes before it.
func crossed(all []values, s setting, axis []any, at string, bad *Refusals) []values {
	seen := map[string]bool{}
	for j, x := range axis {
		var v values
		if why := s.set(&v, x); why != "" {
			bad.Add(fmt.Sprintf("%s.values[%d]", at, j), "%s", why)
		} else if seen[keyOf(v)] {
			bad.Add(fmt.Sprintf("%s.values[%d]", at, j), "is named twice")
		}
		seen[keyOf(v)] = true
	}
	var out []values
	for _, v := range all {
		for _, x := range axis {
			next := v
			s.set(&next, x)
			out = append(out, next)
		}
	}
	return out
}

func listed(list []values, b domain.BenchmarkRequest, bad *Refusals) []values {
	if len(list) > mostCells {
		bad.Add("body.sweep.list", "must have at most %d entries", mostCells)
		return nil
	}
	names, seen := namesOf(list[0]), map[string]bool{}
	for i, v := range list {
		at := fmt.Sprintf("body.sweep.list[%d]", i)
		switch mine := namesOf(v); {
		case len(mine) == 0:
			bad.Add(at, "names no setting")
		case !slices.Equal(mine, names):
			bad.Add(at, "must have the settings of the first: %s", strings.Join(names, ", "))
		case seen[keyOf(v)]:
			bad.Add(at, "is named twice")
		case v.CacheType != nil && (v.CacheTypeK != nil || v.CacheTypeV != nil):
			bad.Add(at+".cache_type", "stands for cache_type_k and cache_type_v")
		}
		seen[keyOf(v)] = true
		for _, name := range namesOf(v) {
			s, _ := settingOf(name)
			why := s.set(new(values), s.get(&v))
			if why == "" {
				why = s.fits(b)
			}
			if why != "" {
				bad.Add(at+"."+name, "%s", why)
			}
		}
	}
	return list
}

// leftOut are the combinations that cannot be measured, with the reason.
func leftOut(e domain.Experiment) []domain.SweepSkip {
	out := []domain.SweepSkip{}
	if len(e.Arms) == 0 {
		return out
	}
	b := e.Arms[0].Benchmark // whatever is varied is written over
	for _, v := range combinations(*e.Design.Sweep, b, new(Refusals)) {
		if why := impossible(applied(b, v)); why != "" {
			out = append(out, domain.SweepSkip{Settings: v, Reason: why})
		}
	}
	return out
}

// Next measures the cells block by block; a cell that has only failed is not tried again.
func (sweep) Next(e domain.Experiment, runs []domain.Run) Step {
	done, repeats := len(e.Order), *e.Design.Sweep.Repeats
	if done == 0 {
		return Step{Blocks: [][]int{Shuffled(e.Seed, 0, len(e.Arms))}}
	}
	if done%repeats == 0 {
		return refine(e, runs)
	}
	cells := slices.Sorted(slices.Values(e.Order[done-1]))
	cells = slices.DeleteFunc(cells, func(arm int) bool { return !works(runs, arm) })
	if len(cells) == 0 {
		return Step{End: &End{domain.StatusFailed, RunsFailed}}
	}
	return Step{Blocks: [][]int{shuffled(e, cells)}}
}

// shuffled puts cells in the order of the next block.
func shuffled(e domain.Experiment, cells []int) []int {
	out := make([]int, len(cells))
	for to, from := range Shuffled(e.Seed, len(e.Order), len(cells)) {
		out[to] = cells[from]
	}
	return out
}

// works reports whether a cell was ever measured to its end.
func works(runs []domain.Run, arm int) bool {
	return slices.ContainsFunc(runs, func(r domain.Run) bool {
		return r.Experiment.Arm == arm && r.Status == domain.StatusCompleted
	})
}

// Most counts what refining may add.
func (sweep) Most(e domain.Experiment) int {
	d := *e.Design.Sweep
	n := len(e.Arms)
	if len(e.Order) > 0 {
		n = len(e.Order[0])
	}
	if *d.Refine {
		n += sweepRounds * (1 + 2*len(d.Axes))
	}
	return min(*d.MostRuns, n**d.Repeats)
}
