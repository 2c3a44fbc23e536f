package service_test

import (
	"strings"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine/enginetest"
)

func repeated(d domain.RepeatDesign) domain.ExperimentRequest {
	b := seedBody()
	b.MaxTokens = ptr(8)
	return domain.ExperimentRequest{Kind: ptr("repeat"), Benchmark: &b, Repeat: &d}
}

// A steady engine needs no more runs than the first look asks for; each has prompts of its own.
func TestRepeatUntilNarrowEnough(t *testing.T) {
	in(t, options{}, func(t *testing.T, w *world) {
		e, err := w.svc.StartExperiment(t.Context(), repeated(domain.RepeatDesign{}))
		if err != nil {
			t.Fatal(err)
		}
		if e.Most != 16 || e.Total != 1 || e.Status.Ended() || *e.Design.Repeat.Metric != "decode_tokens_per_second" {
			t.Errorf("%+v", e)
		}
		e = w.ended(e.ID)
		r := e.Repeat
		if e.Status != domain.StatusCompleted || e.Ended.Reason != "narrow_enough" || r == nil || len(r.Points) != 4 || !strings.HasSuffix(r.Sentence, "after 4 runs, with 95 % confidence.") {
			t.Fatalf("%+v with %+v", e, r)
		}
		if last := r.Points[3]; !last.Look || last.Percent == nil || *last.Percent > 2 || r.Points[0].Interval != nil || r.Points[1].Look {
			t.Errorf("%+v", r.Points)
		}
		seeds := map[int64]bool{}
		for _, run := range e.Runs {
			seeds[w.stored(run.ID).Plan.Seed] = true
		}
		if len(seeds) != 4 {
			t.Errorf("seeds %v", seeds)
		}
		_, err = w.svc.ResumeExperiment(t.Context(), e.ID)
		refused(t, err, domain.KindConflict, "")
	})
}

// POST benchmarks with repeat "auto" answers with the first job of such an experiment.
func TestRepeatAuto(t *testing.T) {
	in(t, options{}, func(t *testing.T, w *world) {
		b := seedBody()
		b.MaxTokens, b.Repeat, b.Name, b.Seed = ptr(8), "auto", ptr("Again"), ptr(int64(5))
		run, err := w.svc.StartBenchmark(t.Context(), b, "key")
		if err != nil || run.Experiment == nil {
			t.Fatalf("%+v, %v", run, err)
		}
		if again, err := w.svc.StartBenchmark(t.Context(), b, "key"); err != nil || again.ID != run.ID {
			t.Errorf("%+v, %v", again, err)
		}
		if e := w.ended(run.Experiment.ID); e.Name != "Again" || e.Seed != 5 || len(e.Repeat.Points) != 4 {
			t.Errorf("%+v", e)
		}
	})
}

// The budget of time and the most runs end it, with the reason.
func TestRepeatBudget(t *testing.T) {
	in(t, options{script: enginetest.Script{TTFT: time.Second, Gap: 100 * time.Millisecond}}, func(t *testing.T, w *world) {
		e, err := w.svc.StartExperiment(t.Context(), repeated(domain.RepeatDesign{MinRuns: ptr(10), BudgetS: ptr(0.5)}))
		if err != nil {
			t.Fatal(err)
		}
		if e = w.ended(e.ID); e.Ended.Reason != "budget_spent" || len(e.Runs) != 1 || !strings.Contains(e.Repeat.Sentence, "in one run") {
			t.Errorf("%+v, %+v", e.Ended, e.Repeat)
		}
	})
}

// What was canceled is taken up again where it stood.
func TestRepeatCanceledAndResumed(t *testing.T) {
	in(t, options{script: enginetest.Script{TTFT: time.Second, Gap: 100 * time.Millisecond}}, func(t *testing.T, w *world) {
		e, err := w.svc.StartExperiment(t.Context(), repeated(domain.RepeatDesign{}))
		if err != nil {
			t.Fatal(err)
		}
		e = w.reached(e.ID, 100*time.Millisecond, func(e domain.Experiment) bool { return e.Done >= 2 })
		if e, err = w.svc.CancelExperiment(t.Context(), e.ID); err != nil {
			t.Fatal(err)
		}
		if e = w.ended(e.ID); e.Status != domain.StatusCanceled || len(e.Runs) != 3 || e.Ended.Reason != "canceled" {
			t.Errorf("%+v", e)
		}
		if e, err = w.svc.ResumeExperiment(t.Context(), e.ID); err != nil || e.Status.Ended() {
			t.Fatalf("%+v, %v", e, err)
		}
		if e = w.ended(e.ID); e.Status != domain.StatusCompleted || len(e.Runs) != 4 || len(e.Repeat.Points) != 4 {
			t.Errorf("%+v with %+v", e, e.Repeat)
		}
	})
}

func TestRepeatRefusals(t *testing.T) {
	in(t, options{}, func(t *testing.T, w *world) {
		with := func(change func(*domain.ExperimentRequest)) domain.ExperimentRequest {
			r := repeated(domain.RepeatDesign{})
			change(&r)
			return r
		}
		type R = domain.ExperimentRequest
		for field, r := range map[string]R{
			"body.kind":                  with(func(r *R) { r.Kind = ptr("luck") }),
			"body.benchmark":             with(func(r *R) { r.Benchmark = nil }),
			"body.arms":                  with(func(r *R) { r.Arms = arms(nil, nil) }),
			"body.pairs":                 with(func(r *R) { r.Pairs = ptr(4) }),
			"body.benchmark.seed":        with(func(r *R) { r.Benchmark.Seed = ptr(int64(1)) }),
			"body.benchmark.repeat":      with(func(r *R) { r.Benchmark.Repeat = 2 }),
			"body.benchmark.store_text":  with(func(r *R) { r.Benchmark.StoreText = ptr(false) }),
			"body.benchmark.max_tokens":  with(func(r *R) { r.Benchmark.MaxTokens = ptr(0) }),
			"body.repeat.metric":         with(func(r *R) { r.Repeat.Metric = ptr("luck") }),
			"body.repeat.min_runs":       with(func(r *R) { r.Repeat.MinRuns = ptr(1) }),
			"body.repeat.max_runs":       with(func(r *R) { r.Repeat.MinRuns, r.Repeat.MaxRuns = ptr(8), ptr(4) }),
			"body.repeat.target_percent": with(func(r *R) { r.Repeat.TargetPercent = ptr(0.0) }),
			"body.repeat.budget_s":       with(func(r *R) { r.Repeat.BudgetS = ptr(-1.0) }),
		} {
			_, err := w.svc.StartExperiment(t.Context(), r)
			refused(t, err, domain.KindInvalid, field)
		}
		if w.total() != 0 {
			t.Errorf("%d runs were queued", w.total())
		}
	})
}

// A rest of the experiment comes before each of its runs.
func TestExperimentRests(t *testing.T) {
	in(t, options{}, func(t *testing.T, w *world) {
		r := repeated(domain.RepeatDesign{MaxRuns: ptr(2), MinRuns: ptr(2)})
		r.Rest = &domain.Rest{Seconds: ptr(30.0)}
		e, err := w.svc.StartExperiment(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		for _, run := range w.ended(e.ID).Runs {
			got := w.stored(run.ID)
			if took := got.EndedAt.Sub(*got.StartedAt); took < 30*time.Second {
				t.Errorf("run %d took %v with its rest", run.Block, took)
			}
		}
		r.Rest = &domain.Rest{Seconds: ptr(-1.0)}
		_, err = w.svc.StartExperiment(t.Context(), r)
		refused(t, err, domain.KindInvalid, "body.rest.seconds")
	})
}
