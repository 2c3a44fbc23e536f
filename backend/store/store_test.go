package store_test

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	_ "github.com/mattn/go-sqlite3"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/store"
)

// raw opens a database beside the store, as another program would.
func raw(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func mustExec(t *testing.T, db *sql.DB, query string) {
	t.Helper()
	if _, err := db.Exec(query); err != nil {
		t.Fatal(err)
	}
}

func mkdir(t *testing.T, path string) {
	t.Helper()
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
}

func TestNewFileIsPrivateAndMarked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new folder?", "in#fero meter.db")
	s := openAt(t, path)
	mustCreate(t, s, newRun("a"))
	if runtime.GOOS != "windows" {
		for p, want := range map[string]os.FileMode{path: 0o600, path + "-wal": 0o600, filepath.Dir(path): 0o700} {
			fi, err := os.Stat(p)
			if err != nil {
				t.Fatal(err)
			}
			if fi.Mode().Perm() != want {
				t.Errorf("%s has mode %v, want %v", p, fi.Mode().Perm(), want)
			}
		}
	}
	if s.SizeBytes() <= 0 {
		t.Error("size is not positive")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if fi, err := os.Stat(path + "-wal"); err == nil && fi.Size() > 0 {
		t.Errorf("the journal holds %d bytes after Close", fi.Size())
	}
	copied := filepath.Join(t.TempDir(), "copy.db")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(copied, b, 0o600); err != nil {
		t.Fatal(err)
	}
	db := raw(t, copied)
	for pragma, want := range map[string]int{"application_id": 0x494E464D, "user_version": store.Latest(t), "auto_vacuum": 2} {
		var got int
		if err := db.QueryRow("PRAGMA " + pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s = %d, %v; want %d", pragma, got, err, want)
		}
	}
}

func TestRefusedFiles(t *testing.T) {
	ours := func(t *testing.T, path, change string) {
		if err := openAt(t, path).Close(); err != nil {
			t.Fatal(err)
		}
		db := raw(t, path)
		mustExec(t, db, change)
		db.Close()
	}
	cases := []struct {
		name string
		make func(t *testing.T, path string)
		want string
	}{
		{"folder", func(t *testing.T, p string) { mkdir(t, p) }, "not a file"},
		{"foreign", func(t *testing.T, p string) { db := raw(t, p); mustExec(t, db, "CREATE TABLE t(x)"); db.Close() }, "another program"},
		{"foreign id", func(t *testing.T, p string) { ours(t, p, "PRAGMA application_id = 5") }, "another program"},
		{"newer", func(t *testing.T, p string) { ours(t, p, "PRAGMA user_version = 99") }, fmt.Sprintf("its schema is 99, this program knows up to %d", store.Latest(t))},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "inferometer.db")
			c.make(t, path)
			before, _ := os.ReadFile(path)
			s, err := store.Open(t.Context(), path)
			if err == nil {
				s.Close()
				t.Fatal("opened")
			}
			wantKind(t, "open", err, domain.KindUnavailable)
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %q does not say %q", err, c.want)
			}
			if after, _ := os.ReadFile(path); string(before) != string(after) {
				t.Error("the refused file was changed")
			}
		})
	}
}

func TestEmptyFileIsAFirstStart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := openAt(t, path)
	if err := s.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestReopenKeepsEverything(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	s := openAt(t, path)
	mustCreate(t, s, newRun("a"))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if r, err := openAt(t, path).Run(t.Context(), "a"); err != nil || r.Name != "run a" {
		t.Errorf("got %v, %v", r.Name, err)
	}
}

func TestPingAfterClose(t *testing.T) {
	s := openNew(t)
	s.Close()
	if s.Ping(t.Context()) == nil {
		t.Error("a closed store answers")
	}
}

func TestPurgeGivesSpaceBack(t *testing.T) {
	s := openNew(t)
	old, young, kept := newRun("old"), newRun("young"), newRun("kept")
	old.DeletedAt, young.DeletedAt = ptr(t0()), ptr(t0().Add(time.Hour))
	mustCreate(t, s, old, young, kept)
	text := strings.Repeat("long ", 20000)
	for n := range 20 {
		q := okRequest("old", n, t0(), 1, 1, 1, 1)
		q.Output = &text
		mustAppend(t, s, "old", domain.Batch{Requests: []domain.RequestRecord{q}, Samples: make([]domain.Sample, 5), Phases: make([]domain.PhaseChange, 2)})
	}
	if n, err := s.PurgeRuns(t.Context(), t0()); n != 0 || err != nil {
		t.Fatalf("purged %d, %v before anything was due", n, err)
	}
	n, err := s.PurgeRuns(t.Context(), t0().Add(time.Microsecond))
	if n != 1 || err != nil {
		t.Fatalf("purged %d, %v", n, err)
	}
	if _, err := s.Run(t.Context(), "old"); domain.KindOf(err) != domain.KindNotFound {
		t.Errorf("the purged run: %v", err)
	}
	for _, id := range []domain.RunID{"young", "kept"} {
		if _, err := s.Run(t.Context(), id); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
	free, pages := pageCounts(t, s)
	if free != 0 || pages > 100 {
		t.Errorf("%d free of %d pages are left", free, pages)
	}
}

func TestInterruptRunning(t *testing.T) {
	s := openNew(t)
	running, queued := newRun("running"), newRun("queued")
	running.Status, queued.Status = domain.StatusRunning, domain.StatusQueued
	mustCreate(t, s, running, queued, newRun("done"))
	got, err := s.InterruptRunning(t.Context(), t0())
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || got[0].ID != "running" || got[0].Status != domain.StatusInterrupted || !got[0].EndedAt.Equal(t0()) {
		t.Errorf("got %+v", got)
	}
	r, err := s.Run(t.Context(), "running")
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "stored", r, got[0])
	if again, err := s.InterruptRunning(t.Context(), t0()); err != nil || len(again) != 0 {
		t.Errorf("a second call found %d, %v", len(again), err)
	}
	if r, _ := s.Run(t.Context(), "queued"); r.Status != domain.StatusQueued {
		t.Errorf("queued became %s", r.Status)
	}
}
