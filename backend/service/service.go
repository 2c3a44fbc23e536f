// Package service holds the operations of Inferometer. Window, REST and command line are mouths of
// it; none of them holds a rule. Each exported method of Service is one operation, but for Start,
// Close and ActiveRun, which are its life. It never speaks HTTP, SQL or a sensor's language.
package service

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/stats"
	"github.com/inferometer/inferometer/backend/workload"
)

// Service is the set of operations. It owns one worker goroutine that measures queued jobs one
// after the other, and one that tidies up in between.
type Service struct {
	d       Deps
	started time.Time
	reach   reachable

	idemMu sync.Mutex // one keyed start at a time
	editMu sync.Mutex // one read-change-write of a stored run at a time
	dataMu sync.Mutex // one new dataset at a time
	planMu sync.Mutex // one step of an experiment at a time

	mu      sync.Mutex
	queue   []domain.RunID
	jobs    map[domain.RunID]*job // queued and running ones
	active  *job
	going   map[string]bool    // experiments that this process plans on
	quality assessments        // measurements of quality
	probing bool               // the memory is being measured: no benchmark starts
	task    *diskTask          // on the whole database; nil: none
	yield   context.CancelFunc // ends what reads the disk while nothing is measured; nil: nothing has
	wake    chan struct{}
	stop    context.CancelCauseFunc
	stopped chan struct{} // closed when the worker has ended
	idle    chan struct{} // a run has ended: tidy may work
	tidied  chan struct{} // closed when tidy has ended
}

// job is what is kept in memory of a queued or running benchmark.
type job struct {
	id       domain.RunID
	prompt   string // kept apart from the plan, which may not store it
	model    domain.Model
	cancel   context.CancelCauseFunc // set while running
	canceled bool
	dataset  string // checksum of the dataset; empty without one
	progress *domain.Progress
	others   []domain.Interference // who took the processor while it measured; known when it has ended
	done     chan struct{}         // closed when the run has ended and is stored
}

