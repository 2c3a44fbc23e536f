package service

import (
	"context"

	"github.com/google/uuid"

	"github.com/inferometer/inferometer/backend/compare"
	"github.com/inferometer/inferometer/backend/domain"
)

// mostWatchedRuns of a model are looked at after each of its runs, the newest ones.
const mostWatchedRuns = 400

// Alerts lists what was seen in the series of runs, newest first; with open only what nobody has seen to.
func (s *Service) Alerts(ctx context.Context, open bool) ([]domain.Alert, error) {
	return s.d.Store.Alerts(ctx, open)
}

// AcknowledgeAlert notes that somebody has seen to an alert.
func (s *Service) AcknowledgeAlert(ctx context.Context, id string) (domain.Alert, error) {
	return s.changeAlert(ctx, id, true)
}

// ReopenAlert takes an acknowledgement back.
func (s *Service) ReopenAlert(ctx context.Context, id string) (domain.Alert, error) {
	return s.changeAlert(ctx, id, false)
}

func (s *Service) changeAlert(ctx context.Context, id string, seen bool) (domain.Alert, error) {
	now := s.d.Now().UTC()
	at := &now
	if !seen {
		at = nil
	}
	a, err := s.d.Store.AcknowledgeAlert(ctx, id, at)
	if err == nil {
		s.d.Hub.Publish(domain.EventAlert, a)
	}
	return a, err
}

// watch looks at the series of a run that has ended and keeps what is new there. A look that fails costs the
// alert, not the run.
func (s *Service) watch(ctx context.Context, run domain.Run) {
	if run.Experiment != nil {
		s.watchExperiment(ctx, run.Experiment.ID)
		return
	}
	if run.Status != domain.StatusCompleted || run.Sample {
		return
	}
	runs, err := s.runsLike(ctx, run)
	var past []domain.Alert
	if err == nil {
		past, err = s.d.Store.Alerts(ctx, false)
	}
	if err != nil {
		s.d.Log.Warn("Cannot look at the history of a run", "runId", run.ID, "error", err)
		return
	}
	for _, a := range compare.Watch(runs, run.ID, compare.DefaultMinEffect, past) {
		s.raise(ctx, a)
	}
}

// raise keeps an alert and tells of it.
func (s *Service) raise(ctx context.Context, a domain.Alert) {
	if a.ID == "" {
		a.ID, a.CreatedAt = uuid.NewString(), s.d.Now().UTC()
	}
	if a.Differs == nil {
		a.Differs = []domain.Difference{}
	}
	if err := s.d.Store.PutAlert(ctx, a); err != nil {
		s.d.Log.Warn("Cannot store an alert", "runId", a.Run, "error", err)
		return
	}
	s.d.Hub.Publish(domain.EventAlert, a)
}

// runsLike are the newest completed runs of a run's model.
func (s *Service) runsLike(ctx context.Context, run domain.Run) ([]domain.Run, error) {
	f := domain.RunFilter{Status: string(domain.StatusCompleted), Model: run.Model, Engine: run.Engine, Limit: mostWatchedRuns}
	page, err := s.d.Store.Runs(ctx, f)
	return page.Items, err
}
