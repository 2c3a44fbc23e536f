package service_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine/enginetest"
)

func swept(d domain.SweepDesign) domain.ExperimentRequest {
	b := seedBody()
	b.MaxTokens = ptr(8)
	return domain.ExperimentRequest{Kind: ptr("sweep"), Benchmark: &b, Sweep: &d, Seed: ptr(int64(3))}
}

func twoByTwo() domain.SweepDesign {
	return domain.SweepDesign{Axes: []domain.SweepAxis{{Setting: "threads", Values: []any{1.0, 2.0}}, {Setting: "cache_type_k", Values: []any{"f16", "q8_0"}}}, Repeats: ptr(2)}
}

// picky is an engine that some settings do not start.
type picky struct {
	*enginetest.Scripted
	fails func(domain.EngineOptions) bool
}

func (e *picky) Prepare(ctx context.Context, spec domain.EngineSpec) (domain.EngineInfo, error) {
	if e.fails(spec.Options) {
		return domain.EngineInfo{}, &domain.Error{Kind: domain.KindConflict, Msg: "The engine ended while loading."}
	}
	return e.Scripted.Prepare(ctx, spec)
}

// Every cell is measured in every block, those of a block with the same prompts.
func TestSweep(t *testing.T) {
	in(t, options{}, func(t *testing.T, w *world) {
		e, err := w.svc.StartExperiment(t.Context(), swept(twoByTwo()))
		if err != nil {
			t.Fatal(err)
		}
		if e.Total != 4 || e.Most != 8 || e.Sweep == nil || len(e.Sweep.Cells) != 4 || e.Sweep.Best != nil || e.Status.Ended() {
			t.Errorf("%+v with %+v", e, e.Sweep)
		}
		e = w.ended(e.ID)
		if e.Status != domain.StatusCompleted || e.Done != 8 || e.Ended.Reason != "complete" || e.Sweep.Best == nil || e.Sweep.Sentence == "" {
			t.Fatalf("%+v with %+v", e, e.Sweep)
		}
		seeds := map[int]map[int64]bool{0: {}, 1: {}}
		for _, r := range e.Runs {
			run := w.stored(r.ID)
			seeds[r.Block][run.Plan.Seed] = true
			s := e.Sweep.Cells[r.Arm].Settings
			if o := run.Plan.EngineOptions; *o.Threads != *s.Threads || *o.CacheTypeK != *s.CacheTypeK || s.CacheTypeV != nil {
				t.Errorf("cell %+v was measured with %+v", s, o)
			}
		}
		if len(seeds[0]) != 1 || len(seeds[1]) != 1 {
			t.Errorf("seeds %v", seeds)
		}
		for _, c := range e.Sweep.Cells {
			if c.Status != domain.StatusCompleted || len(c.Runs) != 2 || c.Values[0].N != 2 || c.Values[0].Mean == nil || c.Quality != nil {
				t.Errorf("%+v", c)
			}
		}
	})
}

// A cell that cannot be measured is told with its reason, and the sweep goes on.
func TestSweepGoesOnAfterAFailedCell(t *testing.T) {
	in(t, options{}, func(t *testing.T, w *world) {
		w.engines.set(&picky{w.engine, func(o domain.EngineOptions) bool { return *o.CacheTypeK == "q8_0" && *o.Threads == 2 }}, nil)
		e, err := w.svc.StartExperiment(t.Context(), swept(twoByTwo()))
		if err != nil {
			t.Fatal(err)
		}
		e = w.ended(e.ID)
		if c := e.Sweep.Cells[3]; e.Status != domain.StatusCompleted || len(e.Runs) != 7 || c.Status != domain.StatusFailed || c.Reason != "The engine ended while loading." || c.Verdict != "none" {
			t.Errorf("%+v with %+v", e, c)
		}
	})
}

