package experiment_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/experiment"
)

// simulated plans an experiment and measures it with a system that answers for each arm and block; nothing of it
// depends on time.
func simulated(t *testing.T, r domain.ExperimentRequest, seed int64, answer func(arm domain.Arm, run *domain.Run)) domain.Experiment {
	t.Helper()
	e := domain.Experiment{ID: "x", Kind: *r.Kind, Seed: seed, MinEffectPercent: 2}
	kind, ok := experiment.Of(e.Kind)
	if !ok {
		t.Fatalf("no kind %s", e.Kind)
	}
	var bad experiment.Refusals
	if kind.Plan(r, &e, &bad); len(bad) > 0 {
		t.Fatal(bad)
	}
	most := kind.Most(e)
	var runs []domain.Run
	for {
		step := experiment.Next(e, runs)
		if step.End != nil {
			e.Ended = &domain.ExperimentEnd{Status: step.End.Status, Reason: step.End.Reason}
			break
		}
		e.Arms = append(e.Arms, step.Arms...)
		for _, order := range step.Blocks {
			for _, arm := range order {
				run := domain.Run{ID: domain.RunID(fmt.Sprint(len(runs))), Status: domain.StatusCompleted, Summary: &domain.Summary{},
					Experiment: &domain.ExperimentPlace{ID: e.ID, Arm: arm, Block: len(e.Order)}}
				answer(e.Arms[arm], &run)
				runs = append(runs, run)
			}
			e.Order = append(e.Order, order)
		}
		kind.Result(&e, runs)
		if len(runs) > most {
			t.Fatalf("%d runs, at most %d were said", len(runs), most)
		}
	}
	kind.Result(&e, runs)
	return e
}

// noisy is a system with noise from run to run and a drift that wanders, as in research: 1 % and an AR(1) process.
type noisy struct {
	random *rand.Rand
	drift  float64
}

func newNoisy(seed int64) *noisy { return &noisy{random: rand.New(rand.NewPCG(uint64(seed), 77))} }

func (n *noisy) speed(mean float64) float64 {
	n.drift = 0.995*n.drift + 0.003*n.random.NormFloat64()
	return mean * math.Exp(0.01*n.random.NormFloat64()+n.drift)
}

func ptr[T any](v T) *T { return &v }

func tuned(d domain.TuneDesign) domain.ExperimentRequest {
	prompt := "Hello"
	r := domain.ExperimentRequest{Kind: ptr("tune"), Tune: &d, Benchmark: &domain.BenchmarkRequest{ModelID: "m", Prompt: &prompt}}
	var bad experiment.Refusals
	return experiment.ForMachine(r, experiment.Machine{Cores: 8, Threads: 16}, &bad)
}

func capacityOf(d domain.CapacityDesign) domain.ExperimentRequest {
	return domain.ExperimentRequest{Kind: ptr("capacity"), Capacity: &d, Benchmark: &domain.BenchmarkRequest{ModelID: "m"}}
}
