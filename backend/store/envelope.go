package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/store/column"
)

// SampleEnvelope returns at most so many samples that together show what the run's samples show: each
// stretch of the time becomes two, which hold the lowest and the highest value of every sensor in the
// order in which they came, at the first and the last time of the stretch; or one, with the means, at its
// first time. What limited a GPU and what other machines answered is kept whole. When there are no more
// samples than points, they come as they are.
func (s *Store) SampleEnvelope(ctx context.Context, id domain.RunID, f domain.SampleFilter, points int) ([]domain.Sample, error) {
	run, err := runKey(ctx, s.r, id)
	if err != nil {
		return nil, err
	}
	e := &envelope{filter: f, of: map[series][]extremes{}, limits: map[series][][]string{}}
	if err := s.envelope(ctx, run, points, e); err != nil {
		return nil, wrap("read samples", err)
	}
	if e.read > points || f.EveryUs > 0 {
		return e.samples(), nil
	}
	out := []domain.Sample{}
	for m, err := range s.SampleRange(ctx, id, f.FromUs, f.ToUs) {
		if err != nil {
			return nil, err
		}
		if f.Phase == "" || m.Phase == f.Phase {
			out = append(out, m)
		}
	}
	return out, nil
}

func (s *Store) envelope(ctx context.Context, run int64, points int, e *envelope) error {
	tx, err := s.r.BeginTx(ctx, &sql.TxOptions{ReadOnly: true}) // a sample is either in a chunk or not yet
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // it only reads
	var from, to sql.NullInt64
	if err := tx.QueryRowContext(ctx, `SELECT min(from_us), max(to_us) FROM (
		SELECT from_us, to_us FROM telemetry WHERE run_id = ?1 AND series = 0 AND to_us >= ?2 AND from_us <= ?3
		UNION ALL SELECT * FROM (SELECT min(t_us), max(t_us) FROM sample WHERE run_id = ?1 AND t_us BETWEEN ?2 AND ?3))`,
		run, e.filter.FromUs, e.filter.ToUs).Scan(&from, &to); err != nil || !from.Valid {
		return err
	}
	e.from, e.to = max(from.Int64, e.filter.FromUs), min(to.Int64, e.filter.ToUs)
	if e.filter.Phase != "" {
		if err := narrow(ctx, tx, run, e); err != nil || e.from > e.to {
			return err
		}
	}
	if !e.filter.Means {
		points = max(points/2, 1)
	}
	e.stretches = make([]stretch, points)
	e.width = max(uint64(e.to-e.from)/uint64(len(e.stretches))+1, uint64(max(e.filter.EveryUs, 0))) // #nosec G115 -- a part and a distance that are not negative
	return visit(ctx, tx, run, e.filter, e.add)
}

// narrow moves the ends to where the phase begins and ends.
func narrow(ctx context.Context, tx *sql.Tx, run int64, e *envelope) error {
	f := e.filter
	f.Series = []string{} // the times and the phases alone
	from, to := int64(math.MaxInt64), int64(math.MinInt64)
	err := visit(ctx, tx, run, f, func(r *readings) error {
		for i, us := range r.us {
			if us >= e.from && us <= e.to && r.text(seriesPhase, i) == string(f.Phase) {
				from, to = min(from, us), max(to, us)
			}
		}
		return nil
	})
	e.from, e.to = from, to
	return err
}

// visit calls each with the samples of the filter's time, a chunk at a time; some of other times may be
// among them.
func visit(ctx context.Context, tx *sql.Tx, run int64, f domain.SampleFilter, each func(*readings) error) error {
	if err := visitChunks(ctx, tx, run, f, each); err != nil {
		return err
	}
	last := sampleKey{f.FromUs, math.MinInt64}
	for {
		ms, end, err := sampleRows(ctx, tx, "run_id = ? AND t_us <= ? AND (t_us, id) > (?, ?)", samplesAtOnce, run, f.ToUs, last.t, last.id)
		if err != nil || len(ms) == 0 {
			return err
		}
		r, err := columnsOf(ms)
		if err != nil {
			return err
		}
		r.keep(f.Series)
		if err := each(r); err != nil {
			return err
		}
		last = end
	}
}

