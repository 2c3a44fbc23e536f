package runner

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

const (
	// flushEvery is how often the recorder hands over a batch and a progress event.
	flushEvery = 250 * time.Millisecond
	queueSize  = 4096
)

// item is one thing for the recorder; exactly one field is set.
type item struct {
	ended  *ended
	sample *domain.Sample
	change *domain.PhaseChange
	info   *domain.EngineInfo
	ask    chan<- []domain.RequestRecord // for what was kept since the last time
}

// recorder is the one goroutine between measuring and the outside: it builds records, batches them
// and speaks to the sink. Finished requests are never dropped: their user waits when the queue is
// full, and the wait is counted. Samples are dropped then, and counted.
type recorder struct {
	sink      Sink
	origin    time.Time
	storeText bool
	abort     context.CancelCauseFunc

	queue chan item
	quit  chan struct{}
	done  chan struct{}

	dropped atomic.Int64
	late    atomic.Int64 // longest wait of a user for a place in the queue, ns
	note    atomic.Pointer[string]

	live *live // below here: the recorder's goroutine alone
	keep bool  // records are kept for taken
	kept []domain.RequestRecord
	back domain.Batch
	err  error // the first failure of Append
}

func newRecorder(job Job, origin time.Time, abort context.CancelCauseFunc, l *live) *recorder {
	return &recorder{
		sink: job.Sink, origin: origin, storeText: job.Plan.StoreText, abort: abort, live: l,
		keep:  job.Plan.Load.Kind == domain.LoadKnee,
		queue: make(chan item, queueSize), quit: make(chan struct{}), done: make(chan struct{}),
	}
}

// run is the recorder's goroutine; close ends it.
func (r *recorder) run() {
	defer close(r.done)
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		select {
		case it := <-r.queue:
			r.take(it)
		case <-tick.C:
			r.flush()
		case <-r.quit:
			r.finish()
			return
		}
	}
}

// close waits for the last flush and returns the first error of the sink. Nothing but samples may
// be handed over after it was called.
func (r *recorder) close() error {
	close(r.quit)
	<-r.done
	return r.err
}

// sample is the sink of telemetry: it never blocks.
func (r *recorder) sample(s domain.Sample) {
	select {
	case r.queue <- item{sample: &s}:
	default:
		r.dropped.Add(1)
	}
}

// request hands over a finished request.
func (r *recorder) request(e ended) {
	it := item{ended: &e}
	select {
	case r.queue <- it:
		return
	default:
	}
	start := time.Now()
	r.queue <- it
	for waited := int64(time.Since(start)); ; {
		old := r.late.Load()
		if waited <= old || r.late.CompareAndSwap(old, waited) {
			return
		}
	}
}

func (r *recorder) phase(c domain.PhaseChange)      { r.queue <- item{change: &c} }
func (r *recorder) prepared(info domain.EngineInfo) { r.queue <- item{info: &info} }

// taken returns the records of the requests that ended since it was called last: a search decides
// by them how to go on.
func (r *recorder) taken() []domain.RequestRecord {
	answer := make(chan []domain.RequestRecord, 1)
	r.queue <- item{ask: answer}
	return <-answer
}

// say sets the note of the progress event.
func (r *recorder) say(note string) { r.note.Store(&note) }

func (r *recorder) take(it item) {
	switch {
	case it.ended != nil:
		rec := it.ended.record(r.origin, r.storeText)
		r.back.Requests = append(r.back.Requests, rec)
		if r.keep && rec.Phase == domain.PhaseMeasure {
			light := rec
			light.Prompt, light.Output = nil, nil
			r.kept = append(r.kept, light)
		}
		r.live.ended(it.ended.tape, rec)
	case it.sample != nil:
		r.back.Samples = append(r.back.Samples, *it.sample)
	case it.change != nil:
		r.back.Phases = append(r.back.Phases, *it.change)
		r.live.enter(*it.change)
		r.sink.Phase(*it.change)
	case it.info != nil:
		r.sink.Prepared(*it.info)
	case it.ask != nil:
		it.ask <- r.kept
		r.kept = nil
	}
}

// flush takes what waits in the queue, then appends one batch and sends one progress event.
func (r *recorder) flush() {
	r.drain()
	if r.err == nil {
		r.append()
	}
	note := ""
	if p := r.note.Load(); p != nil {
		note = *p
	}
	r.sink.Progress(r.live.event(time.Now(), note))
}

// finish is the last flush. It tries once more to store what an earlier failure left behind.
func (r *recorder) finish() {
	r.drain()
	r.append()
	r.sink.Progress(r.live.event(time.Now(), ""))
}

func (r *recorder) drain() {
	for {
		select {
		case it := <-r.queue:
			r.take(it)
		default:
			return
		}
	}
}

func (r *recorder) append() {
	if len(r.back.Requests)+len(r.back.Samples)+len(r.back.Phases) == 0 {
		return
	}
	if err := r.sink.Append(r.back); err != nil {
		if r.err == nil {
			r.err = fmt.Errorf("%w: %w", errStorage, err)
			r.abort(r.err)
		}
		return
	}
	r.back = domain.Batch{}
}
