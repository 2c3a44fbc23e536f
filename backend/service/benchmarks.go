package service

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/inferometer/inferometer/backend/domain"
)

// cancelWait is how long CancelBenchmark waits for a running job to wind down before it answers
// with the job as it stands.
const cancelWait = 20 * time.Second

// StartBenchmark validates, plans, stores and queues a job. idempotencyKey may be empty; the same
// key with the same body answers with the first job, with another body KindConflict.
func (s *Service) StartBenchmark(ctx context.Context, r domain.BenchmarkRequest, idempotencyKey string) (domain.Run, error) {
	if idempotencyKey == "" {
		return s.start(ctx, r)
	}
	s.idemMu.Lock()
	defer s.idemMu.Unlock()
	body, err := json.Marshal(r)
	if err != nil {
		return domain.Run{}, fmt.Errorf("encode request: %w", err)
	}
	sum := sha256.Sum256(body)
	key, want := "idempotency:"+idempotencyKey, hex.EncodeToString(sum[:])
	if run, found, err := s.earlier(ctx, key, want); found || err != nil {
		return run, err
	}
	run, err := s.start(ctx, r)
	if err != nil {
		return run, err
	}
	return run, s.d.Store.SetKV(ctx, key, want+" "+string(run.ID))
}

// earlier finds the job that an idempotency key started before.
func (s *Service) earlier(ctx context.Context, key, want string) (domain.Run, bool, error) {
	v, ok, err := s.d.Store.GetKV(ctx, key)
	if err != nil || !ok {
		return domain.Run{}, false, err
	}
	var have string
	var id domain.RunID
	if _, err := fmt.Sscanf(v, "%s %s", &have, &id); err != nil {
		return domain.Run{}, false, fmt.Errorf("read idempotency key: %w", err)
	}
	if have != want {
		return domain.Run{}, false, domain.Errorf(domain.KindConflict,
			"This Idempotency-Key was used with another body.")
	}
	run, err := s.Benchmark(ctx, id)
	if domain.KindOf(err) == domain.KindNotFound { // deleted for good since: the key is free again
		return domain.Run{}, false, nil
	}
	return run, err == nil, err
}

func (s *Service) start(ctx context.Context, r domain.BenchmarkRequest) (domain.Run, error) {
	if r.Repeat == repeatAuto {
		return s.startRepeated(ctx, r)
	}
	plan, model, prompt, err := s.resolve(ctx, r)
	if err != nil {
		return domain.Run{}, err
	}
	run := s.newRun(plan, model, prompt)
	run.Name, run.Notes, run.Tags = or(r.Name, ""), or(r.Notes, ""), cleanTags(r.Tags)
	return s.enqueue(ctx, run, model, prompt)
}

func (s *Service) newRun(plan domain.Plan, model domain.Model, prompt string) domain.Run {
	if plan.StoreText && prompt != "" {
		plan.Prompt = &prompt
	}
	return domain.Run{ID: domain.RunID(uuid.NewString()), Model: plan.ModelID, Engine: plan.Engine,
		Task: plan.Task, Status: domain.StatusQueued, CreatedAt: s.d.Now().UTC(), Plan: plan,
		Warnings: s.planWarnings(plan, model), Tags: []string{}}
}

// enqueue stores a new run and hands it to the worker.
func (s *Service) enqueue(ctx context.Context, run domain.Run, model domain.Model, prompt string) (domain.Run, error) {
	if err := s.d.Store.CreateRun(ctx, run); err != nil {
		return domain.Run{}, fmt.Errorf("store run: %w", err)
	}
	s.d.Hub.Publish(domain.EventRunCreated, run) // before the worker can publish more about it
	s.push(run.ID, model, prompt)
	return run, nil
}

// push queues a job once, however often it is asked to.
func (s *Service) push(id domain.RunID, model domain.Model, prompt string) {
	s.mu.Lock()
	if s.jobs[id] == nil {
		s.jobs[id] = &job{id: id, model: model, prompt: prompt, done: make(chan struct{})}
		s.queue = append(s.queue, id)
	}
	s.mu.Unlock()
	s.nudge()
}

