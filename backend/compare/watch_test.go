package compare

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

// noisy is a history of runs whose three watched figures have noise of their own, with levels as at gives them.
func noisy(n int, sd float64, random *rand.Rand, at func(i int) float64) []domain.Run {
	noise := func() float64 { return math.Exp(sd * random.NormFloat64()) }
	out := make([]domain.Run, n)
	for i := range out {
		f, energy := at(i), 2*noise()
		out[i] = run("w", 100*f*noise(), 50/f*noise(), func(r *domain.Run) {
			r.ID, r.CreatedAt = domain.RunID(fmt.Sprint("w", i)), time.Date(2026, 1, 1, i, 0, 0, 0, time.UTC)
			r.Summary.AskedConcurrency = new(1)
			r.Summary.Energy = &domain.Energy{Scopes: []domain.EnergyScope{{JPerToken: &energy}}}
		})
	}
	return out
}

// follow looks at a history after each of its runs, as the program does, and returns all alerts.
func follow(runs []domain.Run) []domain.Alert {
	var all []domain.Alert
	for i := range runs {
		for _, a := range Watch(runs[:i+1], runs[i].ID, DefaultMinEffect, all) {
			known := false
			for k := range all {
				if all[k].ID == a.ID {
					all[k], known = a, true
				}
			}
			if !known {
				a.ID = fmt.Sprint("alert", len(all))
				all = append(all, a)
			}
		}
	}
	return all
}

// alarmed reports whether any look at a history, one after each of its runs from begin on, gives an alert for one of
// the figures. It is follow without what only the number of alerts depends on, so that it can be done often.
func alarmed(runs []domain.Run, begin int, keys ...string) bool {
	for _, key := range keys {
		for _, s := range seriesOf(runs, key) {
			for n := begin; n <= len(s.Points); n++ {
				seen := series{Trend: s.Trend, runs: s.runs[:n]}
				seen.Points = s.Points[:n]
				if _, ok := seen.look(DefaultMinEffect); ok {
					return true
				}
			}
		}
	}
	return false
}

// A flat history of 30 runs, looked at after each, hardly ever gives an alert: at most in seven of 100.
func TestWatchKeepsItsErrorRate(t *testing.T) {
	random := rand.New(rand.NewPCG(11, 1))
	for sd, times := range map[float64]int{0.01: 60, 0.04: 250} { // without noise the smallest effect that matters holds them down
		alarms := 0
		for range times {
			if alarmed(noisy(30, sd, random, func(int) float64 { return 1 }), 1, "decode_tokens_per_second", "ttft_ms", "j_per_token") {
				alarms++
			}
		}
		share := 100 * float64(alarms) / float64(times)
		t.Logf("noise of %.0f %%: alarms in %.1f %% of flat histories of 30 runs", 100*sd, share)
		if share > 7 {
			t.Errorf("noise of %.0f %%: alarms in %.1f %%", 100*sd, share)
		}
	}
}

func TestWatchFindsWhatIsThere(t *testing.T) {
	random := rand.New(rand.NewPCG(12, 1))
	for _, c := range []struct {
		percent float64
		within  int // runs after the step
		share   float64
	}{{-20, 1, 95}, {-6, 1, 60}, {-5, 5, 95}, {-3, 8, 80}} {
		const times = 200
		found := 0
		for range times {
			runs := noisy(15+c.within, 0.01, random, func(i int) float64 {
				if i >= 15 {
					return 1 + c.percent/100
				}
				return 1
			})
			if alarmed(runs, 16, "decode_tokens_per_second") {
				found++
			}
		}
		t.Logf("%g %% is found within %d runs in %d of %d histories", c.percent, c.within, found, times)
		if 100*float64(found)/times < c.share {
			t.Errorf("%g %% within %d runs: found in %d of %d", c.percent, c.within, found, times)
		}
	}
}

func TestWatchTellsOfARunThenOfALevel(t *testing.T) {
	runs := noisy(22, 0.01, rand.New(rand.NewPCG(13, 1)), func(i int) float64 {
		if i >= 14 {
			return 0.8
		}
		return 1
	})
	for i := range runs {
		runs[i].Environment.Engine.Build = map[bool]string{false: "b1", true: "b2"}[i >= 14]
	}
	first := follow(runs[:15])
	if len(first) != 2 { // speed and wait; the energy stayed
		t.Fatalf("%+v", first)
	}
	a := first[0]
	if a.Kind != domain.AlertRun || a.Metric != "decode_tokens_per_second" || a.Verdict != Worse || a.Since != "w14" || a.Expected == nil || a.After > a.Expected[0] ||
		a.RunsBefore != 14 || math.Abs(a.Percent+20) > 4 || len(a.Differs) != 1 || a.Differs[0].Values[1] != "b2" || *a.P >= watchRunAlpha {
		t.Errorf("%+v", a)
	}
	all := follow(runs)
	if len(all) != 2 {
		t.Fatalf("%+v", all)
	}
	b := all[0]
	if b.Kind != domain.AlertLevel || b.ID != a.ID || b.Since != "w14" || b.Interval == nil || b.RunsAfter < 3 || b.Interval[0] > -20 || b.Interval[1] < -20 || *b.P > watchLevelAlpha {
		t.Errorf("%+v", b)
	}
	if wait := all[1]; wait.Metric != "ttft_ms" || wait.Verdict != Worse || wait.Percent < 0 {
		t.Errorf("%+v", wait)
	}
}

func TestWatchLeavesAlone(t *testing.T) {
	step := func(i int) float64 {
		if i == 19 {
			return 0.5
		}
		return 1
	}
	for name, change := range map[string]func(runs []domain.Run){
		"a small effect": func(runs []domain.Run) {
			for i := range runs {
				*runs[i].Summary.DecodeTokensPerSecond = 100 + 1e-6*float64(i%3)
				*runs[i].Summary.TTFTMs.P50 = 50 + 1e-6*float64(i%3)
			}
			*runs[19].Summary.DecodeTokensPerSecond = 101
		},
		"an imported run": func(runs []domain.Run) { runs[19].Imported = &domain.Imported{} },
		"an experiment":   func(runs []domain.Run) { runs[19].Experiment = &domain.ExperimentPlace{ID: "e"} },
		"an invalid run":  func(runs []domain.Run) { runs[19].Validity = &domain.Validity{Verdict: "invalid"} },
		"other settings":  func(runs []domain.Run) { runs[19].Plan.MaxTokens = 9 },
		"too few before": func(runs []domain.Run) {
			for i := range 15 {
				runs[i].Plan.MaxTokens = 9
			}
		},
	} {
		runs := noisy(20, 0.01, rand.New(rand.NewPCG(14, 1)), step)
		if len(Watch(runs, "w19", 2, nil)) != 2 {
			t.Fatal("the history itself gives no alert")
		}
		change(runs)
		if a := Watch(runs, "w19", 2, nil); len(a) != 0 {
			t.Errorf("%s: %+v", name, a)
		}
	}
	if Watch(nil, "none", 2, nil) != nil {
		t.Error("an alert of a run that is not there")
	}
}
