package service_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine/enginetest"
)

func arms(change ...func(*domain.BenchmarkRequest)) []domain.ArmInput {
	var out []domain.ArmInput
	for _, c := range change {
		r := seedBody()
		r.MaxTokens = ptr(8)
		if c != nil {
			c(&r)
		}
		out = append(out, domain.ArmInput{Benchmark: r})
	}
	return out
}

// ended waits until an experiment has no run left.
func (w *world) ended(id string) domain.Experiment {
	w.t.Helper()
	return w.reached(id, time.Second, func(e domain.Experiment) bool { return e.Status.Ended() })
}

// reached looks at an experiment every so often until it is as wanted.
func (w *world) reached(id string, step time.Duration, wanted func(domain.Experiment) bool) domain.Experiment {
	w.t.Helper()
	for range 10_000 {
		e, err := w.svc.Experiment(w.t.Context(), id)
		if err != nil {
			w.t.Fatal(err)
		}
		if wanted(e) {
			return e
		}
		pass(step)
	}
	w.t.Fatal("the experiment never came so far")
	return domain.Experiment{}
}

// The arms are measured in turns and in random order, those of a block with the same prompts, and compared
// in pairs.
func TestExperiment(t *testing.T) {
	in(t, options{}, func(t *testing.T, w *world) {
		e, err := w.svc.StartExperiment(t.Context(), domain.ExperimentRequest{Name: ptr("Threads"), Pairs: ptr(6), Seed: ptr(int64(7)), Arms: arms(
			func(r *domain.BenchmarkRequest) { r.EngineOptions = &domain.EngineOptions{Threads: ptr(1)} },
			func(r *domain.BenchmarkRequest) { r.EngineOptions = &domain.EngineOptions{Threads: ptr(2)} },
		)})
		if err != nil {
			t.Fatal(err)
		}
		if e.Total != 12 || len(e.Order) != 6 || e.Status.Ended() || e.Arms[0].Name != "A" {
			t.Errorf("%+v", e)
		}
		e = w.ended(e.ID)
		if e.Status != domain.StatusCompleted || e.Done != 12 || e.Comparison == nil || !e.Comparison.Paired {
			t.Fatalf("%+v", e)
		}
		seeds := map[int][]int64{}
		var order []int
		for _, r := range e.Runs {
			run := w.stored(r.ID)
			seeds[r.Block] = append(seeds[r.Block], run.Plan.Seed)
			order = append(order, r.Arm)
			if *run.Plan.EngineOptions.Threads != r.Arm+1 || !strings.HasPrefix(run.Name, "Threads · "+e.Arms[r.Arm].Name+" · ") {
				t.Errorf("arm %d is %+v", r.Arm, run)
			}
		}
		for block, s := range seeds {
			if len(s) != 2 || s[0] != s[1] {
				t.Errorf("block %d has the seeds %v", block, s)
			}
		}
		if !slices.Equal(order, slices.Concat(e.Order...)) || slices.Equal(order, []int{0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1}) {
			t.Errorf("order %v, drawn %v", order, e.Order)
		}
		began := map[int]time.Time{}
		for i, r := range e.Runs {
			began[i] = *w.stored(r.ID).StartedAt
			if i > 0 && began[i].Before(began[i-1]) {
				t.Errorf("run %d began before the one that was drawn before it", i)
			}
		}
		if c := e.Comparison; len(c.Sides[0].Runs) != 6 || len(c.Metrics) == 0 || c.Sentence == "" {
			t.Errorf("%+v", c)
		}
		var ids []domain.RunID
		for _, r := range e.Runs {
			ids = append(ids, r.ID)
		}
		c, err := w.svc.Compare(t.Context(), domain.ComparisonRequest{Runs: ids})
		if err != nil || !c.Paired || c.Sentence == "" {
			t.Errorf("as stored runs: %+v, %v", c, err)
		}
		all, err := w.svc.Experiments(t.Context())
		if err != nil || len(all) != 1 || all[0].Done != 12 {
			t.Errorf("%+v, %v", all, err)
		}
		if err := w.svc.RemoveExperiment(t.Context(), e.ID); err != nil {
			t.Fatal(err)
		}
		if run := w.stored(ids[0]); run.Experiment != nil {
			t.Errorf("%+v", run.Experiment)
		}
		_, err = w.svc.Experiment(t.Context(), e.ID)
		refused(t, err, domain.KindNotFound, "")
	})
}

