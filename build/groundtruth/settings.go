//go:build linux

package main

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// settings say how requests are answered. A rate is an exact share: 0.25 takes every fourth
// request, beginning with the fourth.
type settings struct {
	TTFTMs    float64 `json:"ttft_ms"` // request read to first token
	ITLMs     float64 `json:"itl_ms"`  // one token to the next
	Tokens    int     `json:"tokens"`  // output tokens when the request does not say
	HonorMax  bool    `json:"honor_max"`
	Jitter    string  `json:"jitter"` // none, uniform, normal, exp
	JitterPct float64 `json:"jitter_pct"`

	Coalesce       int     `json:"coalesce"`         // tokens per chunk
	EventsPerWrite int     `json:"events_per_write"` // chunks per write
	SplitWrite     bool    `json:"split_write"`      // each event in two writes, the second one on time
	Usage          string  `json:"usage"`            // auto (when asked for), always, never
	UsageDelta     int     `json:"usage_delta"`      // a lie: added to completion_tokens
	RoleChunk      string  `json:"role_chunk"`       // none, first (with the first token), start (at once)
	Reasoning      int     `json:"reasoning"`        // so many first tokens are reasoning_content
	CRLF           bool    `json:"crlf"`
	Ping           int     `json:"ping"` // a comment before every n-th event
	ErrRate        float64 `json:"err_rate"`
	ErrStatus      int     `json:"err_status"`
	RetryAfterS    int     `json:"retry_after_s"` // header of the error answer; 0 for none
	MidErrRate     float64 `json:"mid_err_rate"`  // an error event in the middle of the stream
	DropRate       float64 `json:"drop_rate"`     // a reset in the middle of the stream
	StallRate      float64 `json:"stall_rate"`    // share of streams that wait once
	StallMs        float64 `json:"stall_ms"`
	StallAt        int     `json:"stall_at"` // token of a stall, error or reset; 0: the middle
	Slots          int     `json:"slots"`    // streams at once, others queue; 0 for no limit
	Seed           uint64  `json:"seed"`     // of the jitter
}

func defaults() settings {
	return settings{TTFTMs: 100, ITLMs: 10, Tokens: 128, HonorMax: true, Jitter: "none", JitterPct: 20, Coalesce: 1,
		EventsPerWrite: 1, Usage: "auto", RoleChunk: "first", ErrStatus: 500, StallMs: 1000, Seed: 1}
}

func (c settings) check() error {
	oneOf := func(name, v string, words ...string) error {
		for _, w := range words {
			if v == w {
				return nil
			}
		}
		return fmt.Errorf("%s is %q, not one of %v", name, v, words)
	}
	if c.TTFTMs < 0 || c.ITLMs < 0 || c.Tokens < 1 || c.Coalesce < 1 || c.EventsPerWrite < 1 {
		return fmt.Errorf("times must not be negative; tokens, coalesce and events_per_write begin at 1")
	}
	if err := oneOf("jitter", c.Jitter, "none", "uniform", "normal", "exp"); err != nil {
		return err
	}
	if err := oneOf("usage", c.Usage, "auto", "always", "never"); err != nil {
		return err
	}
	return oneOf("role_chunk", c.RoleChunk, "none", "first", "start")
}

// share reports whether request n, from 0, belongs to an exact share of all.
func share(n int, rate float64) bool {
	return math.Floor(float64(n+1)*rate+1e-9) > math.Floor(float64(n)*rate+1e-9)
}

// spread draws a duration in ns with the mean of ms milliseconds.
func (c settings) spread(ms float64, rng *rand.Rand) int64 {
	sd := c.JitterPct / 100
	factor := 1.0
	switch c.Jitter {
	case "uniform":
		factor = 1 + sd*(2*rng.Float64()-1)
	case "normal":
		factor = 1 + sd*rng.NormFloat64()
	case "exp":
		factor = rng.ExpFloat64()
	}
	return int64(max(factor, 0) * ms * 1e6)
}
