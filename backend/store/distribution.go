package store

import (
	"context"
	"database/sql"
	"iter"
	"strconv"
	"strings"

	"github.com/inferometer/inferometer/backend/domain"
)

// ofResults reads a whole run from the index that has the columns of its results, so that no request itself is
// touched.
const ofResults = " FROM request INDEXED BY request_result WHERE outcome = 'ok' AND phase = 'measure' AND run_id IS NOT NULL AND run_id = ?"

// figureColumns are the figures of one request in microseconds, null where it has none.
func figureColumns() map[string]string {
	return map[string]string{
		domain.RequestTTFT: "ttft_us", domain.RequestE2E: "last_us",
		domain.RequestTPOT: "CASE WHEN output_tokens > 1 THEN (last_us - ttft_us) / (output_tokens - 1.0) END",
	}
}

// RequestValues returns one figure of the successful measured requests of a run in microseconds, those without one
// left out: ttft_ms, tpot_ms or e2e_ms. A nil stage is the whole run. SQLite joins them to one text, since handing over
// each row by itself takes ten times as long.
func (s *Store) RequestValues(ctx context.Context, id domain.RunID, metric string, stage *int) ([]float64, error) {
	column, known := figureColumns()[metric]
	if !known {
		return nil, domain.Errorf(domain.KindInvalid, "There is no figure %q of a request.", metric)
	}
	key, err := runKey(ctx, s.r, id)
	if err != nil {
		return nil, err
	}
	from, args := ofResults, []any{key}
	if stage != nil {
		from, args = " FROM request WHERE run_id = ? AND outcome = 'ok' AND phase = 'measure' AND stage = ?", append(args, *stage)
	}
	var text sql.NullString
	if err := s.r.QueryRowContext(ctx, "SELECT group_concat("+column+")"+from, args...).Scan(&text); err != nil {
		return nil, wrap("read figures of requests", err)
	}
	if text.String == "" {
		return nil, nil
	}
	out := make([]float64, 0, strings.Count(text.String, ",")+1)
	for field := range strings.SplitSeq(text.String, ",") {
		v, err := strconv.ParseFloat(field, 64)
		if err != nil {
			return nil, wrap("read figures of requests", err)
		}
		out = append(out, v)
	}
	return out, nil
}

// ChunkTimes yields the times of the content chunks of each successful measured request of a run, in microseconds
// from its sending. A nil stage is the whole run. It holds a connection until it ends, and each slice is the caller's.
func (s *Store) ChunkTimes(ctx context.Context, id domain.RunID, stage *int) iter.Seq2[[]int64, error] {
	return func(yield func([]int64, error) bool) {
		if err := s.chunkTimes(ctx, id, stage, yield); err != nil {
			yield(nil, err)
		}
	}
}

func (s *Store) chunkTimes(ctx context.Context, id domain.RunID, stage *int, yield func([]int64, error) bool) error {
	key, err := runKey(ctx, s.r, id)
	if err != nil {
		return err
	}
	w := &where{}
	w.add("run_id = ? AND outcome = 'ok' AND phase = 'measure' AND chunks IS NOT NULL", key)
	if stage != nil {
		w.add("stage = ?", *stage)
	}
	rows, err := s.r.QueryContext(ctx, "SELECT chunks, crc FROM request JOIN request_detail USING (id)"+w.String(), w.args...)
	if err != nil {
		return wrap("read token times", err)
	}
	defer rows.Close()
	for rows.Next() {
		var blob sql.RawBytes
		var crc int64
		if err := rows.Scan(&blob, &crc); err != nil {
			return wrap("read token times", err)
		}
		c, err := unpackChunks(blob, uint32(crc)) // #nosec G115 -- a CRC of 32 bits
		if err != nil {
			return refuse("The token times of a request are damaged.", "Its figures are whole; a backup may still have the times.", err)
		}
		if !yield(c.us, nil) {
			return nil
		}
	}
	return wrap("read token times", rows.Err())
}
