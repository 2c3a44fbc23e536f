package telemetry

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

const (
	sysCPU = "sys/devices/system/cpu/"
	hwmon  = "sys/class/hwmon/"
	rapl   = "sys/class/powercap/intel-rapl:"
)

// amd is a desktop; intel has two packages; laptop runs on its battery.
func amd() map[string]string {
	return map[string]string{
		"proc/stat":            "cpu  100 0 0 900 0 0 0 0\ncpu0 100 0 0 900 0 0 0 0\n",
		"proc/pressure/cpu":    "some avg10=0.00 avg60=0.00 avg300=0.00 total=1000000\n",
		"proc/pressure/memory": "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
		"proc/pressure/io":     "some avg10=0.00 avg60=0.00 avg300=0.00 total=500\n",
		"proc/diskstats":       " 259 0 nvme0n1 1 0 1000 0 1 0 0 0 0 0 0\n",
		"proc/net/dev":         "  eth0: 1000000 1 0 0 0 0 0 0 0 1 0 0 0 0 0 0\n",
		"proc/vmstat":          "nr 1\npswpin 100\npswpout 0\n",
		"proc/self/cgroup":     "0::/user.slice/app.scope\n",

		"sys/fs/cgroup/cgroup.procs":                  "",
		"sys/fs/cgroup/user.slice/cpu.stat":           "throttled_usec 0\n",
		"sys/fs/cgroup/user.slice/app.scope/cpu.stat": "usage_usec 5\nthrottled_usec 1000\n",

		sysCPU + "cpufreq/policy0/scaling_cur_freq": "4000000\n", sysCPU + "cpufreq/policy1/scaling_cur_freq": "3000000\n",
		hwmon + "hwmon0/name": "nvme\n", hwmon + "hwmon0/temp1_input": "99000\n",
		hwmon + "hwmon2/name": "k10temp\n", hwmon + "hwmon2/temp1_input": "95000\n", hwmon + "hwmon2/temp1_label": "Tctl\n",
		hwmon + "hwmon2/temp2_input": "68500\n", hwmon + "hwmon2/temp2_label": "Tdie\n",
		rapl + "0/name": "package-0\n", rapl + "0/energy_uj": "65000000\n", rapl + "0/max_energy_range_uj": "65532610987\n",
		rapl + "0:0/name": "core\n", rapl + "0:0/energy_uj": "1\n",
	}
}

func intel() map[string]string {
	return map[string]string{
		hwmon + "hwmon0/name": "coretemp\n", hwmon + "hwmon0/temp1_label": "Package id 0\n", hwmon + "hwmon0/temp1_input": "61000\n",
		hwmon + "hwmon0/temp2_label": "Core 0\n", hwmon + "hwmon0/temp2_input": "99000\n",
		hwmon + "hwmon1/name": "coretemp\n", hwmon + "hwmon1/temp1_label": "Package id 1\n", hwmon + "hwmon1/temp1_input": "64000\n",
		rapl + "0/name": "package-0\n", rapl + "0/energy_uj": "262143000000\n", rapl + "0/max_energy_range_uj": "262143328850\n",
		rapl + "1/name": "package-1\n", rapl + "1/energy_uj": "1000\n", rapl + "1/max_energy_range_uj": "262143328850\n",
		rapl + "2/name": "psys\n", rapl + "2/energy_uj": "5\n", rapl + "2/max_energy_range_uj": "262143328850\n",
	}
}

func laptop() map[string]string {
	return map[string]string{
		"sys/class/power_supply/AC/uevent":     "POWER_SUPPLY_TYPE=Mains\nPOWER_SUPPLY_ONLINE=0\n",
		"sys/class/power_supply/BAT0/uevent":   "POWER_SUPPLY_TYPE=Battery\nPOWER_SUPPLY_STATUS=Discharging\nPOWER_SUPPLY_POWER_NOW=18250000\n",
		"sys/class/power_supply/mouse/uevent":  "POWER_SUPPLY_TYPE=Battery\nPOWER_SUPPLY_SCOPE=Device\nPOWER_SUPPLY_STATUS=Discharging\n",
		"sys/class/thermal/thermal_zone0/type": "acpitz\n", "sys/class/thermal/thermal_zone0/temp": "20000\n",
		"sys/class/thermal/thermal_zone1/type": "x86_pkg_temp\n", "sys/class/thermal/thermal_zone1/temp": "77000\n",
	}
}

