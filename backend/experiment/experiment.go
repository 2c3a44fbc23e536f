// Package experiment plans the runs of experiments, step by step, and says what they have come to. It is
// pure: what follows next depends on what was asked and on the runs so far alone, so that an experiment can
// go on after the program was closed, and planning it again gives the same. Time, storage and the queue are the
// service's.
package experiment

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/inferometer/inferometer/backend/domain"
)

// Step is what is to be measured next. The blocks name arms by their index, the new ones after those that
// there are; each block holds an arm once at most. A step without blocks has an end.
type Step struct {
	Arms   []domain.Arm
	Blocks [][]int
	End    *End
}

// End says why nothing more is to be measured.
type End struct {
	Status domain.Status
	Reason string
}

// The reasons that every kind may have.
const (
	Complete   = "complete"    // all that was asked for is measured
	RunsFailed = "runs_failed" // what was tried first failed, so would the rest
)

// Kind is one kind of experiment.
type Kind interface {
	// Plan checks the kind's own part of what is asked and fills design, arms and pairs of e, whose name, seed
	// and smallest effect stand.
	Plan(r domain.ExperimentRequest, e *domain.Experiment, bad *Refusals)
	// Next plans on from the runs of all places so far, none of them open, in the order of the blocks. Before
	// the first there are none.
	Next(e domain.Experiment, runs []domain.Run) Step
	// Result fills the kind's own part of e from the completed runs, in the order of the blocks.
	Result(e *domain.Experiment, runs []domain.Run)
	// Most is how many runs there will be at most.
	Most(e domain.Experiment) int
}

// Refusals collects what is wrong with a request, by place.
type Refusals []domain.FieldError

// Add tells what a field must be.
func (r *Refusals) Add(location, format string, args ...any) {
	*r = append(*r, domain.FieldError{Location: location, Message: fmt.Sprintf(format, args...)})
}

// Range refuses a number outside low to high.
func (r *Refusals) Range(location string, v, low, high float64) {
	if math.IsNaN(v) || v < low || v > high {
		r.Add(location, "must be from %v to %v", low, high)
	}
}

// Of returns a kind by its name.
func Of(kind string) (Kind, bool) {
	k, ok := kinds()[kind]
	return k, ok
}

func kinds() map[string]Kind {
	return map[string]Kind{domain.ExperimentAB: ab{}, domain.ExperimentBuild: ab{}, domain.ExperimentRepeat: repeat{}, domain.ExperimentSweep: sweep{}, domain.ExperimentTune: tune{}, domain.ExperimentCapacity: capacity{}}
}

// Names lists the kinds that can be asked for.
func Names() []string {
	return []string{domain.ExperimentAB, domain.ExperimentRepeat, domain.ExperimentSweep, domain.ExperimentTune, domain.ExperimentCapacity}
}

// Next asks the kind of an experiment what follows, unless what was tried first has failed altogether.
func Next(e domain.Experiment, runs []domain.Run) Step {
	k, ok := Of(e.Kind)
	if !ok {
		return Step{End: &End{domain.StatusFailed, "unknown_kind"}}
	}
	if len(runs) >= 2 && !slices.ContainsFunc(runs, func(r domain.Run) bool { return r.Status == domain.StatusCompleted }) {
		return Step{End: &End{domain.StatusFailed, RunsFailed}}
	}
	return k.Next(e, runs)
}

// Shuffled returns n places in an order that a seed and a number decide, so that drift falls on all alike.
func Shuffled(seed int64, number, n int) []int {
	return rand.New(rand.NewPCG(uint64(seed), uint64(number))).Perm(n) // #nosec G115 G404 -- an order that is repeated from its seed, not a secret
}

// base is the benchmark that all kinds but ab measure; its place for errors is body.benchmark.
func base(r domain.ExperimentRequest, bad *Refusals) domain.BenchmarkRequest {
	if len(r.Arms) > 0 {
		bad.Add("body.arms", "belongs to the kind ab")
	}
	if r.Pairs != nil {
		bad.Add("body.pairs", "belongs to the kind ab")
	}
	if r.Benchmark == nil {
		bad.Add("body.benchmark", "is needed by this kind")
		return domain.BenchmarkRequest{}
	}
	b := *r.Benchmark
	if b.Seed != nil {
		bad.Add("body.benchmark.seed", "is given by the experiment")
	}
	if b.Prompt != nil && b.StoreText != nil && !*b.StoreText {
		bad.Add("body.benchmark.store_text", "must be true for a prompt of one's own, because later runs are planned from it; or use a dataset")
	}
	return b
}

func or[T any](p *T, def T) T {
	if p == nil {
		return def
	}
	return *p
}
