package stats

import (
	"strings"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
)

// rested is one stage of two repetitions of 0.4 s, with a rest of 10 s between them that ends at 61 °C.
func rested() Input {
	load := closedLoad(1)
	in := Input{
		Plan: domain.Plan{MaxTokens: 2, Load: load, Repeat: 2, Rest: &domain.Rest{Seconds: new(10.0), BelowC: new(50.0), MostS: new(300.0)},
			Stages: []domain.PlanStage{{Index: 0, Name: "closed:1", Load: load}}},
		Requests: []domain.RequestRecord{
			at(0, req(1, 1000, 100, 200)), at(0, req(2, 1200, 100, 200)),
			at(0, req(3, 11_400, 100, 200)), at(0, req(4, 11_600, 100, 200)),
		},
		Phases: []domain.PhaseChange{
			mark(1_000_000, 0, load), {Phase: domain.PhaseRest, TUs: 1_400_000}, mark(11_400_000, 0, load),
			{Phase: domain.PhaseDrain, TUs: 11_800_000}, {Phase: domain.PhaseStop, TUs: 11_810_000},
		},
	}
	for ms := int64(0); ms < 12_000; ms += 100 {
		s := reading(ms, 1)
		s.CPUPercent, s.GPUTempC = new(80.0), new(80.0)
		if ms >= 1400 && ms < 11_400 {
			s.Phase, s.CPUPercent, s.GPUTempC = domain.PhaseRest, new(1.0), new(61.0)
		}
		in.Samples = append(in.Samples, s)
	}
	return in
}

func TestARestIsPartOfNoFigure(t *testing.T) {
	rep := Report(rested())
	s := rep.Summary
	if len(s.Stages) != 1 || s.Stages[0].State != stageDone {
		t.Fatalf("stages %+v", s.Stages)
	}
	near(t, "window", s.WindowS, 0.8)
	near(t, "throughput", s.OutputTokensPerSecond, 8/0.8)
	if u := *s.DeliveredConcurrency; u < 0.95 || u > 1.05 {
		t.Errorf("%.2f users", u)
	}
	near(t, "CPU", rep.HardwareMetrics.CPUPercent, 80)
	if *s.Stages[0].StartUs != 1_000_000 || *s.Stages[0].EndUs != 11_800_000 {
		t.Errorf("stage from %d to %d", *s.Stages[0].StartUs, *s.Stages[0].EndUs)
	}
	var warm string
	for _, w := range rep.Warnings {
		if w.Code == "telemetry_degraded" {
			t.Errorf("the rest counts as a hole: %s", w.Message)
		}
		if w.Code == "still_warm" {
			warm = w.Message
		}
	}
	if !strings.Contains(warm, "1 of 1 rests") || !strings.Contains(warm, "61 °C") {
		t.Errorf("warning %q", warm)
	}
	in := rested()
	got := StageOf(in.Plan, *in.Phases[0].Stage, in.Requests, in.Phases)
	near(t, "window in a search", got.Summary.WindowS, 0.8)
}

func TestRestThatCooledAndOneThatCouldNotBeRead(t *testing.T) {
	for name, c := range map[string]struct {
		heat *float64
		want string
	}{"cooled": {new(50.0), ""}, "no sensor": {nil, "No temperature could be read"}} {
		in := rested()
		for i := range in.Samples {
			in.Samples[i].GPUTempC = c.heat
		}
		var warm string
		for _, w := range Report(in).Warnings {
			if w.Code == "still_warm" {
				warm = w.Message
			}
		}
		if (c.want == "") != (warm == "") || !strings.Contains(warm, c.want) {
			t.Errorf("%s: %q", name, warm)
		}
	}
}

func TestSpansWithout(t *testing.T) {
	for _, c := range []struct {
		others []span
		want   []span
	}{
		{nil, []span{{10, 50}}},
		{[]span{{0, 5}, {60, 70}}, []span{{10, 50}}},
		{[]span{{20, 30}}, []span{{10, 20}, {30, 50}}},
		{[]span{{0, 20}, {40, 60}}, []span{{20, 40}}},
		{[]span{{0, 60}}, nil},
	} {
		got := span{10, 50}.without(c.others)
		left := int64(0)
		for i, s := range got {
			if i >= len(c.want) || s != c.want[i] {
				t.Errorf("without %v: %v", c.others, got)
			}
			left += s.to - s.from
		}
		if cut := (span{10, 50}).shared(c.others) * 1e6; len(got) != len(c.want) || int64(cut)+left != 40 {
			t.Errorf("without %v: %v, shared %v", c.others, got, cut)
		}
	}
}
