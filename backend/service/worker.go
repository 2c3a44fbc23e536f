package service

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine"
	"github.com/inferometer/inferometer/backend/load"
	"github.com/inferometer/inferometer/backend/runner"
	"github.com/inferometer/inferometer/backend/stats"
	"github.com/inferometer/inferometer/backend/verdict"
)

// work measures queued jobs one after the other until ctx ends.
func (s *Service) work(ctx context.Context) {
	defer close(s.stopped)
	for ctx.Err() == nil {
		if j := s.next(); j != nil {
			s.execute(ctx, j)
			continue
		}
		if qctx, a := s.nextAssessment(ctx); a != nil {
			s.assess(qctx, a)
			continue
		}
		select {
		case <-ctx.Done():
		case <-s.wake:
		}
	}
}

// next takes the oldest job off the queue and makes it the active one.
func (s *Service) next() *job {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.queue) > 0 && !s.probing {
		j := s.jobs[s.queue[0]]
		s.queue = s.queue[1:]
		if j != nil && !j.canceled {
			s.active = j
			s.giveWay()
			return j
		}
	}
	return nil
}

// giveWay ends what would disturb a measurement; the caller holds mu.
func (s *Service) giveWay() {
	if s.yield != nil {
		s.yield()
	}
	if s.task != nil {
		s.task.cancel(errGaveWay)
	}
}

// execute measures one job and stores how it ended, whatever happens on the way.
func (s *Service) execute(ctx context.Context, j *job) {
	rctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s.mu.Lock()
	j.cancel = cancel
	if j.canceled {
		cancel(errCanceled)
	}
	s.mu.Unlock()
	keep := context.WithoutCancel(ctx)

	run, err := s.changeRun(keep, j.id, func(r *domain.Run) error {
		if r.Status.Ended() {
			return errCanceled // between two looks at the queue
		}
		at := s.d.Now().UTC()
		r.Status, r.StartedAt = domain.StatusRunning, &at
		return nil
	})
	if err == nil {
		res := s.measure(rctx, keep, j, run)
		if res.Status == domain.StatusCanceled && errors.Is(context.Cause(rctx), errClosing) {
			res.Err = closedResult()
		}
		run = s.finish(keep, j, res)
		if run.Experiment != nil && ctx.Err() == nil { // before it is told, so that who hears of it sees what follows
			s.advance(keep, run.Experiment.ID)
		}
		s.d.Hub.Publish(domain.EventRunFinished, run)
		s.watch(keep, run)
	} else if !errors.Is(err, errCanceled) {
		s.d.Log.Error("Cannot begin a benchmark", "runId", j.id, "error", err)
	}
	s.mu.Lock()
	s.active = nil
	s.mu.Unlock()
	s.forget(j.id)
	s.rested()
}

// closedResult says why a run was canceled that nobody canceled.
func closedResult() error {
	return &domain.Error{Kind: domain.KindUnavailable, Msg: "The program was closed while this benchmark ran.",
		Hint: "What it had measured is kept; run it again."}
}

// measure prepares engine and prompts and hands the job to the runner. A panic fails the run, not
// the program.
func (s *Service) measure(ctx, keep context.Context, j *job, run domain.Run) (res runner.Result) {
	var err error
	defer func() {
		if err != nil {
			res = runner.Result{Status: domain.StatusFailed, Err: err}
		}
	}()
	defer rescue(s.d.Log, &err)
	if s.d.KeepAwake != nil {
		release := s.d.KeepAwake("Measuring a language model")
		defer release()
	}
	if err = s.identify(ctx, j); err != nil {
		if ctx.Err() != nil {
			err = nil
			return runner.Result{Status: domain.StatusCanceled}
		}
		return res
	}
	eng, prompts, err := s.open(keep, j, run.Plan)
	if err != nil {
		return res
	}
	if err = s.keepBefore(keep, j.id, *run.StartedAt); err != nil {
		return res
	}
	done, err := s.watchRemote(keep, run.Plan)
	if err != nil {
		return res
	}
	defer done()
	stop := s.watchOthers(ctx, *run.StartedAt)
	defer func() { j.others = stop() }()
	return runner.Run(ctx, runner.Job{
		ID: j.id, Plan: run.Plan, Spec: engineSpec(run.Plan, j.model, prompts), Engine: guarded{eng, s.d.Log},
		Source: source(j.id, run.Plan, prompts), Trace: traceOf(run.Plan, prompts), Telemetry: s.d.Sampler,
		Sink: s.sink(keep, j), StartedAt: *run.StartedAt,
		// Asking a remote engine changes nothing on this machine, so the sampler's readings from before
		// the run are its idle baseline; an engine that was started has to come to rest first.
		Settled: run.Plan.EndpointID != nil,
	})
}

