package service

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/inferometer/inferometer/backend/compare"
	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/experiment"
)

// StartExperiment plans an experiment and queues its first runs, which are ordinary jobs. What follows is planned
// whenever none of them is open; see advance.
func (s *Service) StartExperiment(ctx context.Context, r domain.ExperimentRequest) (domain.Experiment, error) {
	return s.beginExperiment(ctx, r, or(r.Kind, domain.ExperimentAB))
}

// beginExperiment keeps an experiment under another kind than the one that it is planned as.
func (s *Service) beginExperiment(ctx context.Context, r domain.ExperimentRequest, kind string) (domain.Experiment, error) {
	e, err := s.planExperiment(r)
	if err != nil {
		return e, err
	}
	e.Kind = kind
	step := experiment.Next(e, nil)
	runs, err := s.planRuns(ctx, &e, step)
	if err != nil {
		return e, inExperiment(e, err)
	}
	if err := s.d.Store.CreateExperiment(ctx, withoutSecretTexts(e), stored(runs)); err != nil {
		return e, err
	}
	s.goesOn(e.ID, true)
	s.queueAll(runs)
	return s.Experiment(ctx, e.ID)
}

// goesOn notes whether an experiment is being planned on by this process.
func (s *Service) goesOn(id string, on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if on {
		s.going[id] = true
	} else {
		delete(s.going, id)
	}
}

// planned is a run that was planned, with what the queue keeps of it.
type planned struct {
	run    domain.Run
	model  domain.Model
	prompt string
}

func stored(runs []planned) []domain.Run {
	out := make([]domain.Run, len(runs))
	for i := range runs {
		out[i] = runs[i].run
	}
	return out
}

func (s *Service) queueAll(runs []planned) {
	for _, p := range runs {
		s.d.Hub.Publish(domain.EventRunCreated, p.run)
		s.push(p.run.ID, p.model, p.prompt)
	}
}

// planRuns puts a step's arms and blocks into e, and makes a run of each place.
func (s *Service) planRuns(ctx context.Context, e *domain.Experiment, step experiment.Step) ([]planned, error) {
	e.Arms = append(e.Arms, step.Arms...)
	var out []planned
	for _, order := range step.Blocks {
		for _, arm := range order {
			p, err := s.planRun(ctx, *e, arm, len(e.Order))
			if err != nil {
				return nil, err
			}
			out = append(out, p)
		}
		e.Order = append(e.Order, order)
	}
	return out, nil
}

// planRun makes the run of one place. The arms of a block get the same prompts.
func (s *Service) planRun(ctx context.Context, e domain.Experiment, arm, block int) (planned, error) {
	b := e.Arms[arm].Benchmark
	b.Seed = new(blockSeed(e.Seed, block))
	if e.Design.Rest != nil && b.Rest == nil {
		b.Rest = e.Design.Rest
	}
	plan, model, prompt, err := s.resolve(ctx, b)
	if err != nil {
		return planned{}, inArm(arm, err)
	}
	run := s.newRun(plan, model, prompt)
	run.Name = fmt.Sprintf("%s · %s · %d", e.Name, e.Arms[arm].Name, block+1)
	if e.Arms[arm].Name == e.Name {
		run.Name = fmt.Sprintf("%s · %d", e.Name, block+1)
	}
	run.Tags, run.Notes = cleanTags(b.Tags), or(b.Notes, "")
	run.Experiment = &domain.ExperimentPlace{ID: e.ID, Arm: arm, Block: block}
	return planned{run, model, prompt}, nil
}

// blockSeed gives each block prompts of its own, and all arms of a block the same.
func blockSeed(seed int64, block int) int64 { return (seed + int64(block)) % (math.MaxUint32 + 1) }

// withoutSecretTexts leaves out the prompts that were asked not to be stored.
func withoutSecretTexts(e domain.Experiment) domain.Experiment {
	e.Arms = slices.Clone(e.Arms)
	for i := range e.Arms {
		if b := &e.Arms[i].Benchmark; b.StoreText != nil && !*b.StoreText {
			b.Prompt = nil
		}
	}
	return e
}

// planExperiment checks what stands alone; the kind fills in its own part.
func (s *Service) planExperiment(r domain.ExperimentRequest) (domain.Experiment, error) {
	e := domain.Experiment{ID: uuid.NewString(), Name: or(r.Name, ""), Kind: or(r.Kind, domain.ExperimentAB), CreatedAt: s.d.Now().UTC(),
		Seed: or(r.Seed, int64(rand.Uint32())), MinEffectPercent: or(r.MinEffectPercent, compare.DefaultMinEffect)} // #nosec G404 -- a seed that is shown and repeated, no secret
	var bad fieldErrors
	kind, ok := experiment.Of(e.Kind)
	if !ok || !slices.Contains(experiment.Names(), e.Kind) {
		bad.add("body.kind", "must be one of %s", strings.Join(experiment.Names(), ", "))
		return e, bad.err()
	}
	checkRange(&bad, "body.seed", float64(e.Seed), 0, math.MaxUint32)
	checkRange(&bad, "body.min_effect_percent", e.MinEffectPercent, 0, 100)
	checkLabels("body.name", e.Name, 200, &bad)
	if r.Rest != nil {
		rest := *r.Rest
		rest.First = new(true)
		p := domain.Plan{Rest: &rest, Phases: []domain.Phase{domain.PhaseMeasure}}
		planRest(&p, &bad)
		e.Design.Rest = p.Rest
	}
	kind.Plan(s.forMachine(r, &bad), &e, (*experiment.Refusals)(&bad))
	for i, a := range e.Arms {
		checkLabels(fmt.Sprintf("body.arms[%d].name", i), a.Name, 100, &bad)
	}
	return e, bad.err()
}

