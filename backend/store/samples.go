package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/store/column"
)

const sampleColumns = `t_us, at_us, phase, cpu_pct, cpu_cores, ram_gb, swap_gb, engine_cpu, engine_gb, self_cpu,
	gpu_pct, vram_gb, power_w, gpu_temp_c, gpus, late_ms, gauges, remote`

// sampleFields are the fields of m in the order of sampleColumns.
func sampleFields(m *domain.Sample) []any {
	return []any{
		&m.TUs, usCol{&m.Timestamp}, &m.Phase, &m.CPUPercent, floatsCol{&m.CPUCores}, &m.RAMUsedGB, &m.SwapUsedGB,
		&m.EngineCPUPercent, &m.EngineRSSGB, &m.SelfCPUPercent, &m.GPUPercent, &m.VRAMUsedGB, &m.PowerW,
		&m.GPUTempC, oldGPUs{asJSON(&m.GPUs)}, &m.LateMs, gaugesCol{m}, asJSON(&m.Remote),
	}
}

func insertSamples(ctx context.Context, tx *sql.Tx, run int64, ms []domain.Sample) error {
	if len(ms) == 0 {
		return nil
	}
	insert, err := tx.PrepareContext(ctx, "INSERT INTO sample(run_id, "+sampleColumns+") VALUES(?, "+marks(sampleColumns)+")")
	if err != nil {
		return err
	}
	defer insert.Close()
	for i := range ms {
		if _, err := insert.ExecContext(ctx, append([]any{run}, sampleFields(&ms[i])...)...); err != nil {
			return err
		}
	}
	return nil
}

// Samples yields all samples of a run by time. Like Records, it holds no connection while the
// caller works. In place of damaged ones comes an error, and then what follows them.
func (s *Store) Samples(ctx context.Context, id domain.RunID) iter.Seq2[domain.Sample, error] {
	return s.SampleRange(ctx, id, math.MinInt64, math.MaxInt64)
}

// SampleRange is Samples from one time of the run to another, both in µs and included.
func (s *Store) SampleRange(ctx context.Context, id domain.RunID, fromUs, toUs int64) iter.Seq2[domain.Sample, error] {
	return func(yield func(domain.Sample, error) bool) {
		run, err := runKey(ctx, s.r, id)
		end := fromUs
		for from := fromUs; err == nil && from <= toUs; from = end + 1 {
			var ms []domain.Sample
			ms, end, err = s.samplePage(ctx, run, from, toUs)
			for _, m := range ms {
				if !yield(m, nil) {
					return
				}
			}
			if errors.Is(err, column.ErrDamaged) {
				if !yield(domain.Sample{}, err) {
					return
				}
				err = nil
			}
			if end == math.MaxInt64 {
				break
			}
		}
		if err != nil {
			yield(domain.Sample{}, err)
		}
	}
}

// samplePage returns the samples from a time on that can be read at once, and to which time they go. The
// error of a damaged chunk comes with the samples of the others.
func (s *Store) samplePage(ctx context.Context, run, from, to int64) (ms []domain.Sample, end int64, err error) {
	tx, err := s.r.BeginTx(ctx, &sql.TxOptions{ReadOnly: true}) // a reading is either in a chunk or not yet
	if err != nil {
		return nil, to, wrap("read samples", err)
	}
	defer func() { _ = tx.Rollback() }() // it only reads
	if end, err = pageEnd(ctx, tx, run, from, to); err != nil {
		return nil, end, wrap("read samples", err)
	}
	chunks, err := list(ctx, tx, "read samples", func(c *int64) []any { return []any{c} },
		"SELECT chunk FROM telemetry WHERE run_id = ? AND series = 0 AND to_us >= ? AND from_us <= ? ORDER BY chunk", run, from, end)
	if err != nil {
		return nil, end, err
	}
	var damage error
	for _, chunk := range chunks {
		of, err := chunkSamples(ctx, tx, run, chunk)
		if errors.Is(err, column.ErrDamaged) {
			damage = errors.Join(damage, namedChunk(ctx, tx, run, chunk, err))
			continue
		}
		if err != nil {
			return ms, end, wrap("read samples", err)
		}
		for _, m := range of {
			if m.TUs >= from && m.TUs <= end {
				ms = append(ms, m)
			}
		}
	}
	rows, _, err := sampleRows(ctx, tx, "run_id = ? AND t_us BETWEEN ? AND ?", -1, run, from, end)
	if err != nil {
		return ms, end, wrap("read samples", err)
	}
	ms = append(ms, rows...)
	slices.SortStableFunc(ms, func(a, b domain.Sample) int { return cmp.Compare(a.TUs, b.TUs) })
	return ms, end, damage
}

