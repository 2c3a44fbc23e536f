package experiment_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/experiment"
)

// simulations is how many are drawn; each is a whole experiment of some 64 runs.
const simulations = 400

// Where no settings differ, the defaults stay: whoever wins the rounds by luck is found out in the final.
func TestTuneOfNothingKeepsTheDefaults(t *testing.T) {
	keep := 0
	for seed := range int64(simulations) {
		system := newNoisy(seed)
		e := simulated(t, tuned(domain.TuneDesign{}), seed, func(_ domain.Arm, r *domain.Run) {
			r.Summary.DecodeTokensPerSecond = ptr(system.speed(50))
		})
		if len(e.Arms) != 16 || e.Arms[0].Name != "Default" || e.Tune.Final == nil {
			t.Fatalf("%d arms, %+v", len(e.Arms), e.Tune)
		}
		if e.Tune.Verdict == experiment.TuneKeep {
			keep++
			if e.Tune.Settings != nil || !strings.HasPrefix(e.Tune.Sentence, "No significant gain: keep the defaults.") {
				t.Fatalf("%+v", e.Tune)
			}
		}
	}
	t.Logf("kept the defaults in %d of %d", keep, simulations)
	if keep < simulations*93/100 {
		t.Errorf("kept the defaults in %d of %d", keep, simulations)
	}
}

// A setting that is really faster is found, and what is said of it is the truth on average, though it won because it
// was lucky too; the figures of the rounds alone would say too much.
func TestTuneFindsWhatIsFaster(t *testing.T) {
	const truth = 1.06
	found, sum, rounds := 0, 0.0, 0.0
	for seed := range int64(simulations / 2) {
		system := newNoisy(seed)
		e := simulated(t, tuned(domain.TuneDesign{}), seed, func(a domain.Arm, r *domain.Run) {
			mean := 50.0
			if o := a.Benchmark.EngineOptions; o != nil && o.FlashAttention != nil && *o.FlashAttention == "on" {
				mean *= truth
			}
			r.Summary.DecodeTokensPerSecond = ptr(system.speed(mean))
		})
		if e.Tune.Verdict != experiment.TuneUse || *e.Tune.Settings.FlashAttention != "on" {
			continue
		}
		found++
		for _, m := range e.Tune.Final.Metrics {
			if m.Key == e.Tune.Metric {
				sum += math.Log(m.Values[1].Effect.Ratio)
			}
		}
		for _, c := range e.Tune.Rounds[0].Candidates {
			if c.Arm == *e.Tune.Best {
				rounds += math.Log(1 + *c.Percent/100)
			}
		}
	}
	mean, first := math.Exp(sum/float64(found)), math.Exp(rounds/float64(found))
	t.Logf("found %d of %d; mean of the final %.4f, of the first round %.4f", found, simulations/2, mean, first)
	if found < simulations/2*95/100 || math.Abs(mean-truth) > 0.004 || first < mean {
		t.Errorf("found %d of %d, mean of the final %.4f, of the first round %.4f", found, simulations/2, mean, first)
	}
}

// The rounds halve, measure twice as often each time, and never lose the default, however slow it is.
func TestTuneRounds(t *testing.T) {
	e := simulated(t, tuned(domain.TuneDesign{}), 3, func(a domain.Arm, r *domain.Run) {
		r.Summary.DecodeTokensPerSecond = ptr(50 + float64(len(a.Name)))
	})
	var left, times []int
	for _, r := range e.Tune.Rounds {
		left, times = append(left, len(r.Candidates)), append(times, len(r.Blocks))
		if !r.Done || !slices.ContainsFunc(r.Candidates, func(c domain.TuneCandidate) bool { return c.Arm == 0 && c.State == "kept" }) {
			t.Errorf("%+v", r)
		}
		if r.Candidates[0].State != "kept" || r.Candidates[0].Percent == nil || *r.Candidates[0].Percent <= 0 {
			t.Errorf("%+v", r.Candidates[0])
		}
	}
	if !slices.Equal(left, []int{16, 8, 4}) || !slices.Equal(times, []int{1, 2, 4}) {
		t.Errorf("left %v, times %v", left, times)
	}
	for i, order := range e.Order[7:] {
		if len(order) != 2 || !slices.Contains(order, 0) || !slices.Contains(order, *e.Tune.Best) {
			t.Errorf("pair %d is %v", i, order)
		}
	}
	if len(e.Order) != 15 || e.Tune.Verdict != experiment.TuneUse || !strings.HasPrefix(e.Tune.Sentence, "Use "+e.Arms[*e.Tune.Best].Name+": +") {
		t.Errorf("%d blocks: %+v", len(e.Order), e.Tune)
	}
	if k, _ := experiment.Of("tune"); k.Most(e) != len(e.Runs)+16+16+16+16 {
		t.Errorf("at most %d", k.Most(e))
	}
}

