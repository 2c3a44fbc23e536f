package compare

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

// swept is a run over closed loads; at each the decode speed is that of one user less a fifth of a percent a user.
func swept(name string, speed float64, users ...int) domain.Run {
	r := run(name, speed, 50)
	for i, n := range users {
		v := speed * (1 - 0.002*float64(n))
		r.Summary.Stages = append(r.Summary.Stages, domain.Stage{Index: i, Name: fmt.Sprintf("closed:%d", n), Concurrency: n,
			Summary: &domain.Figures{DecodeTokensPerSecond: &v}, Hardware: &domain.HardwareMetrics{Peak: domain.HardwarePeak{VRAMUsedGB: new(float64(n))}}})
	}
	r.Summary.BestStage = new(0)
	return r
}

func sweeps(name string, n int, speed float64, users ...int) []domain.Run {
	var out []domain.Run
	for i := range n {
		out = append(out, swept(fmt.Sprint(name, i), speed*(1+0.001*float64(i)), users...))
	}
	return out
}

// Runs of several stages are compared at one load of them, and each load is told.
func TestComparedAtALoad(t *testing.T) {
	sides := []Side{{"A", sweeps("a", 4, 100, 8, 1, 2)}, {"B", sweeps("b", 4, 110, 1, 2, 16)}}
	c := With(sides, Asked{MinEffect: 2, Load: "closed:2"})
	m := row(t, c, "decode_tokens_per_second")
	if got := *m.Values[0].Mean; math.Abs(got-0.996*100*1.0015) > 1e-9 || m.Values[1].Effect.Verdict != Better {
		t.Errorf("%v, %+v", got, m.Values[1].Effect)
	}
	if got := *row(t, c, "peak_vram_gb").Values[1].Mean; got != 2 {
		t.Errorf("peak of the stage: %v", got)
	}
	var names []string
	for _, l := range c.Loads {
		names = append(names, l.Name)
	}
	if !slices.Equal(names, []string{"closed:1", "closed:2", "closed:8", "closed:16"}) {
		t.Errorf("loads %v", names)
	}
	if v := c.Loads[2].Metrics[0].Values; v[0].N != 4 || v[0].Interval == nil || v[1].Mean != nil || v[0].Effect != nil {
		t.Errorf("%+v", v)
	}
	if one := Of([]Side{{"A", runs("a", 3, 100, 1)}, {"B", runs("b", 3, 100, 2)}}, 0, false, 2); len(one.Loads) != 0 {
		t.Errorf("runs of one stage have the loads %+v", one.Loads)
	}
}

// Which figures get a verdict can be chosen; p is corrected over those alone.
func TestChosenFiguresAreJudged(t *testing.T) {
	sides := []Side{{"A", runs("a", 8, 100, 1)}, {"B", runs("b", 8, 110, 2)}}
	c := With(sides, Asked{Paired: true, MinEffect: 2, Judged: []string{"ttft_ms", "peak_ram_gb"}})
	e := row(t, c, "ttft_ms").Values[1].Effect
	if e.Verdict != Better || *e.AdjustedP != *e.P || row(t, c, "decode_tokens_per_second").Values[1].Effect.Verdict != Untested {
		t.Errorf("%+v", e)
	}
	if c.Main != "ttft_ms" || !strings.HasPrefix(c.Sentence, "B is faster than A: +") {
		t.Errorf("%s: %s", c.Main, c.Sentence)
	}
	if none := With(sides, Asked{Judged: []string{"peak_ram_gb"}}); none.Main != "" || none.Sentence != "There is no judged figure that both sides have." {
		t.Errorf("%s: %s", none.Main, none.Sentence)
	}
	for i := range sides[1].Runs {
		sides[0].Runs[i].HardwareMetrics.Peak.RAMUsedGB, sides[1].Runs[i].HardwareMetrics.Peak.RAMUsedGB = new(4+0.001*float64(i)), new(2+0.001*float64(i))
	}
	if c := With(sides, Asked{Paired: true, MinEffect: 2, Judged: []string{"peak_ram_gb"}}); !strings.HasPrefix(c.Sentence, "B is better than A in peak use of RAM: +") {
		t.Errorf("%s", c.Sentence)
	}
	if !slices.Equal(c.Judged, []string{"ttft_ms"}) {
		t.Errorf("judged %v: a figure that nobody has counts for nothing", c.Judged)
	}
}

