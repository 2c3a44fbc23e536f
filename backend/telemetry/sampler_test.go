package telemetry

import (
	"context"
	"math"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

// fakeHost is a two-core machine whose first core is always busy. Each reading takes `takes`.
type fakeHost struct {
	epoch time.Time
	takes func() time.Duration
}

func (f *fakeHost) name() string { return "fake" }
func (f *fakeHost) close()       {}

func (f *fakeHost) read(now time.Time, w *cpuWindow, r *hostReading) {
	if f.takes != nil {
		time.Sleep(f.takes())
	}
	*r = hostReading{hasRAM: true, ramUsed: 3e9, memErr: "no swap here"}
	for g := range domain.Gauges {
		r.gauges.miss(g, lack{reason: "not on this machine"})
	}
	ticks := uint64(now.Sub(f.epoch).Milliseconds())
	slot := w.next()
	slot.at = now
	slot.total = cpuTicks{ticks, 2 * ticks}
	slot.cores = append(slot.cores[:0], cpuTicks{ticks, ticks}, cpuTicks{0, ticks})
	w.commit()
}

// fakeProcess uses half a core.
type fakeProcess struct{ epoch time.Time }

func (f fakeProcess) cpuTime() (time.Duration, bool) { return time.Since(f.epoch) / 2, true }
func (f fakeProcess) rss() (uint64, bool)            { return 2e9, true }
func (f fakeProcess) majorFaults() (uint64, bool)    { return 0, true }
func (f fakeProcess) close()                         {}

func fakeSampler(hz float64, takes func() time.Duration, gpus ...gpuDriver) *Sampler {
	epoch := time.Now().Add(-time.Hour)
	proc := func() (processSource, bool) { return fakeProcess{epoch}, true }
	return newSampler(Options{RateHz: hz}, newTimerPacer(), &fakeHost{epoch, takes}, proc,
		func(int) (processSource, bool) { return proc() }, gpus)
}

// running runs the sampler in the bubble until stop is called.
func running(t *testing.T, s *Sampler) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	synctest.Wait()
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	}
}

func TestSteadyRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := fakeSampler(0, nil)
		stop := running(t, s)
		s.SetEnginePID(7)
		time.Sleep(10*time.Second + time.Millisecond)
		stop()
		st := s.Stats()
		if st.RateHz != 10 || st.Ticks != 101 || st.Missed != 0 || *st.LateP99Ms != 0 {
			t.Errorf("stats %+v (late %v)", st, *st.LateP99Ms)
		}
		got, ok := s.Latest()
		if !ok || *got.CPUPercent != 50 || !slices.Equal(got.CPUCores, []float64{100, 0}) || *got.RAMUsedGB != 3 {
			t.Errorf("latest %+v", got)
		}
		if got.SwapUsedGB != nil || got.Phase != domain.PhaseIdle || got.TUs != 0 || len(got.GPUs) != 0 {
			t.Errorf("latest %+v", got)
		}
		if !near(*got.EngineCPUPercent, 50) || *got.EngineRSSGB != 2 || !near(*got.SelfCPUPercent, 50) {
			t.Errorf("processes %v %v %v", *got.EngineCPUPercent, *got.EngineRSSGB, *got.SelfCPUPercent)
		}
		all := s.History(time.Hour)
		for i := 1; i < len(all); i++ {
			if d := all[i].Timestamp.Sub(all[i-1].Timestamp); d != 100*time.Millisecond {
				t.Fatalf("sample %d comes after %v", i, d)
			}
		}
		if n := len(s.History(time.Second)); n != 10 && n != 11 {
			t.Errorf("%d samples in the last second", n)
		}
	})
}

// A reading that takes longer than a period costs ticks but shifts none: the grid of deadlines stays.
func TestMissedTicksAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		s := fakeSampler(10, func() time.Duration {
			if n++; n == 6 {
				return 250 * time.Millisecond
			}
			return 0
		})
		start := time.Now()
		stop := running(t, s)
		time.Sleep(2*time.Second + time.Millisecond)
		stop()
		st := s.Stats()
		if st.Missed != 2 || st.Ticks != 19 {
			t.Errorf("%d missed, %d taken; want 2 and 19", st.Missed, st.Ticks)
		}
		for _, x := range s.History(time.Hour) {
			if off := x.Timestamp.Sub(start) % (100 * time.Millisecond); off != 0 || x.LateMs != 0 {
				t.Errorf("sample at %v, late %v ms", x.Timestamp.Sub(start), x.LateMs)
			}
		}
	})
}

