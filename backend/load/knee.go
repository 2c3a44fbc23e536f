package load

import (
	"fmt"
	"math"
	"strconv"

	"github.com/inferometer/inferometer/backend/domain"
)

// Rules of the search for the highest load.
const (
	// MostStages ends a search that has not found its limit yet.
	MostStages = 16
	// A step that raises the output throughput by less than this says that it has stopped rising. A
	// step must raise the load by half at least to be judged.
	leastGain, leastStep = 1.05, 1.5
	// A point of which more than this part failed or was dropped has broken.
	mostFailed = 0.05
	// closeRate is how near the last rate that held and the first that broke come to each other;
	// users come as near as one.
	closeRate = 0.03
)

// Reasons why the rise of a search ended.
const (
	KneeObjective  = "objective"  // an objective was not met
	KneeErrors     = "errors"     // more than 5 % of the requests failed or were dropped
	KneeThroughput = "throughput" // the output throughput rose by less than 5 %
	KneeLimit      = "limit"      // the highest load to try still held
	KneeStopped    = "stopped"    // the run ended before the search
)

// Next returns the stage of a knee search that follows the done ones; false at its end, and for any
// other load, whose stages are all known before. The search doubles the load until an objective
// breaks, requests fail, or the throughput stops rising, then halves the distance between the last
// good and the first bad point.
func Next(plan domain.Plan, done []domain.Stage) (domain.PlanStage, bool) {
	stages, err := Stages(plan)
	switch {
	case err != nil, plan.Load.Kind != domain.LoadKnee, len(done) >= MostStages:
		return domain.PlanStage{}, false
	case len(done) == 0:
		return stages[0], true
	}
	level, more := look(plan.Load, done).next()
	if !more {
		return domain.PlanStage{}, false
	}
	return resolve(plan, pointAt(plan.Load, level), len(done), true), true
}

// KneeOf says what a search has found in the done stages; nil for any other load.
func KneeOf(plan domain.Plan, done []domain.Stage) *domain.Knee {
	if plan.Load.Kind != domain.LoadKnee || len(done) == 0 {
		return nil
	}
	return look(plan.Load, done).knee()
}

// search is a knee search as far as it has come.
type search struct {
	load   domain.Load
	to     float64
	points []point // in the order of measuring
	rise   int     // so many of them belong to the rise
	why    string  // what ended the rise; empty while it goes on
}

// point is one measured load.
type point struct {
	domain.Stage
	level float64 // users or arrivals per second
	speed float64 // output tokens per second
	broke string  // KneeObjective, KneeErrors or nothing
	how   string  // in words
}

func look(l domain.Load, done []domain.Stage) search {
	s := search{load: l, to: or(l.To, DefaultKneeTo)}
	for _, stage := range done {
		p := point{Stage: stage, level: float64(stage.Concurrency)}
		if stage.RatePerS != nil {
			p.level = *stage.RatePerS
		}
		if stage.Summary != nil {
			p.speed = or(stage.Summary.OutputTokensPerSecond, 0)
		}
		p.broke, p.how = judge(l, stage)
		s.points = append(s.points, p)
	}
	// Every point behind the rise lies below its top.
	for s.rise = 1; s.rise < len(s.points) && s.points[s.rise].level > s.points[s.rise-1].level; {
		s.rise++
	}
	top := s.points[s.rise-1]
	switch {
	case top.broke != "":
		s.why = top.broke
	case s.rise > 1 && flat(s.points[s.rise-2], top):
		s.why = KneeThroughput
	case top.level >= s.to:
		s.why = KneeLimit
	}
	return s
}

func flat(before, after point) bool {
	return after.level >= leastStep*before.level && after.speed < leastGain*before.speed
}

// judge says whether a stage broke, and how.
func judge(l domain.Load, stage domain.Stage) (broke, how string) {
	if stage.Summary == nil || stage.Summary.Requests.OK == 0 {
		return KneeErrors, "no request succeeded"
	}
	n := stage.Summary.Requests
	failed := n.Error + n.Incomplete + n.Dropped
	if part := float64(failed) / float64(n.OK+failed); part > mostFailed {
		return KneeErrors, fmt.Sprintf("%.0f %% of the requests failed or were dropped", 100*part)
	}
	for _, result := range stage.Objectives {
		if result.Met || (l.Objective != nil && !same(*l.Objective, result.Objective)) {
			continue
		}
		reached := "had no value"
		if result.ValueMs != nil {
			reached = "reached " + strconv.FormatFloat(*result.ValueMs, 'f', 1, 64) + " ms"
		}
		return KneeObjective, objectiveWord(result.Objective) + " was not met: it " + reached
	}
	return "", ""
}

func same(a, b domain.Objective) bool {
	return a.Metric == b.Metric && a.BelowMs == b.BelowMs &&
		or(a.Percentile, DefaultPercentile) == or(b.Percentile, DefaultPercentile)
}

// bracket returns the last good and the first bad point, nil where there is none. When throughput
// ended the rise, the first point that is within 5 % of the best stands for the bad one: from there
// on more load brings nothing.
func (s search) bracket() (good, bad *point) {
	best := 0.0
	for _, p := range s.points {
		if p.broke == "" {
			best = max(best, p.speed)
		}
	}
	ends := func(p point) bool {
		return p.broke != "" || (s.why == KneeThroughput && p.speed*leastGain >= best)
	}
	for i, p := range s.points {
		if ends(p) && (bad == nil || p.level < bad.level) {
			bad = &s.points[i]
		}
	}
	for i, p := range s.points {
		if !ends(p) && (bad == nil || p.level < bad.level) && (good == nil || p.level > good.level) {
			good = &s.points[i]
		}
	}
	return good, bad
}

// next returns the load to try next; false when the search is at its end.
func (s search) next() (float64, bool) {
	if s.why == "" {
		return min(2*s.points[s.rise-1].level, s.to), true
	}
	good, bad := s.bracket()
	if good == nil || bad == nil {
		return 0, false
	}
	if s.load.Open() {
		middle := significant((good.level + bad.level) / 2)
		return middle, bad.level > good.level*(1+closeRate) && middle > good.level && middle < bad.level
	}
	return math.Floor((good.level + bad.level) / 2), bad.level > good.level+1
}

// significant rounds to three digits, well within what a search tells apart.
func significant(v float64) float64 {
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 3, 64), 64)
	if err != nil {
		return v
	}
	return rounded
}

// knee explains what was found.
func (s search) knee() *domain.Knee {
	good, bad := s.bracket()
	k := &domain.Knee{Reason: s.why}
	if good != nil {
		k.Stage = new(good.Index)
	}
	switch {
	case s.why == "":
		k.Reason = KneeStopped
		k.Detail = fmt.Sprintf("The run ended before the search did; up to %s the load held.", s.points[s.rise-1].Name)
	case bad == nil:
		k.Detail = fmt.Sprintf("%s, the highest load to try, still held.", good.Name)
	case bad.broke == "":
		k.Stage = new(bad.Index)
		k.Detail = fmt.Sprintf("From %s on, at %.0f output tokens/s, more load raised the output throughput by less than 5 %%.",
			bad.Name, bad.speed)
	case good == nil:
		k.Reason = bad.broke
		k.Detail = fmt.Sprintf("Already at %s, the lowest load to try, %s.", bad.Name, bad.how)
	default:
		k.Reason = bad.broke
		k.Detail = fmt.Sprintf("%s held; at %s %s.", good.Name, bad.Name, bad.how)
	}
	return k
}
