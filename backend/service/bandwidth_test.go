package service_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/service"
)

// memory stands for the memory of the machine: reading it takes a second.
type memory struct {
	free    int64
	threads int
	begun   chan struct{} // closed when reading began; may be nil
}

func (m *memory) read(ctx context.Context, free int64, threads int, done func(float64)) (domain.Bandwidth, error) {
	m.free, m.threads = free, threads
	if m.begun != nil {
		close(m.begun)
	}
	select {
	case <-time.After(time.Second):
	case <-ctx.Done():
		return domain.Bandwidth{}, ctx.Err()
	}
	done(1)
	return domain.Bandwidth{GBPerS: 25, Rounds: []float64{24, 25}, Threads: threads, Bytes: 1 << 29}, nil
}

func withMemory(m *memory) options {
	return options{deps: func(d *service.Deps) { d.ReadMemory = m.read }}
}

// quiet is a machine that has rested for so long.
func quiet() []domain.Sample {
	now := time.Now()
	return []domain.Sample{
		{Timestamp: now.Add(-2 * time.Second), CPUPercent: ptr(2.0), CPUCores: []float64{1, 3, 2, 2}, RAMUsedGB: ptr(2.0)},
		{Timestamp: now, CPUPercent: ptr(4.0), CPUCores: []float64{4, 4, 4, 4}, SelfCPUPercent: ptr(4.0), RAMUsedGB: ptr(2.0)},
	}
}

func TestMeasureBandwidth(t *testing.T) {
	m := &memory{}
	in(t, withMemory(m), func(t *testing.T, w *world) {
		w.sampler.history = quiet()
		w.sampler.gpus = []domain.GPUInfo{{MemBusBits: ptr(5120), MaxMemClockMHz: ptr(2619.0)}, {}}
		if sys, err := w.svc.System(t.Context()); err != nil || sys.Bandwidth != nil || *sys.GPUs[0].MemPeakGBPerS != 3352.32 || sys.GPUs[1].MemPeakGBPerS != nil {
			t.Errorf("before: %+v, %v", sys, err)
		}
		events := w.svc.Events(t.Context(), "")
		b, err := w.svc.MeasureBandwidth(t.Context(), domain.BandwidthRequest{})
		if err != nil || b.GBPerS != 25 || !b.MeasuredAt.Equal(time.Now()) || m.threads != 1 || m.free != 6e9 {
			t.Errorf("%+v, %v with %d threads, %d bytes free", b, err, m.threads, m.free)
		}
		last := 0.0
		for last < 1 {
			e := <-events
			if p, ok := e.Data.(domain.BandwidthEvent); e.Kind == domain.EventBandwidth && ok {
				last = p.Fraction
			}
		}
		if sys, err := w.svc.System(t.Context()); err != nil || sys.Bandwidth == nil || sys.Bandwidth.GBPerS != 25 {
			t.Errorf("after: %+v, %v", sys.Bandwidth, err)
		}
		// Another number of threads is another figure.
		if b, err = w.svc.MeasureBandwidth(t.Context(), domain.BandwidthRequest{Threads: ptr(3)}); err != nil || b.Threads != 3 {
			t.Errorf("%+v, %v", b, err)
		}
		if sys, err := w.svc.System(t.Context()); err != nil || sys.Bandwidth.Threads != 1 {
			t.Errorf("the engine's own: %+v, %v", sys.Bandwidth, err)
		}
		for _, n := range []int{0, 5} {
			_, err = w.svc.MeasureBandwidth(t.Context(), domain.BandwidthRequest{Threads: &n})
			refused(t, err, domain.KindInvalid, "body.threads")
		}
	})
}

