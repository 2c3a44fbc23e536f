package compare

import (
	"math"
	"slices"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/stats/infer"
)

// A history is looked at after each run, and a look that errs in five of 100 cases errs in most histories when
// it is repeated 30 times. These levels keep a flat history of 30 runs with three figures below seven alarms in 100
// (simulated beside this package), which is about one false alarm in 600 runs.
const (
	watchLevelAlpha   = 0.002  // of a change of the level, at each look and figure
	watchRunAlpha     = 0.0003 // of one run outside of what was to be expected, at each look and figure
	watchPermutations = 1999
	watchFewest       = 5   // runs of a level that say where the next one lies
	watchRecent       = 10  // a change further back is history, not news
	watchMost         = 200 // newest runs of a series that are looked at
	watchApart        = 3   // where a level begins is known to so many runs
)

// Watch looks at the series of a run that has just ended. It returns what is new: alerts without an id, and
// those of past that are now known better, a single run that turned out to begin a level. past are the alerts of
// earlier looks.
func Watch(runs []domain.Run, newest domain.RunID, minEffect float64, past []domain.Alert) []domain.Alert {
	i := slices.IndexFunc(runs, func(r domain.Run) bool { return r.ID == newest })
	if i < 0 || runs[i].Imported != nil || runs[i].Experiment != nil {
		return nil
	}
	var out []domain.Alert
	for _, key := range watched(&runs[i]) {
		for _, s := range seriesOf(runs, key) {
			if s.Points[len(s.Points)-1].Run != newest {
				continue
			}
			s.newest(watchMost)
			a, ok := s.look(minEffect)
			if !ok {
				continue
			}
			if a, fresh := s.against(a, past); fresh {
				out = append(out, a)
			}
		}
	}
	return out
}

// watched are the figures that are looked at: the speed that the load is spoken of by, the wait and the energy. Each
// further one would have to make all others less sensitive.
func watched(r *domain.Run) []string {
	speed := "decode_tokens_per_second"
	if f := Figures(r); f != nil && (f.AskedConcurrency == nil || *f.AskedConcurrency != 1) {
		speed = "output_tokens_per_second"
	}
	return []string{speed, "ttft_ms", "j_per_token"}
}

// newest keeps the last points.
func (s *series) newest(most int) {
	if from := len(s.Points) - most; from > 0 {
		s.Points, s.runs = s.Points[from:], s.runs[from:]
	}
}

// look says whether the series has changed with its last runs.
func (s *series) look(minEffect float64) (domain.Alert, bool) {
	s.split(watchLevelAlpha, watchPermutations)
	n := len(s.Points)
	a := domain.Alert{Series: s.ID, Model: s.Model, Engine: s.Engine, Load: s.Load, Metric: s.Metric, Unit: s.Unit, Run: s.Points[n-1].Run}
	if k := len(s.Changes); k > 0 {
		c := s.Changes[k-1]
		at := s.find(c.Run)
		if at >= n-watchRecent && math.Abs(c.Percent) >= minEffect {
			a.Kind, a.Verdict, a.Before, a.After, a.Percent, a.Interval, a.P = domain.AlertLevel, c.Direction, c.Before, c.After, c.Percent, c.Interval, &c.P
			a.RunsBefore, a.RunsAfter, a.Since, a.Differs = s.Levels[k-1].N, n-at, c.Run, c.Differs
			return a, true
		}
	}
	return s.lookAtLast(a, s.begin(), minEffect)
}

// begin is where the level began that the last run is held against: as a trend shows it, which tells levels apart
// that are not sure enough for an alert of their own. The last run itself has no say in it.
func (s *series) begin() int {
	points := infer.ChangePoints(s.values(0, len(s.Points)-1), trendAlpha, trendPermutations, trendSeed)
	if len(points) == 0 {
		return 0
	}
	return points[len(points)-1].Index
}

