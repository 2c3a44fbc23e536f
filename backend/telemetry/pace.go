package telemetry

import "time"

// pacer lets the sampler's loop sleep. Its wait is called by one goroutine, wake by any.
type pacer interface {
	// wait returns at the time, or earlier after a wake; one that came before it counts.
	wait(until time.Time)
	wake()
	// close is called once wait is not called any more.
	close()
}

// timerPacer sleeps on a timer of the Go runtime.
type timerPacer struct {
	timer *time.Timer
	woken chan struct{} // room for one
}

func newTimerPacer() *timerPacer {
	return &timerPacer{timer: time.NewTimer(time.Hour), woken: make(chan struct{}, 1)}
}

func (p *timerPacer) wait(until time.Time) {
	p.timer.Reset(time.Until(until))
	select {
	case <-p.timer.C:
	case <-p.woken:
	}
}

func (p *timerPacer) wake() {
	select {
	case p.woken <- struct{}{}:
	default: // a wake is already waiting to be seen
	}
}

func (p *timerPacer) close() { p.timer.Stop() }
