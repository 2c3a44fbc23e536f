package service

import (
	"context"
	"strings"

	"github.com/inferometer/inferometer/backend/domain"
)

// repeatAuto asks for as many runs as it takes.
const repeatAuto = "auto"

// startRepeated begins an experiment that repeats a benchmark until its figures are known well enough, and
// returns its first job, which names the experiment.
func (s *Service) startRepeated(ctx context.Context, r domain.BenchmarkRequest) (domain.Run, error) {
	once := r
	once.Repeat, once.Seed, once.Name = nil, nil, nil
	e, err := s.StartExperiment(ctx, domain.ExperimentRequest{Kind: new(domain.ExperimentRepeat), Name: r.Name, Seed: r.Seed, Benchmark: &once})
	if err != nil {
		return domain.Run{}, elsewhere(err, func(place string) string { return strings.Replace(place, "body.benchmark.", "body.", 1) })
	}
	return s.Benchmark(ctx, e.Runs[0].ID)
}
