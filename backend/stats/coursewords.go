package stats

import (
	"fmt"
	"math"

	"github.com/inferometer/inferometer/backend/domain"
)

func drifts(c domain.Course, alpha float64) bool {
	return c.Drift != nil && c.Drift.P < alpha && math.Abs(c.Drift.Percent) >= coursePct
}

// spread reports whether severe outliers make a good part of how unsure the mean is.
func spread(c domain.Course) bool {
	return c.Outliers != nil && c.Outliers.Severe > 0 && c.Outliers.SharePercent >= spreadPct
}

// courseWords says what a stage did, what matters most first.
func courseWords(c domain.Course, alpha float64) []string {
	out := []string{}
	if c.State == domain.CourseUnknown {
		return append(out, fmt.Sprintf("Too few requests under one load to tell a warm-up or a drift: it takes %d.", leastDrift))
	}
	if c.WarmUp != nil {
		out = append(out, warmUpWords(c))
	}
	if drifts(c, alpha) {
		out = append(out, driftWords(c))
	}
	if c.State == domain.CourseSteady {
		out = append(out, fmt.Sprintf("No warm-up and no drift were found over %d requests.", c.N))
	}
	if c.Outliers.Severe > 0 {
		out = append(out, outlierWords(c))
	}
	return out
}

func warmUpWords(c domain.Course) string {
	w := *c.WarmUp
	if c.State == domain.CourseUnsettled {
		return fmt.Sprintf("No steady state was reached: after %d of %d requests times were still changing. Run longer.", w.Requests, c.N)
	}
	what := fmt.Sprintf("without them the mean is %s ms, not %s ms.", digits(w.SteadyMeanMs), digits(w.MeanMs))
	if w.EffectPercent < 0 {
		return fmt.Sprintf("The first %d requests were faster than the machine holds; %s", w.Requests, what)
	}
	return fmt.Sprintf("The first %d requests were still warming up; %s", w.Requests, what)
}

func driftWords(c domain.Course) string {
	size, chance := math.Abs(c.Drift.Percent), chanceOf(c.Drift.P)
	switch longer := c.Drift.Percent > 0; {
	case c.Metric == "tpot_ms" && longer:
		return fmt.Sprintf("Tokens came %.1f %% slower at the end than at the start (%s).", size, chance)
	case c.Metric == "tpot_ms":
		return fmt.Sprintf("Tokens came %.1f %% faster at the end than at the start (%s).", size, chance)
	case longer:
		return fmt.Sprintf("Answers took %.1f %% longer at the end than at the start (%s).", size, chance)
	}
	return fmt.Sprintf("Answers took %.1f %% less time at the end than at the start (%s).", size, chance)
}

func outlierWords(c domain.Course) string {
	o := *c.Outliers
	return fmt.Sprintf("%d of %d answers were severe outliers; they make %.0f %% of the spread.", o.Severe, c.N, o.SharePercent)
}

func chanceOf(p float64) string {
	if p < 0.001 {
		return "p < 0.001"
	}
	return fmt.Sprintf("p = %.3f", p)
}

// digits writes a time with three digits, or all before the point.
func digits(ms float64) string {
	switch {
	case ms >= 100:
		return fmt.Sprintf("%.0f", ms)
	case ms >= 10:
		return fmt.Sprintf("%.1f", ms)
	}
	return fmt.Sprintf("%.2f", ms)
}

// courseWarnings are what the figures should not stand without: one for each kind, of the first stage that
// has it. A drift that the check "unstable" warns of already is told once.
func courseWarnings(stages []domain.Stage, moved drift) []domain.Warning {
	alpha := courseP / float64(max(1, len(stages)))
	unstable := moved.condition().warning != ""
	var out []domain.Warning
	for _, k := range []struct {
		code  string
		has   func(domain.Course) bool
		words func(domain.Course) string
	}{
		{"warming_up", func(c domain.Course) bool { return c.WarmUp != nil }, warmUpWords},
		{"drift", func(c domain.Course) bool { return !unstable && drifts(c, alpha) }, driftWords},
		{"outliers", spread, outlierWords},
	} {
		var first *domain.Stage
		more := -1
		for i := range stages {
			if c := stages[i].Course; c != nil && k.has(*c) {
				more++
				if first == nil {
					first = &stages[i]
				}
			}
		}
		if first == nil {
			continue
		}
		w := domain.Warning{Code: k.code, Level: levelInfo, Message: k.words(*first.Course)}
		if len(stages) > 1 {
			w.Message = fmt.Sprintf("Stage %d: %s", first.Index+1, w.Message)
		}
		if more > 0 {
			w.Message += fmt.Sprintf(" It is alike in %d other stage(s).", more)
		}
		out = append(out, w)
	}
	return out
}
