package service

import (
	"context"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

// housekeeping is how often the rules of retention are applied while the program runs.
const housekeeping = time.Hour

// Storage says what takes space on disk.
func (s *Service) Storage(ctx context.Context) (domain.Storage, error) {
	out, err := s.d.Store.Usage(ctx)
	out.OldData, out.Move = s.d.Mover.Old(), s.d.Mover.Move()
	return out, err
}

// MoveStorage moves the data folder: what is large is copied while nothing is measured, the rest at the next start.
func (s *Service) MoveStorage(ctx context.Context, to string) (domain.Move, error) {
	if err := s.quietDisk(); err != nil {
		return domain.Move{}, err
	}
	m, err := s.d.Mover.Plan(ctx, to)
	if err == nil {
		s.rested()
	}
	return m, err
}

// CancelMove takes a move back that has not happened yet.
func (s *Service) CancelMove(ctx context.Context) error { return s.d.Mover.Cancel(ctx) }

// RemoveOldData deletes what the last move left in the old place.
func (s *Service) RemoveOldData(ctx context.Context) (domain.OldData, error) {
	return s.d.Mover.RemoveOld(ctx)
}

// noMover is a data folder that cannot be moved.
type noMover struct{}

func (noMover) Plan(context.Context, string) (domain.Move, error) {
	return domain.Move{}, domain.Errorf(domain.KindConflict, "The data folder cannot be moved.")
}
func (noMover) Copy(context.Context) error { return nil }
func (noMover) Cancel(context.Context) error {
	return domain.Errorf(domain.KindNotFound, "The data folder is not being moved.")
}
func (noMover) Movable() bool        { return false }
func (noMover) Move() *domain.Move   { return nil }
func (noMover) Old() *domain.OldData { return nil }
func (noMover) RemoveOld(context.Context) (domain.OldData, error) {
	return domain.OldData{}, domain.Errorf(domain.KindNotFound, "There is no old data folder.")
}

// copyData copies what is to be moved. A run that begins ends it; it goes on afterwards.
func (s *Service) copyData(ctx context.Context) {
	ctx, done := s.untilRun(ctx)
	defer done()
	if err := s.d.Mover.Copy(ctx); err != nil && ctx.Err() == nil {
		s.d.Log.Error("The data folder cannot be moved", "error", err)
	}
}

// CompactStorage gives free space back to the disk; not while anything is measured.
func (s *Service) CompactStorage(ctx context.Context) (domain.Compacted, error) {
	return onDisk(ctx, s, "compact", s.d.Store.Compact)
}

// Backups lists the copies of the database, newest first.
func (s *Service) Backups(ctx context.Context) ([]domain.Backup, error) {
	return s.d.Store.Backups(ctx)
}

// AddBackup copies the database; not while anything is measured.
func (s *Service) AddBackup(ctx context.Context) (domain.Backup, error) {
	return onDisk(ctx, s, "backup", s.d.Store.AddBackup)
}

// RemoveBackup deletes a copy.
func (s *Service) RemoveBackup(ctx context.Context, name string) error {
	return s.d.Store.RemoveBackup(ctx, name)
}

// RestoreBackup checks a copy and lays it ready; it takes the place of the database at the next start, and
// what is there now becomes a backup itself.
func (s *Service) RestoreBackup(ctx context.Context, name string) (domain.Restore, error) {
	return onDisk(ctx, s, "restore", func(ctx context.Context, tell func(done, total int64)) (domain.Restore, error) {
		return domain.Restore{Name: name, Restart: true}, s.d.Store.StageRestore(ctx, name, tell)
	})
}

// CancelRestore takes back what RestoreBackup has laid ready.
func (s *Service) CancelRestore(ctx context.Context) error { return s.d.Store.CancelRestore(ctx) }

// Retention says what rules would free now. A nil rule is the one that is set.
func (s *Service) Retention(ctx context.Context, trash, texts, telemetry *int) (domain.Retention, error) {
	rules := s.d.Settings.Retention()
	rules.TrashDays = or(trash, rules.TrashDays)
	rules.DropTextsDays, rules.DropTelemetryDays = or(texts, rules.DropTextsDays), or(telemetry, rules.DropTelemetryDays)
	return s.d.Store.WouldFree(ctx, rules, s.d.Now())
}

// ApplyRetention applies the rules that are set and says what they freed; not while anything is measured.
func (s *Service) ApplyRetention(ctx context.Context) (domain.Retention, error) {
	if err := s.quietDisk(); err != nil {
		return domain.Retention{}, err
	}
	would, err := s.Retention(ctx, nil, nil, nil)
	if err != nil {
		return would, err
	}
	return would, s.retain(ctx, would.RetentionRules, func() bool { return false })
}

// retain applies rules a few runs at a time, until all is done or stop says so.
func (s *Service) retain(ctx context.Context, rules domain.RetentionRules, stop func() bool) error {
	now := s.d.Now()
	if rules.TrashDays > 0 {
		if _, err := s.d.Store.PurgeRuns(ctx, now.AddDate(0, 0, -rules.TrashDays)); err != nil {
			return err
		}
	}
	for _, rule := range []struct {
		days int
		drop func(ctx context.Context, now time.Time, days int) (int, error)
	}{{rules.DropTextsDays, s.d.Store.DropTexts}, {rules.DropTelemetryDays, s.d.Store.DropTelemetry}} {
		for left := 1; rule.days > 0 && left > 0 && !stop() && ctx.Err() == nil; {
			var err error
			if left, err = rule.drop(ctx, now, rule.days); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// EmptyTrash deletes all runs of the trash for good.
func (s *Service) EmptyTrash(ctx context.Context) (domain.TrashEmptied, error) {
	n, err := s.d.Store.PurgeRuns(ctx, s.d.Now().Add(time.Hour)) // those deleted just now too
	return domain.TrashEmptied{Deleted: n}, err
}

// EraseBenchmark deletes one run of the trash for good.
func (s *Service) EraseBenchmark(ctx context.Context, id domain.RunID) error {
	return s.d.Store.EraseRun(ctx, id)
}

// DismissRecovery puts the notice of a recovery away.
func (s *Service) DismissRecovery(ctx context.Context) error {
	return s.d.Store.ForgetRecovery(ctx)
}

// checkDatabase reads the whole database if that is due. A run that begins ends it; then it is due again.
func (s *Service) checkDatabase(ctx context.Context) {
	ctx, done := s.untilRun(ctx)
	defer done()
	if err := s.d.Store.Check(ctx); err != nil {
		if ctx.Err() == nil {
			s.d.Log.Error("Cannot check the database", "error", err)
		}
		return
	}
	if state := s.d.Store.State(); state.Check == "damaged" {
		s.d.Log.Error("The database is damaged", "found", state.Detail, "restores", state.Restores)
	}
}

// backUp makes the daily backup if it is due. A run that begins ends it; then it is due again.
func (s *Service) backUp(ctx context.Context) {
	ctx, done := s.untilRun(ctx)
	defer done()
	made, err := s.d.Store.BackUpDaily(ctx, s.d.Now(), s.d.Settings.BackupKeep())
	switch {
	case made:
		s.d.Log.Info("The database was backed up")
	case err != nil && ctx.Err() == nil:
		s.d.Log.Error("Cannot back up the database", "error", err)
	}
}

// untilRun is a context that ends when a measurement begins.
func (s *Service) untilRun(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy() {
		cancel()
	}
	s.yield = cancel
	return ctx, cancel
}

// keepHouse applies the rules of retention while nothing is measured.
func (s *Service) keepHouse(ctx context.Context) {
	if s.measuring() {
		return
	}
	if err := s.d.Store.KeepReserve(); err != nil {
		s.d.Log.Error("Cannot keep a reserve for a full disk", "error", err)
	}
	if err := s.retain(ctx, s.d.Settings.Retention(), s.measuring); err != nil && ctx.Err() == nil {
		s.d.Log.Error("Cannot apply the rules of retention", "error", err)
	}
}
