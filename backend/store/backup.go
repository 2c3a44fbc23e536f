package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

// Why a backup was made, as its name says.
const (
	byMigration = "migration"
	byHand      = "manual"
	byRestore   = "restore"
	byDay       = "daily"
)

const stampLayout = "20060102T150405.000000"

// backupName is NAME-vSCHEMA-TIME[-REASON].db.
var backupName = regexp.MustCompile(`^[^/\\]+-v(\d{4})-(\d{8}T\d{6}\.\d{6})(?:-(manual|restore|daily))?\.db$`)

// backupPath is where a backup of a moment goes.
func backupPath(path string, version int, reason string, at time.Time) string {
	stamp := fmt.Sprintf("%04d-%s", version, at.UTC().Format(stampLayout))
	if reason != byMigration {
		stamp += "-" + reason
	}
	return strings.Replace(backupPattern(path), "*", stamp, 1)
}

// Backups lists the copies of the database, newest first.
func (s *Store) Backups(ctx context.Context) ([]domain.Backup, error) {
	return backupsOf(ctx, s.path)
}

func backupsOf(ctx context.Context, path string) ([]domain.Backup, error) {
	found, err := filepath.Glob(backupPattern(path))
	if err != nil {
		return nil, fmt.Errorf("list backups: %w", err)
	}
	out := []domain.Backup{}
	for _, file := range found {
		m := backupName.FindStringSubmatch(filepath.Base(file))
		fi, err := os.Lstat(file)
		if m == nil || err != nil || !fi.Mode().IsRegular() || ctx.Err() != nil {
			continue
		}
		at, err := time.Parse(stampLayout, m[2])
		if err != nil {
			continue
		}
		b := domain.Backup{Name: filepath.Base(file), Reason: m[3], Bytes: fi.Size(), CreatedAt: at}
		b.Schema, _ = strconv.Atoi(m[1]) // four digits
		if b.Reason == "" {
			b.Reason = byMigration
		}
		out = append(out, b)
	}
	slices.SortFunc(out, func(a, b domain.Backup) int { return b.CreatedAt.Compare(a.CreatedAt) })
	return out, ctx.Err()
}

// backupFile finds a backup by its name, which never leads out of the folder.
func (s *Store) backupFile(ctx context.Context, name string) (domain.Backup, string, error) {
	all, err := s.Backups(ctx)
	if err != nil {
		return domain.Backup{}, "", err
	}
	for _, b := range all {
		if b.Name == name {
			return b, filepath.Join(filepath.Dir(backupPattern(s.path)), name), nil
		}
	}
	return domain.Backup{}, "", &domain.Error{Kind: domain.KindNotFound, Msg: "There is no such backup."}
}

// AddBackup copies the database as it is now. It reads on a connection of its own, so nobody waits for it. tell,
// which may be nil, hears how many bytes of about how many are written so far.
func (s *Store) AddBackup(ctx context.Context, tell func(done, total int64)) (domain.Backup, error) {
	return s.addBackup(ctx, byHand, tell)
}

func (s *Store) addBackup(ctx context.Context, reason string, tell func(done, total int64)) (domain.Backup, error) {
	db := open(s.path, "mode=ro", 1, []pragma{{"busy_timeout", "5000", "5000"}})
	defer db.Close()
	var version int
	if err := db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return domain.Backup{}, wrap("back up database", err)
	}
	target := backupPath(s.path, version, reason, time.Now())
	if err := copyTold(ctx, db, target, tell); err != nil {
		return domain.Backup{}, err
	}
	b, _, err := s.backupFile(ctx, filepath.Base(target))
	return b, err
}

// copyInto writes a whole, private copy of the database to target, or nothing.
func copyInto(ctx context.Context, db *sql.DB, target string) error {
	if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
		return fmt.Errorf("make backup folder: %w", err)
	}
	// The file exists before SQLite fills it, so that it is private from its first byte.
	if err := os.WriteFile(target, nil, 0o600); err != nil {
		return fmt.Errorf("create backup: %w", err)
	}
	if _, err := db.ExecContext(ctx, "VACUUM INTO ?", target); err != nil {
		_ = os.Remove(target) // what is left of it is no backup
		return wrap("back up database", err)
	}
	return nil
}

// copyLook is how often the size of a copy is looked at.
const copyLook = 200 * time.Millisecond

