package service_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine"
	"github.com/inferometer/inferometer/backend/engine/enginetest"
)

// The seed's body alone is one warm-up and one measured request.
func TestRunFromStartToEnd(t *testing.T) {
	in(t, options{}, func(t *testing.T, w *world) {
		run := w.finished(nil)
		if run.Status != domain.StatusCompleted || run.Error != nil {
			t.Fatalf("status %s, error %v", run.Status, run.Error)
		}
		if w.engine.Generated() != 2 || w.engine.Closed() != 1 {
			t.Errorf("generated %d, closed %d; want 2, 1", w.engine.Generated(), w.engine.Closed())
		}
		if run.TokensGenerated == nil || *run.TokensGenerated != 8 || run.Output == nil || !strings.HasPrefix(*run.Output, "w0 w1") {
			t.Errorf("tokens %v, output %v", run.TokensGenerated, run.Output)
		}
		if run.DurationS == nil || *run.DurationS != 0.17 { // 100 ms + 7 gaps of 10 ms
			t.Errorf("duration = %v, want 0.17", run.DurationS)
		}
		if run.Summary == nil || run.Summary.Requests.OK != 1 || run.Validity == nil || run.StartedAt == nil || run.EndedAt == nil {
			t.Errorf("run is not whole: %+v", run)
		}
		if e := run.Environment; e == nil || e.EnvID == "" || e.AppVersion != "1.2.3" || e.Engine.Kind != "scripted" {
			t.Errorf("environment = %+v", e)
		}
		if run.HardwareMetrics.CPUPercent == nil || run.HardwareMetrics.GPUPercent != nil {
			t.Errorf("hardware = %+v", run.HardwareMetrics)
		}
		if w.sampler.busy() {
			t.Error("telemetry still belongs to the run")
		}
		if _, busy := w.svc.ActiveRun(); busy {
			t.Error("a run is still active")
		}
	})
}

func TestExactlyWarmupAndRequests(t *testing.T) {
	for _, c := range []struct{ warmup, requests, repeat, users, want int }{
		{0, 1, 1, 1, 1}, {3, 5, 1, 1, 8}, {2, 3, 2, 1, 8}, {1, 7, 1, 4, 8},
	} {
		in(t, options{}, func(t *testing.T, w *world) {
			run := w.finished(func(r *domain.BenchmarkRequest) {
				r.Warmup, r.Stop, r.Repeat = &c.warmup, &domain.Stop{Requests: &c.requests}, float64(c.repeat)
				r.Load = &domain.Load{Kind: domain.LoadClosed, Concurrency: &c.users}
			})
			page, err := w.svc.BenchmarkRequests(t.Context(), run.ID, domain.RequestFilter{})
			if err != nil || page.Total != c.want || w.engine.Generated() != c.want {
				t.Errorf("%+v: %d records, %d generations, %v", c, page.Total, w.engine.Generated(), err)
			}
			if got := run.Summary.Requests.OK; got != c.want-c.warmup {
				t.Errorf("%+v: %d measured", c, got)
			}
		})
	}
}

func TestQueueRunsInOrderOneAtATime(t *testing.T) {
	in(t, options{}, func(t *testing.T, w *world) {
		var ids []domain.RunID
		for range 3 {
			ids = append(ids, w.start(nil).ID)
		}
		var ends []time.Time
		for _, id := range ids {
			r := w.wait(id)
			if len(ends) > 0 && r.StartedAt.Before(ends[len(ends)-1]) {
				t.Errorf("a run began at %v, before the end of the one before it at %v", r.StartedAt, ends[len(ends)-1])
			}
			ends = append(ends, *r.EndedAt)
		}
		if w.engine.Peak() != 1 {
			t.Errorf("%d generations at once", w.engine.Peak())
		}
	})
}

func TestEventsInOrder(t *testing.T) {
	in(t, options{}, func(t *testing.T, w *world) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		events := w.svc.Events(ctx, "")
		id := w.start(nil).ID
		var kinds []string
		for e := range events {
			kind := string(e.Kind)
			if p, ok := e.Data.(domain.RunPhaseEvent); ok {
				kind += " " + string(p.Phase)
			}
			if e.Kind != domain.EventRunProgress {
				kinds = append(kinds, kind)
			}
			if e.Kind == domain.EventRunFinished {
				if r := e.Data.(domain.Run); r.ID != id || r.Status != domain.StatusCompleted {
					t.Errorf("finished with %+v", r)
				}
				break
			}
		}
		want := []string{"run.created", "run.phase prepare", "run.phase settle", "run.phase warmup", "run.phase measure", "run.phase drain", "run.phase stop", "run.finished"}
		if !slices.Equal(kinds, want) {
			t.Errorf("events = %q, want %q", kinds, want)
		}
	})
}

