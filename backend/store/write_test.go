package store

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
)

func opened(t *testing.T) *Store {
	t.Helper()
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "x.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// putting is a job that stores a key, runs more, and counts how often it was run.
func putting(key string, ran *int, more func(*sql.Tx) error) *job {
	return &job{op: "put " + key, expired: func() error { return nil }, done: make(chan error, 1), run: func(tx *sql.Tx) error {
		*ran++
		if _, err := tx.Exec("INSERT INTO kv VALUES(?, 'v')", key); err != nil {
			return err
		}
		if more != nil {
			return more(tx)
		}
		return nil
	}}
}

// inGroup runs jobs in one transaction, where they let it be one, and returns what each was told.
func inGroup(w *writer, jobs ...*job) []error {
	rest := jobs
	next := func() *job {
		if len(rest) == 0 {
			return nil
		}
		j := rest[0]
		rest = rest[1:]
		return j
	}
	for j := next(); j != nil; j = next() { // as the loop of the writer
		w.group(j, next)
	}
	told := make([]error, len(jobs))
	for i, j := range jobs {
		told[i] = <-j.done
	}
	return told
}

func keys(t *testing.T, s *Store) []string {
	t.Helper()
	out, err := list(t.Context(), s.r, "keys", func(k *string) []any { return []any{k} }, "SELECT key FROM kv ORDER BY key")
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestGroupOfWrites(t *testing.T) {
	bad := errors.New("bad")
	fail := func(*sql.Tx) error { return bad }
	lose := func(tx *sql.Tx) error { // as SQLite does by itself on a full disk
		_, err := tx.Exec("ROLLBACK")
		return errors.Join(bad, err)
	}
	gone := putting("gone", new(int), nil)
	gone.expired = func() error { return context.Canceled }
	cases := map[string]struct {
		second *job
		ran    int // how often the others were run
		want   error
	}{
		"all well":                {putting("b", new(int), nil), 1, nil},
		"one fails":               {putting("b", new(int), fail), 1, bad},
		"one is not wanted":       {gone, 1, context.Canceled},
		"one loses all":           {putting("b", new(int), lose), 2, bad},
		"one hurts a constraint":  {putting("a", new(int), nil), 1, nil},
		"one is a domain's error": {putting("b", new(int), func(*sql.Tx) error { return domain.Errorf(domain.KindConflict, "no") }), 1, nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := opened(t)
			var first, third int
			told := inGroup(s.writer, putting("a", &first, nil), c.second, putting("c", &third, nil))
			if told[0] != nil || told[2] != nil || c.want != nil && !errors.Is(told[1], c.want) {
				t.Errorf("told %v", told)
			}
			want := []string{"a", "c"}
			if told[1] == nil {
				want = []string{"a", "b", "c"}
			}
			if got := keys(t, s); !slices.Equal(got, want) {
				t.Errorf("kept %v, want %v", got, want)
			}
			if first != c.ran || third > 2 {
				t.Errorf("the first was run %d times, the third %d times", first, third)
			}
		})
	}
}

// TestOneFlushForAll: what waits together is stored together.
func TestOneFlushForAll(t *testing.T) {
	s := opened(t)
	frames := func() (n int) {
		var busy, moved int
		if err := s.w.QueryRow("PRAGMA wal_checkpoint(PASSIVE)").Scan(&busy, &n, &moved); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if _, err := s.w.Exec("PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		t.Fatal(err)
	}
	jobs := make([]*job, 50)
	for i := range jobs {
		jobs[i] = putting(strings.Repeat("k", i+1), new(int), nil)
	}
	for i, err := range inGroup(s.writer, jobs...) {
		if err != nil {
			t.Errorf("write %d: %v", i, err)
		}
	}
	if n := frames(); n > 4 { // the pages of one small table, once
		t.Errorf("fifty writes at once took %d pages of the journal", n)
	}
}

func TestClosedStoreRefuses(t *testing.T) {
	s := opened(t)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.SetKV(t.Context(), "a", "b"); !errors.Is(err, errClosed) {
		t.Errorf("got %v", err)
	}
}
