package service

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/inferometer/inferometer/backend/compare"
	"github.com/inferometer/inferometer/backend/domain"
)

const (
	defaultPairs = 8
	mostPairs    = 100
	mostArms     = 4
	kindAB       = "ab"
)

// StartExperiment queues the runs of an A/B experiment: blocks that hold every arm once, in random order, with
// the same prompts. So whatever drifts over time falls on all arms alike. Its runs are ordinary jobs.
func (s *Service) StartExperiment(ctx context.Context, r domain.ExperimentRequest) (domain.Experiment, error) {
	e, err := s.planExperiment(r)
	if err != nil {
		return e, err
	}
	type queued struct {
		run    domain.Run
		model  domain.Model
		prompt string
	}
	jobs := make([]queued, 0, e.Pairs*len(e.Arms))
	for block, order := range e.Order {
		for _, arm := range order {
			b := e.Arms[arm].Benchmark
			b.Seed = new(blockSeed(e.Seed, block))
			plan, model, prompt, err := s.resolve(ctx, b)
			if err != nil {
				return e, inArm(arm, err)
			}
			run := s.newRun(plan, model, prompt)
			run.Name = fmt.Sprintf("%s · %s · %d of %d", e.Name, e.Arms[arm].Name, block+1, e.Pairs)
			run.Tags, run.Notes = cleanTags(b.Tags), or(b.Notes, "")
			run.Experiment = &domain.ExperimentPlace{ID: e.ID, Arm: arm, Block: block}
			jobs = append(jobs, queued{run, model, prompt})
		}
	}
	runs := make([]domain.Run, len(jobs))
	for i := range jobs {
		runs[i] = jobs[i].run
	}
	if err := s.d.Store.CreateExperiment(ctx, e, runs); err != nil {
		return e, err
	}
	for _, j := range jobs {
		s.d.Hub.Publish(domain.EventRunCreated, j.run)
		s.push(j.run.ID, j.model, j.prompt)
	}
	return s.Experiment(ctx, e.ID)
}

// blockSeed gives each block prompts of its own, and all arms of a block the same.
func blockSeed(seed int64, block int) int64 { return (seed + int64(block)) % (math.MaxUint32 + 1) }

// planExperiment checks what stands alone, and draws the order.
func (s *Service) planExperiment(r domain.ExperimentRequest) (domain.Experiment, error) {
	e := domain.Experiment{ID: uuid.NewString(), Name: or(r.Name, ""), Kind: kindAB, CreatedAt: s.d.Now().UTC(), Pairs: or(r.Pairs, defaultPairs),
		Seed: or(r.Seed, int64(rand.Uint32())), MinEffectPercent: or(r.MinEffectPercent, compare.DefaultMinEffect)} // #nosec G404 -- a seed that is shown and repeated, no secret
	var bad fieldErrors
	if len(r.Arms) < 2 || len(r.Arms) > mostArms {
		bad.add("body.arms", "must have 2 to %d entries", mostArms)
	}
	checkRange(&bad, "body.pairs", float64(e.Pairs), 2, mostPairs)
	checkRange(&bad, "body.seed", float64(e.Seed), 0, math.MaxUint32)
	checkRange(&bad, "body.min_effect_percent", e.MinEffectPercent, 0, 100)
	checkLabels("body.name", e.Name, 200, &bad)
	names := map[string]bool{}
	for i, a := range r.Arms {
		arm := domain.Arm{Name: or(a.Name, string(rune('A'+i))), Benchmark: a.Benchmark}
		checkLabels(fmt.Sprintf("body.arms[%d].name", i), arm.Name, 100, &bad)
		if names[arm.Name] {
			bad.add(fmt.Sprintf("body.arms[%d].name", i), "is the name of another arm too")
		}
		names[arm.Name] = true
		if a.Benchmark.Seed != nil {
			bad.add(fmt.Sprintf("body.arms[%d].benchmark.seed", i), "is given by the experiment, so that all arms get the same prompts")
		}
		e.Arms = append(e.Arms, arm)
	}
	if e.Name == "" && len(e.Arms) > 0 {
		e.Name = e.Arms[0].Name
		for _, a := range e.Arms[1:] {
			e.Name += " / " + a.Name
		}
	}
	e.Order = orderOf(e.Seed, len(e.Arms), e.Pairs)
	return e, bad.err()
}

// orderOf draws the order of the arms in each block; the same seed gives the same order.
func orderOf(seed int64, arms, blocks int) [][]int {
	random := rand.New(rand.NewPCG(uint64(seed), uint64(arms))) // #nosec G115 G404 -- an order that is repeated from its seed, not a secret
	out := make([][]int, max(0, min(blocks, mostPairs)))
	for i := range out {
		out[i] = random.Perm(arms)
	}
	return out
}

// inArm puts the fields of an error under the arm that they belong to.
func inArm(arm int, err error) error {
	var e *domain.Error
	if !errors.As(err, &e) {
		return err
	}
	told := *e
	told.Fields = slices.Clone(e.Fields)
	for i := range told.Fields {
		if rest, ok := strings.CutPrefix(told.Fields[i].Location, "body."); ok {
			told.Fields[i].Location = fmt.Sprintf("body.arms[%d].benchmark.%s", arm, rest)
		}
	}
	return &told
}

