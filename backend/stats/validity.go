package stats

import (
	"fmt"

	"github.com/inferometer/inferometer/backend/domain"
)

// The states of a check; the verdict is the worst of caution and invalid.
const (
	stateOK      = "ok"
	stateCaution = "caution"
	stateInvalid = "invalid"
	stateUnknown = "unknown"
)

// validity lists every check made and draws the verdict from them. An unknown check does not lower
// the verdict: it says that something could not be looked at.
func (f facts) validity() domain.Validity {
	v := domain.Validity{Verdict: "valid", Interference: append([]domain.Interference{}, f.others...), Checks: []domain.Check{}}
	for _, c := range []domain.Check{
		f.checkOutcomes(), f.checkClient(), f.checkContended(), f.checkSampler(), f.checkSize(), f.checkTokens(), f.checkClocks(), f.checkLength(), f.checkCache(), f.checkGPU(),
	} {
		v.Add(c)
	}
	for _, c := range f.conditions {
		v.Add(c.Check)
	}
	return v
}

func (f facts) checkOutcomes() domain.Check {
	c := domain.Check{Code: "outcomes", State: stateOK, Value: ptr(f.failedPct()), Limit: ptr(limitFailedPct), Unit: "%",
		Detail: fmt.Sprintf("%d ok, %d failed, %d incomplete, %d canceled.", f.counts.OK, f.counts.Error, f.counts.Incomplete, f.counts.Canceled)}
	if f.counts.Dropped > 0 {
		c.Detail = fmt.Sprintf("%d ok, %d failed, %d incomplete, %d canceled, %d dropped.",
			f.counts.OK, f.counts.Error, f.counts.Incomplete, f.counts.Canceled, f.counts.Dropped)
	}
	switch pct := f.failedPct(); {
	case f.counts.OK == 0 || pct > limitInvalidPct:
		c.State = stateInvalid
	case pct > limitFailedPct || f.counts.Dropped > 0:
		c.State = stateCaution
	}
	return c
}

// checkClient says how well the measuring program itself kept up: first of what it fell behind in,
// else of what its load is judged by.
func (f facts) checkClient() domain.Check {
	full := domain.Check{Code: "client", State: stateOK, Value: f.client.fullPct, Limit: ptr(limitFullPct), Unit: "%",
		Detail: "Requests under way of those asked for, while every user was busy."}
	late := domain.Check{Code: "client", State: stateOK, Value: f.client.lateMs, Limit: ptr(f.client.lateLimit), Unit: "ms",
		Detail: "How late requests were sent; the slowest hundredth."}
	cpu := domain.Check{Code: "client", State: stateOK, Value: f.client.cpuPct, Limit: ptr(limitSelfCPUPct), Unit: "%",
		Detail: "Processor use of Inferometer itself, share of one core."}
	switch {
	case f.client.idle():
		full.State = stateCaution
		return full
	case f.client.late():
		late.State = stateCaution
		return late
	case f.client.loaded():
		cpu.State = stateCaution
		return cpu
	case full.Value != nil:
		return full
	case late.Value != nil:
		return late
	case cpu.Value == nil:
		cpu.State = stateUnknown
	}
	return cpu
}

func (f facts) checkClocks() domain.Check {
	c := domain.Check{Code: "clocks", State: stateOK, Value: f.clockDelta, Limit: ptr(limitClockPct), Unit: "%",
		Detail: "Decode speed by the client's clock against the engine's own."}
	switch {
	case f.clockDelta == nil:
		c.State = stateUnknown
		c.Detail = "The engine gives no times of its own to compare with."
	case f.twoClocks():
		c.State = stateCaution
	}
	return c
}

func (f facts) checkContended() domain.Check {
	c := domain.Check{Code: "contended", State: stateOK, Value: f.foreign, Limit: ptr(limitForeignCPU), Unit: "%",
		Detail: "Processor use by other programs, share of the machine."}
	switch {
	case f.stolen() && !f.contended():
		return domain.Check{Code: "contended", State: stateCaution, Value: f.steal, Limit: ptr(limitStealPct), Unit: "%",
			Detail: "Processor time that the hypervisor gave to other machines."}
	case f.foreign == nil:
		c.State = stateUnknown
		c.Detail = "Processor use of the engine is not known, so that of others is not either."
	case f.contended():
		c.State = stateCaution
	}
	return c
}

func (f facts) checkSampler() domain.Check {
	c := domain.Check{Code: "telemetry", State: stateOK, Value: f.lateMs, Limit: ptr(limitLateMs), Unit: "ms",
		Detail: fmt.Sprintf("%d readings; lateness of the slowest hundredth.", f.readings)}
	switch {
	case f.windowS == nil:
		c.State = stateUnknown
		c.Detail = "Nothing was measured."
	case f.telemetryDegraded():
		c.State = stateCaution
		if f.gapMs != nil && *f.gapMs > limitSampleGapMs {
			c.Value, c.Limit = f.gapMs, ptr(limitSampleGapMs)
			c.Detail = fmt.Sprintf("%d readings; longest time without one.", f.readings)
		}
	}
	return c
}

func (f facts) checkSize() domain.Check {
	c := domain.Check{Code: "sample_size", State: stateOK, Value: ptr(float64(f.counts.OK)), Limit: ptr(float64(limitRequests)), Unit: "requests",
		Detail: "Successful measured requests."}
	if f.counts.OK < limitRequests {
		c.State = stateUnknown
		c.Detail = "Too few requests to tell the spread."
	}
	return c
}

func (f facts) checkTokens() domain.Check {
	c := domain.Check{Code: "token_count", State: stateOK, Value: ptr(float64(f.truth.off + f.truth.chunks)), Limit: ptr(0.0), Unit: "requests",
		Detail: "The server's token count agrees with the text received."}
	switch {
	case f.counts.OK == 0:
		c.State, c.Value = stateUnknown, nil
		c.Detail = "No successful request."
	case f.truth.off > 0:
		c.State = stateCaution
		c.Detail = "The server's token count disagrees with the text received."
	case f.truth.chunks > 0:
		c.State = stateCaution
		c.Detail = "The server gave no token count; pieces were counted."
	case f.truth.tokenizer > 0:
		c.Detail = "The server gave no token count; the model's own tokenizer counted the text."
	}
	return c
}

func (f facts) checkLength() domain.Check {
	return domain.Check{Code: "length", State: stateOK, Value: ptr(float64(f.short)), Unit: "requests",
		Detail: "Requests that ended by themselves before the output length asked for."}
}

func (f facts) checkCache() domain.Check {
	c := domain.Check{Code: "prompt_cache", State: stateOK, Value: f.cached, Limit: ptr(limitCachedPct), Unit: "%",
		Detail: "Prompt tokens answered from the server's cache."}
	switch {
	case f.cacheWanted():
		c.Detail = "The plan lets the server's cache answer."
	case f.cached == nil && f.engine.CacheOff:
		c.Detail = "The prompt cache is switched off."
	case f.cached == nil:
		c.State = stateUnknown
		c.Detail = "The server does not say what it cached; every prompt began with its own line."
	case f.cacheHit():
		c.State = stateCaution
	}
	return c
}

func (f facts) checkGPU() domain.Check {
	c := domain.Check{Code: "gpu", State: stateOK, Detail: "The device asked for was used."}
	for _, w := range f.gpuWarnings() {
		c.Detail = w.Message
		switch w.Level {
		case levelCaution:
			c.State = stateCaution
		case levelInvalid:
			c.State = stateInvalid
		default:
			c.State = stateUnknown
		}
	}
	return c
}

func ptr(v float64) *float64 { return &v }
