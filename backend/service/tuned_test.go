package service_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine"
	"github.com/inferometer/inferometer/backend/engine/enginetest"
)

// bySpec is an engine that answers as its settings and its load say.
type bySpec struct {
	engine.Engine
	script func(domain.EngineSpec) enginetest.Script
	now    atomic.Pointer[enginetest.Scripted]
}

func (e *bySpec) Prepare(ctx context.Context, spec domain.EngineSpec) (domain.EngineInfo, error) {
	s := enginetest.New(e.script(spec))
	e.now.Store(s)
	return s.Prepare(ctx, spec)
}

func (e *bySpec) Generate(ctx context.Context, r domain.GenRequest, sink func(domain.Chunk)) (domain.Usage, error) {
	return e.now.Load().Generate(ctx, r, sink)
}

func withEngine(w *world, script func(domain.EngineSpec) enginetest.Script) {
	w.engines.mu.Lock()
	defer w.engines.mu.Unlock()
	w.engines.local = &bySpec{Engine: w.engine, script: script}
}

func tuneRequest(d domain.TuneDesign) domain.ExperimentRequest {
	b := seedBody()
	b.MaxTokens = ptr(8)
	return domain.ExperimentRequest{Kind: ptr("tune"), Benchmark: &b, Tune: &d}
}

// Two threads are faster, three crash: the one is found and shown in the final, the other is out with its reason.
func TestTune(t *testing.T) {
	in(t, options{}, func(t *testing.T, w *world) {
		withEngine(w, func(s domain.EngineSpec) enginetest.Script {
			switch s.Threads {
			case 2:
				return enginetest.Script{TTFT: 100 * time.Millisecond, Gap: 8 * time.Millisecond}
			case 5:
				return enginetest.Script{PrepareErr: domain.Errorf(domain.KindInternal, "The engine crashed.")}
			}
			return enginetest.Script{TTFT: 100 * time.Millisecond, Gap: 10 * time.Millisecond}
		})
		e, err := w.svc.StartExperiment(t.Context(), tuneRequest(domain.TuneDesign{Values: &domain.TuneValues{Threads: []int{1, 2, 3, 5}}}))
		if err != nil {
			t.Fatal(err)
		}
		if e.Total != 8 || len(e.Order) != 2 || e.Arms[0].Name != "Default" || e.Arms[0].Benchmark.EngineOptions != nil || e.Most != 8+16 {
			t.Errorf("%+v", e) // three threads are the default of a machine with four
		}
		e = w.ended(e.ID)
		r := e.Tune
		if e.Status != domain.StatusCompleted || r == nil || r.Verdict != "use" || *r.Settings.Threads != 2 || r.Answers || !strings.HasPrefix(r.Sentence, "Use threads 2: +25.0 %, from ") {
			t.Fatalf("%+v with %+v", e, r)
		}
		if last := r.Rounds[0].Candidates[3]; last.State != "failed" || last.Reason != "The engine crashed." || r.Rounds[0].Candidates[0].State != "kept" {
			t.Errorf("%+v", r.Rounds)
		}
		if len(r.Final.Sides[0].Runs) != 8 || !r.Final.Paired || len(e.Runs) != 8+16 {
			t.Errorf("%d runs, %+v", len(e.Runs), r.Final)
		}
	})
}

// Where nothing differs the defaults stay; what was canceled goes on where it stood.
func TestTuneKeepsAndResumes(t *testing.T) {
	in(t, options{}, func(t *testing.T, w *world) {
		e, err := w.svc.StartExperiment(t.Context(), tuneRequest(domain.TuneDesign{Candidates: ptr(4), Pairs: ptr(6)}))
		if err != nil {
			t.Fatal(err)
		}
		e = w.reached(e.ID, 10*time.Millisecond, func(e domain.Experiment) bool { return e.Done >= 6 })
		if _, err = w.svc.CancelExperiment(t.Context(), e.ID); err != nil {
			t.Fatal(err)
		}
		if e = w.ended(e.ID); e.Status != domain.StatusCanceled || e.Tune.Verdict != "" {
			t.Errorf("%+v with %+v", e, e.Tune)
		}
		if _, err := w.svc.ResumeExperiment(t.Context(), e.ID); err != nil {
			t.Fatal(err)
		}
		if e = w.ended(e.ID); e.Status != domain.StatusCompleted || e.Tune.Verdict != "keep" || e.Tune.Settings != nil {
			t.Errorf("%+v with %+v", e, e.Tune)
		}
	})
}

