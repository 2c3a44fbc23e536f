package service_test

import (
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine/enginetest"
)

// The weights of a run are known even where nobody has read the whole file before.
func TestALargeModelIsIdentifiedBeforeItRuns(t *testing.T) {
	in(t, options{script: enginetest.Script{Tokens: 4}}, func(t *testing.T, w *world) {
		run := w.start(func(r *domain.BenchmarkRequest) { r.ModelID = "large" })
		pass(5 * time.Second)
		if p := w.stored(run.ID).Progress; p == nil || p.Phase != domain.PhasePrepare || p.Note == "" {
			t.Errorf("while the file is read the progress is %+v", p)
		}
		end := w.wait(run.ID)
		if end.Status != domain.StatusCompleted || end.Environment.Engine.ModelSHA256 != "sum of /models/large.gguf" {
			t.Errorf("the run is %s in %+v", end.Status, end.Environment)
		}
	})
}

func TestCancelWhileAModelIsIdentified(t *testing.T) {
	in(t, options{script: enginetest.Script{Tokens: 4}}, func(t *testing.T, w *world) {
		run := w.start(func(r *domain.BenchmarkRequest) { r.ModelID = "large" })
		pass(5 * time.Second)
		end, err := w.svc.CancelBenchmark(t.Context(), run.ID)
		if err != nil || end.Status != domain.StatusCanceled || w.engine.Prepared() != 0 {
			t.Errorf("the run is %s, %v, engine prepared %d times", end.Status, err, w.engine.Prepared())
		}
	})
}
