package service_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

func TestIdempotencyKey(t *testing.T) {
	in(t, options{}, func(t *testing.T, w *world) {
		ids := make([]domain.RunID, 4)
		var wg sync.WaitGroup
		for i := range ids {
			wg.Go(func() {
				run, err := w.svc.StartBenchmark(t.Context(), seedBody(), "key")
				if err != nil {
					t.Error(err)
				}
				ids[i] = run.ID
			})
		}
		wg.Wait()
		if len(slices.Compact(ids)) != 1 {
			t.Fatalf("one key started %v", ids)
		}
		other := seedBody()
		other.Seed = ptr(int64(1))
		_, err := w.svc.StartBenchmark(t.Context(), other, "key")
		refused(t, err, domain.KindConflict, "")
		w.wait(ids[0])
		if run, err := w.svc.StartBenchmark(t.Context(), seedBody(), "key"); err != nil || run.ID != ids[0] || run.Status != domain.StatusCompleted {
			t.Errorf("after the end: %s %s, %v", run.ID, run.Status, err)
		}
		if run, err := w.svc.StartBenchmark(t.Context(), seedBody(), "other"); err != nil || run.ID == ids[0] {
			t.Errorf("another key: %s, %v", run.ID, err)
		}
		if _, err := w.svc.StartBenchmark(t.Context(), domain.BenchmarkRequest{}, "bad"); err == nil {
			t.Error("a bad body was accepted")
		}
		if _, err := w.svc.StartBenchmark(t.Context(), seedBody(), "bad"); err != nil {
			t.Errorf("a refused request took the key: %v", err)
		}
		// A key whose job was deleted for good is free again.
		if err := w.svc.DeleteBenchmark(t.Context(), ids[0], false); err != nil {
			t.Fatal(err)
		}
		if _, err := w.store.PurgeRuns(t.Context(), time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if run, err := w.svc.StartBenchmark(t.Context(), seedBody(), "key"); err != nil || run.ID == ids[0] {
			t.Errorf("after the purge: %s, %v", run.ID, err)
		}
	})
}

func TestCancel(t *testing.T) {
	in(t, options{}, func(t *testing.T, w *world) {
		first := w.start(func(r *domain.BenchmarkRequest) { r.Stop = &domain.Stop{Requests: ptr(1000)} })
		second, third := w.start(nil), w.start(nil)
		w.measuring(first.ID)
		pass(time.Second)
		run, err := w.svc.CancelBenchmark(t.Context(), second.ID)
		if err != nil || run.Status != domain.StatusCanceled || run.EndedAt == nil || run.StartedAt != nil {
			t.Errorf("queued: %+v, %v", run, err)
		}
		run, err = w.svc.CancelBenchmark(t.Context(), first.ID)
		if err != nil || run.Status != domain.StatusCanceled || run.Summary == nil || run.Summary.Requests.OK == 0 || run.Error != nil {
			t.Errorf("running: %s, %v, %v", run.Status, run.Summary, err)
		}
		if run := w.wait(third.ID); run.Status != domain.StatusCompleted {
			t.Errorf("the one behind: %s", run.Status)
		}
		for _, id := range []domain.RunID{first.ID, second.ID, third.ID} {
			_, err = w.svc.CancelBenchmark(t.Context(), id)
			refused(t, err, domain.KindConflict, "")
		}
		_, err = w.svc.CancelBenchmark(t.Context(), "none")
		refused(t, err, domain.KindNotFound, "")
		if run := w.stored(second.ID); run.Summary != nil || run.Environment != nil {
			t.Error("the canceled queued run was measured")
		}
	})
}

func TestRerun(t *testing.T) {
	in(t, options{}, func(t *testing.T, w *world) {
		old := w.finished(func(r *domain.BenchmarkRequest) { r.Name, r.Tags = ptr("n"), []string{"a"} })
		again, err := w.svc.RerunBenchmark(t.Context(), old.ID)
		if err != nil || again.ID == old.ID || again.Plan.Seed != old.Plan.Seed || again.Name != "n" || !slices.Equal(again.Tags, old.Tags) || *again.Plan.Prompt != "Say hello." {
			t.Fatalf("rerun = %+v, %v", again, err)
		}
		if same, err := w.svc.RerunBenchmark(t.Context(), again.ID); err != nil || (same.ID != again.ID && !old.Status.Ended()) {
			t.Errorf("rerun of a waiting one: %s, %v", same.ID, err)
		}
		w.wait(again.ID)
		d, err := w.svc.AddDataset(t.Context(), upload("Gone", "jsonl", `{"prompt":"a"}`))
		if err != nil {
			t.Fatal(err)
		}
		old = w.finished(func(r *domain.BenchmarkRequest) { r.Prompt, r.DatasetID = nil, &d.ID })
		if err := w.svc.RemoveDataset(t.Context(), d.ID); err != nil {
			t.Fatal(err)
		}
		_, err = w.svc.RerunBenchmark(t.Context(), old.ID)
		if e := refusal(t, err, domain.KindConflict, ""); !strings.Contains(e.Msg, "dataset") {
			t.Error(e)
		}
		_, err = w.svc.RerunBenchmark(t.Context(), "none")
		refused(t, err, domain.KindNotFound, "")
	})
}

// Many callers at once leave every job in one final status, and every edit in place.
func TestManyCallersAtOnce(t *testing.T) {
	in(t, options{}, func(t *testing.T, w *world) {
		ids := make([]domain.RunID, 12)
		var wg sync.WaitGroup
		for i := range ids {
			wg.Go(func() {
				ids[i] = w.start(nil).ID
				if _, err := w.svc.EditBenchmark(t.Context(), ids[i], domain.RunPatch{Notes: ptr("kept")}); err != nil {
					t.Error(err)
				}
				if i%2 == 1 {
					pass(time.Duration(i) * 200 * time.Millisecond)
					if _, err := w.svc.CancelBenchmark(t.Context(), ids[i]); err != nil && domain.KindOf(err) != domain.KindConflict {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		for i, id := range ids {
			run := w.wait(id)
			if run.Notes != "kept" || (run.Status != domain.StatusCompleted && (i%2 == 0 || run.Status != domain.StatusCanceled)) {
				t.Errorf("run %d is %s with notes %q", i, run.Status, run.Notes)
			}
		}
		if w.engine.Peak() != 1 {
			t.Errorf("%d generations at once", w.engine.Peak())
		}
	})
}

// A queued job outlives the program. It waits for a click, or goes on at once when asked to.
func TestRestartWithQueued(t *testing.T) {
	for _, resume := range []bool{false, true} {
		bubble(t, func(t *testing.T) {
			w := start(t, options{})
			running := w.start(func(r *domain.BenchmarkRequest) { r.Stop = &domain.Stop{Requests: ptr(1000)} })
			var queued []domain.RunID
			for range 2 {
				queued = append(queued, w.start(nil).ID)
			}
			w.measuring(running.ID)
			w.close()
			w = start(t, options{path: w.path, resume: resume})
			if !resume {
				pass(time.Minute)
				if run := w.stored(queued[0]); run.Status != domain.StatusQueued || w.engine.Prepared() != 0 {
					t.Fatalf("run is %s", run.Status)
				}
				before := w.start(func(r *domain.BenchmarkRequest) { r.Stop = &domain.Stop{Requests: ptr(1000)} })
				w.measuring(before.ID) // so that the click finds it still queued
				var wg sync.WaitGroup
				for range 4 { // clicked more than once
					wg.Go(func() {
						if run, err := w.svc.RerunBenchmark(t.Context(), queued[0]); err != nil || run.ID != queued[0] {
							t.Errorf("rerun = %s, %v", run.ID, err)
						}
					})
				}
				wg.Wait()
				if _, err := w.svc.CancelBenchmark(t.Context(), before.ID); err != nil {
					t.Fatal(err)
				}
				w.wait(queued[0])
				if w.engine.Prepared() != 2 {
					t.Errorf("it was measured %d times", w.engine.Prepared()-1)
				}
				if run, err := w.svc.CancelBenchmark(t.Context(), queued[1]); err != nil || run.Status != domain.StatusCanceled {
					t.Errorf("cancel: %s, %v", run.Status, err)
				}
				return
			}
			a, b := w.wait(queued[0]), w.wait(queued[1])
			if a.Status != domain.StatusCompleted || b.StartedAt.Before(*a.EndedAt) {
				t.Errorf("resumed: %s, %s, the second at %v after %v", a.Status, b.Status, b.StartedAt, a.EndedAt)
			}
		})
	}
}

// A run that a killed program left behind is summarised from what was stored.
func TestInterruptedRun(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := start(t, options{})
		done := w.finished(func(r *domain.BenchmarkRequest) { r.Stop = &domain.Stop{Requests: ptr(3)} })
		killed, bare := done, w.finished(nil)
		killed.Status, killed.EndedAt, killed.Summary, killed.Validity, killed.DurationS = domain.StatusRunning, nil, nil, nil, nil
		bare = domain.Run{ID: "11111111-1111-4111-8111-111111111111", Status: domain.StatusRunning, CreatedAt: time.Now(), Plan: bare.Plan}
		if err := w.store.UpdateRun(t.Context(), killed); err != nil {
			t.Fatal(err)
		}
		if err := w.store.CreateRun(t.Context(), bare); err != nil {
			t.Fatal(err)
		}
		w.close()
		pass(time.Hour)
		w = start(t, options{path: w.path})
		run := w.stored(done.ID)
		if run.Status != domain.StatusInterrupted || run.Summary == nil || run.Summary.Requests.OK != 3 || run.Validity == nil || *run.DurationS != *done.DurationS {
			t.Errorf("run = %s, %+v", run.Status, run.Summary)
		}
		if run.Error == nil || !strings.Contains(run.Error.Message, "program ended") {
			t.Errorf("error = %+v", run.Error)
		}
		if run.EndedAt == nil || run.EndedAt.Sub(*done.EndedAt).Abs() > time.Second {
			t.Errorf("ended at %v, its last record is of %v", run.EndedAt, done.EndedAt)
		}
		if run = w.stored(bare.ID); run.Status != domain.StatusInterrupted || run.Summary != nil || run.EndedAt == nil {
			t.Errorf("without records: %+v", run)
		}
	})
}

func TestEditWhileRunningIsKept(t *testing.T) {
	in(t, options{}, func(t *testing.T, w *world) {
		id := w.start(func(r *domain.BenchmarkRequest) { r.Stop = &domain.Stop{Requests: ptr(20)} }).ID
		w.measuring(id)
		run, err := w.svc.EditBenchmark(t.Context(), id, domain.RunPatch{Name: ptr("new"), Notes: ptr("note"), Tags: ptr([]string{" x ", "x"}), Pinned: ptr(true)})
		if err != nil || run.Progress == nil {
			t.Fatalf("edit: %v, progress %v", err, run.Progress)
		}
		run = w.wait(id)
		if run.Name != "new" || run.Notes != "note" || !run.Pinned || !slices.Equal(run.Tags, []string{"x"}) || run.Status != domain.StatusCompleted || run.Environment == nil {
			t.Errorf("run = %+v", run)
		}
		if run, err = w.svc.EditBenchmark(t.Context(), id, domain.RunPatch{Name: ptr("")}); err != nil || run.Name != "" || run.Notes != "note" {
			t.Errorf("an empty name: %q, %q, %v", run.Name, run.Notes, err)
		}
		for at, p := range map[string]domain.RunPatch{
			"body.name": {Name: ptr(strings.Repeat("x", 201))}, "body.tags[0]": {Tags: ptr([]string{""})}, "body.notes": {Notes: ptr(strings.Repeat("x", 20001))},
		} {
			_, err = w.svc.EditBenchmark(t.Context(), id, p)
			refused(t, err, domain.KindInvalid, at)
		}
		_, err = w.svc.EditBenchmark(t.Context(), "none", domain.RunPatch{})
		refused(t, err, domain.KindNotFound, "")
	})
}

func TestDeleteAndRestore(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := start(t, options{})
		id, waiting := w.start(nil).ID, w.start(nil).ID
		for _, x := range []domain.RunID{id, waiting} {
			refused(t, w.svc.DeleteBenchmark(t.Context(), x, false), domain.KindConflict, "")
		}
		w.wait(waiting)
		total := func(f domain.RunFilter) int {
			page, err := w.svc.Benchmarks(t.Context(), f)
			if err != nil {
				t.Fatal(err)
			}
			return page.Total
		}
		for range 2 { // twice is the same
			if err := w.svc.DeleteBenchmark(t.Context(), id, false); err != nil {
				t.Fatal(err)
			}
		}
		if total(domain.RunFilter{}) != 1 || total(domain.RunFilter{Trash: true}) != 1 {
			t.Error("the run is not in the trash")
		}
		if err := w.svc.DeleteBenchmark(t.Context(), id, true); err != nil || total(domain.RunFilter{}) != 2 {
			t.Errorf("restore: %v", err)
		}
		refused(t, w.svc.DeleteBenchmark(t.Context(), "none", false), domain.KindNotFound, "")
		if err := w.svc.DeleteBenchmark(t.Context(), id, false); err != nil {
			t.Fatal(err)
		}
		w.close()
		pass(31 * 24 * time.Hour)
		w = start(t, options{path: w.path})
		pass(time.Second)
		_, err := w.svc.Benchmark(t.Context(), id)
		refused(t, err, domain.KindNotFound, "")
	})
}