func TestTuneRefusals(t *testing.T) {
	in(t, options{}, func(t *testing.T, w *world) {
		with := func(change func(*domain.ExperimentRequest)) domain.ExperimentRequest {
			r := tuneRequest(domain.TuneDesign{})
			change(&r)
			return r
		}
		type R = domain.ExperimentRequest
		for field, r := range map[string]R{
			"body.benchmark":            with(func(r *R) { r.Benchmark = nil }),
			"body.benchmark.model_id":   with(func(r *R) { r.Benchmark.ModelID = "none" }),
			"body.benchmark.max_tokens": with(func(r *R) { r.Benchmark.MaxTokens = ptr(0) }),
			"body.tune.settings":        with(func(r *R) { r.Tune.Settings = []string{"gpu_layers"} }),
			"body.tune.pairs":           with(func(r *R) { r.Tune.Pairs = ptr(2) }),
			"body.arms":                 with(func(r *R) { r.Arms = arms(nil, nil) }),
		} {
			_, err := w.svc.StartExperiment(t.Context(), r)
			refused(t, err, domain.KindInvalid, field)
		}
		if w.total() != 0 {
			t.Errorf("%d runs were queued", w.total())
		}
	})
}

// An engine that answers each of many users later than a few: the search ends at the number that still holds.
func TestCapacity(t *testing.T) {
	in(t, options{}, func(t *testing.T, w *world) {
		withEngine(w, func(s domain.EngineSpec) enginetest.Script {
			return enginetest.Script{TTFT: time.Duration(s.Slots) * 100 * time.Millisecond, Gap: 10 * time.Millisecond}
		})
		b := seedBody()
		b.MaxTokens = ptr(4)
		e, err := w.svc.StartExperiment(t.Context(), domain.ExperimentRequest{Kind: ptr("capacity"), Benchmark: &b, Capacity: &domain.CapacityDesign{
			Personas: []domain.Persona{{Key: "voice"}}}})
		if err != nil {
			t.Fatal(err)
		}
		e = w.ended(e.ID)
		p := e.Capacity.Personas[0]
		if e.Status != domain.StatusCompleted || p.State != "found" || *p.Users != 5 || *p.Low != 5 || *p.High != 5 || p.Sentence != "5 users, with 95 % confidence." {
			t.Fatalf("%+v with %+v", e, p)
		}
		last := p.Points[len(p.Points)-1]
		if len(p.Points) != 6 || last.Users != 8 || *last.Share != 0 || last.Reason != "TTFT p95 is 800 ms; the limit is 500 ms." {
			t.Errorf("%+v", p.Points)
		}
		run := w.stored(p.Points[0].Runs[0])
		if run.Plan.Synthetic != nil || *run.Plan.Stop.Requests != 32 || len(run.Plan.SLO) != 2 || run.Plan.MaxTokens != 4 {
			t.Errorf("%+v", run.Plan)
		}
		for _, p := range w.svc.Personas() {
			if len(p.Objectives) == 0 || p.InputTokens == nil {
				t.Errorf("%+v", p)
			}
		}
		b.Load = &domain.Load{Kind: "single"}
		_, err = w.svc.StartExperiment(t.Context(), domain.ExperimentRequest{Kind: ptr("capacity"), Benchmark: &b})
		refused(t, err, domain.KindInvalid, "body.benchmark.load")
	})
}
