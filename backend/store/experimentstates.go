package store

import (
	"context"

	"github.com/inferometer/inferometer/backend/domain"
)

// ExperimentRunStates lists the runs of every experiment in short, by its id, each in the order in which they were
// queued and without those of the trash. It reads no plan, summary or environment.
func (s *Store) ExperimentRunStates(ctx context.Context) (map[string][]domain.ExperimentRun, error) {
	type row struct {
		experiment string
		run        domain.ExperimentRun
	}
	rows, err := list(ctx, s.r, "list states of experiments", func(r *row) []any {
		return []any{&r.experiment, &r.run.ID, &r.run.Arm, &r.run.Block, &r.run.Status}
	}, `SELECT experiment ->> '$.id', job_id, experiment ->> '$.arm', experiment ->> '$.block', status FROM run
		WHERE experiment IS NOT NULL AND deleted_us IS NULL ORDER BY experiment ->> '$.id', experiment ->> '$.block', id`)
	if err != nil {
		return nil, err
	}
	out := map[string][]domain.ExperimentRun{}
	for _, r := range rows {
		out[r.experiment] = append(out[r.experiment], r.run)
	}
	return out, nil
}
