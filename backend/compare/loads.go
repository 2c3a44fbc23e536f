package compare

import "github.com/inferometer/inferometer/backend/domain"

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
