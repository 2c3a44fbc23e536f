package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine"
)

// runSink stores and publishes what the runner produces. Its methods are called by one goroutine.
type runSink struct {
	s      *Service
	job    *job
	append func(domain.Batch) error
	change func(func(*domain.Run) error) error
	// bandwidth is what reading memory with so many threads reached on this machine; nil before it was measured.
	bandwidth func(threads int) *domain.Bandwidth
}

// sink makes the sink of one job; ctx is what storing runs under.
func (s *Service) sink(ctx context.Context, j *job) *runSink {
	return &runSink{s: s, job: j,
		append: func(b domain.Batch) error { return s.d.Store.AppendRun(ctx, j.id, b) },
		change: func(change func(*domain.Run) error) error {
			_, err := s.changeRun(ctx, j.id, change)
			return err
		},
		bandwidth: func(threads int) *domain.Bandwidth {
			return s.bandwidth(ctx, machineOf(s.d.Sampler.System()), threads)
		}}
}

// Prepared stores the machine and the engine that are really in force.
func (k *runSink) Prepared(info domain.EngineInfo) {
	env := k.s.environment(info)
	env.Model, env.GPUs = k.job.model.GGUF, withPeaks(env.GPUs)
	if k.job.dataset != "" {
		env.Extra["dataset_sha256"] = k.job.dataset
	}
	if k.job.model.EndpointID == nil {
		env.Bandwidth = k.bandwidth(info.Threads)
	}
	if err := k.change(func(r *domain.Run) error {
		r.Environment = &env
		return nil
	}); err != nil {
		k.s.d.Log.Error("Cannot store the environment", "runId", k.job.id, "error", err)
	}
}

// Phase publishes where the run is.
func (k *runSink) Phase(c domain.PhaseChange) {
	k.s.d.Hub.Publish(domain.EventRunPhase, domain.RunPhaseEvent{JobID: k.job.id, PhaseChange: c})
}

// Append stores a batch.
func (k *runSink) Append(b domain.Batch) error { return k.append(b) }

// Progress publishes how far the run is and keeps it for those who ask.
func (k *runSink) Progress(e domain.RunProgressEvent) {
	p := e.Progress
	k.s.mu.Lock()
	k.job.progress = &p
	k.s.mu.Unlock()
	k.s.d.Hub.Publish(domain.EventRunProgress, e)
}

// guarded is an engine whose panics are errors, on whichever goroutine they happen: a fault in an
// adapter fails a request or a run, not the program.
type guarded struct {
	engine.Engine
	log *slog.Logger
}

// Tokenize implements engine.Tokenizer for an engine that does; the runner asks no other.
func (g guarded) Tokenize(ctx context.Context, text string) (ids []int, err error) {
	defer rescue(g.log, &err)
	if t, ok := g.Engine.(engine.Tokenizer); ok {
		return t.Tokenize(ctx, text)
	}
	return nil, errors.New("the engine has no tokenizer")
}

// Score implements engine.Scorer for an engine that does.
func (g guarded) Score(ctx context.Context, r domain.ScoreRequest, sink func(domain.TokenScore) error) (err error) {
	defer rescue(g.log, &err)
	if t, ok := g.Engine.(engine.Scorer); ok {
		return t.Score(ctx, r, sink)
	}
	return domain.Errorf(domain.KindUnsupported, "This engine tells no probabilities of tokens.")
}

// Open implements engine.Opener for an engine that does.
func (g guarded) Open(ctx context.Context, n int) {
	var err error
	defer rescue(g.log, &err)
	if o, ok := g.Engine.(engine.Opener); ok {
		o.Open(ctx, n)
	}
}

// Prepare implements engine.Engine.
func (g guarded) Prepare(ctx context.Context, spec domain.EngineSpec) (info domain.EngineInfo, err error) {
	defer rescue(g.log, &err)
	return g.Engine.Prepare(ctx, spec)
}

// Generate implements engine.Engine. After a panic the engine counts as ended, which ends the run.
func (g guarded) Generate(ctx context.Context, r domain.GenRequest, sink func(domain.Chunk)) (u domain.Usage, err error) {
	var fault error
	defer func() {
		if fault != nil {
			err = &engine.RequestError{Class: domain.ErrClassEngine, Err: fault}
		}
	}()
	defer rescue(g.log, &fault)
	return g.Engine.Generate(ctx, r, sink)
}

// Close implements engine.Engine.
func (g guarded) Close(ctx context.Context) (err error) {
	defer rescue(g.log, &err)
	return g.Engine.Close(ctx)
}

// rescue, deferred, turns a panic into an error.
func rescue(log *slog.Logger, err *error) {
	if p := recover(); p != nil {
		log.Error("A benchmark panicked", "panic", p, "stack", string(debug.Stack()))
		*err = &domain.Error{Kind: domain.KindInternal, Msg: "A fault of the program ended this run.",
			Hint: "The log holds the details.", Err: fmt.Errorf("panic: %v", p)}
	}
}
