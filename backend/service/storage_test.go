package service_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/service"
)

// TestRetentionIsOffButForTheTrash lets a year pass.
func TestRetentionIsOffButForTheTrash(t *testing.T) {
	in(t, options{}, func(t *testing.T, w *world) {
		kept, gone := w.finished(nil), w.finished(nil)
		if err := w.svc.DeleteBenchmark(t.Context(), gone.ID, false); err != nil {
			t.Fatal(err)
		}
		pass(365 * 24 * time.Hour)
		if q, err := w.svc.BenchmarkRequest(t.Context(), kept.ID, 1); err != nil || q.Prompt == nil {
			t.Errorf("the text is gone: %v", err)
		}
		_, err := w.svc.Benchmark(t.Context(), gone.ID)
		refused(t, err, domain.KindNotFound, "")
	})
}

// TestRetentionIsShownAndApplied asks what rules would free, and lets the clock apply those that are set.
func TestRetentionIsShownAndApplied(t *testing.T) {
	in(t, options{}, func(t *testing.T, w *world) {
		plain, pinned := w.finished(nil), w.finished(nil)
		if _, err := w.svc.EditBenchmark(t.Context(), pinned.ID, domain.RunPatch{Pinned: ptr(true)}); err != nil {
			t.Fatal(err)
		}
		pass(10 * 24 * time.Hour)
		text := func(id domain.RunID) bool {
			q, err := w.svc.BenchmarkRequest(t.Context(), id, 1)
			if err != nil {
				t.Fatal(err)
			}
			return q.Prompt != nil
		}
		would, err := w.svc.Retention(t.Context(), nil, ptr(7), ptr(7))
		if err != nil || would.TrashDays != 30 || would.Texts.Runs != 1 || would.Texts.Bytes == 0 || would.Telemetry.Runs != 1 {
			t.Errorf("%+v, %v", would, err)
		}
		if done, err := w.svc.ApplyRetention(t.Context()); err != nil || done.Texts.Runs != 0 || !text(plain.ID) {
			t.Errorf("no rule is set, but %+v, %v", done, err)
		}
		if _, err := w.svc.EditSettings(t.Context(), domain.SettingsPatch{DropTextsDays: ptr(7)}); err != nil {
			t.Fatal(err)
		}
		pass(2 * time.Hour)
		if text(plain.ID) || !text(pinned.ID) {
			t.Errorf("plain has its text: %v, pinned: %v", text(plain.ID), text(pinned.ID))
		}
		if r := w.stored(plain.ID); r.Summary == nil || r.Output != nil {
			t.Errorf("summary %v, output %v", r.Summary, r.Output)
		}
		_, err = w.svc.EditSettings(t.Context(), domain.SettingsPatch{DropTextsDays: ptr(-1)})
		refused(t, err, domain.KindInvalid, "body.drop_texts_days")
	})
}

