package store_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/store"
)

// noise is a text that nothing makes smaller.
func noise(bytes int) string {
	text := make([]byte, bytes/2)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(text)
	return fmt.Sprintf("%x", text)
}

// fillUp appends to a run until the disk is full and returns how many requests were acknowledged.
func fillUp(t *testing.T, s *store.Store, id domain.RunID) (kept int) {
	t.Helper()
	text := noise(1 << 20)
	for n := range 100 {
		err := s.AppendRun(t.Context(), id, domain.Batch{Requests: []domain.RequestRecord{withTexts(string(id), n, text, "")}})
		if err == nil {
			kept++
			continue
		}
		wantKind(t, "append", err, domain.KindUnavailable)
		if e := refusalOf(t, err); e.Msg != "The disk is full." || e.Hint == "" {
			t.Errorf("%+v", e)
		}
		return kept
	}
	t.Fatal("the disk is never full")
	return 0
}

// takeJournal uses up what the journal still has room for: a reader keeps it from beginning anew.
func takeJournal(t *testing.T, s *store.Store) (release func()) {
	t.Helper()
	tx, err := s.Reader().BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	release = func() { _ = tx.Rollback() }
	t.Cleanup(release)
	var n int
	if err := tx.QueryRow("SELECT count(*) FROM kv").Scan(&n); err != nil {
		t.Fatal(err)
	}
	for n = range 10000 {
		if _, err := s.Writer().Exec("INSERT INTO kv(key, value) VALUES(?, 'x')", fmt.Sprint("fill", n)); err != nil {
			return release
		}
	}
	t.Fatal("the journal always has room")
	return release
}

// fullDisk is what a person goes through: a run fails, what it had measured is there, deleting works, and then the
// next run does. limited makes the disk of a store small; real says that it is one.
func fullDisk(t *testing.T, path string, limited func(*store.Store), real bool) {
	s := openAt(t, path)
	if err := s.KeepReserve(); err != nil {
		t.Fatal(err)
	}
	limited(s)
	mustCreate(t, s, newRun("big"), newRun("next"))
	kept := fillUp(t, s, "big")
	if got := len(collect(t, s.Records(t.Context(), "big"))); got != kept || kept == 0 {
		t.Errorf("%d requests are there, %d were acknowledged", got, kept)
	}
	release := func() {}
	if real {
		if !s.State().DiskFull {
			t.Error("nothing says that the disk is full")
		}
		if _, err := os.Stat(path + ".reserve"); err != nil {
			t.Errorf("a run took the reserve: %v", err)
		}
		wantKind(t, "another run", s.CreateRun(t.Context(), newRun("other")), domain.KindUnavailable)
		// What a log or another program takes of the rest.
		fill, err := os.Create(filepath.Join(filepath.Dir(path), "rest"))
		if err != nil {
			t.Fatal(err)
		}
		for err == nil {
			_, err = fill.Write(make([]byte, 4096))
		}
		fill.Close()
		release = takeJournal(t, s)
	}
	r, err := s.Run(t.Context(), "big")
	if err != nil {
		t.Fatal(err)
	}
	r.DeletedAt = ptr(t0())
	if err := s.UpdateRun(t.Context(), r); err != nil {
		t.Fatalf("a run cannot be deleted: %v", err)
	}
	release()
	if n, err := s.PurgeRuns(t.Context(), t0().AddDate(1, 0, 0)); n != 1 || err != nil {
		t.Fatalf("%d deleted for good, %v", n, err)
	}
	mustAppend(t, s, "next", domain.Batch{Requests: []domain.RequestRecord{withTexts("next", 0, noise(1<<20), "")}})
	if s.State().DiskFull {
		t.Error("the disk is still said to be full")
	}
	if fi, err := os.Stat(path + ".reserve"); err != nil || fi.Size() < 1<<20 {
		t.Errorf("there is no reserve again: %v", err)
	}
	var verdict string
	if err := s.Reader().QueryRow("PRAGMA integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
		t.Errorf("%s, %v", verdict, err)
	}
}

// TestFullDatabase: SQLite's own limit stands for the disk.
func TestFullDatabase(t *testing.T) {
	fullDisk(t, filepath.Join(t.TempDir(), "inferometer.db"), func(s *store.Store) {
		if _, err := s.Writer().Exec("PRAGMA max_page_count = 4000"); err != nil {
			t.Fatal(err)
		}
	}, false)
}
