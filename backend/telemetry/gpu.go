package telemetry

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

// gpuDriver talks to one family of GPUs. Its calls may block for as long as the driver hangs; only
// the watch's goroutine makes them.
type gpuDriver interface {
	// name is the source that sensors name, e.g. "nvml".
	name() string
	// open finds the GPUs. Without any it returns why, in plain words.
	open() (gpus []domain.GPUInfo, reason string)
	// read reads every GPU that open returned.
	read() gpuReading
	// slow reads what a tick has no time for, once a second and beside read; engine is the engine's
	// process, 0 without one. Its figures are those of the GPUs of open, in their order.
	slow(engine int) gpuSlow
	// close is called when no other call is under way.
	close()
}

// gpuReading is one reading of all GPUs of a driver; why tells by sensor key what is missing. It is
// not changed once it has been handed over.
type gpuReading struct {
	gpus []domain.GPUSample
	why  map[string]string
}

const (
	// gpuPatience is how long a sample waits for the GPUs: normally their figures are of its own
	// instant, and a slow driver delays it by this much at most.
	gpuPatience = 20 * time.Millisecond
	// gpuStale is the age after which a reading is no longer shown and the driver counts as hanging.
	gpuStale = time.Second
	// gpuOpenPatience is how long System waits for a driver to open; waking a GPU takes a while.
	gpuOpenPatience = 2 * time.Second
	// gpuStopPatience is how long the end of Run waits for a call under way.
	gpuStopPatience = 500 * time.Millisecond
)

const (
	gpuSilent  = "The GPU does not answer."
	gpuOpening = "The GPU driver is still being opened."
)

// gpuWatch keeps drivers away from the sampler: one goroutine makes all calls, and a sample waits
// for it with a deadline.
type gpuWatch struct {
	drivers []gpuDriver
	ask     chan struct{}   // room for one: a question waits while the driver is busy
	answers chan gpuReading // room for one
	opened  chan struct{}

	engine atomic.Int64 // the engine's process; 0 without one

	mu      sync.Mutex
	state   gpuFacts
	last    gpuReading
	slow    gpuSlow
	shown   []domain.GPUSample // of the last sample
	lastAt  time.Time
	askedAt time.Time // zero: no question is open
	silent  bool
}

// gpuFacts is what System tells about GPUs.
type gpuFacts struct {
	source string
	gpus   []domain.GPUInfo
	reason string            // why there is none
	why    map[string]string // why a figure is missing, by key
	shown  []domain.GPUSample
	silent bool
}

func newGPUWatch(drivers []gpuDriver) *gpuWatch {
	return &gpuWatch{
		drivers: drivers, ask: make(chan struct{}, 1), answers: make(chan gpuReading, 1),
		opened: make(chan struct{}), state: gpuFacts{reason: gpuOpening},
	}
}

// start begins the goroutine; stop ends it and reports whether it has ended in time. A watch is
// started once.
func (w *gpuWatch) start() (stop func() bool) {
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		w.serve(quit)
	}()
	return func() bool {
		close(quit)
		patience := time.NewTimer(gpuStopPatience)
		defer patience.Stop()
		select {
		case <-done:
			return true
		case <-patience.C:
			return false
		}
	}
}

// serve opens the first driver that has GPUs and answers until quit.
func (w *gpuWatch) serve(quit <-chan struct{}) {
	driver := w.open()
	close(w.opened)
	if driver == nil {
		return
	}
	var slowly sync.WaitGroup
	defer driver.close()
	defer slowly.Wait()
	slowly.Go(func() { w.serveSlow(driver, quit) })
	for {
		select {
		case <-quit:
			return
		case <-w.ask:
		}
		select {
		case w.answers <- driver.read():
		case <-quit:
			return
		}
	}
}

// open returns the driver in use, nil when no driver has a GPU; the first one's reason is told.
func (w *gpuWatch) open() gpuDriver {
	facts := gpuFacts{reason: "No GPU support is built in for this system."}
	var found gpuDriver
	for i, d := range w.drivers {
		gpus, reason := d.open()
		if len(gpus) > 0 {
			facts, found = gpuFacts{source: d.name(), gpus: gpus}, d
			break
		}
		if i == 0 {
			facts.reason = reason
		}
		d.close()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.state = facts
	return found
}

// awaitOpen waits for the driver to be opened, but not for ever.
func (w *gpuWatch) awaitOpen() {
	patience := time.NewTimer(gpuOpenPatience)
	defer patience.Stop()
	select {
	case <-w.opened:
	case <-patience.C:
	}
}

// count is the number of GPUs known.
func (w *gpuWatch) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.state.gpus)
}

// facts returns what is known now.
func (w *gpuWatch) facts() gpuFacts {
	w.mu.Lock()
	defer w.mu.Unlock()
	f := w.state
	f.why, f.shown, f.silent = joined(w.last.why, w.slowWhy()), w.shown, w.silent
	return f
}

// into adds the GPUs to a sample. Only the sampler calls it.
func (w *gpuWatch) into(s *domain.Sample) {
	n := w.count()
	if n == 0 {
		return
	}
	room := make([]domain.GPUSample, n)
	reading, ok := w.reading()
	for i := range room {
		room[i].Index = i
		if ok && i < len(reading.gpus) {
			room[i] = reading.gpus[i]
		}
	}
	w.show(room)
	s.GPUs = room
	sumUp(s)
}

// reading returns figures that are fresh, or at least not stale; false when the driver is silent.
func (w *gpuWatch) reading() (gpuReading, bool) {
	if w.askedAt.IsZero() {
		w.askedAt = time.Now()
		w.ask <- struct{}{} // has room: no question is open
	}
	fresh, got := w.await()
	w.mu.Lock()
	defer w.mu.Unlock()
	if got {
		w.last, w.lastAt, w.askedAt = fresh, time.Now(), time.Time{}
	}
	w.silent = !got && time.Since(w.askedAt) >= gpuStale
	known := !w.lastAt.IsZero() && time.Since(w.lastAt) < gpuStale
	return w.last, known
}

// await waits for the answer. A driver that has already made one sample wait gets no more patience
// until it answers.
func (w *gpuWatch) await() (gpuReading, bool) {
	left := gpuPatience - time.Since(w.askedAt)
	if left <= 0 {
		select {
		case r := <-w.answers:
			return r, true
		default:
			return gpuReading{}, false
		}
	}
	patience := time.NewTimer(left)
	defer patience.Stop()
	select {
	case r := <-w.answers:
		return r, true
	case <-patience.C:
		return gpuReading{}, false
	}
}
