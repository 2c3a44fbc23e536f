package stats

import (
	"slices"

	"github.com/inferometer/inferometer/backend/domain"
)

// Limits of what the measuring program may cost the measurement.
const (
	limitFullPct     = 95.0 // requests in flight of those asked for, while every user was busy
	limitLateSendMs  = 10.0 // slowest hundredth of the sends
	limitLateOfTTFT  = 0.05 // and as a share of the median TTFT
	limitSelfCPUPct  = 90.0 // of one core
	manyUsers        = 256  // above it users begin one after another
	mostSpreadMs     = 2000 // within this time
	mostFailedToTell = 0.05 // share of failed requests above which an idle user is not the client's fault
)

// clientFacts say how well the client itself kept up; each is of the stage where it did worst, nil
// where it does not apply.
type clientFacts struct {
	fullPct   *float64
	lateMs    *float64
	lateLimit float64
	cpuPct    *float64
}

// client looks at one stage.
func (p part) client(f *domain.Figures, readings []domain.Sample) clientFacts {
	c := clientFacts{
		fullPct: p.full(),
		cpuPct:  mean(collect(readings, func(s domain.Sample) *float64 { return s.SelfCPUPercent })),
	}
	// Where arrivals queue for a seat, they are late by the plan, not by the client.
	if late := f.LatenessMs; late.N > 0 && !queues(p.mark.Load) {
		c.lateMs, c.lateLimit = late.Max, limitLateSendMs
		if late.P99 != nil {
			c.lateMs = late.P99
		}
		if f.TTFTMs.P50 != nil {
			c.lateLimit = min(c.lateLimit, limitLateOfTTFT*(*f.TTFTMs.P50))
		}
	}
	return c
}

func queues(l domain.Load) bool { return l.Overflow != nil && *l.Overflow == domain.OverflowQueue }

// full is the mean of requests in flight in percent of those asked for, from when the last user
// began until the last conversation was begun: before it the loop fills, after it it drains. Nil
// when there is no such time or the load is not one where every user is always busy.
func (p part) full() *float64 {
	load := p.mark.Load
	if load.Kind != domain.LoadClosed || load.Concurrency == nil || load.ThinkTimeMs != nil && *load.ThinkTimeMs > 0 {
		return nil
	}
	users := *load.Concurrency
	var sent []int64
	for _, list := range [2][]record{p.all, p.around} {
		for _, r := range list {
			if r.Turn == 0 {
				sent = append(sent, r.SentUs)
			}
		}
	}
	if len(sent) <= users || float64(len(p.all)-len(p.ok)) > mostFailedToTell*float64(len(p.all)) {
		return nil
	}
	slices.Sort(sent)
	from, to := max(sent[users-1], sent[0]+spreadUs(load)), sent[len(sent)-1]
	if to <= from {
		return nil
	}
	pct := 100 * p.load(from, to) * 1e6 / float64(to-from) / float64(users)
	return &pct
}

// spreadUs is the time over which the users begin; without a word of the plan, 1 ms a user for many, up to 2 s.
func spreadUs(l domain.Load) int64 {
	switch {
	case l.SpreadMs != nil:
		return int64(*l.SpreadMs) * 1000
	case *l.Concurrency > manyUsers:
		return min(int64(*l.Concurrency), mostSpreadMs) * 1000
	}
	return 0
}

// worse keeps the worst of two stages in each respect.
func (c clientFacts) worse(o clientFacts) clientFacts {
	if o.fullPct != nil && (c.fullPct == nil || *o.fullPct < *c.fullPct) {
		c.fullPct = o.fullPct
	}
	if o.lateMs != nil && (c.lateMs == nil || *o.lateMs*c.lateLimit > *c.lateMs*o.lateLimit) {
		c.lateMs, c.lateLimit = o.lateMs, o.lateLimit
	}
	if o.cpuPct != nil && (c.cpuPct == nil || *o.cpuPct > *c.cpuPct) {
		c.cpuPct = o.cpuPct
	}
	return c
}

func (c clientFacts) idle() bool   { return c.fullPct != nil && *c.fullPct < limitFullPct }
func (c clientFacts) late() bool   { return c.lateMs != nil && *c.lateMs > c.lateLimit }
func (c clientFacts) loaded() bool { return c.cpuPct != nil && *c.cpuPct > limitSelfCPUPct }
