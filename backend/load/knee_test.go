package load

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
)

// server is a model of what a stage reaches: throughput rises with the load up to capacity, the
// latency is that of the queue, and above breaks requests fail.
type server struct {
	capacity float64 // load from which on the throughput stays; 0 for never
	worse    float64 // throughput lost for each user or arrival per second above capacity
	latency  float64 // ms for each user or arrival per second
	fails    float64 // load above which a tenth of the requests fails; 0 for never
}

func (s server) run(plan domain.Plan, stage domain.PlanStage) domain.Stage {
	out := domain.Stage{Index: stage.Index, Name: stage.Name, RatePerS: stage.Load.RatePerS, Concurrency: or(stage.Load.Concurrency, 0)}
	level := float64(out.Concurrency) + or(out.RatePerS, 0)
	speed := level
	if s.capacity > 0 {
		speed = min(level, s.capacity-s.worse*max(0, level-s.capacity))
	}
	out.Summary = &domain.Figures{OutputTokensPerSecond: new(100 * speed), Requests: domain.OutcomeCounts{OK: 90}}
	if s.fails > 0 && level > s.fails {
		out.Summary.Requests.Dropped = 10
	}
	for _, o := range append(slices.Clone(plan.SLO), or(plan.Load.Objective, domain.Objective{BelowMs: math.Inf(1)})) {
		value := s.latency * level
		out.Objectives = append(out.Objectives, domain.ObjectiveResult{Objective: o, ValueMs: &value, Met: value <= o.BelowMs})
	}
	return out
}

// find walks a search to its end and returns the levels tried.
func find(t *testing.T, s server, plan domain.Plan) (done []domain.Stage, names []string) {
	t.Helper()
	for stage, ok := Next(plan, done); ok; stage, ok = Next(plan, done) {
		if stage.Index != len(done) || len(done) >= MostStages {
			t.Fatalf("stage %d after %d", stage.Index, len(done))
		}
		if _, err := For(stage, 1, nil); err != nil {
			t.Fatal(err)
		}
		done, names = append(done, s.run(plan, stage)), append(names, stage.Name)
		plan.Stages = stagesOf(t, plan) // a plan under way holds what is known of it
	}
	return done, names
}

func TestKnee(t *testing.T) {
	cases := []struct {
		name   string
		word   string
		server server
		slo    []domain.Objective
		tried  string
		knee   string // name of the stage
		reason string
		detail string
	}{
		{"an objective breaks", "knee:ttft<500ms", server{latency: 40}, nil,
			"closed:1 closed:2 closed:4 closed:8 closed:16 closed:12 closed:14 closed:13", "closed:12", KneeObjective,
			"closed:12 held; at closed:13 ttft<500ms was not met: it reached 520.0 ms."},
		{"a rate within 3 %", "knee:ttft<500ms,over=rate", server{latency: 40}, nil,
			"rate:1/s rate:2/s rate:4/s rate:8/s rate:16/s rate:12/s rate:14/s rate:13/s rate:12.5/s rate:12.8/s", "rate:12.5/s", KneeObjective,
			"rate:12.5/s held; at rate:12.8/s ttft<500ms was not met: it reached 512.0 ms."},
		{"the objectives of the run", "knee", server{latency: 40}, []domain.Objective{{Metric: "tpot", BelowMs: 90}},
			"closed:1 closed:2 closed:4 closed:3", "closed:2", KneeObjective, ""},
		{"the search's own objective goes before", "knee:ttft<500ms,to=8", server{latency: 40}, []domain.Objective{{Metric: "tpot", BelowMs: 90}},
			"closed:1 closed:2 closed:4 closed:8", "closed:8", KneeLimit, "closed:8, the highest load to try, still held."},
		{"the lowest breaks", "knee:ttft<30ms,from=4", server{latency: 40}, nil,
			"closed:4", "", KneeObjective, "Already at closed:4, the lowest load to try, ttft<30ms was not met: it reached 160.0 ms."},
		{"requests fail", "knee", server{fails: 5}, nil,
			"closed:1 closed:2 closed:4 closed:8 closed:6 closed:5", "closed:5", KneeErrors,
			"closed:5 held; at closed:6 10 % of the requests failed or were dropped."},
		{"throughput stops rising", "knee", server{capacity: 24}, nil,
			"closed:1 closed:2 closed:4 closed:8 closed:16 closed:32 closed:64 closed:24 closed:20 closed:22 closed:23", "closed:23", KneeThroughput,
			"From closed:23 on, at 2300 output tokens/s, more load raised the output throughput by less than 5 %."},
		{"throughput never rises", "knee", server{capacity: 1}, nil,
			"closed:1 closed:2", "closed:1", KneeThroughput, ""},
		{"throughput falls", "knee", server{capacity: 4, worse: 0.25}, nil,
			"closed:1 closed:2 closed:4 closed:8 closed:3", "closed:4", KneeThroughput, ""},
		{"a last step that is short", "knee,from=8,to=10", server{capacity: 8}, nil, "closed:8 closed:10", "closed:10", KneeLimit, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			plan := planOf(t, c.word, domain.Stop{}, false)
			plan.SLO = c.slo
			done, names := find(t, c.server, plan)
			if got := strings.Join(names, " "); got != c.tried {
				t.Errorf("tried %s\nwant  %s", got, c.tried)
			}
			k := KneeOf(plan, done)
			found := ""
			if k.Stage != nil {
				found = done[*k.Stage].Name
			}
			if found != c.knee || k.Reason != c.reason || (c.detail != "" && k.Detail != c.detail) {
				t.Errorf("knee %q, %s: %s", found, k.Reason, k.Detail)
			}
		})
	}
}