// lookAtLast says whether the last run lies outside of where the level that begins at begin let expect it.
// Logarithms, because noise is in proportion.
func (s *series) lookAtLast(a domain.Alert, begin int, minEffect float64) (domain.Alert, bool) {
	last := len(s.Points) - 1
	values := s.values(begin, last)
	if len(values) < watchFewest || s.Points[last].Value <= 0 || slices.Min(values) <= 0 {
		return a, false
	}
	logs := make([]float64, len(values))
	for i, v := range values {
		logs[i] = math.Log(v)
	}
	in, p, ok := infer.Predict(logs, math.Log(s.Points[last].Value), 1-watchRunAlpha)
	level := s.level(begin, last).Mean
	percent := 100 * (s.Points[last].Value/level - 1)
	if !ok || p >= watchRunAlpha || math.Abs(percent) < minEffect {
		return a, false
	}
	a.Kind, a.Verdict, a.Before, a.After, a.Percent, a.P = domain.AlertRun, s.direction(level, s.Points[last].Value), level, s.Points[last].Value, percent, &p
	a.Expected, a.RunsBefore, a.RunsAfter, a.Since = &domain.Interval{math.Exp(in.Low), math.Exp(in.High)}, len(values), 1, s.Points[last].Run
	a.Differs = changed(s.runs[begin:last], s.runs[last:])
	return a, true
}

// find is the number of a run's point, -1 where it has none.
func (s *series) find(id domain.RunID) int {
	return slices.IndexFunc(s.Points, func(p domain.TrendPoint) bool { return p.Run == id })
}

// against holds a finding against the alerts of earlier looks: what was told before is no news, unless it was told of
// one run and is now known to be a level.
func (s *series) against(a domain.Alert, past []domain.Alert) (domain.Alert, bool) {
	at := s.find(a.Since)
	for _, old := range past {
		if old.Series != a.Series || old.Metric != a.Metric || old.Verdict != a.Verdict || old.Kind == domain.AlertBuild {
			continue
		}
		before := s.find(old.Since)
		if before < 0 || before < at-watchApart {
			continue
		}
		if old.Kind == domain.AlertRun && a.Kind == domain.AlertLevel {
			a.ID, a.CreatedAt = old.ID, old.CreatedAt
			return a, true
		}
		return a, false
	}
	return a, true
}

// BuildAlert is the verdict of an experiment that held a new build of the engine against the one before, by one
// figure. It is false where there is nothing to tell.
func BuildAlert(e domain.Experiment, metric string) (domain.Alert, bool) {
	c := e.Comparison
	if c == nil || len(e.Arms) != 2 || len(e.Runs) == 0 {
		return domain.Alert{}, false
	}
	i := slices.IndexFunc(c.Metrics, func(m domain.ComparisonMetric) bool { return m.Key == metric })
	if i < 0 {
		return domain.Alert{}, false
	}
	m := c.Metrics[i]
	before, after := m.Values[0], m.Values[1]
	if before.Mean == nil || after.Effect == nil {
		return domain.Alert{}, false
	}
	f := after.Effect
	a := domain.Alert{Kind: domain.AlertBuild, Model: e.Arms[1].Benchmark.ModelID, Engine: "llama-server", Load: e.Name, Metric: m.Key, Unit: m.Unit,
		Verdict: f.Verdict, Before: *before.Mean, After: *after.Mean, Percent: 100 * (f.Ratio - 1), P: f.AdjustedP, RunsBefore: before.N, RunsAfter: after.N,
		Experiment: &e.ID, Run: e.Runs[len(e.Runs)-1].ID,
		Differs: []domain.Difference{{Key: "engine_build", About: "engine", Values: []string{e.Arms[0].Name, e.Arms[1].Name}}}}
	if in := f.Interval; in != nil {
		a.Interval = &domain.Interval{100 * (in[0] - 1), 100 * (in[1] - 1)}
	}
	for _, r := range e.Runs {
		if r.Arm == 1 {
			a.Since = r.ID
			break
		}
	}
	return a, true
}
