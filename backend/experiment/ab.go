package experiment

import (
	"fmt"
	"math/rand/v2"

	"github.com/inferometer/inferometer/backend/compare"
	"github.com/inferometer/inferometer/backend/domain"
)

// What an A/B experiment may be.
const (
	mostArms = 4
	// DefaultPairs find a difference of 2 % in three of four cases on a quiet machine.
	DefaultPairs = 8
	// MostPairs is how often an arm can be measured.
	MostPairs = 100
)

// ab measures arms in turns: blocks that hold every arm once, in random order, with the same prompts. So
// whatever drifts over time falls on all arms alike.
type ab struct{}

func (ab) Plan(r domain.ExperimentRequest, e *domain.Experiment, bad *Refusals) {
	if r.Benchmark != nil {
		bad.Add("body.benchmark", "does not belong to the kind ab, which has arms")
	}
	if len(r.Arms) < 2 || len(r.Arms) > mostArms {
		bad.Add("body.arms", "must have 2 to %d entries", mostArms)
	}
	e.Pairs = or(r.Pairs, DefaultPairs)
	bad.Range("body.pairs", float64(e.Pairs), 2, MostPairs)
	names := map[string]bool{}
	for i, a := range r.Arms {
		arm := domain.Arm{Name: or(a.Name, string(rune('A'+i))), Benchmark: a.Benchmark}
		if names[arm.Name] {
			bad.Add(fmt.Sprintf("body.arms[%d].name", i), "is the name of another arm too")
		}
		names[arm.Name] = true
		if a.Benchmark.Seed != nil {
			bad.Add(fmt.Sprintf("body.arms[%d].benchmark.seed", i), "is given by the experiment, so that all arms get the same prompts")
		}
		e.Arms = append(e.Arms, arm)
	}
	if e.Name == "" && len(e.Arms) > 0 {
		e.Name = e.Arms[0].Name
		for _, a := range e.Arms[1:] {
			e.Name += " / " + a.Name
		}
	}
}

func (ab) Next(e domain.Experiment, _ []domain.Run) Step {
	if len(e.Order) > 0 {
		return Step{End: &End{domain.StatusCompleted, Complete}}
	}
	random := rand.New(rand.NewPCG(uint64(e.Seed), uint64(len(e.Arms)))) // #nosec G115 G404 -- an order that is repeated from its seed, not a secret
	var s Step
	for range e.Pairs {
		s.Blocks = append(s.Blocks, random.Perm(len(e.Arms)))
	}
	return s
}

func (ab) Most(e domain.Experiment) int { return e.Pairs * len(e.Arms) }

// Result compares the arms over the blocks that are complete; nil before there is one.
func (ab) Result(e *domain.Experiment, runs []domain.Run) { e.Comparison = Compared(*e, runs, nil) }

// Compared compares arms over the blocks that have a completed run of each of them; nil without such a block.
// Of no arms named, it compares all. The first is the baseline.
func Compared(e domain.Experiment, runs []domain.Run, arms []int) *domain.Comparison {
	if arms == nil {
		for i := range e.Arms {
			arms = append(arms, i)
		}
	}
	found := map[domain.ExperimentPlace]domain.Run{}
	for _, r := range runs {
		if r.Status == domain.StatusCompleted && compare.Figures(&r) != nil {
			found[domain.ExperimentPlace{Arm: r.Experiment.Arm, Block: r.Experiment.Block}] = r
		}
	}
	sides := make([]compare.Side, len(arms))
	for i, arm := range arms {
		sides[i].Name = e.Arms[arm].Name
	}
	for block := range e.Order {
		whole := make([]domain.Run, 0, len(arms))
		for _, arm := range arms {
			if r, ok := found[domain.ExperimentPlace{Arm: arm, Block: block}]; ok {
				whole = append(whole, r)
			}
		}
		if len(whole) < len(arms) {
			continue
		}
		for i := range sides {
			sides[i].Runs = append(sides[i].Runs, whole[i])
		}
	}
	if len(sides) == 0 || len(sides[0].Runs) == 0 {
		return nil
	}
	c := compare.Of(sides, 0, true, e.MinEffectPercent)
	return &c
}
