package experiment

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/inferometer/inferometer/backend/compare"
	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/stats/infer"
)

// What repeat does where nothing else is asked for.
const (
	defaultTargetPercent = 2
	defaultMinRuns       = 4
	defaultMaxRuns       = 16
	mostRuns             = 100
)

// The reasons for which repeating ends, beside those of every kind.
const (
	NarrowEnough = "narrow_enough" // the target is reached
	NoUse        = "no_use"        // the target is out of reach of the most runs
	BudgetSpent  = "budget_spent"  // the time for it is over
)

// repeat measures one benchmark again and again until the mean over runs is known well enough. It decides
// at planned looks alone, each with its part of the error, because who stops at the first good look is wrong too often.
type repeat struct{}

func (repeat) Plan(r domain.ExperimentRequest, e *domain.Experiment, bad *Refusals) {
	b := base(r, bad)
	if b.Repeat != nil {
		bad.Add("body.benchmark.repeat", "is what this kind is for")
	}
	d := or(r.Repeat, domain.RepeatDesign{})
	d.Metric = new(or(d.Metric, compare.Metrics()[0]))
	d.TargetPercent = new(or(d.TargetPercent, defaultTargetPercent))
	d.MinRuns = new(or(d.MinRuns, min(defaultMinRuns, or(d.MaxRuns, defaultMinRuns))))
	d.MaxRuns = new(or(d.MaxRuns, max(defaultMaxRuns, *d.MinRuns)))
	if !slices.Contains(compare.Metrics(), *d.Metric) {
		bad.Add("body.repeat.metric", "must be one of %s", strings.Join(compare.Metrics(), ", "))
	}
	bad.Range("body.repeat.min_runs", float64(*d.MinRuns), 2, mostRuns)
	bad.Range("body.repeat.max_runs", float64(*d.MaxRuns), float64(max(2, *d.MinRuns)), mostRuns)
	if v := *d.TargetPercent; !(v > 0 && v <= 50) {
		bad.Add("body.repeat.target_percent", "must be above 0 and at most 50")
	}
	if v := or(d.BudgetS, 1); !(v > 0 && v <= 7*24*3600) {
		bad.Add("body.repeat.budget_s", "must be above 0 and at most %d", 7*24*3600)
	}
	e.Design.Repeat = &d
	e.Arms = []domain.Arm{{Name: b.ModelID, Benchmark: b}}
	if e.Name == "" {
		e.Name = b.ModelID
	}
}

// looks are the planned ones of a design.
func looks(d domain.RepeatDesign) infer.Looks {
	return infer.Looks{At: infer.PlannedLooks(*d.MinRuns, *d.MaxRuns), Target: *d.TargetPercent / 100, Confidence: compare.Confidence}
}

// Next measures one more run until a look says to stop, the time is spent or there are as many as may be. A run
// without the figure counts for the most, so that it ends.
func (repeat) Next(e domain.Experiment, runs []domain.Run) Step {
	d := *e.Design.Repeat
	_, values := valuesOf(runs, *d.Metric)
	decision := looks(d).Mean(values)
	switch {
	case decision.Stop == infer.NarrowEnough:
		return Step{End: &End{domain.StatusCompleted, NarrowEnough}}
	case decision.Stop == infer.NoUse && len(values) >= *d.MinRuns, len(e.Order) >= *d.MaxRuns:
		return Step{End: &End{domain.StatusCompleted, NoUse}}
	case d.BudgetS != nil && spent(runs) >= *d.BudgetS:
		return Step{End: &End{domain.StatusCompleted, BudgetSpent}}
	}
	return Step{Blocks: [][]int{{0}}}
}

// valuesOf are the runs that have a figure, with it.
func valuesOf(runs []domain.Run, metric string) (with []domain.Run, values []float64) {
	for _, r := range runs {
		if r.Status != domain.StatusCompleted {
			continue
		}
		if v := compare.Value(&r, metric); v != nil {
			with, values = append(with, r), append(values, *v)
		}
	}
	return with, values
}

// spent is how many seconds the runs took from their start to their end, loading of the model in.
func spent(runs []domain.Run) float64 {
	s := 0.0
	for _, r := range runs {
		if r.StartedAt != nil && r.EndedAt != nil {
			s += r.EndedAt.Sub(*r.StartedAt).Seconds()
		}
	}
	return s
}

func (repeat) Most(e domain.Experiment) int { return *e.Design.Repeat.MaxRuns }

func (repeat) Result(e *domain.Experiment, runs []domain.Run) {
	d := *e.Design.Repeat
	unit, _ := compare.Unit(*d.Metric)
	out := &domain.RepeatResult{Metric: *d.Metric, Unit: unit, Points: []domain.RepeatPoint{}, Looks: looks(d).At}
	plan := looks(d)
	with, values := valuesOf(runs, *d.Metric)
	sum := 0.0
	for i, v := range values {
		sum += v
		p := domain.RepeatPoint{ID: with[i].ID, Value: v, Mean: sum / float64(i+1), Look: slices.Contains(plan.At, i+1)}
		if decision := plan.Mean(values[:i+1]); i > 0 && !math.IsNaN(decision.HalfWidth) && !math.IsInf(decision.HalfWidth, 0) {
			p.Interval = &domain.Interval{decision.Interval.Low, decision.Interval.High}
			p.Percent = new(100 * decision.HalfWidth)
			out.Needed = nil
			if decision.Needed > 0 {
				out.Needed = new(decision.Needed)
			}
		}
		out.Points = append(out.Points, p)
	}
	out.Sentence = repeatSentence(*e, *out)
	e.Repeat = out
}

// repeatSentence says how well the figure is known.
func repeatSentence(e domain.Experiment, r domain.RepeatResult) string {
	if len(r.Points) == 0 {
		return ""
	}
	last, target := r.Points[len(r.Points)-1], *e.Design.Repeat.TargetPercent
	value := fmt.Sprintf("%.4g %s", last.Mean, r.Unit)
	if last.Percent == nil {
		return fmt.Sprintf("%s in one run; an interval needs two.", value)
	}
	known := fmt.Sprintf("%s ± %.1f %% after %d runs", value, *last.Percent, len(r.Points))
	switch {
	case e.Ended == nil:
		return fmt.Sprintf("%s; the target is ± %g %%.", known, target)
	case e.Ended.Reason == NarrowEnough:
		return fmt.Sprintf("%s, with 95 %% confidence.", known)
	case r.Needed != nil && *r.Needed > len(r.Points):
		return fmt.Sprintf("%s; ± %g %% would take about %d.", known, target, *r.Needed)
	}
	return fmt.Sprintf("%s; ± %g %% was not reached.", known, target)
}

// Spread adds where the spread comes from: values of the single requests of each run.
func Spread(r *domain.RepeatResult, values [][]float64) {
	v, ok := infer.SplitVariance(values)
	if !ok {
		return
	}
	mean, n := 0.0, 0.0
	for _, run := range values {
		for _, x := range run {
			mean += x
			n++
		}
	}
	if mean /= n; mean <= 0 {
		return
	}
	r.WithinPercent, r.BetweenPercent = new(100*math.Sqrt(v.Within)/mean), new(100*math.Sqrt(v.Between)/mean)
	r.Advice = v.Advice
}
