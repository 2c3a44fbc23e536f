package service

import (
	"context"
	"strings"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

// Search finds the runs in whose names, tags, notes, prompts or outputs every word of the query occurs.
func (s *Service) Search(ctx context.Context, f domain.SearchFilter) (domain.Search, error) {
	if strings.TrimSpace(f.Query) == "" {
		return domain.Search{}, domain.Invalid("query.q", "must not be empty")
	}
	return s.d.Store.Search(ctx, f)
}

// tidy does what needs no hurry between two runs, and so never beside one, until ctx ends.
func (s *Service) tidy(ctx context.Context) {
	defer close(s.tidied)
	tick := time.NewTicker(housekeeping)
	defer tick.Stop()
	s.keepHouse(ctx)
	s.checkDatabase(ctx)
	s.backUp(ctx)
	s.watchBuild(ctx)
	for {
		s.checkDatabase(ctx)
		s.betweenRuns(ctx, "Cannot fold hardware samples", s.d.Store.FoldTelemetry)
		s.betweenRuns(ctx, "Cannot index texts", s.d.Store.IndexTexts)
		s.copyData(ctx)
		select {
		case <-ctx.Done():
			return
		case <-s.idle:
		case <-tick.C:
			s.keepHouse(ctx)
			s.backUp(ctx)
		}
	}
}

// rested tells tidy that the machine is free.
func (s *Service) rested() {
	select {
	case s.idle <- struct{}{}:
	default:
	}
}

// measuring reports whether anything is being measured.
func (s *Service) measuring() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.busy()
}

// busy is measuring for a caller that holds mu.
func (s *Service) busy() bool { return s.active != nil || s.quality.active != nil || s.probing }

// betweenRuns repeats a bounded step until nothing is left for it to do or a run begins.
func (s *Service) betweenRuns(ctx context.Context, failed string, step func(context.Context) (more bool, err error)) {
	for more := true; more && ctx.Err() == nil && !s.measuring(); {
		var err error
		if more, err = step(ctx); err != nil {
			if ctx.Err() == nil {
				s.d.Log.Error(failed, "error", err)
			}
			return
		}
	}
}
