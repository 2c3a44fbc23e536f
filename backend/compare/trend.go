package compare

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/stats/infer"
)

// How a trend is searched for changes: a flat history gives an alarm in five of 100 cases.
const (
	trendAlpha        = 0.05
	trendPermutations = 999
	trendSeed         = 1 // fixed, so that the same history always gives the same answer
)

// series is a trend with the runs of its points.
type series struct {
	domain.Trend
	runs []*domain.Run
}

// Trends follows one figure over time, one series for each thing that was measured again and again: a model
// with the same settings on the same machine. What else may change within a series is what is watched: the
// build of the engine, drivers, the system. Runs that are not valid or were measured elsewhere are left out, those
// of an experiment that held builds against one another, and series of one run too. They come with the longest
// first.
func Trends(runs []domain.Run, key string) []domain.Trend {
	out := []domain.Trend{}
	for _, s := range seriesOf(runs, key) {
		if len(s.Points) > 1 {
			s.split(trendAlpha, trendPermutations)
			out = append(out, s.Trend)
		}
	}
	slices.SortStableFunc(out, func(a, b domain.Trend) int { return len(b.Points) - len(a.Points) })
	if len(out) == 0 && !slices.Contains(Metrics(), key) {
		return nil
	}
	return out
}

// seriesOf puts the runs into series, each by time.
func seriesOf(runs []domain.Run, key string) []*series {
	m := metricOf(key)
	if m.get == nil {
		return nil
	}
	known := map[string]*series{}
	var out []*series
	sorted := slices.Clone(runs)
	slices.SortStableFunc(sorted, func(a, b domain.Run) int { return a.CreatedAt.Compare(b.CreatedAt) })
	mixed := buildExperiments(sorted)
	for j := range sorted {
		r := &sorted[j]
		f := Figures(r)
		if f == nil || !followed(r) || r.Experiment != nil && mixed[r.Experiment.ID] {
			continue
		}
		v := m.get(f, r)
		if v == nil {
			continue
		}
		k := trendKey(r)
		s := known[k]
		if s == nil {
			s = &series{Trend: domain.Trend{ID: idOf(k), Model: r.Model, Engine: r.Engine, Load: stagesText(r.Plan), Metric: m.key, Unit: m.unit, Better: m.better, Points: []domain.TrendPoint{}}}
			if r.Environment != nil {
				s.Machine = r.Environment.CPUModel
			}
			known[k] = s
			out = append(out, s)
		}
		s.Points = append(s.Points, domain.TrendPoint{Run: r.ID, At: r.CreatedAt, Value: *v, Build: buildOf(r)})
		s.runs = append(s.runs, r)
	}
	return out
}

// followed reports whether a run counts: this program measured it, here or before its file was brought in, and well.
func followed(r *domain.Run) bool {
	return (r.Imported == nil || r.Environment != nil) && (r.Validity == nil || r.Validity.Verdict != "invalid")
}

// buildExperiments are the experiments whose arms had different builds of the engine. Their runs took turns on
// purpose: within a history they would hide a change between those builds.
func buildExperiments(runs []domain.Run) map[string]bool {
	first, mixed := map[string]string{}, map[string]bool{}
	for i := range runs {
		p := runs[i].Experiment
		if p == nil || runs[i].Environment == nil {
			continue
		}
		build := buildOf(&runs[i])
		if have, known := first[p.ID]; known && have != build {
			mixed[p.ID] = true
		}
		first[p.ID] = build
	}
	return mixed
}

func buildOf(r *domain.Run) string {
	if r.Environment == nil {
		return ""
	}
	return strings.TrimSpace(r.Environment.Engine.Build + " " + r.Environment.Engine.Version)
}

// trendKey is Key without what may change within a series.
func trendKey(r *domain.Run) string {
	lines := strings.Split(Key(r), "\n")
	return strings.Join(slices.DeleteFunc(lines, func(l string) bool {
		key, _, _ := strings.Cut(l, "=")
		switch key {
		case "engine_build", "engine_options.build", "gpu_driver", "cpu_governor", "cpu_boost", "imported":
			return true
		case "engine_source": // of an endpoint it is its address
			return r.Plan.EndpointID == nil
		}
		return false
	}), "\n")
}

