//go:build linux

package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/inferometer/inferometer/backend/domain"
)

// measurement is one case.
type measurement struct {
	name    string
	measure func(ctx context.Context, m *machine) ([]figure, error)
}

// scenario is a closed load against the server.
type scenario struct {
	users, each int // requests of each user
	ttft, itl   float64
	tokens      int
	figures     func(t truth, o outcome) []figure
}

// cases are all measurements in the order of the table. The limits of a mean and a p99 stand apart.
func cases() []measurement {
	return []measurement{
		{"c64", scenario{64, 4, 100, 20, 64, accuracy(64, 2, 5)}.measure},
		{"c256", scenario{256, 4, 100, 20, 64, accuracy256}.measure},
		{"22k", scenario{64, 4, 100, 2.5, 256, delivered}.measure},
		{"44k", scenario{128, 3, 100, 2.5, 256, fast("44 k tok/s", 16)}.measure},
		{"88k", scenario{128, 3, 100, 1.25, 512, fast("88 k tok/s", told)}.measure},
		{"c1000", scenario{1000, 1, 100, 100, 64, func(t truth, o outcome) []figure {
			f := o.run.Summary
			return []figure{off("TTFT mean error, 1,000 streams × 10 tok/s", 5, f.TTFTMs.Mean, t.TTFT.Mean),
				off("E2E mean error, 1,000 streams", 0.5, f.E2EMs.Mean, t.E2E.Mean), failed("failed requests, 1,000 streams", o)}
		}}.measure},
		{"c5000", scenario{5000, 1, 100, 100, 96, func(t truth, o outcome) []figure {
			f := o.run.Summary
			return []figure{off("ITL mean error, 5,000 streams × 10 tok/s", 1, f.ITLMs.Mean, t.ITL.Mean),
				failed("failed requests, 5,000 streams", o), least("most streams at once, by the server", "%.0f", 5000, float64(t.Peak)),
				most("peak RSS of run, 5,000 streams", "%.0f MB", 350, o.rssMB), off("TTFT mean error, 5,000 streams", told, f.TTFTMs.Mean, t.TTFT.Mean)}
		}}.measure},
		{"serve256", serve256},
		{"start", start},
		{"engine", managed},
		{"telemetry", telemetryCost},
		{"storage", storage},
		{"readers", readers},
		{"compare", comparing},
		{"soak", soak},
	}
}

// measure runs a scenario once and returns its figures.
func (s scenario) measure(ctx context.Context, m *machine) ([]figure, error) {
	t, o, err := s.once(ctx, m, m.settings(s.ttft, s.itl))
	if err != nil {
		return nil, err
	}
	return s.figures(t, o), nil
}

func (m *machine) settings(ttft, itl float64) settings {
	return settings{"ttft_ms": ttft, "itl_ms": itl}
}

// once runs the program and asks the server for the truth about the same requests: no warm-up.
func (s scenario) once(ctx context.Context, m *machine, set settings) (truth, outcome, error) {
	if err := m.set(ctx, set); err != nil {
		return truth{}, outcome{}, err
	}
	o, err := m.run(ctx, m.tmp, "--endpoint", "http://"+m.server+"/v1", "--model", m.o.model, "--prompt", "Name the parts of a boat.",
		"--load", "closed:"+strconv.Itoa(s.users), "--requests", strconv.Itoa(s.users*s.each), "--max-tokens", strconv.Itoa(s.tokens), "--warmup", "0")
	if err != nil {
		return truth{}, o, err
	}
	t, err := m.truth(ctx)
	if err == nil && o.run.Summary == nil {
		err = fmt.Errorf("the run is %s without a summary: %+v", o.run.Status, o.run.Error)
	}
	if err == nil && t.Requests != s.users*s.each {
		err = fmt.Errorf("the server saw %d requests, %d were asked", t.Requests, s.users*s.each)
	}
	return t, o, err
}