// identify finds the checksum of a local model that the library has not read yet. That takes a while
// for a large file, once; a run without it could not be told from one of other weights.
func (s *Service) identify(ctx context.Context, j *job) error {
	if j.model.Path == "" || j.model.SHA256 != "" {
		return nil
	}
	p := domain.Progress{Phase: domain.PhasePrepare, Note: "Reading the model for its checksum"}
	s.mu.Lock()
	j.progress = &p
	s.mu.Unlock()
	s.d.Hub.Publish(domain.EventRunProgress, domain.RunProgressEvent{JobID: j.id, Progress: p})
	sum, err := s.d.Library.SHA256(ctx, j.model.Path)
	if err != nil {
		return fmt.Errorf("hash model: %w", err)
	}
	j.model.SHA256 = sum
	return nil
}

// open returns the engine of a job and the prompts it sends.
func (s *Service) open(ctx context.Context, j *job, p domain.Plan) (engine.Engine, []domain.Prompt, error) {
	prompts := []domain.Prompt{{ID: "prompt", Text: j.prompt}}
	switch {
	case p.Synthetic != nil:
		prompts = nil
	case p.DatasetID != nil:
		d, all, err := s.d.Store.Dataset(ctx, *p.DatasetID)
		if err != nil {
			return nil, nil, fmt.Errorf("read dataset: %w", err)
		}
		prompts, j.dataset = all, d.SHA256
	}
	if p.EndpointID == nil {
		eng, err := s.d.Engines.LocalEngine(ctx, or(or(p.EngineOptions, domain.EngineOptions{}).Build, ""))
		return eng, prompts, err
	}
	e, err := s.d.Store.Endpoint(ctx, *p.EndpointID)
	if err != nil {
		return nil, nil, fmt.Errorf("read endpoint: %w", err)
	}
	key, err := s.d.Secrets.Get(e.ID)
	if err != nil {
		return nil, nil, &domain.Error{Kind: domain.KindConflict, Err: err,
			Msg: "The key of this endpoint cannot be read.", Hint: "Enter the key again under Engines."}
	}
	eng, err := s.d.Engines.EndpointEngine(e, key)
	return eng, prompts, err
}

// finish computes the report from the stored records and closes the run. Whatever goes wrong, the
// run ends in a final status.
func (s *Service) finish(ctx context.Context, j *job, res runner.Result) domain.Run {
	id := j.id
	run, err := s.changeRun(ctx, id, func(r *domain.Run) error {
		at := s.d.Now().UTC()
		r.Status, r.EndedAt, r.Error = res.Status, &at, runError(res.Err)
		r.Client = &domain.ClientHealth{RecorderLateMs: float64(res.RecorderLate.Microseconds()) / 1e3, DroppedSamples: res.DroppedSamples}
		var answers templateSigns
		if in, err := s.records(ctx, *r, res.Info, answers.see); err == nil {
			in.Interference = j.others
			report(r, in)
			answers.tell(r)
		} else { // the run ends all the same
			s.d.Log.Error("Cannot summarise a run", "runId", id, "error", err)
			r.Status, r.Error = domain.StatusFailed, unreadable(r.Error)
		}
		addCPU(r, res.CPU)
		s.stateAfter(r)
		if res.CloseErr != nil {
			r.Warnings = append(r.Warnings, domain.Warning{Code: "engine_close_failed", Level: "info",
				Message: "The engine did not end cleanly; the measurement stands."})
		}
		if res.DroppedSamples > 0 {
			r.Warnings = append(r.Warnings, domain.Warning{Code: "telemetry_dropped", Level: "caution",
				Message: fmt.Sprintf("%d hardware readings were lost because storage was too slow.", res.DroppedSamples)})
		}
		return nil
	})
	if err != nil {
		s.d.Log.Error("Cannot store the end of a run", "runId", id, "error", err)
		now := s.d.Now().UTC()
		run.ID, run.Status, run.EndedAt, run.Error = id, domain.StatusFailed, &now, runError(err)
	}
	if res.Err != nil {
		s.d.Log.Warn("Run did not complete", "runId", id, "status", res.Status, "error", res.Err)
	}
	return run
}