// Whatever the server does, a search ends, and what it names held.
func TestKneeEnds(t *testing.T) {
	longest := 0
	for limit := 1.0; limit < 1500; limit *= 1.37 {
		for _, word := range []string{"knee:ttft<1000ms", "knee:ttft<1000ms,over=rate,to=900", "knee,from=3"} {
			plan := planOf(t, word, domain.Stop{}, false)
			done, _ := find(t, server{latency: 1000 / limit, capacity: limit}, plan)
			longest = max(longest, len(done))
			k := KneeOf(plan, done)
			if k.Reason == KneeStopped || k.Detail == "" {
				t.Errorf("%s to %g: %+v", word, limit, k)
			}
			if k.Stage != nil && slices.ContainsFunc(done[*k.Stage].Objectives, func(o domain.ObjectiveResult) bool { return !o.Met }) {
				t.Errorf("%s to %g: %s broke", word, limit, done[*k.Stage].Name)
			}
		}
	}
	if longest != 16 {
		t.Errorf("the longest search has %d stages", longest)
	}
}

func TestKneeOfAStoppedSearch(t *testing.T) {
	plan := planOf(t, "knee", domain.Stop{}, false)
	first, _ := Next(plan, nil)
	done := []domain.Stage{server{}.run(plan, first)}
	if k := KneeOf(plan, done); k.Reason != KneeStopped || *k.Stage != 0 {
		t.Errorf("%+v", k)
	}
	done[0].Summary = nil
	if k := KneeOf(plan, done); k.Reason != KneeErrors || k.Stage != nil || !strings.Contains(k.Detail, "no request succeeded") {
		t.Errorf("%+v", k)
	}
	if KneeOf(plan, nil) != nil || KneeOf(planOf(t, "closed:4", domain.Stop{}, false), done) != nil {
		t.Error("a knee without a search")
	}
}

// Only a search adds stages.
func TestNextOfOtherLoads(t *testing.T) {
	for _, word := range []string{"single", "sweep:4,1", "rate:5/s"} {
		if stage, ok := Next(planOf(t, word, domain.Stop{}, false), nil); ok {
			t.Errorf("%s: %+v", word, stage)
		}
	}
	if _, ok := Next(domain.Plan{}, nil); ok {
		t.Error("a plan that is not valid has a stage")
	}
}

// The limits of the run hold for each point of a search, and not those of its first point.
func TestStopOfASearch(t *testing.T) {
	plan := planOf(t, "knee,over=rate", domain.Stop{}, true)
	plan.Stages = stagesOf(t, plan)
	second, _ := Next(plan, []domain.Stage{server{}.run(plan, plan.Stages[0])})
	if or(second.Stop.DurationS, 0) != DefaultOpenS || second.Stop.Requests != nil {
		t.Errorf("second point stops at %+v", second.Stop)
	}
	plan.Stop = requests(40)
	if second, _ = Next(plan, []domain.Stage{server{}.run(plan, plan.Stages[0])}); *second.Stop.Requests != 40 {
		t.Errorf("second point stops at %+v", second.Stop)
	}
}
