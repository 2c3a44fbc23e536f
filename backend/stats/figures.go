package stats

import (
	"fmt"
	"slices"

	"github.com/inferometer/inferometer/backend/domain"
)

// tally computes figures. One buffer serves the values of every metric in turn, so that a run of a
// million gaps needs room for them once.
type tally struct {
	plan       domain.Plan
	objectives []domain.Objective
	buf        []float64
	results    []domain.ObjectiveResult // of the figures computed last
	sure       bool                     // with intervals: not while a run is under way, since they take a processor's time
}

// figures computes the metrics of a set of requests over their time.
func (t *tally) figures(m set, at timing, want asked) domain.Figures {
	t.results = unanswered(t.objectives)
	f := domain.Figures{
		TTFTMs:           t.of("ttft", millis(m.ok, func(r record) *int64 { return r.TTFTUs })),
		TTFRMs:           t.of("ttfr", millis(m.ok, func(r record) *int64 { return r.FirstByteUs })),
		TTFVMs:           t.of("ttfv", millis(m.ok, func(r record) *int64 { return r.TTFVUs })),
		TPOTMs:           t.of("tpot", each(m.ok, tpot)),
		NTPOTMs:          t.of("ntpot", each(m.ok, ntpot)),
		E2EMs:            t.of("e2e", millis(m.ok, func(r record) *int64 { return r.LastUs })),
		ITLMs:            t.gaps("itl", gaps(m.ok)),
		DueTTFTMs:        t.of("", each(m.ok, fromDue(func(r record) *int64 { return r.TTFTUs }))),
		DueE2EMs:         t.of("", each(m.ok, fromDue(func(r record) *int64 { return r.LastUs }))),
		LatenessMs:       t.of("", each(m.all, lateness)),
		AskedConcurrency: want.users,
		AskedRatePerS:    want.rate,
		Requests:         outcomes(m.all),
		Tokens:           tokens(m.ok),
		TokensPerChunk:   tokensPerChunk(m.ok),
		Draft:            draft(m.ok),
		FinishReasons:    map[string]int{},
		ErrorClasses:     map[string]int{},
		Server:           server(m.ok),
	}
	f.ITLPerTokenMs = t.perToken(m.ok, f.ITLMs)
	f.DecodeTokensPerSecond = medianOf(m.ok, decodeSpeed)
	f.ClockDeltaPercent = medianOf(m.ok, clockDelta)
	f.PrefillTokensPerSecond, f.PrefillLowerBound = prefill(m.ok)
	if t.sure {
		f.Intervals = &domain.FigureIntervals{Decode: medianInterval(each(m.ok, decodeSpeed)(nil)), Prefill: prefillInterval(m.ok)}
	}
	for _, r := range m.ok {
		if cutShort(r, t.plan) {
			f.LengthShortfall++
		}
	}
	for _, r := range m.all {
		if r.FinishReason != "" {
			f.FinishReasons[r.FinishReason]++
		}
		if r.ErrorClass != "" {
			f.ErrorClasses[string(r.ErrorClass)]++
		}
	}
	t.rates(&f, m, at)
	return f
}

// rates fills what is counted per second of the window.
func (t *tally) rates(f *domain.Figures, m set, at timing) {
	f.Goodput = t.goodput(m, at.seconds)
	if at.arrivals > 0 {
		rate := float64(at.arrivals) / at.dueS
		f.ArrivalsPerSecond = &rate
	}
	if at.seconds == 0 {
		return
	}
	seconds, concurrency := at.seconds, at.busy/at.seconds
	f.WindowS, f.DeliveredConcurrency = &seconds, &concurrency
	if len(m.ok) > 0 {
		tps, rps := float64(f.Tokens.Output)/seconds, float64(len(m.ok))/seconds
		f.OutputTokensPerSecond, f.RequestsPerSecond = &tps, &rps
	}
}

// pooled are the figures of the whole run. Those of a run with one stage are its stage's.
func (t *tally) pooled(stages []domain.Stage, whole set, at timing) domain.Figures {
	var measured []*domain.Figures
	for i := range stages {
		if stages[i].Summary != nil {
			measured = append(measured, stages[i].Summary)
		}
	}
	if len(measured) == 1 {
		return *measured[0]
	}
	var want asked
	for i, f := range measured {
		switch {
		case i == 0:
			want = asked{users: f.AskedConcurrency, rate: f.AskedRatePerS}
		case !same(want.users, f.AskedConcurrency) || !same(want.rate, f.AskedRatePerS):
			want = asked{}
		}
	}
	return t.figures(whole, at, want)
}

func same[T comparable](a, b *T) bool {
	return a == nil && b == nil || a != nil && b != nil && *a == *b
}

// of summarises the values that fill appends to the buffer, and judges the objectives of the metric
// while the values are still sorted.
func (t *tally) of(metric string, fill func([]float64) []float64) domain.Stats {
	s := t.describe(metric, fill)
	if t.sure {
		surely(&s, t.buf)
	}
	return s
}

