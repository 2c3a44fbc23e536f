package compare

import (
	"cmp"
	"slices"

	"github.com/inferometer/inferometer/backend/domain"
)

// PointOf is a run at one load: its figures, and the index of the stage that they are of, nil where it has but one.
// An empty load is the stage that the run is spoken of by. Nil figures: it was not measured at this load.
func PointOf(r *domain.Run, load string) (*domain.Figures, *int) {
	if r.Summary == nil {
		return nil, nil
	}
	if len(r.Summary.Stages) < 2 {
		if load != "" && loadOf(r) != load {
			return nil, nil
		}
		return &r.Summary.Figures, nil
	}
	if load == "" {
		f := Figures(r)
		for i := range r.Summary.Stages {
			if s := &r.Summary.Stages[i]; s.Summary == f {
				return f, &s.Index
			}
		}
		return f, nil
	}
	for i := range r.Summary.Stages {
		if s := &r.Summary.Stages[i]; s.Name == load && s.Summary != nil {
			return s.Summary, &s.Index
		}
	}
	return nil, nil
}

// loadOf is the load of a run of one stage.
func loadOf(r *domain.Run) string {
	if len(r.Summary.Stages) == 1 {
		return r.Summary.Stages[0].Name
	}
	if len(r.Plan.Stages) == 1 {
		return r.Plan.Stages[0].Name
	}
	return r.Plan.Load.Kind
}

// at is a run at a load as the metrics read it: its hardware too is that of the stage.
func at(r *domain.Run, load string) (*domain.Figures, *domain.Run) {
	f, stage := PointOf(r, load)
	if f == nil || load == "" || stage == nil {
		return f, r
	}
	own := domain.Run{}
	for i := range r.Summary.Stages {
		if s := &r.Summary.Stages[i]; s.Index == *stage && s.Hardware != nil {
			own.HardwareMetrics = *s.Hardware
		}
	}
	return f, &own
}

// loadsOf are the figures of all sides at each load that any of them was measured at, the lowest first; none where
// every run has but one stage.
func loadsOf(sides []Side) []domain.ComparisonLoad {
	out := []domain.ComparisonLoad{}
	several := false
	for _, s := range sides {
		for i := range s.Runs {
			if s.Runs[i].Summary == nil {
				continue
			}
			stages := s.Runs[i].Summary.Stages
			several = several || len(stages) > 1
			for _, g := range stages {
				known := slices.ContainsFunc(out, func(l domain.ComparisonLoad) bool { return l.Name == g.Name })
				if g.Summary != nil && !known {
					out = append(out, domain.ComparisonLoad{Name: g.Name, Concurrency: g.Concurrency, RatePerS: g.RatePerS, DepthTokens: g.DepthTokens, Metrics: []domain.ComparisonMetric{}})
				}
			}
		}
	}
	if !several || len(out) < 2 {
		return []domain.ComparisonLoad{}
	}
	slices.SortStableFunc(out, func(a, b domain.ComparisonLoad) int {
		return cmp.Or(cmp.Compare(or(a.DepthTokens), or(b.DepthTokens)), cmp.Compare(a.Concurrency, b.Concurrency), cmp.Compare(or(a.RatePerS), or(b.RatePerS)))
	})
	for i := range out {
		for _, m := range metrics() {
			if row, _ := rowOf(sides, m, out[i].Name); row != nil {
				out[i].Metrics = append(out[i].Metrics, *row)
			}
		}
	}
	return out
}

func or[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
