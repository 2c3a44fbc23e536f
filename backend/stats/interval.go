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

// Precision follows how well a mean is known while values come in. The zero value has none.
type Precision struct {
	n             int64
	mean, squares float64
}

// Add takes a value (B. P. Welford, "Note on a Method for Calculating Corrected Sums of Squares and
// Products", Technometrics 4 (1962), 419-420).
func (p *Precision) Add(v float64) {
	p.n++
	d := v - p.mean
	p.mean += d / float64(p.n)
	p.squares += d * (v - p.mean)
}

// HalfWidthPercent is half the 95 % interval of the mean as a share of it, in percent; infinite
// below two values.
func (p *Precision) HalfWidthPercent() float64 {
	in := meanInterval(&p.mean, p.squares, p.n)
	if in == nil || p.mean == 0 {
		return math.Inf(1)
	}
	return 100 * (in[1] - in[0]) / 2 / math.Abs(p.mean)
}

// N is how many values there are.
func (p *Precision) N() int64 { return p.n }

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
