package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/inferometer/inferometer/backend/domain"
)

// resultsWhere narrows the view result. The runs are chosen first, so that what is read is theirs alone.
func resultsWhere(win domain.Window, f domain.ResultFilter) *where {
	w, runs := &where{}, &where{}
	if win.Start != nil {
		w.add("at_us >= ?", lowerUs(*win.Start))
	}
	if win.End != nil {
		w.add("at_us <= ?", upperUs(*win.End))
	}
	runs.equal("model", f.Model)
	runs.equal("engine", f.Engine)
	runs.equal("dataset_id", f.Dataset)
	runs.tag(f.Tag)
	if len(runs.conds) > 0 {
		w.add("result.run_id IN (SELECT id FROM run"+runs.String()+")", runs.args...)
	}
	if sample := sampleFlag(f); sample.Valid {
		w.add("result.sample = ?", sample.Bool)
	}
	return w
}

// sampleFlag is the flag that results must have; null takes both.
func sampleFlag(f domain.ResultFilter) sql.NullBool {
	return sql.NullBool{Bool: f.Sample == "only", Valid: f.Sample == "only" || f.Sample == "exclude"}
}

// Averages counts the results in the window, both ends included; an empty Sample filter leaves
// nothing out. Each average and each sum of squares is rounded once, from exact integers.
func (s *Store) Averages(ctx context.Context, win domain.Window, f domain.ResultFilter) (domain.Averages, error) {
	sums, err := s.sums(ctx, win, f)
	if err != nil {
		return domain.Averages{}, wrap("average results", err)
	}
	return sums.averages(), nil
}

// Results pages through the results, newest first.
func (s *Store) Results(ctx context.Context, win domain.Window, f domain.ResultFilter, limit, offset int) (domain.Page[domain.Result], error) {
	page := domain.Page[domain.Result]{Items: []domain.Result{}}
	counted, err := s.sums(ctx, win, f)
	if err != nil {
		return page, wrap("count results", err)
	}
	page.Total = int(counted.n)
	w := resultsWhere(win, f)
	rows, err := s.r.QueryContext(ctx, `SELECT request_id, request_detail.prompt, request_detail.output, tokens, ttft, tpot,
		total, at_us, job_id, result.model, result.sample FROM result JOIN request USING (id)
		LEFT JOIN request_detail USING (id) LEFT JOIN run ON run.id = result.run_id`+w.String()+
		" ORDER BY at_us DESC, result.id DESC LIMIT ? OFFSET ?", append(w.args, pageSize(limit), max(offset, 0))...)
	if err != nil {
		return page, wrap("list results", err)
	}
	defer rows.Close()
	for rows.Next() {
		var r domain.Result
		if err := rows.Scan(&r.RequestID, &r.PromptText, &r.GeneratedText, &r.TokenCount, msCol{&r.TimeToFirstToken},
			msCol{&r.TimePerOutputToken}, msCol{&r.TotalGenerationTime}, usCol{&r.Timestamp}, &r.JobID, &r.Model, &r.Sample); err != nil {
			return page, wrap("list results", err)
		}
		page.Items = append(page.Items, r)
	}
	return page, wrap("list results", rows.Err())
}

// UpsertResults inserts or replaces imported results by request id. A request of a run is never
// replaced; to try is KindConflict and changes nothing.
func (s *Store) UpsertResults(ctx context.Context, rs []domain.Result, sample bool) error {
	return s.inTx(ctx, "store results", func(ctx context.Context, tx *sql.Tx) error {
		for i := range rs {
			if err := upsertResult(ctx, tx, &rs[i], sample); err != nil {
				return err
			}
		}
		return nil
	})
}

func upsertResult(ctx context.Context, tx *sql.Tx, r *domain.Result, sample bool) error {
	var id int64
	err := tx.QueryRowContext(ctx, `INSERT INTO request(request_id, run_id, sample, n, phase, outcome, error_class, error_message,
			started_us, sent_us, ttft_us, ttfv_us, last_us, tpot_us, output_tokens, tokens_from, finish_reason, prompt_sha256)
		VALUES(?1, NULL, ?2, 0, 'measure', 'ok', '', '', ?3, 0, ?4, ?4, ?5, ?6, ?7, 'import', '', '')
		ON CONFLICT(request_id) DO UPDATE SET sample = ?2, started_us = ?3, ttft_us = ?4, ttfv_us = ?4, last_us = ?5,
			tpot_us = ?6, output_tokens = ?7
		WHERE run_id IS NULL RETURNING id`,
		r.RequestID, sample, usCol{&r.Timestamp}, msCol{&r.TimeToFirstToken}, msCol{&r.TotalGenerationTime},
		msCol{&r.TimePerOutputToken}, r.TokenCount).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return domain.Errorf(domain.KindConflict, "The request id %s belongs to a benchmark.", r.RequestID)
	}
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO request_detail(id, prompt, output) VALUES(?1, ?2, ?3)
		ON CONFLICT(id) DO UPDATE SET prompt = ?2, output = ?3`, id, r.PromptText, r.GeneratedText)
	return err
}