// change writes files anew in place, as the kernel shows new figures in files that are open.
func change(t *testing.T, root string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// shown are the gauges that two readings, one second apart, give.
func shown(t *testing.T, before, after map[string]string) gauges {
	t.Helper()
	root := tree(t, before)
	h := newProcHost(root)
	t.Cleanup(h.close)
	var w cpuWindow
	var r hostReading
	start := time.Now()
	h.read(start, &w, &r)
	change(t, root, after)
	h.read(start.Add(time.Second), &w, &r)
	return r.gauges
}

func TestMachines(t *testing.T) {
	tests := []struct {
		name          string
		before, after map[string]string
		want          map[domain.Gauge]float64 // all others are missing
	}{
		{"AMD desktop", amd(), map[string]string{
			"proc/stat":                         "cpu  110 0 0 985 3 0 0 2\ncpu0 110 0 0 985 3 0 0 2\n",
			"proc/pressure/cpu":                 "some avg10=0.00 avg60=0.00 avg300=0.00 total=1250000\n",
			"proc/pressure/memory":              "some avg10=0.00 avg60=0.00 avg300=0.00 total=9000000\n",
			"proc/diskstats":                    " 259 0 nvme0n1 1 0 5000 0 1 0 2000 0 0 0 0\n",
			"proc/net/dev":                      "  eth0: 3500000 1 0 0 0 0 0 0 500000 1 0 0 0 0 0 0\n",
			"proc/vmstat":                       "nr 1\npswpin 1100\npswpout 0\n",
			"sys/fs/cgroup/user.slice/cpu.stat": "throttled_usec 50000\n",
			rapl + "0/energy_uj":                "185000000\n",
		}, map[domain.Gauge]float64{
			domain.GaugeSteal: 2, domain.GaugeIOWait: 3, domain.GaugeCPUPressure: 25, domain.GaugeMemPressure: 100,
			domain.GaugeIOPressure: 0, domain.GaugeDiskRead: 4000 * 512 / 1e6, domain.GaugeDiskWrite: 2000 * 512 / 1e6,
			domain.GaugeNetRx: 2.5, domain.GaugeNetTx: 0.5, domain.GaugeThrottled: 5,
			domain.GaugeSwapIn: 1000 * float64(os.Getpagesize()) / 1e6, domain.GaugeSwapOut: 0,
			domain.GaugeCPUClock: 3500, domain.GaugeCPUTemp: 68.5, domain.GaugeCPUEnergy: 120,
		}},
		{"Intel with two packages, one counter wraps", intel(), map[string]string{
			rapl + "0/energy_uj": "99671150\n", rapl + "1/energy_uj": "50001000\n",
		}, map[domain.Gauge]float64{domain.GaugeCPUTemp: 64, domain.GaugeCPUEnergy: 150}},
		{"a counter that was set back is no wrap", intel(), map[string]string{rapl + "0/energy_uj": "200000000000\n"},
			map[domain.Gauge]float64{domain.GaugeCPUTemp: 64, domain.GaugeCPUEnergy: 0}},
		{"laptop on its battery", laptop(), nil, map[domain.Gauge]float64{domain.GaugeCPUTemp: 77, domain.GaugeBattery: 18.25}},
		{"machine that shows nothing", map[string]string{"proc/x": ""}, nil, nil},
		{"container of version 1", map[string]string{
			"proc/self/cgroup": "4:cpu,cpuacct:/docker/abc\n1:name=systemd:/\n", "sys/fs/cgroup/cpu,cpuacct/cgroup.procs": "",
			"sys/fs/cgroup/cpu,cpuacct/cpu.stat": "throttled_time 0\n",
		}, map[string]string{"sys/fs/cgroup/cpu,cpuacct/cpu.stat": "throttled_time 9000000000\n"},
			map[domain.Gauge]float64{domain.GaugeThrottled: 100}},
		{"files turn to nonsense", amd(), func() map[string]string {
			bad := amd()
			delete(bad, "proc/self/cgroup")
			maps.DeleteFunc(bad, func(name, _ string) bool { return !strings.HasPrefix(name, "proc/") && name != rapl+"0/energy_uj" })
			for name := range bad {
				bad[name] = "?"
			}
			return bad
		}(), map[domain.Gauge]float64{domain.GaugeThrottled: 0, domain.GaugeCPUClock: 3500, domain.GaugeCPUTemp: 68.5}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := shown(t, tt.before, tt.after)
			for g := range domain.Gauges {
				want, ok := tt.want[g]
				key := gaugeTexts()[g].key
				if got.has[g] != ok || !near(got.value[g], want) {
					t.Errorf("%s = %v (%v), want %v (%v)", key, got.value[g], got.has[g], want, ok)
				}
				if g != domain.GaugeMajorFaults && (got.lack[g].reason == "") != ok {
					t.Errorf("%s: reason %q", key, got.lack[g].reason)
				}
			}
		})
	}
}

