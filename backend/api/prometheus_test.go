package api

import (
	"regexp"
	"strings"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
)

// Every family has its HELP and TYPE once, before all of its lines, which stand together.
func TestExposition(t *testing.T) {
	var e exposition
	e.sample(&domain.Sample{CPUPercent: new(12.5), CPUCores: []float64{0, 100}, CPUPressurePercent: new(0.0), CPUEnergyJ: new(1e7),
		GPUs: []domain.GPUSample{{Index: 0, UtilPct: new(98.0), EnergyJ: new(5.5)}, {Index: 2, UtilPct: new(1.0)}}})
	e.sampler(domain.Telemetry{RateHz: 10, Ticks: 5, Missed: 1})
	line := regexp.MustCompile(`^(inferometer_[a-z0-9_]+)(\{[a-z]+="\d+"\})? [0-9.e+]+$`)
	seen := map[string]bool{}
	family := ""
	for n, text := range strings.Split(strings.TrimSuffix(e.String(), "\n"), "\n") {
		if kind, ok := strings.CutPrefix(text, "# TYPE "); ok {
			name, kind, _ := strings.Cut(kind, " ")
			if seen[name] || name != family || kind != "gauge" && kind != "counter" || (kind == "counter") != strings.HasSuffix(name, "_total") {
				t.Errorf("line %d: %s", n, text)
			}
			seen[name] = true
			continue
		}
		if help, ok := strings.CutPrefix(text, "# HELP "); ok {
			family, _, _ = strings.Cut(help, " ")
			continue
		}
		if m := line.FindStringSubmatch(text); m == nil || m[1] != family || !seen[family] {
			t.Errorf("line %d: %s", n, text)
		}
	}
	for _, want := range []string{"inferometer_cpu_core_usage_percent{core=\"1\"} 100\n", "inferometer_cpu_pressure_percent 0\n", "inferometer_cpu_energy_joules_total 1e+07\n",
		"inferometer_gpu_device_usage_percent{gpu=\"2\"} 1\n", "inferometer_gpu_device_energy_joules_total{gpu=\"0\"} 5.5\n", "inferometer_telemetry_missed_total 1\n"} {
		if !strings.Contains(e.String(), want) {
			t.Errorf("lacks %q in\n%s", want, e.String())
		}
	}
	for _, missing := range []string{"power", "swap", "energy_joules_total{gpu=\"2\"}", "late_p99"} {
		if strings.Contains(e.String(), missing) {
			t.Errorf("shows a sensor that is missing: %s", missing)
		}
	}
}
