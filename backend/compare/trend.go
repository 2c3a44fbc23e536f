package compare

import (
	"math"
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

// Trends follows one figure over time, one series for each thing that was measured again and again: a model
// with the same settings on the same machine. The build of the engine may change within a series, for that is
// what is watched. Runs that are not valid or were measured elsewhere are left out, and series of one run too.
// They come with the longest first.
func Trends(runs []domain.Run, key string) []domain.Trend {
	all := metrics()
	i := slices.IndexFunc(all, func(m metric) bool { return m.key == key })
	if i < 0 {
		return nil
	}
	m := all[i]
	series := map[string]*domain.Trend{}
	var order []string
	sorted := slices.Clone(runs)
	slices.SortStableFunc(sorted, func(a, b domain.Run) int { return a.CreatedAt.Compare(b.CreatedAt) })
	for j := range sorted {
		r := &sorted[j]
		f := Figures(r)
		if f == nil || r.Imported != nil && r.Environment == nil || r.Validity != nil && r.Validity.Verdict == "invalid" {
			continue
		}
		v := m.get(f, r)
		if v == nil {
			continue
		}
		k := trendKey(r)
		t := series[k]
		if t == nil {
			t = &domain.Trend{Model: r.Model, Engine: r.Engine, Load: stagesText(r.Plan), Metric: m.key, Unit: m.unit, Better: m.better, Points: []domain.TrendPoint{}}
			if r.Environment != nil {
				t.Machine = r.Environment.CPUModel
			}
			series[k] = t
			order = append(order, k)
		}
		t.Points = append(t.Points, domain.TrendPoint{Run: r.ID, At: r.CreatedAt, Value: *v, Build: buildOf(r)})
	}
	out := []domain.Trend{}
	for _, k := range order {
		if t := series[k]; len(t.Points) > 1 {
			t.Changes = changes(t)
			out = append(out, *t)
		}
	}
	slices.SortStableFunc(out, func(a, b domain.Trend) int { return len(b.Points) - len(a.Points) })
	return out
}

func buildOf(r *domain.Run) string {
	if r.Environment == nil {
		return ""
	}
	return strings.TrimSpace(r.Environment.Engine.Build + " " + r.Environment.Engine.Version)
}

// trendKey is Key without the build of the engine.
func trendKey(r *domain.Run) string {
	lines := strings.Split(Key(r), "\n")
	return strings.Join(slices.DeleteFunc(lines, func(l string) bool {
		return strings.HasPrefix(l, "engine_build=") || strings.HasPrefix(l, "engine_source=") && r.Plan.EndpointID == nil
	}), "\n")
}

func changes(t *domain.Trend) []domain.TrendChange {
	values := make([]float64, len(t.Points))
	for i, p := range t.Points {
		values[i] = p.Value
	}
	out := []domain.TrendChange{}
	for _, c := range infer.ChangePoints(values, trendAlpha, trendPermutations, trendSeed) {
		p, before := t.Points[c.Index], t.Points[c.Index-1]
		x := domain.TrendChange{Run: p.Run, At: p.At, Before: c.Before, After: c.After, P: c.P, Direction: "worse", BuildBefore: before.Build, BuildAfter: p.Build}
		if c.Before != 0 {
			x.Percent = 100 * (c.After/c.Before - 1)
		}
		if (c.After > c.Before) == (t.Better == "higher") {
			x.Direction = "better"
		}
		if !math.IsNaN(x.Percent) {
			out = append(out, x)
		}
	}
	return out
}
