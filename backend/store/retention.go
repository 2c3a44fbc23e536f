package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

// runsOnce bounds the runs that one transaction of housekeeping changes, so that it holds up no recorder.
const runsOnce = 5

// Runs whose texts or readings a rule may drop; those in the trash have their own rule.
const droppable = "pinned = 0 AND deleted_us IS NULL AND ended_us < ?"

// detailOf is the condition on request_detail that a row belongs to a run.
func detailOf(run string) string { return "id IN (SELECT id FROM request WHERE run_id = " + run + ")" }

// WouldFree counts what rules free at a moment, and deletes nothing.
func (s *Store) WouldFree(ctx context.Context, rules domain.RetentionRules, now time.Time) (domain.Retention, error) {
	out := domain.Retention{RetentionRules: rules}
	texts, telemetry, err := s.weights(ctx)
	if err != nil {
		return out, err
	}
	whole := texts + " + " + telemetry
	for _, part := range []struct {
		days        int
		to          *domain.RetentionPart
		cond, bytes string
	}{
		{rules.TrashDays, &out.Trash, "deleted_us < ?", whole},
		{rules.DropTextsDays, &out.Texts, droppable, texts},
		{rules.DropTelemetryDays, &out.Telemetry, droppable, telemetry},
	} {
		if part.days <= 0 {
			continue
		}
		err := s.r.QueryRowContext(ctx, "SELECT count(*), ifnull(sum(bytes), 0) FROM (SELECT "+part.bytes+" AS bytes FROM run WHERE "+part.cond+
			") WHERE bytes > 0 OR ?", daysBefore(now, part.days), part.to == &out.Trash).Scan(&part.to.Runs, &part.to.Bytes)
		if err != nil {
			return out, wrap("count what can be freed", err)
		}
	}
	return out, nil
}

// weights are expressions of what the texts and the readings of a run take.
func (s *Store) weights(ctx context.Context) (texts, telemetry string, err error) {
	texts = "(SELECT " + textBytes + " FROM request_detail WHERE " + detailOf("run.id") + ")"
	tables, err := s.telemetryTables(ctx)
	if err != nil {
		return "", "", err
	}
	telemetry = "0"
	for _, table := range tables {
		telemetry += fmt.Sprintf(" + (SELECT ifnull(sum(%s), 0) FROM %s WHERE run_id = run.id)", table.bytes, table.name)
	}
	return texts, "(" + telemetry + ")", nil
}

func daysBefore(now time.Time, days int) int64 { return now.AddDate(0, 0, -days).UnixMicro() }

// DropTexts deletes the prompts and outputs of a few runs that ended before a moment and are not pinned;
// their figures stay. It returns how many runs it changed; none are left when it is 0.
func (s *Store) DropTexts(ctx context.Context, now time.Time, days int) (runs int, err error) {
	has := "EXISTS(SELECT 1 FROM request JOIN request_detail USING (id) WHERE run_id = run.id AND (prompt IS NOT NULL OR output IS NOT NULL))"
	return s.drop(ctx, "drop texts", has, now, days, func(ctx context.Context, tx *sql.Tx, run int64) error {
		if _, err := tx.ExecContext(ctx, "UPDATE request_detail SET prompt = NULL, output = NULL WHERE "+detailOf("?"), run); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "UPDATE run SET output = NULL, plan = json_remove(plan, '$.prompt') WHERE id = ?", run)
		return err
	})
}

// DropTelemetry deletes the hardware readings of such runs; their means and peaks stay.
func (s *Store) DropTelemetry(ctx context.Context, now time.Time, days int) (runs int, err error) {
	tables, err := s.telemetryTables(ctx)
	if err != nil {
		return 0, err
	}
	var has []string
	for _, table := range tables {
		has = append(has, "EXISTS(SELECT 1 FROM "+table.name+" WHERE run_id = run.id)")
	}
	return s.drop(ctx, "drop readings", "("+strings.Join(has, " OR ")+")", now, days, func(ctx context.Context, tx *sql.Tx, run int64) error {
		for _, table := range tables {
			if _, err := tx.ExecContext(ctx, "DELETE FROM "+table.name+" WHERE run_id = ?", run); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Store) drop(ctx context.Context, op, has string, now time.Time, days int, one func(context.Context, *sql.Tx, int64) error) (int, error) {
	n := 0
	err := s.inTx(ctx, op, func(ctx context.Context, tx *sql.Tx) error {
		runs, err := list(ctx, tx, op, func(id *int64) []any { return []any{id} },
			"SELECT id FROM run WHERE "+droppable+" AND "+has+" ORDER BY id LIMIT ?", daysBefore(now, days), runsOnce)
		if err != nil {
			return err
		}
		for _, run := range runs {
			if err := one(ctx, tx, run); err != nil {
				return err
			}
		}
		n = len(runs)
		return nil
	})
	return n, err
}

// EraseRun deletes a run of the trash for good.
func (s *Store) EraseRun(ctx context.Context, id domain.RunID) error {
	return s.inTx(ctx, "delete run", func(ctx context.Context, tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, "DELETE FROM run WHERE job_id = ? AND deleted_us IS NOT NULL", id)
		if err != nil {
			return err
		}
		return expectRow(res, domain.KindNotFound, "There is no such benchmark in the trash.")
	})
}