// What is slow is read once a second and kept between; it goes when it cannot be read any more.
func TestSlowMetersAreHeld(t *testing.T) {
	root := tree(t, laptop())
	h := newProcHost(root)
	t.Cleanup(h.close)
	var w cpuWindow
	var r hostReading
	start := time.Now()
	h.read(start, &w, &r)
	change(t, root, map[string]string{"sys/class/thermal/thermal_zone1/temp": "80000\n"})
	for ms, want := range map[int]float64{100: 77, 900: 77, 995: 80} {
		one := *h
		one.read(start.Add(time.Duration(ms)*time.Millisecond), &w, &r)
		if got := r.gauges.value[domain.GaugeCPUTemp]; got != want {
			t.Errorf("after %d ms: %v, want %v", ms, got, want)
		}
	}
	change(t, root, map[string]string{"sys/class/thermal/thermal_zone1/temp": "\n"})
	h.read(start.Add(3*time.Second), &w, &r)
	if r.gauges.has[domain.GaugeCPUTemp] || r.gauges.lack[domain.GaugeCPUTemp].reason == "" {
		t.Errorf("a sensor that is gone: %v", r.gauges.value[domain.GaugeCPUTemp])
	}
}

func TestEnergyCounterOpensLater(t *testing.T) {
	denied := closedCounter(fmt.Errorf("open: %w", &fs.PathError{Err: fs.ErrPermission}))
	if !strings.HasPrefix(denied.remedy, "sudo chmod") || denied.reason == "" {
		t.Errorf("without permission: %+v", denied)
	}
	if other := closedCounter(errors.New("broken")); other.remedy != "" || other.reason == "" {
		t.Errorf("for another cause: %+v", other)
	}
	root := tree(t, map[string]string{rapl + "0/name": "package-0", rapl + "0/max_energy_range_uj": "100"})
	m := &raplMeter{root: root, tree: os.DirFS(root)}
	defer m.close()
	var g gauges
	start := time.Now()
	m.read(start, &g)
	change(t, root, map[string]string{rapl + "0/energy_uj": "7"})
	for after, want := range map[time.Duration]bool{time.Second: false, lookAgain: true} {
		one := *m
		one.read(start.Add(after), &g)
		if got := g.has[domain.GaugeCPUEnergy]; got != want {
			t.Errorf("%v after it was opened: %v, want %v", after, got, want)
		}
	}
}

// A gauge takes its way into the sample and into the list of sensors.
func TestGaugesReachSampleAndSensors(t *testing.T) {
	h := newProcHost(tree(t, laptop()))
	rd := newReader(h, newSelfSource, newProcessSource)
	t.Cleanup(rd.close)
	rd.watch(os.Getpid())
	start := time.Now()
	rd.sample(start)
	s := rd.sample(start.Add(time.Second))
	if s.BatteryPowerW == nil || *s.BatteryPowerW != 18.25 || s.EngineMajorFaults == nil || s.CPUEnergyJ != nil {
		t.Errorf("sample %+v", s)
	}
	rows := map[string]domain.SensorInfo{}
	for _, row := range rd.status().sensors() {
		rows[row.Key] = row
	}
	for g, field := range s.Gauges() {
		text := gaugeTexts()[g]
		row, ok := rows[text.key]
		if !ok || row.Available != (*field != nil) || row.Available == (row.Reason != "") || row.Unit == "" || row.Source == "" {
			t.Errorf("sensor %+v for %v", row, *field)
		}
		if (row.WindowMs != nil) != (text.window > 0) {
			t.Errorf("%s: window %v", text.key, row.WindowMs)
		}
	}
	if row := rows["cpu_pressure_percent"]; !strings.Contains(row.Remedy, "psi=1") {
		t.Errorf("no remedy: %+v", row)
	}
}

// Slow readings allocate nothing either, on a machine that has every sensor.
func TestMetersAllocations(t *testing.T) {
	all := amd()
	maps.Copy(all, laptop())
	h := newProcHost(tree(t, all))
	t.Cleanup(h.close)
	var w cpuWindow
	var r hostReading
	now := time.Now()
	read := func() {
		now = now.Add(slowEvery)
		h.read(now, &w, &r)
	}
	for range windowSlots {
		read()
	}
	if n := testing.AllocsPerRun(100, read); n != 0 {
		t.Errorf("reading every sensor allocates %v times", n)
	}
	for g, ok := range r.gauges.has {
		counted := domain.Gauge(g) <= domain.GaugeIOWait // in ticks, and none passes here
		if !ok && !counted && domain.Gauge(g) != domain.GaugeMajorFaults {
			t.Errorf("%s is not there: %+v", gaugeTexts()[g].key, r.gauges.lack[g])
		}
	}
}