// The use of the whole machine trails by a second: just after this program was busy by itself, that is
// still in it, and nobody else's.
func TestBandwidthDoesNotTakeItselfForOthers(t *testing.T) {
	m := &memory{}
	in(t, withMemory(m), func(t *testing.T, w *world) {
		now := time.Now()
		for i := range 20 {
			x := domain.Sample{Timestamp: now.Add(time.Duration(i-19) * 100 * time.Millisecond), CPUCores: make([]float64, 4), CPUPercent: ptr(75.0), SelfCPUPercent: ptr(300.0)}
			if i > 14 {
				x.CPUPercent, x.SelfCPUPercent = ptr(75-7.5*float64(i-14)), ptr(0.0)
			}
			w.sampler.history = append(w.sampler.history, x)
		}
		if _, err := w.svc.MeasureBandwidth(t.Context(), domain.BandwidthRequest{}); err != nil {
			t.Error(err)
		}
	})
}

func TestBandwidthIsRefusedWhereItWouldBeWrong(t *testing.T) {
	m := &memory{}
	in(t, withMemory(m), func(t *testing.T, w *world) {
		w.sampler.history = []domain.Sample{{CPUPercent: ptr(40.0), CPUCores: []float64{40, 40, 40, 40}}}
		_, err := w.svc.MeasureBandwidth(t.Context(), domain.BandwidthRequest{})
		if domain.KindOf(err) != domain.KindConflict || m.threads != 0 {
			t.Errorf("a busy machine: %v", err)
		}
		w.sampler.history = quiet()
		id := w.start(nil).ID
		w.measuring(id)
		if _, err = w.svc.MeasureBandwidth(t.Context(), domain.BandwidthRequest{}); domain.KindOf(err) != domain.KindConflict {
			t.Errorf("beside a benchmark: %v", err)
		}
		w.wait(id)
	})
}

// While memory is read, benchmarks wait and a second reading is refused; a canceled reading keeps
// nothing and lets the queue go on.
func TestBandwidthKeepsTheMachineForItself(t *testing.T) {
	m := &memory{begun: make(chan struct{})}
	in(t, withMemory(m), func(t *testing.T, w *world) {
		w.sampler.history = quiet()
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			_, err := w.svc.MeasureBandwidth(ctx, domain.BandwidthRequest{})
			ended <- err
		}()
		<-m.begun
		if _, err := w.svc.MeasureBandwidth(t.Context(), domain.BandwidthRequest{}); domain.KindOf(err) != domain.KindConflict {
			t.Errorf("a second one: %v", err)
		}
		id := w.start(nil).ID
		synctest.Wait() // the worker has looked at the queue
		if _, busy := w.svc.ActiveRun(); busy {
			t.Error("a benchmark began while memory was read")
		}
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("canceled: %v", err)
		}
		if r := w.wait(id); r.Status != domain.StatusCompleted || r.Environment.Bandwidth != nil {
			t.Errorf("%s, %+v", r.Status, r.Environment.Bandwidth)
		}
	})
}

// A run is held against the bandwidth known when it began; its report also against one measured
// later.
func TestARunSaysWhatLimitedIt(t *testing.T) {
	m := &memory{}
	in(t, withMemory(m), func(t *testing.T, w *world) {
		w.sampler.history = quiet()
		w.library.models[0].GGUF.BytesPerToken = ptr(int64(200e6)) // at 100 tok/s: 20 GB/s
		before := w.wait(w.start(nil).ID)
		b := before.Bottleneck
		if b == nil || b.Limit != domain.LimitUnknown || b.Share != nil || before.Environment.Model == nil {
			t.Fatalf("before the memory was measured: %+v", b)
		}
		threads := max(1, before.Environment.Engine.Threads)
		if _, err := w.svc.MeasureBandwidth(t.Context(), domain.BandwidthRequest{Threads: &threads}); err != nil {
			t.Fatal(err)
		}
		after := w.wait(w.start(nil).ID)
		if b = after.Bottleneck; b == nil || b.Limit != domain.LimitMemory || *b.Ceiling != 25 || *b.Share < 0.78 || *b.Share > 0.82 {
			t.Errorf("after it was measured: %+v", b)
		}
		rep, err := w.svc.BenchmarkReport(t.Context(), before.ID, "")
		if err != nil || rep.Run.Bottleneck == nil || rep.Run.Bottleneck.Limit != domain.LimitMemory || rep.Run.Environment.Bandwidth != nil {
			t.Errorf("report of the first: %+v, %v", rep.Run.Bottleneck, err)
		}
	})
}
