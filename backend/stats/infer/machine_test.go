package infer

import (
	"math"
	"math/rand/v2"
	"slices"
)

// The machine of the simulations. Its speed wanders slowly and whoever runs at that time feels it, each
// run differs a little from the next, and each request from the next.
const (
	runsAnArm     = 8
	requestsARun  = 50
	requestSpread = 0.03
	runSpread     = 0.01
	driftSpread   = 0.02  // of the wandering, over a long time
	driftKept     = 0.995 // of it from one request to the next
)

type machine struct {
	random *rand.Rand
	drift  float64
}

func newMachine(random *rand.Rand) *machine {
	return &machine{random, driftSpread * random.NormFloat64()}
}

// run is the times of the requests of one run that takes so many times as long.
func (m *machine) run(ratio float64) []float64 {
	level := math.Log(ratio) + runSpread*m.random.NormFloat64()
	out := make([]float64, requestsARun)
	for i := range out {
		m.drift = driftKept*m.drift + driftSpread*math.Sqrt(1-driftKept*driftKept)*m.random.NormFloat64()
		out[i] = math.Exp(level + m.drift + requestSpread*m.random.NormFloat64())
	}
	return out
}

// order says of which arm the runs of a comparison are, pair by pair; true is b.
type order func(random *rand.Rand) []bool

// oneAfterTheOther is what people do.
func oneAfterTheOther(*rand.Rand) []bool {
	return append(make([]bool, runsAnArm), slices.Repeat([]bool{true}, runsAnArm)...)
}

func inTurn(*rand.Rand) []bool { return slices.Repeat([]bool{false, true}, runsAnArm) }

func turningRound(*rand.Rand) []bool {
	return slices.Repeat([]bool{false, true, true, false}, runsAnArm/2)
}

func randomInPairs(random *rand.Rand) []bool {
	var out []bool
	for range runsAnArm {
		first := random.IntN(2) == 0
		out = append(out, first, !first)
	}
	return out
}

// found counts in how many comparisons each method calls b different.
type found struct{ pooled, runs, pairedT, paired, sims int }

func (f found) percent(n int) float64 { return 100 * float64(n) / float64(f.sims) }

// compareOften compares b, that takes ratio times as long, with a.
func compareOften(sims int, seed uint64, in order, ratio float64) found {
	random := source(seed)
	out := found{sims: sims}
	for range sims {
		m := newMachine(random)
		var a, b, pooledA, pooledB []float64
		for _, isB := range in(random) {
			if isB {
				run := m.run(ratio)
				b, pooledB = append(b, mean(run)), append(pooledB, run...)
				continue
			}
			run := m.run(1)
			a, pooledA = append(a, mean(run)), append(pooledA, run...)
		}
		pooled, _ := WelchRatio(pooledA, pooledB, 0.95)
		runs, _ := WelchRatio(a, b, 0.95)
		paired, err := PairedRatio(a, b, 0.95)
		if err != nil {
			panic(err)
		}
		out.pooled += one(pooled.P <= 0.05)
		out.runs += one(runs.P <= 0.05)
		out.pairedT += one(paired.Interval.Low > 1 || paired.Interval.High < 1)
		out.paired += one(paired.P <= 0.05)
	}
	return out
}

func one(is bool) int {
	if is {
		return 1
	}
	return 0
}

// stopped is what came of comparing a with itself until the looks say stop.
type stopped struct{ shown, narrow, peeked, outside, sims int }

func (s stopped) percent(n int) float64 { return 100 * float64(n) / float64(s.sims) }

// stopOften compares a with itself pair by pair. peeked counts who asks for 5 % after each pair from the
// fifth on; outside, intervals that do not hold the true ratio when stopped.
func stopOften(sims int, seed uint64, l Looks) stopped {
	random := source(seed)
	out := stopped{sims: sims}
	for range sims {
		m := newMachine(random)
		var a, b []float64
		open, peeked := true, false
		for len(a) < l.At[len(l.At)-1] {
			if random.IntN(2) == 0 {
				a = append(a, mean(m.run(1)))
				b = append(b, mean(m.run(1)))
			} else {
				b = append(b, mean(m.run(1)))
				a = append(a, mean(m.run(1)))
			}
			if len(a) >= 5 && !peeked {
				r, err := PairedRatio(a, b, 0.95)
				peeked = err == nil && (r.Interval.Low > 1 || r.Interval.High < 1)
			}
			if !open {
				continue
			}
			d, err := l.Ratio(a, b)
			if err != nil && len(a) > 1 {
				panic(err)
			}
			if open = d.Stop == GoOn; !open {
				out.shown += one(d.Stop == Shown)
				out.narrow += one(d.Stop == NarrowEnough)
				out.outside += one(d.Interval.Low > 1 || d.Interval.High < 1)
			}
		}
		out.peeked += one(peeked)
	}
	return out
}