// New wires the operations. Call Start before use and Close at the end.
func New(d Deps) *Service {
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	if d.Logs == nil {
		d.Logs = noLog{}
	}
	if d.Mover == nil {
		d.Mover = noMover{}
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.OwnAddress == nil {
		d.OwnAddress = func(string) bool { return false }
	}
	return &Service{d: d, started: d.Now(), jobs: map[domain.RunID]*job{}, going: map[string]bool{},
		wake: make(chan struct{}, 1), stopped: make(chan struct{}),
		idle: make(chan struct{}, 1), tidied: make(chan struct{})}
}

// Start does start-up work: unfinished runs become interrupted, built-in datasets are registered,
// sample data is loaded in debug mode, and the queue's worker starts. resume lets queued jobs of
// an earlier start go on.
func (s *Service) Start(ctx context.Context, resume bool) error {
	s.clearSpool()
	if err := s.interruptUnfinished(ctx); err != nil {
		return fmt.Errorf("mark unfinished runs: %w", err)
	}
	if err := s.d.Store.InterruptQualities(ctx, s.d.Now(), domain.RunError{Kind: domain.KindUnavailable,
		Message: "The program ended before this measurement had.", Hint: "Measure again."}); err != nil {
		return fmt.Errorf("mark unfinished measurements of quality: %w", err)
	}
	if err := s.registerBuiltins(ctx); err != nil {
		return fmt.Errorf("register built-in datasets: %w", err)
	}
	if s.d.Settings.Debug() {
		if err := s.loadSampleData(ctx); err != nil {
			return err
		}
	}
	if resume {
		if err := s.resumeQueued(ctx); err != nil {
			return fmt.Errorf("resume the queue: %w", err)
		}
		if err := s.resumeExperiments(ctx); err != nil {
			return fmt.Errorf("resume experiments: %w", err)
		}
	}
	wctx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	s.mu.Lock()
	s.stop = cancel
	s.mu.Unlock()
	go s.work(wctx)
	go s.tidy(wctx)
	return nil
}

// Close cancels a running job, waits for it and stops the worker. Queued jobs stay queued.
func (s *Service) Close(ctx context.Context) error {
	s.mu.Lock()
	stop := s.stop
	s.mu.Unlock()
	if stop == nil {
		return nil
	}
	stop(errClosing)
	for _, ended := range []chan struct{}{s.stopped, s.tidied} {
		select {
		case <-ended:
		case <-ctx.Done():
			return fmt.Errorf("stop the running benchmark: %w", ctx.Err())
		}
	}
	return nil
}

// ActiveRun returns the run being measured, or false.
func (s *Service) ActiveRun() (domain.RunID, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.active == nil {
		return "", false
	}
	return s.active.id, true
}

// registerBuiltins stores the built-in datasets; a changed one replaces its older form.
func (s *Service) registerBuiltins(ctx context.Context) error {
	have, err := s.d.Store.Datasets(ctx)
	if err != nil {
		return err
	}
	known := map[string]domain.Dataset{}
	for _, d := range have {
		known[d.ID] = d
	}
	for _, b := range workload.Builtin() {
		d := b.Dataset
		if old, ok := known[d.ID]; ok {
			if old.SHA256 == d.SHA256 {
				continue
			}
			d.CreatedAt = old.CreatedAt
		} else if d.CreatedAt.IsZero() {
			d.CreatedAt = s.d.Now().UTC()
		}
		if err := s.d.Store.PutDataset(ctx, d, b.Prompts); err != nil {
			return err
		}
	}
	return nil
}

// interruptUnfinished closes the runs that a killed process left behind, with the summary that
// their stored records allow.
func (s *Service) interruptUnfinished(ctx context.Context) error {
	runs, err := s.d.Store.InterruptRunning(ctx, s.d.Now())
	if err != nil {
		return err
	}
	for _, r := range runs {
		r.Status = domain.StatusInterrupted
		r.Error = &domain.RunError{Kind: domain.KindUnavailable,
			Message: "The program ended while this benchmark ran.", Hint: "What it had measured is kept; run it again."}
		var info domain.EngineInfo
		if r.Environment != nil {
			info = r.Environment.Engine
		}
		if in, err := s.records(ctx, r, info); err != nil {
			s.d.Log.Warn("Cannot summarise an interrupted run", "runId", r.ID, "error", err)
		} else {
			report(&r, in)
			if last := lastSeen(in); !last.IsZero() {
				r.EndedAt = &last
			}
		}
		if err := s.d.Store.UpdateRun(ctx, r); err != nil {
			return err
		}
		s.d.Log.Info("Run was interrupted", "runId", r.ID)
	}
	return nil
}

// lastSeen is when the newest stored record was made, zero when there is none.
func lastSeen(in stats.Input) time.Time {
	var last time.Time
	see := func(t time.Time) {
		if t.After(last) {
			last = t.UTC()
		}
	}
	for _, r := range in.Requests {
		see(r.StartedAt.Add(time.Duration(or(r.ClosedUs, or(r.LastUs, 0))) * time.Microsecond))
	}
	for _, x := range in.Samples {
		see(x.Timestamp)
	}
	for _, c := range in.Phases {
		see(c.At)
	}
	return last
}

// resumeQueued puts the queued jobs of an earlier start back into the queue, oldest first.
func (s *Service) resumeQueued(ctx context.Context) error {
	page, err := s.d.Store.Runs(ctx, domain.RunFilter{Status: string(domain.StatusQueued), Limit: 1000})
	if err != nil {
		return err
	}
	for i := len(page.Items) - 1; i >= 0; i-- {
		if _, err := s.requeue(ctx, page.Items[i]); err != nil {
			s.d.Log.Warn("Cannot resume a queued benchmark", "runId", page.Items[i].ID, "error", err)
		}
	}
	return nil
}