// nudge lets the worker look at the queue.
func (s *Service) nudge() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// requeue puts a stored queued run into the queue unless it is there; its model is looked up anew.
func (s *Service) requeue(ctx context.Context, run domain.Run) (domain.Run, error) {
	s.mu.Lock()
	known := s.jobs[run.ID] != nil
	s.mu.Unlock()
	if known {
		return run, nil
	}
	model, prompt, err := s.target(ctx, run.Plan)
	if err != nil {
		return domain.Run{}, err
	}
	s.push(run.ID, model, prompt)
	return run, nil
}

// target finds model and prompt of a stored plan.
func (s *Service) target(ctx context.Context, p domain.Plan) (domain.Model, string, error) {
	if p.DatasetID == nil && p.Prompt == nil && p.Synthetic == nil {
		return domain.Model{}, "", domain.Errorf(domain.KindConflict,
			"The prompt of this run was not stored, so it cannot be run again.")
	}
	if p.DatasetID != nil {
		if _, _, err := s.d.Store.Dataset(ctx, *p.DatasetID); domain.KindOf(err) == domain.KindNotFound {
			return domain.Model{}, "", domain.Errorf(domain.KindConflict,
				"The dataset of this run was deleted, so it cannot be run again.")
		} else if err != nil {
			return domain.Model{}, "", err
		}
	}
	scratch := p
	m, err := s.resolveTarget(ctx, domain.BenchmarkRequest{ModelID: p.ModelID, EndpointID: p.EndpointID}, &scratch)
	return m, or(p.Prompt, ""), err
}

// WaitBenchmark returns the job when it ends, or as it stands when max, ctx or the service ends
// first.
func (s *Service) WaitBenchmark(ctx context.Context, id domain.RunID, max time.Duration) (domain.Run, error) {
	s.mu.Lock()
	j := s.jobs[id]
	s.mu.Unlock()
	if j != nil {
		timer := time.NewTimer(max)
		defer timer.Stop()
		select {
		case <-j.done:
		case <-timer.C:
		case <-ctx.Done():
		case <-s.stopped:
		}
	}
	return s.Benchmark(context.WithoutCancel(ctx), id)
}

// Benchmark returns one job; a running one carries its progress.
func (s *Service) Benchmark(ctx context.Context, id domain.RunID) (domain.Run, error) {
	run, err := s.d.Store.Run(ctx, id)
	if err != nil {
		return domain.Run{}, noSuchRun(err)
	}
	s.addProgress(&run)
	return run, nil
}

func (s *Service) addProgress(run *domain.Run) {
	if run.Status.Ended() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if j := s.jobs[run.ID]; j != nil && j.progress != nil {
		p := *j.progress
		run.Progress = &p
	}
}

func noSuchRun(err error) error {
	if domain.KindOf(err) == domain.KindNotFound {
		return &domain.Error{Kind: domain.KindNotFound, Msg: "There is no benchmark with this id.", Err: err}
	}
	return err
}

// Benchmarks lists jobs, newest first.
func (s *Service) Benchmarks(ctx context.Context, f domain.RunFilter) (domain.Page[domain.Run], error) {
	f.IncludeSample = f.IncludeSample && s.d.Settings.Debug()
	page, err := s.d.Store.Runs(ctx, f)
	if err != nil {
		return page, err
	}
	for i := range page.Items {
		s.addProgress(&page.Items[i])
	}
	return page, nil
}

// CancelBenchmark stops a queued or running job and returns it; KindConflict when it has ended.
func (s *Service) CancelBenchmark(ctx context.Context, id domain.RunID) (domain.Run, error) {
	run, err := s.Benchmark(ctx, id)
	if err != nil {
		return run, err
	}
	if run.Status.Ended() {
		return run, alreadyEnded(run.Status)
	}
	s.mu.Lock()
	j := s.jobs[id]
	if j != nil {
		j.canceled = true
		if j.cancel != nil {
			j.cancel(errCanceled)
		}
	}
	running := j != nil && s.active == j
	s.mu.Unlock()
	if running {
		return s.WaitBenchmark(ctx, id, cancelWait)
	}
	return s.cancelQueued(ctx, id)
}

func alreadyEnded(st domain.Status) error {
	return domain.Errorf(domain.KindConflict, "This benchmark has already ended (%s).", st)
}

