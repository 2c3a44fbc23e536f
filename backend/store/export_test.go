package store

import "database/sql"

// Writer and Reader open the pools to tests.
func (s *Store) Writer() *sql.DB { return s.w }

// Reader returns the read-only pool.
func (s *Store) Reader() *sql.DB { return s.r }
