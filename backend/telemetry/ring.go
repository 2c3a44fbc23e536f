package telemetry

import (
	"math"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

const (
	// ringSpan is how far back the readings reach at full rate, longSpan as means of a second each.
	// At 10 a second on an eight-core machine both take 3.6 MB, and 1.4 MB more for each GPU.
	ringSpan = 10 * time.Minute
	longSpan = time.Hour
	longStep = time.Second
)

// ring keeps the last rows up to its limit and then overwrites the oldest.
type ring struct {
	limit int
	rows  *rows // nil before the first
	n     int   // rows ever stored
}

func (r *ring) len() int { return min(r.n, r.limit) }

// place is where the i-th row lies, oldest first.
func (r *ring) place(i int) int { return (r.n - r.len() + i) % r.limit }

// at is the time of the i-th row.
func (r *ring) at(i int) time.Time { return r.rows.heads[r.place(i)].at }

// next makes room for one row and returns its place.
func (r *ring) next(room shape) int {
	if r.rows == nil {
		r.rows = newRows(r.limit, room)
	}
	if !r.rows.holds(room) { // a core came on line, or the GPU driver was opened
		*r = r.moved(r.limit, shape{max(room.cores, r.rows.cores), max(room.gpus, r.rows.gpus)})
	}
	r.n++
	return (r.n - 1) % r.limit
}

// moved is a ring of another size with the youngest rows that fit.
func (r *ring) moved(limit int, room shape) ring {
	to := ring{limit: limit, rows: newRows(limit, room)}
	for i := r.len() - min(r.len(), limit); i < r.len(); i++ {
		to.rows.copy(to.n, r.rows, r.place(i))
		to.n++
	}
	return to
}

func (r *ring) resize(limit int) {
	if r.rows == nil || limit == r.limit {
		r.limit = limit
		return
	}
	*r = r.moved(limit, r.rows.shape)
}

// since is the number of the first row that is not older than t.
func (r *ring) since(t time.Time) int {
	i := r.len()
	for i > 0 && !r.at(i-1).Before(t) {
		i--
	}
	return i
}

// meanRing keeps one row for each second: the means of its readings, the last value of what counts up,
// and of all that is no number the last.
type meanRing struct {
	ring
	sum, n []float64 // of the second under way
	last   *rows     // its last reading, one row; nil before the first
	begun  time.Time
}

// add takes row i. A second ends when a reading of the next one comes.
func (m *meanRing) add(from *rows, i int) {
	h := &from.heads[i]
	if m.last != nil && (h.at.Sub(m.begun) >= longStep-leastSpan || h.shape != m.last.heads[0].shape) {
		m.end()
	}
	if m.last == nil || !m.last.holds(h.shape) {
		m.last = newRows(1, from.shape)
		m.sum, m.n = make([]float64, from.width()), make([]float64, from.width())
	}
	if m.begun.IsZero() {
		m.begun = h.at
	}
	remote := m.last.heads[0].remote
	m.last.copy(0, from, i)
	if h.remote == nil {
		m.last.heads[0].remote = remote
	}
	nums, _ := m.last.row(0)
	for k, v := range nums {
		switch {
		case math.IsNaN(v):
		case h.counter(k):
			m.sum[k], m.n[k] = v, 1
		default:
			m.sum[k], m.n[k] = m.sum[k]+v, m.n[k]+1
		}
	}
}

// end stores the second under way.
func (m *meanRing) end() {
	place := m.next(m.last.shape)
	m.rows.copy(place, m.last, 0)
	nums, _ := m.rows.row(place)
	for k := range nums {
		nums[k] = m.sum[k] / m.n[k] // NaN where nothing was read
	}
	clear(m.sum)
	clear(m.n)
	m.begun, m.last.heads[0].remote = time.Time{}, nil
}

// past is what the sampler remembers.
type past struct {
	recent ring
	long   meanRing
}

func newPast() past { return past{long: meanRing{ring: ring{limit: int(longSpan / longStep)}}} }

// since copies the rows that are not older than t, oldest first: means, then readings.
func (p *past) since(t time.Time) *rows {
	n, from := p.recent.len(), p.recent.since(t)
	if n == 0 {
		return newRows(0, shape{})
	}
	room, begin, end := p.recent.rows.shape, 0, 0
	if from == 0 {
		end = p.long.since(p.recent.at(0)) // the younger ones stand in recent
		begin = min(p.long.since(t), end)
	}
	if begin < end {
		room = shape{max(room.cores, p.long.rows.cores), max(room.gpus, p.long.rows.gpus)}
	}
	out := newRows(end-begin+n-from, room)
	for i := begin; i < end; i++ {
		out.copy(i-begin, p.long.rows, p.long.place(i))
	}
	for i := from; i < n; i++ {
		out.copy(end-begin+i-from, p.recent.rows, p.recent.place(i))
	}
	return out
}

// add stores a reading.
func (p *past) add(s *domain.Sample) {
	place := p.recent.next(shapeOf(s))
	p.recent.rows.put(place, s)
	p.long.add(p.recent.rows, place)
}

// latest is the newest reading; false before the first.
func (p *past) latest() (domain.Sample, bool) {
	n := p.recent.len()
	if n == 0 {
		return domain.Sample{}, false
	}
	one := newRows(1, p.recent.rows.shape)
	one.copy(0, p.recent.rows, p.recent.place(n-1))
	return one.sample(0), true
}
