package experiment

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
)

func axes(list ...domain.SweepAxis) domain.SweepDesign { return domain.SweepDesign{Axes: list} }

func axis(name string, values ...any) domain.SweepAxis {
	return domain.SweepAxis{Setting: name, Values: values}
}

// planned is a sweep with its plan, or what is wrong with it.
func planned(d domain.SweepDesign, change ...func(*domain.ExperimentRequest)) (domain.Experiment, Refusals) {
	r := domain.ExperimentRequest{Kind: new(domain.ExperimentSweep), Sweep: &d, Benchmark: &domain.BenchmarkRequest{ModelID: "m", Prompt: new("a")}}
	for _, c := range change {
		c(&r)
	}
	e := domain.Experiment{ID: "e", Kind: domain.ExperimentSweep, Seed: 7, MinEffectPercent: 2}
	var bad Refusals
	sweep{}.Plan(r, &e, &bad)
	return e, bad
}

// measure plays a sweep: each run gets the speed of its settings, times what chance and drift make of it; 0 fails.
func measure(t *testing.T, e domain.Experiment, random *rand.Rand, speed func(values) float64) (domain.Experiment, []domain.Run) {
	t.Helper()
	var runs []domain.Run
	drift := 0.0
	for range 1000 {
		s := Next(e, runs)
		if s.End != nil {
			e.Ended = &domain.ExperimentEnd{Status: s.End.Status, Reason: s.End.Reason}
			sweep{}.Result(&e, runs)
			return e, runs
		}
		e.Arms = append(e.Arms, s.Arms...)
		for _, order := range s.Blocks {
			for _, arm := range order {
				r := domain.Run{ID: domain.RunID(fmt.Sprint(len(runs))), Experiment: &domain.ExperimentPlace{Arm: arm, Block: len(e.Order)}}
				v := speed(settingsOf(e.Arms[arm].Benchmark, sweptBy(*e.Design.Sweep)))
				if random != nil {
					drift = 0.9*drift + 0.02*random.NormFloat64()
					v *= math.Exp(drift + 0.01*random.NormFloat64())
				}
				r.Status, r.Error = domain.StatusFailed, &domain.RunError{Message: "out of memory"}
				if v > 0 {
					r.Status, r.Error = domain.StatusCompleted, nil
					r.Summary = &domain.Summary{}
					r.Summary.DecodeTokensPerSecond = &v
					r.HardwareMetrics.Peak.RAMUsedGB = new(4.0)
				}
				runs = append(runs, r)
			}
			e.Order = append(e.Order, order)
		}
	}
	t.Fatal("the sweep never ended")
	return e, nil
}

// Each block holds every cell once, in an order of its own that the seed decides.
func TestSweepBlocks(t *testing.T) {
	e, bad := planned(axes(axis("threads", 1, 2.0, 4), axis("cache_type", "f16", "q8_0")))
	if len(bad) > 0 || len(e.Arms) != 6 || e.Arms[3].Name != "threads 2 · KV q8_0" || e.Name != "threads × cache_type · m" {
		t.Fatalf("%v %+v", bad, e)
	}
	if o := e.Arms[3].Benchmark.EngineOptions; *o.Threads != 2 || *o.CacheTypeK != "q8_0" || *o.CacheTypeV != "q8_0" {
		t.Errorf("%+v", o)
	}
	again, _ := planned(*e.Design.Sweep)
	e, _ = measure(t, e, nil, func(v values) float64 { return float64(10 * *v.Threads) })
	again, _ = measure(t, again, nil, func(v values) float64 { return float64(10 * *v.Threads) })
	if len(e.Order) != 3 || fmt.Sprint(e.Order) != fmt.Sprint(again.Order) || slices.Equal(e.Order[0], e.Order[1]) && slices.Equal(e.Order[1], e.Order[2]) {
		t.Errorf("%v and %v", e.Order, again.Order)
	}
	for _, order := range e.Order {
		if !slices.Equal(slices.Sorted(slices.Values(order)), []int{0, 1, 2, 3, 4, 5}) {
			t.Errorf("%v", order)
		}
	}
	r := e.Sweep
	if v := r.Cells[4].Values[0]; v.N != 3 || *v.Mean != 40 || v.Interval == nil || v.Interval[0] > 40 || v.Interval[1] < 40 {
		t.Errorf("%+v", v)
	}
	if *r.Best != 4 || r.Cells[5].Verdict != "tied" || r.Cells[0].Verdict != "worse" || e.Ended.Reason != Complete {
		t.Errorf("%+v", r)
	}
	if len(r.Edges) != 1 || r.Edges[0] != (domain.SweepEdge{Setting: "threads", End: "highest"}) {
		t.Errorf("edges %v", r.Edges)
	}
	if r.Sentence != "threads 4 · KV f16 is best: 40 tok/s; 1 of the 5 others cannot be told from it." {
		t.Error(r.Sentence)
	}
}

