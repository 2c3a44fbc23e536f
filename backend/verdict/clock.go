package verdict

import (
	"fmt"
	"math"

	"github.com/inferometer/inferometer/backend/domain"
)

const (
	reasonPct   = 1.0  // of the readings that name a reason
	clockDrop   = 0.05 // fall of the clock that counts
	decodeDrop  = 0.03 // fall of the decode speed that counts beside it
	hotC        = 80.0 // °C above which a fall of the clock is put down to heat
	shortestLeg = 3_000_000
	fewestLeg   = 10
)

// point is one value at a time, in µs from the start of the run.
type point struct {
	us int64
	v  float64
}

// fall is a lasting fall of a series.
type fall struct {
	us            int64 // when
	before, after float64
}

func (f fall) share() float64 { return 1 - f.after/f.before }

// findFall looks for the one time that best splits the series into two levels (least squares); it
// counts when the second is lower by clockDrop and by twice the spread within them.
func findFall(ps []point) (fall, bool) {
	n := len(ps)
	if n < 2*fewestLeg {
		return fall{}, false
	}
	var sum, squares float64
	for _, p := range ps {
		sum, squares = sum+p.v, squares+p.v*p.v
	}
	best, at, left := math.Inf(1), -1, 0.0
	var out fall
	for i := 1; i < n; i++ {
		left += ps[i-1].v
		if i < fewestLeg || n-i < fewestLeg || ps[i].us-ps[0].us < shortestLeg || ps[n-1].us-ps[i].us < shortestLeg {
			continue
		}
		a, b := left/float64(i), (sum-left)/float64(n-i)
		if rest := squares - left*a - (sum-left)*b; rest < best {
			best, at, out = rest, i, fall{ps[i].us, a, b}
		}
	}
	if at < 0 || out.before <= 0 || out.share() < clockDrop {
		return fall{}, false
	}
	spread := math.Sqrt(max(best, 0) / float64(n))
	return out, out.before-out.after >= 2*spread
}

// decodeSpeed is tokens per second of one request between two times, by the gaps between chunks.
func (s scene) decodeSpeed(from, to int64) float64 {
	var tokens, us float64
	for n := range s.requests {
		q := &s.requests[n]
		if q.Phase != domain.PhaseMeasure || q.Stage != s.index || q.Outcome != domain.OutcomeOK {
			continue
		}
		for i := 1; i < len(q.ChunkUs); i++ {
			if at := q.SentUs + q.ChunkUs[i]; at < from || at >= to {
				continue
			}
			n := 1.0
			if i < len(q.ChunkTokens) {
				n = float64(q.ChunkTokens[i])
			}
			tokens, us = tokens+n, us+float64(q.ChunkUs[i]-q.ChunkUs[i-1])
		}
	}
	if us == 0 {
		return 0
	}
	return tokens / us * 1e6
}

// decodeFall is how decoding did before and after a time; ok is false without tokens on both sides.
func (s scene) decodeFall(us int64) (f fall, ok bool) {
	f = fall{us, s.decodeSpeed(math.MinInt64, us), s.decodeSpeed(us, math.MaxInt64)}
	return f, f.before > 0 && f.after > 0
}

// held makes the finding of a clock that was held down from a time on.
func (s scene) held(about, what string, us int64, f domain.LimitFact) *finding {
	after := float64(us-s.from) / 1e6
	out := finding{state: holds, fact: f, sentence: fmt.Sprintf("%s held the clock down after %.0f s of measuring.", what, after)}
	out.fact.About, out.fact.FromUs = about, &us
	if n := len(s.samples); n > 0 {
		out.fact.ToUs = &s.samples[n-1].TUs
	}
	if d, ok := s.decodeFall(us); ok && d.share() >= decodeDrop {
		out.reached, out.ceiling, out.unit, out.from = d.after, d.before, "tok/s", "Decode speed before the clock fell."
		out.sentence = fmt.Sprintf("%s held the clock down: decoding lost %.0f %% of its speed after %.0f s of measuring.", what, 100*d.share(), after)
	}
	return &out
}

