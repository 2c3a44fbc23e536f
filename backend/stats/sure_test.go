package stats

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
)

// skewed are n log-normal values in ascending order; their mean is exp(1/8), their median 1.
func skewed(random *rand.Rand, n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = math.Exp(random.NormFloat64() / 2)
	}
	slices.Sort(out)
	return out
}

// The intervals of a summary hold the true figure about as often as they say, on values with a long tail.
func TestIntervalsCoverTheTruth(t *testing.T) {
	const runs = 600
	random := rand.New(rand.NewPCG(1, 2))
	truth := map[string]float64{"mean": math.Exp(1.0 / 8), "p50": 1, "p90": math.Exp(1.2815515655446 / 2), "p95": math.Exp(1.6448536269515 / 2)}
	held := map[string]int{}
	for range runs {
		values := skewed(random, 150)
		s := Of(values)
		surely(&s, values)
		for what, in := range map[string]*domain.Interval{"mean": s.Intervals.Mean, "p50": s.Intervals.P50, "p90": s.Intervals.P90, "p95": s.Intervals.P95} {
			if in[0] <= truth[what] && truth[what] <= in[1] {
				held[what]++
			}
		}
		if s.Intervals.P99 != nil {
			t.Fatal("150 values have an interval of p99")
		}
	}
	for what, n := range held {
		if share := 100 * float64(n) / runs; share < 92.5 || share > 98 {
			t.Errorf("%s: %.1f %% of the intervals hold the true one", what, share)
		}
	}
}

// Of few requests the mean is known badly, and the interval says so.
func TestIntervalOfTheMeanOfFewValues(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for _, n := range []int{3, 5, 10, leastBootstrapped} {
		held := 0
		for range 1000 {
			values := make([]float64, n)
			for i := range values {
				values[i] = math.Exp(.1 * random.NormFloat64())
			}
			if in := likelyMean(values); in[0] <= math.Exp(.005) && math.Exp(.005) <= in[1] {
				held++
			}
		}
		if held < 925 || held > 975 {
			t.Errorf("%d values: %d of 1000 intervals hold the true mean", n, held)
		}
	}
}

// Beyond what is bootstrapped Student's t takes over, without a jump.
func TestIntervalOfTheMeanOfManyValues(t *testing.T) {
	values := skewed(rand.New(rand.NewPCG(3, 4)), mostBootstrapped+1)
	few, many := likelyMean(values[:mostBootstrapped]), likelyMean(values)
	width := many[1] - many[0]
	if math.Abs(few[1]-few[0]-width) > .1*width {
		t.Errorf("%v and %v", few, many)
	}
}

func TestReasonsForWhatIsMissing(t *testing.T) {
	for n, want := range map[int]string{
		3:   "There are 3 values, and the 95 % interval of p50 takes 6, of p90 takes 29, of p95 takes 59, of p99 takes 299. p99 is told from 100 values on.",
		60:  "There are 60 values, and the 95 % interval of p99 takes 299. p99 is told from 100 values on.",
		150: "There are 150 values, and the 95 % interval of p99 takes 299.",
		299: "",
	} {
		values := skewed(rand.New(rand.NewPCG(1, 1)), n)
		s := Of(values)
		surely(&s, values)
		if s.Reason != want {
			t.Errorf("%d: %q", n, s.Reason)
		}
		in := s.Intervals
		for what, c := range map[string]struct {
			has  bool
			from int
		}{"p50": {in.P50 != nil, 6}, "p90": {in.P90 != nil, 29}, "p95": {in.P95 != nil, 59}, "p99": {in.P99 != nil, 299}, "outliers": {s.Outliers != nil, limitRequests}} {
			if c.has != (n >= c.from) {
				t.Errorf("%d values, %s: %v", n, what, c.has)
			}
		}
	}
	for _, c := range []struct {
		n int
		q float64
	}{{6, .5}, {29, .9}, {59, .95}, {299, .99}} { // the numbers that the words tell are the true ones
		sorted := skewed(rand.New(rand.NewPCG(1, 1)), c.n)
		s, less := Of(sorted), Of(sorted[:c.n-1])
		surely(&s, sorted)
		surely(&less, sorted[:c.n-1])
		at := map[float64]func(*domain.StatsIntervals) *domain.Interval{
			.5: func(i *domain.StatsIntervals) *domain.Interval { return i.P50 }, .9: func(i *domain.StatsIntervals) *domain.Interval { return i.P90 },
			.95: func(i *domain.StatsIntervals) *domain.Interval { return i.P95 }, .99: func(i *domain.StatsIntervals) *domain.Interval { return i.P99 },
		}[c.q]
		if at(s.Intervals) == nil || at(less.Intervals) != nil {
			t.Errorf("%g from %d values", c.q, c.n)
		}
	}
}

// The gaps of one answer are no sample, and while a run is under way nobody waits for intervals.
func TestWhatHasNoIntervals(t *testing.T) {
	in := large(40, 64)
	rep := Report(in)
	itl, e2e := rep.Summary.ITLMs, rep.Summary.E2EMs
	if itl.Intervals != nil || itl.Outliers != nil || !strings.HasPrefix(itl.Reason, "The gaps of one answer") {
		t.Errorf("ITL: %+v", itl)
	}
	if e2e.Intervals == nil || e2e.Intervals.Mean == nil || rep.Summary.Intervals == nil || rep.Summary.Intervals.Decode == nil {
		t.Errorf("E2E: %+v", e2e)
	}
	if none := rep.Summary.DueE2EMs; none.N != 0 || none.Intervals != nil || none.Reason != "" {
		t.Errorf("no values: %+v", none)
	}
	st := StageOf(in.Plan, domain.StageMark{Load: in.Plan.Load}, in.Requests, nil)
	if st.Summary.E2EMs.Intervals != nil || st.Summary.Intervals != nil || st.Course != nil {
		t.Errorf("under way: %+v", st.Summary.E2EMs)
	}
}
