package stats

import (
	"fmt"

	"github.com/inferometer/inferometer/backend/domain"
)

// summarise computes the summary of the measured requests over their window.
func summarise(plan domain.Plan, m set, w window) domain.Summary {
	s := domain.Summary{Figures: domain.Figures{
		TTFTMs:        Of(millis(m.ok, func(r domain.RequestRecord) *int64 { return r.TTFTUs })),
		TTFRMs:        Of(millis(m.ok, func(r domain.RequestRecord) *int64 { return r.FirstByteUs })),
		TTFVMs:        Of(millis(m.ok, func(r domain.RequestRecord) *int64 { return r.TTFVUs })),
		ITLMs:         Of(gaps(m.ok)),
		TPOTMs:        Of(tpots(m.ok)),
		E2EMs:         Of(millis(m.ok, func(r domain.RequestRecord) *int64 { return r.LastUs })),
		Requests:      outcomes(m.all),
		Tokens:        tokens(m.ok),
		FinishReasons: map[string]int{},
		ErrorClasses:  map[string]int{},
		Server:        server(m.ok),
	}}
	s.DecodeTokensPerSecond = Median(decodeSpeeds(m.ok))
	speeds, lowerBound := prefillSpeeds(m.ok)
	s.PrefillTokensPerSecond, s.PrefillLowerBound = Median(speeds), lowerBound
	for _, r := range m.all {
		if r.FinishReason != "" {
			s.FinishReasons[r.FinishReason]++
		}
		if r.ErrorClass != "" {
			s.ErrorClasses[string(r.ErrorClass)]++
		}
	}
	if w.ok {
		seconds := w.seconds()
		s.WindowS = &seconds
		c := busy(m.all, w) / seconds
		s.DeliveredConcurrency = &c
		if len(m.ok) > 0 {
			tps, rps := float64(s.Tokens.Output)/seconds, float64(len(m.ok))/seconds
			s.OutputTokensPerSecond, s.RequestsPerSecond = &tps, &rps
		}
	}
	s.Stages = []domain.Stage{stage(plan, s)}
	return s
}

// stage repeats the whole as the one stage of a run without a sweep.
func stage(plan domain.Plan, s domain.Summary) domain.Stage {
	users, name := 1, plan.Load.Kind
	if plan.Load.Concurrency != nil {
		users = *plan.Load.Concurrency
		name = fmt.Sprintf("%s:%d", plan.Load.Kind, users)
	}
	return domain.Stage{Name: name, Concurrency: users, Summary: &s.Figures}
}

func millis(rs []domain.RequestRecord, get func(domain.RequestRecord) *int64) []float64 {
	out := make([]float64, 0, len(rs))
	for _, r := range rs {
		if us := get(r); us != nil {
			out = append(out, float64(*us)/1e3)
		}
	}
	return out
}

// gaps returns every gap between consecutive content chunks of a request, in ms. Gaps never span
// two requests.
func gaps(rs []domain.RequestRecord) []float64 {
	var out []float64
	for _, r := range rs {
		for i := 1; i < len(r.ChunkUs); i++ {
			out = append(out, float64(r.ChunkUs[i]-r.ChunkUs[i-1])/1e3)
		}
	}
	return out
}

// tpots returns (E2E − TTFT) ÷ (output tokens − 1) of each request with two tokens or more, in ms.
// It divides anew: the stored TPOT is rounded to whole microseconds.
func tpots(rs []domain.RequestRecord) []float64 {
	var out []float64
	for _, r := range rs {
		if n, span, ok := decodeSpan(r); ok {
			out = append(out, float64(span)/1e3/float64(n-1))
		}
	}
	return out
}

// decodeSpan returns the output tokens and the microseconds from first to last content.
func decodeSpan(r domain.RequestRecord) (tokens int, us int64, ok bool) {
	if r.OutputTokens == nil || *r.OutputTokens < 2 || r.TTFTUs == nil || r.LastUs == nil {
		return 0, 0, false
	}
	return *r.OutputTokens, *r.LastUs - *r.TTFTUs, true
}

