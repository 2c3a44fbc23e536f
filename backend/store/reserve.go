package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/mattn/go-sqlite3"
)

// reserveBytes lie beside the database for the day when the disk is full: deleting needs room, too.
const reserveBytes = 8 << 20

// leastFree is how little room counts as none when the database is opened.
const leastFree = 1 << 20

func reservePath(path string) string { return path + ".reserve" }

// isFull reports whether an error says that the disk is full.
func isFull(err error) bool {
	var se sqlite3.Error
	return errors.As(err, &se) && se.Code == sqlite3.ErrFull
}

// KeepReserve makes the reserve unless it is there, if the disk has room for twice as much. Then a disk that
// was full is so no more.
func (s *Store) KeepReserve() error {
	fi, err := os.Stat(reservePath(s.path))
	have := err == nil && fi.Size() == reserveBytes
	need := int64(2 * reserveBytes)
	if have {
		need = reserveBytes
	}
	if free := FreeBytes(filepath.Dir(s.path)); free != nil && *free < need {
		return nil
	}
	if !have {
		if err := writeReserve(reservePath(s.path)); err != nil {
			return err
		}
	}
	s.setFull(false)
	return nil
}

// writeReserve fills the file with noise: nothing that a disk could compress away.
func writeReserve(path string) error {
	noise := rand.NewChaCha8([32]byte{})
	text := make([]byte, reserveBytes)
	_, _ = noise.Read(text) // never fails
	if err := os.WriteFile(path, text, 0o600); err != nil {
		_ = os.Remove(path) // the fault is told
		return fmt.Errorf("make the reserve: %w", err)
	}
	return nil
}

// openReserve gives the reserve up before a database is opened on a disk without room: opening writes.
func openReserve(path string) (full bool) {
	free := FreeBytes(filepath.Dir(path))
	if free == nil || *free >= leastFree {
		return false
	}
	return os.Remove(reservePath(path)) == nil
}

// useReserve gives the reserve up and folds the journal, so that there is room to delete; false when there
// is no reserve any more.
func (s *Store) useReserve() bool {
	if os.Remove(reservePath(s.path)) != nil {
		return false
	}
	_, _ = s.w.ExecContext(context.Background(), foldJournal) // it is folded later at the latest
	return true
}

const foldJournal = "PRAGMA wal_checkpoint(TRUNCATE)"

func (s *Store) setFull(full bool) {
	s.health.mu.Lock()
	defer s.health.mu.Unlock()
	s.health.state.DiskFull = full
}

// grow is inTx for what adds much. It leaves the reserve alone, and on a full disk it is refused until there
// is room again: the reserve is for deleting.
func (s *Store) grow(ctx context.Context, op string, f func(context.Context, *sql.Tx) error) error {
	if s.State().DiskFull {
		if err := s.KeepReserve(); err != nil || s.State().DiskFull {
			return wrap(op, errors.Join(sqlite3.Error{Code: sqlite3.ErrFull}, err))
		}
	}
	err := s.oneTx(ctx, op, f)
	if isFull(err) {
		s.setFull(true)
	}
	return err
}

// inTx runs f in a write transaction; what it wrote is on disk when inTx returns nil. Once f has begun
// it is not interrupted, because SQLite gives up the whole transaction then. f may run twice, and again when
// the disk is full and there is a reserve to give up.
func (s *Store) inTx(ctx context.Context, op string, f func(context.Context, *sql.Tx) error) error {
	err := s.oneTx(ctx, op, f)
	if !isFull(err) {
		return err
	}
	s.setFull(true)
	if !s.useReserve() {
		return err
	}
	return s.oneTx(ctx, op, f)
}

// Pages that are given back at once: others write between two steps. Moving pages fills the journal, for which a
// full disk has little room.
const (
	pagesOnce     = 1024
	pagesOnceFull = 256
)

// giveBackSpace shortens the file by its free pages. tell, which may be nil, hears how many bytes of how many are
// given back so far.
func (s *Store) giveBackSpace(ctx context.Context, tell func(done, total int64)) error {
	first, pageSize, err := s.freePages(ctx)
	if err != nil {
		return err
	}
	full, step := s.State().DiskFull, pagesOnce
	if full {
		step = pagesOnceFull
	}
	for left := first; left > 0; {
		if tell != nil {
			tell((first-left)*pageSize, first*pageSize)
		}
		if err := s.vacuum(ctx, step); err != nil {
			return err
		}
		if full {
			if held, err := s.foldJournal(ctx); err != nil {
				return err
			} else if held { // a long read holds the journal: the rest is free within the database
				break
			}
		}
		now, _, err := s.freePages(ctx)
		if err != nil {
			return err
		}
		if now >= left { // others free as much as is given back
			break
		}
		left = now
	}
	if full {
		return s.KeepReserve()
	}
	return nil
}

func (s *Store) freePages(ctx context.Context) (pages, size int64, err error) {
	err = s.w.QueryRowContext(ctx, "SELECT (SELECT * FROM pragma_freelist_count), (SELECT * FROM pragma_page_size)").Scan(&pages, &size)
	return pages, size, wrap("count free pages", err)
}

// foldJournal writes the journal into the database; held: something still reads from it.
func (s *Store) foldJournal(ctx context.Context) (held bool, err error) {
	var busy int
	var ignored [2]int
	err = s.w.QueryRowContext(ctx, foldJournal).Scan(&busy, &ignored[0], &ignored[1])
	return busy != 0, wrap("fold journal", err)
}

// vacuum gives so many pages back. The pragma frees one page a step, so its rows have to be read to the end.
func (s *Store) vacuum(ctx context.Context, pages int) error {
	rows, err := s.w.QueryContext(ctx, fmt.Sprintf("PRAGMA incremental_vacuum(%d)", pages))
	if err != nil {
		return wrap("give back space", err)
	}
	defer rows.Close()
	for rows.Next() {
	}
	return wrap("give back space", rows.Err())
}