// What cannot be is left out and named; what fails is shown with its reason, and not tried again.
func TestSweepLeavesOutAndFails(t *testing.T) {
	e, bad := planned(axes(axis("flash_attention", "on", "off"), axis("cache_type_v", "f16", "q8_0"), axis("threads", 1, 2)))
	if len(bad) > 0 || len(e.Arms) != 6 {
		t.Fatalf("%v %d", bad, len(e.Arms))
	}
	e, runs := measure(t, e, nil, func(v values) float64 {
		if *v.Threads == 2 && *v.CacheTypeV == "q8_0" {
			return 0
		}
		return 10
	})
	r := e.Sweep
	if len(r.LeftOut) != 2 || *r.LeftOut[0].Settings.FlashAttention != "off" || r.LeftOut[0].Reason != "A cache of values in q8_0 needs flash attention." {
		t.Errorf("%+v", r.LeftOut)
	}
	i := slices.IndexFunc(r.Cells, func(c domain.SweepCell) bool { return c.Status == domain.StatusFailed })
	if i < 0 || r.Cells[i].Reason != "out of memory" || len(r.Cells[i].Runs) != 1 || r.Cells[i].Verdict != "none" || len(runs) != 16 || e.Ended.Status != domain.StatusCompleted {
		t.Errorf("%+v of %d runs, %+v", r.Cells, len(runs), e.Ended)
	}
	if r.Sentence != "No difference is shown between the 5 cells; "+e.Arms[*r.Best].Name+" has the best mean, 10 tok/s." {
		t.Error(r.Sentence)
	}
	_, bad = planned(axes(axis("flash_attention", "off"), axis("cache_type", "q4_0")))
	if len(bad) != 1 || bad[0].Location != "body.sweep" {
		t.Errorf("%v", bad)
	}
	all, _ := planned(axes(axis("threads", 1, 2)))
	if all, _ = measure(t, all, nil, func(values) float64 { return 0 }); all.Ended.Reason != RunsFailed || len(all.Order) != 1 {
		t.Errorf("%+v", all.Ended)
	}
}

// While the first block is measured there is what there is, and nothing is judged.
func TestSweepUnderWay(t *testing.T) {
	e, _ := planned(axes(axis("threads", 1, 2, 4)))
	e.Order = Next(e, nil).Blocks
	sweep{}.Result(&e, nil)
	if r := e.Sweep; r.Best != nil || r.Sentence != "" || r.Cells[0].Verdict != "none" || r.Pick != nil {
		t.Errorf("before the first run: %+v", r)
	}
	one := domain.Run{ID: "a", Status: domain.StatusCompleted, Experiment: &domain.ExperimentPlace{Arm: 2}, Summary: &domain.Summary{}}
	one.Summary.DecodeTokensPerSecond = new(5.0)
	other := domain.Run{ID: "b", Status: domain.StatusRunning, Experiment: &domain.ExperimentPlace{Arm: 0}}
	sweep{}.Result(&e, []domain.Run{one, other})
	r := e.Sweep
	if *r.Best != 2 || r.Cells[0].Status != domain.StatusRunning || r.Sentence != "threads 4 has 5 tok/s; no other cell has a figure to hold against it." {
		t.Errorf("%+v", r)
	}
}

// Of one run a cell nothing is told but the means.
func TestSweepOfOneBlock(t *testing.T) {
	d := axes(axis("threads", 1, 2))
	d.Repeats = new(1)
	e, _ := planned(d)
	e, _ = measure(t, e, nil, func(v values) float64 { return float64(*v.Threads) })
	r := e.Sweep
	if *r.Best != 1 || r.Cells[0].Verdict != "unknown" || r.SpreadPercent != nil || r.Cells[0].P != nil || r.Sentence != "threads 2 has the best mean so far, 2 tok/s; one run a cell cannot tell that from chance." {
		t.Errorf("%+v %s", r.Cells, r.Sentence)
	}
}

