//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// trap is a server that does something wrong or unusual.
type trap struct {
	name string
	set  settings
	lies bool // its usage is wrong or missing: the token count must be right or the run warned about
}

func traps() []trap {
	return []trap{
		{name: "6 of 24 streams end in an error event", set: settings{"mid_err_rate": 0.25}},
		{name: "6 of 24 connections reset in the stream", set: settings{"drop_rate": 0.25}},
		{name: "6 of 24 answered 500", set: settings{"err_rate": 0.25}},
		{name: "6 of 24 stall 400 ms once", set: settings{"stall_rate": 0.25, "stall_ms": 400}},
		{name: "first 32 tokens are reasoning", set: settings{"reasoning": 32}},
		{name: "role chunk at once, prefill 300 ms", set: settings{"role_chunk": "start", "ttft_ms": 300}},
		{name: "4 tokens a chunk", set: settings{"coalesce": 4}},
		{name: "no usage", set: settings{"usage": "never"}, lies: true},
		{name: "CRLF, comments, events cut in two", set: settings{"crlf": true, "ping": 3, "split_write": true}},
		{name: "8 events a packet", set: settings{"events_per_write": 8}},
		{name: "usage says 128 for 64 tokens", set: settings{"usage_delta": 64}, lies: true},
	}
}

// printTraps runs each trap once and prints what was reported beside the truth.
func printTraps(ctx context.Context, m *machine, pattern *regexp.Regexp, out, progress io.Writer) error {
	if !pattern.MatchString("traps") {
		return nil
	}
	fmt.Fprintln(out, "| trap (24 requests, 4 at once) | truth: ok, tokens, TTFT, TPOT | reported: ok, tokens, TTFT, TPOT, longest gap | errors told | warnings | |\n|---|---|---|---|---|---|")
	for _, x := range traps() {
		fmt.Fprintln(progress, "trap:", x.name)
		set := m.settings(50, 5)
		maps.Copy(set, x.set)
		t, o, err := scenario{users: 4, each: 6, tokens: 64}.once(ctx, m, set)
		if err != nil {
			return fmt.Errorf("%s: %w", x.name, err)
		}
		fmt.Fprintln(out, x.line(t, o))
	}
	return nil
}

func (x trap) line(t truth, o outcome) string {
	f := o.run.Summary
	ms := func(v *float64) string {
		if v == nil {
			return "–"
		}
		return fmt.Sprintf("%.1f ms", *v)
	}
	var errs, warnings []string
	for _, class := range slices.Sorted(maps.Keys(f.ErrorClasses)) {
		errs = append(errs, fmt.Sprintf("%d %s", f.ErrorClasses[class], class))
	}
	for _, w := range o.run.Warnings {
		warnings = append(warnings, w.Code)
	}
	return fmt.Sprintf("| %s | %d, %d, %.1f ms, %.2f ms | %d, %d (%s), %s, %s, %s | %s | %s | %s |", x.name,
		t.Outcomes["ok"], t.Tokens, t.TTFT.Mean, t.TPOT.Mean,
		f.Requests.OK, f.Tokens.Output, f.Tokens.From, ms(f.TTFTMs.Mean), ms(f.TPOTMs.Mean), ms(f.ITLMs.Max),
		strings.Join(errs, ", "), strings.Join(warnings, ", "), x.verdict(t, o))
}

// Errors of a mean that no disturbance of four quiet streams explains.
const mostTTFT, mostTPOT = 20, 10 // percent

// verdict says whether outcomes, times and tokens are right. A wrong count, and the speed that
// follows from it, is honest only when a warning about tokens stands beside it.
func (x trap) verdict(t truth, o outcome) string {
	f := o.run.Summary
	if f.Requests.OK != t.Outcomes["ok"] {
		return "**wrong outcomes**"
	}
	if off("", mostTTFT, f.TTFTMs.Mean, t.TTFT.Mean).missed() {
		return "**wrong TTFT**"
	}
	if f.Tokens.Output == t.Tokens {
		if off("", mostTPOT, f.TPOTMs.Mean, t.TPOT.Mean).missed() {
			return "**wrong TPOT**"
		}
		return "right"
	}
	for _, w := range o.run.Warnings {
		if x.lies && (strings.Contains(w.Code, "token") || strings.Contains(w.Code, "usage")) {
			return "flagged"
		}
	}
	return "**wrong tokens**"
}
