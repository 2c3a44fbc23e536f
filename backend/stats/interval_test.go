package stats

import (
	"math"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
)

// The factors are those of printed t tables (two-sided, 95 %).
func TestMeanIntervalAgainstTheTable(t *testing.T) {
	for n, factor := range map[int64]float64{2: 12.706, 3: 4.303, 5: 2.776, 10: 2.262, 31: 2.042, 121: 1.980, 1_000_000: 1.960} {
		mean := 100.0
		squares := 9 * float64(n-1) // a standard deviation of 3
		half := factor * 3 / math.Sqrt(float64(n))
		got := meanInterval(&mean, squares, n)
		if got == nil || math.Abs(got[0]-(mean-half)) > 5e-4*half || math.Abs(got[1]-(mean+half)) > 5e-4*half {
			t.Errorf("n = %d: %v, want %v ± %v", n, got, mean, half)
		}
	}
}

func TestIntervalsFollowTheirOwnCounts(t *testing.T) {
	var a domain.Averages
	a.TokenCount, a.TimeToFirstToken, a.TimePerToken = ptr(10), ptr(7), ptr(5)
	a.Counts.TokenCount, a.Counts.TimeToFirstToken, a.Counts.TimePerToken = 2, 3, 1
	a.Squares.TokenCount = 2 // 9 and 11
	got := WithIntervals(a).Intervals
	// For two values the interval is the mean and 12.7062 times half their distance.
	near(t, "lower end", &got.TokenCount[0], 10-12.7062047362)
	near(t, "upper end", &got.TokenCount[1], 10+12.7062047362)
	if *got.TimeToFirstToken != (domain.Interval{7, 7}) {
		t.Errorf("equal values: %v", *got.TimeToFirstToken)
	}
	if got.TimePerToken != nil || got.TotalTime != nil {
		t.Errorf("one value or none has an interval: %v %v", got.TimePerToken, got.TotalTime)
	}
}