// A peak between two values of the grid is found, each time held against the best of the grid in the same blocks.
func TestSweepRefines(t *testing.T) {
	d := axes(axis("threads", 1, 8, 64), axis("flash_attention", "on", "off"))
	d.Refine = new(true)
	e, bad := planned(d)
	if len(bad) > 0 {
		t.Fatal(bad)
	}
	peak := func(v values) float64 {
		x := math.Log(float64(*v.Threads) / 14)
		if *v.FlashAttention == "off" {
			x -= 0.5
		}
		return 100 * math.Exp(-x*x/2)
	}
	e, _ = measure(t, e, rand.New(rand.NewPCG(1, 2)), peak)
	best := e.Sweep.Cells[*e.Sweep.Best]
	if n := *best.Settings.Threads; n < 10 || n > 23 || e.Ended.Reason != Complete {
		t.Errorf("found %+v after %d blocks: %s", best.Settings, len(e.Order), e.Sweep.Sentence)
	}
	if len(e.Order)%3 != 0 || len(e.Order) < 6 || e.Sweep.Cells[6].Round != 1 {
		t.Errorf("%v", e.Order)
	}
	if total := len(slices.Concat(e.Order...)); total > (sweep{}).Most(e) {
		t.Errorf("%d runs, at most %d", total, (sweep{}).Most(e))
	}
	d.MostRuns = new(20)
	e, _ = planned(d)
	if e, _ = measure(t, e, nil, peak); e.Ended.Reason != MostRuns || len(slices.Concat(e.Order...)) > 20 {
		t.Errorf("%+v after %d runs", e.Ended, len(slices.Concat(e.Order...)))
	}
}

// Cells that are all the same are not told apart in more than one sweep of fourteen.
func TestSweepFindsNothingInNoise(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	const sims = 300
	alarms := 0
	for range sims {
		e, _ := planned(axes(axis("threads", 1, 2, 3, 4), axis("flash_attention", "on", "off")))
		e, _ = measure(t, e, random, func(values) float64 { return 50 })
		if slices.ContainsFunc(e.Sweep.Cells, func(c domain.SweepCell) bool { return c.Verdict == "worse" }) {
			alarms++
		}
	}
	if percent := 100 * float64(alarms) / sims; percent > 7 {
		t.Errorf("%.1f %% of sweeps found a difference where there is none", percent)
	}
}

func TestSweepRefusals(t *testing.T) {
	synthetic := func(r *domain.ExperimentRequest) {
		r.Benchmark.Prompt, r.Benchmark.Synthetic = nil, &domain.Synthetic{OutputTokens: &domain.Lengths{Kind: "fixed", Tokens: new(8)}}
	}
	endpoint := func(r *domain.ExperimentRequest) { r.Benchmark.EndpointID = new("x") }
	rate := func(r *domain.ExperimentRequest) { r.Benchmark.Load = &domain.Load{Kind: "rate"} }
	none := func(*domain.ExperimentRequest) {}
	many := make([]any, 65)
	for i := range many {
		many[i] = i + 1
	}
	with := func(d domain.SweepDesign, change func(*domain.SweepDesign)) domain.SweepDesign {
		change(&d)
		return d
	}
	one := axes(axis("threads", 1, 2))
	for _, c := range []struct {
		place  string
		d      domain.SweepDesign
		change func(*domain.ExperimentRequest)
	}{
		{"body.sweep", domain.SweepDesign{}, none},
		{"body.sweep.list", domain.SweepDesign{Axes: one.Axes, List: []values{{Threads: new(1)}}}, none},
		{"body.sweep.axes[0].setting", axes(axis("luck", 1)), none},
		{"body.sweep.axes[1].setting", axes(axis("threads", 1), axis("threads", 2)), none},
		{"body.sweep.axes[1].setting", axes(axis("cache_type", "f16"), axis("cache_type_k", "f16")), none},
		{"body.sweep.axes[0].setting", axes(axis("threads", 1)), endpoint},
		{"body.sweep.axes[0].setting", axes(axis("concurrency", 1)), rate},
		{"body.sweep.axes[0].setting", axes(axis("max_tokens", 1)), synthetic},
		{"body.sweep.axes[0].setting", axes(axis("prompt_tokens", 1)), none},
		{"body.sweep.axes[0].values", axes(axis("threads")), none},
		{"body.sweep.axes[0].values", axes(axis("threads", many...)), none},
		{"body.sweep.axes[0].values[1]", axes(axis("threads", 1, 1.5)), none},
		{"body.sweep.axes[0].values[0]", axes(axis("threads", "many")), none},
		{"body.sweep.axes[0].values[0]", axes(axis("flash_attention", 1)), none},
		{"body.sweep.axes[0].values[0]", axes(axis("model_id", " ")), none},
		{"body.sweep.axes[0].values[1]", axes(axis("threads", 2, 2)), none},
		{"body.sweep.axes", axes(axis("threads", many[:20]...), axis("gpu_layers", many[:20]...)), none},
		{"body.sweep.list[1]", domain.SweepDesign{List: []values{{Threads: new(1)}, {}}}, none},
		{"body.sweep.list[1]", domain.SweepDesign{List: []values{{Threads: new(1)}, {GPULayers: new(1)}}}, none},
		{"body.sweep.list[1]", domain.SweepDesign{List: []values{{Threads: new(1)}, {Threads: new(1)}}}, none},
		{"body.sweep.list[0].threads", domain.SweepDesign{List: []values{{Threads: new(0)}}}, none},
		{"body.sweep.list[0].cache_type", domain.SweepDesign{List: []values{{CacheType: new("f16"), CacheTypeK: new("f16")}}}, none},
		{"body.sweep.repeats", with(one, func(d *domain.SweepDesign) { d.Repeats = new(0) }), none},
		{"body.sweep.most_runs", with(one, func(d *domain.SweepDesign) { d.MostRuns = new(501) }), none},
		{"body.sweep", with(one, func(d *domain.SweepDesign) { d.MostRuns = new(5) }), none},
		{"body.sweep.metric", with(one, func(d *domain.SweepDesign) { d.Metric = new("luck") }), none},
		{"body.sweep.refine", with(axes(axis("flash_attention", "on")), func(d *domain.SweepDesign) { d.Refine = new(true) }), none},
		{"body.sweep.weights.energy", with(one, func(d *domain.SweepDesign) { d.Weights = &domain.SweepWeights{Energy: new(-1.0)} }), none},
	} {
		if _, bad := planned(c.d, c.change); !slices.ContainsFunc(bad, func(f domain.FieldError) bool { return f.Location == c.place }) {
			t.Errorf("%+v: no fault at %s but %v", c.d, c.place, bad)
		}
	}
}

