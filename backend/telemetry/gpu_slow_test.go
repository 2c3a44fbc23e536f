package telemetry

import (
	"testing"
	"testing/synctest"
	"time"
)

// why returns the reason of a sensor; empty when it is there.
func why(t *testing.T, s *Sampler, key string) string {
	t.Helper()
	for _, x := range s.System().Sensors {
		if x.Key == key {
			return x.Reason
		}
	}
	t.Fatalf("%s is not listed", key)
	return ""
}

// The memory that the engine holds is told for the engine of now: never that of the one before it.
func TestSlowFigures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := fakeSampler(10, nil, &fakeGPU{count: 1})
		s.SetEnginePID(7)
		stop := running(t, s)
		defer stop()
		time.Sleep(1050 * time.Millisecond)
		got, _ := s.Latest()
		if g := got.GPUs[0]; *g.EngineVRAMGB != 7 || *g.OtherVRAMGB != 14 || g.FanPct != nil {
			t.Errorf("got %+v", g)
		}
		if r := why(t, s, keyEngineVRAM); r != "" {
			t.Errorf("reason %q for what is there", r)
		}
		if r := why(t, s, keyFan); r != "The driver does not tell this of GPU 0." {
			t.Errorf("reason %q", r)
		}
		s.SetEnginePID(9)
		time.Sleep(100 * time.Millisecond)
		if got, _ := s.Latest(); got.GPUs[0].EngineVRAMGB != nil || got.GPUs[0].OtherVRAMGB != nil {
			t.Errorf("memory of the engine before: %+v", got.GPUs[0])
		}
		if r := why(t, s, keyOtherVRAM); r != notYet {
			t.Errorf("reason %q", r)
		}
		time.Sleep(time.Second)
		if got, _ := s.Latest(); *got.GPUs[0].EngineVRAMGB != 9 {
			t.Errorf("memory %v of the new engine", *got.GPUs[0].EngineVRAMGB)
		}
	})
}

// Slow figures that hang cost no other figure; theirs go when they are old.
func TestSlowFiguresHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gpu := &fakeGPU{count: 1, slowHang: make(chan struct{}, 2)}
		gpu.slowHang <- struct{}{}
		gpu.slowHang <- struct{}{}
		s := fakeSampler(10, nil, gpu)
		stop := running(t, s)
		time.Sleep(1050 * time.Millisecond)
		if got, _ := s.Latest(); got.GPUs[0].EngineVRAMGB == nil {
			t.Error("no slow figure while they come")
		}
		time.Sleep(4 * time.Second)
		if got, _ := s.Latest(); got.GPUs[0].EngineVRAMGB != nil || got.GPUs[0].UtilPct == nil {
			t.Errorf("got %+v", got.GPUs[0])
		}
		if r := why(t, s, keyPCIeRx); r != gpuSilent {
			t.Errorf("reason %q", r)
		}
		if st := s.Stats(); st.Missed != 0 {
			t.Errorf("%d ticks missed", st.Missed)
		}
		stop()
		if gpu.closed {
			t.Error("the driver was closed under a call")
		}
		close(gpu.slowHang)
	})
}

func TestEnergyMeter(t *testing.T) {
	var m energyMeter
	for i, step := range []struct{ counter, want uint64 }{
		{0, 0}, {1000, 0}, {1500, 500}, {1500, 500}, {0, 500}, {1600, 600}, // 0 is no reading
		{40, 600}, {100, 660}, {1<<63 + 100, 660 + 1<<63}, {7, 660 + 1<<63}, // it began anew
	} {
		if got := m.add(step.counter); got != step.want {
			t.Errorf("reading %d at %d: %d, want %d", i, step.counter, got, step.want)
		}
	}
}

func TestDescends(t *testing.T) {
	parents := map[int]int{5: 4, 4: 3, 3: 1, 9: 8, 8: 9}
	parentOf := func(pid int) int { return parents[pid] }
	for _, tt := range []struct {
		pid, root int
		want      bool
	}{{5, 5, true}, {5, 3, true}, {3, 5, false}, {9, 3, false}, {77, 3, false}, {1, 3, false}, {5, 1, true}} {
		if got := descends(tt.pid, tt.root, parentOf); got != tt.want {
			t.Errorf("%d of %d: %v", tt.pid, tt.root, got)
		}
	}
}