// A candidate that does not run is out with its reason; where the default does not run, no verdict is drawn but
// what runs is told.
func TestTuneFailures(t *testing.T) {
	fail := func(r *domain.Run) {
		r.Status, r.Summary, r.Error = domain.StatusFailed, nil, &domain.RunError{Message: "Out of memory."}
	}
	d := domain.TuneDesign{Values: &domain.TuneValues{Threads: []int{1, 2, 4}}}
	e := simulated(t, tuned(d), 1, func(a domain.Arm, r *domain.Run) {
		if r.Summary.DecodeTokensPerSecond = ptr(50.0); a.Name == "threads 4" {
			fail(r)
		}
	})
	first := e.Tune.Rounds[0].Candidates
	if last := first[len(first)-1]; len(first) != 4 || last.State != "failed" || last.Reason != "Out of memory." || e.Tune.Verdict != experiment.TuneKeep {
		t.Errorf("%+v", e.Tune)
	}
	e = simulated(t, tuned(d), 1, func(a domain.Arm, r *domain.Run) {
		if r.Summary.DecodeTokensPerSecond = ptr(50.0); a.Name == "Default" {
			fail(r)
		}
	})
	if e.Tune.Verdict != experiment.TuneDefaultFails || e.Tune.Settings == nil || e.Tune.Final != nil || !strings.HasPrefix(e.Tune.Sentence, "The default settings do not run") {
		t.Errorf("%+v", e.Tune)
	}
	e = simulated(t, tuned(d), 1, func(_ domain.Arm, r *domain.Run) { fail(r) })
	if e.Tune.Verdict != experiment.TuneNoneRuns {
		t.Errorf("%+v", e.Tune)
	}
}

// What is tried follows from the machine; the types of the KV cache are tried only when named, and labelled.
func TestTuneCandidates(t *testing.T) {
	names := func(e domain.Experiment) (out []string) {
		for _, a := range e.Arms {
			out = append(out, a.Name)
		}
		return out
	}
	plan := func(d domain.TuneDesign) domain.Experiment {
		return simulated(t, tuned(d), 5, func(a domain.Arm, r *domain.Run) {
			if r.Summary.DecodeTokensPerSecond = ptr(50.0); a.Name != "Default" {
				r.Summary.DecodeTokensPerSecond = ptr(80.0)
			}
		})
	}
	all := names(plan(domain.TuneDesign{}))
	for _, want := range []string{"threads 2", "threads 4", "threads 6", "threads 8", "threads 16", "ubatch 128", "flash on", "flash off"} {
		if !slices.Contains(all, want) {
			t.Errorf("%q is not among %q", want, all)
		}
	}
	if slices.Contains(all, "threads 7") || strings.Contains(strings.Join(all, ";"), "q8_0") || len(all) != 16 {
		t.Errorf("%q", all)
	}
	if again := names(plan(domain.TuneDesign{})); !slices.Equal(all, again) {
		t.Errorf("the same seed draws %q, then %q", all, again)
	}
	if few := names(plan(domain.TuneDesign{Candidates: ptr(4)})); len(few) != 4 || few[0] != "Default" {
		t.Errorf("%q", few)
	}
	e := plan(domain.TuneDesign{Settings: []string{"cache_type_v"}})
	if got := names(e); !slices.Equal(got, []string{"Default", "flash on, V q8_0"}) || !e.Tune.Answers {
		t.Errorf("%q, %+v", got, e.Tune)
	}
	if e := plan(domain.TuneDesign{Values: &domain.TuneValues{Threads: []int{2}}}); e.Tune.Answers || *e.Tune.Settings.Threads != 2 {
		t.Errorf("%+v", e.Tune)
	}
}

func TestTuneRefusals(t *testing.T) {
	endpoint := tuned(domain.TuneDesign{})
	endpoint.Benchmark.EndpointID = ptr("e")
	for field, r := range map[string]domain.ExperimentRequest{
		"body.benchmark.endpoint_id":          endpoint,
		"body.tune.candidates":                tuned(domain.TuneDesign{Candidates: ptr(1)}),
		"body.tune.eta":                       tuned(domain.TuneDesign{Eta: ptr(4)}),
		"body.tune.rounds":                    tuned(domain.TuneDesign{Rounds: ptr(0)}),
		"body.tune.pairs":                     tuned(domain.TuneDesign{Pairs: ptr(5)}),
		"body.tune.metric":                    tuned(domain.TuneDesign{Metric: ptr("tpot_ms")}),
		"body.tune.settings[0]":               tuned(domain.TuneDesign{Settings: []string{"luck"}}),
		"body.tune.values.threads[0]":         tuned(domain.TuneDesign{Values: &domain.TuneValues{Threads: []int{0}}}),
		"body.tune.values":                    tuned(domain.TuneDesign{Values: &domain.TuneValues{FlashAttention: []string{"auto"}}}),
		"body.tune.values.flash_attention[0]": tuned(domain.TuneDesign{Values: &domain.TuneValues{FlashAttention: []string{"maybe"}}}),
	} {
		k, _ := experiment.Of("tune")
		var bad experiment.Refusals
		k.Plan(r, &domain.Experiment{}, &bad)
		if !slices.ContainsFunc(bad, func(f domain.FieldError) bool { return f.Location == field }) {
			t.Errorf("%s: %+v", field, bad)
		}
	}
	var bad experiment.Refusals
	r := domain.ExperimentRequest{Kind: ptr("tune"), Benchmark: &domain.BenchmarkRequest{}, Tune: &domain.TuneDesign{Settings: []string{"gpu_layers"}}}
	if experiment.ForMachine(r, experiment.Machine{Cores: 4}, &bad); len(bad) != 1 || bad[0].Location != "body.tune.settings" {
		t.Errorf("%+v", bad)
	}
}
