package stats

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/inferometer/inferometer/backend/domain"
)

// confidence of the intervals around averages.
const confidence = 0.95

// WithIntervals returns the averages with the interval of each mean.
func WithIntervals(a domain.Averages) domain.Averages {
	a.Intervals.TokenCount = meanInterval(a.TokenCount, a.Squares.TokenCount, a.Counts.TokenCount)
	a.Intervals.TimeToFirstToken = meanInterval(a.TimeToFirstToken, a.Squares.TimeToFirstToken, a.Counts.TimeToFirstToken)
	a.Intervals.TimePerToken = meanInterval(a.TimePerToken, a.Squares.TimePerToken, a.Counts.TimePerToken)
	a.Intervals.TotalTime = meanInterval(a.TotalTime, a.Squares.TotalTime, a.Counts.TotalTime)
	return a
}

// meanInterval is Student's t interval of a mean over n values whose squared deviations from it sum
// to squares: mean ± t(n-1) · sqrt(squares / (n-1)) / sqrt(n). It takes the values as independent,
// so it says how well the mean over requests is known, not how runs differ. Nil below two values.
//
// Student (W. S. Gosset), "The Probable Error of a Mean", Biometrika 6 (1908), 1-25; in this form
// NIST/SEMATECH e-Handbook of Statistical Methods, section 1.3.5.2.
func meanInterval(mean *float64, squares float64, n int64) *domain.Interval {
	if mean == nil || n < 2 {
		return nil
	}
	free := float64(n - 1)
	t := distuv.StudentsT{Sigma: 1, Nu: free}.Quantile((1 + confidence) / 2)
	half := t * math.Sqrt(squares/free/float64(n))
	return &domain.Interval{*mean - half, *mean + half}
}
