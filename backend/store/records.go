package store

import (
	"context"
	"database/sql"
	"errors"
	"iter"
	"math"

	"github.com/inferometer/inferometer/backend/domain"
)

const requestColumns = `n, request_id, phase, outcome, error_class, error_message, started_us, sent_us, first_byte_us,
	ttft_us, ttfv_us, last_us, closed_us, tpot_us, prompt_tokens, output_tokens, cached_tokens, tokens_from,
	finish_reason, server, prompt_sha256, stage, conversation, turn, max_tokens, due_us, http_status, retry_after_s,
	text_tokens, text_tokens_exact`

// requestFields are the fields of q in the order of requestColumns.
func requestFields(q *domain.RequestRecord) []any {
	return []any{
		&q.N, &q.RequestID, &q.Phase, &q.Outcome, &q.ErrorClass, &q.ErrorMessage, usCol{&q.StartedAt}, &q.SentUs,
		&q.FirstByteUs, &q.TTFTUs, &q.TTFVUs, &q.LastUs, &q.ClosedUs, &q.TPOTUs, &q.PromptTokens, &q.OutputTokens,
		&q.CachedTokens, &q.TokensFrom, &q.FinishReason, asJSON(&q.Server), &q.PromptHash, &q.Stage, &q.Conversation,
		&q.Turn, &q.MaxTokens, &q.DueUs, &q.HTTPStatus, &q.RetryAfterS, &q.TextTokens, &q.TextTokensExact,
	}
}

// wholeRequest reads a request with text and chunk times; append conditions to it.
const wholeRequest = "SELECT " + requestColumns + `, prompt, output, chunks, crc FROM request
	LEFT JOIN request_detail USING (id) WHERE run_id = ?`

// Large enough to make a round trip cheap, small enough that a few of them with long texts fit.
const (
	recordsAtOnce = 32
	samplesAtOnce = 1000
)

// AppendRun stores a batch in one transaction; it is on disk when AppendRun returns.
func (s *Store) AppendRun(ctx context.Context, id domain.RunID, b domain.Batch) error {
	return s.grow(ctx, "append to run", func(ctx context.Context, tx *sql.Tx) error {
		key, err := runKey(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := insertRequests(ctx, tx, key, b.Requests); err != nil {
			return err
		}
		if err := insertSamples(ctx, tx, key, b.Samples); err != nil {
			return err
		}
		if err := foldFull(ctx, tx, key, len(b.Samples)); err != nil {
			return err
		}
		return insertPhases(ctx, tx, key, b.Phases)
	})
}

func insertRequests(ctx context.Context, tx *sql.Tx, run int64, qs []domain.RequestRecord) error {
	if len(qs) == 0 {
		return nil
	}
	insert, err := tx.PrepareContext(ctx, "INSERT INTO request(run_id, "+requestColumns+") VALUES(?, "+marks(requestColumns)+")")
	if err != nil {
		return err
	}
	defer insert.Close()
	for i := range qs {
		q := &qs[i]
		res, err := insert.ExecContext(ctx, append([]any{run}, requestFields(q)...)...)
		if err != nil {
			return err
		}
		key, err := res.LastInsertId()
		if err != nil {
			return err
		}
		if err := insertDetail(ctx, tx, key, q); err != nil {
			return err
		}
	}
	return nil
}

func insertDetail(ctx context.Context, tx *sql.Tx, key int64, q *domain.RequestRecord) error {
	if q.Prompt == nil && q.Output == nil && len(q.ChunkUs) == 0 {
		return nil
	}
	blob, crc, err := packChunks(chunks{q.ChunkUs, q.ChunkKinds, q.ChunkTokens})
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO request_detail(id, prompt, output, chunks, crc) VALUES(?, ?, ?, ?, ?)",
		key, q.Prompt, q.Output, blob, int64(crc))
	return err
}

