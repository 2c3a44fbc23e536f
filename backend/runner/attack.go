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
	cooler    load.Pacer // goes on where pacer ends, for the cool-down of an open loop; else nil
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
	sure          certainty
	stopped       atomic.Int64 // when a limit of tokens or errors was reached, ns from start; 0 before

	closed <-chan struct{} // no measured request starts any more
	idle   <-chan struct{} // nothing is left to send: nobody waits for a turn that will not come
	stop   func()          // closes closed
	leave  func()          // closes idle
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
	work, leave := context.WithCancel(flying)
	defer leave()
	rd.start, rd.closed, rd.idle, rd.leave = time.Now(), open.Done(), work.Done(), leave
	rd.stop = func() {
		rd.stopped.CompareAndSwap(0, int64(time.Since(rd.start)))
		stop()
	}
	defer context.AfterFunc(open, rd.rest)()
	var senders sync.WaitGroup
	if rd.step.Open {
		senders.Go(func() { r.arrivals(flying, rd) })
	} else {
		for u := range rd.users() {
			senders.Go(func() { r.user(flying, rd, u) })
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
// Requests run while flying is alive.
func (rd *round) claim(flying context.Context) (domain.Phase, bool) {
	if flying.Err() != nil {
		return "", false
	}
	if !over(rd.closed) {
		rd.measuring.Add(1)
		if n := rd.claimed.Add(1); rd.limit == nil || n <= int64(*rd.limit) {
			rd.rest()
			return rd.phase, true
		}
		rd.measuring.Add(-1)
	}
	if rd.cooldown > 0 && rd.measuring.Load() > 0 && rd.cooled.Add(1) <= rd.cooldown {
		return domain.PhaseCooldown, true
	}
	return "", false
}

// settle gives back what claim counted.
func (rd *round) settle(phase domain.Phase) {
	if phase != domain.PhaseCooldown {
		rd.measuring.Add(-1)
		rd.rest()
	}
}

// rest ends the waits of a round that has nothing left to send.
func (rd *round) rest() {
	if !over(rd.closed) && (rd.limit == nil || rd.claimed.Load() < int64(*rd.limit)) {
		return
	}
	if rd.measuring.Load() == 0 || rd.cooled.Load() >= rd.cooldown {
		rd.leave()
	}
}

// user is one user of a closed loop: one conversation after another while there are requests.
func (r *run) user(flying context.Context, rd *round, slot int) {
	if !pause(rd.idle, time.Until(rd.start.Add(rd.pacer.Start(slot)))) {
		return
	}
	for {
		phase, ok := rd.claim(flying)
		if !ok {
			return
		}
		r.converse(flying, rd, ticket{phase: phase, slot: slot, index: int(rd.conversations.Add(1) - 1), n: r.number()})
		pause(rd.idle, rd.step.Think)
	}
}

// spent reports whether a limit of tokens, errors or certainty is reached.
func (rd *round) spent() bool {
	return (rd.step.Tokens > 0 && rd.tokens.Load() >= int64(rd.step.Tokens)) || rd.tooManyErrors() ||
		(rd.step.Confidence > 0 && rd.sure.within(rd.step.Confidence))
}

func (rd *round) tooManyErrors() bool {
	return rd.step.Errors > 0 && rd.failed.Load() >= int64(rd.step.Errors)
}

// sleep waits and reports whether ctx was still alive at the end.
func sleep(ctx context.Context, d time.Duration) bool { return pause(ctx.Done(), d) }

// pause waits and reports whether done was still open at the end.
func pause(done <-chan struct{}, d time.Duration) bool {
	if d <= 0 {
		return !over(done)
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return !over(done)
	case <-done:
		return false
	}
}

func over(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}
