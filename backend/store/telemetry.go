package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/mattn/go-sqlite3"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/store/column"
)

// chunkRows is how many readings make a chunk: a minute at ten a second.
const chunkRows = 600

// foldFull turns the oldest readings of a run into chunks while there are enough of them, after some were
// added. One that cannot be read keeps no new ones out.
func foldFull(ctx context.Context, tx *sql.Tx, run int64, added int) error {
	for added > 0 {
		var n int
		if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM (SELECT 1 FROM sample WHERE run_id = ? LIMIT ?)", run, chunkRows).Scan(&n); err != nil {
			return err
		}
		if n < chunkRows {
			return nil
		}
		if err := fold(ctx, tx, run); errors.Is(err, errUnread) {
			return nil
		} else if err != nil {
			return err
		}
	}
	return nil
}

// fold turns the oldest readings of a run into a chunk.
func fold(ctx context.Context, tx *sql.Tx, run int64) error {
	ms, last, err := sampleRows(ctx, tx, "run_id = ?", chunkRows, run)
	var failed sqlite3.Error
	if err != nil && !errors.As(err, &failed) {
		return fmt.Errorf("%w: %w", errUnread, err)
	}
	if err != nil || len(ms) == 0 {
		return err
	}
	r, err := columnsOf(ms)
	if err != nil {
		return err
	}
	columns, err := r.pack()
	if err != nil {
		return err
	}
	var chunk int64
	if err := tx.QueryRowContext(ctx, "SELECT ifnull(max(chunk), 0) + 1 FROM telemetry WHERE run_id = ?", run).Scan(&chunk); err != nil {
		return err
	}
	insert, err := tx.PrepareContext(ctx, "INSERT INTO telemetry(run_id, chunk, series, n, from_us, to_us, crc, data) VALUES(?, ?, ?, ?, ?, ?, ?, ?)")
	if err != nil {
		return err
	}
	defer insert.Close()
	for _, c := range inPages(columns) {
		var n, from, to any
		if c.id == seriesTime {
			n, from, to = len(ms), ms[0].TUs, last.t
		}
		if _, err := insert.ExecContext(ctx, run, chunk, c.id, n, from, to, int64(checksum(c.data)), c.data); err != nil {
			return err
		}
	}
	_, err = tx.ExecContext(ctx, "DELETE FROM sample WHERE run_id = ? AND (t_us, id) <= (?, ?)", run, last.t, last.id)
	return err
}

// What a page of the database holds, and what a row takes of it beside its data.
const (
	pageRoom = 4061
	rowRoom  = 26
)

// inPages puts columns into an order in which they fill pages: SQLite begins a new one as soon as a row
// does not fit, and a column can take most of a page. The longest that fits comes next.
func inPages(columns []packed) []packed {
	left := slices.Clone(columns)
	slices.SortStableFunc(left, func(a, b packed) int { return cmp.Compare(len(b.data), len(a.data)) })
	out := make([]packed, 0, len(left))
	for room := 0; len(left) > 0; {
		next := slices.IndexFunc(left, func(c packed) bool { return len(c.data)+rowRoom <= room })
		if next < 0 {
			next, room = 0, pageRoom
		}
		room -= len(left[next].data) + rowRoom
		out, left = append(out, left[next]), slices.Delete(left, next, next+1)
	}
	return out
}

// FoldTelemetry turns the readings that an ended run has left, or that an older version has kept one by
// one, into a chunk, and reports whether there may be more. Those of a run that cannot be read stay, and are
// told of when nothing else is left.
func (s *Store) FoldTelemetry(ctx context.Context) (more bool, err error) {
	err = s.grow(ctx, "fold readings", func(ctx context.Context, tx *sql.Tx) error {
		more = false
		var unread error
		for run := int64(0); ; {
			err := tx.QueryRowContext(ctx, "SELECT run_id FROM sample JOIN run ON run.id = run_id WHERE run_id > ? AND "+ended+
				" ORDER BY run_id LIMIT 1", run).Scan(&run)
			if err != nil {
				return errors.Join(unread, ignoreNoRows(err))
			}
			if err = fold(ctx, tx, run); !errors.Is(err, errUnread) {
				more = err == nil
				return err
			}
			unread = errors.Join(unread, fmt.Errorf("run %d: %w", run, err))
		}
	})
	return more, err
}

// errUnread says that a reading is not what this program has kept.
var errUnread = errors.New("a reading cannot be read")

// ended are the runs that get no more records.
const ended = "status NOT IN ('queued', 'running')"

// unpackChunk adds a column of a chunk to r after its sum has held; that of the time comes first.
func (r *readings) unpackChunk(id series, data []byte, crc int64) error {
	if int64(checksum(data)) != crc {
		return fmt.Errorf("series %d: the checksum does not hold: %w", id, column.ErrDamaged)
	}
	if err := r.unpack(id, data); err != nil {
		return fmt.Errorf("series %d: %w", id, err)
	}
	return nil
}

// namedChunk says of a chunk that is damaged which readings are lost; others of the run can be read.
func namedChunk(ctx context.Context, q querier, run, chunk int64, err error) error {
	if !errors.Is(err, column.ErrDamaged) {
		return err
	}
	var from, to float64 // s
	if e := q.QueryRowContext(ctx, "SELECT from_us / 1e6, to_us / 1e6 FROM telemetry WHERE run_id = ? AND chunk = ? AND series = 0", run, chunk).
		Scan(&from, &to); e != nil {
		return wrap("find chunk", e)
	}
	return &domain.Error{Kind: domain.KindUnavailable, Msg: fmt.Sprintf("The hardware samples from %.1f s to %.1f s of this benchmark are damaged.", from, to),
		Hint: "Those before and after can be read; a backup may have them whole.", Err: fmt.Errorf("chunk %d of run %d: %w", chunk, run, err)}
}
