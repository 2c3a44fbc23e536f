package stats

import (
	"slices"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
)

// five successful requests, one after another: nothing to complain about but the GPU.
func five(change func(*domain.RequestRecord)) []domain.RequestRecord {
	var out []domain.RequestRecord
	for n := range 5 {
		r := req(n, int64(n)*400, 100, 200, 300, 390)
		if change != nil {
			change(&r)
		}
		out = append(out, r)
	}
	return out
}

func reading(ms int64, late float64) domain.Sample {
	return domain.Sample{Phase: domain.PhaseMeasure, TUs: ms * 1000, LateMs: late}
}

func steady() []domain.Sample {
	var out []domain.Sample
	for ms := int64(0); ms <= 2000; ms += 250 {
		out = append(out, reading(ms, 1))
	}
	return out
}

func TestWarningsAndVerdicts(t *testing.T) {
	yes, no := true, false
	busy := func(foreign float64) []domain.Sample {
		out := steady()
		for i := range out {
			out[i].CPUPercent, out[i].EngineCPUPercent, out[i].SelfCPUPercent = new(50+foreign), new(96.0), new(4.0)
			out[i].CPUCores = []float64{50, 50}
		}
		return out
	}
	cases := []struct {
		name    string
		in      Input
		code    string // a warning that must be there; empty: none but info
		level   string
		verdict string
	}{
		{"clean", Input{Requests: five(nil)}, "", "", "valid"},
		{"others use 4 %", Input{Requests: five(nil), Samples: busy(4)}, "", "", "valid"},
		{"others use 6 %", Input{Requests: five(nil), Samples: busy(6)}, "contended", "caution", "caution"},
		{"a lying count", Input{Requests: five(func(r *domain.RequestRecord) { r.OutputTokens = new(8) })}, "token_count_mismatch", "caution", "caution"},
		{"one off is no lie", Input{Requests: five(func(r *domain.RequestRecord) { r.OutputTokens = new(5) })}, "", "", "valid"},
		{"counted chunks", Input{Requests: five(func(r *domain.RequestRecord) { r.TokensFrom = "chunks" })}, "token_count_estimated", "caution", "caution"},
		{"one failed", Input{Requests: append(five(nil), failedRequest(9, 0, 10))}, "requests_failed", "caution", "caution"},
		{"most failed", Input{Requests: append(five(nil)[:1], failedRequest(8, 0, 10), failedRequest(9, 0, 10))}, "requests_failed", "caution", "invalid"},
		{"cached prompts", Input{Requests: five(func(r *domain.RequestRecord) { r.PromptTokens, r.CachedTokens = new(200), new(150) })}, "prompt_cache_hit", "caution", "caution"},
		{"a cached template head", Input{Requests: five(func(r *domain.RequestRecord) { r.CachedTokens = new(8) })}, "", "", "valid"},
		{"the server's own limit", Input{Plan: domain.Plan{MaxTokens: 9}, Requests: five(func(r *domain.RequestRecord) { r.FinishReason = "length" })}, "length_shortfall", "info", "valid"},
		{"early end", Input{Plan: domain.Plan{MaxTokens: 9}, Requests: five(func(r *domain.RequestRecord) { r.FinishReason = "stop" })}, "length_shortfall", "info", "valid"},
		{"few", Input{Requests: five(nil)[:2]}, "few_requests", "info", "valid"},
		{"short", Input{Requests: five(nil)[:1]}, "short_window", "info", "valid"},
		{"late readings", Input{Requests: five(nil), Samples: []domain.Sample{reading(0, 1), reading(500, 300), reading(1000, 300)}}, "telemetry_degraded", "caution", "caution"},
		{"a hole in the readings", Input{Requests: five(nil), Samples: []domain.Sample{reading(100, 1), reading(200, 1), reading(1900, 1)}}, "telemetry_degraded", "caution", "caution"},
		{"GPU asked for, unused", Input{Plan: domain.Plan{UseGPU: true, UseGPUExplicit: true}, Engine: domain.EngineInfo{GPUUsed: &no}, Requests: five(nil)}, "gpu_requested_but_unused", "caution", "caution"},
		{"GPU by default, unused", Input{Plan: domain.Plan{UseGPU: true}, Engine: domain.EngineInfo{GPUUsed: &no}, Requests: five(nil)}, "gpu_requested_but_unused", "info", "valid"},
		{"GPU unknown", Input{Plan: domain.Plan{UseGPU: true}, Requests: five(nil)}, "gpu_not_verifiable", "info", "valid"},
		{"GPU against the request", Input{Engine: domain.EngineInfo{GPUUsed: &yes}, Requests: five(nil)}, "gpu_used_against_request", "invalid", "invalid"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if c.in.Samples == nil {
				c.in.Samples = steady()
			}
			rep := Report(c.in)
			if rep.Validity.Verdict != c.verdict {
				t.Errorf("verdict = %s, want %s: %+v", rep.Validity.Verdict, c.verdict, rep.Validity.Checks)
			}
			at := slices.IndexFunc(rep.Warnings, func(w domain.Warning) bool { return w.Code == c.code })
			switch {
			case c.code == "" && slices.ContainsFunc(rep.Warnings, func(w domain.Warning) bool { return w.Level != "info" }):
				t.Errorf("warnings = %v", codes(rep))
			case c.code != "" && (at < 0 || rep.Warnings[at].Level != c.level):
				t.Errorf("warnings = %+v, want %s as %s", rep.Warnings, c.code, c.level)
			}
			for _, check := range rep.Validity.Checks {
				if check.Code == "" || check.Detail == "" {
					t.Errorf("check = %+v", check)
				}
			}
		})
	}
}

