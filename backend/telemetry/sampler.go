package telemetry

import (
	"context"
	"log/slog"
	"maps"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

// The bounds of the sampling rate; more than 50 a second would measure the meter.
const (
	DefaultRateHz = 10
	LeastRateHz   = 1
	MostRateHz    = 50
)

// Options are what New needs; the zero value samples this machine ten times a second.
type Options struct {
	RateHz   float64      // 0: DefaultRateHz; held within the bounds
	NVMLPath string       // path of libnvidia-ml; empty: the system's
	Log      *slog.Logger // nil: silent
}

// Sampler reads all sensors at a steady rate while Run runs. Its methods are safe for concurrent
// use and none waits for a driver that hangs.
type Sampler struct {
	log    *slog.Logger
	period atomic.Int64
	pace   pacer
	gpu    *gpuWatch
	static func() domain.System
	facts  factMemo

	// mu is held for one whole reading, so that samples reach the ring and the sink in order of time
	// whoever asked for them.
	mu     sync.Mutex
	reader *reader
	run    runState
	out    handOut

	// seen guards what readers of the past look at; they never wait for a reading under way.
	seen   sync.Mutex
	past   past
	clock  tickClock
	latest hostStatus
}

// runState is the run that samples belong to; sink is nil outside one.
type runState struct {
	start  time.Time
	phase  domain.Phase
	sink   func(domain.Sample)
	remote func() []domain.RemoteSample // what came from other machines since it was asked last; may be nil
}

// New prepares a sampler; Run starts it.
func New(opts Options) *Sampler {
	return newSampler(opts, newPacer(), newHostSource(), newSelfSource, newProcessSource, systemDrivers(opts.NVMLPath))
}

func newSampler(opts Options, pace pacer, host hostSource, self func() (processSource, bool),
	process func(pid int) (processSource, bool), gpus []gpuDriver,
) *Sampler {
	log := opts.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s := &Sampler{
		log: log, pace: pace, gpu: newGPUWatch(gpus),
		static: sync.OnceValue(readSystem), reader: newReader(host, self, process),
		run: runState{phase: domain.PhaseIdle}, past: newPast(),
	}
	s.SetRate(opts.RateHz)
	return s
}

// SetRate changes the rate from the next tick on; 0 means the default.
func (s *Sampler) SetRate(hz float64) {
	if !(hz > 0) { // also what is no number
		hz = DefaultRateHz
	}
	hz = min(max(hz, LeastRateHz), MostRateHz)
	period := time.Duration(float64(time.Second) / hz)
	s.period.Store(int64(period))
	s.seen.Lock()
	s.past.recent.resize(int(ringSpan / period))
	s.seen.Unlock()
	s.pace.wake()
}

// Run samples until ctx ends, then returns nil once its goroutines have ended. It is called once. A
// GPU driver that hangs is left behind: no program can end a thread inside it.
func (s *Sampler) Run(ctx context.Context) error {
	stop := s.gpu.start()
	defer func() {
		if !stop() {
			s.log.Warn("GPU driver does not answer; left behind")
		}
	}()
	defer context.AfterFunc(ctx, s.pace.wake)()
	defer s.pace.close()
	s.read(0, true)
	period := s.every()
	next := time.Now().Add(period)
	for {
		s.pace.wait(next)
		if ctx.Err() != nil {
			break
		}
		if now := s.every(); now != period {
			period, next = now, time.Now().Add(now)
			continue
		}
		if late := time.Since(next); late >= 0 {
			s.read(late, true)
			next = s.after(next)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reader.close()
	return nil
}

func (s *Sampler) every() time.Duration { return time.Duration(s.period.Load()) }

// after returns the next deadline. Deadlines are absolute: a late tick does not shift the ones after
// it, and ticks whose time has already passed are left out and counted.
func (s *Sampler) after(due time.Time) time.Time {
	period := s.every()
	next := due.Add(period)
	if behind := time.Since(next); behind >= 0 {
		skipped := int64(behind/period) + 1
		next = next.Add(time.Duration(skipped) * period)
		s.seen.Lock()
		s.clock.missed += skipped
		s.seen.Unlock()
	}
	return next
}

// read takes one sample. Forced readings at the edge of a phase are no ticks.
func (s *Sampler) read(late time.Duration, tick bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.readLocked(late, tick)
}

func (s *Sampler) readLocked(late time.Duration, tick bool) {
	now := time.Now()
	sample := s.reader.sample(now) // its figures are the reader's, which writes them anew each time
	sample.Phase = s.run.phase
	sample.LateMs = float64(max(late, 0)) / nsPerMs
	s.gpu.into(&sample)
	if s.run.remote != nil {
		sample.Remote = s.run.remote()
	}
	if s.run.sink != nil {
		sample.TUs = now.Sub(s.run.start).Microseconds()
		sample.TMs = float64(sample.TUs) / 1000
	}
	s.seen.Lock()
	s.past.add(&sample)
	s.latest = s.reader.status()
	if tick {
		s.clock.tick(late)
	}
	s.seen.Unlock()
	if s.run.sink != nil {
		s.run.sink(s.out.copy(&sample))
	}
}

// Begin tags samples from now on with a run: time counts from start, and sink gets every sample, in
// order of time, until End returns. Sink is called on the sampler's goroutine, or on that of the
// caller of SetPhase; it must not block and must not call the sampler.
func (s *Sampler) Begin(start time.Time, sink func(domain.Sample)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.run = runState{start: start, phase: domain.PhasePrepare, sink: sink, remote: s.run.remote}
}

// SetRemote adds what fresh returns to each sample until it is set to nil: the answers of other
// machines' metrics addresses since the sample before. It must not block; the one before it is not
// called any more.
func (s *Sampler) SetRemote(fresh func() []domain.RemoteSample) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.run.remote = fresh
}

// SetPhase tags samples with a new phase and takes one at its edge before it returns.
func (s *Sampler) SetPhase(p domain.Phase) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.run.phase = p
	s.readLocked(0, false)
}

// SetEnginePID names the engine's process; 0 means that there is none on this machine.
func (s *Sampler) SetEnginePID(pid int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reader.watch(pid)
	s.gpu.engine.Store(int64(pid))
}

// End goes back to idle; the sink is not called after it returns.
func (s *Sampler) End() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.run = runState{phase: domain.PhaseIdle, remote: s.run.remote}
}

