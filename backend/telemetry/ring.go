package telemetry

import (
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

// ringSpan is how far back History reaches, at full rate. At 10 samples a second on an eight-core
// machine that is about 4 MB, and 2 MB more for each GPU.
const ringSpan = 10 * time.Minute

// ring keeps the last samples; it grows up to its limit and then overwrites the oldest.
type ring struct {
	limit int
	buf   []domain.Sample
	next  int // where the next one goes once the ring is full
}

func (r *ring) add(s domain.Sample) {
	if len(r.buf) < r.limit {
		r.buf = append(r.buf, s)
		return
	}
	r.buf[r.next] = s
	r.next = (r.next + 1) % r.limit
}

// at returns the i-th sample, oldest first.
func (r *ring) at(i int) domain.Sample { return r.buf[(r.next+i)%len(r.buf)] }

func (r *ring) latest() (domain.Sample, bool) {
	if len(r.buf) == 0 {
		return domain.Sample{}, false
	}
	return r.at(len(r.buf) - 1), true
}

// since returns the samples that are not older than t, oldest first.
func (r *ring) since(t time.Time) []domain.Sample {
	n := len(r.buf)
	from := n
	for from > 0 && !r.at(from-1).Timestamp.Before(t) {
		from--
	}
	out := make([]domain.Sample, 0, n-from)
	for i := from; i < n; i++ {
		out = append(out, r.at(i))
	}
	return out
}

// resize keeps the youngest samples that fit the new limit.
func (r *ring) resize(limit int) {
	n := len(r.buf)
	keep := min(n, limit)
	buf := make([]domain.Sample, 0, keep)
	for i := n - keep; i < n; i++ {
		buf = append(buf, r.at(i))
	}
	*r = ring{limit: limit, buf: buf}
}
