package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/inferometer/inferometer/backend/domain"
)

const experimentColumns = "id, name, kind, seed, pairs, min_effect, arms, run_order, created_us, design, ended"

const noExperiment = "There is no such experiment."

func experimentFields(e *domain.Experiment) []any {
	return []any{&e.ID, &e.Name, &e.Kind, &e.Seed, &e.Pairs, &e.MinEffectPercent, asJSON(&e.Arms), asJSON(&e.Order), usCol{&e.CreatedAt}, asJSON(&e.Design), asJSON(&e.Ended)}
}

// CreateExperiment stores an experiment and its runs, all or none.
func (s *Store) CreateExperiment(ctx context.Context, e domain.Experiment, runs []domain.Run) error {
	return s.grow(ctx, "create experiment", func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "INSERT INTO experiment("+experimentColumns+") VALUES("+marks(experimentColumns)+")", experimentFields(&e)...); err != nil {
			return err
		}
		return insertRuns(ctx, tx, runs)
	})
}

// ExtendExperiment stores what was planned further: arms and order as they are now, how it ended if it has,
// and new runs; all or none.
func (s *Store) ExtendExperiment(ctx context.Context, e domain.Experiment, runs []domain.Run) error {
	return s.grow(ctx, "extend experiment", func(ctx context.Context, tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, "UPDATE experiment SET arms = ?, run_order = ?, ended = ? WHERE id = ?", asJSON(&e.Arms), asJSON(&e.Order), asJSON(&e.Ended), e.ID)
		if err != nil {
			return err
		}
		if err := expectRow(res, domain.KindNotFound, noExperiment); err != nil {
			return err
		}
		return insertRuns(ctx, tx, runs)
	})
}

func insertRuns(ctx context.Context, tx *sql.Tx, runs []domain.Run) error {
	for i := range runs {
		if _, err := tx.ExecContext(ctx, "INSERT INTO run("+runColumns+") VALUES("+marks(runColumns)+")", runFields(&runs[i])...); err != nil {
			return err
		}
	}
	return nil
}

// Experiments lists all experiments as they were started, newest first.
func (s *Store) Experiments(ctx context.Context) ([]domain.Experiment, error) {
	return list(ctx, s.r, "list experiments", experimentFields, "SELECT "+experimentColumns+" FROM experiment ORDER BY created_us DESC, id")
}

// Experiment returns one experiment as it was started.
func (s *Store) Experiment(ctx context.Context, id string) (domain.Experiment, error) {
	var e domain.Experiment
	err := s.r.QueryRowContext(ctx, "SELECT "+experimentColumns+" FROM experiment WHERE id = ?", id).Scan(experimentFields(&e)...)
	if errors.Is(err, sql.ErrNoRows) {
		return e, &domain.Error{Kind: domain.KindNotFound, Msg: noExperiment}
	}
	return e, wrap("read experiment", err)
}

// ExperimentRuns lists the runs of an experiment in the order in which they were queued, without those of the
// trash.
func (s *Store) ExperimentRuns(ctx context.Context, id string) ([]domain.Run, error) {
	return list(ctx, s.r, "list runs of experiment", runFields, "SELECT "+runColumns+" FROM run WHERE experiment IS NOT NULL AND experiment ->> '$.id' = ? AND deleted_us IS NULL ORDER BY experiment ->> '$.block', id", id)
}

// DeleteExperiment removes an experiment; its runs stay and stand alone.
func (s *Store) DeleteExperiment(ctx context.Context, id string) error {
	return s.inTx(ctx, "delete experiment", func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "UPDATE run SET experiment = NULL WHERE experiment IS NOT NULL AND experiment ->> '$.id' = ?", id); err != nil {
			return err
		}
		res, err := tx.ExecContext(ctx, "DELETE FROM experiment WHERE id = ?", id)
		if err != nil {
			return err
		}
		return expectRow(res, domain.KindNotFound, noExperiment)
	})
}
