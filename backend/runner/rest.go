package runner

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

// restStep is the time between two looks at the temperature.
const restStep = 250 * time.Millisecond

// sample hands a reading to the recorder and keeps its temperature, which a rest may wait for.
func (r *run) sample(s domain.Sample) {
	if t := s.HottestC(); t != nil {
		r.heat.Store(math.Float64bits(*t))
	}
	r.rec.sample(s)
}

// restBefore waits for a cool machine before anything is sent.
func (r *run) restBefore(ctx context.Context) error {
	switch plan := r.job.Plan.Rest; {
	case plan != nil && plan.First != nil && *plan.First:
		return r.rest(ctx, *plan)
	case plan != nil && plan.BelowC != nil:
		return r.rest(ctx, domain.Rest{BelowC: plan.BelowC, MostS: plan.MostS})
	}
	return nil
}

// restBetween rests before the repetition or stage of this number, unless it is the first.
func (r *run) restBetween(ctx context.Context, i int) error {
	if plan := r.job.Plan.Rest; plan != nil && i > 0 {
		return r.rest(ctx, *plan)
	}
	return nil
}

// rest waits its time out, and on until the machine is cool. Where no temperature is read, its time is
// all there is to wait for; the report says so.
func (r *run) rest(ctx context.Context, how domain.Rest) error {
	r.enter(domain.PhaseRest, nil)
	least, most := seconds(how.Seconds, 1), seconds(how.MostS, 1)
	began := time.Now()
	for {
		rested := time.Since(began)
		heat, known := r.hottest()
		hot := how.BelowC != nil && known && heat > *how.BelowC && rested < max(least, most)
		if rested >= least && !hot {
			r.rec.say("")
			return nil
		}
		if hot {
			r.rec.say(fmt.Sprintf("Resting until %.0f °C are reached; it is %.0f °C", *how.BelowC, heat))
		} else {
			r.rec.say(fmt.Sprintf("Resting, %.0f s left", math.Ceil((least - rested).Seconds())))
		}
		wait := restStep
		if !hot {
			wait = min(wait, least-rested)
		}
		if !sleep(ctx, wait) {
			return context.Cause(ctx)
		}
	}
}

// hottest is the last temperature read; there may be none.
func (r *run) hottest() (c float64, known bool) {
	bits := r.heat.Load()
	return math.Float64frombits(bits), bits != 0
}