// A list is measured as it stands.
func TestSweepOfAList(t *testing.T) {
	e, bad := planned(domain.SweepDesign{List: []values{{Threads: new(1), ModelID: new("a")}, {Threads: new(3), ModelID: new("b")}}})
	if len(bad) > 0 || len(e.Arms) != 2 || e.Arms[1].Name != "threads 3 · b" || e.Arms[1].Benchmark.ModelID != "b" {
		t.Fatalf("%v %+v", bad, e.Arms)
	}
	e, _ = measure(t, e, nil, func(v values) float64 { return float64(*v.Threads) })
	if got := e.Sweep; !slices.Equal(got.Settings, []string{"threads", "model_id"}) || *got.Cells[1].Settings.Threads != 3 || *got.Best != 1 {
		t.Errorf("%+v", got)
	}
}

func TestSettingsAreReadBack(t *testing.T) {
	v := values{BatchSize: new(512), UBatchSize: new(128), FlashAttention: new("on"), CacheTypeK: new("q8_0"), CacheTypeV: new("f16"), GPULayers: new(0), ContextTokens: new(4096),
		Concurrency: new(4), MaxTokens: new(64), PromptTokens: new(256), Threads: new(3), ModelID: new("x")}
	b := applied(domain.BenchmarkRequest{ModelID: "m", Synthetic: &domain.Synthetic{}}, v)
	if got := settingsOf(b, namesOf(v)); keyOf(got) != keyOf(v) || b.Load.Kind != domain.LoadClosed {
		t.Errorf("%s, wanted %s", keyOf(got), keyOf(v))
	}
	both := values{CacheType: new("q8_0")}
	if got := settingsOf(applied(domain.BenchmarkRequest{}, both), namesOf(both)); keyOf(got) != keyOf(both) {
		t.Errorf("%s", keyOf(got))
	}
	for _, c := range []struct {
		name            string
		low, high, want int
	}{{"threads", 1, 2, 0}, {"threads", 2, 8, 4}, {"threads", 8, 12, 10}, {"batch_size", 512, 2048, 1024}, {"gpu_layers", 0, 20, 10}, {"context_tokens", 1000, 1200, 0}} {
		s, _ := settingOf(c.name)
		if n, ok := s.halfway(c.low, c.high); ok != (c.want > 0) || ok && n != c.want {
			t.Errorf("%+v: %d %v", c, n, ok)
		}
	}
}

// Known quality of models is an objective of its own: the faster model alone is no longer the only one on the front.
func TestSweepWithQuality(t *testing.T) {
	e, _ := planned(axes(axis("model_id", "big", "small", "new")))
	e, _ = measure(t, e, nil, func(v values) float64 { return map[string]float64{"big": 10, "small": 30, "new": 20}[*v.ModelID] })
	if e.Sweep.Cells[0].Front || !e.Sweep.Cells[1].Front || !WantsQuality(e) {
		t.Errorf("%+v", e.Sweep.Cells)
	}
	AddQuality(&e, map[string]float64{"big": 80, "small": 40})
	r := e.Sweep
	if len(r.Objectives) != 3 || r.Objectives[1].Name != "quality" || !r.Cells[0].Front || !r.Cells[1].Front || r.Cells[2].Front || r.Cells[2].Score != nil || *r.Cells[0].Quality != 80 {
		t.Errorf("%+v of %+v", r.Cells, r.Objectives)
	}
	both, _ := planned(axes(axis("model_id", "a", "b"), axis("cache_type", "f16", "q8_0")))
	if both, _ = measure(t, both, nil, func(values) float64 { return 1 }); WantsQuality(both) {
		t.Error("the cache changes quality too")
	}
}
