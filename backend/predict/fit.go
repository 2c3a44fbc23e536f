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
	// formatSpread is how far the formats of weights lie apart, as their arithmetic differs, and what that counts for: on a
	// processor one format may read three times as fast as another.
	formatSpread, formatSpreadGPU, formatCount = 0.4, 0.15, 3.0
	// peakError is how far the peak itself may be off: what is read cannot be faster than this times it.
	peakError = 1.2
	// unknownShare is the least part of a token's time that reading takes, where no peak was measured.
	unknownShare = 0.3
)

// The coefficients of a line; those of the formats follow.
const (
	overhead = iota
	reading
	caching
	formats
)

// line is the fitted roofline. Its coefficients are shares of the time of a token of the usual size:
// overhead, reading of weights and cache, what the cache takes beyond its bytes, and by which share the
// weights of each format take longer.
type line struct {
	size, time float64 // of the usual token: bytes of weights, seconds
	peak       float64 // bytes a second; 0: not known
	format     map[string]int
	mean       []float64
	cov        [][]float64
	usual      float64 // share of reading, by the prior
	apart      float64 // how far formats lie apart
	spread     float64
	df         float64
}

// fit finds the line by weighted least squares from a prior that is as wide as ignorance: that reading takes
// between its share at the memory's peak and all of a token's time. So one run gives an answer too, and its
// range grows the further away the question lies. Errors are in proportion to the time.
//
// That is a Bayesian linear model with normal priors (A. Gelman et al., "Bayesian Data Analysis", 3rd ed.
// (2013), sections 14.2 and 14.8), in which the formats vary about the line (chapter 15); how far files and
// formats do is estimated from what is left over and prior together.
func fit(ps []point, peakGBPerS float64, gpu bool) line {
	l := line{peak: peakGBPerS * 1e9, spread: usualSpread, df: usualCount, apart: formatSpread, format: map[string]int{}}
	if gpu {
		l.apart = formatSpreadGPU
	}
	var logs float64
	times := make([]float64, 0, len(ps))
	for _, p := range ps {
		logs += math.Log(p.weights)
		times = append(times, p.seconds)
		if _, known := l.format[p.format]; !known {
			l.format[p.format] = formats + len(l.format)
		}
	}
	slices.Sort(times)
	l.size, l.time = math.Exp(logs/float64(len(ps))), times[len(times)/2]
	least := unknownShare
	if l.peak > 0 {
		least = min(1, l.size/l.peak/l.time)
	}
	flat := max((1-least)/math.Sqrt(12), .05) // the deviation of what may lie anywhere between
	l.usual = (1 + least) / 2
	usualApart := l.apart
	// Attention takes more than its bytes do, on a processor much more.
	attention, attentionMay := .8, .9
	if gpu {
		attention, attentionMay = .2, .5
	}
	for range 12 { // the spreads decide how much the points count, and follow from them
		prior, scale := make([]float64, formats+len(l.format)), make([]float64, formats+len(l.format))
		prior[overhead], prior[reading], prior[caching] = (1-least)/2, l.usual, attention
		scale[overhead], scale[reading], scale[caching] = flat, flat, attentionMay
		for _, i := range l.format {
			scale[i] = l.apart
		}
		l.solve(ps, prior, scale)
		var squares, used float64
		for _, p := range ps {
			x, y := l.features(p.weights, p.cache, p.format), p.seconds/l.time
			squares += sq(y/max(dot(x, l.mean), 1e-6) - 1)
			used += quadratic(x, l.cov) / sq(y*l.spread)
		}
		l.df = usualCount + max(0, float64(len(ps))-used)
		l.spread = math.Sqrt((usualCount*sq(usualSpread) + squares) / l.df)
		apart := formatCount * sq(usualApart)
		for _, i := range l.format {
			apart += sq(l.mean[i]) + l.cov[i][i]
		}
		l.apart = math.Sqrt(apart / (formatCount + float64(len(l.format))))
	}
	return l
}

