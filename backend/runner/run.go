package runner

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine"
	"github.com/inferometer/inferometer/backend/load"
	"github.com/inferometer/inferometer/backend/workload"
)

// How long the phases that wait may take.
const (
	settleTime   = time.Second      // idle baseline of telemetry
	drainGrace   = 30 * time.Second // for requests in flight when a limit ends a stage
	closeTimeout = 15 * time.Second // for the engine to end
)

// run is the state of one job under way.
type run struct {
	job        Job
	origin     time.Time
	abort      context.CancelCauseFunc
	rec        *recorder
	slots      []atomic.Pointer[tape]
	info       domain.EngineInfo
	source     workload.Source
	tokenize   workload.Tokenize // nil: the engine has none
	prefixSeed int64
	drained    bool
	cpu        *time.Duration       // used while measuring
	heat       atomic.Uint64        // the last temperature read, by its bits; see rest
	phases     []domain.PhaseChange // so far

	seq          atomic.Int64 // requests sent and arrivals dropped, warm-ups included
	prefixes     atomic.Int64 // unique first lines given out
	succeeded    atomic.Int64 // measured requests
	firstFailure atomic.Pointer[failure]
}

// failure is the first failed request, kept for the reason of a failed run.
type failure struct {
	class   domain.ErrorClass
	message string
}

// Run measures one job and returns when everything it produced has been handed to the sink.
// Cancelling ctx ends the run as canceled; what was measured is kept. The engine is closed in any
// case.
func Run(ctx context.Context, job Job) Result {
	alive, abort := context.WithCancelCause(ctx)
	defer abort(nil)
	r, err := newRun(job, abort)
	if err != nil {
		return Result{Status: domain.StatusFailed, Err: err, CloseErr: closeEngine(ctx, job)}
	}
	go r.rec.run()
	job.Telemetry.Begin(r.origin, r.sample)
	err = r.walk(alive)
	r.enter(domain.PhaseStop, nil)
	res := Result{Info: r.info, CPU: r.cpu, CloseErr: closeEngine(ctx, job)}
	job.Telemetry.SetEnginePID(0)
	job.Telemetry.End()
	if stored := r.rec.close(); stored != nil {
		err = stored // a failed last flush counts too
	}
	res.DroppedSamples = int(r.rec.dropped.Load())
	res.RecorderLate = time.Duration(r.rec.late.Load())
	res.Status, res.Err = r.verdict(ctx, err)
	return res
}

func newRun(job Job, abort context.CancelCauseFunc) (*run, error) {
	places := 0
	for _, s := range job.Plan.Stages {
		pacer, err := load.For(s, job.Plan.Seed, job.Trace)
		if err != nil {
			return nil, err
		}
		places = max(places, seats(pacer.Describe()))
	}
	if places == 0 {
		return nil, domain.Errorf(domain.KindInternal, "The plan has no stage.")
	}
	// A start that went through storage has lost its monotonic reading; this gives it one again, so
	// that a clock set while measuring moves no stamp.
	origin := time.Now()
	if !job.StartedAt.IsZero() {
		origin = origin.Add(-time.Since(job.StartedAt))
	}
	r := &run{job: job, origin: origin, abort: abort, prefixSeed: workload.JobSeed(job.ID, job.Plan.Seed)}
	r.slots = make([]atomic.Pointer[tape], max(places, mostUsers(job.Plan.Load)))
	r.rec = newRecorder(job, r.origin, abort, newLive(job, r.origin, r.slots))
	return r, nil
}

// seats is how many requests of a stage can be under way at a time.
func seats(s load.Step) int {
	if s.Open {
		return s.MaxInFlight
	}
	return s.Users
}

// mostUsers is how far a search may raise the load; its stages are not known before.
func mostUsers(l domain.Load) int {
	if l.Kind != domain.LoadKnee || l.Open() || l.To == nil {
		return 0
	}
	return int(*l.To)
}

