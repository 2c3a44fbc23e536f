// Package runner measures: it walks one job through its phases (prepare, settle, warmup, measure,
// drain, stop), sends the planned requests stage by stage and builds a record of each from the
// stamps of its stream. It never retries, never computes a summary of its own, and knows no
// storage: what it measured goes to a Sink from one recorder goroutine, so that nothing slow stands
// on the path of a token.
package runner

import (
	"context"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine"
	"github.com/inferometer/inferometer/backend/workload"
)

// Telemetry is the sampler as a run uses it.
type Telemetry interface {
	Begin(start time.Time, sink func(domain.Sample))
	SetPhase(p domain.Phase)
	SetEnginePID(pid int)
	End()
}

// Sink takes what a run produces. All calls come from one goroutine, the recorder's.
type Sink interface {
	Prepared(info domain.EngineInfo)
	Phase(change domain.PhaseChange)
	Append(batch domain.Batch) error
	Progress(event domain.RunProgressEvent)
}

// Job is one run to measure. Every field up to StartedAt is required.
type Job struct {
	ID     domain.RunID
	Plan   domain.Plan // its Stages are resolved
	Spec   domain.EngineSpec
	Engine engine.Engine
	// Source makes the prompts once the engine is prepared: made prompts are counted in its tokens.
	// tokenize is nil for an engine that has no tokenizer.
	Source    func(ctx context.Context, info domain.EngineInfo, tokenize workload.Tokenize) (workload.Source, error)
	Telemetry Telemetry
	Sink      Sink
	StartedAt time.Time
	// Trace says when each request of a trace is due, from its start.
	Trace []time.Duration
	// Settled says that an idle baseline was measured before the run, so that none is waited for.
	Settled bool
}

// Result is how a run ended. Err is set for a failed run and holds a *domain.Error.
type Result struct {
	Status domain.Status
	Err    error
	Info   domain.EngineInfo
	// CloseErr says that the engine could not be ended cleanly; the measurement stands.
	CloseErr error
	// DroppedSamples counts telemetry readings that found the recorder's queue full.
	DroppedSamples int
	// RecorderLate is the longest time that a finished request waited for the recorder.
	RecorderLate time.Duration
	// CPU is the processor time that this program used while measuring; nil where it cannot be read.
	CPU *time.Duration
}
