package service

import (
	"context"
	"math"

	"github.com/inferometer/inferometer/backend/compare"
	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/experiment"
)

// mostBefore is how many earlier runs of a model are looked at, the newest ones.
const mostBefore = 300

// EstimateExperiment says how small a difference an experiment would find, and how long it would take, without starting
// it. How runs spread is taken from those that were measured before with the same settings.
func (s *Service) EstimateExperiment(ctx context.Context, r domain.ExperimentRequest) (domain.ExperimentEstimate, error) {
	e, err := s.planExperiment(r)
	if err != nil {
		return domain.ExperimentEstimate{}, err
	}
	if e.Kind != domain.ExperimentAB {
		return domain.ExperimentEstimate{}, domain.Invalid("body.kind", "must be ab: what another kind finds is not known before")
	}
	before, seconds := make([][]domain.Run, len(e.Arms)), make([]float64, len(e.Arms))
	for i, arm := range e.Arms {
		plan, model, prompt, err := s.resolve(ctx, arm.Benchmark)
		if err != nil {
			return domain.ExperimentEstimate{}, inArm(i, err)
		}
		if before[i], err = s.measuredBefore(ctx, s.newRun(plan, model, prompt)); err != nil {
			return domain.ExperimentEstimate{}, err
		}
		seconds[i] = secondsOf(before[i], plan)
	}
	return compare.Estimate(before, seconds, e.Pairs, experiment.MostPairs, e.MinEffectPercent), nil
}

// measuredBefore lists the completed valid runs with the model and the settings of a planned one.
func (s *Service) measuredBefore(ctx context.Context, planned domain.Run) ([]domain.Run, error) {
	key := compare.SettingsKey(&planned)
	page, err := s.d.Store.Runs(ctx, domain.RunFilter{Status: string(domain.StatusCompleted), Model: planned.Model, Limit: mostBefore})
	if err != nil {
		return nil, err
	}
	var out []domain.Run
	for _, run := range page.Items {
		invalid := run.Validity != nil && run.Validity.Verdict == "invalid"
		if !invalid && run.Imported == nil && compare.Figures(&run) != nil && compare.SettingsKey(&run) == key {
			out = append(out, run)
		}
	}
	return out, nil
}

// secondsOf is how long a run took on average, its preparing included; else what its plan expects, NaN where that is not
// known.
func secondsOf(before []domain.Run, p domain.Plan) float64 {
	total, n := 0.0, 0
	for _, run := range before {
		if run.StartedAt != nil && run.EndedAt != nil {
			total += run.EndedAt.Sub(*run.StartedAt).Seconds()
			n++
		}
	}
	switch {
	case n > 0:
		return total / float64(n)
	case p.ExpectedS != nil:
		return *p.ExpectedS
	}
	return math.NaN()
}