// walk goes through the phases up to drain. The error is why the run ended early, nil otherwise.
func (r *run) walk(ctx context.Context) error {
	r.enter(domain.PhasePrepare, nil)
	if err := r.prepare(ctx); err != nil {
		return err
	}
	r.enter(domain.PhaseSettle, nil)
	if !r.job.Settled {
		r.rec.say("Measuring the idle baseline")
		if !sleep(ctx, settleTime) {
			return context.Cause(ctx)
		}
	}
	if err := r.restBefore(ctx); err != nil {
		return err
	}
	r.rec.say("")
	if r.job.Plan.Warmup > 0 {
		r.enter(domain.PhaseWarmup, nil)
		r.warmup(ctx)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	before := processCPU()
	err := r.measure(ctx)
	if after := processCPU(); before != nil && after != nil {
		r.cpu = new(*after - *before)
	}
	r.drain()
	if err != nil {
		return err
	}
	return context.Cause(ctx)
}

// enter begins a phase, or a further stage of the measure phase. The stamp is read first: the
// forced reading of the sampler comes after it.
func (r *run) enter(p domain.Phase, stage *domain.StageMark) {
	now := time.Now()
	r.job.Telemetry.SetPhase(p)
	change := domain.PhaseChange{Phase: p, TUs: now.Sub(r.origin).Microseconds(), At: now.Round(0).UTC(), Stage: stage}
	r.phases = append(r.phases, change)
	r.rec.phase(change)
}

// prepare starts or probes the engine and makes the prompts; its progress becomes the note of the
// run.
func (r *run) prepare(ctx context.Context) error {
	r.rec.say("Preparing the engine")
	spec := r.job.Spec
	outer := spec.Progress
	spec.Progress = func(note string, fraction *float64) {
		r.rec.say(note)
		if outer != nil {
			outer(note, fraction)
		}
	}
	info, err := r.job.Engine.Prepare(ctx, spec)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return asDomain(domain.KindEngineFailed, "The engine could not be prepared.", err)
	}
	r.info = info
	r.job.Telemetry.SetEnginePID(info.PID)
	r.rec.prepared(info)
	if t, ok := r.job.Engine.(engine.Tokenizer); ok && info.Tokenizer {
		r.tokenize = t.Tokenize
	}
	r.rec.say("Preparing the prompts")
	r.source, err = r.job.Source(ctx, info, r.tokenize)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return asDomain(domain.KindInternal, "The prompts could not be prepared.", err)
	case r.source.Len() == 0:
		return domain.Errorf(domain.KindInternal, "There is no prompt to send.")
	}
	return nil
}

// closeEngine ends the engine even when the run was canceled.
func closeEngine(ctx context.Context, job Job) error {
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	return job.Engine.Close(bounded)
}

// verdict turns the way a run ended into its status.
func (r *run) verdict(ctx context.Context, err error) (domain.Status, error) {
	var died *engineDiedError
	var known *domain.Error
	switch {
	case err != nil && ctx.Err() != nil && errors.Is(err, context.Cause(ctx)):
		return domain.StatusCanceled, nil
	case errors.Is(err, errStorage):
		e := &domain.Error{Kind: domain.KindInternal, Msg: "The results could not be stored, so the run was stopped.",
			Hint: "Check that the data folder's disk has space and can be written to.", Err: err}
		return domain.StatusFailed, e
	case errors.As(err, &died):
		return domain.StatusFailed, asDomain(domain.KindEngineFailed, "The engine ended while the run was measuring.", died.err)
	case errors.As(err, &known):
		return domain.StatusFailed, known
	case err != nil:
		return domain.StatusFailed, asDomain(domain.KindInternal, "The run ended unexpectedly.", err)
	case r.succeeded.Load() == 0:
		return domain.StatusFailed, r.nothing()
	}
	return domain.StatusCompleted, nil
}

// nothing explains a run of which no measured request succeeded.
func (r *run) nothing() error {
	f := r.firstFailure.Load()
	if f == nil {
		return domain.Errorf(domain.KindInternal, "The run ended before a request was sent.")
	}
	kinds := map[domain.ErrorClass]domain.Kind{
		domain.ErrClassConnect: domain.KindUnavailable, domain.ErrClassTimeout: domain.KindTimeout,
		domain.ErrClassCanceled: domain.KindTimeout, domain.ErrClassLimited: domain.KindUnavailable,
		domain.ErrClassOverload: domain.KindUnavailable,
	}
	kind, ok := kinds[f.class]
	if !ok {
		kind = domain.KindEngineFailed
	}
	return domain.Errorf(kind, "No request succeeded. The first failure: %s", f.message)
}

// asDomain keeps an error that is already meant for the edge and wraps any other.
func asDomain(kind domain.Kind, msg string, err error) error {
	var known *domain.Error
	if errors.As(err, &known) {
		return known
	}
	return &domain.Error{Kind: kind, Msg: msg, Err: err}
}
