package runner

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/load"
	"github.com/inferometer/inferometer/backend/workload"
)

// round is one pass through a pacer: the warm-up, or one repetition of the measured plan.
type round struct {
	phase domain.Phase
	pacer load.Pacer
	step  load.Step
	limit *int // most requests, the source's length included

	next   atomic.Int64 // requests claimed
	tokens atomic.Int64 // output tokens of successful requests
	failed *atomic.Int64
}

// issue sends the requests of a round and returns when all of them have ended. onStop is called
// once when a limit ends the round while requests may still be in flight; they get a grace, then
// they are cut off as incomplete.
func (r *run) issue(ctx context.Context, rd *round, onStop func()) {
	open, stop := context.WithCancel(ctx) // while open, requests may start
	defer stop()
	if rd.step.Duration > 0 {
		open, stop = context.WithTimeout(ctx, rd.step.Duration)
		defer stop()
	}
	flying, cut := context.WithCancelCause(ctx)
	defer cut(nil)
	var users sync.WaitGroup
	start := time.Now()
	for u := range rd.users() {
		users.Go(func() { r.user(open, flying, stop, rd, u, start) })
	}
	done := make(chan struct{})
	go func() { users.Wait(); close(done) }()
	select {
	case <-done:
		return
	case <-open.Done():
	}
	onStop()
	grace := time.NewTimer(drainGrace)
	defer grace.Stop()
	select {
	case <-done:
	case <-grace.C:
		cut(errDrained)
		<-done
	}
}

// users is how many goroutines the round needs: no more than it has requests.
func (rd *round) users() int {
	if rd.limit != nil {
		return min(rd.step.Users, *rd.limit)
	}
	return rd.step.Users
}

// user sends one request after another while the round is open.
func (r *run) user(open, flying context.Context, stop func(), rd *round, slot int, start time.Time) {
	for open.Err() == nil {
		n := int(rd.next.Add(1) - 1)
		offset, ok := rd.pacer.Due(n)
		if !ok || (rd.limit != nil && n >= *rd.limit) {
			return
		}
		if !sleep(open, time.Until(start.Add(offset))) {
			return
		}
		if !r.send(flying, rd, slot, n) || rd.spent() {
			stop()
			return
		}
		if !sleep(open, rd.step.Think) {
			return
		}
	}
}

// spent reports whether a limit of tokens or errors is reached.
func (rd *round) spent() bool {
	return (rd.step.Tokens > 0 && rd.tokens.Load() >= int64(rd.step.Tokens)) || rd.tooManyErrors()
}

func (rd *round) tooManyErrors() bool {
	return rd.step.Errors > 0 && rd.failed.Load() >= int64(rd.step.Errors)
}

// sleep waits and reports whether ctx was still alive at the end.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// send makes one generation and hands it to the recorder; false ends the round.
func (r *run) send(ctx context.Context, rd *round, slot, n int) bool {
	prompt, err := r.job.Source.Prompt(n)
	if err != nil {
		r.abort(domain.Errorf(domain.KindInternal, "The dataset could not be read: %v.", err))
		return false
	}
	maxTokens := r.job.Plan.MaxTokens
	if prompt.MaxTokens != nil {
		maxTokens = *prompt.MaxTokens
	}
	number := int(r.seq.Add(1) - 1)
	text := prompt.Text
	if !r.info.CacheOff {
		text = workload.UniquePrefix(r.prefixSeed, number) + text
	}
	t := newTape(number, rd.phase, maxTokens)
	request := domain.GenRequest{
		Model: modelName(r.job.Spec.Model), Prompt: text, Raw: r.job.Plan.Raw, MaxTokens: maxTokens,
		Temperature: r.job.Plan.Temperature, TopP: r.job.Plan.TopP, Seed: r.job.Plan.Seed,
		// A length that is always the same makes runs comparable; a model that stops early is not faster.
		ExactLength: r.info.ExactLength,
	}
	t.begun = time.Now()
	r.slots[slot].Store(t)
	usage, err := r.job.Engine.Generate(ctx, request, t.add)
	if usage.Closed.IsZero() {
		usage.Closed = time.Now()
	}
	outcome, class, message := judge(ctx, usage, err)
	r.rec.request(ended{
		tape: t, prompt: prompt, sent: text, usage: usage, outcome: outcome, class: class, message: message,
	})
	r.account(rd, t, usage, outcome, class, message)
	if class == domain.ErrClassEngine && err != nil {
		r.abort(&engineDiedError{err: err}) // the error itself: it may carry the engine's own words
	}
	return true
}

// account counts for the stop rules and keeps the first failure.
func (r *run) account(rd *round, t *tape, usage domain.Usage, o domain.Outcome, class domain.ErrorClass, message string) {
	measured := rd.phase == domain.PhaseMeasure
	switch o {
	case domain.OutcomeOK:
		if measured {
			r.succeeded.Add(1)
			if n, _ := outputTokens(usage, t); n != nil {
				rd.tokens.Add(int64(*n))
			}
		}
	case domain.OutcomeError, domain.OutcomeIncomplete:
		if measured {
			rd.failed.Add(1)
		}
		r.firstFailure.CompareAndSwap(nil, &failure{class: class, message: message})
	case domain.OutcomeCanceled:
	}
}

func modelName(m domain.Model) string {
	if m.Name != "" {
		return m.Name
	}
	return m.ID
}
