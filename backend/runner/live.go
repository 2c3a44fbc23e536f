package runner

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/stats"
)

const (
	recentValues  = 1024 // a live median looks at no more than these
	trailingSlots = 4    // of flushEvery: the trailing second
	minFraction   = 0.01 // below it an estimate of the time left would jump about
	// No more than these are told with one event: a person cannot follow thousands, and storage holds
	// all of them.
	maxTold     = 256 // requests that ended
	maxInFlight = 128 // requests under way
)

// live computes the figures of progress events. It belongs to the recorder's goroutine; slots are
// what it shares with the requests' goroutines.
type live struct {
	job    domain.RunID
	origin time.Time
	text   bool // output may be shown
	slots  []atomic.Pointer[tape]

	plan   domain.Plan
	repeat int
	total  *int // measured requests

	phase        domain.Phase
	since        time.Time
	measureStart time.Time
	stage        *stageView

	warmed, done, errors int
	tokens               int // of ended requests of this stage
	allTokens            int // of ended measured requests
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

// stageView is how far the current stage has come.
type stageView struct {
	mark     domain.StageMark
	plan     *domain.PlanStage // nil for a stage that a search added
	since    time.Time
	done     int
	dropped  int
	lateness *float64
}

func newLive(job Job, origin time.Time, slots []atomic.Pointer[tape]) *live {
	return &live{
		job: job.ID, origin: origin, text: job.Plan.StoreText, slots: slots, plan: job.Plan,
		repeat: max(1, job.Plan.Repeat), total: job.Plan.ExpectedRequests,
	}
}

// enter notes a phase change. The figures start anew with every stage.
func (l *live) enter(c domain.PhaseChange) {
	at := l.origin.Add(time.Duration(c.TUs) * time.Microsecond)
	l.phase, l.since = c.Phase, at
	if c.Phase != domain.PhaseMeasure {
		return
	}
	if l.measureStart.IsZero() {
		l.measureStart = at
	}
	l.tokens, l.ttft, l.tpot = 0, nil, nil
	if c.Stage == nil || l.stage != nil && l.stage.mark.Index == c.Stage.Index {
		return // a further repetition goes on with its stage
	}
	l.stage = &stageView{mark: *c.Stage, since: at}
	if i := c.Stage.Index; i < len(l.plan.Stages) {
		l.stage.plan = &l.plan.Stages[i]
	}
}

// ended takes a finished request; its tape is read to the end.
func (l *live) ended(t *tape, r domain.RequestRecord) {
	n, gaps := t.advance(l.gaps)
	l.freshTokens, l.gaps = l.freshTokens+n, gaps
	t.view.ended = true
	if len(l.fresh) < maxTold {
		row := r
		row.ChunkUs, row.ChunkKinds, row.ChunkTokens, row.Prompt, row.Output = nil, nil, nil, nil, nil
		l.fresh = append(l.fresh, row)
	}
	measured := r.Phase == domain.PhaseMeasure
	if r.OutputTokens != nil && r.Outcome == domain.OutcomeOK {
		l.tokens += *r.OutputTokens
		if measured {
			l.allTokens += *r.OutputTokens
		}
	}
	switch {
	case measured:
		l.done++
		l.stageEnded(r)
	case r.Phase == domain.PhaseWarmup:
		l.warmed++
	}
	switch r.Outcome {
	case domain.OutcomeOK:
		l.ttft = recent(l.ttft, r.TTFTUs)
		l.tpot = recent(l.tpot, r.TPOTUs)
	case domain.OutcomeError, domain.OutcomeIncomplete:
		if measured {
			l.errors++
		}
	case domain.OutcomeCanceled, domain.OutcomeDropped:
	}
}

// stageEnded counts a measured request for its stage.
func (l *live) stageEnded(r domain.RequestRecord) {
	if l.stage == nil || r.Stage != l.stage.mark.Index {
		return
	}
	l.stage.done++
	switch {
	case r.Outcome == domain.OutcomeDropped:
		l.stage.dropped++
	case r.DueUs != nil:
		late := float64(r.SentUs-*r.DueUs) / 1e3
		if l.stage.lateness == nil || late > *l.stage.lateness {
			l.stage.lateness = &late
		}
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
	for _, t := range flying[:min(len(flying), maxInFlight)] {
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
	gaps := stats.Of(l.gaps)
	return []domain.SpeedPoint{{
		TMs: ms(now.Sub(l.origin)), TokensPS: float64(l.freshTokens) / elapsed.Seconds(), ITLP50Ms: gaps.P50, ITLP99Ms: gaps.P99,
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
	if !t.view.content {
		return f
	}
	f.Phase = "decode"
	f.TTFTMs = new(ms(time.Duration(t.view.firstNs)))
	if span := time.Duration(t.view.lastNs - t.view.firstNs); span > 0 && t.view.tokens > 1 {
		f.TokensPS = new(float64(t.view.tokens-1) / span.Seconds())
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
		p.TokensPerSecond = new(float64(tokens) / elapsed.Seconds())
	}
	p.Stage = l.stageProgress(now, part)
	p.Fraction, p.LeftS = l.estimate(now, part, p.OutputTokens)
	return p
}

func (l *live) stageProgress(now time.Time, part float64) *domain.StageProgress {
	v := l.stage
	if v == nil {
		return nil
	}
	p := &domain.StageProgress{
		Index: v.mark.Index, Name: v.mark.Name, Done: v.done, ElapsedS: now.Sub(v.since).Seconds(),
		LatenessMs: v.lateness, Dropped: v.dropped,
	}
	if l.plan.Load.Kind != domain.LoadKnee {
		p.Count = new(len(l.plan.Stages))
	}
	if v.plan == nil {
		return p
	}
	if n := v.plan.ExpectedRequests; n != nil {
		p.Total = new(*n * l.repeat)
	}
	p.LeftS = left(now.Sub(v.since), float64(v.done)+part, p.Total, seconds(v.plan.ExpectedS, l.repeat))
	return p
}

// seconds is a planned duration over all repetitions; 0 when there is none.
func seconds(s *float64, repeat int) time.Duration {
	if s == nil {
		return 0
	}
	return time.Duration(*s * float64(repeat) * float64(time.Second))
}

// left estimates the seconds left from what is done of a total, or from a planned duration, which
// is the longer bound.
func left(elapsed time.Duration, done float64, total *int, planned time.Duration) *float64 {
	var out *float64
	if total != nil && *total > 0 {
		if share := done / float64(*total); share > minFraction {
			out = new(elapsed.Seconds() * max(0, 1-share) / share)
		}
	}
	if rest := (planned - elapsed).Seconds(); planned > 0 && (out == nil || *out > rest) {
		out = new(max(0, rest))
	}
	return out
}

// estimate returns how much of the job is done and the seconds left. Whichever limit is nearest
// decides; nil when no limit tells.
func (l *live) estimate(now time.Time, part float64, tokens int) (fraction, leftS *float64) {
	if l.phase == domain.PhaseStop {
		return new(1.0), new(0.0)
	}
	known, measuring := false, !l.measureStart.IsZero()
	var whole, measured float64 // of the job with its warm-up, and of measuring
	var elapsed time.Duration
	if measuring {
		elapsed = now.Sub(l.measureStart)
	}
	if l.total != nil && *l.total > 0 {
		known = true
		whole = (float64(l.warmed+l.done) + part) / float64(l.plan.Warmup+*l.total)
		if measuring {
			measured = (float64(l.done) + part) / float64(*l.total)
		}
	}
	planned := seconds(l.plan.ExpectedS, 1) // holds every repetition
	if planned > 0 {
		known = true
		measured = max(measured, float64(elapsed)/float64(planned))
	}
	if n := l.plan.Stop.Tokens; n != nil {
		known = true
		if measuring {
			all := *n * l.repeat * max(1, len(l.plan.Stages))
			measured = max(measured, float64(l.allTokens+tokens-l.tokens)/float64(all))
		}
	}
	if !known {
		return nil, nil
	}
	fraction = new(min(1, max(whole, measured)))
	if measured > minFraction {
		leftS = new(elapsed.Seconds() * max(0, 1-measured) / measured)
	}
	if rest := (planned - elapsed).Seconds(); planned > 0 && (leftS == nil || *leftS > rest) {
		leftS = new(max(0, rest))
	}
	return fraction, leftS
}