// repeated is what came of repeating a run until its mean is known: how often the last interval holds the
// true mean, how often it was narrow enough, and how many runs that took.
type repeated struct{ holds, narrow, runs, sims int }

func (r repeated) percent(n int) float64 { return 100 * float64(n) / float64(r.sims) }

func repeatOften(sims int, seed uint64, l Looks, spread float64) repeated {
	random := source(seed)
	out := repeated{sims: sims}
	for range sims {
		var values []float64
		d := Decision{Stop: GoOn}
		for d.Stop == GoOn {
			values = append(values, 100*(1+spread*random.NormFloat64()))
			d = l.Mean(values)
		}
		out.holds += one(d.Interval.Low <= 100 && 100 <= d.Interval.High)
		out.narrow += one(d.Stop == NarrowEnough)
		out.runs += len(values)
	}
	return out
}

// covered counts in how many samples each interval holds the true figure.
type covered struct{ p50, p99, mean, bca, sims int }

func (c covered) percent(n int) float64 { return 100 * float64(n) / float64(c.sims) }

// coverOften draws n log-normal values at a time; resamples 0 leaves the bootstrap out.
func coverOften(sims int, seed uint64, n int, spread float64, resamples int) covered {
	const z99 = 2.3263478740408408
	random := source(seed)
	out := covered{sims: sims}
	holds := func(in Interval, ok bool, want float64) int { return one(ok && in.Low <= want && want <= in.High) }
	for i := range sims {
		values := lognormals(random, n, spread)
		average := math.Exp(spread * spread / 2)
		in, ok := MeanInterval(values, 0.95)
		out.mean += holds(in, ok, average)
		if resamples > 0 {
			in, ok = BCaMean(values, 0.95, resamples, uint64(i))
			out.bca += holds(in, ok, average)
		}
		slices.Sort(values)
		in, ok = QuantileInterval(values, 0.5, 0.95)
		out.p50 += holds(in, ok, 1)
		in, ok = QuantileInterval(values, 0.99, 0.95)
		out.p99 += holds(in, ok, math.Exp(spread*z99))
	}
	return out
}

// changes counts series with an alarm, with more than one, and with one within two values of the true place.
type changes struct{ alarms, more, met, sims int }

func (c changes) percent(n int) float64 { return 100 * float64(n) / float64(c.sims) }

// changeOften looks at series of n values that step up in the middle, by so many standard deviations.
func changeOften(sims int, seed uint64, n int, step float64) changes {
	random := source(seed)
	out := changes{sims: sims}
	for i := range sims {
		values := make([]float64, n)
		for k := range values {
			values[k] = 100 + random.NormFloat64()
			if k >= n/2 {
				values[k] += step
			}
		}
		points := ChangePoints(values, 0.05, 499, uint64(i))
		out.alarms += one(len(points) > 0)
		out.more += one(len(points) > 1)
		out.met += one(slices.ContainsFunc(points, func(c ChangePoint) bool { return c.Index >= n/2-2 && c.Index <= n/2+2 }))
	}
	return out
}

// cutOften is in how many series of 100 values with a warm-up of 10 the cut lies between 5 and 25.
func cutOften(sims int, seed uint64) (within int) {
	random := source(seed)
	for range sims {
		values := make([]float64, 100)
		for i := range values {
			values[i] = 100 + random.NormFloat64()
			if i < 10 {
				values[i] += 5 * float64(10-i) / 10
			}
		}
		cut := MSER5(values, 0)
		within += one(cut >= 5 && cut <= 25)
	}
	return within
}

// pairedSpread is the standard deviation of the logarithm of a paired ratio on the machine, and in which
// percentage of comparisons its t interval finds the ratio.
func pairedSpread(sims int, seed uint64, ratio float64) (sd, percent float64) {
	random := source(seed)
	var logs []float64
	for range sims {
		m := newMachine(random)
		logs = append(logs, math.Log(mean(m.run(1)))-math.Log(mean(m.run(1))))
	}
	_, squares := meanAndSquares(logs)
	f := compareOften(sims, seed, randomInPairs, ratio)
	return math.Sqrt(squares / float64(sims-1)), f.percent(f.pairedT)
}