func TestNoReadingsAreNotZero(t *testing.T) {
	rep := Report(Input{Requests: five(nil), Sensors: []domain.SensorInfo{{Key: "power_w", Reason: "No meter."}}})
	h := rep.HardwareMetrics
	if h.CPUPercent != nil || h.PowerW != nil || h.Samples != 0 || h.Reasons["power_w"] != "No meter." || h.Reasons["cpu_usage_percent"] == "" {
		t.Errorf("hardware = %+v", h)
	}
	if !slices.Contains(codes(rep), "telemetry_degraded") {
		t.Errorf("warnings = %v", codes(rep))
	}
}

func TestHardwareCoversTheWindow(t *testing.T) {
	phases := []domain.PhaseChange{{Phase: domain.PhaseWarmup}, {Phase: domain.PhaseMeasure, TUs: 1_000_000}, {Phase: domain.PhaseDrain, TUs: 1_100_000}, {Phase: domain.PhaseStop, TUs: 1_100_000}}
	at := func(p domain.Phase, us int64, cpu float64) domain.Sample {
		return domain.Sample{Phase: p, TUs: us, CPUPercent: &cpu, GPUs: []domain.GPUSample{
			{Index: 1, UtilPct: new(cpu / 2)}, {Index: 0, UtilPct: &cpu},
		}}
	}
	cases := []struct {
		name    string
		samples []domain.Sample
		cpu     float64
		n       int
	}{
		{"a short run has its closing edge", []domain.Sample{at("warmup", 900_000, 5), at("measure", 1_000_010, 10), at("drain", 1_100_010, 80), at("stop", 1_100_020, 1)}, 80, 1},
		{"the opening edge is better than nothing", []domain.Sample{at("measure", 1_000_010, 10), at("drain", 2_000_000, 80)}, 10, 1},
		{"readings in between count", []domain.Sample{at("measure", 1_000_010, 10), at("measure", 1_050_000, 60), at("drain", 1_100_010, 80)}, 70, 2},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h := Report(Input{Requests: five(nil), Samples: c.samples, Phases: phases, GPUs: []domain.GPUInfo{{Index: 1, Name: "B"}}}).HardwareMetrics
			near(t, "cpu", h.CPUPercent, c.cpu)
			if h.Samples != c.n || len(h.Devices) != 2 || h.Devices[1].Name != "B" || h.Devices[0].Index != 0 {
				t.Errorf("hardware = %+v", h)
			}
			near(t, "second GPU", h.Devices[1].GPUPercent, c.cpu/2)
		})
	}
}

func TestReportDoesNotChangeItsInput(t *testing.T) {
	in := Input{Plan: plan(), Requests: five(nil), Samples: steady()}
	first := in.Requests[0].ChunkUs[0]
	in.Samples[0], in.Samples[3] = in.Samples[3], in.Samples[0]
	late := in.Samples[0].TUs
	Report(in)
	if in.Requests[0].ChunkUs[0] != first || in.Samples[0].TUs != late {
		t.Error("a record was changed")
	}
}
