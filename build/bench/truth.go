//go:build linux

package main

import (
	"context"
	"fmt"
)

// settings are those of the server; names that it does not know it ignores.
type settings map[string]any

// stat is one figure of the truth, in milliseconds.
type stat struct {
	Mean float64 `json:"mean"`
	P50  float64 `json:"p50"`
	P99  float64 `json:"p99"`
}

// truth is what the server says it sent.
type truth struct {
	Requests  int            `json:"requests"`
	Outcomes  map[string]int `json:"outcomes"`
	Tokens    int            `json:"tokens"`
	TokensPS  float64        `json:"tokens_per_s"`
	FirstRecv int64          `json:"first_recv_ns"`
	TTFT      stat           `json:"ttft_ms"`
	ITL       stat           `json:"itl_ms"`
	TPOT      stat           `json:"tpot_ms"`
	E2E       stat           `json:"e2e_ms"`
	Late      stat           `json:"max_late_ms"`
	Peak      int            `json:"peak_active"`
}

// set says how the server answers from now on and clears its log.
func (m *machine) set(ctx context.Context, s settings) error {
	var now map[string]any
	if err := call(ctx, "POST", "http://"+m.server+"/_mock/config?base=default", s, &now); err != nil {
		return fmt.Errorf("set the server: %w", err)
	}
	return nil
}

func (m *machine) truth(ctx context.Context) (truth, error) {
	var t truth
	if err := call(ctx, "GET", "http://"+m.server+"/_mock/summary", nil, &t); err != nil {
		return t, fmt.Errorf("ask the server: %w", err)
	}
	return t, nil
}
