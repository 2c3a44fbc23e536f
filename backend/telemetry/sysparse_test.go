package telemetry

import (
	"strings"
	"testing"
)

func TestParseCounters(t *testing.T) {
	tests := []struct {
		name  string
		parse func([]byte) (a, b uint64, ok bool)
		in    string
		a, b  uint64
		ok    bool
	}{
		{"pressure", parsePressure, "some avg10=0.00 avg60=1.17 avg300=9.92 total=3967861210\nfull avg10=0.00 total=7\n", 3967861210, 0, true},
		{"pressure without some", parsePressure, "full avg10=0.00 avg60=0.00 avg300=0.00 total=7\n", 0, 0, false},
		{"pressure without total", parsePressure, "some avg10=0.00\n", 0, 0, false},
		{"quota, version 2", parseThrottled, "usage_usec 9\nnr_throttled 2\nthrottled_usec 1500\n", 1500, 0, true},
		{"quota, version 1", parseThrottled, "nr_periods 3\nthrottled_time 1500000\n", 1500, 0, true},
		{"group without a quota's counters", parseThrottled, "usage_usec 9\nuser_usec 8\n", 0, 0, false},
		{"swapping", parseSwapped, "pgpgin 3\npswpin 12\npswpout 34\npgalloc 5\n", 12, 34, true},
		{"no swapping", parseSwapped, "pgpgin 3\npgpgout 4\n", 0, 0, false},
		{"half of swapping", parseSwapped, "x 1\npswpin 12\n", 0, 0, false},
		{
			"whole disks alone", parseDisks,
			"   8       0 sda 1 0 10 0 1 0 100 0 0 0 0\n   8       1 sda1 1 0 10 0 1 0 100 0 0 0 0\n" +
				" 259       0 nvme0n1 1 0 20 0 1 0 200 0 0 0 0\n 259       1 nvme0n1p1 1 0 20 0 1 0 200 0 0 0 0\n" +
				" 253       0 dm-0 1 0 30 0 1 0 300 0 0 0 0\n   7       0 loop0 9 9 9 9 9 9 9 9 9\n" +
				" 179       0 mmcblk0 1 0 1 0 1 0 1 0 0 0 0\n 179       8 mmcblk0p1 1 0 1 0 1 0 1 0 0 0 0\n" +
				"   9     127 md127 1 0 1 0 1 0 1 0 0 0 0\n 259       3 nvme0c0n1 1 0 20 0 1 0 200 0 0 0 0\n",
			31 * 512, 301 * 512, true,
		},
		{"no disk", parseDisks, "   7       0 loop0 0 0 0 0 0 0 0 0 0 0 0\n", 0, 0, false},
		{"damaged disk", parseDisks, "   8       0 sda 1 0 x\n", 0, 0, false},
		{
			"own traffic alone", parseNet,
			"Inter-|   Receive  |  Transmit\n face |bytes    packets\n    lo: 900 1 0 0 0 0 0 0 900 1 0 0 0 0 0 0\n" +
				"  eth0: 100 1 0 0 0 0 0 0 7 1 0 0 0 0 0 0\nwlp3s0:11 1 0 0 0 0 0 0 5 1 0 0 0 0 0 0\n" +
				"docker0: 50 1 0 0 0 0 0 0 50 1 0 0 0 0 0 0\n veth1a: 50 1 0 0 0 0 0 0 50 1 0 0 0 0 0 0\n",
			111, 12, true,
		},
		{"loopback alone", parseNet, "    lo: 900 1 0 0 0 0 0 0 900 1 0 0 0 0 0 0\n", 0, 0, false},
		{"empty pressure", parsePressure, "", 0, 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, b, ok := tt.parse([]byte(tt.in))
			if a != tt.a || b != tt.b || ok != tt.ok {
				t.Errorf("got %d %d %v, want %d %d %v", a, b, ok, tt.a, tt.b, tt.ok)
			}
		})
	}
}

func TestParseMajorFaults(t *testing.T) {
	const rest = " S 1 2 3 0 -1 4194560 5000 0 42 7 1 1"
	for _, name := range []string{"llama-server", "a) S 9 (b", "two words"} {
		if n, ok := parseMajorFaults([]byte("12 (" + name + ")" + rest)); !ok || n != 42 {
			t.Errorf("of %q: %d, %v", name, n, ok)
		}
	}
	for _, in := range []string{"", "12 (x)", "12 (x) S 1 2 3", "no parentheses at all"} {
		if _, ok := parseMajorFaults([]byte(in)); ok {
			t.Errorf("%q is accepted", in)
		}
	}
}

func TestParseLost(t *testing.T) {
	for in, want := range map[string]lostTicks{
		"cpu  10 20 30 400 50 6 7 8 9 1\ncpu0 1": {50, 8},
		"cpu 1 2 3 4\n":                          {},
		"cpu0 1 2 3 4 5 6 7 8\n":                 {},
	} {
		if got := parseLost([]byte(in)); got != want {
			t.Errorf("parseLost(%q) = %v, want %v", in, got, want)
		}
	}
}

func TestParseBattery(t *testing.T) {
	tests := []struct {
		name, in string
		watts    float64
		told     bool
	}{
		{"power", "POWER_SUPPLY_TYPE=Battery\nPOWER_SUPPLY_STATUS=Discharging\nPOWER_SUPPLY_POWER_NOW=12500000", 12.5, true},
		{"current and voltage", "POWER_SUPPLY_STATUS=Discharging\nPOWER_SUPPLY_CURRENT_NOW=-2000000\nPOWER_SUPPLY_VOLTAGE_NOW=12000000", 24, true},
		{"current alone", "POWER_SUPPLY_STATUS=Discharging\nPOWER_SUPPLY_CURRENT_NOW=2000000", 0, false},
	}
	for _, tt := range tests {
		b := parseBattery([]byte(tt.in))
		if w, ok := b.watts(); !near(w, tt.watts) || ok != tt.told || !b.discharging {
			t.Errorf("%s: %v, %v", tt.name, w, ok)
		}
	}
}

func FuzzSys(f *testing.F) {
	for _, seed := range []string{
		"some avg10=0.00 total=1", "throttled_usec 5", "\npswpin 1\npswpout 2", "8 0 sda 1 2 3 4 5 6 7",
		"eth0: 1 2 3 4 5 6 7 8 9", "1 (x) S 1 2 3 4 5 6 7 8 9 10", "POWER_SUPPLY_POWER_NOW=-5", "POWER_SUPPLY_TYPE=Battery",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		data := []byte(in)
		for _, parse := range []func([]byte) (a, b uint64, ok bool){parsePressure, parseThrottled, parseSwapped, parseDisks, parseNet} {
			if a, b, ok := parse(data); !ok && (a != 0 && b != 0) {
				t.Errorf("figures %d and %d of what is refused", a, b)
			}
		}
		parseMajorFaults(data)
		parseLost(data)
		if b := parseBattery(data); b.isBattery && !strings.Contains(in, "Battery") {
			t.Error("a battery out of nothing")
		}
	})
}