// The same seed draws the same order; what an arm may not have is told under its place.
func TestExperimentRefusals(t *testing.T) {
	in(t, options{}, func(t *testing.T, w *world) {
		for field, r := range map[string]domain.ExperimentRequest{
			"body.arms":                         {Arms: arms(nil)},
			"body.pairs":                        {Arms: arms(nil, nil), Pairs: ptr(1)},
			"body.min_effect_percent":           {Arms: arms(nil, nil), MinEffectPercent: ptr(-1.0)},
			"body.arms[1].benchmark.seed":       {Arms: arms(nil, func(r *domain.BenchmarkRequest) { r.Seed = ptr(int64(1)) })},
			"body.arms[1].benchmark.model_id":   {Arms: arms(nil, func(r *domain.BenchmarkRequest) { r.ModelID = "none" })},
			"body.arms[0].benchmark.max_tokens": {Arms: arms(func(r *domain.BenchmarkRequest) { r.MaxTokens = ptr(0) }, nil)},
			"body.arms[1].name":                 {Arms: []domain.ArmInput{{Name: ptr("x"), Benchmark: seedBody()}, {Name: ptr("x"), Benchmark: seedBody()}}},
		} {
			_, err := w.svc.StartExperiment(t.Context(), r)
			refused(t, err, domain.KindInvalid, field)
		}
		if w.total() != 0 {
			t.Errorf("%d runs were queued", w.total())
		}
		_, err := w.svc.CancelExperiment(t.Context(), "none")
		refused(t, err, domain.KindNotFound, "")
	})
}

// A canceled experiment keeps what it had, and compares the blocks that are complete.
func TestExperimentCanceled(t *testing.T) {
	in(t, options{script: enginetest.Script{TTFT: time.Second, Gap: 100 * time.Millisecond}}, func(t *testing.T, w *world) {
		e, err := w.svc.StartExperiment(t.Context(), domain.ExperimentRequest{Arms: arms(nil, nil), Pairs: ptr(8)})
		if err != nil {
			t.Fatal(err)
		}
		e = w.reached(e.ID, time.Second, func(e domain.Experiment) bool { return e.Done >= 5 })
		refused(t, w.svc.RemoveExperiment(t.Context(), e.ID), domain.KindConflict, "")
		if e, err = w.svc.CancelExperiment(t.Context(), e.ID); err != nil {
			t.Fatal(err)
		}
		e = w.ended(e.ID)
		if e.Status != domain.StatusCanceled || e.Comparison == nil || len(e.Comparison.Sides[0].Runs) != 2 {
			t.Errorf("%+v with %+v", e, e.Comparison)
		}
		_, err = w.svc.CancelExperiment(t.Context(), e.ID)
		refused(t, err, domain.KindConflict, "")
	})
}

func TestCompareStoredRuns(t *testing.T) {
	in(t, options{}, func(t *testing.T, w *world) {
		a, b := w.finished(nil), w.finished(nil)
		c := w.finished(func(r *domain.BenchmarkRequest) { r.MaxTokens = ptr(4) })
		got, err := w.svc.Compare(t.Context(), domain.ComparisonRequest{Runs: []domain.RunID{a.ID, c.ID, b.ID}})
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Sides) != 2 || len(got.Sides[0].Runs) != 2 || got.Paired || len(got.Differs) != 1 || got.Differs[0].Key != "max_tokens" || got.Warnings[0].Code != "not_interleaved" {
			t.Errorf("%+v", got)
		}
		at, err := w.svc.Compare(t.Context(), domain.ComparisonRequest{Runs: []domain.RunID{a.ID, c.ID}, Load: &a.Plan.Stages[0].Name, Judged: []string{"e2e_ms"}})
		if err != nil || at.Load != a.Plan.Stages[0].Name || !slices.Equal(at.Judged, []string{"e2e_ms"}) || len(at.Metrics) == 0 || at.ApartS == nil {
			t.Errorf("%+v, %v", at, err)
		}
		named, err := w.svc.Compare(t.Context(), domain.ComparisonRequest{Baseline: ptr(1), Sides: []domain.SideInput{{Name: ptr("one"), Runs: []domain.RunID{a.ID}}, {Runs: []domain.RunID{b.ID}}}})
		if err != nil || named.Sides[0].Name != "one" || named.Metrics[0].Values[0].Effect == nil || named.Metrics[0].Values[1].Effect != nil {
			t.Errorf("%+v, %v", named, err)
		}
		for field, r := range map[string]domain.ComparisonRequest{
			"body.runs":             {},
			"body.runs[1]":          {Runs: []domain.RunID{a.ID, "none"}},
			"body.runs[2]":          {Runs: []domain.RunID{a.ID, c.ID, a.ID}},
			"body.baseline":         {Runs: []domain.RunID{a.ID, c.ID}, Baseline: ptr(2)},
			"body.sides[1].runs[0]": {Sides: []domain.SideInput{{Runs: []domain.RunID{a.ID}}, {Runs: []domain.RunID{a.ID}}}},
			"body.load":             {Runs: []domain.RunID{a.ID, c.ID}, Load: ptr("closed:99")},
			"body.judged[1]":        {Runs: []domain.RunID{a.ID, c.ID}, Judged: []string{"ttft_ms", "luck"}},
			"body.sides[0].runs":    {Sides: []domain.SideInput{{}, {Runs: []domain.RunID{a.ID}}}},
		} {
			_, err := w.svc.Compare(t.Context(), r)
			refused(t, err, domain.KindInvalid, field)
		}
		_, err = w.svc.Compare(t.Context(), domain.ComparisonRequest{Runs: []domain.RunID{a.ID, b.ID}})
		refused(t, err, domain.KindInvalid, "body.runs")
	})
}

