package telemetry

import (
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

func TestProcHost(t *testing.T) {
	tests := []struct {
		tree      string
		cores     int
		total     cpuTicks
		ram, swap uint64
		cpuFails  bool
		memFails  bool
	}{
		{tree: "plain", cores: 2, total: cpuTicks{15169, 257494}, ram: 2000000 << 10, swap: 1048576 << 10},
		{tree: "old", cores: 1, total: cpuTicks{150, 1000}, ram: 400000 << 10},
		{tree: "wide", cores: 256, total: cpuTicks{256000, 2560000}, ram: 600 << 10},
		{tree: "broken", cpuFails: true, memFails: true},
		{tree: "missing", cpuFails: true, memFails: true},
	}
	for _, tt := range tests {
		t.Run(tt.tree, func(t *testing.T) {
			h := newProcHost("testdata/tree/" + tt.tree)
			t.Cleanup(h.close)
			var w cpuWindow
			var r hostReading
			h.read(time.Now(), &w, &r)
			if (r.cpuErr != "") != tt.cpuFails || (r.memErr != "") != tt.memFails {
				t.Fatalf("reasons %q and %q", r.cpuErr, r.memErr)
			}
			if got := r.hasRAM && r.hasSwap; got == tt.memFails {
				t.Errorf("memory is there: %v", got)
			}
			if r.ramUsed != tt.ram || r.swapUsed != tt.swap {
				t.Errorf("ram %d swap %d, want %d %d", r.ramUsed, r.swapUsed, tt.ram, tt.swap)
			}
			if tt.cpuFails {
				if w.back(0) != nil {
					t.Error("a failed reading entered the window")
				}
				return
			}
			if got := w.back(0); got.total != tt.total || len(got.cores) != tt.cores {
				t.Errorf("total %v with %d cores, want %v with %d", got.total, len(got.cores), tt.total, tt.cores)
			}
		})
	}
}

// realSampler reads this machine, and this process as the engine.
func realSampler(tb testing.TB) *Sampler {
	tb.Helper()
	s := newSampler(Options{}, newPacer(), newHostSource(), newSelfSource, newProcessSource, nil)
	tb.Cleanup(func() { s.reader.close(); s.pace.close() })
	s.SetEnginePID(os.Getpid())
	for range windowSlots {
		s.read(0, true)
	}
	return s
}

// A whole tick allocates nothing: reading, parsing, and storing what was read. Of a run, some sixty
// samples that are handed out share one block.
func TestTickAllocatesNothing(t *testing.T) {
	s := realSampler(t)
	tick := func() { s.read(0, true) }
	if n := testing.AllocsPerRun(1000, tick); n != 0 {
		t.Errorf("a tick allocates %v times", n)
	}
	kept := make([]domain.Sample, 0, 20*handOutRows)
	s.Begin(time.Now(), func(x domain.Sample) { kept = append(kept, x) })
	const blocks = 10
	n := testing.AllocsPerRun(1, func() {
		for range blocks * handOutRows {
			tick()
		}
	})
	if n > 4*blocks || len(kept) != 2*blocks*handOutRows { // AllocsPerRun runs it once before it counts
		t.Errorf("%d samples that are kept allocate %v times", blocks*handOutRows, n)
	}
}

func BenchmarkTick(b *testing.B) {
	s := realSampler(b)
	b.ReportAllocs()
	for b.Loop() {
		s.read(0, true)
	}
}

// The engine's process is read while it lives, and its end is told, not shown as zero.
func TestEngineProcess(t *testing.T) {
	busy := exec.CommandContext(t.Context(), "sh", "-c", "while :; do :; done")
	if err := busy.Start(); err != nil {
		t.Fatal(err)
	}
	h := newProcHost("testdata/tree/plain")
	t.Cleanup(h.close)
	rd := newReader(h, newSelfSource, newProcessSource)
	rd.watch(busy.Process.Pid)
	deadline := time.Now().Add(10 * time.Second)
	for {
		s := rd.sample(time.Now())
		if s.EngineCPUPercent != nil && *s.EngineCPUPercent > 1 && s.EngineRSSGB != nil && *s.EngineRSSGB > 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the busy process was never seen at work: %v %v", s.EngineCPUPercent, s.EngineRSSGB)
		}
	}
	if err := busy.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	// Until it is collected, the system still answers for its CPU time and for no memory.
	s := rd.sample(time.Now())
	for deadline = time.Now().Add(10 * time.Second); s.EngineRSSGB != nil && *s.EngineRSSGB > 0 && time.Now().Before(deadline); {
		s = rd.sample(time.Now())
	}
	if s.EngineCPUPercent != nil || s.EngineRSSGB != nil {
		t.Errorf("a process that has ended but is not collected has figures: %v %v", s.EngineCPUPercent, s.EngineRSSGB)
	}
	_ = busy.Wait() // killed: its error is expected
	s = rd.sample(time.Now())
	if s.EngineCPUPercent != nil || s.EngineRSSGB != nil {
		t.Errorf("an ended process still has figures: %v %v", s.EngineCPUPercent, s.EngineRSSGB)
	}
	if got := rd.status().engine; got != engineEnded {
		t.Errorf("reason %q", got)
	}
	rd.watch(0)
	if got := rd.status().engine; got != noEngine {
		t.Errorf("reason %q after it was let go", got)
	}
	rd.watch(busy.Process.Pid)
	if got := rd.status().engine; got != engineEnded {
		t.Errorf("reason %q for a process that is not there", got)
	}
}
