package store

import (
	"database/sql"
	"testing"
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