// TestDiskIsLeftAloneWhileMeasuring refuses what would work the disk.
func TestDiskIsLeftAloneWhileMeasuring(t *testing.T) {
	in(t, options{}, func(t *testing.T, w *world) {
		run := w.start(nil)
		w.measuring(run.ID)
		_, err := w.svc.CompactStorage(t.Context())
		refused(t, err, domain.KindConflict, "")
		_, err = w.svc.AddBackup(t.Context())
		refused(t, err, domain.KindConflict, "")
		_, err = w.svc.RestoreBackup(t.Context(), "x")
		refused(t, err, domain.KindConflict, "")
		_, err = w.svc.ApplyRetention(t.Context())
		refused(t, err, domain.KindConflict, "")
		w.wait(run.ID)
		pass(time.Second)
		if _, err := w.svc.CompactStorage(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestARunEndsACheckOfTheDatabase: it is due again afterwards.
func TestARunEndsACheckOfTheDatabase(t *testing.T) {
	bubble(t, func(t *testing.T) {
		checks := make(chan error, 2)
		w := build(t, options{})
		w.store.check = func(ctx context.Context) error {
			<-ctx.Done()
			checks <- ctx.Err()
			return ctx.Err()
		}
		if err := w.svc.Start(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		run := w.start(nil)
		w.measuring(run.ID)
		select {
		case <-checks:
		default:
			t.Error("the check goes on beside a run")
		}
		w.store.check = nil
		w.wait(run.ID)
		pass(time.Second)
		if got := w.store.State().Check; got != "ok" {
			t.Errorf("after the run the check is %s", got)
		}
	})
}

// TestTheDatabaseIsBackedUpDaily lets a week pass with a run a day.
func TestTheDatabaseIsBackedUpDaily(t *testing.T) {
	in(t, options{}, func(t *testing.T, w *world) {
		for range 7 {
			w.finished(nil)
			pass(24*time.Hour + time.Minute)
		}
		all, err := w.svc.Backups(t.Context())
		if err != nil || len(all) != 3 || all[0].Reason != "daily" || all[0].CreatedAt.Sub(all[2].CreatedAt) < 48*time.Hour {
			t.Errorf("%+v, %v", all, err)
		}
		if _, err := w.svc.EditSettings(t.Context(), domain.SettingsPatch{BackupKeep: ptr(0)}); err != nil {
			t.Fatal(err)
		}
		w.finished(nil)
		pass(72 * time.Hour)
		if again, err := w.svc.Backups(t.Context()); err != nil || len(again) != 3 || again[0].Name != all[0].Name {
			t.Errorf("%+v, %v", again, err)
		}
	})
}

// TestATaskOnTheDiskIsToldAndStopped: by a person, and by a run that begins.
func TestATaskOnTheDiskIsToldAndStopped(t *testing.T) {
	in(t, options{}, func(t *testing.T, w *world) {
		w.store.compact = func(ctx context.Context, tell func(done, total int64)) (domain.Compacted, error) {
			tell(3, 8)
			<-ctx.Done()
			return domain.Compacted{}, ctx.Err()
		}
		task := func() *domain.StorageTask {
			work, err := w.svc.StorageWork(t.Context())
			if err != nil || work.Movable || work.Move != nil {
				t.Errorf("%+v, %v", work, err)
			}
			return work.Task
		}
		compact := func() chan error {
			ended := make(chan error, 1)
			go func() {
				_, err := w.svc.CompactStorage(t.Context())
				ended <- err
			}()
			pass(time.Second)
			return ended
		}
		refused(t, w.svc.CancelStorageTask(t.Context()), domain.KindNotFound, "")
		ended := compact()
		if got := task(); got == nil || got.Kind != "compact" || got.DoneBytes != 3 || got.TotalBytes != 8 || got.StartedAt.IsZero() {
			t.Errorf("%+v", got)
		}
		_, err := w.svc.AddBackup(t.Context())
		refused(t, err, domain.KindConflict, "")
		if err := w.svc.CancelStorageTask(t.Context()); err != nil {
			t.Error(err)
		}
		if err := <-ended; err == nil || err.Error() != "This was stopped." || task() != nil {
			t.Errorf("it ended with %v; %+v", err, task())
		}
		ended = compact()
		run := w.start(nil)
		if err := <-ended; err == nil || err.Error() != "A benchmark began, so this was stopped." {
			t.Errorf("it ended with %v", err)
		}
		w.wait(run.ID)
	})
}

// TestTheDataFolderIsCopiedBetweenRuns: a run that begins ends the copying, which goes on afterwards.
func TestTheDataFolderIsCopiedBetweenRuns(t *testing.T) {
	m := &fakeMover{}
	in(t, options{deps: func(d *service.Deps) { d.Mover = m }}, func(t *testing.T, w *world) {
		if _, err := w.svc.MoveStorage(t.Context(), "/there"); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		run := w.start(nil)
		w.measuring(run.ID)
		if m.began.Load() != 1 || m.ended.Load() != 1 {
			t.Errorf("the copying began %d times and ended %d times", m.began.Load(), m.ended.Load())
		}
		_, err := w.svc.MoveStorage(t.Context(), "/there")
		refused(t, err, domain.KindConflict, "")
		w.wait(run.ID)
		pass(time.Second)
		if m.began.Load() != 2 {
			t.Errorf("it did not go on: %d", m.began.Load())
		}
		if use, err := w.svc.Storage(t.Context()); err != nil || use.OldData == nil || use.OldData.Dir != "/before" {
			t.Errorf("%+v, %v", use.OldData, err)
		}
	})
}

// fakeMover copies until it is ended.
type fakeMover struct {
	planned, began, ended atomic.Int32
}

func (m *fakeMover) Plan(_ context.Context, to string) (domain.Move, error) {
	m.planned.Store(1)
	return domain.Move{To: to, State: "copying"}, nil
}

func (m *fakeMover) Copy(ctx context.Context) error {
	if m.planned.Load() == 0 || ctx.Err() != nil {
		return nil
	}
	m.began.Add(1)
	<-ctx.Done()
	m.ended.Add(1)
	return ctx.Err()
}

func (m *fakeMover) Cancel(context.Context) error { return nil }
func (m *fakeMover) Movable() bool                { return true }
func (m *fakeMover) Move() *domain.Move           { return nil }
func (m *fakeMover) Old() *domain.OldData         { return &domain.OldData{Dir: "/before"} }
func (m *fakeMover) RemoveOld(context.Context) (domain.OldData, error) {
	return domain.OldData{}, nil
}