// features are what the coefficients are multiplied with; a format that was not measured has none.
func (l *line) features(weights, cache float64, format string) []float64 {
	x := make([]float64, formats+len(l.format))
	x[overhead], x[reading], x[caching] = 1, (weights+cache)/l.size, cache/l.size
	if i, known := l.format[format]; known {
		x[i] = l.usual * weights / l.size
	}
	return x
}

// solve is the posterior of the coefficients, of points whose error is spread times their time.
func (l *line) solve(ps []point, prior, scale []float64) {
	n := len(prior)
	precision, right := square(n), make([]float64, n)
	for i := range prior {
		precision[i][i] = 1 / sq(scale[i])
		right[i] = prior[i] / sq(scale[i])
	}
	for _, p := range ps {
		x, y := l.features(p.weights, p.cache, p.format), p.seconds/l.time
		w := 1 / sq(l.spread*y)
		for i := range x {
			for j := range x {
				precision[i][j] += w * x[i] * x[j]
			}
			right[i] += w * x[i] * y
		}
	}
	l.cov, l.mean = inverse(precision), make([]float64, n)
	for i := range l.mean {
		l.mean[i] = dot(l.cov[i], right)
	}
}

// span is a time with the range it should lie in, in seconds.
type span struct{ value, low, high float64 }

// at predicts the time of a token. ratio is how much faster the other memory is, 1 for this one.
func (l *line) at(t target, ratio float64) span {
	x := l.features(t.weights, t.cache, t.format)
	value := dot(x, l.mean)
	param := math.Sqrt(quadratic(x, l.cov))
	floor := 0.0
	if l.peak > 0 {
		floor = (t.weights + t.cache) / (l.peak * peakError) / l.time
	}
	value = max(value, floor, 1e-3)
	read := min(value, max(0, value-l.mean[overhead]))
	if ratio != 1 {
		var extra float64
		value, extra = l.elsewhere(value, read, t.weights+t.cache, ratio)
		param, read, floor = math.Hypot(param, extra), min(read, value), floor/ratio
	}
	if _, known := l.format[t.format]; !known {
		param = math.Hypot(param, l.apart*read)
	}
	param = math.Hypot(param, t.vague*read)
	student := distuv.StudentsT{Sigma: 1, Nu: l.df}.Quantile((1 + confidence) / 2)
	half := math.Hypot(distuv.UnitNormal.Quantile((1+confidence)/2)*param/value, student*l.spread)
	low, high := max(value*math.Exp(-half), floor), value*math.Exp(half) // times are positive: as far up in proportion as down
	return span{value * l.time, min(low, value) * l.time, high * l.time}
}

// elsewhere is the time with another memory. Reading at the peak gets faster for sure; whether the rest of the
// time that grows with the bytes does, or is arithmetic, is not known: the middle, with its error.
func (l *line) elsewhere(value, read, bytes, ratio float64) (with, extra float64) {
	saved := 1 - 1/ratio
	most, least := saved*read, saved*min(read, bytes/l.peak/l.time)
	return max(value-(most+least)/2, 1e-3), math.Abs(most-least) / math.Sqrt(12)
}

func sq(v float64) float64 { return v * v }

func dot(a, b []float64) float64 {
	var sum float64
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

func quadratic(x []float64, m [][]float64) float64 {
	var sum float64
	for i := range x {
		sum += x[i] * dot(m[i], x)
	}
	return max(0, sum)
}

func square(n int) [][]float64 {
	m := make([][]float64, n)
	for i := range m {
		m[i] = make([]float64, n)
	}
	return m
}

// inverse of a symmetric matrix that is positive definite, by Gauss and Jordan; such a one needs no search for
// pivots.
func inverse(m [][]float64) [][]float64 {
	n := len(m)
	out := square(n)
	for i := range out {
		out[i][i] = 1
	}
	for c := range n {
		by := m[c][c]
		for j := range n {
			m[c][j] /= by
			out[c][j] /= by
		}
		for r := range n {
			if f := m[r][c]; r != c && f != 0 {
				for j := range n {
					m[r][j] -= f * m[c][j]
					out[r][j] -= f * out[c][j]
				}
			}
		}
	}
	return out
}