// Latest returns the newest sample; false before the first.
func (s *Sampler) Latest() (domain.Sample, bool) {
	s.seen.Lock()
	defer s.seen.Unlock()
	return s.past.latest()
}

// History returns the samples of the last d, newest last; at most the last hour. Those older than ten
// minutes are one a second: the means of its readings, and the last value of counters.
func (s *Sampler) History(d time.Duration) []domain.Sample {
	from := time.Now().Add(-d)
	s.seen.Lock()
	rows := s.past.since(from)
	s.seen.Unlock() // a tick does not wait for what follows
	out := make([]domain.Sample, len(rows.heads))
	for i := range out {
		out[i] = rows.sample(i)
	}
	return out
}

// System returns the static facts of this machine and the state of each sensor; App is left empty.
// It waits for the GPU driver to open, but not for long.
func (s *Sampler) System() domain.System {
	sys := s.static()
	sys.Facts = maps.Clone(sys.Facts)
	maps.Copy(sys.Facts, s.facts.now(os.DirFS("/")))
	s.gpu.awaitOpen()
	facts := s.gpu.facts()
	sys.GPUs = slices.Clone(facts.gpus)
	if sys.GPUs == nil {
		sys.GPUs = []domain.GPUInfo{}
	}
	sys.GPUReason = facts.reason
	s.seen.Lock()
	status := s.latest
	s.seen.Unlock()
	sys.Sensors = append(status.sensors(), facts.sensors()...)
	sys.Telemetry = s.Stats()
	return sys
}

// Stats says how well the sampler keeps its time.
func (s *Sampler) Stats() domain.Telemetry {
	s.seen.Lock()
	defer s.seen.Unlock()
	t := domain.Telemetry{
		RateHz: float64(time.Second) / float64(s.every()),
		Ticks:  s.clock.ticks, Missed: s.clock.missed, LateP99Ms: s.clock.p99(),
	}
	if last, ok := s.past.latest(); ok {
		t.SelfCPUPct = last.SelfCPUPercent
	}
	return t
}

// tickClock counts ticks and keeps the lateness of the last ones.
type tickClock struct {
	ticks, missed int64
	late          [1024]time.Duration
}

func (c *tickClock) tick(late time.Duration) {
	c.late[c.ticks%int64(len(c.late))] = max(late, 0)
	c.ticks++
}

// p99 is the 99th percentile (nearest rank) of the lateness of the last thousand ticks; nil before
// the first.
func (c *tickClock) p99() *float64 {
	n := int(min(c.ticks, int64(len(c.late))))
	if n == 0 {
		return nil
	}
	sorted := slices.Clone(c.late[:n])
	slices.Sort(sorted)
	ms := float64(sorted[(99*n+99)/100-1]) / nsPerMs
	return &ms
}
