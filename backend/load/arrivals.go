package load

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

// arrivals returns the offset of arrival n from the start of the stage. Arrival 0 is at the start.
type arrivals func(n int) time.Duration

// open is the pacer of arrivals by the clock.
type open struct {
	step Step
	at   arrivals
}

// Due implements Pacer.
func (o open) Due(n int) (time.Duration, bool) {
	if n < 0 || (!o.step.OnePass && o.step.Requests != nil && n >= *o.step.Requests) {
		return 0, false
	}
	offset := o.at(n)
	return offset, o.step.Duration == 0 || offset < o.step.Duration
}

// Start implements Pacer; an open loop has no users.
func (o open) Start(int) time.Duration { return 0 }

// Describe implements Pacer.
func (o open) Describe() Step { return o.step }

// even puts arrivals at equal distances of 1 ÷ rate.
func even(rate float64) arrivals {
	return func(n int) time.Duration { return seconds(float64(n) / rate) }
}

// rising inverts the integral of a rate that goes linearly from from to to (arrivals per second)
// within ramp and then stays: from·t + k·t²÷2 = n, with k the rise of the rate per second. The root
// is written so that it keeps its digits when from is small or k is.
func rising(from, to float64, ramp time.Duration) arrivals {
	length := ramp.Seconds()
	k := (to - from) / length
	within := (from + to) / 2 * length
	return func(n int) time.Duration {
		if x := float64(n); x > within {
			return seconds(length + (x-within)/to)
		}
		x := float64(n)
		return seconds(2 * x / (from + math.Sqrt(from*from+2*k*x)))
	}
}

// random draws gaps of mean 1 ÷ rate with a coefficient of variation: exponential for 1, else gamma.
// It walks forward and begins anew when an earlier arrival is asked for, so each pass is the same.
func random(rate, cv float64, seed int64, stage int) arrivals {
	next, at := 0, 0.0
	var rng *rand.Rand
	return func(n int) time.Duration {
		if rng == nil || n < next {
			rng, next, at = rand.New(rand.NewPCG(uint64(seed), uint64(stage))), 0, 0 // #nosec G115 G404 -- any bits make a seed; arrivals and prompts are repeated from their seed; no secret is drawn
		}
		for ; next < n; next++ {
			at += gap(rng, cv) / rate
		}
		return seconds(at)
	}
}

// gap draws one gap of mean 1.
func gap(rng *rand.Rand, cv float64) float64 {
	if cv == 1 {
		return rng.ExpFloat64()
	}
	shape := 1 / (cv * cv)
	return gamma(rng, shape) / shape
}

// gamma draws from the gamma distribution of scale 1, by Marsaglia and Tsang, "A simple method for
// generating gamma variables" (2000); below shape 1 by their boost of a draw of shape + 1.
func gamma(rng *rand.Rand, shape float64) float64 {
	if shape < 1 {
		return gamma(rng, shape+1) * math.Pow(1-rng.Float64(), 1/shape)
	}
	d := shape - 1.0/3
	c := 1 / math.Sqrt(9*d)
	for {
		x := rng.NormFloat64()
		v := 1 + c*x
		if v <= 0 {
			continue
		}
		v = v * v * v
		if math.Log(1-rng.Float64()) < x*x/2+d-d*v+d*math.Log(v) {
			return d * v
		}
	}
}

// replay sends as recorded, from the first offset on, speed times as fast.
func replay(trace []time.Duration, speed float64) arrivals {
	return func(n int) time.Duration {
		return time.Duration(float64(trace[n]-trace[0]) / speed)
	}
}

func checkTrace(trace []time.Duration) error {
	message := ""
	if len(trace) == 0 {
		message = "trace needs a dataset whose prompts say when they are sent"
	}
	for i := 1; i < len(trace); i++ {
		if trace[i] < trace[i-1] {
			message = "the times of the trace must not go back"
		}
	}
	if message == "" {
		return nil
	}
	return refuse([]domain.FieldError{{Location: "body.load.kind", Message: message}})
}