// thermal asks the GPU's own reasons first, else looks for a clock that fell while it was hot.
func thermal(s scene) *finding {
	if !s.local {
		return nil
	}
	if s.gpu {
		if f := s.reasons(domain.LimitThermal, "Heat", "The GPU named heat as what holds its clock down in %.1f %% of the readings.", "sw_thermal", "hw_thermal", "hw_slowdown"); f != nil {
			return f
		}
	}
	clock, temp := cpuClock, func(x *domain.Sample) *float64 { return x.CPUTempC }
	if s.gpu {
		clock, temp = gpuClock, func(x *domain.Sample) *float64 { return x.GPUTempC }
	}
	ps := s.series(clock)
	if len(ps) == 0 {
		return silent(domain.LimitThermal, "The clock cannot be read.")
	}
	f, fell := findFall(ps)
	if !fell {
		return &finding{state: excluded, fact: fact(domain.LimitThermal, meanOf(ps), 0, "MHz", "The clock held at %.0f MHz.", meanOf(ps))}
	}
	var hot []point
	for _, p := range s.series(temp) {
		if p.us >= f.us {
			hot = append(hot, p)
		}
	}
	reading := fact(domain.LimitThermal, f.after, f.before, "MHz", "The clock fell from %.0f to %.0f MHz after %.0f s of measuring.", f.before, f.after, float64(f.us-s.from)/1e6)
	reading.FromUs = &f.us
	if len(hot) == 0 || meanOf(hot) < hotC {
		reading.Claim += " No reading shows why."
		return &finding{fact: reading}
	}
	out := s.held(domain.LimitThermal, "Heat", f.us, reading)
	out.more = []domain.LimitFact{fact(domain.LimitThermal, meanOf(hot), hotC, "°C", "Since then it was %.0f °C on average.", meanOf(hot))}
	return out
}

// power asks the GPU's own reasons. At its power limit a GPU may still decode at full speed, so the
// limit counts where decoding lost speed with it; a power brake always does.
func power(s scene) *finding {
	if !s.local || !s.gpu {
		return nil
	}
	if f := s.reasons(domain.LimitPower, "A power brake", "The GPU named a power brake in %.1f %% of the readings.", "power_brake"); f != nil {
		if f.state != excluded {
			return f
		}
	} else {
		return silent(domain.LimitPower, "The GPU does not say what holds its clock down.")
	}
	f := s.reasons(domain.LimitPower, "The power limit", "The GPU named its power limit in %.1f %% of the readings.", "power_cap")
	if f.state == holds && f.ceiling == 0 {
		f.state = excluded
		f.fact.Claim += " Decoding kept its speed."
	}
	return f
}

// reasons counts the readings in which a GPU names one of the reasons; nil where it names none ever.
func (s scene) reasons(about, what, claim string, reasons ...string) *finding {
	named, told, first := 0, 0, int64(-1)
	for _, x := range s.samples {
		has, known := hasReason(x, reasons...)
		if known {
			told++
		}
		if has {
			named++
			if first < 0 {
				first = x.TUs
			}
		}
	}
	if told == 0 {
		return nil
	}
	pct := 100 * float64(named) / float64(told)
	f := fact(about, pct, reasonPct, "%", claim, pct)
	if pct <= reasonPct {
		return &finding{state: excluded, fact: f}
	}
	return s.held(about, what, first, f)
}

func cpuClock(x *domain.Sample) *float64 { return x.CPUClockMHz }

// gpuClock is the mean over the GPUs.
func gpuClock(x *domain.Sample) *float64 {
	sum, n := 0.0, 0.0
	for _, g := range x.GPUs {
		if g.ClockMHz != nil {
			sum, n = sum+*g.ClockMHz, n+1
		}
	}
	if n == 0 {
		return nil
	}
	return new(sum / n)
}

func meanOf(ps []point) float64 {
	sum := 0.0
	for _, p := range ps {
		sum += p.v
	}
	return sum / float64(len(ps))
}
