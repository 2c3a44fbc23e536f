package runner

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/load"
	"github.com/inferometer/inferometer/backend/stats"
)

const (
	recentValues  = 1024 // a live median looks at no more than these
	trailingSlots = 4    // of flushEvery: the trailing second
	minFraction   = 0.01 // below it an estimate of the time left would jump about
)

// live computes the figures of progress events. It belongs to the recorder's goroutine; slots are
// what it shares with the requests' goroutines.
type live struct {
	job    domain.RunID
	origin time.Time
	text   bool // output may be shown
	slots  []atomic.Pointer[tape]

	step   load.Step
	warmup int
	repeat int
	total  *int // measured requests

	phase        domain.Phase
	since        time.Time
	measureStart time.Time

	warmed, done, errors int
	tokens               int // of ended requests of this phase
	ttft, tpot           []float64
	fresh                []domain.RequestRecord
	freshTokens          int
	gaps                 []float64
	lastTick             time.Time
	trail                []slice
	follow               *tape
}

// slice is the tokens of one tick.
type slice struct {
	tokens  int
	elapsed time.Duration
}

// enter notes a phase change. The figures start anew when measuring begins.
func (l *live) enter(p domain.Phase, at time.Time) {
	l.phase, l.since = p, at
	if p == domain.PhaseMeasure {
		l.measureStart = at
		l.tokens, l.ttft, l.tpot = 0, nil, nil
	}
}

// ended takes a finished request; its tape is read to the end.
func (l *live) ended(t *tape, r domain.RequestRecord) {
	n, gaps := t.advance(l.gaps)
	l.freshTokens, l.gaps = l.freshTokens+n, gaps
	t.view.ended = true
	row := r
	row.ChunkUs, row.ChunkKinds, row.Prompt, row.Output = nil, nil, nil, nil
	l.fresh = append(l.fresh, row)
	if r.OutputTokens != nil && r.Outcome == domain.OutcomeOK {
		l.tokens += *r.OutputTokens
	}
	if r.Phase == domain.PhaseMeasure {
		l.done++
	} else {
		l.warmed++
	}
	switch r.Outcome {
	case domain.OutcomeOK:
		l.ttft = recent(l.ttft, r.TTFTUs)
		l.tpot = recent(l.tpot, r.TPOTUs)
	case domain.OutcomeError, domain.OutcomeIncomplete:
		if r.Phase == domain.PhaseMeasure {
			l.errors++
		}
	case domain.OutcomeCanceled:
	}
}

func recent(values []float64, us *int64) []float64 {
	if us == nil {
		return values
	}
	if len(values) == recentValues {
		values = values[1:]
	}
	return append(values, float64(*us)/1e3)
}

// event builds the progress event of one tick and forgets what it told.
func (l *live) event(now time.Time, note string) domain.RunProgressEvent {
	flying := l.readSlots()
	e := domain.RunProgressEvent{JobID: l.job, Requests: l.fresh, InFlight: []domain.InFlight{}, Speed: l.speed(now)}
	if e.Requests == nil {
		e.Requests = []domain.RequestRecord{}
	}
	for _, t := range flying {
		e.InFlight = append(e.InFlight, t.inFlight(now))
	}
	e.Text, e.TextOf = l.followText(flying)
	e.Progress = l.progress(now, note, flying)
	l.fresh, l.freshTokens, l.gaps = nil, 0, nil
	return e
}

// readSlots reads every request under way as far as it has come and returns them by number.
func (l *live) readSlots() []*tape {
	var flying []*tape
	for i := range l.slots {
		t := l.slots[i].Load()
		if t == nil || t.view.ended {
			continue
		}
		n, gaps := t.advance(l.gaps)
		l.freshTokens, l.gaps = l.freshTokens+n, gaps
		flying = append(flying, t)
	}
	slices.SortFunc(flying, func(a, b *tape) int { return a.n - b.n })
	return flying
}

// speed closes the slot of this tick; there is none before the first request.
func (l *live) speed(now time.Time) []domain.SpeedPoint {
	elapsed := now.Sub(l.lastTick)
	first := l.lastTick.IsZero()
	l.lastTick = now
	if !generating(l.phase) && l.freshTokens == 0 {
		l.trail = nil
		return []domain.SpeedPoint{}
	}
	if first || elapsed <= 0 {
		return []domain.SpeedPoint{}
	}
	l.trail = append(l.trail, slice{l.freshTokens, elapsed})
	if len(l.trail) > trailingSlots {
		l.trail = l.trail[1:]
	}
	return []domain.SpeedPoint{{
		TMs: ms(now.Sub(l.origin)), TokensPS: float64(l.freshTokens) / elapsed.Seconds(), ITLP50Ms: stats.Median(l.gaps),
	}}
}