func TestWaitBenchmark(t *testing.T) {
	in(t, options{}, func(t *testing.T, w *world) {
		id := w.start(nil).ID
		begun := time.Now()
		run, err := w.svc.WaitBenchmark(t.Context(), id, 300*time.Millisecond)
		if err != nil || run.Status != domain.StatusRunning || time.Since(begun) != 300*time.Millisecond {
			t.Errorf("after max: %s, %v, %v", run.Status, err, time.Since(begun))
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		if run, err = w.svc.WaitBenchmark(ctx, id, time.Hour); err != nil || run.Status != domain.StatusRunning {
			t.Errorf("after the caller left: %s, %v", run.Status, err)
		}
		w.wait(id)
		_, err = w.svc.WaitBenchmark(t.Context(), "none", time.Second)
		refused(t, err, domain.KindNotFound, "")
	})
}

func TestEngineFailureFailsTheRun(t *testing.T) {
	broken := &domain.Error{Kind: domain.KindEngineFailed, Msg: "llama-server exited (code 1).", Hint: "Not enough memory.", LogTail: "last words"}
	in(t, options{script: enginetest.Script{PrepareErr: broken}}, func(t *testing.T, w *world) {
		run := w.finished(nil)
		e := run.Error
		if run.Status != domain.StatusFailed || e == nil || e.Message != broken.Msg || e.Hint != broken.Hint || e.LogTail != "last words" {
			t.Fatalf("status %s, error %+v", run.Status, e)
		}
		if run.Summary != nil || run.Validity != nil {
			t.Error("a run that measured nothing has a summary")
		}
		w.engines.set(nil, domain.Errorf(domain.KindConflict, "No engine is installed."))
		if run = w.finished(nil); run.Status != domain.StatusFailed || run.Error.Message != "No engine is installed." {
			t.Errorf("without an engine: %s, %+v", run.Status, run.Error)
		}
		w.engines.set(enginetest.New(enginetest.Script{Gap: time.Millisecond}), nil)
		if run = w.finished(nil); run.Status != domain.StatusCompleted {
			t.Errorf("the run after it: %s, %+v", run.Status, run.Error)
		}
	})
}

// panicking panics in one of its methods.
type panicking struct {
	engine.Engine
	prepare, generate, end bool
}

func (p panicking) Prepare(ctx context.Context, s domain.EngineSpec) (domain.EngineInfo, error) {
	if p.prepare {
		panic("in Prepare")
	}
	return p.Engine.Prepare(ctx, s)
}

func (p panicking) Generate(ctx context.Context, r domain.GenRequest, sink func(domain.Chunk)) (domain.Usage, error) {
	if p.generate {
		panic("in Generate")
	}
	return p.Engine.Generate(ctx, r, sink)
}

func (p panicking) Close(ctx context.Context) error {
	if p.end {
		panic("in Close")
	}
	return p.Engine.Close(ctx)
}

func TestPanicFailsTheRunAlone(t *testing.T) {
	for name, p := range map[string]panicking{"prepare": {prepare: true}, "generate": {generate: true}, "close": {end: true}} {
		in(t, options{}, func(t *testing.T, w *world) {
			p.Engine = w.engine
			w.engines.set(p, nil)
			run := w.finished(nil)
			if p.end { // the measurement stands
				if run.Status != domain.StatusCompleted || !slices.ContainsFunc(run.Warnings, func(x domain.Warning) bool { return x.Code == "engine_close_failed" }) {
					t.Errorf("%s: %s, %+v", name, run.Status, run.Warnings)
				}
			} else if run.Status != domain.StatusFailed || run.Error == nil || run.Error.Kind != domain.KindInternal || !strings.Contains(run.Error.Message, "fault of the program") {
				t.Errorf("%s: %s, %+v", name, run.Status, run.Error)
			}
			if w.sampler.busy() {
				t.Errorf("%s: telemetry still belongs to the run", name)
			}
			w.engines.set(w.engine, nil)
			if run = w.finished(nil); run.Status != domain.StatusCompleted {
				t.Errorf("%s: the run after it: %s, %+v", name, run.Status, run.Error)
			}
		})
	}
}

func TestStorageFailureFailsTheRun(t *testing.T) {
	in(t, options{}, func(t *testing.T, w *world) {
		id := w.start(func(r *domain.BenchmarkRequest) { r.MaxTokens = ptr(1000) }).ID
		w.measuring(id)
		full := errors.New("database or disk is full")
		w.store.appendErr.Store(&full)
		run := w.wait(id)
		if run.Status != domain.StatusFailed || run.Error == nil || !strings.Contains(run.Error.Message, "could not be stored") || !strings.Contains(run.Error.Hint, "disk") {
			t.Errorf("%s, %+v", run.Status, run.Error)
		}
		w.store.appendErr.Store(nil)
		if run = w.finished(nil); run.Status != domain.StatusCompleted {
			t.Errorf("the run after it: %s, %+v", run.Status, run.Error)
		}
	})
}

// A run whose end cannot be written is told as failed and does not stand in the way of the next.
func TestEndThatCannotBeStored(t *testing.T) {
	in(t, options{}, func(t *testing.T, w *world) {
		id := w.start(func(r *domain.BenchmarkRequest) { r.MaxTokens = ptr(100) }).ID
		w.measuring(id)
		locked := errors.New("database is locked")
		w.store.updateErr.Store(&locked)
		synctest.Wait()
		if _, err := w.svc.WaitBenchmark(t.Context(), id, time.Hour); err != nil {
			t.Fatal(err)
		}
		w.store.updateErr.Store(nil)
		if _, busy := w.svc.ActiveRun(); busy {
			t.Error("the run is still active")
		}
		if run, err := w.svc.CancelBenchmark(t.Context(), id); err != nil || run.Status != domain.StatusCanceled {
			t.Errorf("the run left behind cannot be closed: %s, %v", run.Status, err)
		}
		w.finished(nil)
	})
}

func TestCloseWhileRunning(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := start(t, options{})
		id := w.start(func(r *domain.BenchmarkRequest) { r.Stop = &domain.Stop{Requests: ptr(1000)} }).ID
		queued := w.start(nil).ID
		w.measuring(id)
		time.Sleep(time.Second) // a few requests end
		waited := make(chan domain.Run)
		go func() {
			run, _ := w.svc.WaitBenchmark(t.Context(), queued, time.Hour)
			waited <- run
		}()
		synctest.Wait()
		if err := w.svc.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		closed := time.Now()
		if run := <-waited; run.Status != domain.StatusQueued || !time.Now().Equal(closed) {
			t.Errorf("the queued run is %s, told %v after the end", run.Status, time.Since(closed))
		}
		run := w.stored(id)
		if run.Status != domain.StatusCanceled || run.EndedAt == nil || run.Summary == nil || run.Summary.Requests.OK == 0 {
			t.Errorf("run = %s, summary %v", run.Status, run.Summary)
		}
		if run.Error == nil || !strings.Contains(run.Error.Message, "program was closed") {
			t.Errorf("error = %+v", run.Error)
		}
		if w.engine.Closed() != 1 {
			t.Error("the engine was not closed")
		}
	})
}