// A pair that stands apart is pointed at and stays in.
func TestOddPair(t *testing.T) {
	a, b := runs("a", 8, 100, 1), runs("b", 8, 101, 2)
	*b[3].Summary.Figures.DecodeTokensPerSecond *= 0.7
	c := Of([]Side{{"A", a}, {"B", b}}, 0, true, 2)
	if len(c.Odd) != 1 || c.Odd[0].Place != 3 || c.Odd[0].Side != 1 || c.Odd[0].Run != b[3].ID || c.Odd[0].Percent > -25 || c.Odd[0].Metric != "decode_tokens_per_second" {
		t.Fatalf("%+v", c.Odd)
	}
	if n := row(t, c, "decode_tokens_per_second").Values[1].N; n != 8 {
		t.Errorf("%d runs are left", n)
	}
	alone := Of([]Side{{"A", a}, {"B", b}}, 1, false, 2)
	if len(alone.Odd) != 1 || alone.Odd[0].Side != 1 {
		t.Errorf("among runs of its side: %+v", alone.Odd)
	}
	for seed := range uint64(20) {
		quiet := Of([]Side{{"A", runs("a", 8, 100, 2*seed+3)}, {"B", runs("b", 8, 101, 2*seed+4)}}, 0, true, 5)
		if len(quiet.Odd) > 0 {
			t.Errorf("seed %d: %+v", seed, quiet.Odd)
		}
	}
}

func limited(limit string, bytes int64, threads int) func(*domain.Run) {
	return func(r *domain.Run) {
		r.Plan.EngineOptions = &domain.EngineOptions{Threads: &threads}
		r.Environment.Engine.Threads = threads
		r.Environment.Model = &domain.GGUFInfo{BytesPerToken: &bytes}
		r.Bottleneck = &domain.Bottleneck{Limit: limit}
	}
}

// Only what was measured is told as a cause.
func TestWhy(t *testing.T) {
	of := func(speed, other float64, a, b func(*domain.Run)) string {
		one, two := runs("a", 4, speed, 1), runs("b", 4, other, 2)
		for i := range one {
			a(&one[i])
			b(&two[i])
		}
		var parts []string
		for _, k := range Of([]Side{{"A", one}, {"B", two}}, 0, false, 2).Why {
			parts = append(parts, k.Text)
		}
		return strings.Join(parts, " ")
	}
	none := func(*domain.Run) {}
	for _, c := range []struct {
		name, want string
		other      float64
		a, b       func(*domain.Run)
	}{
		{"threads", "B: threads 2 instead of 1. A is limited by arithmetic. B is limited by memory bandwidth.", 150, limited(domain.LimitCompute, 1e8, 1), limited(domain.LimitMemory, 1e8, 2)},
		{"bytes", "B reads 0.05 GB a token instead of 0.10. A and B are limited by memory bandwidth.", 180, limited(domain.LimitMemory, 1e8, 2), limited(domain.LimitMemory, 5e7, 2)},
		{"nothing is known", "No reading shows what limited these runs.", 180, none, none},
		{"no single limit", "B: threads 2 instead of 1. No reading shows what limited these runs.", 150, limited(domain.LimitUnknown, 1e8, 1), limited(domain.LimitUnknown, 1e8, 2)},
		{"no difference", "", 100.01, limited(domain.LimitMemory, 1e8, 2), limited(domain.LimitMemory, 5e7, 2)},
		{"another machine", "A and B are limited by memory bandwidth.", 150, limited(domain.LimitMemory, 1e8, 1), func(r *domain.Run) {
			limited(domain.LimitMemory, 1e8, 2)(r)
			r.Environment.CPUModel = "other"
		}},
	} {
		if got := of(100, c.other, c.a, c.b); got != c.want {
			t.Errorf("%s: %q", c.name, got)
		}
	}
}

// How far apart sides were measured goes by the middle of each; pairs are never apart.
func TestApart(t *testing.T) {
	at := func(rs []domain.Run, from time.Time) []domain.Run {
		for i := range rs {
			rs[i].StartedAt = new(from.Add(time.Duration(i) * time.Minute))
		}
		return rs
	}
	day := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	sides := []Side{{"A", at(runs("a", 3, 100, 1), day)}, {"B", at(runs("b", 3, 100, 2), day.Add(48*time.Hour))}, {"C", at(runs("c", 3, 100, 3), day.Add(time.Hour))}}
	if c := Of(sides, 0, false, 2); c.ApartS == nil || *c.ApartS != 48*3600 {
		t.Errorf("%v", c.ApartS)
	}
	if c := Of(sides, 0, true, 2); c.ApartS != nil {
		t.Errorf("pairs are %v s apart", *c.ApartS)
	}
}
