package service

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/experiment"
)

// mostTries is how often a place of an experiment is measured if the program ends each time; a run that
// kills the program would do so at each start.
const mostTries = 3

// advance plans an experiment on when none of its runs is open: places without a run that counts are measured
// again, else the kind says what follows. The caller is the worker between two runs, or somebody who has just ended
// a run that waited.
func (s *Service) advance(ctx context.Context, id string) {
	if err := s.planOn(ctx, id); err != nil && domain.KindOf(err) != domain.KindNotFound {
		s.d.Log.Error("Cannot plan an experiment on", "experiment", id, "error", err)
	}
}

func (s *Service) planOn(ctx context.Context, id string) error {
	s.planMu.Lock()
	defer s.planMu.Unlock()
	e, err := s.d.Store.Experiment(ctx, id)
	if err != nil || e.Ended != nil {
		return err
	}
	all, err := s.d.Store.ExperimentRuns(ctx, id)
	if err != nil || slices.ContainsFunc(all, func(r domain.Run) bool { return !r.Status.Ended() }) {
		return err
	}
	runs := latestOf(all)
	if slices.ContainsFunc(runs, canceled) {
		return s.storeEnd(ctx, e, domain.StatusCanceled, "canceled", "")
	}
	again := s.missing(e, all)
	var fresh []planned
	for _, place := range again {
		p, err := s.planRun(ctx, e, place.Arm, place.Block)
		if err != nil {
			return s.cannotPlan(ctx, e, err)
		}
		fresh = append(fresh, p)
	}
	if len(again) == 0 {
		step := experiment.Next(e, runs)
		if step.End != nil {
			return s.storeEnd(ctx, e, step.End.Status, step.End.Reason, "")
		}
		before := e
		if fresh, err = s.planRuns(ctx, &e, step); err != nil {
			return s.cannotPlan(ctx, before, err)
		}
	}
	if err := s.d.Store.ExtendExperiment(ctx, e, stored(fresh)); err != nil {
		return err
	}
	s.queueAll(fresh)
	return nil
}

// cannotPlan ends an experiment of which a further run cannot be made, such as when its model is gone.
func (s *Service) cannotPlan(ctx context.Context, e domain.Experiment, err error) error {
	message := err.Error()
	var told *domain.Error
	if errors.As(err, &told) {
		message = told.Msg
		for _, f := range told.Fields {
			message += fmt.Sprintf(" %s: %s.", f.Location, f.Message)
		}
	}
	return s.storeEnd(ctx, e, domain.StatusFailed, "cannot_plan", message)
}

func (s *Service) storeEnd(ctx context.Context, e domain.Experiment, status domain.Status, reason, message string) error {
	e.Ended = &domain.ExperimentEnd{At: s.d.Now().UTC(), Status: status, Reason: reason, Message: message}
	if err := s.d.Store.ExtendExperiment(ctx, e, nil); err != nil {
		return err
	}
	s.goesOn(e.ID, false)
	return nil
}

// endExperiment ends one that has not ended, whose runs may still be open.
func (s *Service) endExperiment(ctx context.Context, id string, status domain.Status, reason string) error {
	s.planMu.Lock()
	defer s.planMu.Unlock()
	e, err := s.d.Store.Experiment(ctx, id)
	if err != nil {
		return err
	}
	runs, err := s.d.Store.ExperimentRuns(ctx, id)
	if err != nil {
		return err
	}
	if s.follow(&e, runs, s.allGoing()[id]); e.Ended != nil || e.Kind == domain.ExperimentAB && e.Status.Ended() {
		return domain.Errorf(domain.KindConflict, "This experiment has already ended.")
	}
	return s.storeEnd(ctx, e, status, reason, "")
}

// ResumeExperiment goes on with an experiment that was canceled or interrupted or failed: what failed or was
// canceled is measured again, then what had not been.
func (s *Service) ResumeExperiment(ctx context.Context, id string) (domain.Experiment, error) {
	if err := s.reopen(ctx, id); err != nil {
		return domain.Experiment{}, err
	}
	if err := s.planOn(ctx, id); err != nil {
		return domain.Experiment{}, err
	}
	return s.Experiment(ctx, id)
}

