package stats

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
)

// noisy are n latencies around 1 s: log-normal, each a little like the one before.
func noisy(random *rand.Rand, n int, cv, like float64) []float64 {
	out := make([]float64, n)
	z := random.NormFloat64()
	for i := range out {
		z = like*z + math.Sqrt(1-like*like)*random.NormFloat64()
		out[i] = 1000 * math.Exp(cv*z)
	}
	return out
}

// On flat runs each kind of finding comes up in at most one of twenty, whatever the noise.
func TestCourseRaisesFewFalseAlarms(t *testing.T) {
	const runs = 400
	for _, c := range []struct {
		n        int
		cv, like float64
	}{{30, .03, 0}, {100, .03, 0}, {100, .1, .3}, {400, .03, .3}, {400, .3, 0}, {1000, .1, .3}} {
		random := rand.New(rand.NewPCG(uint64(c.n), 7))
		warm, drift, outliers := 0, 0, 0
		for range runs {
			got := courseOf(noisy(random, c.n, c.cv, c.like), courseP)
			if got.WarmUp != nil {
				warm++
			}
			if drifts(got, courseP) {
				drift++
			}
			if spread(got) {
				outliers++
			}
		}
		t.Logf("n %d cv %g like %g: warm-up %d, drift %d, outliers %d of %d", c.n, c.cv, c.like, warm, drift, outliers, runs)
		for what, count := range map[string]int{"warm-up": warm, "drift": drift, "outliers": outliers} {
			if count > runs/20 {
				t.Errorf("n %d cv %g like %g: %s in %d of %d flat runs", c.n, c.cv, c.like, what, count, runs)
			}
		}
	}
}

// shaped is a flat run whose values are multiplied.
func shaped(n int, factor func(i int) float64) []float64 {
	out := noisy(rand.New(rand.NewPCG(5, 5)), n, .03, .2)
	for i := range out {
		out[i] *= factor(i)
	}
	return out
}

func TestCourseFindsWhatHappened(t *testing.T) {
	for _, c := range []struct {
		name   string
		factor func(i int) float64
		state  string
		words  string
	}{
		{"flat", func(int) float64 { return 1 }, domain.CourseSteady, "No warm-up and no drift were found over 200 requests."},
		{"cold start", func(i int) float64 { return 1 + .4*math.Exp(-float64(i)/5) }, domain.CourseWarmingUp, "requests were still warming up; without them the mean is"},
		{"turbo", func(i int) float64 { return 1 - .2*math.Exp(-float64(i)/8) }, domain.CourseWarmingUp, "requests were faster than the machine holds; without them"},
		{"drift", func(i int) float64 { return 1 + .08*float64(i)/200 }, domain.CourseDrifting, "% longer at the end than at the start (p < 0.001)."},
		{"no end", func(i int) float64 {
			if i < 140 {
				return 1.3
			}
			return 1
		}, domain.CourseUnsettled, "No steady state was reached: after"},
		{"hiccups", func(i int) float64 {
			if i%60 == 30 {
				return 3
			}
			return 1
		}, domain.CourseSteady, "3 of 200 answers were severe outliers"},
	} {
		got := courseOf(shaped(200, c.factor), courseP)
		got.Metric = "e2e_ms"
		words := strings.Join(courseWords(got, courseP), " ")
		if got.State != c.state || !strings.Contains(words, c.words) {
			t.Errorf("%s: %s, %q, warm-up %+v, drift %+v, outliers %+v", c.name, got.State, words, got.WarmUp, got.Drift, got.Outliers)
		}
	}
}

// A warm-up is told with what the mean is without it, which is the true one.
func TestCourseTellsTheMeanWithoutTheWarmUp(t *testing.T) {
	got := courseOf(shaped(400, func(i int) float64 {
		if i < 20 {
			return 1.5
		}
		return 1
	}), courseP)
	w := got.WarmUp
	if w == nil || w.Requests != 20 || math.Abs(w.SteadyMeanMs-1000) > 10 || math.Abs(w.MeanMs-1025) > 10 || math.Abs(w.EffectPercent-50) > 3 {
		t.Errorf("%+v", w)
	}
}

func TestCourseNeedsRequests(t *testing.T) {
	got := courseOf(shaped(19, func(int) float64 { return 1 }), courseP)
	if got.State != domain.CourseUnknown || got.Drift != nil || got.Outliers != nil || got.N != 19 {
		t.Errorf("%+v", got)
	}
	if w := courseWords(got, courseP); len(w) != 1 || !strings.HasPrefix(w[0], "Too few requests") {
		t.Errorf("%q", w)
	}
	if same := courseOf(make([]float64, 50), courseP); same.State != domain.CourseUnknown {
		t.Errorf("times of 0: %+v", same)
	}
}
