package telemetry

import (
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// kernelPacer sleeps on a timer of the kernel that is a file. A timer of the Go runtime costs twice as
// much at each tick: it wakes a second thread to look for work, and the one that watches the threads
// takes the tick for a goroutine that has run since the last one and interrupts it.
type kernelPacer struct {
	woken atomic.Bool

	mu    sync.Mutex // wake may come after close
	timer *os.File   // nil once closed
	fd    int
}

func newPacer() pacer {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK)
	if err != nil { // no descriptor is left
		return newTimerPacer()
	}
	return &kernelPacer{timer: os.NewFile(uintptr(fd), "timer"), fd: fd} //nolint:gosec // never negative here
}

func (p *kernelPacer) wait(until time.Time) {
	left := time.Until(until)
	if left <= 0 {
		return
	}
	p.set(left)
	if p.woken.Swap(false) { // before the timer was set, which took that wake back
		return
	}
	var fired [8]byte
	if _, err := p.timer.Read(fired[:]); err != nil { // never seen
		time.Sleep(time.Until(until))
	}
	p.woken.Store(false)
}

// set lets the timer fire once after a while.
func (p *kernelPacer) set(after time.Duration) {
	once := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(after))}
	_ = unix.TimerfdSettime(p.fd, 0, &once, nil) // fails only for what is no time and no timer
}

func (p *kernelPacer) wake() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.timer != nil {
		p.woken.Store(true)
		p.set(1)
	}
}

func (p *kernelPacer) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.timer.Close() // nothing can be lost
	p.timer = nil
}