func idOf(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:8])
}

// split finds the changes of a series, and the levels between them.
func (s *series) split(alpha float64, permutations int) {
	values := s.values(0, len(s.Points))
	s.Changes, s.Levels = []domain.TrendChange{}, []domain.TrendLevel{}
	points := infer.ChangePoints(values, alpha, permutations, trendSeed)
	from := 0
	for i, c := range points {
		to := len(values)
		if i+1 < len(points) {
			to = points[i+1].Index
		}
		s.Levels = append(s.Levels, s.level(from, c.Index))
		s.Changes = append(s.Changes, s.change(from, c.Index, to, c.P))
		from = c.Index
	}
	s.Levels = append(s.Levels, s.level(from, len(values)))
}

// values are those of the points from one to before another.
func (s *series) values(from, to int) []float64 {
	out := make([]float64, 0, to-from)
	for _, p := range s.Points[from:to] {
		out = append(out, p.Value)
	}
	return out
}

func (s *series) level(from, to int) domain.TrendLevel {
	sum := summarise(s.values(from, to))
	return domain.TrendLevel{First: s.Points[from].Run, Last: s.Points[to-1].Run, N: to - from, Mean: *sum.Mean, Interval: sum.Interval}
}

// change tells of the change at at, between the levels that reach from from and up to to.
func (s *series) change(from, at, to int, p float64) domain.TrendChange {
	point, before, after := s.Points[at], s.level(from, at).Mean, s.level(at, to).Mean
	x := domain.TrendChange{Run: point.Run, At: point.At, Before: before, After: after, P: p, Direction: s.direction(before, after),
		BuildBefore: s.Points[at-1].Build, BuildAfter: point.Build, Differs: changed(s.runs[from:at], s.runs[at:to])}
	if before != 0 {
		x.Percent = 100 * (after/before - 1)
	}
	if e := effect(s.values(from, at), s.values(at, to), false); e != nil && e.Interval != nil {
		x.Interval = &domain.Interval{100 * (e.Interval[0] - 1), 100 * (e.Interval[1] - 1)}
	}
	return x
}

func (s *series) direction(before, after float64) string {
	if (after > before) == (s.Better == "higher") {
		return Better
	}
	return Worse
}

// changed are the conditions that most runs after have otherwise than most runs before. Where exactly a level
// begins is known only to a run or two, so that one run on the wrong side must not hide what changed.
func changed(before, after []*domain.Run) []domain.Difference {
	a, order := usual(before)
	b, more := usual(after)
	for _, f := range more {
		if !slices.ContainsFunc(order, func(o fact) bool { return o.key == f.key }) {
			order = append(order, f)
		}
	}
	out := []domain.Difference{}
	for _, f := range order {
		if a[f.key] != b[f.key] && a[f.key] != "" && b[f.key] != "" && f.key != "imported" { // what was not known says nothing
			out = append(out, domain.Difference{Key: f.key, About: f.about, Values: []string{a[f.key], b[f.key]}})
		}
	}
	slices.SortStableFunc(out, func(x, y domain.Difference) int { return place(x.About) - place(y.About) })
	return out
}

// usual is the most frequent value of each condition, of equal ones the newest, and the conditions in their order.
func usual(runs []*domain.Run) (values map[string]string, order []fact) {
	counts := map[string]map[string]int{}
	values = map[string]string{}
	for _, r := range runs {
		for _, f := range facts(r) {
			if counts[f.key] == nil {
				counts[f.key] = map[string]int{}
				order = append(order, f)
			}
			counts[f.key][f.value]++
			if counts[f.key][f.value] >= counts[f.key][values[f.key]] {
				values[f.key] = f.value
			}
		}
	}
	return values, order
}
