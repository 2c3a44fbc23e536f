package compare

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

// history is n runs a day apart around a speed, with a step to another from run at on.
func history(n, at int, speed, then float64, seed uint64) []domain.Run {
	random := rand.New(rand.NewPCG(seed, 3))
	var out []domain.Run
	for i := range n {
		level, build := speed, "b1"
		if i >= at {
			level, build = then, "b2"
		}
		v := level * math.Exp(0.01*random.NormFloat64())
		r := run("h", v, 5000/v, func(r *domain.Run) {
			r.Environment.Engine.Build = build
			r.CreatedAt = time.Date(2026, 1, 1+i, 0, 0, 0, 0, time.UTC)
		})
		out = append(out, r)
	}
	return out
}

func TestTrends(t *testing.T) {
	runs := history(20, 12, 100, 80, 1)
	runs[3].Imported = &domain.Imported{Name: "Inferometer"} // brought in with what was known of the machine
	other := run("other", 50, 100, func(r *domain.Run) { r.Plan.MaxTokens = 5 })
	bad := run("bad", 1, 1, func(r *domain.Run) { r.Validity = &domain.Validity{Verdict: "invalid"} })
	for key, direction := range map[string]string{"decode_tokens_per_second": "worse", "ttft_ms": "worse"} {
		ts := Trends(append(append(runs, other), bad), key)
		if len(ts) != 1 || len(ts[0].Points) != 20 || len(ts[0].Changes) != 1 {
			t.Fatalf("%s: %+v", key, ts)
		}
		c := ts[0].Changes[0]
		if c.Run != runs[12].ID || c.Direction != direction || c.BuildBefore != "b1" || c.BuildAfter != "b2" || c.P > 0.05 || math.Abs(math.Abs(c.Percent)-22) > 4 {
			t.Errorf("%s: %+v", key, c)
		}
	}
	if ts := Trends(history(20, 20, 100, 0, 2), "decode_tokens_per_second"); len(ts[0].Changes) != 0 {
		t.Errorf("a flat history has %+v", ts[0].Changes)
	}
	if Trends(runs, "unknown") != nil || len(Trends(nil, "ttft_ms")) != 0 {
		t.Error("something out of nothing")
	}
}

func TestTrendSaysWhatChanged(t *testing.T) {
	runs := history(20, 12, 100, 80, 1)
	for i := range runs {
		e := runs[i].Environment
		e.AppVersion, e.Extra = "1.0", map[string]string{"gpu_driver": "570", "cpu_governor": "performance"}
		if i >= 11 { // a run before the step: where a level begins is not known to the run
			e.Extra["gpu_driver"] = "580"
		}
		if i%2 == 0 { // whatever comes and goes explains nothing
			e.Kernel = "6.1"
		}
		if i >= 12 {
			e.AppVersion, e.Extra["power_limit"] = "1.1", "300"
			e.Extra["cpu_boost"] = "on" // not known before
		}
	}
	ts := Trends(runs, "decode_tokens_per_second")
	if len(ts) != 1 || len(ts[0].Changes) != 1 || len(ts[0].Levels) != 2 {
		t.Fatalf("%+v", ts)
	}
	c, want := ts[0].Changes[0], map[string][2]string{"engine_build": {"b1", "b2"}, "app_version": {"1.0", "1.1"}, "gpu_driver": {"570", "580"}}
	if len(c.Differs) != len(want) {
		t.Errorf("differs: %+v", c.Differs)
	}
	for _, d := range c.Differs {
		if w := want[d.Key]; d.Values[0] != w[0] || d.Values[1] != w[1] {
			t.Errorf("%+v", d)
		}
	}
	if c.Interval == nil || c.Interval[0] > c.Percent || c.Interval[1] < c.Percent || c.Interval[1] > -15 {
		t.Errorf("%.2f %% within %v", c.Percent, c.Interval)
	}
	before, after := ts[0].Levels[0], ts[0].Levels[1]
	if before.N != 12 || after.N != 8 || before.Mean != c.Before || after.Mean != c.After || before.Last != runs[11].ID || after.First != c.Run || after.Interval == nil {
		t.Errorf("levels %+v", ts[0].Levels)
	}
	if other := Trends(runs, "ttft_ms"); other[0].ID != ts[0].ID || len(ts[0].ID) != 16 {
		t.Errorf("ids %q and %q", ts[0].ID, other[0].ID)
	}
}

func TestTrendsLeaveOutExperimentsOfBuilds(t *testing.T) {
	runs := history(12, 12, 100, 0, 4)
	for i, build := range []string{"b1", "b2", "b1", "b2"} {
		r := history(1, 1, 100, 0, uint64(i+9))[0]
		r.CreatedAt, r.Environment.Engine.Build = time.Date(2026, 3, 1+i, 0, 0, 0, 0, time.UTC), build
		r.Experiment = &domain.ExperimentPlace{ID: "builds", Arm: i % 2}
		same := history(1, 1, 100, 0, uint64(i+90))[0]
		same.CreatedAt, same.Experiment = time.Date(2026, 4, 1+i, 0, 0, 0, 0, time.UTC), &domain.ExperimentPlace{ID: "same", Arm: i % 2}
		runs = append(runs, r, same)
	}
	ts := Trends(runs, "decode_tokens_per_second")
	if len(ts) != 1 || len(ts[0].Points) != 16 {
		t.Errorf("%+v", ts)
	}
}