// pageEnd is where the first chunk ends, or sooner when many readings lie in no chunk yet.
func pageEnd(ctx context.Context, q querier, run, from, to int64) (end int64, err error) {
	err = q.QueryRowContext(ctx, `SELECT min(?3, ifnull((SELECT min(to_us) FROM telemetry WHERE run_id = ?1 AND series = 0 AND to_us >= ?2), ?3),
		ifnull((SELECT t_us FROM sample WHERE run_id = ?1 AND t_us >= ?2 ORDER BY t_us LIMIT 1 OFFSET ?4), ?3))`,
		run, from, to, samplesAtOnce-1).Scan(&end)
	return end, err
}

func chunkSamples(ctx context.Context, q querier, run, chunk int64) ([]domain.Sample, error) {
	rows, err := q.QueryContext(ctx, "SELECT series, data, crc FROM telemetry WHERE run_id = ? AND chunk = ? ORDER BY series", run, chunk)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	r := newReadings(0)
	for rows.Next() {
		var id series
		var data sql.RawBytes
		var crc int64
		if err := rows.Scan(&id, &data, &crc); err != nil {
			return nil, err
		}
		if err := r.unpackChunk(id, data, crc); err != nil {
			return nil, err
		}
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	ms, err := r.samples()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", column.ErrDamaged, err)
	}
	return ms, nil
}

// sampleKey is where a list of samples ends; two samples may share a time.
type sampleKey struct{ t, id int64 }

// sampleRows reads samples that lie in no chunk yet, by time; a limit of -1 is none.
func sampleRows(ctx context.Context, q querier, cond string, limit int, args ...any) (ms []domain.Sample, last sampleKey, err error) {
	rows, err := q.QueryContext(ctx, "SELECT id, "+sampleColumns+" FROM sample WHERE "+cond+" ORDER BY t_us, id LIMIT ?", append(args, limit)...)
	if err != nil {
		return nil, last, err
	}
	defer rows.Close()
	for rows.Next() {
		var m domain.Sample
		if err := rows.Scan(append([]any{&last.id}, sampleFields(&m)...)...); err != nil {
			return ms, last, err
		}
		m.TMs = float64(m.TUs) / 1000
		last.t = m.TUs
		ms = append(ms, m)
	}
	return ms, last, rows.Err()
}

const phaseColumns = "phase, t_us, at_us, stage"

func phaseFields(p *domain.PhaseChange) []any {
	return []any{&p.Phase, &p.TUs, usCol{&p.At}, asJSON(&p.Stage)}
}

func insertPhases(ctx context.Context, tx *sql.Tx, run int64, ps []domain.PhaseChange) error {
	for i := range ps {
		if _, err := tx.ExecContext(ctx, "INSERT INTO phase(run_id, "+phaseColumns+") VALUES(?, "+marks(phaseColumns)+")",
			append([]any{run}, phaseFields(&ps[i])...)...); err != nil {
			return err
		}
	}
	return nil
}

// Phases returns when each phase of a run began, by time.
func (s *Store) Phases(ctx context.Context, id domain.RunID) ([]domain.PhaseChange, error) {
	key, err := runKey(ctx, s.r, id)
	if err != nil {
		return nil, err
	}
	return list(ctx, s.r, "read phases", phaseFields,
		"SELECT "+phaseColumns+" FROM phase WHERE run_id = ? ORDER BY t_us, id", key)
}

// list reads all rows of a query whose answer is small by nature; never nil.
func list[T any](ctx context.Context, q querier, op string, fields func(*T) []any, query string, args ...any) ([]T, error) {
	out := []T{}
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, wrap(op, err)
	}
	defer rows.Close()
	for rows.Next() {
		var t T
		if err := rows.Scan(fields(&t)...); err != nil {
			return nil, wrap(op, err)
		}
		out = append(out, t)
	}
	return out, wrap(op, rows.Err())
}
