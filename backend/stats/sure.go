package stats

import (
	"fmt"
	"slices"
	"strings"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/stats/infer"
)

const (
	// resamples of a bootstrap: they put the ends within about 3 % of the width.
	resamples = 2000
	// leastBootstrapped is how many values it takes: drawn from fewer, the means spread too little, and no interval
	// would reach beyond the values themselves. Student's t knows how few there are.
	leastBootstrapped = 30
	// mostBootstrapped is how many values are bootstrapped at most. With more, Student's t is as good: the
	// correction for skew is then smaller than what the resampling itself is off by.
	mostBootstrapped = 5000
	bootstrapSeed    = 1
)

// surely adds to s how well its figures are known, from the same values in ascending order.
func surely(s *domain.Stats, sorted []float64) {
	if len(sorted) == 0 {
		return
	}
	at := func(q float64) *domain.Interval { return told(infer.QuantileInterval(sorted, q, confidence)) }
	in := domain.StatsIntervals{Mean: likelyMean(sorted), P50: at(.5), P90: at(.9), P95: at(.95)}
	if s.P99 != nil {
		in.P99 = at(.99)
	}
	s.Intervals, s.Reason = &in, tooFew(s.N)
	if s.N >= limitRequests {
		s.Outliers = outliersOf(sorted)
	}
}

// likelyMean is the interval of the mean over requests.
func likelyMean(values []float64) *domain.Interval {
	if n := len(values); n >= leastBootstrapped && n <= mostBootstrapped {
		if in := told(infer.BCaMean(values, confidence, resamples, bootstrapSeed)); in != nil {
			return in
		}
	}
	return told(infer.MeanInterval(values, confidence))
}

// medianInterval is the interval of the median of values in any order, which it sorts.
func medianInterval(values []float64) *domain.Interval {
	slices.Sort(values)
	return told(infer.QuantileInterval(values, .5, confidence))
}

func told(in infer.Interval, ok bool) *domain.Interval {
	if !ok {
		return nil
	}
	return &domain.Interval{in.Low, in.High}
}

func outliersOf(values []float64) *domain.Outliers {
	o := infer.FindOutliersByRatio(values)
	return &domain.Outliers{Mild: o.MildLow + o.MildHigh, Severe: o.SevereLow + o.SevereHigh, SharePercent: 100 * o.SevereShare}
}

// tooFew says what so many values do not tell: from how many on the 95 % interval of each percentile
// exists, and the 99th percentile itself.
func tooFew(n int) string {
	var missing []string
	for _, x := range []struct {
		from int
		what string
	}{{6, "p50"}, {29, "p90"}, {59, "p95"}, {299, "p99"}} {
		if n < x.from {
			missing = append(missing, fmt.Sprintf("%s takes %d", x.what, x.from))
		}
	}
	if len(missing) == 0 {
		return ""
	}
	text := fmt.Sprintf("There are %d values, and the 95 %% interval of %s.", n, strings.Join(missing, ", of "))
	if n < MinP99 {
		text += fmt.Sprintf(" p99 is told from %d values on.", MinP99)
	}
	return text
}
