package library

import (
	"sync"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

// The states of a transfer.
const (
	stateQueued     = "queued"
	stateRunning    = "running"
	stateVerifying  = "verifying"
	stateInstalling = "installing"
	stateDone       = "done"
	stateFailed     = "failed"
	stateCanceled   = "canceled"
)

const publishEvery = 250 * time.Millisecond

// tracker holds the state of one transfer and tells it to out, at most four times a second
// unless the state changes.
type tracker struct {
	mu       sync.Mutex
	d        domain.Download
	out      func(domain.Download)
	last     time.Time
	mark     time.Time // begin of the window the speed is taken over
	markDone int64
}

func newTracker(id string, out func(domain.Download)) *tracker {
	if out == nil {
		out = func(domain.Download) {}
	}
	return &tracker{d: domain.Download{ID: id, State: stateQueued}, out: out}
}

func (t *tracker) snapshot() domain.Download {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.d
}

// state changes the state and publishes at once.
func (t *tracker) state(s, source string) {
	t.mu.Lock()
	t.d.State, t.d.Error = s, ""
	if source != "" {
		t.d.Source = source
	}
	t.d.BytesPerS = nil
	t.publishLocked(true)
	t.mu.Unlock()
}

// fail ends the transfer with a sentence.
func (t *tracker) fail(state, msg string) {
	t.mu.Lock()
	t.d.State, t.d.Error, t.d.BytesPerS = state, msg, nil
	t.publishLocked(true)
	t.mu.Unlock()
}

// begin starts counting a source that has done bytes already; total 0 is not known.
func (t *tracker) begin(done, total int64) {
	t.mu.Lock()
	t.d.DoneBytes, t.d.TotalBytes, t.d.BytesPerS = done, nil, nil
	if total > 0 {
		t.d.TotalBytes = &total
	}
	t.mark, t.markDone = time.Now(), done
	t.publishLocked(true)
	t.mu.Unlock()
}

// set says how many bytes are there.
func (t *tracker) set(done int64) {
	t.mu.Lock()
	t.d.DoneBytes = done
	if span := time.Since(t.mark); span >= 500*time.Millisecond {
		speed := float64(done-t.markDone) / span.Seconds()
		t.d.BytesPerS = &speed
		if span >= 3*time.Second {
			t.mark, t.markDone = time.Now(), done
		}
	}
	t.publishLocked(false)
	t.mu.Unlock()
}

func (t *tracker) publishLocked(now bool) {
	if !now && time.Since(t.last) < publishEvery {
		return
	}
	t.last = time.Now()
	t.out(t.d)
}
