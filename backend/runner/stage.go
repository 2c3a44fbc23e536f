package runner

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine"
	"github.com/inferometer/inferometer/backend/load"
	"github.com/inferometer/inferometer/backend/stats"
	"github.com/inferometer/inferometer/backend/workload"
)

// warmupUsers bounds how many warm-up requests of an open loop are under way at a time.
const warmupUsers = 8

// warmup sends the requests before measuring, as a closed loop whatever the load is.
func (r *run) warmup(ctx context.Context) {
	first := r.job.Plan.Stages[0]
	pacer, err := load.For(first, r.job.Plan.Seed, r.job.Trace)
	if err != nil {
		r.abort(err)
		return
	}
	step := pacer.Describe()
	users := step.Users
	if step.Open {
		users = min(warmupUsers, step.MaxInFlight)
	}
	limit := r.job.Plan.Warmup
	r.issue(ctx, &round{
		phase: domain.PhaseWarmup, pacer: atOnce{}, limit: &limit, failed: new(atomic.Int64),
		step: load.Step{Users: users, Think: step.Think},
	}, func() {})
}

// atOnce is the pacer of warm-ups.
type atOnce struct{}

func (atOnce) Due(int) (time.Duration, bool) { return 0, true }
func (atOnce) Start(int) time.Duration       { return 0 }
func (atOnce) Describe() load.Step           { return load.Step{} }

// measure goes through the stages, those that a search adds included.
func (r *run) measure(ctx context.Context) error {
	plan := r.job.Plan
	search := plan.Load.Kind == domain.LoadKnee
	for i, stage := range plan.Stages {
		last := i == len(plan.Stages)-1 && !search
		if err := r.stage(ctx, stage, last); err != nil {
			return err
		}
	}
	if !search {
		return nil
	}
	done := []domain.Stage{r.result(plan.Stages[0])}
	for stage, ok := load.Next(plan, done); ok; stage, ok = load.Next(plan, done) {
		if err := r.stage(ctx, stage, false); err != nil {
			return err
		}
		done = append(done, r.result(stage))
	}
	return nil
}

// result is what a search learns of the stage that has just ended.
func (r *run) result(stage domain.PlanStage) domain.Stage {
	return stats.StageOf(r.job.Plan, markOf(stage), r.rec.taken(), r.phases)
}

func markOf(s domain.PlanStage) domain.StageMark {
	return domain.StageMark{Index: s.Index, Name: s.Name, Load: s.Load, DepthTokens: s.DepthTokens}
}

// drain begins the drain phase, once.
func (r *run) drain() {
	if !r.drained {
		r.drained = true
		r.enter(domain.PhaseDrain, nil)
	}
}

// stage measures one stage as often as the plan is to be repeated. The error is why the run ends
// with it.
func (r *run) stage(ctx context.Context, stage domain.PlanStage, last bool) error {
	pacer, err := load.For(stage, r.job.Plan.Seed, r.job.Trace)
	if err != nil {
		return err
	}
	if err := r.restBetween(ctx, stage.Index); err != nil {
		return err
	}
	opening, err := r.opening(ctx, stage)
	if err != nil {
		return err
	}
	cooler, err := r.cooler(stage)
	if err != nil {
		return err
	}
	r.open(ctx, pacer.Describe())
	repeat, failed := max(1, r.job.Plan.Repeat), new(atomic.Int64)
	for i := range repeat {
		if err := r.restBetween(ctx, i); err != nil {
			return err
		}
		if i == 0 || r.job.Plan.Rest != nil {
			r.enter(domain.PhaseMeasure, new(markOf(stage)))
		}
		step := pacer.Describe()
		rd := &round{
			phase: domain.PhaseMeasure, stage: stage.Index, pacer: pacer, step: step, limit: step.Limit(r.source.Len()),
			cooler: cooler, cooldown: int64(r.job.Plan.Cooldown), opening: opening, failed: failed,
		}
		onStop := func() {}
		if last && i == repeat-1 {
			onStop = r.drain
		}
		r.issue(ctx, rd, onStop)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if rd.tooManyErrors() {
			break
		}
	}
	return nil
}

// openAhead bounds the connections that are opened before an open loop, whose arrivals come one by
// one.
const openAhead = 64

// open opens the connections of a stage before its clock starts: a burst of first requests would
// otherwise wait for its own handshakes.
func (r *run) open(ctx context.Context, step load.Step) {
	o, ok := r.job.Engine.(engine.Opener)
	if !ok {
		return
	}
	n := step.Users
	if step.Open {
		n = min(step.MaxInFlight, openAhead)
	}
	if limit := step.Limit(r.source.Len()); limit != nil {
		n = min(n, *limit)
	}
	o.Open(ctx, n)
}

// opening returns the text that stands before every prompt of a stage with a depth, and has the
// engine read it once, so that its cache holds it: what is then measured happens at that depth.
func (r *run) opening(ctx context.Context, stage domain.PlanStage) (string, error) {
	if stage.DepthTokens == nil || *stage.DepthTokens == 0 {
		return "", nil
	}
	text, err := workload.Context(ctx, *stage.DepthTokens, r.prefixSeed+int64(stage.Index), r.tokenize)
	if err != nil {
		return "", asDomain(domain.KindEngineFailed, "The context of a stage could not be made.", err)
	}
	text += "\n\n"
	r.enter(domain.PhaseWarmup, nil)
	one := 1
	r.issue(ctx, &round{
		phase: domain.PhaseWarmup, stage: stage.Index, pacer: atOnce{}, step: load.Step{Users: 1}, limit: &one,
		opening: text, maxTokens: 1, failed: new(atomic.Int64),
	}, func() {})
	return text, context.Cause(ctx)
}
