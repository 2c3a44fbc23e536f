package compare

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
)

// run is a run with a decode speed and a time to first token.
func run(name string, decode, ttft float64, change ...func(*domain.Run)) domain.Run {
	f := domain.Figures{DecodeTokensPerSecond: &decode, TTFTMs: domain.Stats{P50: &ttft, N: 10}}
	r := domain.Run{ID: domain.RunID(fmt.Sprint(name, decode, ttft)), Model: "m", Engine: "llama-server", Summary: &domain.Summary{Figures: f},
		Plan: domain.Plan{MaxTokens: 128}, Environment: &domain.Environment{CPUModel: "cpu"}}
	for _, c := range change {
		c(&r)
	}
	return r
}

// runs are n runs around a speed, with noise of one percent; slower answers come later.
func runs(name string, n int, speed float64, seed uint64) []domain.Run {
	random := rand.New(rand.NewPCG(seed, 1))
	var out []domain.Run
	for range n {
		v := speed * math.Exp(0.01*random.NormFloat64())
		out = append(out, run(name, v, 5000/v))
	}
	return out
}

func row(t *testing.T, c domain.Comparison, key string) domain.ComparisonMetric {
	t.Helper()
	for _, m := range c.Metrics {
		if m.Key == key {
			return m
		}
	}
	t.Fatalf("there is no %s", key)
	return domain.ComparisonMetric{}
}

func TestVerdicts(t *testing.T) {
	for _, c := range []struct {
		name         string
		n            int
		factor       float64
		paired       bool
		decode, ttft string
		atLeast      string
		says         string
	}{
		{"faster", 8, 1.10, true, Better, Better, "yes", "B is faster than A: +"},
		{"slower", 8, 0.90, true, Worse, Worse, "no", "B is slower than A: -"},
		{"the same", 20, 1, true, Equivalent, Equivalent, "no", "B is as fast as A"},
		{"hardly", 8, 1.004, true, NoneShown, NoneShown, "unknown", "No difference shown between B and A"},
		{"five pairs", 5, 1.10, true, TooFew, TooFew, "unknown", "Too few runs for a verdict, which needs 6 pairs."},
		{"unpaired", 8, 1.10, false, Better, Better, "yes", "B is faster than A: +"},
		{"two a side", 2, 1.10, false, TooFew, TooFew, "unknown", "needs 3 runs a side."},
		{"one a side", 1, 1.10, false, TooFew, TooFew, "unknown", "needs 3 runs a side."},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := Of([]Side{{"A", runs("a", c.n, 100, 1)}, {"B", runs("b", c.n, 100*c.factor, 2)}}, 0, c.paired, 2)
			for key, want := range map[string]string{"decode_tokens_per_second": c.decode, "ttft_ms": c.ttft} {
				e := row(t, got, key).Values[1].Effect
				if e.Verdict != want || key == "decode_tokens_per_second" && e.AtLeast != c.atLeast {
					t.Errorf("%s: %s, at least: %s; %+v", key, e.Verdict, e.AtLeast, e)
				}
			}
			if !strings.Contains(got.Sentence, c.says) {
				t.Errorf("sentence %q", got.Sentence)
			}
			if e := row(t, got, "decode_tokens_per_second"); e.Values[0].Effect != nil || e.Values[0].N != c.n {
				t.Errorf("the baseline has %+v", e.Values[0])
			}
		})
	}
}

// A run without a figure takes its whole pair out, and one without any value leaves the metric out.
func TestMissingFigures(t *testing.T) {
	a, b := runs("a", 8, 100, 1), runs("b", 8, 110, 2)
	b[3].Summary.Figures.DecodeTokensPerSecond = nil
	a[5].Summary = nil
	c := Of([]Side{{"A", a}, {"B", b}}, 0, true, 2)
	m := row(t, c, "decode_tokens_per_second")
	if m.Values[0].N != 7 || m.Values[1].N != 7 || m.Values[1].Effect.Verdict != Better {
		t.Errorf("%+v", m)
	}
	for _, m := range c.Metrics {
		if m.Key == "j_per_token" {
			t.Error("a metric that nobody has is shown")
		}
	}
}

// Verdicts are drawn over all tested metrics together.
func TestManyMetricsAreCorrectedFor(t *testing.T) {
	a, b := runs("a", 8, 100, 1), runs("b", 8, 110, 2)
	c := Of([]Side{{"A", a}, {"B", b}}, 0, true, 2)
	for _, key := range []string{"decode_tokens_per_second", "ttft_ms"} {
		e := row(t, c, key).Values[1].Effect
		if e.P == nil || e.AdjustedP == nil || *e.AdjustedP < *e.P || *e.AdjustedP != 2*2/math.Pow(2, 8) {
			t.Errorf("%s: p %v, adjusted %v", key, e.P, e.AdjustedP)
		}
	}
}

func TestWhatDiffers(t *testing.T) {
	set := func(threads int, cpu string) func(*domain.Run) {
		return func(r *domain.Run) {
			r.Plan.EngineOptions, r.Environment.CPUModel = &domain.EngineOptions{Threads: &threads}, cpu
		}
	}
	a := []domain.Run{run("a", 100, 50, set(1, "x")), run("a", 101, 50, set(1, "x"))}
	b := []domain.Run{run("b", 100, 50, set(2, "x")), run("b", 101, 50, set(2, "y"))}
	c := Of([]Side{{"A", a}, {"B", b}}, 0, false, 2)
	got := map[string][]string{}
	for _, d := range c.Differs {
		got[d.Key] = d.Values
	}
	if fmt.Sprint(got) != "map[cpu_model:[x varies] engine_options.threads:[1 2]]" {
		t.Errorf("%v", got)
	}
	codes := ""
	for _, w := range c.Warnings {
		codes += w.Code + " "
	}
	if codes != "not_interleaved environment_differs " {
		t.Errorf("warnings %s", codes)
	}
	if Key(&a[0]) != Key(&a[1]) || Key(&a[0]) == Key(&b[0]) {
		t.Error("runs are told apart by the wrong things")
	}
}

// A run of several stages is spoken of by its best one.
func TestFiguresOfStages(t *testing.T) {
	best, found := 1, 0
	r := domain.Run{Summary: &domain.Summary{BestStage: &best, Stages: []domain.Stage{
		{Index: 0, Summary: &domain.Figures{WindowS: new(1.0)}}, {Index: 1, Summary: &domain.Figures{WindowS: new(2.0)}}}}}
	if *Figures(&r).WindowS != 2 {
		t.Error("not the best stage")
	}
	r.Summary.Knee = &domain.Knee{Stage: &found}
	if *Figures(&r).WindowS != 1 {
		t.Error("not the stage that was found")
	}
	if Figures(&domain.Run{}) != nil {
		t.Error("figures of nothing")
	}
}