func decodeSpeeds(rs []domain.RequestRecord) []float64 {
	var out []float64
	for _, r := range rs {
		if n, span, ok := decodeSpan(r); ok && span > 0 {
			out = append(out, float64(n-1)/(float64(span)/1e6))
		}
	}
	return out
}

// prefillSpeeds prefers the server's own prompt time. Only when no request has one does it divide
// by TTFT, which also holds queueing and network: then the figures are lower bounds.
func prefillSpeeds(rs []domain.RequestRecord) (speeds []float64, lowerBound bool) {
	for _, r := range rs {
		if v, ok := serverPrefill(r); ok {
			speeds = append(speeds, v)
		}
	}
	if len(speeds) > 0 {
		return speeds, false
	}
	for _, r := range rs {
		if r.PromptTokens == nil || r.TTFTUs == nil || *r.TTFTUs <= 0 {
			continue
		}
		uncached := *r.PromptTokens
		if r.CachedTokens != nil {
			uncached -= *r.CachedTokens
		}
		if uncached > 0 {
			speeds = append(speeds, float64(uncached)/(float64(*r.TTFTUs)/1e6))
		}
	}
	return speeds, len(speeds) > 0
}

func serverPrefill(r domain.RequestRecord) (float64, bool) {
	t := r.Server
	if t == nil || t.PromptMs <= 0 || t.PromptTokens <= 0 {
		return 0, false
	}
	return float64(t.PromptTokens) / (t.PromptMs / 1e3), true
}

// server summarises the engine's own figures. The first token is made by the prompt's last step,
// so n tokens take n − 1 steps.
func server(rs []domain.RequestRecord) domain.ServerSummary {
	var decode, prefill []float64
	var s domain.ServerSummary
	for _, r := range rs {
		if r.Server == nil {
			continue
		}
		s.N++
		if t := r.Server; t.PredictedTokens >= 2 && t.PredictedMs > 0 {
			decode = append(decode, float64(t.PredictedTokens-1)/(t.PredictedMs/1e3))
		}
		if v, ok := serverPrefill(r); ok {
			prefill = append(prefill, v)
		}
	}
	s.DecodeTokensPerSecond, s.PrefillTokensPerSecond = Median(decode), Median(prefill)
	return s
}

func outcomes(rs []domain.RequestRecord) domain.OutcomeCounts {
	var c domain.OutcomeCounts
	for _, r := range rs {
		switch r.Outcome {
		case domain.OutcomeOK:
			c.OK++
		case domain.OutcomeIncomplete:
			c.Incomplete++
		case domain.OutcomeCanceled:
			c.Canceled++
		case domain.OutcomeError:
			c.Error++
		case domain.OutcomeDropped:
			c.Dropped++
		}
	}
	return c
}

// tokens sums over successful requests. A sum that lacks a request would mislead, so prompt and
// cached tokens are nil unless every request has them.
func tokens(rs []domain.RequestRecord) domain.TokenCounts {
	c := domain.TokenCounts{
		Prompt: sum(rs, func(r domain.RequestRecord) *int { return r.PromptTokens }),
		Cached: sum(rs, func(r domain.RequestRecord) *int { return r.CachedTokens }),
	}
	for _, r := range rs {
		if r.OutputTokens != nil {
			c.Output += *r.OutputTokens
		}
		switch {
		case r.TokensFrom == "" || r.TokensFrom == c.From:
		case c.From == "":
			c.From = r.TokensFrom
		default:
			c.From = "mixed"
		}
	}
	return c
}

func sum(rs []domain.RequestRecord, get func(domain.RequestRecord) *int) *int {
	total := 0
	for _, r := range rs {
		v := get(r)
		if v == nil {
			return nil
		}
		total += *v
	}
	if len(rs) == 0 {
		return nil
	}
	return &total
}

// busy is the integral of requests in flight over the window, in request seconds.
func busy(rs []domain.RequestRecord, w window) float64 {
	var us int64
	for _, r := range rs {
		us += max(0, min(released(r), w.to)-max(r.SentUs, w.from))
	}
	return float64(us) / 1e6
}
