// Package store keeps runs, their raw records, results, datasets, endpoints and settings in one
// SQLite file. One connection writes, a small pool reads; a write is whole and on disk when its call
// returns, and shares its transaction with those that wait beside it. It holds no rule of the program:
// what to show, what to count as a default and what to delete is decided by the callers.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/inferometer/inferometer/backend/domain"
)

const (
	readers = 4
	// smallFile is the size up to which the whole file is checked after every opening: a second at most.
	smallFile = 16 << 20
)

// Store is an open database. It is safe for concurrent use.
type Store struct {
	path string
	w    *sql.DB // one connection; transactions begin IMMEDIATE
	r    *sql.DB // read-only connections

	writer   *writer
	ofWindow *sql.Stmt // see windowSums
	search   bool      // texts can be searched
	health   health
}

// Open opens or creates the database at path and brings its schema up to date. One that is another
// program's or was written by a newer version is refused and left as it is. One that is damaged is set
// aside, and the newest good backup takes its place: State tells.
func Open(ctx context.Context, path string) (*Store, error) {
	steps, err := migrations(migrationFiles)
	if err != nil {
		return nil, err
	}
	return openWith(ctx, path, steps)
}

func openWith(ctx context.Context, path string, steps []migration) (*Store, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("resolve database path: %w", err)
	}
	if err := applyRestore(path); err != nil {
		return nil, err
	}
	full := openReserve(path)
	s, err := openFile(ctx, path, steps)
	if Damaged(err) {
		if err := setAside(ctx, path, len(steps), err); err != nil {
			return nil, err
		}
		s, err = openFile(ctx, path, steps)
	}
	if err == nil {
		s.setFull(full)
	}
	return s, err
}

func openFile(ctx context.Context, path string, steps []migration) (*Store, error) {
	if err := prepareFile(path); err != nil {
		return nil, err
	}
	journal, err := os.Stat(path + "-wal")
	unclean := err == nil && journal.Size() > 0 // a clean end folds it
	if err := probe(ctx, path, len(steps)); err != nil {
		return nil, err
	}
	s := &Store{path: path, w: openWriter(path), r: openReaders(path), health: health{latest: len(steps)}}
	err = s.start(ctx, steps)
	if err == nil {
		err = s.examine(ctx, unclean)
	}
	if err == nil {
		err = s.prepare(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, s.r.Close(), s.w.Close())
	}
	return s, nil
}

func (s *Store) start(ctx context.Context, steps []migration) error {
	if err := s.w.PingContext(ctx); err != nil {
		return wrap("open database", err)
	}
	if err := migrate(ctx, s.w, steps, s.path); err != nil {
		return err
	}
	fts5, err := hasFTS5(ctx, s.w)
	if err != nil {
		return err
	}
	if s.search, err = openSearch(ctx, s.w, fts5); err != nil {
		return err
	}
	return wrap("open database for reading", s.r.PingContext(ctx))
}

// prepare makes ready what works on an open database of the newest schema.
func (s *Store) prepare(ctx context.Context) error {
	f, err := prepareFolding(ctx, s.w)
	if err != nil {
		return err
	}
	if s.ofWindow, err = s.r.PrepareContext(ctx, windowSums); err != nil {
		return wrap("prepare averages", err)
	}
	s.writer = startWriter(s.w, f)
	return nil
}

// Close folds the journal into the database file and releases it.
func (s *Store) Close() error {
	s.writer.close()
	// Readers first: a checkpoint cannot empty the journal under their feet.
	err := s.r.Close()
	if _, cerr := s.w.ExecContext(context.Background(), foldJournal); cerr != nil {
		err = errors.Join(err, fmt.Errorf("fold journal: %w", cerr))
	}
	return errors.Join(err, s.w.Close())
}

// Ping reports whether the database can be read.
func (s *Store) Ping(ctx context.Context) error {
	var n int
	return wrap("read database", s.r.QueryRowContext(ctx, "SELECT count(*) FROM kv").Scan(&n))
}

// SizeBytes returns what the database takes on disk, its journal included.
func (s *Store) SizeBytes() int64 {
	var sum int64
	for _, suffix := range []string{"", "-wal"} {
		if fi, err := os.Stat(s.path + suffix); err == nil {
			sum += fi.Size()
		}
	}
	return sum
}

// prepareFile makes sure that a private file lies at path, and refuses the states in which SQLite
// would silently begin anew where there was data.
func prepareFile(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return refuse(notWritable, notWritableHint, fmt.Errorf("make data folder: %w", err))
	}
	fi, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return fmt.Errorf("look at database: %w", err)
	case !fi.Mode().IsRegular():
		return refuse("The database "+path+" is not a file.", "Choose another data folder.", nil)
	case fi.Size() > 0:
		return checkHeader(path)
	}
	if wal, err := os.Stat(path + "-wal"); err == nil && wal.Size() > 0 {
		return unusable("The database is empty or missing, but its journal is not.", nil)
	}
	if backups, err := filepath.Glob(backupPattern(path)); err == nil && len(backups) > 0 && fi != nil {
		return unusable("The database is empty, but there are backups of it.", nil)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) // #nosec G304 -- a file of the data folder
	if err != nil {
		return refuse(notWritable, notWritableHint, fmt.Errorf("create database: %w", err))
	}
	return f.Close()
}

func checkHeader(path string) error {
	f, err := os.Open(path) // #nosec G304 -- a file of the data folder
	if err != nil {
		return fmt.Errorf("read database header: %w", err)
	}
	defer f.Close()
	const magic = "SQLite format 3\x00"
	head := make([]byte, len(magic))
	if _, err := f.Read(head); err != nil {
		return fmt.Errorf("read database header: %w", err)
	}
	if string(head) != magic {
		return unusable("The file in place of the database is not one.", nil)
	}
	// Older files or a copy may be readable by others; prompts are private.
	if fi, err := f.Stat(); err == nil && fi.Mode().Perm() == 0o600 {
		return nil
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return refuse(notWritable, notWritableHint, fmt.Errorf("make database private: %w", err))
	}
	return nil
}

func refuse(msg, hint string, err error) error {
	return &domain.Error{Kind: domain.KindUnavailable, Msg: msg, Hint: hint, Err: err}
}
