// Package load decides when requests start. A Pacer is pure: it answers from the plan alone, keeps
// no clock, starts no goroutine and never sees a response. Closed loops are driven by free users,
// so their requests are due at once; open loops answer with an offset from the start of the stage.
package load

import (
	"fmt"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

// Pacer says when request n of one repetition of the plan is due.
type Pacer interface {
	// Due returns the earliest start of request n (0, 1, …) as an offset from the start of the
	// repetition. A closed loop returns 0: the request starts when a user is free. ok is false
	// when request n is not part of the plan any more.
	Due(n int) (offset time.Duration, ok bool)
	// Describe returns the plan in figures, before anything is sent.
	Describe() Step
}

// Step describes one repetition of the measured plan.
type Step struct {
	Kind     string
	Users    int           // users of a closed loop; 0 means an open loop
	Think    time.Duration // pause of a user between two of its requests
	Requests *int          // most requests; nil when the source or another limit decides
	OnePass  bool          // the source decides: one request for each of its prompts
	Duration time.Duration // no request starts later than this; 0 means no limit
	Tokens   int           // stop after so many output tokens; 0 means no limit
	Errors   int           // stop after so many failed requests; 0 means no limit
}

// Supported lists the load kinds that are built.
func Supported() []string { return []string{domain.LoadSingle, domain.LoadClosed} }

// For returns the pacer of a plan. An unknown kind is KindUnsupported, a bad value KindInvalid.
func For(plan domain.Plan) (Pacer, error) {
	step, err := describe(plan)
	if err != nil {
		return nil, err
	}
	return closed{step}, nil
}

// Expected returns how many measured requests a plan sends when its source holds the given number
// of prompts, all repetitions together; nil when only time, tokens or errors end it.
func Expected(plan domain.Plan, prompts int) (*int, error) {
	p, err := For(plan)
	if err != nil {
		return nil, err
	}
	limit := p.Describe().Limit(prompts)
	if limit == nil {
		return nil, nil //nolint:nilnil // nil is the answer "not known", as in Plan.ExpectedRequests
	}
	total := *limit * max(1, plan.Repeat)
	return &total, nil
}

// Limit resolves the number of requests of one repetition for a source of the given length.
func (s Step) Limit(prompts int) *int {
	if s.OnePass {
		return &prompts
	}
	return s.Requests
}

func describe(plan domain.Plan) (Step, error) {
	step := Step{Kind: plan.Load.Kind}
	switch plan.Load.Kind {
	case domain.LoadSingle:
		if c := plan.Load.Concurrency; c != nil && *c != 1 {
			return Step{}, domain.Invalid("body.load.concurrency", "single is one user; use closed for more")
		}
		step.Users = 1
	case domain.LoadClosed:
		if c := plan.Load.Concurrency; c == nil || *c < 1 {
			return Step{}, domain.Invalid("body.load.concurrency", "closed needs at least 1 user")
		}
		step.Users = *plan.Load.Concurrency
	default:
		return Step{}, unsupported()
	}
	if t := plan.Load.ThinkTimeMs; t != nil {
		if *t < 0 {
			return Step{}, domain.Invalid("body.load.think_time_ms", "must not be negative")
		}
		step.Think = time.Duration(*t) * time.Millisecond
	}
	applyStop(&step, plan)
	return step, nil
}

// applyStop fills in the limits. An error limit alone gives no length, so it leaves the default.
func applyStop(step *Step, plan domain.Plan) {
	stop := plan.Stop
	if stop.Requests != nil {
		n := *stop.Requests
		step.Requests = &n
	}
	if stop.DurationS != nil {
		step.Duration = time.Duration(*stop.DurationS * float64(time.Second))
	}
	if stop.Tokens != nil {
		step.Tokens = *stop.Tokens
	}
	if stop.Errors != nil {
		step.Errors = *stop.Errors
	}
	if stop.Requests != nil || stop.DurationS != nil || stop.Tokens != nil {
		return
	}
	if plan.DatasetID != nil {
		step.OnePass = true
		return
	}
	users := step.Users
	step.Requests = &users
}

func unsupported() *domain.Error {
	e := domain.Errorf(domain.KindUnsupported, "This kind of load is not built yet.")
	e.Hint = "Use single or closed."
	e.Fields = []domain.FieldError{{
		Location: "body.load.kind",
		Message:  fmt.Sprintf("supported are %s and %s", domain.LoadSingle, domain.LoadClosed),
	}}
	return e
}

// closed is the pacer of single and closed: every request is due as soon as a user is free.
type closed struct{ step Step }

// Due implements Pacer.
func (c closed) Due(n int) (time.Duration, bool) {
	if n < 0 || (c.step.Requests != nil && n >= *c.step.Requests) {
		return 0, false
	}
	return 0, true
}

// Describe implements Pacer.
func (c closed) Describe() Step { return c.step }
