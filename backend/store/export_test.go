package store

import (
	"context"
	"database/sql"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
)

// Writer and Reader open the pools to tests.
func (s *Store) Writer() *sql.DB { return s.w }

// Reader returns the read-only pool.
func (s *Store) Reader() *sql.DB { return s.r }

// Latest is the schema version that this program writes.
func Latest(t *testing.T) int {
	t.Helper()
	return len(embedded(t))
}

// WindowPlan is how SQLite sums a window.
func (s *Store) WindowPlan(t *testing.T) []string {
	t.Helper()
	return s.plan(t, windowSums, windowArgs(0, 1e15, "m", sql.NullBool{}))
}

// FilterPlan is how SQLite sums what a filter lets through.
func (s *Store) FilterPlan(t *testing.T, f domain.ResultFilter) []string {
	t.Helper()
	w := resultsWhere(domain.Window{}, f)
	return s.plan(t, ofRows+w.String()+" AND fits", w.args)
}

func (s *Store) plan(t *testing.T, query string, args []any) []string {
	t.Helper()
	rows, err := s.r.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var steps []string
	for rows.Next() {
		var a, b, c int
		var text string
		if err := rows.Scan(&a, &b, &c, &text); err != nil {
			t.Fatal(err)
		}
		steps = append(steps, text)
	}
	return steps
}

// WithoutSearch makes an open store what a build without full-text search opens.
func WithoutSearch(t *testing.T, s *Store) {
	t.Helper()
	var err error
	if s.search, err = openSearch(t.Context(), s.w, false); err != nil {
		t.Fatal(err)
	}
}

// Unfold lays the readings of all runs one by one, as versions before the chunks did.
func (s *Store) Unfold(ctx context.Context) error {
	return s.inTx(ctx, "unfold", func(ctx context.Context, tx *sql.Tx) error {
		chunks, err := list(ctx, tx, "list chunks", func(c *[2]int64) []any { return []any{&c[0], &c[1]} },
			"SELECT run_id, chunk FROM telemetry WHERE series = 0 ORDER BY run_id, chunk")
		if err != nil {
			return err
		}
		for _, c := range chunks {
			ms, err := chunkSamples(ctx, tx, c[0], c[1])
			if err != nil {
				return err
			}
			if err := insertSamples(ctx, tx, c[0], ms); err != nil {
				return err
			}
		}
		_, err = tx.ExecContext(ctx, "DELETE FROM telemetry")
		return err
	})
}
