package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

// errDamaged is in every error by which a database cannot be used as it is.
var errDamaged = errors.New("it cannot be used")

// Damaged reports whether an error says that the database is damaged.
func Damaged(err error) bool { return errors.Is(err, errDamaged) }

// unusable is a database that gives way to a backup.
func unusable(msg string, err error) error {
	return refuse(msg, "Start Inferometer again: it checks the database and restores the newest good backup if it must.",
		errors.Join(errDamaged, err))
}

// recoveryPath holds what was recovered last, until its notice is put away.
func recoveryPath(path string) string { return path + ".recovered" }

func readRecovery(path string) *domain.Recovery {
	text, err := os.ReadFile(recoveryPath(path))
	if err != nil {
		return nil
	}
	var r domain.Recovery
	if json.Unmarshal(text, &r) != nil {
		return nil
	}
	return &r
}

// quarantinePath is where a database of a moment is set aside: beside it, with its journal.
func quarantinePath(path string, at time.Time) string {
	return strings.TrimSuffix(path, filepath.Ext(path)) + "-damaged-" + at.Format(stampLayout) + ".db"
}

// SetAside moves a database that cannot be used away, with its journal, and puts the newest good backup in
// its place; without one the next opening begins an empty database. Nothing is deleted, and a stop between
// any two steps is made good at the next opening.
func SetAside(ctx context.Context, path string, why error) error {
	steps, err := migrations(migrationFiles)
	if err != nil {
		return err
	}
	return setAside(ctx, path, len(steps), why)
}

func setAside(ctx context.Context, path string, latest int, why error) error {
	at := time.Now().UTC()
	aside := quarantinePath(path, at)
	name, part, found, err := stageGood(ctx, path, latest)
	if err != nil {
		return errors.Join(why, err)
	}
	note, err := json.Marshal(domain.Recovery{At: at, Reason: reason(why), Quarantined: filepath.Base(aside), RestoredFrom: name})
	if err != nil {
		return fmt.Errorf("note the recovery: %w", err)
	}
	if err := os.WriteFile(recoveryPath(path), note, 0o600); err != nil {
		return fmt.Errorf("note the recovery: %w", err)
	}
	if found {
		if err := os.Rename(part, restorePath(path)); err != nil {
			return fmt.Errorf("lay the backup ready: %w", err)
		}
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Rename(path+suffix, aside+suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("set the database aside: %w", err)
		}
	}
	if err := ignoreMissing(os.Remove(suspectPath(path))); err != nil {
		return err
	}
	if !found {
		return nil
	}
	return os.Rename(restorePath(path), path)
}

// reason is what a person is told of an error.
func reason(why error) string {
	var ours *domain.Error
	if errors.As(why, &ours) {
		return ours.Msg
	}
	return why.Error()
}

// goodBackup is the newest backup that is whole and that this program can read. What was there before a
// restore comes last: somebody did not want it any more.
func goodBackup(ctx context.Context, path string, latest int) (name, file string, found bool, err error) {
	all, err := backupsOf(ctx, path)
	if err != nil {
		return "", "", false, err
	}
	slices.SortStableFunc(all, func(a, b domain.Backup) int { return unwanted(a) - unwanted(b) })
	for _, b := range all {
		file := filepath.Join(filepath.Dir(backupPattern(path)), b.Name)
		if probe(ctx, file, latest) != nil {
			continue
		}
		if fault, err := quickCheck(ctx, file); err == nil && fault == nil {
			return b.Name, file, true, nil
		}
	}
	return "", "", false, ctx.Err()
}

func unwanted(b domain.Backup) int {
	if b.Reason == byRestore {
		return 1
	}
	return 0
}

// stageGood writes a copy of the good backup, not yet where an opening looks for one.
func stageGood(ctx context.Context, path string, latest int) (name, part string, found bool, err error) {
	name, file, found, err := goodBackup(ctx, path, latest)
	if err != nil || !found {
		return "", "", false, err
	}
	part = restorePath(path) + ".part"
	db := open(file, "mode=ro", 1, nil)
	defer db.Close()
	if err := copyInto(ctx, db, part); err != nil {
		return "", "", false, err
	}
	return name, part, true, nil
}

// ForgetRecovery puts the notice of a recovery away; the database that was set aside stays.
func (s *Store) ForgetRecovery(context.Context) error {
	s.health.mu.Lock()
	defer s.health.mu.Unlock()
	if s.health.state.Recovery == nil {
		return &domain.Error{Kind: domain.KindNotFound, Msg: "There is no notice of a recovery."}
	}
	if err := ignoreMissing(os.Remove(recoveryPath(s.path))); err != nil {
		return fmt.Errorf("put the notice away: %w", err)
	}
	s.health.state.Recovery = nil
	return nil
}
