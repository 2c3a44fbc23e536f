package store

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

// A daily backup is made this long after the newest one, whatever that was for.
const dailyAfter = 24 * time.Hour

// spareFactor is how many databases must fit on the disk before a daily backup takes the room of one.
const spareFactor = 2

// BackUpDaily copies the database if the newest backup is a day old at a moment and something was stored
// since, and deletes the oldest daily ones beyond keep. It leaves what it cannot vouch for alone: a database
// that is damaged or not yet checked is not copied, and no older copy goes for it.
func (s *Store) BackUpDaily(ctx context.Context, now time.Time, keep int) (made bool, err error) {
	if check := s.State().Check; keep <= 0 || check != checkOK && check != checkNone {
		return false, nil
	}
	all, err := s.Backups(ctx)
	if err != nil {
		return false, err
	}
	if len(all) > 0 && (now.Sub(all[0].CreatedAt) < dailyAfter || !s.changedSince(all[0].CreatedAt)) {
		return false, nil
	}
	var runs int
	switch err := s.r.QueryRowContext(ctx, "SELECT 1 FROM run LIMIT 1").Scan(&runs); {
	case errors.Is(err, sql.ErrNoRows):
		return false, nil
	case err != nil:
		return false, wrap("look for runs", err)
	}
	if free := FreeBytes(s.path); free != nil && *free < spareFactor*s.SizeBytes() {
		return false, refuse("There is too little room for the daily backup.", "Free some space, or keep no daily backups.", nil)
	}
	if _, err := s.addBackup(ctx, byDay, nil); err != nil {
		return false, err
	}
	return true, s.pruneDaily(ctx, keep)
}

// changedSince reports whether the files of the database were written after a moment.
func (s *Store) changedSince(at time.Time) bool {
	for _, suffix := range []string{"", "-wal"} {
		if fi, err := os.Stat(s.path + suffix); err == nil && fi.ModTime().After(at) {
			return true
		}
	}
	return false
}

func (s *Store) pruneDaily(ctx context.Context, keep int) error {
	all, err := s.Backups(ctx)
	if err != nil {
		return err
	}
	var daily []domain.Backup
	for _, b := range all {
		if b.Reason == byDay {
			daily = append(daily, b)
		}
	}
	for _, b := range daily[min(keep, len(daily)):] {
		if err := s.RemoveBackup(ctx, b.Name); err != nil {
			return err
		}
	}
	return nil
}