// addCPU tells what measuring cost this program, in all and for a million output tokens.
func addCPU(r *domain.Run, cpu *time.Duration) {
	if cpu == nil {
		return
	}
	s := cpu.Seconds()
	r.Client.CPUS = &s
	if n := or(r.TokensGenerated, 0); n > 0 {
		r.Client.CPUPerMTokenS = new(s * 1e6 / float64(n))
	}
}

// unreadable is the error of a run whose records cannot be read back; an earlier one tells more.
func unreadable(earlier *domain.RunError) *domain.RunError {
	if earlier != nil {
		return earlier
	}
	return &domain.RunError{Kind: domain.KindInternal, Message: "The results could not be read back, so there is no summary.",
		Hint: "Check that the data folder's disk is well; the log holds the reason."}
}

func runError(err error) *domain.RunError {
	if err == nil {
		return nil
	}
	var e *domain.Error
	if errors.As(err, &e) {
		return &domain.RunError{Kind: e.Kind, Message: e.Msg, Hint: e.Hint, LogTail: e.LogTail}
	}
	return &domain.RunError{Kind: domain.KindInternal, Message: err.Error()}
}

// records reads back everything that was stored of a run.
// see looks at each request while it has its texts.
func (s *Service) records(ctx context.Context, r domain.Run, info domain.EngineInfo, see ...func(domain.Plan, domain.RequestRecord)) (stats.Input, error) {
	in := stats.Input{Plan: r.Plan, Engine: info, Prices: s.d.Settings.EnergyPrices()}
	outputKept := false
	for rec, err := range s.d.Store.Records(ctx, r.ID) {
		if err != nil {
			return in, fmt.Errorf("read requests: %w", err)
		}
		for _, look := range see {
			look(r.Plan, rec)
		}
		rec.Prompt = nil // the figures need no text but one answer, and texts are most of a record
		if outputKept || rec.Phase != domain.PhaseMeasure || rec.Outcome != domain.OutcomeOK {
			rec.Output = nil
		}
		outputKept = outputKept || rec.Output != nil
		in.Requests = append(in.Requests, rec)
	}
	for smp, err := range s.d.Store.Samples(ctx, r.ID) {
		if err != nil {
			return in, fmt.Errorf("read samples: %w", err)
		}
		in.Samples = append(in.Samples, smp)
	}
	var err error
	if in.Phases, err = s.d.Store.Phases(ctx, r.ID); err != nil {
		return in, fmt.Errorf("read phases: %w", err)
	}
	sys := s.d.Sampler.System()
	in.Sensors, in.GPUs = sys.Sensors, sys.GPUs
	if r.Environment != nil {
		in.Facts = r.Environment.Extra
	}
	return in, nil
}

// report fills everything derived from the raw records into r.
func report(r *domain.Run, in stats.Input) {
	rep := stats.Report(in)
	r.HardwareMetrics = rep.HardwareMetrics
	r.Warnings = append(r.Warnings, rep.Warnings...) // after those of the plan
	r.DurationS, r.TokensGenerated, r.Output = rep.DurationS, rep.TokensGenerated, rep.Output
	rep.Summary.Knee = load.KneeOf(r.Plan, rep.Summary.Stages)
	r.Summary, r.Validity = &rep.Summary, &rep.Validity
	if len(in.Requests) == 0 {
		r.Summary, r.Validity = nil, nil // nothing was measured: there is nothing to judge
	}
	r.Bottleneck = verdict.Of(*r, in.Requests, in.Samples)
	for _, a := range verdict.Alarms(*r) {
		r.Validity.Add(a.Check)
		if a.Warning != nil {
			r.Warnings = append(r.Warnings, *a.Warning)
		}
	}
	if r.Warnings == nil {
		r.Warnings = []domain.Warning{}
	}
}