func TestRunIsTagged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := fakeSampler(10, nil)
		stop := running(t, s)
		time.Sleep(time.Second + 30*time.Millisecond)
		sink := make(chan domain.Sample, 100)
		s.Begin(time.Now(), func(x domain.Sample) { sink <- x })
		time.Sleep(50 * time.Millisecond)
		s.SetPhase(domain.PhaseMeasure) // no tick is due yet
		if len(sink) != 1 {
			t.Fatalf("%d samples at the edge, want the forced one", len(sink))
		}
		got := []domain.Sample{<-sink}
		if got[0].Phase != domain.PhaseMeasure || got[0].TUs != 50000 || got[0].TMs != 50 {
			t.Fatalf("forced reading %+v", got[0])
		}
		time.Sleep(time.Second)
		s.End()
		n := len(sink)
		time.Sleep(time.Second)
		stop()
		if n != 10 || len(sink) != n {
			t.Errorf("%d samples, %d after the end; want 10 and none more", n, len(sink)-n)
		}
		for range n {
			got = append(got, <-sink)
		}
		if !slices.IsSortedFunc(got, func(a, b domain.Sample) int { return int(a.TUs - b.TUs) }) {
			t.Error("samples are out of order")
		}
		if last, _ := s.Latest(); last.Phase != domain.PhaseIdle || last.TUs != 0 {
			t.Errorf("still tagged after the end: %+v", last)
		}
		if ticks := s.Stats().Ticks; ticks != 31 {
			t.Errorf("%d ticks: forced readings are no ticks", ticks)
		}
	})
}

func TestRate(t *testing.T) {
	for _, tt := range []struct{ in, want float64 }{
		{0, 10}, {-3, 10}, {math.NaN(), 10}, {0.1, 1}, {20, 20}, {1000, 50}, {math.Inf(1), 50},
	} {
		if got := fakeSampler(tt.in, nil).Stats().RateHz; !near(got, tt.want) {
			t.Errorf("rate %v becomes %v, want %v", tt.in, got, tt.want)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		s := fakeSampler(1, nil)
		stop := running(t, s)
		s.SetRate(50)
		time.Sleep(time.Second + time.Millisecond)
		stop()
		if n := s.Stats().Ticks; n != 51 {
			t.Errorf("%d ticks in a second at the new rate, want 51", n)
		}
	})
}

// Everything may be called at once; the race detector watches.
func TestConcurrentUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := fakeSampler(50, nil, &fakeGPU{count: 2})
		stop := running(t, s)
		var last int64
		s.Begin(time.Now(), func(x domain.Sample) {
			if x.TUs < last {
				t.Errorf("sample at %d after one at %d", x.TUs, last)
			}
			last = x.TUs
		})
		done := make(chan struct{})
		work := []func(){
			func() { s.SetPhase(domain.PhaseMeasure) }, func() { s.SetEnginePID(1) }, func() { s.Latest() },
			func() { s.History(time.Second) }, func() { s.System() }, func() { s.SetRate(25) },
		}
		for _, f := range work {
			go func() {
				defer func() { done <- struct{}{} }()
				for range 50 {
					f()
					time.Sleep(7 * time.Millisecond)
				}
			}()
		}
		for range work {
			<-done
		}
		s.End()
		stop()
	})
}

func TestSystem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := fakeSampler(10, nil)
		for _, x := range s.System().Sensors { // before Run: it waits, then says so
			if x.Available || x.Reason == "" {
				t.Errorf("sensor before the first reading: %+v", x)
			}
		}
		stop := running(t, s)
		defer stop()
		time.Sleep(time.Second)
		sys := s.System()
		if sys.Hostname == "" || sys.OS == "" || sys.CPUThreads < 1 || sys.RAMTotalGB <= 0 || sys.Arch == "" {
			t.Errorf("facts are missing: %+v", sys)
		}
		if sys.GPUs == nil || sys.GPUReason == "" {
			t.Errorf("no GPU, and no reason either: %+v", sys.GPUs)
		}
		want := map[string]bool{
			"cpu_usage_percent": true, "cpu_cores_percent": true, "ram_usage_gb": true, "swap_usage_gb": false,
			"engine_cpu_percent": false, "engine_rss_gb": false, "self_cpu_percent": true,
			"gpu_usage_percent": false, "vram_usage_gb": false, "power_w": false, "gpu_temp_c": false,
		}
		for _, x := range sys.Sensors {
			if x.Available != want[x.Key] || x.Available == (x.Reason != "") || x.Unit == "" {
				t.Errorf("sensor %+v", x)
			}
			delete(want, x.Key)
		}
		if len(want) > 0 {
			t.Errorf("sensors not listed: %v", want)
		}
	})
}

func TestRemoteStandsInSamples(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := fakeSampler(10, nil)
		stop := running(t, s)
		defer stop()
		asked := 0
		s.SetRemote(func() []domain.RemoteSample {
			if asked++; asked == 2 {
				return []domain.RemoteSample{{Source: "a:1"}}
			}
			return nil
		})
		var got []domain.Sample
		s.Begin(time.Now(), func(x domain.Sample) { got = append(got, x) })
		time.Sleep(350 * time.Millisecond)
		s.End()
		s.SetRemote(nil)
		if len(got) != 3 || got[0].Remote != nil || len(got[1].Remote) != 1 || got[2].Remote != nil {
			t.Errorf("%d samples, %+v", len(got), got)
		}
		before := asked
		time.Sleep(time.Second)
		if asked != before {
			t.Error("asked after it was taken away")
		}
	})
}
