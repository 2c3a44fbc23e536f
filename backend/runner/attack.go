package runner

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/load"
)

// round is one pass through a pacer: the warm-up, or one repetition of a stage.
type round struct {
	phase     domain.Phase // warmup or measure
	stage     int
	pacer     load.Pacer
	step      load.Step
	limit     *int  // most requests, the source's length included
	cooldown  int64 // further requests while the last measured ones end
	opening   string
	maxTokens int // in place of the plan's, when set

	start         time.Time
	claimed       atomic.Int64 // requests, cool-down excluded
	cooled        atomic.Int64 // cool-down requests
	conversations atomic.Int64
	measuring     atomic.Int64 // requests under way that count
	tokens        atomic.Int64 // output tokens of successful requests
	failed        *atomic.Int64
	stop          func() // ends the starting of measured requests
}

// issue sends the requests of a round and returns when all of them have ended. onStop is called
// once when a limit ends the round while requests may still be in flight; they get a grace, then
// they are cut off as incomplete.
func (r *run) issue(ctx context.Context, rd *round, onStop func()) {
	open, stop := context.WithCancel(ctx) // while open, measured requests may start
	defer stop()
	if rd.step.Duration > 0 {
		open, stop = context.WithTimeout(ctx, rd.step.Duration)
		defer stop()
	}
	flying, cut := context.WithCancelCause(ctx)
	defer cut(nil)
	rd.stop = stop
	var senders sync.WaitGroup
	rd.start = time.Now()
	if rd.step.Open {
		senders.Go(func() { r.arrivals(open, flying, rd) })
	} else {
		for u := range rd.users() {
			senders.Go(func() { r.user(open, flying, rd, u) })
		}
	}
	done := make(chan struct{})
	go func() { senders.Wait(); close(done) }()
	select {
	case <-done:
		return
	case <-open.Done():
	}
	onStop()
	grace := time.NewTimer(drainGrace)
	defer grace.Stop()
	select {
	case <-done:
	case <-grace.C:
		cut(errDrained)
		<-done
	}
}

// users is how many goroutines a closed loop needs: no more than it has requests.
func (rd *round) users() int {
	if rd.limit != nil {
		return min(rd.step.Users, *rd.limit)
	}
	return rd.step.Users
}

// claim takes the next request of the round and says as what it counts; false when there is none.
// Measured requests start while open is alive, and all of them run while flying is.
func (rd *round) claim(open, flying context.Context) (domain.Phase, bool) {
	if flying.Err() != nil {
		return "", false
	}
	if open.Err() == nil {
		if n := rd.claimed.Add(1); rd.limit == nil || n <= int64(*rd.limit) {
			rd.measuring.Add(1)
			return rd.phase, true
		}
	}
	if rd.cooldown > 0 && rd.measuring.Load() > 0 && rd.cooled.Add(1) <= rd.cooldown {
		return domain.PhaseCooldown, true
	}
	return "", false
}

// user is one user of a closed loop: one conversation after another while there are requests.
func (r *run) user(open, flying context.Context, rd *round, slot int) {
	if !sleep(open, time.Until(rd.start.Add(rd.pacer.Start(slot)))) {
		return
	}
	for {
		phase, ok := rd.claim(open, flying)
		if !ok {
			return
		}
		r.converse(open, flying, rd, slot, phase, time.Time{})
		sleep(open, rd.step.Think)
	}
}

// arrivals sends the requests of an open loop, each when it is due, whatever became of those
// before. An arrival that finds every seat taken is dropped and recorded.
func (r *run) arrivals(open, flying context.Context, rd *round) {
	free := make(chan int, rd.step.MaxInFlight)
	for i := range rd.step.MaxInFlight {
		free <- i
	}
	var sent sync.WaitGroup
	defer sent.Wait()
	for i := 0; ; i++ {
		offset, ok := rd.pacer.Due(i)
		if !ok {
			return
		}
		due := rd.start.Add(offset)
		if !sleep(open, time.Until(due)) && rd.cooldown == 0 {
			return
		}
		phase, ok := rd.claim(open, flying)
		if !ok {
			return
		}
		slot, ok := seat(flying, rd.step, free)
		if !ok {
			r.drop(rd, phase, due)
			continue
		}
		sent.Go(func() {
			r.converse(open, flying, rd, slot, phase, due)
			free <- slot
		})
	}
}

// seat takes a free place for an arrival. One that finds none is dropped or, in a queue, waits: then
// it is sent late, which only its latency from the due time shows.
func seat(flying context.Context, step load.Step, free <-chan int) (slot int, ok bool) {
	select {
	case slot = <-free:
		return slot, true
	default:
	}
	if !step.Queue {
		return 0, false
	}
	select {
	case slot = <-free:
		return slot, true
	case <-flying.Done():
		return 0, false
	}
}

// spent reports whether a limit of tokens or errors is reached.
func (rd *round) spent() bool {
	return (rd.step.Tokens > 0 && rd.tokens.Load() >= int64(rd.step.Tokens)) || rd.tooManyErrors()
}

func (rd *round) tooManyErrors() bool {
	return rd.step.Errors > 0 && rd.failed.Load() >= int64(rd.step.Errors)
}

// sleep waits and reports whether ctx was still alive at the end.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