// gaps summarises the gaps within answers. Those of one answer are like one another, so how many there
// are says little of how well a figure is known: they get no intervals.
func (t *tally) gaps(metric string, fill func([]float64) []float64) domain.Stats {
	s := t.describe(metric, fill)
	if t.sure && s.N > 0 {
		s.Reason = "The gaps of one answer are like one another, so no intervals are told."
		if s.N < MinP99 {
			s.Reason += fmt.Sprintf(" p99 is told from %d values on.", MinP99)
		}
	}
	return s
}

func (t *tally) describe(metric string, fill func([]float64) []float64) domain.Stats {
	t.buf = fill(t.buf[:0])
	s := Of(t.buf)
	t.judge(metric, t.buf)
	return s
}

// each appends the value of every record that has one.
func each(rs []record, get func(record) (float64, bool)) func([]float64) []float64 {
	return func(out []float64) []float64 {
		out = slices.Grow(out, len(rs))
		for _, r := range rs {
			if v, ok := get(r); ok {
				out = append(out, v)
			}
		}
		return out
	}
}

// offset reads an offset of a record in ms.
func offset(get func(record) *int64) func(record) (float64, bool) {
	return func(r record) (float64, bool) {
		us := get(r)
		if us == nil {
			return 0, false
		}
		return float64(*us) / 1e3, true
	}
}

// millis appends an offset of every record that has it, in ms.
func millis(rs []record, get func(record) *int64) func([]float64) []float64 {
	return each(rs, offset(get))
}

// gaps appends every gap between consecutive content chunks of a request, in ms. Gaps never span
// two requests.
func gaps(rs []record) func([]float64) []float64 {
	return func(out []float64) []float64 {
		n := 0
		for _, r := range rs {
			n += max(0, len(r.ChunkUs)-1)
		}
		out = slices.Grow(out, n)
		for _, r := range rs {
			for i := 1; i < len(r.ChunkUs); i++ {
				out = append(out, float64(r.ChunkUs[i]-r.ChunkUs[i-1])/1e3)
			}
		}
		return out
	}
}

// perToken gives each gap to the tokens of the chunk it led to: gap ÷ k, k times. It is empty when
// nobody counted the chunks of some request and they are not one token each; where all are it is
// the plain ITL.
func (t *tally) perToken(rs []record, plain domain.Stats) domain.Stats {
	counted := false
	for _, r := range rs {
		switch known := len(r.ChunkTokens) == len(r.ChunkUs); {
		case known:
			counted = counted || slices.ContainsFunc(r.ChunkTokens, func(k int) bool { return k > 1 })
		case packed(r) || r.TokensFrom == fromChunks:
			return domain.Stats{}
		}
	}
	if !counted {
		return plain
	}
	return t.gaps("", func(out []float64) []float64 {
		for _, r := range rs {
			for i := 1; i < len(r.ChunkUs); i++ {
				k := 1
				if len(r.ChunkTokens) == len(r.ChunkUs) {
					k = max(1, r.ChunkTokens[i])
				}
				gap := float64(r.ChunkUs[i]-r.ChunkUs[i-1]) / 1e3 / float64(k)
				for range k {
					out = append(out, gap)
				}
			}
		}
		return out
	})
}

// tpot is (E2E − TTFT) ÷ (output tokens − 1) of a request with two tokens or more, in ms. It
// divides anew: the stored TPOT is rounded to whole microseconds.
func tpot(r record) (float64, bool) {
	n, span, ok := decodeSpan(r)
	return float64(span) / 1e3 / float64(n-1), ok
}

// ntpot is E2E ÷ output tokens, in ms.
func ntpot(r record) (float64, bool) {
	if r.LastUs == nil || r.OutputTokens == nil || *r.OutputTokens < 1 {
		return 0, false
	}
	return float64(*r.LastUs) / 1e3 / float64(*r.OutputTokens), true
}

// lateness is how long after its due time a request was sent, in ms.
func lateness(r record) (float64, bool) {
	if r.DueUs == nil || r.Outcome == domain.OutcomeDropped {
		return 0, false
	}
	return float64(r.SentUs-*r.DueUs) / 1e3, true
}

// fromDue counts an offset from the due time in place of the send, so that waiting for a sender
// that was held up counts too ("coordinated omission": G. Tene, "How NOT to Measure Latency").
func fromDue(get func(record) *int64) func(record) (float64, bool) {
	return func(r record) (float64, bool) {
		us := get(r)
		late, ok := lateness(r)
		if us == nil || !ok {
			return 0, false
		}
		return late + float64(*us)/1e3, true
	}
}

// decodeSpan returns the output tokens and the microseconds from first to last content.
func decodeSpan(r record) (tokens int, us int64, ok bool) {
	if r.OutputTokens == nil || *r.OutputTokens < 2 || r.TTFTUs == nil || r.LastUs == nil {
		return 0, 0, false
	}
	return *r.OutputTokens, *r.LastUs - *r.TTFTUs, true
}

func medianOf(rs []record, get func(record) (float64, bool)) *float64 {
	return Median(each(rs, get)(nil))
}