// cancelQueued ends a job that has not begun; the worker skips it when its turn comes.
func (s *Service) cancelQueued(ctx context.Context, id domain.RunID) (domain.Run, error) {
	run, err := s.changeRun(ctx, id, func(r *domain.Run) error {
		if r.Status.Ended() { // it ended while it was being canceled
			return alreadyEnded(r.Status)
		}
		now := s.d.Now().UTC()
		r.Status, r.EndedAt = domain.StatusCanceled, &now
		return nil
	})
	if err != nil {
		return run, err
	}
	s.forget(id)
	if run.Experiment != nil {
		s.advance(ctx, run.Experiment.ID)
	}
	s.d.Hub.Publish(domain.EventRunFinished, run)
	return run, nil
}

// forget drops a job from memory and tells those who wait for it.
func (s *Service) forget(id domain.RunID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if j := s.jobs[id]; j != nil {
		delete(s.jobs, id)
		close(j.done)
	}
	for i, q := range s.queue {
		if q == id {
			s.queue = append(s.queue[:i:i], s.queue[i+1:]...)
			break
		}
	}
}

// RerunBenchmark starts a new job with the plan of an old one, seed included. A queued job that an
// earlier start of the program left behind goes on instead.
func (s *Service) RerunBenchmark(ctx context.Context, id domain.RunID) (domain.Run, error) {
	old, err := s.Benchmark(ctx, id)
	if err != nil {
		return old, err
	}
	if old.Status == domain.StatusQueued {
		return s.requeue(ctx, old)
	}
	if old.Imported != nil && old.Imported.Tool != "inferometer" {
		return domain.Run{}, &domain.Error{Kind: domain.KindConflict, Msg: "This run was measured by another program, so it cannot be run again.",
			Hint: "Start a benchmark of the same model and load."}
	}
	model, prompt, err := s.target(ctx, old.Plan)
	if err != nil {
		return domain.Run{}, err
	}
	run := s.newRun(old.Plan, model, prompt)
	run.Name, run.Tags = old.Name, old.Tags
	return s.enqueue(ctx, run, model, prompt)
}

// EditBenchmark changes name, tags, notes, pin.
func (s *Service) EditBenchmark(ctx context.Context, id domain.RunID, p domain.RunPatch) (domain.Run, error) {
	var bad fieldErrors
	checkLabels("body.name", or(p.Name, ""), 200, &bad)
	checkLabels("body.notes", or(p.Notes, ""), 20000, &bad)
	if p.Tags != nil {
		checkTags(*p.Tags, &bad)
	}
	if err := bad.err(); err != nil {
		return domain.Run{}, err
	}
	return s.changeRun(ctx, id, func(r *domain.Run) error {
		r.Name, r.Notes, r.Pinned = or(p.Name, r.Name), or(p.Notes, r.Notes), or(p.Pinned, r.Pinned)
		if p.Tags != nil {
			r.Tags = cleanTags(*p.Tags)
		}
		return nil
	})
}

// changeRun reads, changes and writes a run while nothing else does.
func (s *Service) changeRun(ctx context.Context, id domain.RunID, change func(*domain.Run) error) (domain.Run, error) {
	s.editMu.Lock()
	defer s.editMu.Unlock()
	run, err := s.d.Store.Run(ctx, id)
	if err != nil {
		return run, noSuchRun(err)
	}
	if err := change(&run); err != nil {
		return run, err
	}
	if err := s.d.Store.UpdateRun(ctx, run); err != nil {
		return run, fmt.Errorf("update run: %w", err)
	}
	s.addProgress(&run)
	return run, nil
}

// DeleteBenchmark moves a job to the trash, or with restore takes it back. A queued or running job
// is KindConflict.
func (s *Service) DeleteBenchmark(ctx context.Context, id domain.RunID, restore bool) error {
	_, err := s.changeRun(ctx, id, func(r *domain.Run) error {
		if restore {
			r.DeletedAt = nil
			return nil
		}
		if !r.Status.Ended() {
			return &domain.Error{Kind: domain.KindConflict, Msg: "This benchmark has not ended yet.",
				Hint: "Cancel it first."}
		}
		if r.DeletedAt == nil {
			now := s.d.Now().UTC()
			r.DeletedAt = &now
		}
		return nil
	})
	return err
}

var errCanceled = errors.New("canceled")
