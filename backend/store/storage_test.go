package store_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/store"
)

func part(t *testing.T, u domain.Storage, kind string) domain.StoragePart {
	t.Helper()
	for _, p := range u.Parts {
		if p.Kind == kind {
			return p
		}
	}
	t.Fatalf("no part %s in %+v", kind, u.Parts)
	return domain.StoragePart{}
}

func usage(t *testing.T, s *store.Store) domain.Storage {
	t.Helper()
	u, err := s.Usage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestUsageAddsUp(t *testing.T) {
	s := openNew(t)
	aged(t, s, map[string]int{"a": 1, "b": 2}, func(*domain.Run) {})
	index(t, s)
	dir := usage(t, s).DataDir
	for name, bytes := range map[string]int{"models/x/big.gguf": 5000, "logs/a.log": 70, "engines/e": 1} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), make([]byte, bytes), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(dir, "models"), filepath.Join(dir, "logs", "link")); err != nil {
		t.Fatal(err)
	}
	u := usage(t, s)
	var inside, outside int64
	for _, p := range u.Parts {
		if p.InDatabase {
			inside += p.Bytes
		} else {
			outside += p.Bytes
		}
	}
	if inside != u.DatabaseBytes || u.TotalBytes != inside+outside || outside != 5071 {
		t.Errorf("%d in the database of %d, %d beside it, %d in all", inside, u.DatabaseBytes, outside, u.TotalBytes)
	}
	if p := part(t, u, "texts"); p.Bytes != 2000 || *p.Rows != 2 {
		t.Errorf("texts %+v", p)
	}
	if p := part(t, u, "telemetry"); *p.Rows != 20 || p.Bytes == 0 {
		t.Errorf("telemetry %+v", p)
	}
	foldAll(t, s)
	if p := part(t, usage(t, s), "telemetry"); *p.Rows != 20 || p.Bytes == 0 {
		t.Errorf("telemetry in chunks %+v", p)
	}
	if p := part(t, u, "search"); *p.Rows != 2 || p.Bytes == 0 {
		t.Errorf("search %+v", p)
	}
	if p := part(t, u, "models"); p.Bytes != 5000 || *p.Rows != 1 {
		t.Errorf("models %+v", p)
	}
	if u.DiskFreeBytes == nil || *u.DiskFreeBytes <= 0 {
		t.Errorf("free %v", u.DiskFreeBytes)
	}
}