// A distribution is that of the requests of each run, in few points.
func TestDistributions(t *testing.T) {
	in(t, options{script: enginetest.Script{TTFT: 100 * time.Millisecond, Gap: 20 * time.Millisecond}}, func(t *testing.T, w *world) {
		run := w.finished(func(r *domain.BenchmarkRequest) { r.Stop = &domain.Stop{Requests: ptr(5)} })
		at := run.Plan.Stages[0].Name
		for _, c := range []struct {
			metric, load string
			n            int
			middle       float64
		}{
			{domain.RequestTTFT, "", 5, *run.Summary.TTFTMs.P50}, {domain.RequestDecode, "", 5, *run.Summary.DecodeTokensPerSecond},
			{domain.RequestE2E, at, 5, *run.Summary.E2EMs.P50}, {domain.RequestTPOT, "", 5, *run.Summary.TPOTMs.P50},
			{domain.RequestITL, at, run.Summary.ITLMs.N, *run.Summary.ITLMs.P50}, {domain.RequestTTFT, "closed:99", 0, 0},
		} {
			got, err := w.svc.Distributions(t.Context(), domain.DistributionQuery{Runs: []domain.RunID{run.ID}, Metric: c.metric, Load: c.load, Points: 5})
			if err != nil || len(got) != 1 || got[0].N != c.n {
				t.Fatalf("%s: %+v, %v", c.metric, got, err)
			}
			if v := got[0].Values; c.n > 0 && (len(v) != 5 || !slices.IsSorted(v) || v[2] < 0.996*c.middle || v[2] > 1.004*c.middle) || c.n == 0 && len(v) > 0 {
				t.Errorf("%s: %v around %v", c.metric, v, c.middle)
			}
		}
		for field, q := range map[string]domain.DistributionQuery{
			"query.metric":  {Runs: []domain.RunID{run.ID}, Metric: "luck", Points: 5},
			"query.points":  {Runs: []domain.RunID{run.ID}, Metric: domain.RequestTTFT, Points: 1},
			"query.runs":    {Metric: domain.RequestTTFT, Points: 5},
			"query.runs[1]": {Runs: []domain.RunID{run.ID, "none"}, Metric: domain.RequestTTFT, Points: 5},
		} {
			_, err := w.svc.Distributions(t.Context(), q)
			refused(t, err, domain.KindInvalid, field)
		}
	})
}

// An estimate starts nothing, and knows the spread from runs with the same settings alone.
func TestEstimateExperiment(t *testing.T) {
	in(t, options{}, func(t *testing.T, w *world) {
		ask := func() domain.ExperimentEstimate {
			x, err := w.svc.EstimateExperiment(t.Context(), domain.ExperimentRequest{Pairs: ptr(10), Arms: arms(nil, func(r *domain.BenchmarkRequest) { r.MaxTokens = ptr(5) })})
			if err != nil {
				t.Fatal(err)
			}
			return x
		}
		if x := ask(); x.SpreadFrom != "assumed" || x.Total != 20 || w.total() != 0 {
			t.Errorf("%+v, %d runs", x, w.total())
		}
		for range 3 {
			w.finished(func(r *domain.BenchmarkRequest) { r.MaxTokens = ptr(8) })
			w.finished(func(r *domain.BenchmarkRequest) { r.MaxTokens = ptr(5) })
			w.finished(func(r *domain.BenchmarkRequest) { r.MaxTokens = ptr(7) })
		}
		if x := ask(); x.SpreadFrom != "runs" || x.RunsLookedAt != 6 || x.Seconds == nil || *x.Seconds <= 0 {
			t.Errorf("%+v", x)
		}
		_, err := w.svc.EstimateExperiment(t.Context(), domain.ExperimentRequest{Arms: arms(nil)})
		refused(t, err, domain.KindInvalid, "body.arms")
	})
}
