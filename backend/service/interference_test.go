package service_test

import (
	"math"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/service"
	"github.com/inferometer/inferometer/backend/telemetry"
)

// contended are readings of a second in which others took so many percent of the machine.
func contended(others float64) []domain.Sample {
	return []domain.Sample{{Phase: domain.PhaseMeasure, CPUPercent: ptr(50 + others), EngineCPUPercent: ptr(98.0), SelfCPUPercent: ptr(2.0), CPUCores: []float64{1, 2}}}
}

func long(requests int) func(*domain.BenchmarkRequest) {
	return func(r *domain.BenchmarkRequest) { r.Stop = &domain.Stop{Requests: &requests} }
}

// Energy is priced as the settings say when the run ends; it stays so.
func TestEnergyIsPriced(t *testing.T) {
	in(t, options{env: []string{"INFEROMETER_CURRENCY=EUR"}}, func(t *testing.T, w *world) {
		w.sampler.watts = 100
		if _, err := w.svc.EditSettings(t.Context(), domain.SettingsPatch{TariffPerKWh: ptr(0.36), CO2GPerKWh: ptr(360.0)}); err != nil {
			t.Fatal(err)
		}
		id := w.finished(long(60)).ID
		if _, err := w.svc.EditSettings(t.Context(), domain.SettingsPatch{TariffPerKWh: ptr(0.0)}); err != nil {
			t.Fatal(err)
		}
		run := w.stored(id)
		e := run.Summary.Energy.Scopes[1]
		if e.Scope != domain.ScopeCPUPackage || e.GrossJ == nil || e.Cost == nil || e.CO2G == nil {
			t.Fatalf("%+v", e)
		}
		want := 100 * *run.Summary.WindowS
		for what, x := range map[string][2]float64{"gross": {*e.GrossJ, want}, "cost": {*e.Cost, want / 1e7}, "CO2": {*e.CO2G, want / 1e4}} {
			if math.Abs(x[0]-x[1]) > x[1]/1000 {
				t.Errorf("%s = %v, want %v", what, x[0], x[1])
			}
		}
		if e.Currency != "EUR" || e.Method != domain.EnergyByCounter {
			t.Errorf("%+v", e)
		}
	})
}

func TestInterference(t *testing.T) {
	for _, c := range []struct {
		name   string
		others float64
		scans  int // at most one in 2 s of the 10 s that are measured, and one at the end
		named  []string
	}{{"contended", 30, 6, []string{"cc1plus", "backup"}}, {"quiet", 4, 0, nil}} {
		begun, scans := time.Time{}, 0
		scan := func() []domain.Process {
			scans++
			at := time.Since(begun).Seconds()
			return []domain.Process{{PID: 1, Name: "init"}, {PID: os.Getpid(), Parent: 1, Name: "inferometer", CPUS: at}, {PID: 501, Parent: os.Getpid(), Name: "engine", CPUS: 2 * at},
				{PID: 502, Parent: 1, Name: "cc1plus", CPUS: 7 + .9*at}, {PID: 503, Parent: 502, Name: "backup", CPUS: .1 * at}, {PID: 504, Parent: 505, Name: "circle", CPUS: 9}, {PID: 505, Parent: 504, Name: "sleeper", CPUS: 3}}
		}
		in(t, options{deps: func(d *service.Deps) { d.Processes = scan }}, func(t *testing.T, w *world) {
			begun = time.Now()
			w.sampler.look(contended(c.others))
			run := w.finished(long(60))
			var named []string
			for _, x := range run.Validity.Interference {
				named = append(named, x.Process)
			}
			if !slices.Equal(named, c.named) || scans > c.scans || run.Validity.Interference == nil {
				t.Errorf("%s: %d scans, %+v", c.name, scans, run.Validity.Interference)
			}
			if len(named) > 0 {
				x := run.Validity.Interference[0]
				if x.PID != 502 || x.CPUPercent < 89.9 || x.CPUPercent > 90.1 || x.FromUs <= 0 || x.ToUs < x.FromUs+3_900_000 {
					t.Errorf("%+v", x)
				}
			}
		})
	}
}

// TestInterferenceOfARealProcess burns a processor in a process that is no child of this one.
func TestInterferenceOfARealProcess(t *testing.T) {
	if runtime.GOOS != "linux" {
		return // elsewhere processes are not scanned
	}
	out, err := exec.CommandContext(t.Context(), "sh", "-c", "while :; do :; done >/dev/null 2>&1 & echo $!").Output()
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if p, err := os.FindProcess(pid); err != nil || p.Kill() != nil {
			t.Error("the burner cannot be ended")
		}
	})
	scanner := telemetry.NewProcesses()
	w := start(t, options{deps: func(d *service.Deps) {
		d.Processes = func() (seen []domain.Process) {
			// On a busy machine one scan does not get to all processes, and a run of six seconds has few scans.
			for range 50 {
				seen = append(seen, slices.DeleteFunc(scanner.Scan(), func(p domain.Process) bool { return p.PID != pid && p.PID != os.Getpid() })...)
				if slices.ContainsFunc(seen, func(p domain.Process) bool { return p.PID == pid }) {
					break
				}
			}
			return seen
		}
	}})
	w.sampler.look(contended(30))
	run := w.finished(long(30))
	if got := run.Validity.Interference; len(got) != 1 || got[0].PID != pid || got[0].CPUPercent < 2 || got[0].Process == "" {
		t.Errorf("interference = %+v, want process %d", got, pid)
	}
}
