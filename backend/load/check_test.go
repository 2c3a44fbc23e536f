package load

import (
	"math"
	"slices"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
)

// full is a load with every field set.
func full(kind, over string) domain.Load {
	return domain.Load{Kind: kind, Concurrency: new(1), ThinkTimeMs: new(1), SpreadMs: new(1), RatePerS: new(1.0), CV: new(1.0),
		Over: &over, From: new(1.0), To: new(2.0), RampS: new(1.0), Values: []float64{1},
		Objective: &domain.Objective{Metric: "ttft", BelowMs: 1}, Speed: new(1.0), MaxInFlight: new(1)}
}

func locations(bad []domain.FieldError) []string {
	var out []string
	for _, f := range bad {
		out = append(out, f.Location)
	}
	slices.Sort(out)
	return out
}

// Of a load with every field set, each field is named that the kind does not take.
func TestFieldsOfEachKind(t *testing.T) {
	takes := map[string][]string{
		"single":          {"concurrency", "think_time_ms"},
		"closed":          {"concurrency", "think_time_ms", "spread_ms"},
		"rate":            {"rate_per_s", "max_in_flight"},
		"poisson":         {"rate_per_s", "max_in_flight"},
		"gamma":           {"rate_per_s", "cv", "max_in_flight"},
		"ramp":            {"over", "from", "to", "ramp_s", "think_time_ms"},
		"ramp over rate":  {"over", "from", "to", "ramp_s", "max_in_flight"},
		"sweep":           {"over", "values", "think_time_ms", "spread_ms"},
		"sweep over rate": {"over", "values", "max_in_flight"},
		"knee":            {"over", "from", "to", "objective", "think_time_ms", "spread_ms"},
		"knee over rate":  {"over", "from", "to", "objective", "max_in_flight"},
		"trace":           {"speed", "max_in_flight"},
	}
	all := []string{"concurrency", "think_time_ms", "spread_ms", "rate_per_s", "cv", "over", "from", "to", "ramp_s", "values",
		"objective", "speed", "max_in_flight"}
	for _, kind := range Kinds() {
		for name, over := range map[string]string{kind: domain.OverConcurrency, kind + " over rate": domain.OverRate} {
			taken, ok := takes[name]
			if !ok {
				continue
			}
			var want []string
			for _, f := range all {
				if !slices.Contains(taken, f) {
					want = append(want, "body.load."+f)
				}
			}
			slices.Sort(want)
			if got := locations(Check(domain.Plan{Load: full(kind, over), DatasetID: new("set")})); !slices.Equal(got, want) {
				t.Errorf("%s: %v\nwant %v", name, got, want)
			}
		}
	}
}

func TestCheck(t *testing.T) {
	type L = domain.Load
	rate, nan := new(domain.OverRate), math.NaN()
	cases := []struct {
		name string
		plan domain.Plan
		want []string
	}{
		{"no kind", domain.Plan{}, []string{"body.load.kind"}},
		{"another kind", domain.Plan{Load: L{Kind: "burst"}}, []string{"body.load.kind"}},
		{"single with users", domain.Plan{Load: L{Kind: "single", Concurrency: new(4)}}, []string{"body.load.concurrency"}},
		{"closed without users", domain.Plan{Load: L{Kind: "closed"}}, []string{"body.load.concurrency"}},
		{"no user, negative pause", domain.Plan{Load: L{Kind: "closed", Concurrency: new(0), ThinkTimeMs: new(-1)}},
			[]string{"body.load.concurrency", "body.load.think_time_ms"}},
		{"rate that is no number", domain.Plan{Load: L{Kind: "rate", RatePerS: &nan}}, []string{"body.load.rate_per_s"}},
		{"another over", domain.Plan{Load: L{Kind: "knee", Over: new("depth")}}, []string{"body.load.over"}},
		{"half a user", domain.Plan{Load: L{Kind: "sweep", Values: []float64{1, 2.5, 0}}},
			[]string{"body.load.values[1]", "body.load.values[2]"}},
		{"half a rate", domain.Plan{Load: L{Kind: "sweep", Over: rate, Values: []float64{1, 2.5}}}, nil},
		{"ramp down", domain.Plan{Load: L{Kind: "ramp", From: new(4.0), To: new(2.0), RampS: new(1.0)}}, []string{"body.load.to"}},
		{"ramp to nowhere", domain.Plan{Load: L{Kind: "ramp"}}, []string{"body.load.ramp_s", "body.load.to"}},
		{"search from above its end", domain.Plan{Load: L{Kind: "knee", From: new(2000.0)}}, []string{"body.load.to"}},
		{"search for nothing known", domain.Plan{Load: L{Kind: "knee", Objective: &domain.Objective{Metric: "x"}}},
			[]string{"body.load.objective.below_ms", "body.load.objective.metric"}},
		{"trace of a prompt", domain.Plan{Load: L{Kind: "trace"}}, []string{"body.dataset_id"}},
		{"stop", domain.Plan{Load: L{Kind: "single"}, Stop: domain.Stop{Requests: new(0), DurationS: new(0.0), Tokens: new(-1), Errors: new(0)}},
			[]string{"body.stop.duration_s", "body.stop.errors", "body.stop.requests", "body.stop.tokens"}},
		{"stages", domain.Plan{Load: L{Kind: "single"}, Stages: []domain.PlanStage{
			{DepthTokens: new(-1)}, {Load: L{Kind: "knee"}}, {Load: L{Kind: "rate"}, Stop: domain.Stop{Tokens: new(0)}}, {Load: L{Kind: "trace"}},
		}}, []string{"body.stages[0].depth_tokens", "body.stages[1].load.kind", "body.stages[2].load.rate_per_s",
			"body.stages[2].stop.tokens", "body.stages[3].load.kind"}},
		{"stages of a sweep", domain.Plan{Load: L{Kind: "sweep", Values: []float64{1}}, Stages: []domain.PlanStage{{}}},
			[]string{"body.stages[0].load.kind"}},
		{"objectives", domain.Plan{Load: L{Kind: "single"}, SLO: []domain.Objective{{Metric: "ttft", BelowMs: 5},
			{Metric: "tpot", BelowMs: 5, Percentile: new(0.0)}}}, []string{"body.slo[1].percentile"}},
	}
	for _, c := range cases {
		if got := locations(Check(c.plan)); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
		if _, err := Stages(c.plan); (err != nil) != (c.want != nil) {
			t.Errorf("%s: Stages says %v", c.name, err)
		}
	}
}
