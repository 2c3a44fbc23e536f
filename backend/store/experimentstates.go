package store

import (
	"context"

	"github.com/inferometer/inferometer/backend/domain"
)

// ExperimentRunStates lists the runs of every experiment by its id, each in the order in which they were queued and
// without those of the trash. Of a run it reads id, status, time of creation, error and place alone.
func (s *Store) ExperimentRunStates(ctx context.Context) (map[string][]domain.Run, error) {
	rows, err := list(ctx, s.r, "list states of experiments", func(r *domain.Run) []any {
		return []any{&r.ID, &r.Status, usCol{&r.CreatedAt}, asJSON(&r.Error), asJSON(&r.Experiment)}
	}, `SELECT job_id, status, created_us, error, experiment FROM run
		WHERE experiment IS NOT NULL AND deleted_us IS NULL ORDER BY experiment ->> '$.id', experiment ->> '$.block', id`)
	if err != nil {
		return nil, err
	}
	out := map[string][]domain.Run{}
	for _, r := range rows {
		out[r.Experiment.ID] = append(out[r.Experiment.ID], r)
	}
	return out, nil
}
