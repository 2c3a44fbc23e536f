package service

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/inferometer/inferometer/backend/compare"
	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/stats"
)

// The most points of a distribution: more than a chart is wide in pixels tells nothing.
const mostPoints = 200

// DistributionMetrics are the figures whose distribution can be asked for.
func DistributionMetrics() []string {
	return []string{domain.RequestTTFT, domain.RequestITL, domain.RequestTPOT, domain.RequestDecode, domain.RequestE2E}
}

// Distributions says how a figure spreads over the requests of each run, in few points. A run without the figure,
// or without the load that is asked for, has no points.
func (s *Service) Distributions(ctx context.Context, q domain.DistributionQuery) ([]domain.Distribution, error) {
	var bad fieldErrors
	if !slices.Contains(DistributionMetrics(), q.Metric) {
		bad.add("query.metric", "must be one of %s", strings.Join(DistributionMetrics(), ", "))
	}
	checkRange(&bad, "query.points", float64(q.Points), 2, mostPoints)
	if len(q.Runs) == 0 || len(q.Runs) > mostComparedRun {
		bad.add("query.runs", "must have 1 to %d entries", mostComparedRun)
	}
	if err := bad.err(); err != nil {
		return nil, err
	}
	seen := map[domain.RunID]bool{}
	out := make([]domain.Distribution, len(q.Runs))
	var there []*domain.Distribution
	for i, id := range q.Runs {
		run, err := s.compared(ctx, id, fmt.Sprintf("query.runs[%d]", i), seen)
		if err != nil {
			return nil, err
		}
		figures, stage := compare.PointOf(&run, q.Load)
		out[i] = domain.Distribution{ID: id, Stage: stage, Values: []float64{}}
		if figures != nil {
			there = append(there, &out[i])
		}
	}
	errs := make([]error, len(there))
	var all sync.WaitGroup
	for i, d := range there {
		all.Go(func() { errs[i] = s.distribute(ctx, d, q) })
	}
	all.Wait()
	return out, errors.Join(errs...)
}

// distribute fills the points of one run.
func (s *Service) distribute(ctx context.Context, d *domain.Distribution, q domain.DistributionQuery) error {
	if q.Metric == domain.RequestITL {
		var k stats.Sketch
		for us, err := range s.d.Store.ChunkTimes(ctx, d.ID, d.Stage) {
			if err != nil {
				return err
			}
			for i := 1; i < len(us); i++ {
				k.Add(us[i] - us[i-1])
			}
		}
		d.N = k.N()
		d.Values = inMs(k.Quantiles(min(q.Points, max(2, d.N))))
		return nil
	}
	of := q.Metric
	if of == domain.RequestDecode {
		of = domain.RequestTPOT
	}
	us, err := s.d.Store.RequestValues(ctx, d.ID, of, d.Stage)
	if err != nil {
		return err
	}
	if q.Metric == domain.RequestDecode {
		us = slices.DeleteFunc(us, func(v float64) bool { return v <= 0 })
		for i, v := range us {
			us[i] = 1e9 / v // one token a second is 10^6 µs a token; in thousandths, as inMs divides
		}
	}
	slices.Sort(us)
	d.N = len(us)
	d.Values = inMs(stats.Quantiles(us, q.Points))
	return nil
}

func inMs(us []float64) []float64 {
	out := make([]float64, len(us))
	for i, v := range us {
		out[i] = v / 1e3
	}
	return out
}
