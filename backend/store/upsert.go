package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"

	"github.com/inferometer/inferometer/backend/domain"
)

// upsertAtOnce is how many results one statement takes: the way into SQLite costs more than a row.
const upsertAtOnce = 256

// UpsertResults inserts or replaces imported results by request id. A request of a run is never
// replaced; to try is KindConflict and changes nothing.
func (s *Store) UpsertResults(ctx context.Context, rs []domain.Result, sample bool) error {
	return s.grow(ctx, "store results", func(ctx context.Context, tx *sql.Tx) error {
		full := len(rs) - len(rs)%upsertAtOnce
		if err := upsert(ctx, tx, rs[:full], upsertAtOnce, sample); err != nil {
			return err
		}
		return upsert(ctx, tx, rs[full:], len(rs)-full, sample)
	})
}

// upsert stores results in groups of n.
func upsert(ctx context.Context, tx *sql.Tx, rs []domain.Result, n int, sample bool) error {
	if len(rs) == 0 {
		return nil
	}
	rows, err := tx.PrepareContext(ctx, upsertRows(n))
	if err != nil {
		return err
	}
	defer rows.Close()
	texts, err := tx.PrepareContext(ctx, upsertTexts(n))
	if err != nil {
		return err
	}
	defer texts.Close()
	args := make([]any, 0, 6*n+1)
	for group := range slices.Chunk(rs, n) {
		args = append(args[:0], sample)
		for i := range group {
			r := &group[i]
			args = append(args, r.RequestID, usCol{&r.Timestamp}, msCol{&r.TimeToFirstToken}, msCol{&r.TotalGenerationTime}, msCol{&r.TimePerOutputToken}, r.TokenCount)
		}
		res, err := rows.ExecContext(ctx, args...)
		if err != nil {
			return err
		}
		if stored, err := res.RowsAffected(); err != nil || stored < int64(len(group)) {
			return errors.Join(err, foreign(ctx, tx, group))
		}
		args = args[:0]
		for i := range group {
			args = append(args, group[i].RequestID, group[i].PromptText, group[i].GeneratedText)
		}
		if _, err := texts.ExecContext(ctx, args...); err != nil {
			return err
		}
	}
	return nil
}

func upsertRows(n int) string {
	return `INSERT INTO request(request_id, sample, n, phase, outcome, error_class, error_message,
			started_us, sent_us, ttft_us, ttfv_us, last_us, tpot_us, output_tokens, tokens_from, finish_reason, prompt_sha256)
		SELECT column1, ?1, 0, 'measure', 'ok', '', '', column2, 0, column3, column3, column4, column5, column6, 'import', '', ''
		FROM (VALUES` + strings.TrimSuffix(strings.Repeat("(?, ?, ?, ?, ?, ?), ", n), ", ") + `) WHERE true
		ON CONFLICT(request_id) DO UPDATE SET sample = ?1, started_us = excluded.started_us, ttft_us = excluded.ttft_us,
			ttfv_us = excluded.ttfv_us, last_us = excluded.last_us, tpot_us = excluded.tpot_us, output_tokens = excluded.output_tokens
		WHERE run_id IS NULL`
}

func upsertTexts(n int) string {
	return `INSERT INTO request_detail(id, prompt, output) SELECT id, column2, column3
		FROM (VALUES` + strings.TrimSuffix(strings.Repeat("(?, ?, ?), ", n), ", ") + `) CROSS JOIN request ON request_id = column1 WHERE true
		ON CONFLICT(id) DO UPDATE SET prompt = excluded.prompt, output = excluded.output`
}

// foreign names the result that is a request of a run.
func foreign(ctx context.Context, tx *sql.Tx, rs []domain.Result) error {
	for i := range rs {
		var id string
		err := tx.QueryRowContext(ctx, "SELECT request_id FROM request WHERE request_id = ? AND run_id IS NOT NULL", rs[i].RequestID).Scan(&id)
		if err == nil {
			return domain.Errorf(domain.KindConflict, "The request id %s belongs to a benchmark.", id)
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
	}
	return nil
}