// A sweep that was stopped goes on where it stood, and so does one that the end of the program stopped.
func TestSweepIsResumed(t *testing.T) {
	script := enginetest.Script{TTFT: time.Second, Gap: 100 * time.Millisecond}
	bubble(t, func(t *testing.T) {
		w := start(t, options{script: script})
		e, err := w.svc.StartExperiment(t.Context(), swept(twoByTwo()))
		if err != nil {
			t.Fatal(err)
		}
		e = w.reached(e.ID, 100*time.Millisecond, func(e domain.Experiment) bool { return e.Done >= 2 })
		if e, err = w.svc.CancelExperiment(t.Context(), e.ID); err != nil {
			t.Fatal(err)
		}
		if e = w.ended(e.ID); e.Status != domain.StatusCanceled || !slices.ContainsFunc(e.Sweep.Cells, func(c domain.SweepCell) bool { return c.Status == domain.StatusCanceled }) {
			t.Errorf("%+v with %+v", e, e.Sweep.Cells)
		}
		if e, err = w.svc.ResumeExperiment(t.Context(), e.ID); err != nil || e.Status.Ended() {
			t.Fatalf("%+v, %v", e, err)
		}
		e = w.reached(e.ID, 100*time.Millisecond, func(e domain.Experiment) bool { return len(e.Order) == 2 })
		w.close()
		w = start(t, options{script: script, path: w.path, resume: true})
		if e = w.ended(e.ID); e.Status != domain.StatusCompleted || len(e.Order) != 2 || e.Sweep.Cells[0].Values[0].N != 2 || e.Done != 8 {
			t.Errorf("after the restart: %+v with %+v", e, e.Sweep.Cells)
		}
	})
}

// A value that only the program can judge is told under its axis.
func TestSweepRefusals(t *testing.T) {
	in(t, options{}, func(t *testing.T, w *world) {
		with := func(setting string, values ...any) domain.SweepDesign {
			return domain.SweepDesign{Axes: []domain.SweepAxis{{Setting: "threads", Values: []any{1}}, {Setting: setting, Values: values}}}
		}
		for field, d := range map[string]domain.SweepDesign{
			"body.sweep":                   {},
			"body.sweep.axes[1].values":    with("model_id", "none"),
			"body.sweep.axes[1].values[0]": with("gpu_layers", "all"),
		} {
			_, err := w.svc.StartExperiment(t.Context(), swept(d))
			refused(t, err, domain.KindInvalid, field)
		}
		if w.total() != 0 {
			t.Errorf("%d runs were queued", w.total())
		}
	})
}

// A sweep over models weighs their quality too, each by its newest measurement with the same questions.
func TestSweepWeighsQuality(t *testing.T) {
	in(t, options{}, func(t *testing.T, w *world) {
		put := func(id, model, pack string, percent float64, at time.Duration) {
			q := domain.Quality{ID: id, Kind: domain.QualityTasks, ModelID: model, Language: "en", Pack: pack, Engine: "llama-server", Status: domain.StatusCompleted,
				CreatedAt: time.Now().UTC().Add(at), Summary: &domain.QualitySummary{Tasks: &domain.TaskScore{Percent: &percent, Asked: 50, Verdict: "scored", Groups: []domain.TaskGroup{}, Broken: []domain.SignSeen{}}}}
			if err := w.store.PutQuality(t.Context(), q); err != nil {
				t.Fatal(err)
			}
		}
		put("1", "tiny", "one", 10, 0)
		put("2", "tiny", "one", 40, time.Second)
		put("3", "base", "one", 80, 2*time.Second)
		put("4", "large", "another", 99, time.Second)
		d := domain.SweepDesign{Axes: []domain.SweepAxis{{Setting: "model_id", Values: []any{"tiny", "base", "large"}}}, Repeats: ptr(1)}
		e, err := w.svc.StartExperiment(t.Context(), swept(d))
		if err != nil {
			t.Fatal(err)
		}
		cells := w.ended(e.ID).Sweep.Cells
		if q := cells[0].Quality; q == nil || *q != 40 {
			t.Errorf("tiny: %+v", cells[0])
		}
		if q := cells[1].Quality; q == nil || *q != 80 {
			t.Errorf("base: %+v", cells[1])
		}
		if cells[2].Quality != nil {
			t.Errorf("large was asked other questions: %v", *cells[2].Quality)
		}
	})
}