// Requests pages through a run's requests in their order, without chunks and text.
func (s *Store) Requests(ctx context.Context, id domain.RunID, f domain.RequestFilter) (domain.Page[domain.RequestRecord], error) {
	page := domain.Page[domain.RequestRecord]{Items: []domain.RequestRecord{}}
	key, err := runKey(ctx, s.r, id)
	if err != nil {
		return page, err
	}
	w := &where{}
	w.add("run_id = ?", key)
	w.equal("phase", string(f.Phase))
	w.equal("outcome", string(f.Outcome))
	if f.Stage != nil {
		// Warm-ups run before the first stage begins.
		w.add("stage = ? AND phase <> 'warmup'", *f.Stage)
	}
	if err := s.r.QueryRowContext(ctx, "SELECT count(*) FROM request"+w.String(), w.args...).Scan(&page.Total); err != nil {
		return page, wrap("count requests", err)
	}
	rows, err := s.r.QueryContext(ctx, "SELECT "+requestColumns+" FROM request"+w.String()+" ORDER BY n LIMIT ? OFFSET ?",
		append(w.args, pageSize(f.Limit), max(f.Offset, 0))...)
	if err != nil {
		return page, wrap("list requests", err)
	}
	defer rows.Close()
	for rows.Next() {
		var q domain.RequestRecord
		if err := rows.Scan(requestFields(&q)...); err != nil {
			return page, wrap("list requests", err)
		}
		page.Items = append(page.Items, q)
	}
	return page, wrap("list requests", rows.Err())
}

// Request returns one request of a run, whole.
func (s *Store) Request(ctx context.Context, id domain.RunID, n int) (domain.RequestRecord, error) {
	key, err := runKey(ctx, s.r, id)
	if err != nil {
		return domain.RequestRecord{}, err
	}
	q, err := scanWhole(s.r.QueryRowContext(ctx, wholeRequest+" AND n = ?", key, n))
	if errors.Is(err, sql.ErrNoRows) {
		return q, domain.Errorf(domain.KindNotFound, "This benchmark has no request %d.", n)
	}
	return q, wrap("read request", err)
}

func scanWhole(row interface{ Scan(...any) error }) (domain.RequestRecord, error) {
	var q domain.RequestRecord
	var blob []byte
	var crc sql.NullInt64
	if err := row.Scan(append(requestFields(&q), &q.Prompt, &q.Output, &blob, &crc)...); err != nil {
		return domain.RequestRecord{}, err
	}
	c, err := unpackChunks(blob, uint32(crc.Int64)) // #nosec G115 -- a CRC of 32 bits
	if err != nil {
		return q, refuse("The token times of a request are damaged.", "Its figures are whole; a backup may still have the times.", err)
	}
	q.ChunkUs, q.ChunkKinds, q.ChunkTokens = c.us, c.kinds, c.tokens
	return q, nil
}

// Records yields all requests of a run, whole, in their order. It holds no connection while the
// caller works, so the caller may read and write meanwhile.
func (s *Store) Records(ctx context.Context, id domain.RunID) iter.Seq2[domain.RequestRecord, error] {
	return func(yield func(domain.RequestRecord, error) bool) {
		key, err := runKey(ctx, s.r, id)
		after := math.MinInt
		for err == nil {
			var qs []domain.RequestRecord
			qs, err = s.records(ctx, key, after)
			for _, q := range qs {
				if !yield(q, nil) {
					return
				}
				after = q.N
			}
			if len(qs) < recordsAtOnce {
				break
			}
		}
		if err != nil {
			yield(domain.RequestRecord{}, err)
		}
	}
}

func (s *Store) records(ctx context.Context, key int64, after int) ([]domain.RequestRecord, error) {
	rows, err := s.r.QueryContext(ctx, wholeRequest+" AND n > ? ORDER BY n LIMIT ?", key, after, recordsAtOnce)
	if err != nil {
		return nil, wrap("read requests", err)
	}
	defer rows.Close()
	var qs []domain.RequestRecord
	for rows.Next() {
		q, err := scanWhole(rows)
		if err != nil {
			return qs, wrap("read requests", err)
		}
		qs = append(qs, q)
	}
	return qs, wrap("read requests", rows.Err())
}