func (s *Service) reopen(ctx context.Context, id string) error {
	s.planMu.Lock()
	defer s.planMu.Unlock()
	e, err := s.d.Store.Experiment(ctx, id)
	if err != nil {
		return err
	}
	all, err := s.d.Store.ExperimentRuns(ctx, id)
	if err != nil {
		return err
	}
	switch s.follow(&e, all, s.allGoing()[id]); {
	case e.Status == domain.StatusCompleted:
		return domain.Errorf(domain.KindConflict, "This experiment is complete.")
	case !e.Status.Ended():
		return domain.Errorf(domain.KindConflict, "This experiment is still being measured.")
	}
	var fresh []planned
	for _, r := range latestOf(all) {
		if r.Status == domain.StatusCompleted || r.Experiment.Arm >= len(e.Arms) {
			continue
		}
		p, err := s.planRun(ctx, e, r.Experiment.Arm, r.Experiment.Block)
		if err != nil {
			return inExperiment(e, err)
		}
		fresh = append(fresh, p)
	}
	e.Ended = nil
	if err := s.d.Store.ExtendExperiment(ctx, e, stored(fresh)); err != nil {
		return err
	}
	s.goesOn(e.ID, true)
	s.queueAll(fresh)
	return nil
}

// resumeExperiments plans those on that the end of the program had stopped.
func (s *Service) resumeExperiments(ctx context.Context) error {
	all, err := s.d.Store.Experiments(ctx)
	if err != nil {
		return err
	}
	for _, e := range all {
		if e.Ended == nil && e.Kind != domain.ExperimentAB { // runs of ab are all in the queue
			s.goesOn(e.ID, true)
			s.advance(ctx, e.ID)
		}
	}
	return nil
}

// place is where in its experiment a run is.
func place(r domain.Run) domain.ExperimentPlace { return *r.Experiment }

// latestOf keeps the newest run of each place, in the order of the blocks.
func latestOf(runs []domain.Run) []domain.Run {
	at := map[domain.ExperimentPlace]int{}
	var out []domain.Run
	for _, r := range runs {
		i, ok := at[place(r)]
		switch {
		case !ok:
			at[place(r)] = len(out)
			out = append(out, r)
		case r.CreatedAt.After(out[i].CreatedAt):
			out[i] = r
		}
	}
	sortByBlock(out)
	return out
}

// closed reports whether a run ended because the program did.
func closed(r domain.Run) bool {
	return r.Status == domain.StatusInterrupted || r.Status == domain.StatusCanceled && r.Error != nil
}

// canceled reports whether somebody wanted a run to end.
func canceled(r domain.Run) bool { return r.Status == domain.StatusCanceled && r.Error == nil }

// missing are the places that have no run that counts, in their order.
func (s *Service) missing(e domain.Experiment, all []domain.Run) []domain.ExperimentPlace {
	tries, known := map[domain.ExperimentPlace]int{}, map[domain.ExperimentPlace]bool{}
	for _, r := range all {
		if tries[place(r)]++; !closed(r) {
			known[place(r)] = true
		}
	}
	var out []domain.ExperimentPlace
	for block, order := range e.Order {
		for _, arm := range order {
			if p := (domain.ExperimentPlace{ID: e.ID, Arm: arm, Block: block}); !known[p] && tries[p] < mostTries {
				out = append(out, p)
			}
		}
	}
	return out
}

// addSpread tells where the spread of a repeated benchmark comes from, by the decode times of its requests.
func (s *Service) addSpread(ctx context.Context, e *domain.Experiment) error {
	var values [][]float64
	for _, p := range e.Repeat.Points {
		page, err := s.d.Store.Requests(ctx, p.ID, domain.RequestFilter{Limit: maxPage})
		if err != nil {
			return err
		}
		var run []float64
		for i := range page.Items {
			if r := &page.Items[i]; r.Phase == domain.PhaseMeasure && r.Outcome == domain.OutcomeOK && r.TPOTUs != nil {
				run = append(run, float64(*r.TPOTUs))
			}
		}
		values = append(values, run)
	}
	experiment.Spread(e.Repeat, values)
	return nil
}