// copyTold is copyInto that tells how far it is: free pages are not copied, so that it may end early.
func copyTold(ctx context.Context, db *sql.DB, target string, tell func(done, total int64)) error {
	if tell == nil {
		return copyInto(ctx, db, target)
	}
	var total int64
	err := db.QueryRowContext(ctx, `SELECT ((SELECT * FROM pragma_page_count) - (SELECT * FROM pragma_freelist_count)) *
		(SELECT * FROM pragma_page_size)`).Scan(&total)
	if err != nil {
		return wrap("measure database", err)
	}
	tell(0, total)
	ended, looked := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(looked)
		look := time.NewTicker(copyLook)
		defer look.Stop()
		for {
			select {
			case <-ended:
				return
			case <-look.C:
				if fi, err := os.Stat(target); err == nil {
					tell(min(fi.Size(), total), total)
				}
			}
		}
	}()
	err = copyInto(ctx, db, target)
	close(ended)
	<-looked
	return err
}

// RemoveBackup deletes one copy.
func (s *Store) RemoveBackup(ctx context.Context, name string) error {
	_, file, err := s.backupFile(ctx, name)
	if err != nil {
		return err
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := ignoreMissing(os.Remove(file + suffix)); err != nil {
			return fmt.Errorf("delete backup: %w", err)
		}
	}
	return nil
}

func restorePath(path string) string { return path + ".restore" }

// restoreNote holds the name of the backup that was staged.
func restoreNote(path string) string { return path + ".restore-from" }

// pendingRestore is the backup that takes the place of the database at the next opening; empty: none.
func (s *Store) pendingRestore() string {
	if _, err := os.Stat(restorePath(s.path)); err != nil {
		return ""
	}
	name, _ := os.ReadFile(restoreNote(s.path)) // only to be shown
	return string(name)
}

// StageRestore checks a backup and lays a copy of it beside the database; the next opening puts it in its
// place and keeps what was there as a backup.
func (s *Store) StageRestore(ctx context.Context, name string, tell func(done, total int64)) error {
	_, file, err := s.backupFile(ctx, name)
	if err != nil {
		return err
	}
	steps, err := migrations(migrationFiles)
	if err != nil {
		return err
	}
	if err := probe(ctx, file, len(steps)); Damaged(err) {
		return badBackup(err)
	} else if err != nil {
		return err
	}
	part := restorePath(s.path) + ".part"
	if err := copyChecked(ctx, file, part, tell); err != nil {
		_ = os.Remove(part) // the fault is told
		return err
	}
	if err := os.WriteFile(restoreNote(s.path), []byte(name), 0o600); err != nil {
		return fmt.Errorf("note the backup: %w", err)
	}
	if err := os.Rename(part, restorePath(s.path)); err != nil {
		return fmt.Errorf("lay the backup ready: %w", err)
	}
	return nil
}

// CancelRestore takes back what StageRestore has laid ready.
func (s *Store) CancelRestore(context.Context) error {
	err := os.Remove(restorePath(s.path))
	if errors.Is(err, fs.ErrNotExist) {
		return &domain.Error{Kind: domain.KindNotFound, Msg: "No backup is to be restored."}
	}
	return err
}

// copyChecked reads a backup from end to end, its journal included, and writes a copy.
func copyChecked(ctx context.Context, file, to string, tell func(done, total int64)) error {
	if fault, err := quickCheck(ctx, file); err != nil {
		return err
	} else if fault != nil {
		return badBackup(fault)
	}
	db := open(file, "mode=ro", 1, nil)
	defer db.Close()
	return copyTold(ctx, db, to, tell)
}

func badBackup(err error) error {
	return &domain.Error{Kind: domain.KindConflict, Msg: "This backup is damaged.", Hint: "Choose another one.", Err: err}
}

// applyRestore puts a staged backup in place of the database, before it is opened. What was there becomes a
// backup with its journal; a stop between any two of these steps is made good at the next opening.
func applyRestore(path string) error {
	staged, err := os.Stat(restorePath(path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return fmt.Errorf("look for a staged backup: %w", err)
	}
	kept := backupPath(path, 0, byRestore, staged.ModTime()) // the same name at every attempt
	if err := os.MkdirAll(filepath.Dir(kept), 0o700); err != nil {
		return fmt.Errorf("make backup folder: %w", err)
	}
	// The journal goes with its database: without it the newest results would be lost.
	for _, suffix := range []string{"-wal", "-shm", ""} {
		if err := os.Rename(path+suffix, kept+suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("keep the database before a restore: %w", err)
		}
	}
	if err := os.Rename(restorePath(path), path); err != nil {
		return fmt.Errorf("restore backup: %w", err)
	}
	return errors.Join(ignoreMissing(os.Remove(restoreNote(path))), ignoreMissing(os.Remove(suspectPath(path))))
}
