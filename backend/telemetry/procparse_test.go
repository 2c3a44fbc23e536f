package telemetry

import (
	"slices"
	"testing"
)

func TestParseStat(t *testing.T) {
	tests := []struct {
		name  string
		in    string
		total cpuTicks
		cores []cpuTicks
		ok    bool
	}{
		{
			name:  "guest time is not counted twice, idle and iowait are no work",
			in:    "cpu  10 20 30 400 50 6 7 8 9 1\ncpu0 10 20 30 400 50 6 7 8 9 1\nintr 5\n",
			total: cpuTicks{busy: 81, all: 531}, cores: []cpuTicks{{81, 531}}, ok: true,
		},
		{name: "kernels with four fields", in: "cpu 1 2 3 4\n", total: cpuTicks{busy: 6, all: 10}, ok: true},
		{name: "a core taken offline leaves a gap", in: "cpu 4 0 0 4\ncpu0 2 0 0 2\ncpu3 2 0 0 2", ok: true,
			total: cpuTicks{4, 8}, cores: []cpuTicks{{2, 4}, {2, 4}}},
		{name: "empty"},
		{name: "no total", in: "cpu0 1 2 3 4\n", cores: []cpuTicks{{6, 10}}},
		{name: "too few fields", in: "cpu 1 2 3\n"},
		{name: "no numbers", in: "cpu a b c d\n"},
		{name: "a number that does not fit", in: "cpu 99999999999999999999 1 1 1\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			total, cores, ok := parseStat([]byte(tt.in), nil)
			if ok != tt.ok || (ok && (total != tt.total || !slices.Equal(cores, tt.cores))) {
				t.Errorf("got %v %v %v, want %v %v %v", total, cores, ok, tt.total, tt.cores, tt.ok)
			}
		})
	}
}

func TestParseMeminfo(t *testing.T) {
	tests := []struct {
		name, in   string
		used, swap uint64
		ok         bool
	}{
		{"available is known", "MemTotal: 100 kB\nMemFree: 10 kB\nMemAvailable: 60 kB\n", 40 << 10, 0, true},
		{"old kernel", "MemTotal: 100 kB\nMemFree: 10 kB\nBuffers: 5 kB\nCached: 15 kB\n", 70 << 10, 0, true},
		{"swap", "MemTotal: 9 kB\nMemFree: 9 kB\nSwapTotal: 50 kB\nSwapFree: 20 kB\n", 0, 30 << 10, true},
		{"more free than there is", "MemTotal: 9 kB\nMemAvailable: 10 kB\n", 0, 0, true},
		{"no total", "MemFree: 9 kB\n", 0, 0, false},
		{"total alone", "MemTotal: 9 kB\n", 0, 0, false},
		{"words", "MemTotal: lots\nMemFree: some\n", 0, 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, ok := parseMeminfo([]byte(tt.in))
			if ok != tt.ok {
				t.Fatalf("ok = %v, want %v", ok, tt.ok)
			}
			if ok && (m.usedBytes() != tt.used || m.swapUsedBytes() != tt.swap) {
				t.Errorf("used %d swap %d, want %d %d", m.usedBytes(), m.swapUsedBytes(), tt.used, tt.swap)
			}
		})
	}
}

func TestParseStatm(t *testing.T) {
	for in, want := range map[string]uint64{"100 42 7 1 0 9 0\n": 42, "0 0 0 0 0 0 0": 0} {
		if got, ok := parseStatm([]byte(in)); !ok || got != want {
			t.Errorf("parseStatm(%q) = %d, %v; want %d", in, got, ok, want)
		}
	}
	for _, in := range []string{"", "12", "x y"} {
		if _, ok := parseStatm([]byte(in)); ok {
			t.Errorf("parseStatm(%q) is accepted", in)
		}
	}
}

func FuzzProc(f *testing.F) {
	f.Add([]byte("cpu  1 2 3 4 5 6 7 8 9 10\ncpu0 1 2 3 4\nintr"))
	f.Add([]byte("MemTotal: 100 kB\nMemAvailable: 60 kB\nSwapFree: 7"))
	f.Add([]byte("100 42 7 1 0 9 0\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		total, cores, ok := parseStat(data, nil)
		wrapped := total.busy >= 1<<60 || total.all >= 1<<60 // no machine runs that long
		if ok && !wrapped && total.busy > total.all {
			t.Errorf("more work than time: %v", total)
		}
		if len(cores) > len(data) {
			t.Errorf("%d cores out of %d bytes", len(cores), len(data))
		}
		if m, ok := parseMeminfo(data); ok && m.total < 1<<50 && m.usedBytes() > m.total*1024 {
			t.Errorf("more used than there is: %+v", m)
		}
		parseStatm(data)
	})
}
