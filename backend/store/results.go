package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/inferometer/inferometer/backend/domain"
)

// A result is a successful measured request whose run is not in the trash, or an imported one.
const fromResults = " FROM request LEFT JOIN run ON run.id = request.run_id"

func resultsWhere(win domain.Window, f domain.ResultFilter) *where {
	w := &where{}
	w.add("outcome = 'ok' AND phase = 'measure'") // in these words: they choose the covering index
	w.add("(run_id IS NULL OR deleted_us IS NULL)")
	if win.Start != nil {
		w.add("request.started_us >= ?", lowerUs(*win.Start))
	}
	if win.End != nil {
		w.add("request.started_us <= ?", upperUs(*win.End))
	}
	w.equal("model", f.Model)
	w.equal("engine", f.Engine)
	w.equal("dataset_id", f.Dataset)
	w.tag(f.Tag)
	switch f.Sample {
	case "only":
		w.add("(request.sample OR run.sample)")
	case "exclude":
		w.add("NOT (request.sample OR coalesce(run.sample, 0))")
	}
	return w
}

// Averages counts the results in the window, both ends included; an empty Sample filter leaves
// nothing out. Each average is one division of two exact integers. The squares take a second pass,
// because a sum of squared microseconds leaves the range of integers and the difference of two such
// sums leaves no digits.
func (s *Store) Averages(ctx context.Context, win domain.Window, f domain.ResultFilter) (domain.Averages, error) {
	tx, err := s.r.BeginTx(ctx, &sql.TxOptions{ReadOnly: true}) // both passes see the same rows
	if err != nil {
		return domain.Averages{}, wrap("average results", err)
	}
	defer func() { _ = tx.Rollback() }()
	w := resultsWhere(win, f)
	a, err := means(ctx, tx, w)
	if err == nil && a.Count > 1 {
		err = squares(ctx, tx, w, &a)
	}
	if err != nil {
		return domain.Averages{}, wrap("average results", err)
	}
	return a, nil
}

func means(ctx context.Context, tx *sql.Tx, w *where) (domain.Averages, error) {
	var a domain.Averages
	var tokens, ttft, tpot, total sql.NullInt64
	err := tx.QueryRowContext(ctx, `SELECT count(*), count(output_tokens), count(ttft_us), count(tpot_us), count(last_us),
		sum(output_tokens), sum(ttft_us), sum(tpot_us), sum(last_us)`+fromResults+w.String(), w.args...).
		Scan(&a.Count, &a.Counts.TokenCount, &a.Counts.TimeToFirstToken, &a.Counts.TimePerToken, &a.Counts.TotalTime,
			&tokens, &ttft, &tpot, &total)
	if err != nil {
		return a, err
	}
	a.TokenCount = quotient(tokens, a.Counts.TokenCount)
	a.TimeToFirstToken = quotient(ttft, 1000*a.Counts.TimeToFirstToken)
	a.TimePerToken = quotient(tpot, 1000*a.Counts.TimePerToken)
	a.TotalTime = quotient(total, 1000*a.Counts.TotalTime)
	return a, nil
}

// squares sums the squared deviations from the means, in the units of the means. A metric that no
// result has stays 0.
func squares(ctx context.Context, tx *sql.Tx, w *where, a *domain.Averages) error {
	return tx.QueryRowContext(ctx, `SELECT
		coalesce(sum((output_tokens - ?) * (output_tokens - ?)), 0.0),
		coalesce(sum((ttft_us / 1e3 - ?) * (ttft_us / 1e3 - ?)), 0.0),
		coalesce(sum((tpot_us / 1e3 - ?) * (tpot_us / 1e3 - ?)), 0.0),
		coalesce(sum((last_us / 1e3 - ?) * (last_us / 1e3 - ?)), 0.0)`+fromResults+w.String(),
		append([]any{a.TokenCount, a.TokenCount, a.TimeToFirstToken, a.TimeToFirstToken,
			a.TimePerToken, a.TimePerToken, a.TotalTime, a.TotalTime}, w.args...)...).
		Scan(&a.Squares.TokenCount, &a.Squares.TimeToFirstToken, &a.Squares.TimePerToken, &a.Squares.TotalTime)
}

func quotient(sum sql.NullInt64, n int64) *float64 {
	if !sum.Valid {
		return nil
	}
	q := float64(sum.Int64) / float64(n)
	return &q
}

// Results pages through the results, newest first.
func (s *Store) Results(ctx context.Context, win domain.Window, f domain.ResultFilter, limit, offset int) (domain.Page[domain.Result], error) {
	page := domain.Page[domain.Result]{Items: []domain.Result{}}
	w := resultsWhere(win, f)
	if err := s.r.QueryRowContext(ctx, "SELECT count(*)"+fromResults+w.String(), w.args...).Scan(&page.Total); err != nil {
		return page, wrap("count results", err)
	}
	rows, err := s.r.QueryContext(ctx, `SELECT request_id, request_detail.prompt, request_detail.output, output_tokens, ttft_us,
		tpot_us, last_us, request.started_us, job_id, coalesce(model, ''), request.sample OR coalesce(run.sample, 0)`+
		fromResults+" LEFT JOIN request_detail ON request_detail.id = request.id"+w.String()+
		" ORDER BY request.started_us DESC, request.id DESC LIMIT ? OFFSET ?", append(w.args, pageSize(limit), max(offset, 0))...)
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
	return s.inTx(ctx, "store results", func(tx *sql.Tx) error {
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
