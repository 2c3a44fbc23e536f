package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

// InterruptRunning marks every run that is still "running" as interrupted and returns them, oldest
// first. What they had measured stays.
func (s *Store) InterruptRunning(ctx context.Context, at time.Time) ([]domain.Run, error) {
	var runs []domain.Run
	err := s.inTx(ctx, "interrupt runs", func(ctx context.Context, tx *sql.Tx) error {
		var err error
		runs, err = list(ctx, tx, "list running runs", runFields,
			"SELECT "+runColumns+" FROM run WHERE status = ? ORDER BY created_us, id", domain.StatusRunning)
		if err != nil {
			return err
		}
		for i := range runs {
			r := &runs[i]
			r.Status = domain.StatusInterrupted
			if r.EndedAt == nil {
				end := time.UnixMicro(at.UnixMicro()).UTC()
				r.EndedAt = &end
			}
			if _, err := tx.ExecContext(ctx, "UPDATE run SET status = ?, ended_us = ? WHERE job_id = ?",
				r.Status, optUsCol{&r.EndedAt}, r.ID); err != nil {
				return err
			}
		}
		return nil
	})
	return runs, err
}

// PurgeRuns deletes the runs that were put in the trash before deletedBefore, with their records,
// and gives the space back. It returns how many were deleted.
func (s *Store) PurgeRuns(ctx context.Context, deletedBefore time.Time) (int, error) {
	n := 0
	for {
		// One transaction a run: a large trash neither fills the journal nor holds up a recorder.
		deleted := false
		err := s.inTx(ctx, "empty trash", func(ctx context.Context, tx *sql.Tx) error {
			res, err := tx.ExecContext(ctx, `DELETE FROM run WHERE id =
				(SELECT id FROM run WHERE deleted_us < ? ORDER BY deleted_us LIMIT 1)`, lowerUs(deletedBefore))
			if err != nil {
				return err
			}
			rows, err := res.RowsAffected()
			deleted = rows > 0
			return err
		})
		if err != nil {
			return n, err
		}
		if !deleted {
			break
		}
		n++
	}
	if n == 0 {
		return 0, nil
	}
	return n, s.giveBackSpace(ctx, nil)
}