func visitChunks(ctx context.Context, tx *sql.Tx, run int64, f domain.SampleFilter, each func(*readings) error) error {
	var first, last sql.NullInt64
	if err := tx.QueryRowContext(ctx, "SELECT min(chunk), max(chunk) FROM telemetry WHERE run_id = ? AND series = 0 AND to_us >= ? AND from_us <= ?",
		run, f.FromUs, f.ToUs).Scan(&first, &last); err != nil || !first.Valid {
		return err
	}
	var any []string
	for _, x := range wanted(f.Series) {
		any = append(any, fmt.Sprintf("series BETWEEN %d AND %d", x.first, x.last))
	}
	rows, err := tx.QueryContext(ctx, "SELECT chunk, series, crc, data FROM telemetry WHERE run_id = ? AND chunk BETWEEN ? AND ? AND ("+
		strings.Join(any, " OR ")+") ORDER BY chunk, series", run, first.Int64, last.Int64)
	if err != nil {
		return err
	}
	defer rows.Close()
	r, of := newReadings(0), first.Int64
	for rows.Next() {
		var chunk, crc int64
		var id series
		var data sql.RawBytes
		if err := rows.Scan(&chunk, &id, &crc, &data); err != nil {
			return err
		}
		if chunk != of {
			if err := each(r); err != nil {
				return namedChunk(ctx, tx, run, of, err)
			}
			of = chunk
			r.reset()
		}
		if err := r.unpackChunk(id, data, crc); err != nil {
			return namedChunk(ctx, tx, run, chunk, err)
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return namedChunk(ctx, tx, run, of, each(r))
}

// wanted are the numbers of some keys of a sample and of what each sample has; nil: of all.
func wanted(keys []string) []extent {
	if keys == nil {
		return []extent{{0, math.MaxInt64}}
	}
	out := []extent{{seriesTime, seriesPhase}}
	known := seriesByKey()
	for _, key := range keys {
		if x, ok := known[key]; ok {
			out = append(out, x)
		}
	}
	return out
}

// keep drops the columns that are not wanted.
func (r *readings) keep(keys []string) {
	in := wanted(keys)
	out := func(id series) bool {
		return !slices.ContainsFunc(in, func(x extent) bool { return x.first <= id && id <= x.last })
	}
	maps.DeleteFunc(r.floats, func(id series, _ *floatColumn) bool { return out(id) })
	maps.DeleteFunc(r.texts, func(id series, _ *textColumn) bool { return out(id) })
}

// envelope gathers the lowest and the highest values of samples.
type envelope struct {
	filter    domain.SampleFilter
	from, to  int64  // of the samples that there are
	width     uint64 // of a stretch, in µs
	stretches []stretch
	of        map[series][]extremes // by stretch
	limits    map[series][][]string // of GPUs, by stretch: all that limited it in turn
	read      int                   // samples that count
	spans     []span                // of the samples at hand
}

// span are rows, one after the other, that belong to one stretch.
type span struct{ stretch, from, to int }

type stretch struct {
	samples     int
	first, last moment
	remote      []domain.RemoteSample
}

type moment struct {
	us, clock int64
	phase     string
}

type extremes struct {
	low, high     float64
	lowUs, highUs int64
	n             int
	sum           float64
	mean          float64 // when all are added
}

// add takes samples by time.
func (e *envelope) add(r *readings) error {
	if len(r.clock) != len(r.us) {
		return column.ErrDamaged
	}
	e.divide(r)
	for _, x := range e.spans {
		e.read += x.to - x.from
		s := &e.stretches[x.stretch]
		first, last := r.moment(x.from), r.moment(x.to-1)
		if s.samples == 0 || first.us < s.first.us {
			s.first = first
		}
		if s.samples == 0 || last.us >= s.last.us {
			s.last = last
		}
		s.samples += x.to - x.from
	}
	for id, c := range r.floats {
		if id != firstCore && id != firstGPU { // those count what follows them
			e.addFloats(id, r.us, c)
		}
	}
	for id, c := range r.texts {
		if err := e.addTexts(id, c); err != nil {
			return err
		}
	}
	return nil
}

// divide finds the spans of the samples that count.
func (e *envelope) divide(r *readings) {
	since := func(us int64) uint64 { return uint64(us - e.from) } // #nosec G115 -- only asked of times from there on
	e.spans = e.spans[:0]
	for i := 0; i < len(r.us); {
		us := r.us[i]
		if us < e.from || us > e.to || !e.inPhase(r, i) {
			i++
			continue
		}
		at := since(us) / e.width
		x := span{int(at), i, i + 1} // #nosec G115 -- the number of a stretch
		for x.to < len(r.us) && r.us[x.to] <= e.to && r.us[x.to] >= us && since(r.us[x.to]) < (at+1)*e.width && e.inPhase(r, x.to) {
			x.to++
		}
		i = x.to
		e.spans = append(e.spans, x)
	}
}

func (e *envelope) inPhase(r *readings, row int) bool {
	return e.filter.Phase == "" || r.text(seriesPhase, row) == string(e.filter.Phase)
}

func (r *readings) moment(row int) moment {
	return moment{r.us[row], r.clock[row], r.text(seriesPhase, row)}
}

func (e *envelope) addFloats(id series, us []int64, c *floatColumn) {
	of := e.of[id]
	if of == nil {
		of = make([]extremes, len(e.stretches))
		e.of[id] = of
	}
	for _, s := range e.spans {
		low, high, n, sum := -1, -1, 0, 0.0 // the first two are rows
		for i := s.from; i < s.to; i++ {
			if !has(c.there, i) {
				continue
			}
			v := c.values[i]
			sum += v
			if n++; n == 1 {
				low, high = i, i
			} else if v < c.values[low] {
				low = i
			} else if v > c.values[high] {
				high = i
			}
		}
		if n > 0 {
			of[s.stretch].join(extremes{low: c.values[low], high: c.values[high], lowUs: us[low], highUs: us[high], n: n, sum: sum})
		}
	}
}

// join adds what comes after x, or partly so.
func (x *extremes) join(more extremes) {
	if x.n == 0 {
		*x = more
		return
	}
	x.n, x.sum = x.n+more.n, x.sum+more.sum
	if more.low < x.low {
		x.low, x.lowUs = more.low, more.lowUs
	}
	if more.high > x.high {
		x.high, x.highUs = more.high, more.highUs
	}
}

func (e *envelope) addTexts(id series, c *textColumn) error {
	switch id {
	case seriesPhase:
		return nil
	case seriesRemote:
		return e.addAnswers(c)
	}
	return e.addLimits(id, c)
}

func (e *envelope) addAnswers(c *textColumn) error {
	for _, s := range e.spans {
		for _, n := range c.index[s.from:s.to] {
			if n < 0 {
				continue
			}
			var answers []domain.RemoteSample
			if err := json.Unmarshal([]byte(c.words[n]), &answers); err != nil {
				return errors.Join(column.ErrDamaged, err)
			}
			of := &e.stretches[s.stretch]
			of.remote = append(of.remote, answers...)
		}
	}
	return nil
}

func (e *envelope) addLimits(id series, c *textColumn) error {
	limits := e.limits[id]
	if limits == nil {
		limits = make([][]string, len(e.stretches))
		e.limits[id] = limits
	}
	lists := make([][]string, len(c.words))
	for n, text := range c.words {
		if err := json.Unmarshal([]byte(text), &lists[n]); err != nil {
			return errors.Join(column.ErrDamaged, err)
		}
	}
	for _, s := range e.spans {
		for _, n := range c.index[s.from:s.to] {
			if n < 0 {
				continue
			}
			all := &limits[s.stretch]
			if *all == nil {
				*all = []string{}
			}
			for _, limit := range lists[n] {
				if !slices.Contains(*all, limit) {
					*all = append(*all, limit)
				}
			}
		}
	}
	return nil
}

// samples are the rows of the answer.
func (e *envelope) samples() []domain.Sample {
	ids := slices.Sorted(maps.Keys(e.of))
	out := make([]domain.Sample, 0, 2*len(e.stretches))
	for at := range e.stretches {
		s := &e.stretches[at]
		if s.samples == 0 {
			continue
		}
		rows := []domain.Sample{s.first.sample(), s.last.sample()}[:min(s.samples, 2)]
		if e.filter.Means {
			rows = rows[:1]
		}
		for _, id := range ids {
			if x := &e.of[id][at]; x.n > 0 && e.filter.Means {
				put(&rows[0], id, x.middle(id))
			} else if x.n > 0 {
				x.put(rows, id, s.samples)
			}
		}
		for id, limits := range e.limits {
			for k := range rows {
				if place := int((id-firstGPU)/perGPU) - 1; place >= 0 && place < len(rows[k].GPUs) {
					rows[k].GPUs[place].LimitReasons = slices.Clone(limits[at])
				}
			}
		}
		rows[0].Remote = s.remote
		out = append(out, rows...)
	}
	return out
}

// put sets the lowest and the highest value of so many samples in the order in which they came. Of two that one has
// no value stays to be seen; of more, it is too short to matter.
func (x *extremes) put(rows []domain.Sample, id series, of int) {
	values := [2]*float64{&x.low, &x.high}
	if x.highUs < x.lowUs {
		slices.Reverse(values[:])
	}
	alone := x.n == 1 && of == 2
	for k := range rows {
		if !alone || x.lowUs == rows[k].TUs {
			put(&rows[k], id, values[k])
		}
	}
}

// middle is the mean; the place of a GPU has none.
func (x *extremes) middle(id series) *float64 {
	if id > firstGPU && id%perGPU == gpuIndex {
		return &x.low
	}
	x.mean = x.sum / float64(x.n)
	return &x.mean
}

func (m moment) sample() domain.Sample {
	return domain.Sample{TUs: m.us, TMs: float64(m.us) / 1000, Timestamp: time.UnixMicro(m.us + m.clock).UTC(), Phase: domain.Phase(m.phase), GPUs: []domain.GPUSample{}}
}

// put sets a value of m. Those of lists come in the order of their numbers; one after a gap is left out.
func put(m *domain.Sample, id series, v *float64) {
	switch {
	case id == seriesLate:
		m.LateMs = *v
	case id >= firstScalar && id < firstScalar+series(len(scalars(m))):
		*scalars(m)[id-firstScalar] = v
	case id >= firstGauge && id < firstGauge+series(domain.Gauges):
		*m.Gauges()[id-firstGauge] = v
	case id > firstCore && id < firstGPU:
		if int(id-firstCore) == len(m.CPUCores)+1 {
			m.CPUCores = append(m.CPUCores, *v)
		}
	case id >= gpuAt(0):
		place, gauge := int((id-firstGPU)/perGPU)-1, id%perGPU
		if place == len(m.GPUs) {
			m.GPUs = append(m.GPUs, domain.GPUSample{})
		}
		if place >= len(m.GPUs) {
			return
		}
		if g := &m.GPUs[place]; gauge == gpuIndex {
			g.Index = int(*v)
		} else if gauge < domain.GPUGauges {
			*g.Gauges()[gauge] = v
		}
	}
}