func generating(p domain.Phase) bool {
	return p == domain.PhaseWarmup || p == domain.PhaseMeasure || p == domain.PhaseDrain
}

// followText returns new text of the followed request: the oldest one, until it ends.
func (l *live) followText(flying []*tape) (string, *int) {
	if !l.text {
		return "", nil
	}
	if l.follow == nil && len(flying) > 0 {
		l.follow = flying[0]
	}
	if l.follow == nil {
		return "", nil
	}
	n, text := l.follow.n, l.follow.newText()
	if l.follow.view.ended {
		l.follow = nil
	}
	return text, &n
}

func (t *tape) inFlight(now time.Time) domain.InFlight {
	f := domain.InFlight{N: t.n, Phase: "prefill", AgeMs: ms(now.Sub(t.begun)), Tokens: t.view.tokens}
	if t.view.firstT.IsZero() {
		return f
	}
	f.Phase = "decode"
	ttft := ms(t.view.firstT.Sub(t.begun))
	f.TTFTMs = &ttft
	if span := t.view.lastT.Sub(t.view.firstT); span > 0 && t.view.tokens > 1 {
		tps := float64(t.view.tokens-1) / span.Seconds()
		f.TokensPS = &tps
	}
	return f
}

func (l *live) progress(now time.Time, note string, flying []*tape) domain.Progress {
	p := domain.Progress{
		Phase: l.phase, PhaseElapsedS: now.Sub(l.since).Seconds(), Done: l.done, Total: l.total,
		InFlight: len(flying), Errors: l.errors, ElapsedS: now.Sub(l.origin).Seconds(), Note: note,
		TTFTMs: stats.Median(l.ttft), TPOTMs: stats.Median(l.tpot), OutputTokens: l.tokens,
	}
	part := 0.0 // of requests under way, so that a long request moves the bar
	for _, t := range flying {
		p.OutputTokens += t.view.tokens
		if t.maxTokens > 0 {
			part += min(0.95, float64(t.view.tokens)/float64(t.maxTokens))
		}
	}
	if l.since.IsZero() {
		p.PhaseElapsedS = p.ElapsedS
	}
	var tokens int
	var elapsed time.Duration
	for _, s := range l.trail {
		tokens, elapsed = tokens+s.tokens, elapsed+s.elapsed
	}
	if elapsed > 0 {
		tps := float64(tokens) / elapsed.Seconds()
		p.TokensPerSecond = &tps
	}
	p.Fraction, p.LeftS = l.estimate(now, part, p.OutputTokens)
	return p
}

// estimate returns how much of the job is done and the seconds left. Whichever limit is nearest
// decides; nil when no limit tells.
func (l *live) estimate(now time.Time, part float64, tokens int) (fraction, left *float64) {
	if l.phase == domain.PhaseStop {
		one, zero := 1.0, 0.0
		return &one, &zero
	}
	known := false
	var whole, measured float64
	if l.total != nil && *l.total > 0 {
		known = true
		whole = (float64(l.warmed+l.done) + part) / float64(l.warmup+*l.total)
		if !l.measureStart.IsZero() {
			measured = (float64(l.done) + part) / float64(*l.total)
		}
	}
	var elapsed time.Duration
	if !l.measureStart.IsZero() {
		elapsed = now.Sub(l.measureStart)
	}
	planned := l.step.Duration * time.Duration(l.repeat)
	if planned > 0 {
		known = true
		measured = max(measured, float64(elapsed)/float64(planned))
	}
	if l.step.Tokens > 0 {
		known = true
		if !l.measureStart.IsZero() {
			measured = max(measured, float64(tokens)/float64(l.step.Tokens*l.repeat))
		}
	}
	if !known {
		return nil, nil
	}
	fraction = new(min(1, max(whole, measured)))
	if measured > minFraction {
		left = new(elapsed.Seconds() * max(0, 1-measured) / measured)
	}
	if planned > 0 && (left == nil || *left > (planned-elapsed).Seconds()) {
		left = new(max(0, (planned - elapsed).Seconds()))
	}
	return fraction, left
}
