package store

import (
	"context"
	"errors"
	"iter"
	"os"

	"github.com/inferometer/inferometer/backend/domain"
)

// copyAtOnce is how many records go into the copy in one transaction.
const copyAtOnce = 500

// SingleResults yields the results that belong to no run, in the order in which they were stored; sample
// ones are left out. It holds no connection while the caller works.
func (s *Store) SingleResults(ctx context.Context) iter.Seq2[domain.Result, error] {
	return func(yield func(domain.Result, error) bool) {
		after := int64(0)
		for {
			rs, last, err := s.singleResults(ctx, after)
			for i := range rs {
				if !yield(rs[i], nil) {
					return
				}
			}
			if err != nil {
				yield(domain.Result{}, err)
				return
			}
			if len(rs) < samplesAtOnce {
				return
			}
			after = last
		}
	}
}

func (s *Store) singleResults(ctx context.Context, after int64) (out []domain.Result, last int64, err error) {
	// The plus keeps SQLite from the index of run_id, by which it would sort all that is left for each page.
	rows, err := s.r.QueryContext(ctx, `SELECT request.id, request_id, prompt, output, output_tokens, ttft_us, tpot_us, last_us, started_us
		FROM request LEFT JOIN request_detail USING (id) WHERE +run_id IS NULL AND sample = 0 AND request.id > ? ORDER BY request.id LIMIT ?`, after, samplesAtOnce)
	if err != nil {
		return nil, 0, wrap("read results", err)
	}
	defer rows.Close()
	for rows.Next() {
		var r domain.Result
		if err := rows.Scan(&last, &r.RequestID, &r.PromptText, &r.GeneratedText, &r.TokenCount, msCol{&r.TimeToFirstToken},
			msCol{&r.TimePerOutputToken}, msCol{&r.TotalGenerationTime}, usCol{&r.Timestamp}); err != nil {
			return out, last, wrap("read results", err)
		}
		out = append(out, r)
	}
	return out, last, wrap("read results", rows.Err())
}

// CopyTo makes a database at path with the runs and their records; with no ids a copy of the whole. What
// was written of a copy that fails is removed.
func (s *Store) CopyTo(ctx context.Context, path string, ids []domain.RunID) error {
	if len(ids) == 0 {
		return copyInto(ctx, s.w, path)
	}
	err := s.copyRuns(ctx, path, ids)
	if err != nil {
		for _, suffix := range []string{"", "-wal", "-shm"} {
			err = errors.Join(err, ignoreMissing(os.Remove(path+suffix)))
		}
	}
	return err
}

func (s *Store) copyRuns(ctx context.Context, path string, ids []domain.RunID) (err error) {
	to, err := Open(ctx, path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	for _, id := range ids {
		if err := s.copyRun(ctx, to, id); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) copyRun(ctx context.Context, to *Store, id domain.RunID) error {
	run, err := s.Run(ctx, id)
	if err != nil {
		return err
	}
	if err := to.CreateRun(ctx, run); err != nil {
		return err
	}
	var b domain.Batch
	if b.Phases, err = s.Phases(ctx, id); err != nil {
		return err
	}
	flush := func(least int) error {
		if len(b.Requests)+len(b.Samples) < least {
			return nil
		}
		full := b
		b = domain.Batch{}
		return to.AppendRun(ctx, id, full)
	}
	for q, err := range s.Records(ctx, id) {
		if err != nil {
			return err
		}
		b.Requests = append(b.Requests, q)
		if err := flush(copyAtOnce); err != nil {
			return err
		}
	}
	for x, err := range s.Samples(ctx, id) {
		if err != nil {
			return err
		}
		b.Samples = append(b.Samples, x)
		if err := flush(copyAtOnce); err != nil {
			return err
		}
	}
	return flush(0)
}
