//go:build linux

package main

import "slices"

// record is what was done for one request. Times are CLOCK_MONOTONIC in nanoseconds.
type record struct {
	ID        int     `json:"id"`
	Path      string  `json:"path"`
	Recv      int64   `json:"recv_ns"` // the whole request had been read
	First     int64   `json:"first_ns,omitempty"`
	Last      int64   `json:"last_ns,omitempty"`
	PlanTTFT  int64   `json:"plan_ttft_ns"` // from the request, or from the slot it waited for
	Tokens    int     `json:"tokens"`       // sent
	MaxTokens int     `json:"max_tokens"`
	Prompt    int     `json:"prompt_words"`
	Outcome   string  `json:"outcome"`     // ok, http_error, mid_error, drop, client_gone, open
	Late      int64   `json:"max_late_ns"` // the latest send against its deadline
	Blocked   int     `json:"blocked"`     // writes that found the socket's buffer full
	StalledAt int     `json:"stalled_at,omitempty"`
	Sends     []int64 `json:"send_off_ns"` // of each token, from Recv
}

// stat summarises a figure; percentiles interpolate linearly.
type stat struct {
	N    int     `json:"n"`
	Mean float64 `json:"mean"`
	P50  float64 `json:"p50"`
	P90  float64 `json:"p90"`
	P95  float64 `json:"p95"`
	P99  float64 `json:"p99"`
	Min  float64 `json:"min"`
	Max  float64 `json:"max"`
}

func statOf(v []float64) stat {
	if len(v) == 0 {
		return stat{}
	}
	slices.Sort(v)
	sum := 0.0
	for _, x := range v {
		sum += x
	}
	at := func(p float64) float64 {
		k := p * float64(len(v)-1)
		i := int(k)
		if i+1 == len(v) {
			return v[i]
		}
		return v[i] + (k-float64(i))*(v[i+1]-v[i])
	}
	return stat{len(v), sum / float64(len(v)), at(.5), at(.9), at(.95), at(.99), v[0], v[len(v)-1]}
}

// summary is the truth about all requests since the settings were last set. Latencies are those
// of streams that were sent to their end.
type summary struct {
	Config    settings       `json:"config"`
	Requests  int            `json:"requests"`
	Outcomes  map[string]int `json:"outcomes"`
	Tokens    int            `json:"tokens"` // of whole streams
	SpanS     float64        `json:"span_s"` // first request to last token
	TokensPS  float64        `json:"tokens_per_s"`
	RequestPS float64        `json:"requests_per_s"`
	Peak      int            `json:"peak_active"`
	Blocked   int            `json:"blocked_writes"`
	FirstRecv int64          `json:"first_recv_ns"`
	LastSend  int64          `json:"last_send_ns"`
	TTFT      stat           `json:"ttft_ms"`
	ITL       stat           `json:"itl_ms"`
	TPOT      stat           `json:"tpot_ms"`
	E2E       stat           `json:"e2e_ms"`
	Late      stat           `json:"max_late_ms"`
}

func (s *server) summary() summary {
	sum := summary{Config: *s.set, Requests: len(s.log), Outcomes: map[string]int{}, Peak: s.peak}
	var ttft, itl, tpot, e2e, late []float64
	for _, r := range s.log {
		sum.Outcomes[r.Outcome]++
		sum.Blocked += r.Blocked
		if sum.FirstRecv == 0 || r.Recv < sum.FirstRecv {
			sum.FirstRecv = r.Recv
		}
		if r.Outcome != "ok" {
			continue
		}
		sum.Tokens += r.Tokens
		sum.LastSend = max(sum.LastSend, r.Last)
		ttft = append(ttft, float64(r.First-r.Recv)/1e6)
		e2e = append(e2e, float64(r.Last-r.Recv)/1e6)
		late = append(late, float64(r.Late)/1e6)
		if r.Tokens > 1 {
			tpot = append(tpot, float64(r.Last-r.First)/1e6/float64(r.Tokens-1))
		}
		for i := 1; i < len(r.Sends); i++ {
			itl = append(itl, float64(r.Sends[i]-r.Sends[i-1])/1e6)
		}
	}
	sum.TTFT, sum.ITL, sum.TPOT, sum.E2E = statOf(ttft), statOf(itl), statOf(tpot), statOf(e2e)
	sum.Late = statOf(late)
	if sum.SpanS = float64(sum.LastSend-sum.FirstRecv) / 1e9; sum.SpanS > 0 {
		sum.TokensPS, sum.RequestPS = float64(sum.Tokens)/sum.SpanS, float64(len(ttft))/sum.SpanS
	} else {
		sum.SpanS = 0
	}
	return sum
}
