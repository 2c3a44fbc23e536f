package telemetry

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

// fakeGPU is a driver with equal GPUs at 40 %; takes is how long each reading lasts, hang makes
// every reading wait for its closing.
type fakeGPU struct {
	count int
	takes time.Duration
	opens time.Duration
	why   map[string]string
	hang  chan struct{}

	slowHang chan struct{}
	closed   bool
}

func (f *fakeGPU) name() string { return "fake" }
func (f *fakeGPU) close()       { f.closed = true }

func (f *fakeGPU) open() ([]domain.GPUInfo, string) {
	time.Sleep(f.opens)
	if f.count == 0 {
		return nil, "no fake GPU"
	}
	return make([]domain.GPUInfo, f.count), ""
}

// slow gives the engine's process number as its memory, and twice that to the others.
func (f *fakeGPU) slow(engine int) gpuSlow {
	if f.slowHang != nil {
		<-f.slowHang
	}
	r := gpuSlow{}
	for range f.count {
		own, other := float64(engine), 2*float64(engine)
		r.gpus = append(r.gpus, gpuSlowFigures{engineVRAM: &own, otherVRAM: &other})
	}
	return r
}

func (f *fakeGPU) read() gpuReading {
	time.Sleep(f.takes)
	if f.hang != nil {
		<-f.hang
	}
	r := gpuReading{why: f.why}
	for i := range f.count {
		use, vram, watts, temp := 40.0+float64(i)*20, 4.0, 100.0, 50.0+float64(i)
		r.gpus = append(r.gpus, domain.GPUSample{Index: i, UtilPct: &use, VRAMUsedGB: &vram, PowerW: &watts, TempC: &temp})
	}
	return r
}

func TestSeveralGPUs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gpu := &fakeGPU{count: 2}
		s := fakeSampler(10, nil, &fakeGPU{}, gpu)
		stop := running(t, s)
		time.Sleep(time.Second)
		got, _ := s.Latest()
		if len(got.GPUs) != 2 || *got.GPUPercent != 50 || *got.VRAMUsedGB != 8 || *got.PowerW != 200 || *got.GPUTempC != 51 {
			t.Errorf("got %+v", got)
		}
		if sys := s.System(); len(sys.GPUs) != 2 || sys.GPUReason != "" {
			t.Errorf("system %+v", sys.GPUs)
		}
		stop()
		if !gpu.closed {
			t.Error("the driver was not closed")
		}
	})
}

// A sum that misses one GPU would be too small, so it is none; a mean and a maximum stand.
func TestSumNeedsAllParts(t *testing.T) {
	one, two := 10.0, 20.0
	s := domain.Sample{GPUs: []domain.GPUSample{
		{UtilPct: &one, VRAMUsedGB: &one, PowerW: &one, TempC: &one}, {UtilPct: &two, TempC: &two},
	}}
	sumUp(&s)
	if *s.GPUPercent != 15 || *s.GPUTempC != 20 || s.VRAMUsedGB != nil || s.PowerW != nil {
		t.Errorf("got %+v", s)
	}
}

// A driver that hangs costs the sampler one short wait and no tick; its figures go when they are old
// and come back with it.
func TestHangingGPU(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gpu := &fakeGPU{count: 1, hang: make(chan struct{}, 100)}
		for range 10 {
			gpu.hang <- struct{}{} // ten readings are answered
		}
		s := fakeSampler(10, nil, gpu)
		stop := running(t, s)
		time.Sleep(950 * time.Millisecond)
		if got, _ := s.Latest(); got.GPUPercent == nil {
			t.Fatal("no reading while it answers")
		}
		time.Sleep(3 * time.Second)
		got, _ := s.Latest()
		if got.GPUPercent != nil || len(got.GPUs) != 1 || got.GPUs[0].UtilPct != nil {
			t.Errorf("old figures are still shown: %+v", got)
		}
		if st := s.Stats(); st.Missed != 0 {
			t.Errorf("%d ticks missed", st.Missed)
		}
		for _, x := range s.System().Sensors {
			if x.Key == keyGPU && x.Reason != gpuSilent {
				t.Errorf("reason %q", x.Reason)
			}
		}
		close(gpu.hang)
		time.Sleep(300 * time.Millisecond)
		if got, _ := s.Latest(); got.GPUPercent == nil {
			t.Error("figures did not come back")
		}
		stop()
	})
}

func TestRunEndsWhileGPUHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gpu := &fakeGPU{count: 1, hang: make(chan struct{})}
		stop := running(t, fakeSampler(10, nil, gpu))
		time.Sleep(time.Second)
		asked := time.Now()
		stop()
		if d := time.Since(asked); d > time.Second {
			t.Errorf("the end took %v", d)
		}
		close(gpu.hang)
	})
}

func TestSlowGPU(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := fakeSampler(10, nil, &fakeGPU{count: 1, takes: 70 * time.Millisecond, opens: time.Second})
		stop := running(t, s)
		if got, _ := s.Latest(); len(got.GPUs) != 0 {
			t.Errorf("GPUs before they are known: %+v", got.GPUs)
		}
		time.Sleep(3 * time.Second)
		if got, _ := s.Latest(); got.GPUPercent == nil {
			t.Error("a slow driver is taken for a silent one")
		}
		if st := s.Stats(); st.Missed != 0 {
			t.Errorf("%d ticks missed", st.Missed)
		}
		stop()
	})
}