func accuracy(users int, mean, p99 float64) func(truth, outcome) []figure {
	return func(t truth, o outcome) []figure {
		f, at := o.run.Summary, fmt.Sprintf(", %d streams", users)
		return []figure{off("TTFT mean error"+at, mean, f.TTFTMs.Mean, t.TTFT.Mean), off("TTFT p99 error"+at, p99, f.TTFTMs.P99, t.TTFT.P99)}
	}
}

func accuracy256(t truth, o outcome) []figure {
	f := o.run.Summary
	out := append(accuracy(256, 3, 12)(t, o),
		off("ITL mean error, 256 streams", 0.5, f.ITLMs.Mean, t.ITL.Mean), off("ITL p99 error, 256 streams", 10, f.ITLMs.P99, t.ITL.P99),
		off("TPOT mean error, 256 streams", 0.5, f.TPOTMs.Mean, t.TPOT.Mean), off("TPOT p99 error, 256 streams", 10, f.TPOTMs.P99, t.TPOT.P99),
		off("E2E mean error, 256 streams", told, f.E2EMs.Mean, t.E2E.Mean),
		most("CPU s per million tokens, 256 × 50 tok/s, whole program", "%.1f s", 30, perMillion(o, t)),
		most("peak RSS of run, 256 streams", "%.0f MB", told, o.rssMB))
	if stored, err := storedPerToken(o); err == nil {
		out = append(out, most("stored for a token's time", "%.2f bytes", 2.5, stored))
	}
	return append(out, late(", 256 streams", t)...)
}

// late is how far the server itself was behind its plan. It spoils no error, for the log has the
// true times, but a server that is late puts less load on the program than the case says.
func late(at string, t truth) []figure {
	return []figure{most("server: worst send of a stream, median"+at, "%.2f ms late", told, t.Late.P50),
		most("server: worst send of a stream, p99"+at, "%.2f ms late", told, t.Late.P99)}
}

func delivered(t truth, o outcome) []figure {
	ideal := 64 * 256 / (0.1 + 255*0.0025)
	return append([]figure{least("load delivered, 64 streams at 22 k tok/s", "%.1f %%", 99.3, 100*t.TokensPS/ideal)},
		off("E2E mean error, 22 k tok/s", told, o.run.Summary.E2EMs.Mean, t.E2E.Mean))
}

func fast(rate string, cost float64) func(truth, outcome) []figure {
	return func(t truth, o outcome) []figure {
		f := o.run.Summary
		return append([]figure{off("E2E mean error, "+rate, 0.5, f.E2EMs.Mean, t.E2E.Mean), off("ITL p50 error, "+rate, 5, f.ITLMs.P50, t.ITL.P50),
			most("CPU s per million tokens, "+rate+", whole program", "%.1f s", cost, perMillion(o, t)),
			least("server: sent, "+rate, "%.0f tok/s", told, t.TokensPS)}, late(", "+rate, t)...)
	}
}

func perMillion(o outcome, t truth) float64 { return o.cpuS * 1e6 / float64(t.Tokens) }

// failed counts all requests that are not ok.
func failed(what string, o outcome) figure {
	c := o.run.Summary.Requests
	return most(what, "%.0f", 0, float64(c.Error+c.Incomplete+c.Canceled+c.Dropped))
}

// managed measures the embedded engine with one user and holds the client's figure against the
// engine's own clock. Without an engine there is nothing to tell.
func managed(ctx context.Context, m *machine) ([]figure, error) {
	if !m.hasEngine() {
		return nil, nil
	}
	o, err := m.run(ctx, m.root, "--model", "smollm2-135m", "--prompt", "Tell a long story about the sea.", "--max-tokens", "128", "--requests", "5")
	if err != nil {
		return nil, err
	}
	if o.run.Status != domain.StatusCompleted || o.run.Summary.Server.DecodeTokensPerSecond == nil {
		return nil, fmt.Errorf("the run is %s: %+v", o.run.Status, o.run.Error)
	}
	return []figure{off("decode speed against the engine's own clock, one stream", 1,
		o.run.Summary.DecodeTokensPerSecond, *o.run.Summary.Server.DecodeTokensPerSecond)}, nil
}
