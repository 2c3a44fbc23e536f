package store

import (
	"context"
	"database/sql"
	"iter"
	"math"

	"github.com/inferometer/inferometer/backend/domain"
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
// caller works.
func (s *Store) Samples(ctx context.Context, id domain.RunID) iter.Seq2[domain.Sample, error] {
	return func(yield func(domain.Sample, error) bool) {
		key, err := runKey(ctx, s.r, id)
		last := sampleKey{t: math.MinInt64}
		for err == nil {
			var ms []domain.Sample
			ms, last, err = s.samples(ctx, key, last)
			for _, m := range ms {
				if !yield(m, nil) {
					return
				}
			}
			if len(ms) < samplesAtOnce {
				break
			}
		}
		if err != nil {
			yield(domain.Sample{}, err)
		}
	}
}

// sampleKey is where a page of samples ends; two samples may share a time.
type sampleKey struct{ t, id int64 }

func (s *Store) samples(ctx context.Context, run int64, after sampleKey) ([]domain.Sample, sampleKey, error) {
	rows, err := s.r.QueryContext(ctx, "SELECT id, "+sampleColumns+` FROM sample
		WHERE run_id = ? AND (t_us, id) > (?, ?) ORDER BY t_us, id LIMIT ?`, run, after.t, after.id, samplesAtOnce)
	if err != nil {
		return nil, after, wrap("read samples", err)
	}
	defer rows.Close()
	ms := make([]domain.Sample, 0, samplesAtOnce)
	for rows.Next() {
		var m domain.Sample
		if err := rows.Scan(append([]any{&after.id}, sampleFields(&m)...)...); err != nil {
			return ms, after, wrap("read samples", err)
		}
		m.TMs = float64(m.TUs) / 1000
		after.t = m.TUs
		ms = append(ms, m)
	}
	return ms, after, wrap("read samples", rows.Err())
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
