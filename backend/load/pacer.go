// Package load decides when requests start. A Pacer is pure: it answers from the plan alone, keeps
// no clock, starts no goroutine and never sees a response. Closed loops are driven by free users,
// so their requests are due at once; open loops answer with an offset from the start of the stage,
// and a request that is sent later than that was late by the difference.
package load

import (
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

// Pacer says when request n of a stage is due. Describe and Start may be called by many goroutines,
// Due of a closed loop too; Due of an open loop belongs to one goroutine at a time and takes
// constant time when n rises.
type Pacer interface {
	// Due returns the earliest start of request n (0, 1, …) as an offset from the start of the
	// stage. A closed loop returns 0: the request starts when a user is free. ok is false when
	// request n is not part of the plan any more.
	Due(n int) (offset time.Duration, ok bool)
	// Start returns when user u (0, 1, …) of a closed loop begins, from the start of the stage.
	Start(user int) time.Duration
	// Describe returns the stage in figures, before anything is sent.
	Describe() Step
}

// Step describes one stage of the measured plan.
type Step struct {
	Kind        string
	Name        string
	Open        bool          // requests start by the clock
	Users       int           // most users of a closed loop; 0 for an open loop
	MaxInFlight int           // open loop: an arrival beyond so many requests under way finds no seat
	Queue       bool          // such an arrival waits for a seat; otherwise it is dropped
	Think       time.Duration // pause of a user between two of its requests
	Requests    *int          // most requests; with OnePass the fewest; nil when another limit decides
	OnePass     bool          // the source decides: one request for each of its prompts
	Duration    time.Duration // no request starts later than this; 0 means no limit
	Tokens      int           // stop after so many output tokens; 0 means no limit
	Errors      int           // stop after so many failed requests; 0 means no limit
	Confidence  float64       // stop when the means are known to ± so many percent; 0 means no limit
}

// Limit resolves the number of requests of the stage for a source of the given length.
func (s Step) Limit(prompts int) *int {
	if !s.OnePass {
		return s.Requests
	}
	if s.Requests != nil {
		prompts = max(prompts, *s.Requests)
	}
	return &prompts
}

// For returns the pacer of one resolved stage, as Stages and Next give it. The same seed and index
// give the same arrivals. trace holds the recorded offsets of a trace, in rising order; other kinds
// ignore it. The error is a *domain.Error.
func For(stage domain.PlanStage, seed int64, trace []time.Duration) (Pacer, error) {
	if bad := checkLoad("body.load", stage.Load); len(bad) > 0 {
		return nil, refuse(bad)
	}
	step, l := describe(stage), stage.Load
	switch l.Kind {
	case domain.LoadSingle, domain.LoadClosed:
		return closed{step: step, spread: millis(l.SpreadMs)}, nil
	case domain.LoadRate:
		return open{step: step, at: even(*l.RatePerS)}, nil
	case domain.LoadPoisson:
		return open{step: step, at: random(*l.RatePerS, 1, seed, stage.Index)}, nil
	case domain.LoadGamma:
		return open{step: step, at: random(*l.RatePerS, or(l.CV, DefaultCV), seed, stage.Index)}, nil
	case domain.LoadRamp:
		from, to, over := or(l.From, DefaultFrom), *l.To, seconds(*l.RampS)
		if step.Open {
			return open{step: step, at: rising(from, to, over)}, nil
		}
		return closed{step: step, from: int(from), ramp: over}, nil
	case domain.LoadTrace:
		if err := checkTrace(trace); err != nil {
			return nil, err
		}
		n := len(trace)
		if step.Requests != nil {
			n = min(n, *step.Requests)
		}
		step.Requests, step.OnePass = &n, false
		return open{step: step, at: replay(trace, or(l.Speed, DefaultSpeed))}, nil
	}
	return nil, refuse([]domain.FieldError{{Location: "body.load.kind", Message: onePoint}})
}

// describe turns a checked stage into figures.
func describe(stage domain.PlanStage) Step {
	l, stop := stage.Load, stage.Stop
	step := Step{
		Kind: l.Kind, Name: stage.Name, Open: l.Open(), Think: millis(l.ThinkTimeMs), Users: usersOf(l),
		Requests: stop.Requests, Tokens: or(stop.Tokens, 0), Errors: or(stop.Errors, 0),
		Confidence: or(stop.ConfidencePercent, 0),
	}
	if step.Open {
		step.MaxInFlight = or(l.MaxInFlight, DefaultMaxInFlight)
		step.Queue = or(l.Overflow, domain.OverflowDrop) == domain.OverflowQueue
	}
	if stop.DurationS != nil {
		step.Duration = seconds(*stop.DurationS)
	}
	if !limited(stop) {
		step.OnePass, step.Requests = true, stage.MinRequests
	}
	return step
}

// usersOf is how many users a stage has at most; 0 for an open loop.
func usersOf(l domain.Load) int {
	switch {
	case l.Open():
		return 0
	case l.Kind == domain.LoadRamp:
		return int(or(l.To, 1))
	}
	return or(l.Concurrency, 1)
}

// limited reports whether the stop rules give the stage a length. An error limit alone does not.
func limited(s domain.Stop) bool { return s.Requests != nil || s.DurationS != nil || s.Tokens != nil }

func or[T any](p *T, def T) T {
	if p == nil {
		return def
	}
	return *p
}

// seconds turns seconds into a duration, cut off at thirty years, far behind every limit.
func seconds(s float64) time.Duration { return time.Duration(min(s, 1e9) * float64(time.Second)) }

func millis(ms *int) time.Duration { return time.Duration(or(ms, 0)) * time.Millisecond }

// closed is the pacer of users: every request is due as soon as one of them is free.
type closed struct {
	step   Step
	spread time.Duration // the users begin evenly over this time
	from   int           // ramp: users that begin at once
	ramp   time.Duration // ramp: how long until all users have begun
}

// Due implements Pacer.
func (c closed) Due(n int) (time.Duration, bool) {
	return 0, n >= 0 && (c.step.OnePass || c.step.Requests == nil || n < *c.step.Requests)
}

// Start implements Pacer. The levels of a ramp, the first and the last included, hold equally long.
func (c closed) Start(user int) time.Duration {
	switch {
	case c.ramp > 0 && user >= c.from:
		return c.ramp / time.Duration(c.step.Users-c.from+1) * time.Duration(user-c.from+1)
	case c.ramp == 0 && user > 0:
		return c.spread / time.Duration(c.step.Users) * time.Duration(user)
	}
	return 0
}

// Describe implements Pacer.
func (c closed) Describe() Step { return c.step }
