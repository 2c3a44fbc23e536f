package stats

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
)

// watched is a run of seconds with a reading every 250 ms, of which change makes what it wants.
func watched(seconds int64, change func(us int64, s *domain.Sample)) Input {
	in := Input{Requests: five(nil), GPUs: []domain.GPUInfo{{Name: "Card", VRAMTotalGB: new(24.0)}}, Facts: map[string]string{}}
	in.Requests = append(in.Requests, req(5, seconds*1000-400, 100, 200, 300, 400))
	for us := int64(-1_000_000); us <= seconds*1e6; us += 250_000 {
		s := domain.Sample{TUs: us, Phase: domain.PhaseMeasure, GPUs: []domain.GPUSample{{}}}
		if us < 0 {
			s.Phase = domain.PhaseIdle
		}
		change(us, &s)
		in.Samples = append(in.Samples, s)
	}
	return in
}

func with(facts ...string) Input {
	in := watched(3, func(int64, *domain.Sample) {})
	for i := 0; i < len(facts); i += 2 {
		in.Facts[facts[i]] = facts[i+1]
	}
	return in
}

func reasons(every int64, list ...string) Input {
	return watched(50, func(us int64, s *domain.Sample) {
		s.GPUs[0].LimitReasons = []string{}
		if us/250_000%every == 0 {
			s.GPUs[0].LimitReasons = list
		}
	})
}

func clocks(last, load float64) Input {
	return watched(30, func(us int64, s *domain.Sample) {
		switch {
		case us > 12_000_000:
			s.CPUClockMHz, s.CPUPercent = &last, &load
		case us >= 0:
			s.CPUClockMHz, s.CPUPercent = new(4000.0), new(90.0)
		}
	})
}

