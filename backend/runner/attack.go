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
	claimed       atomic.Int64 // requests that conversations keep for their turns, cool-down excluded
	begun         atomic.Int64 // those of them that were sent or dropped
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
// Requests run while flying is alive. The further turns of the conversation are kept for it as far as
// there are requests left, so that what was begun is ended before something new is.
func (rd *round) claim(flying context.Context, turns int) (phase domain.Phase, kept int, ok bool) {
	if flying.Err() != nil {
		return "", 0, false
	}
	if !over(rd.closed) {
		rd.measuring.Add(1)
		if n := rd.reserve(int64(1 + turns)); n > 0 {
			rd.begin()
			return rd.phase, n - 1, true
		}
		rd.measuring.Add(-1)
	}
	return rd.cool()
}

// reserve takes up to n of the requests that are left.
func (rd *round) reserve(n int64) int {
	if rd.limit == nil {
		return int(n)
	}
	for {
		claimed := rd.claimed.Load()
		n = min(n, int64(*rd.limit)-claimed)
		if n <= 0 || rd.claimed.CompareAndSwap(claimed, claimed+n) {
			return int(n)
		}
	}
}

// cool takes a request of the cool-down.
func (rd *round) cool() (phase domain.Phase, kept int, ok bool) {
	if rd.cooldown > 0 && rd.measuring.Load() > 0 && rd.cooled.Add(1) <= rd.cooldown {
		return domain.PhaseCooldown, 0, true
	}
	return "", 0, false
}

// another takes the request of a conversation's next turn: one that was kept for it while the round is
// open.
func (rd *round) another(flying context.Context, kept int) (phase domain.Phase, left int, ok bool) {
	switch {
	case flying.Err() != nil:
		return "", kept, false
	case kept > 0 && !over(rd.closed):
		rd.measuring.Add(1)
		rd.begin()
		return rd.phase, kept - 1, true
	}
	phase, _, ok = rd.cool()
	return phase, kept, ok
}

// begin counts a request that is sent now.
func (rd *round) begin() {
	rd.begun.Add(1)
	rd.rest()
}

// release gives back what was kept for turns that are not sent.
func (rd *round) release(kept int) {
	if rd.limit != nil {
		rd.claimed.Add(-int64(kept))
	}
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
	if !over(rd.closed) && (rd.limit == nil || rd.begun.Load() < int64(*rd.limit)) {
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
		c, ok := r.take(flying, rd, int(rd.conversations.Add(1)-1), false)
		if !ok {
			return
		}
		c.slot = slot
		r.converse(flying, rd, c)
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
