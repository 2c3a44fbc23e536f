package service_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine/enginetest"
	"github.com/inferometer/inferometer/backend/service"
)

func (w *world) hits(query string) []domain.SearchHit {
	w.t.Helper()
	synctest.Wait()
	s, err := w.svc.Search(w.t.Context(), domain.SearchFilter{Query: query})
	if err != nil {
		w.t.Fatal(err)
	}
	return s.Hits
}

// TestTextsAreIndexedWhenNothingRuns: a text is found once its run has ended, and not while another
// one measures.
func TestTextsAreIndexedWhenNothingRuns(t *testing.T) {
	in(t, options{}, func(t *testing.T, w *world) {
		prompt := func(p string) func(*domain.BenchmarkRequest) {
			return func(r *domain.BenchmarkRequest) { r.Prompt = &p }
		}
		first := w.start(prompt("where is the lighthouse"))
		second := w.start(prompt("who keeps the lighthouse"))
		w.wait(first.ID)
		w.measuring(second.ID)
		if got := w.hits("lighthouse"); len(got) != 0 {
			t.Errorf("found %+v while a run measures", got)
		}
		w.wait(second.ID)
		got := w.hits("lighthouse")
		if len(got) != 2 || got[0].JobID != second.ID || got[0].Matches[0].Field != "prompt" || *got[0].Matches[0].Request < 0 {
			t.Errorf("found %+v", got)
		}
		if err := w.svc.DeleteBenchmark(t.Context(), first.ID, false); err != nil {
			t.Fatal(err)
		}
		if got := w.hits("lighthouse"); len(got) != 1 {
			t.Errorf("%d hits, one of them in the trash", len(got))
		}
		_, err := w.svc.Search(t.Context(), domain.SearchFilter{Query: "  "})
		refused(t, err, domain.KindInvalid, "query.q")
	})
}

// TestTextsOfEarlierStartsAreIndexed: the index of an old database is made in the background.
func TestTextsOfEarlierStartsAreIndexed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := build(t, options{script: enginetest.Script{TTFT: time.Millisecond, Gap: time.Millisecond}})
		prompt := "an old question"
		run := domain.Run{ID: "old", Status: domain.StatusCompleted, Model: "m", CreatedAt: time.Now()}
		if err := w.store.CreateRun(t.Context(), run); err != nil {
			t.Fatal(err)
		}
		q := domain.RequestRecord{RequestID: "q", Prompt: &prompt, StartedAt: time.Now()}
		if err := w.store.AppendRun(t.Context(), run.ID, domain.Batch{Requests: []domain.RequestRecord{q}}); err != nil {
			t.Fatal(err)
		}
		if err := w.svc.Start(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		pass(time.Millisecond)
		if got := w.hits("old"); len(got) != 1 {
			t.Errorf("found %+v", got)
		}
	})
}

// TestSamplesOfEarlierStartsAreFolded: what a run has left one by one is packed in the background.
func TestSamplesOfEarlierStartsAreFolded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := build(t, options{script: enginetest.Script{TTFT: time.Millisecond, Gap: time.Millisecond}})
		run := domain.Run{ID: "old", Status: domain.StatusCompleted, Model: "m", CreatedAt: time.Now()}
		if err := w.store.CreateRun(t.Context(), run); err != nil {
			t.Fatal(err)
		}
		if err := w.store.AppendRun(t.Context(), run.ID, domain.Batch{Samples: make([]domain.Sample, 100)}); err != nil {
			t.Fatal(err)
		}
		telemetry := func() int64 {
			u, err := w.store.Usage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return u.Parts[slices.IndexFunc(u.Parts, func(p domain.StoragePart) bool { return p.Kind == "telemetry" })].Bytes
		}
		before := telemetry()
		if err := w.svc.Start(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		pass(time.Millisecond)
		synctest.Wait()
		if after := telemetry(); after > before/5 {
			t.Errorf("%d of %d bytes are left", after, before)
		}
		got, err := w.svc.BenchmarkMetrics(t.Context(), run.ID, service.MetricsQuery{})
		if err != nil || len(got) != 100 {
			t.Errorf("%d samples, %v", len(got), err)
		}
	})
}