func TestConditions(t *testing.T) {
	yes, no := true, false
	before := func(set func(*domain.Sample)) Input {
		return watched(3, func(us int64, s *domain.Sample) {
			if us < 0 {
				set(s)
			}
		})
	}
	always := func(set func(*domain.Sample)) Input { return watched(3, func(_ int64, s *domain.Sample) { set(s) }) }
	cases := []struct {
		name  string
		in    Input
		code  string
		state string
	}{
		{"at rest", before(func(s *domain.Sample) { s.CPUPercent, s.CPUPressurePercent = new(9.0), new(2.0) }), "busy_before", "ok"},
		{"others at work before", before(func(s *domain.Sample) { s.CPUPercent = new(30.0) }), "busy_before", "caution"},
		{"own work before", before(func(s *domain.Sample) {
			s.CPUPercent, s.SelfCPUPercent, s.CPUCores = new(30.0), new(50.0), []float64{30, 30}
		}), "busy_before", "ok"},
		{"pressure before", before(func(s *domain.Sample) { s.CPUPercent, s.CPUPressurePercent = new(3.0), new(25.0) }), "busy_before", "caution"},
		{"busy while measuring only", watched(3, func(us int64, s *domain.Sample) { s.CPUPercent = new(float64(max(0, us/1e4))) }), "busy_before", "ok"},
		{"nothing read", with(), "busy_before", "unknown"},
		{"stolen", always(func(s *domain.Sample) { s.StealPercent = new(2.0) }), "contended", "caution"},
		{"hot", reasons(10, "hw_thermal"), "thermal", "caution"},
		{"power brake", reasons(10, "power_brake", "idle"), "thermal", "caution"},
		{"one hot reading", reasons(1000, "sw_thermal"), "thermal", "ok"},
		{"cool", reasons(1, "idle", "app_clocks"), "thermal", "ok"},
		{"at the power limit", reasons(2, "power_cap"), "thermal", "ok"},
		{"the power limit is no fault", reasons(2, "power_cap"), "power_cap", "ok"},
		{"a hot GPU that was not used", func() Input { in := reasons(1, "hw_thermal"); in.Engine.GPUUsed = &no; return in }(), "thermal", "unknown"},
		{"a hot GPU beside the one in use", func() Input { in := reasons(1, "hw_thermal"); in.Plan.GPU = new(1); return in }(), "thermal", "unknown"},
		{"the clock falls", clocks(3400, 90), "thermal", "caution"},
		{"the clock holds", clocks(3800, 90), "thermal", "ok"},
		{"the clock falls with the load", clocks(3000, 20), "thermal", "unknown"},
		{"the clock falls while a GPU works", func() Input { in := clocks(3000, 90); in.Engine.GPUUsed, in.Plan.UseGPU = &yes, true; return in }(), "thermal", "unknown"},
		{"page faults", always(func(s *domain.Sample) { s.EngineMajorFaults = new(40.0) }), "swapping", "caution"},
		{"swap comes back", always(func(s *domain.Sample) { s.EngineMajorFaults, s.SwapInMBPS = new(0.0), new(3.0) }), "swapping", "caution"},
		{"waiting for memory", always(func(s *domain.Sample) { s.MemPressurePercent = new(4.0) }), "swapping", "caution"},
		{"no swapping", always(func(s *domain.Sample) { s.SwapInMBPS, s.MemPressurePercent = new(0.0), new(0.0) }), "swapping", "ok"},
		{"a shared card", always(func(s *domain.Sample) { s.GPUs[0].OtherVRAMGB = new(6.0) }), "gpu_shared", "caution"},
		{"another program computes on the card", always(func(s *domain.Sample) { s.GPUs[0].OtherUtilPct = new(12.0) }), "gpu_shared", "caution"},
		{"the desktop draws now and then", always(func(s *domain.Sample) { s.GPUs[0].OtherUtilPct = new(2.0) }), "gpu_shared", "ok"},
		{"a desktop on the card", always(func(s *domain.Sample) { s.GPUs[0].OtherVRAMGB = new(0.9) }), "gpu_shared", "ok"},
		{"nobody tells who holds the card", with(), "gpu_shared", "unknown"},
		{"on battery", always(func(s *domain.Sample) { s.BatteryPowerW = new(20.0) }), "battery", "caution"},
		{"battery by the system's word", with("power_source", "battery"), "battery", "caution"},
		{"on mains", with("power_source", "mains"), "battery", "ok"},
		{"no word of power", with(), "battery", "unknown"},
		{"powersave", with("cpu_governor", "powersave", "cpu_frequency_driver", "acpi-cpufreq"), "powersave", "caution"},
		{"a driver's normal mode", with("cpu_governor", "powersave", "cpu_frequency_driver", "intel_pstate", "cpu_epp", "balance_performance"), "powersave", "ok"},
		{"the same without a preference", with("cpu_governor", "powersave", "cpu_frequency_driver", "intel_pstate"), "powersave", "ok"},
		{"preference for saving", with("cpu_governor", "powersave", "cpu_frequency_driver", "intel_pstate", "cpu_epp", "power"), "powersave", "caution"},
		{"performance", with("cpu_governor", "performance"), "powersave", "ok"},
		{"throttled", always(func(s *domain.Sample) { s.ThrottledPercent = new(12.0) }), "quota", "caution"},
		{"not throttled", always(func(s *domain.Sample) { s.ThrottledPercent = new(0.0) }), "quota", "ok"},
	}
	for _, c := range cases {
		rep := Report(c.in)
		at := slices.IndexFunc(rep.Validity.Checks, func(x domain.Check) bool { return x.Code == c.code })
		if at < 0 || rep.Validity.Checks[at].State != c.state || rep.Validity.Checks[at].Detail == "" {
			t.Errorf("%s: %+v, want %s", c.name, rep.Validity.Checks, c.state)
			continue
		}
		check := rep.Validity.Checks[at]
		if warned := slices.Contains(codes(rep), c.code); warned != (c.state == "caution" || c.code == "power_cap") {
			t.Errorf("%s: warnings %v", c.name, codes(rep))
		}
		if want := map[bool]string{true: "caution", false: "valid"}[c.state == "caution"]; rep.Validity.Verdict != want {
			t.Errorf("%s: verdict %s", c.name, rep.Validity.Verdict)
		}
		if c.state == "unknown" && check.Value != nil {
			t.Errorf("%s: an unknown value is %v", c.name, *check.Value)
		}
	}
}