// emptied is a database from which the texts of 40 requests, so many words each, were taken out.
func emptied(t *testing.T, words int) *store.Store {
	t.Helper()
	s := openNew(t)
	r := newRun("big")
	r.Status = domain.StatusCompleted
	mustCreate(t, s, r)
	for i := range 40 {
		mustAppend(t, s, r.ID, domain.Batch{Requests: []domain.RequestRecord{withTexts("big", i, strings.Repeat("word ", words), "")}})
	}
	if _, err := s.Writer().Exec("DELETE FROM request_detail"); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestCompactGivesSpaceBack(t *testing.T) {
	s := emptied(t, 20000)
	if free := part(t, usage(t, s), "free").Bytes; free < 3e6 {
		t.Fatalf("only %d bytes are free", free)
	}
	c, err := s.Compact(t.Context(), nil)
	if err != nil || c.AfterBytes > c.BeforeBytes/4 || part(t, usage(t, s), "free").Bytes != 0 {
		t.Errorf("%+v, %v", c, err)
	}
}

// TestCompactTellsHowFarItIs and can be stopped: what was given back until then stays so.
func TestCompactTellsHowFarItIs(t *testing.T) {
	s := emptied(t, 80000)
	free := part(t, usage(t, s), "free").Bytes
	ctx, stop := context.WithCancel(t.Context())
	var steps []int64
	_, err := s.Compact(ctx, func(done, total int64) {
		if total < free || done > total {
			t.Errorf("%d of %d, %d were free", done, total, free)
		}
		if steps = append(steps, done); len(steps) == 3 {
			stop()
		}
	})
	left := part(t, usage(t, s), "free").Bytes
	if err == nil || len(steps) != 3 || steps[0] != 0 || steps[2] <= steps[1] || left >= free || left == 0 {
		t.Errorf("%v after %v: %d of %d are free", err, steps, left, free)
	}
	if _, err := s.Compact(t.Context(), nil); err != nil || part(t, usage(t, s), "free").Bytes != 0 {
		t.Errorf("once more: %v", err)
	}
}

func TestBackupTellsAndStops(t *testing.T) {
	path := filepath.Join(t.TempDir(), "inferometer.db")
	s := openAt(t, path)
	mustCreate(t, s, newRun("first"))
	var first, total int64 = -1, 0
	b, err := s.AddBackup(t.Context(), func(done, all int64) {
		if first < 0 {
			first = done
		}
		total = all
	})
	if err != nil || first != 0 || total < b.Bytes*9/10 || total > b.Bytes*11/10 {
		t.Errorf("%d of %d were told of %+v, %v", first, total, b, err)
	}
	ctx, stop := context.WithCancel(t.Context())
	_, err = s.AddBackup(ctx, func(int64, int64) { stop() })
	if all, lerr := s.Backups(t.Context()); err == nil || lerr != nil || len(all) != 1 {
		t.Errorf("a stopped backup: %v, %+v, %v", err, all, lerr)
	}
}

func TestBackupAndRestore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "inferometer.db")
	s := openAt(t, path)
	mustCreate(t, s, newRun("first"))
	b, err := s.AddBackup(t.Context(), nil)
	if err != nil || b.Reason != "manual" || b.Schema != store.Latest(t) || b.Bytes == 0 || time.Since(b.CreatedAt) > time.Minute {
		t.Fatalf("%+v, %v", b, err)
	}
	if fi, err := os.Stat(filepath.Join(filepath.Dir(path), "backups", b.Name)); err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", fi.Mode(), err)
	}
	mustCreate(t, s, newRun("second"))
	for _, name := range []string{"../inferometer.db", "nope", "", "/etc/passwd"} {
		wantKind(t, "restore "+name, s.StageRestore(t.Context(), name, nil), domain.KindNotFound)
		wantKind(t, "remove "+name, s.RemoveBackup(t.Context(), name), domain.KindNotFound)
	}
	wantKind(t, "cancel nothing", s.CancelRestore(t.Context()), domain.KindNotFound)
	for range 2 { // taken back once
		if err := s.StageRestore(t.Context(), b.Name, nil); err != nil {
			t.Fatal(err)
		}
		if got := usage(t, s).PendingRestore; got != b.Name {
			t.Errorf("pending %q", got)
		}
		if _, err := s.Run(t.Context(), "second"); err != nil {
			t.Errorf("the database changed before the next start: %v", err)
		}
		if err := s.CancelRestore(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := usage(t, s).PendingRestore; got != "" {
			t.Errorf("pending %q", got)
		}
	}
	if err := s.StageRestore(t.Context(), b.Name, nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openAt(t, path)
	if _, err := s.Run(t.Context(), "first"); err != nil {
		t.Error(err)
	}
	_, err = s.Run(t.Context(), "second")
	wantKind(t, "what came after the backup", err, domain.KindNotFound)
	all, err := s.Backups(t.Context())
	if err != nil || len(all) != 2 || all[0].Reason != "restore" || all[1].Name != b.Name {
		t.Fatalf("%+v, %v", all, err)
	}
	// And back again: what was there before is a backup like any other.
	if err := s.StageRestore(t.Context(), all[0].Name, nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openAt(t, path)
	if _, err := s.Run(t.Context(), "second"); err != nil {
		t.Error(err)
	}
	if err := s.RemoveBackup(t.Context(), b.Name); err != nil {
		t.Error(err)
	}
	if all, err = s.Backups(t.Context()); err != nil || len(all) != 2 {
		t.Errorf("%+v, %v", all, err)
	}
}

// TestRestoreSurvivesAStop stops between the steps of putting a backup in its place.
func TestRestoreSurvivesAStop(t *testing.T) {
	path := filepath.Join(t.TempDir(), "inferometer.db")
	s := openAt(t, path)
	mustCreate(t, s, newRun("kept"))
	b, err := s.AddBackup(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.StageRestore(t.Context(), b.Name, nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil { // it was moved away, and then the power failed
		t.Fatal(err)
	}
	s = openAt(t, path)
	if _, err := s.Run(t.Context(), "kept"); err != nil {
		t.Error(err)
	}
}

func TestDamagedBackupIsNotRestored(t *testing.T) {
	path := filepath.Join(t.TempDir(), "inferometer.db")
	s := openAt(t, path)
	aged(t, s, map[string]int{"a": 1}, func(*domain.Run) {})
	b, err := s.AddBackup(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(filepath.Dir(path), "backups", b.Name)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string][]byte{"a page": append(append(append([]byte{}, text[:8192]...), make([]byte, 4096)...), text[12288:]...),
		"half": text[:len(text)/2], "foreign": []byte(strings.Repeat("not a database ", 1000))} {
		if err := os.WriteFile(file, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := s.StageRestore(t.Context(), b.Name, nil); err == nil || usage(t, s).PendingRestore != "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}
