package transfer

import (
	"math"
	"slices"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/stats"
)

// summary collects the figures of a file without requests; those that are not set stay unknown.
type summary struct {
	domain.Figures
	stages []domain.Stage
}

func summaryOf(r *Run) *summary {
	return &summary{Figures: noFigures(), stages: make([]domain.Stage, 0, len(r.Plan.Stages))}
}

// noFigures is a set of figures of which nothing is known.
func noFigures() domain.Figures {
	return domain.Figures{FinishReasons: map[string]int{}, ErrorClasses: map[string]int{}}
}

// stage adds the figures of one stage.
func (s *summary) stage(p domain.PlanStage, f domain.Figures) {
	st := domain.Stage{Index: p.Index, Name: p.Name, RatePerS: p.Load.RatePerS, DepthTokens: p.DepthTokens, State: "done",
		Objectives: []domain.ObjectiveResult{}, Summary: &f}
	if p.Load.Concurrency != nil {
		st.Concurrency = *p.Load.Concurrency
	}
	s.stages = append(s.stages, st)
}

// fill makes the summary of the run. A run of one stage has its figures in that stage too.
func (s *summary) fill(r *Run) {
	if len(s.stages) == 0 && len(r.Plan.Stages) == 1 {
		p := r.Plan.Stages[0]
		s.AskedConcurrency, s.AskedRatePerS = p.Load.Concurrency, p.Load.RatePerS
		s.stage(p, s.Figures)
	}
	r.Summary = &domain.Summary{Figures: s.Figures, Stages: s.stages}
	if s.Requests.OK > 0 {
		r.TokensGenerated = new(s.Tokens.Output)
	}
}

// statsOf summarises values as every other summary of the program does; NaN is no value. They stay as they are.
func statsOf(values []float64) domain.Stats {
	return stats.Of(slices.DeleteFunc(slices.Clone(values), math.IsNaN))
}
