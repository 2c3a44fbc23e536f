package predict

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

const (
	confidence = 0.95
	// usualSpread is how far files lie off the line before there are enough to tell, and what it counts for.
	usualSpread, usualCount = 0.06, 6.0
	// peakError is how far the peak itself may be off: what is read cannot be faster than this times it.
	peakError = 1.2
	// unknownShare is the least part of a token's time that reading takes, where no peak was measured.
	unknownShare = 0.3
	// fastest is how much faster than predicted a range may reach at most, where no peak bounds it.
	fastest = 4
)

// line is the fitted roofline. Its coefficients are shares of the time of a token of the usual size:
// overhead, reading of weights and cache, and what the cache takes beyond its bytes.
type line struct {
	size, time float64 // of the usual token: bytes of weights, seconds
	peak       float64 // bytes a second; 0: not known
	mean       vector
	cov        matrix
	spread     float64
	df         float64
}

// fit finds the line by weighted least squares from a prior that is as wide as ignorance: that reading takes
// between its share at the memory's peak and all of a token's time. So one run gives an answer too, and its
// range grows the further away the question lies. Errors are in proportion to the time.
//
// That is a Bayesian linear model with normal priors (A. Gelman et al., "Bayesian Data Analysis", 3rd ed.
// (2013), sections 14.2 and 14.8), the spread estimated from residuals and prior together.
func fit(ps []point, peakGBPerS float64) line {
	l := line{peak: peakGBPerS * 1e9, spread: usualSpread, df: usualCount}
	var logs float64
	times := make([]float64, 0, len(ps))
	for _, p := range ps {
		logs += math.Log(p.weights)
		times = append(times, p.seconds)
	}
	slices.Sort(times)
	l.size, l.time = math.Exp(logs/float64(len(ps))), times[len(times)/2]
	least := unknownShare
	if l.peak > 0 {
		least = min(1, l.size/l.peak/l.time)
	}
	flat := max((1-least)/math.Sqrt(12), .05)             // the deviation of what may lie anywhere between
	prior := vector{(1 - least) / 2, (1 + least) / 2, .2} // attention takes some more than its bytes do
	scale := vector{flat, flat, .4}
	for range 8 { // the spread decides how much the points count, and follows from them
		l.solve(ps, prior, scale)
		var squares, used float64
		for _, p := range ps {
			x := l.features(p.weights, p.cache)
			off := p.seconds/l.time/max(dot(x, l.mean), 1e-6) - 1
			squares += off * off
			used += quadratic(x, l.cov) / sq(p.seconds/l.time) / sq(l.spread)
		}
		l.df = usualCount + max(0, float64(len(ps))-used)
		l.spread = math.Sqrt((usualCount*sq(usualSpread) + squares) / l.df)
	}
	return l
}

func (l *line) features(weights, cache float64) vector {
	return vector{1, (weights + cache) / l.size, cache / l.size}
}

// solve is the posterior of the coefficients, of points whose error is spread times their time.
func (l *line) solve(ps []point, prior, scale vector) {
	var precision matrix
	var right vector
	for i := range prior {
		precision[i][i] = 1 / sq(scale[i])
		right[i] = prior[i] / sq(scale[i])
	}
	for _, p := range ps {
		x, y := l.features(p.weights, p.cache), p.seconds/l.time
		w := 1 / sq(l.spread*y)
		for i := range x {
			for j := range x {
				precision[i][j] += w * x[i] * x[j]
			}
			right[i] += w * x[i] * y
		}
	}
	l.cov = inverse(precision)
	for i := range l.mean {
		l.mean[i] = dot(l.cov[i], right)
	}
}

// span is a time with the range it should lie in, in seconds.
type span struct{ value, low, high float64 }

// at predicts the time of a token. ratio is how much faster the other memory is, 1 for this one; vague is
// how uncertain the bytes are, as a share.
func (l *line) at(weights, cache, ratio, vague float64) span {
	x := l.features(weights, cache)
	value := dot(x, l.mean)
	param := math.Sqrt(quadratic(x, l.cov))
	floor := 0.0
	if l.peak > 0 {
		floor = (weights + cache) / (l.peak * peakError) / l.time
	}
	value = max(value, floor, 1e-9)
	if ratio != 1 {
		var extra float64
		value, extra = l.elsewhere(x, value, weights+cache, ratio)
		param = math.Hypot(param, extra)
		floor /= ratio
	}
	reading := max(0, min(value, x[1]*l.mean[1]+x[2]*l.mean[2]))
	param = math.Hypot(param, vague*reading)
	t := distuv.StudentsT{Sigma: 1, Nu: l.df}.Quantile((1 + confidence) / 2)
	half := math.Hypot(distuv.UnitNormal.Quantile((1+confidence)/2)*param, t*l.spread*value)
	low := max(value-half, floor)
	if floor == 0 {
		low = max(low, value/fastest)
	}
	return span{value * l.time, min(low, value) * l.time, (value + half) * l.time}
}

// elsewhere is the time with another memory. Reading at the peak gets faster for sure; whether the rest of the
// time that grows with the bytes does, or is arithmetic, is not known: the middle, with its error.
func (l *line) elsewhere(x vector, value, bytes, ratio float64) (with, extra float64) {
	saved := 1 - 1/ratio
	most := saved * max(0, min(value, x[1]*l.mean[1]+x[2]*l.mean[2]))
	least := saved * min(value, bytes/l.peak/l.time)
	if math.Abs(least) > math.Abs(most) {
		least = most
	}
	return max(value-(most+least)/2, 1e-9), math.Abs(most-least) / math.Sqrt(12)
}

type (
	vector [3]float64
	matrix [3]vector
)

func sq(v float64) float64 { return v * v }

func dot(a, b vector) float64 { return a[0]*b[0] + a[1]*b[1] + a[2]*b[2] }

func quadratic(x vector, m matrix) float64 {
	return max(0, dot(x, vector{dot(m[0], x), dot(m[1], x), dot(m[2], x)}))
}

// inverse of a symmetric matrix that is positive definite, by its cofactors.
func inverse(m matrix) matrix {
	cross := func(a, b vector) vector {
		return vector{a[1]*b[2] - a[2]*b[1], a[2]*b[0] - a[0]*b[2], a[0]*b[1] - a[1]*b[0]}
	}
	out := matrix{cross(m[1], m[2]), cross(m[2], m[0]), cross(m[0], m[1])}
	det := dot(m[0], out[0])
	for i := range out {
		for j := range out[i] {
			out[i][j] /= det
		}
	}
	return out
}