// inExperiment puts the fields of an error of the one benchmark that most kinds have under its place.
func inExperiment(e domain.Experiment, err error) error {
	if e.Kind == domain.ExperimentAB {
		return err
	}
	return elsewhere(err, func(place string) string {
		if _, rest, ok := strings.Cut(place, "].benchmark."); ok {
			return experiment.Field(e, rest)
		}
		return place
	})
}

// inArm puts the fields of an error under the arm that they belong to.
func inArm(arm int, err error) error {
	return elsewhere(err, func(place string) string {
		if rest, ok := strings.CutPrefix(place, "body."); ok {
			return fmt.Sprintf("body.arms[%d].benchmark.%s", arm, rest)
		}
		return place
	})
}

// Experiments lists the experiments, newest first, without their comparisons.
func (s *Service) Experiments(ctx context.Context) ([]domain.Experiment, error) {
	going := s.allGoing()
	all, err := s.d.Store.Experiments(ctx)
	if err != nil {
		return nil, err
	}
	runs, err := s.d.Store.ExperimentRunStates(ctx)
	if err != nil {
		return nil, err
	}
	for i := range all {
		s.follow(&all[i], runs[all[i].ID], going[all[i].ID])
	}
	return all, nil
}

// Experiment returns one experiment with what its runs have come to.
func (s *Service) Experiment(ctx context.Context, id string) (domain.Experiment, error) {
	going := s.allGoing()
	e, err := s.d.Store.Experiment(ctx, id)
	if err != nil {
		return e, err
	}
	runs, err := s.d.Store.ExperimentRuns(ctx, id)
	if err != nil {
		return e, err
	}
	s.follow(&e, runs, going[id])
	if k, ok := experiment.Of(e.Kind); ok {
		k.Result(&e, latestOf(runs))
	}
	switch {
	case e.Repeat != nil:
		err = s.addSpread(ctx, &e)
	case experiment.WantsQuality(e):
		err = s.addQuality(ctx, &e)
	}
	return e, err
}

// allGoing are the experiments that are being planned on. Who wants to know reads this before the store: an
// experiment is stored as ended first, then no longer among these.
func (s *Service) allGoing() map[string]bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.going)
}

// follow fills what follows from the runs of an experiment.
func (*Service) follow(e *domain.Experiment, runs []domain.Run, going bool) {
	e.Total, e.Runs = 0, make([]domain.ExperimentRun, 0, len(runs))
	for _, order := range e.Order {
		e.Total += len(order)
	}
	if k, ok := experiment.Of(e.Kind); ok {
		e.Most = max(k.Most(*e), e.Total)
	}
	latest := latestOf(runs)
	counts := map[domain.Status]int{}
	for _, r := range latest {
		e.Runs = append(e.Runs, domain.ExperimentRun{ID: r.ID, Arm: r.Experiment.Arm, Block: r.Experiment.Block, Status: r.Status})
		if closed(r) {
			counts[domain.StatusInterrupted]++
		} else {
			counts[r.Status]++
		}
		if r.Status.Ended() {
			e.Done++
		}
	}
	going = going && e.Ended == nil // between two steps nothing is open
	switch {
	case counts[domain.StatusRunning] > 0 || (counts[domain.StatusQueued] > 0 || going) && e.Done > 0:
		e.Status = domain.StatusRunning
	case counts[domain.StatusQueued] > 0:
		e.Status = domain.StatusQueued
	case counts[domain.StatusCanceled] > 0:
		e.Status = domain.StatusCanceled
	case counts[domain.StatusInterrupted] > 0:
		e.Status = domain.StatusInterrupted
	case e.Ended != nil && (e.Ended.Status != domain.StatusCompleted || e.Kind != domain.ExperimentAB):
		e.Status = e.Ended.Status
	case counts[domain.StatusCompleted] == e.Total && (e.Ended != nil || e.Kind == domain.ExperimentAB):
		e.Status = domain.StatusCompleted
	case e.Ended == nil && e.Kind != domain.ExperimentAB:
		e.Status = domain.StatusInterrupted // the program was closed
	default:
		e.Status = domain.StatusFailed
	}
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
	if err := s.endExperiment(ctx, id, domain.StatusCanceled, "canceled"); err != nil {
		return domain.Experiment{}, err
	}
	slices.Reverse(runs) // those that wait first, so that none begins meanwhile
	for _, r := range runs {
		if r.Status.Ended() {
			continue
		}
		if _, err := s.CancelBenchmark(ctx, r.ID); err != nil && domain.KindOf(err) != domain.KindConflict {
			return domain.Experiment{}, err
		}
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
