package runner

import (
	"context"
	"errors"
	"hash/fnv"
	"sync/atomic"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/load"
)

// How long the phases that wait may take.
const (
	settleTime   = time.Second      // idle baseline of telemetry
	drainGrace   = 30 * time.Second // for requests in flight when a limit ends measuring
	closeTimeout = 15 * time.Second // for the engine to end
)

// run is the state of one job under way.
type run struct {
	job        Job
	origin     time.Time
	step       load.Step
	pacer      load.Pacer
	limit      *int // measured requests of one repetition
	abort      context.CancelCauseFunc
	rec        *recorder
	slots      []atomic.Pointer[tape]
	info       domain.EngineInfo
	prefixSeed int64

	seq          atomic.Int64 // requests sent, warm-ups included
	succeeded    atomic.Int64 // measured requests
	failed       atomic.Int64 // measured requests
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
	job.Telemetry.Begin(r.origin, r.rec.sample)
	err = r.walk(alive)
	r.enter(domain.PhaseStop)
	res := Result{Info: r.info, CloseErr: closeEngine(ctx, job)}
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
	pacer, err := load.For(job.Plan)
	if err != nil {
		return nil, err
	}
	// A start that went through storage has lost its monotonic reading; this gives it one again, so
	// that a clock set while measuring moves no stamp.
	origin := time.Now()
	if !job.StartedAt.IsZero() {
		origin = origin.Add(-time.Since(job.StartedAt))
	}
	r := &run{job: job, origin: origin, pacer: pacer, step: pacer.Describe(), abort: abort}
	r.limit = r.step.Limit(job.Source.Len())
	r.slots = make([]atomic.Pointer[tape], r.step.Users)
	r.prefixSeed = prefixSeed(job)
	l := &live{
		job: job.ID, origin: r.origin, text: job.Plan.StoreText, slots: r.slots, step: r.step,
		warmup: job.Plan.Warmup, repeat: max(1, job.Plan.Repeat),
	}
	if r.limit != nil {
		l.total = new(*r.limit * l.repeat)
	}
	r.rec = newRecorder(job, r.origin, abort, l)
	return r, nil
}

// prefixSeed differs from job to job: a rerun with the same seed must not hit what the first run
// left in a server's prompt cache.
func prefixSeed(job Job) int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(job.ID))
	return job.Plan.Seed ^ int64(h.Sum64())
}

// walk goes through the phases up to drain. The error is why the run ended early, nil otherwise.
func (r *run) walk(ctx context.Context) error {
	r.enter(domain.PhasePrepare)
	if err := r.prepare(ctx); err != nil {
		return err
	}
	r.enter(domain.PhaseSettle)
	r.rec.say("Measuring the idle baseline")
	if !sleep(ctx, settleTime) {
		return context.Cause(ctx)
	}
	r.rec.say("")
	if r.job.Plan.Warmup > 0 {
		r.enter(domain.PhaseWarmup)
		warm := r.step
		warm.Requests, warm.Duration, warm.Tokens, warm.Errors = &r.job.Plan.Warmup, 0, 0, 0
		r.issue(ctx, &round{
			phase: domain.PhaseWarmup, pacer: r.pacer, step: warm, limit: &r.job.Plan.Warmup, failed: new(atomic.Int64),
		}, func() {})
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	r.measure(ctx)
	return context.Cause(ctx)
}

// measure sends the plan as often as it is to be repeated, then drains.
func (r *run) measure(ctx context.Context) {
	r.enter(domain.PhaseMeasure)
	drained := false
	drain := func() {
		if !drained {
			drained = true
			r.enter(domain.PhaseDrain)
		}
	}
	repeat := max(1, r.job.Plan.Repeat)
	for i := range repeat {
		rd := &round{phase: domain.PhaseMeasure, pacer: r.pacer, step: r.step, limit: r.limit, failed: &r.failed}
		onStop := func() {}
		if i == repeat-1 {
			onStop = drain
		}
		r.issue(ctx, rd, onStop)
		if ctx.Err() != nil || rd.tooManyErrors() {
			break
		}
	}
	drain()
}

// enter begins a phase. The stamp is read first: the forced reading of the sampler comes after it.
func (r *run) enter(p domain.Phase) {
	now := time.Now()
	r.job.Telemetry.SetPhase(p)
	r.rec.phase(domain.PhaseChange{Phase: p, TUs: now.Sub(r.origin).Microseconds(), At: now.Round(0).UTC()})
}

// prepare starts or probes the engine; its progress becomes the note of the run.
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
		domain.ErrClassCanceled: domain.KindTimeout,
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