// Nothing of prompt and output reaches the disk when text is not to be stored.
func TestStoreTextFalseKeepsNoText(t *testing.T) {
	const secret = "xylophone-quartz-umbrella"
	for _, byDefault := range []bool{false, true} {
		o := options{}
		if byDefault {
			o.env = []string{"INFEROMETER_STORE_TEXT=false"}
		}
		in(t, o, func(t *testing.T, w *world) {
			change := func(r *domain.BenchmarkRequest) {
				r.Prompt = ptr(secret)
				if !byDefault {
					r.StoreText = ptr(false)
				}
			}
			run := w.finished(change)
			if run.Status != domain.StatusCompleted || run.Plan.Prompt != nil || run.Output != nil || run.Plan.StoreText {
				t.Fatalf("run = %+v", run)
			}
			rec, err := w.svc.BenchmarkRequest(t.Context(), run.ID, 1)
			if err != nil || rec.Prompt != nil || rec.Output != nil || rec.TTFTUs == nil {
				t.Errorf("record = %+v, %v", rec, err)
			}
			_, err = w.svc.RerunBenchmark(t.Context(), run.ID)
			if e := refusal(t, err, domain.KindConflict, ""); !strings.Contains(e.Msg, "prompt") {
				t.Errorf("rerun: %v", e)
			}
			w.close()
			files, err := filepath.Glob(filepath.Join(filepath.Dir(w.path), "*"))
			if err != nil || len(files) == 0 {
				t.Fatalf("files: %v, %v", files, err)
			}
			for _, f := range files {
				b, err := os.ReadFile(f)
				if err != nil {
					t.Fatal(err)
				}
				for _, text := range []string{secret, "w0 w1"} {
					if strings.Contains(string(b), text) {
						t.Errorf("%s holds %q", filepath.Base(f), text)
					}
				}
			}
		})
	}
}