func TestInterferenceIsNamed(t *testing.T) {
	in := watched(3, func(_ int64, s *domain.Sample) {
		s.CPUPercent, s.EngineCPUPercent, s.SelfCPUPercent, s.CPUCores = new(80.0), new(50.0), new(1.0), []float64{80, 80}
	})
	in.Interference = []domain.Interference{{Process: "cc1plus", CPUPercent: 97}, {Process: "tar", CPUPercent: 12}}
	rep := Report(in)
	at := slices.IndexFunc(rep.Warnings, func(w domain.Warning) bool { return w.Code == "contended" })
	if at < 0 || !strings.HasSuffix(rep.Warnings[at].Message, "Most of it, in percent of a core: cc1plus 97, tar 12.") || len(rep.Validity.Interference) != 2 {
		t.Errorf("%+v, %+v", rep.Warnings, rep.Validity.Interference)
	}
	if rep = Report(Input{Requests: five(nil)}); rep.Validity.Interference == nil {
		t.Error("no interference is null")
	}
}

// drifting is a stage of one user whose latencies are made by ms.
func drifting(n int, ms func(i int) float64) Input {
	in := Input{}
	for i := range n {
		r := req(i, int64(i)*1000, 100, 200, int64(ms(i)*10))
		r.LastUs = new(int64(ms(i) * 1000))
		in.Requests = append(in.Requests, r)
	}
	return in
}

func unstable(t *testing.T, in Input) domain.Check {
	t.Helper()
	for _, c := range Report(in).Validity.Checks {
		if c.Code == "unstable" {
			return c
		}
	}
	t.Fatal("no check")
	return domain.Check{}
}

func TestDrift(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a simulation
	noise := func(int) float64 { return 500 + 20*rng.NormFloat64() }
	cases := []struct {
		name  string
		in    Input
		state string
	}{
		{"steady", drifting(60, noise), "ok"},
		{"slower and slower", drifting(60, func(i int) float64 { return noise(i) + 3*float64(i) }), "caution"},
		{"faster and faster", drifting(60, func(i int) float64 { return noise(i) - 3*float64(i) }), "caution"},
		{"a sure drift of 1 %", drifting(1000, func(i int) float64 { return 500 + float64(i)/200 }), "ok"},
		{"too few", drifting(18, func(i int) float64 { return 500 + 10*float64(i) }), "unknown"},
		{"a ramp moves by design", func() Input {
			in := drifting(60, func(i int) float64 { return 500 + 10*float64(i) })
			in.Plan.Load = domain.Load{Kind: domain.LoadRamp, From: new(1.0), To: new(2.0)}
			return in
		}(), "unknown"},
	}
	for _, c := range cases {
		if got := unstable(t, c.in); got.State != c.state {
			t.Errorf("%s: %+v, want %s", c.name, got, c.state)
		}
	}
	alarms := 0
	for range 500 {
		if unstable(t, drifting(30, func(int) float64 { return 500 + 50*rng.NormFloat64() })).State == "caution" {
			alarms++
		}
	}
	if alarms > 10 { // 1 % of 500, and chance
		t.Errorf("%d false alarms in 500 runs of 10 %% noise", alarms)
	}
}

func TestSpearman(t *testing.T) {
	if p := spearmanP([]float64{1, 2, 3, 4, 5}); p != 0 {
		t.Errorf("perfect order: %v", p)
	}
	if p := spearmanP([]float64{2, 2, 2, 2}); p != 1 {
		t.Errorf("no spread: %v", p)
	}
	// ρ = 0.8 for n = 5: t = 2.309, p = 0.1041.
	if p := spearmanP([]float64{2, 1, 4, 3, 5}); p < .104 || p > .1042 {
		t.Errorf("p = %v, want 0.1041", p)
	}
	if got := ranksOf([]float64{3, 1, 3}); !slices.Equal(got, []float64{1.5, 0, 1.5}) {
		t.Errorf("ranks %v", got)
	}
}