// Experiments lists the experiments, newest first, without their comparisons.
func (s *Service) Experiments(ctx context.Context) ([]domain.Experiment, error) {
	all, err := s.d.Store.Experiments(ctx)
	if err != nil {
		return nil, err
	}
	for i := range all {
		runs, err := s.d.Store.ExperimentRuns(ctx, all[i].ID)
		if err != nil {
			return nil, err
		}
		follow(&all[i], runs)
	}
	return all, nil
}

// Experiment returns one experiment with what its runs have come to.
func (s *Service) Experiment(ctx context.Context, id string) (domain.Experiment, error) {
	e, err := s.d.Store.Experiment(ctx, id)
	if err != nil {
		return e, err
	}
	runs, err := s.d.Store.ExperimentRuns(ctx, id)
	if err != nil {
		return e, err
	}
	follow(&e, runs)
	e.Comparison = compareArms(e, runs)
	return e, nil
}

// follow fills what follows from the runs of an experiment.
func follow(e *domain.Experiment, runs []domain.Run) {
	e.Total, e.Runs = len(e.Order)*len(e.Arms), make([]domain.ExperimentRun, 0, len(runs))
	counts := map[domain.Status]int{}
	for _, r := range runs {
		e.Runs = append(e.Runs, domain.ExperimentRun{ID: r.ID, Arm: r.Experiment.Arm, Block: r.Experiment.Block, Status: r.Status})
		counts[r.Status]++
		if r.Status.Ended() {
			e.Done++
		}
	}
	switch {
	case counts[domain.StatusRunning] > 0 || counts[domain.StatusQueued] > 0 && e.Done > 0:
		e.Status = domain.StatusRunning
	case counts[domain.StatusQueued] > 0:
		e.Status = domain.StatusQueued
	case counts[domain.StatusCompleted] == e.Total:
		e.Status = domain.StatusCompleted
	case counts[domain.StatusCanceled] > 0:
		e.Status = domain.StatusCanceled
	case counts[domain.StatusInterrupted] > 0:
		e.Status = domain.StatusInterrupted
	default:
		e.Status = domain.StatusFailed
	}
}

// compareArms compares the arms over the blocks that are complete; nil before there is one.
func compareArms(e domain.Experiment, runs []domain.Run) *domain.Comparison {
	sides := make([]compare.Side, len(e.Arms))
	blocks := map[int]int{}
	for i := range sides {
		sides[i].Name = e.Arms[i].Name
	}
	for _, r := range runs {
		if p := r.Experiment; r.Status == domain.StatusCompleted && p.Arm < len(sides) && compare.Figures(&r) != nil {
			sides[p.Arm].Runs = append(sides[p.Arm].Runs, r)
			blocks[p.Block]++
		}
	}
	for i := range sides {
		sides[i].Runs = complete(sides[i].Runs, blocks, len(sides))
		if len(sides[i].Runs) == 0 {
			return nil
		}
	}
	c := compare.Of(sides, 0, true, e.MinEffectPercent)
	return &c
}

func sortByBlock(runs []domain.Run) {
	slices.SortStableFunc(runs, func(a, b domain.Run) int { return cmp.Compare(a.Experiment.Block, b.Experiment.Block) })
}

// CancelExperiment stops the run that is being measured and takes those that wait out of the queue. What was
// measured stays and is compared.
func (s *Service) CancelExperiment(ctx context.Context, id string) (domain.Experiment, error) {
	runs, err := s.experimentRuns(ctx, id)
	if err != nil {
		return domain.Experiment{}, err
	}
	slices.Reverse(runs) // those that wait first, so that none begins meanwhile
	open := 0
	for _, r := range runs {
		if r.Status.Ended() {
			continue
		}
		open++
		if _, err := s.CancelBenchmark(ctx, r.ID); err != nil && domain.KindOf(err) != domain.KindConflict {
			return domain.Experiment{}, err
		}
	}
	if open == 0 {
		return domain.Experiment{}, domain.Errorf(domain.KindConflict, "This experiment has already ended.")
	}
	return s.Experiment(ctx, id)
}

func (s *Service) experimentRuns(ctx context.Context, id string) ([]domain.Run, error) {
	if _, err := s.d.Store.Experiment(ctx, id); err != nil {
		return nil, err
	}
	return s.d.Store.ExperimentRuns(ctx, id)
}

// RemoveExperiment forgets an experiment that has ended; its runs stay and stand alone.
func (s *Service) RemoveExperiment(ctx context.Context, id string) error {
	runs, err := s.experimentRuns(ctx, id)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(runs, func(r domain.Run) bool { return !r.Status.Ended() }) {
		return &domain.Error{Kind: domain.KindConflict, Msg: "This experiment has not ended yet.", Hint: "Cancel it first."}
	}
	return s.d.Store.DeleteExperiment(ctx, id)
}
