package runner

import (
	"context"
	"sync"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/load"
)

// Why an arrival was dropped.
const (
	crowded = "It was not sent: as many requests as allowed were under way."
	missed  = "It was not sent: its stage ended while it waited."
)

// arrivals sends the requests of an open loop, each when it is due, whatever became of those
// before. An arrival that finds every seat taken, or none before the stage ends, is dropped and
// recorded.
func (r *run) arrivals(flying context.Context, rd *round) {
	free := make(chan int, rd.step.MaxInFlight)
	for i := range rd.step.MaxInFlight {
		free <- i
	}
	var sent sync.WaitGroup
	defer sent.Wait()
	for i := 0; ; i++ {
		offset, planned, ok := rd.due(i)
		if !ok || flying.Err() != nil {
			return
		}
		due := rd.start.Add(offset)
		if planned && rd.missed(i, offset) {
			r.drop(rd, r.number(), rd.phase, due, missed)
			continue
		}
		if !pause(rd.idle, time.Until(due)) {
			return
		}
		// Arrival i sends conversation i whatever became of those before it: the same seed gives the
		// same requests at the same times, and a trace its own.
		c, ok := r.take(flying, rd, i, !planned)
		if !ok {
			continue // what is left is kept for conversations under way
		}
		slot, why := rd.seat(c.phase, free)
		if why != "" {
			if flying.Err() == nil {
				r.drop(rd, c.n, c.phase, due, why)
			}
			rd.release(c.kept)
			rd.settle(c.phase)
			continue
		}
		c.slot, c.due = slot, due
		sent.Go(func() {
			r.converse(flying, rd, c)
			free <- slot
		})
	}
}

// due is when arrival i is to be sent; planned says that it is one of the stage itself, not of the
// cool-down after it.
func (rd *round) due(i int) (offset time.Duration, planned, ok bool) {
	if offset, ok = rd.pacer.Due(i); ok || rd.cooler == nil {
		return offset, true, ok
	}
	offset, ok = rd.cooler.Due(i)
	return offset, false, ok
}

// missed reports whether a planned arrival was due before the stage ended and is still not sent.
func (rd *round) missed(i int, offset time.Duration) bool {
	if !over(rd.closed) || (rd.limit != nil && i >= *rd.limit) {
		return false
	}
	stopped := rd.stopped.Load() // a stage that ends by the clock has no arrival planned after it
	return stopped == 0 || int64(offset) < stopped
}

// seat takes a free place for an arrival. One that finds none is dropped or, in a queue, waits: then
// it is sent late, which only its latency from the due time shows.
func (rd *round) seat(phase domain.Phase, free <-chan int) (slot int, why string) {
	select {
	case slot = <-free:
		return slot, ""
	default:
	}
	if !rd.step.Queue {
		return 0, crowded
	}
	ended := rd.closed
	if phase == domain.PhaseCooldown {
		ended = rd.idle
	}
	select {
	case slot = <-free:
		return slot, ""
	case <-ended:
		return 0, missed
	}
}

// cooler is the pacer of the cool-down in an open loop: the arrivals of the stage, without its end.
// A trace has none after its last.
func (r *run) cooler(stage domain.PlanStage) (load.Pacer, error) {
	if r.job.Plan.Cooldown == 0 || !stage.Load.Open() || stage.Load.Kind == domain.LoadTrace {
		return nil, nil
	}
	stage.Stop, stage.MinRequests = domain.Stop{}, nil
	return load.For(stage, r.job.Plan.Seed, nil)
}
