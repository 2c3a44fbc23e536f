package service

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/stats"
)

// Limits of the pre-flight checks; product texts name them.
const (
	preflightWindow = 3 * time.Second
	freeRAMLimitGB  = 1.0
	// MostPreflightWait is the longest that Preflight waits for a quiet machine.
	MostPreflightWait = 5 * time.Minute
	preflightEvery    = 500 * time.Millisecond
)

// Preflight says what would spoil a run now. With a wait it answers as soon as nothing would, and
// else when the time is over.
func (s *Service) Preflight(ctx context.Context, wait time.Duration) (domain.Preflight, error) {
	if wait < 0 || wait > MostPreflightWait {
		return domain.Preflight{}, domain.Invalid("query.wait_s", fmt.Sprintf("must be 0 to %g", MostPreflightWait.Seconds()))
	}
	began := s.d.Now()
	for {
		p := s.look(ctx)
		waited := s.d.Now().Sub(began)
		p.WaitedS = waited.Seconds()
		if p.Quiet || waited >= wait {
			return p, nil
		}
		again := time.NewTimer(min(preflightEvery, wait-waited))
		select {
		case <-ctx.Done():
			again.Stop()
			return domain.Preflight{}, fmt.Errorf("wait for a quiet machine: %w", context.Cause(ctx))
		case <-again.C:
		}
	}
}

// look makes every check once.
func (s *Service) look(ctx context.Context) domain.Preflight {
	recent, sys := s.d.Sampler.History(preflightWindow), s.d.Sampler.System()
	checks := []domain.Check{s.checkEngine(ctx), s.checkModel(ctx), gpuCheck(sys), ramCheck(sys, recent)}
	for _, c := range stats.Before(stats.Input{Samples: recent, GPUs: sys.GPUs, Facts: sys.Facts}) {
		if c.Code == "swapping" && c.State == "unknown" {
			c = swapCheck(recent)
		}
		checks = append(checks, c)
	}
	p := domain.Preflight{Ready: true, Quiet: true, Checks: checks}
	for _, c := range checks {
		p.Ready = p.Ready && c.State != "invalid"
		p.Quiet = p.Quiet && c.State != "invalid" && c.State != "caution"
	}
	return p
}

// keepBefore stores the readings from just before a run with negative times: what the machine drew
// and who was at work while nothing was asked of an engine.
func (s *Service) keepBefore(ctx context.Context, id domain.RunID, start time.Time) error {
	before := s.d.Sampler.History(preflightWindow)
	from := len(before)
	for from > 0 && before[from-1].Phase == domain.PhaseIdle {
		from--
	}
	before = slices.Clone(before[from:])
	for i := range before {
		before[i].TUs = before[i].Timestamp.Sub(start).Microseconds()
	}
	before = slices.DeleteFunc(before, func(x domain.Sample) bool {
		return x.TUs >= 0 || x.TUs < -preflightWindow.Microseconds()
	})
	if len(before) == 0 {
		return nil
	}
	return s.d.Store.AppendRun(ctx, id, domain.Batch{Samples: before})
}

func (s *Service) checkEngine(ctx context.Context) domain.Check {
	c := domain.Check{Code: "engine", State: "ok"}
	es, err := s.d.Engines.Engines(ctx)
	if err != nil {
		c.State, c.Detail = "invalid", userMessage(err)
		return c
	}
	for _, e := range es {
		if e.Installed {
			c.Detail = strings.TrimSpace(e.Name + " " + e.Build)
			return c
		}
	}
	c.State, c.Detail = "invalid", "No engine is installed."
	return c
}

func (s *Service) checkModel(ctx context.Context) domain.Check {
	c := domain.Check{Code: "model", State: "ok"}
	ms, err := s.d.Library.Models(ctx, true)
	switch {
	case err != nil:
		c.State, c.Detail = "invalid", userMessage(err)
	case len(ms) == 0:
		c.State, c.Detail = "invalid", "No model is installed."
	default:
		n := float64(len(ms))
		c.Value, c.Unit, c.Detail = &n, "models", ms[0].Name
	}
	return c
}

func ramCheck(sys domain.System, recent []domain.Sample) domain.Check {
	limit := freeRAMLimitGB
	c := domain.Check{Code: "free_ram", Limit: &limit, Unit: "GB", State: "unknown", Detail: "Memory cannot be read."}
	used := meanOf(recent, func(x domain.Sample) *float64 { return x.RAMUsedGB })
	if total := sys.RAMTotalGB; used != nil && total > 0 {
		free := total - *used
		c.Value, c.State, c.Detail = &free, "ok", "Enough memory is free."
		if free < limit {
			c.State, c.Detail = "caution", "Little memory is free; close other programs."
		}
	}
	return c
}

// swapCheck compares the first and the last reading: swap in use may be old, swap that grows is not.
func swapCheck(recent []domain.Sample) domain.Check {
	c := domain.Check{Code: "swapping", Unit: "GB", State: "unknown", Detail: "Swap cannot be read."}
	if len(recent) < 2 {
		return c
	}
	a, b := recent[0].SwapUsedGB, recent[len(recent)-1].SwapUsedGB
	if a == nil || b == nil {
		return c
	}
	grown, limit := *b-*a, 0.01
	c.Value, c.Limit, c.State, c.Detail = &grown, &limit, "ok", "No swapping."
	if grown > limit {
		c.State, c.Detail = "caution", "The machine is swapping; a figure now would be wrong."
	}
	return c
}

func gpuCheck(sys domain.System) domain.Check {
	c := domain.Check{Code: "gpu", State: "ok"}
	if len(sys.GPUs) == 0 {
		c.State, c.Detail = "unknown", "No usable GPU: measuring on the CPU. "+sys.GPUReason
		return c
	}
	c.Detail = sys.GPUs[0].Name
	return c
}

func meanOf(samples []domain.Sample, get func(domain.Sample) *float64) *float64 {
	sum, n := 0.0, 0
	for _, x := range samples {
		if v := get(x); v != nil {
			sum, n = sum+*v, n+1
		}
	}
	if n == 0 {
		return nil
	}
	mean := sum / float64(n)
	return &mean
}
