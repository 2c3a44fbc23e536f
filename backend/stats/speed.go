package stats

import "github.com/inferometer/inferometer/backend/domain"

// minClockTokens is the shortest output whose decode speed two clocks are compared by: a delay of
// one token must not look like a clock that is off.
const minClockTokens = 16

// decodeSpeed is (output tokens − 1) ÷ (last content − first content), by the client's clock.
func decodeSpeed(r record) (float64, bool) {
	n, span, ok := decodeSpan(r)
	if !ok || span <= 0 {
		return 0, false
	}
	return float64(n-1) / (float64(span) / 1e6), true
}

// serverDecode is the same by the engine's own clock. The first token is made by the prompt's last
// step, so n tokens take n − 1 steps.
func serverDecode(r record) (float64, bool) {
	t := r.Server
	if t == nil || t.PredictedTokens < 2 || t.PredictedMs <= 0 {
		return 0, false
	}
	return float64(t.PredictedTokens-1) / (t.PredictedMs / 1e3), true
}

// clockDelta is how much faster the client saw the request decoded than the engine says, percent.
func clockDelta(r record) (float64, bool) {
	client, ok := decodeSpeed(r)
	engine, known := serverDecode(r)
	if !ok || !known || *r.OutputTokens < minClockTokens {
		return 0, false
	}
	return 100 * (client/engine - 1), true
}

// prefill prefers the server's own prompt time. Only when no request has one does it divide by
// TTFT, which also holds queueing and network: then the figure is a lower bound.
func prefill(rs []record) (speed *float64, lowerBound bool) {
	if speed = medianOf(rs, serverPrefill); speed != nil {
		return speed, false
	}
	speed = medianOf(rs, clientPrefill)
	return speed, speed != nil
}

// prefillInterval is that of the median that prefill tells.
func prefillInterval(rs []record) *domain.Interval {
	if values := each(rs, serverPrefill)(nil); len(values) > 0 {
		return medianInterval(values)
	}
	return medianInterval(each(rs, clientPrefill)(nil))
}

func clientPrefill(r record) (float64, bool) {
	if r.PromptTokens == nil || r.TTFTUs == nil || *r.TTFTUs <= 0 {
		return 0, false
	}
	uncached := *r.PromptTokens
	if r.CachedTokens != nil {
		uncached -= *r.CachedTokens
	}
	return float64(uncached) / (float64(*r.TTFTUs) / 1e6), uncached > 0
}

func serverPrefill(r record) (float64, bool) {
	t := r.Server
	if t == nil || t.PromptMs <= 0 || t.PromptTokens <= 0 {
		return 0, false
	}
	return float64(t.PromptTokens) / (t.PromptMs / 1e3), true
}

// server summarises the engine's own figures.
func server(rs []record) domain.ServerSummary {
	s := domain.ServerSummary{
		DecodeTokensPerSecond: medianOf(rs, serverDecode), PrefillTokensPerSecond: medianOf(rs, serverPrefill),
	}
	for _, r := range rs {
		if r.Server != nil {
			s.N++
		}
	}
	return s
}

// draft sums what speculative decoding proposed and kept; nil where nothing was proposed.
func draft(rs []record) *domain.DraftSummary {
	var d domain.DraftSummary
	for _, r := range rs {
		if r.Server != nil {
			d.Tokens += r.Server.DraftTokens
			d.Accepted += r.Server.DraftAccepted
		}
	}
	if d.Tokens == 0 {
		return nil
	}
	share := float64(d.Accepted) / float64(d.Tokens)
	d.Acceptance = &share
	return &d
}

func outcomes(rs []record) domain.OutcomeCounts {
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
