package telemetry

import (
	"math"
	"testing"
	"time"
)

// near compares figures that were computed.
func near(a, b float64) bool { return math.Abs(a-b) < 1e-9 }

// put adds a reading at an offset from a fixed begin.
func put(w *cpuWindow, ms int, total cpuTicks, cores ...cpuTicks) {
	slot := w.next()
	slot.at = time.Unix(0, 0).Add(time.Duration(ms) * time.Millisecond)
	slot.total = total
	slot.cores = append(slot.cores[:0], cores...)
	w.commit()
}

func TestCPUWindow(t *testing.T) {
	tests := []struct {
		name    string
		fill    func(w *cpuWindow)
		percent float64
		ok      bool
	}{
		{"nothing yet", func(*cpuWindow) {}, 0, false},
		{"one reading", func(w *cpuWindow) { put(w, 0, cpuTicks{1, 2}) }, 0, false},
		{"two readings too close", func(w *cpuWindow) {
			put(w, 0, cpuTicks{0, 0})
			put(w, 20, cpuTicks{4, 4})
		}, 0, false},
		{"a forced reading goes back past the tick before it", func(w *cpuWindow) {
			put(w, 0, cpuTicks{0, 0})
			put(w, 195, cpuTicks{0, 20})
			put(w, 200, cpuTicks{10, 40})
		}, 25, true},
		{"old work is forgotten", func(w *cpuWindow) {
			put(w, 0, cpuTicks{0, 0})
			put(w, 1000, cpuTicks{200, 200})
			put(w, 1100, cpuTicks{200, 220})
			put(w, 1200, cpuTicks{210, 240})
		}, 25, true},
		{"a counter that steps back is no negative work", func(w *cpuWindow) {
			put(w, 0, cpuTicks{10, 20})
			put(w, 200, cpuTicks{9, 40})
		}, 0, true},
		{"more work than time is all of the time", func(w *cpuWindow) {
			put(w, 0, cpuTicks{0, 20})
			put(w, 200, cpuTicks{50, 40})
		}, 100, true},
		{"no tick at all", func(w *cpuWindow) {
			put(w, 0, cpuTicks{10, 20})
			put(w, 200, cpuTicks{10, 20})
		}, 0, false},
		{"more readings than slots", func(w *cpuWindow) {
			for i := range uint64(5 * windowSlots) {
				put(w, int(i)*20, cpuTicks{i, 4 * i})
			}
		}, 25, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var w cpuWindow
			tt.fill(&w)
			if got, ok := w.percent(); ok != tt.ok || !near(got, tt.percent) {
				t.Errorf("percent = %v, %v; want %v, %v", got, ok, tt.percent, tt.ok)
			}
		})
	}
}

func TestCorePercents(t *testing.T) {
	var w cpuWindow
	put(&w, 0, cpuTicks{}, cpuTicks{0, 0}, cpuTicks{0, 0})
	put(&w, 500, cpuTicks{}, cpuTicks{50, 50}, cpuTicks{0, 0})
	put(&w, 1000, cpuTicks{}, cpuTicks{50, 100}, cpuTicks{0, 0})
	out := make([]float64, 2)
	if !w.corePercents(out) || !near(out[0], 50) || out[1] != 0 {
		t.Errorf("over one second: %v", out)
	}
	put(&w, 1500, cpuTicks{}, cpuTicks{50, 150})
	if w.corePercents(make([]float64, 1)) {
		t.Error("a core has gone: which ones are compared?")
	}
}

func TestCPUMeter(t *testing.T) {
	begin := time.Unix(100, 0)
	at := func(ms int) time.Time { return begin.Add(time.Duration(ms) * time.Millisecond) }
	var m cpuMeter
	steps := []struct {
		ms, used int
		want     float64
		ok       bool
	}{
		{0, 0, 0, false},
		{5, 5, 0, false},                    // too soon after the only one
		{100, 250, 250, true},               // two and a half cores
		{102, 251, 100 * 251.0 / 102, true}, // forced: measured from the reading before
		{200, 250, 0, true},
		{300, 240, 0, true}, // a clock that steps back
	}
	for _, s := range steps {
		got, ok := m.add(at(s.ms), time.Duration(s.used)*time.Millisecond)
		if ok != s.ok || !near(got, s.want) {
			t.Errorf("at %d ms: %v, %v; want %v, %v", s.ms, got, ok, s.want, s.ok)
		}
	}
}

func TestLateness(t *testing.T) {
	var c tickClock
	if c.p99() != nil {
		t.Error("a lateness before the first tick")
	}
	for i := range 100 {
		c.tick(time.Duration(i+1) * time.Millisecond)
	}
	if got := *c.p99(); got != 99 {
		t.Errorf("p99 of 1 to 100 ms is %v", got)
	}
	for range 2000 {
		c.tick(-time.Millisecond)
	}
	if got := *c.p99(); got != 0 {
		t.Errorf("old lateness stays: %v", got)
	}
}
