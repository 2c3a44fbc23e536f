// Package runner measures: it walks one job through its phases (prepare, settle, warmup, measure,
// drain, stop), sends the planned requests and builds a record of each from the stamps of its
// stream. It never retries, never computes a summary, and knows no storage: what it measured goes
// to a Sink from one recorder goroutine, so that nothing slow stands on the path of a token.
package runner

import (
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
	ID        domain.RunID
	Plan      domain.Plan
	Spec      domain.EngineSpec
	Engine    engine.Engine
	Source    workload.Source
	Telemetry Telemetry
	Sink      Sink
	StartedAt time.Time
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
}
