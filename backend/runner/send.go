package runner

import (
	"context"
	"slices"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/workload"
)

// ticket is the leave to send one conversation.
type ticket struct {
	phase domain.Phase
	index int // of the conversation within the round
	n     int // of its first request within the run
	slot  int
	due   time.Time // zero in a closed loop
	kept  int       // requests that are kept for its further turns
	domain.Prompt
}

// take claims the requests of a conversation; cool says that it can only be one of the cool-down.
func (r *run) take(flying context.Context, rd *round, index int, cool bool) (ticket, bool) {
	prompt, err := r.source.Prompt(index)
	if err != nil {
		r.abort(domain.Errorf(domain.KindInternal, "The dataset could not be read: %v.", err))
		return ticket{}, false
	}
	claim := func() (domain.Phase, int, bool) { return rd.claim(flying, len(prompt.Turns)) }
	if cool {
		claim = rd.cool
	}
	phase, kept, ok := claim()
	if !ok {
		return ticket{}, false
	}
	return ticket{phase: phase, index: index, n: r.number(), kept: kept, Prompt: prompt}, true
}

// converse sends a conversation of the round, one request for each of its turns; usually it has one.
// The caller has claimed the first request. A conversation ends early when a turn fails or no request
// is left.
func (r *run) converse(flying context.Context, rd *round, c ticket) {
	prompt := c.Prompt
	defer func() { rd.release(c.kept) }()
	history := prompt.History
	text := r.firstText(rd, prompt, c.index)
	maxTokens := prompt.MaxTokens
	for turn := 0; ; turn++ {
		s := shot{ticket: c, turn: turn, planned: prompt.Text, maxTokens: r.maxTokens(rd, maxTokens)}
		if len(prompt.Turns) > 0 {
			s.conversation = &c.index
		}
		s.request = r.request(rd, text, history, s.maxTokens)
		answer, ok := r.send(flying, rd, s)
		if rd.spent() {
			rd.stop()
		}
		rd.settle(c.phase)
		if !ok || turn == len(prompt.Turns) || !pause(rd.idle, rd.step.Think) {
			return
		}
		if c.phase, c.kept, ok = rd.another(flying, c.kept); !ok {
			return
		}
		c.n, c.due = r.number(), time.Time{}
		history = append(slices.Clone(history),
			domain.Message{Role: "user", Content: text}, domain.Message{Role: "assistant", Content: answer})
		next := prompt.Turns[turn]
		text, maxTokens = next.Text, next.MaxTokens
		prompt.Text = next.Text
	}
}

func (r *run) maxTokens(rd *round, own *int) int {
	switch {
	case rd.maxTokens > 0:
		return rd.maxTokens
	case own != nil:
		return *own
	}
	return r.job.Plan.MaxTokens
}

// firstText is the first message of a conversation as it is sent. Where a prompt cache could answer
// although it should not, a line of its own goes before the part that is to be read anew, so that no
// two requests go on alike: before everything when the plan wants the cache cold, behind the common
// start of made prompts or of a depth otherwise. Made prompts differ from their first word on and
// need it only when they come round again.
func (r *run) firstText(rd *round, p domain.Prompt, index int) string {
	at := 0
	anew := rd.phase == domain.PhaseMeasure && index < r.source.Len() // no earlier request had this text
	switch made := r.job.Plan.Synthetic != nil; {
	case rd.opening != "":
		p.Text, at = rd.opening+p.Text, len(rd.opening)
	case r.job.Plan.PromptCache == domain.CacheOn:
		if !made || p.SharedPrefix == 0 || anew {
			return p.Text
		}
		at = p.SharedPrefix
	case r.info.CacheOff, made && anew && p.SharedPrefix == 0:
		return p.Text
	}
	return p.Text[:at] + workload.UniquePrefix(r.prefixSeed, int(r.prefixes.Add(1)-1)) + p.Text[at:]
}

// request is one generation of a round.
func (r *run) request(rd *round, text string, history []domain.Message, maxTokens int) domain.GenRequest {
	plan := r.job.Plan
	return domain.GenRequest{
		Model: modelName(r.job.Spec.Model), Prompt: text, History: history, Raw: plan.Raw, MaxTokens: maxTokens,
		Temperature: plan.Temperature, TopP: plan.TopP, Seed: plan.Seed,
		// A length that is always the same makes runs comparable; a model that stops early is not faster.
		ExactLength: r.info.ExactLength,
		CachePrompt: plan.PromptCache == domain.CacheOn || rd.opening != "",
	}
}

// shot is one request about to be sent.
type shot struct {
	ticket
	conversation *int
	turn         int
	planned      string // the prompt as the source gave it
	maxTokens    int
	request      domain.GenRequest
}

// send makes one generation and hands it to the recorder. It returns the answer of a successful
// one.
func (r *run) send(ctx context.Context, rd *round, s shot) (answer string, ok bool) {
	t := newTape(s.n, s.phase, s.maxTokens)
	t.stage, t.conversation, t.turn, t.due = rd.stage, s.conversation, s.turn, s.due
	t.begun = time.Now()
	r.slots[s.slot].Store(t)
	usage, err := r.job.Engine.Generate(ctx, s.request, t.add)
	if usage.Closed.IsZero() {
		usage.Closed = time.Now()
	}
	outcome, class, message := judge(ctx, usage, err)
	if outcome == domain.OutcomeOK && empty(usage, t) {
		outcome, class, message = domain.OutcomeIncomplete, domain.ErrClassCut, "The stream held neither content nor a reason why it ended."
	}
	if s.conversation != nil && outcome == domain.OutcomeOK {
		answer = t.output()
	}
	r.account(rd, t, usage, outcome, class, message)
	r.rec.request(ended{
		tape: t, planned: s.planned, sent: s.request.Prompt, usage: usage, outcome: outcome, class: class, message: message,
	})
	if class == domain.ErrClassEngine && err != nil {
		r.abort(&engineDiedError{err: err}) // the error itself: it may carry the engine's own words
	}
	return answer, outcome == domain.OutcomeOK
}

// number gives the next request of the run its number.
func (r *run) number() int { return int(r.seq.Add(1) - 1) }

// drop records an arrival that was never sent.
func (r *run) drop(rd *round, n int, phase domain.Phase, due time.Time, why string) {
	t := newTape(n, phase, 0)
	t.stage, t.due, t.begun = rd.stage, due, time.Now()
	r.rec.request(ended{tape: t, usage: domain.Usage{Sent: due}, outcome: domain.OutcomeDropped, message: why})
}

// account counts for the stop rules and keeps the first failure.
func (r *run) account(rd *round, t *tape, usage domain.Usage, o domain.Outcome, class domain.ErrorClass, message string) {
	measured := t.phase == domain.PhaseMeasure
	switch o {
	case domain.OutcomeOK:
		if measured {
			r.succeeded.Add(1)
			n, _ := outputTokens(usage, t, "")
			rd.tokens.Add(int64(*n))
			if rd.step.Confidence > 0 {
				rd.sure.add(t.times(usage.Sent, *n))
			}
		}
	case domain.OutcomeError, domain.OutcomeIncomplete:
		if measured {
			rd.failed.Add(1)
		}
		r.firstFailure.CompareAndSwap(nil, &failure{class: class, message: message})
	case domain.OutcomeCanceled, domain.OutcomeDropped:
	}
}

func modelName(m domain.Model) string {
	if m.Name != "" {
		return m.Name
	}
	return m.ID
}
