package stats

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/stats/infer"
)

const (
	leastWarmUp  = 30   // requests; below, a cut of five is chance
	courseP      = 0.01 // what chance alone may do, of each kind of finding
	coursePct    = 2.0  // smaller changes are nothing to speak of
	driftBatches = 40
	spreadPct    = 10.0 // of the spread: severe outliers that make less change no figure
	meanOfBatch  = 5
)

// course says whether a stage held still: first whether it begins with a warm-up, then whether what
// is behind that drifts. stages is how many are looked at: the more, the surer each has to be.
func (p part) course(stages int) *domain.Course {
	values, metric := p.inOrder()
	alpha := courseP / float64(max(1, stages))
	out := courseOf(values, alpha)
	if out.State != domain.CourseUnknown {
		out.Metric = metric
	}
	out.Sentences = courseWords(out, alpha)
	return &out
}

func courseOf(values []float64, alpha float64) domain.Course {
	out := domain.Course{State: domain.CourseUnknown, N: len(values)}
	if len(values) < leastDrift || *mean(values) <= 0 {
		return out
	}
	out.State, out.Outliers = domain.CourseSteady, outliersOf(values)
	rest := values
	if w := warmUp(values, alpha); w != nil {
		out.WarmUp, out.State, rest = w, domain.CourseWarmingUp, values[w.Requests:]
		if 2*w.Requests > len(values) {
			out.State = domain.CourseUnsettled
			return out
		}
	}
	if len(rest) < leastDrift {
		return out
	}
	slope, p := infer.Trend(neighbours(rest, (len(rest)+driftBatches-1)/driftBatches))
	if math.IsNaN(slope) || math.IsNaN(p) {
		return out
	}
	out.Drift = &domain.CourseDrift{Percent: slope, P: p}
	if out.State == domain.CourseSteady && drifts(out, alpha) {
		out.State = domain.CourseDrifting
	}
	return out
}

// warmUp is what MSER-5 cuts off, if it differs from the rest beyond chance: by Student's t on the means of
// five, whose spread is that of the rest, and with as many chances as there are places to cut (Bonferroni).
// Means of five also are less alike to their neighbours than single requests.
func warmUp(values []float64, alpha float64) *domain.WarmUp {
	cut := infer.MSER5(values, 0)
	if len(values) < leastWarmUp || cut == 0 {
		return nil
	}
	first, rest := neighbours(values[:cut], meanOfBatch), neighbours(values[cut:], meanOfBatch)
	if len(rest) < 2 {
		return nil
	}
	m, steady := *mean(first), *mean(rest)
	var squares float64
	for _, v := range rest {
		squares += (v - steady) * (v - steady)
	}
	free := float64(len(rest) - 1)
	off := math.Sqrt(squares / free * (1/float64(len(first)) + 1/float64(len(rest))))
	p := 0.0
	if off > 0 {
		t := math.Abs(m-steady) / off
		p = min(1, 2*distuv.StudentsT{Sigma: 1, Nu: free}.Survival(t)*float64(len(first)+len(rest)))
	}
	w := domain.WarmUp{Requests: cut, MeanMs: *mean(values), SteadyMeanMs: *mean(values[cut:]), P: p}
	w.EffectPercent = 100 * (*mean(values[:cut])/w.SteadyMeanMs - 1)
	if p >= alpha || math.Abs(w.EffectPercent) < coursePct {
		return nil
	}
	return &w
}

// neighbours are the means of so many values each that follow one another; what is left over is dropped.
func neighbours(values []float64, size int) []float64 {
	var out []float64
	for i := 0; i+size <= len(values); i += size {
		out = append(out, *mean(values[i : i+size]))
	}
	return out
}
