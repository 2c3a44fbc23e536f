package store

import (
	"context"
	"database/sql"

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
