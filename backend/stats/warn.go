package stats

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/inferometer/inferometer/backend/domain"
)

// The levels of a warning.
const (
	levelInfo    = "info"
	levelCaution = "caution"
	levelInvalid = "invalid"
)

// warnings lists what the figures should not stand without, gravest first.
func (f facts) warnings() []domain.Warning {
	out := []domain.Warning{}
	add := func(when bool, level, code, format string, args ...any) {
		if when {
			out = append(out, domain.Warning{Code: code, Level: level, Message: fmt.Sprintf(format, args...)})
		}
	}
	failed := f.counts.Error + f.counts.Incomplete
	add(f.counts.OK == 0, levelInvalid, "no_successful_requests", "No measured request succeeded, so there are no figures.")
	add(f.counts.OK > 0 && failed > 0, levelCaution, "requests_failed",
		"%d of %d measured requests failed; the figures count the others only.", failed, f.sent)
	add(f.contended(), levelCaution, "contended",
		"Other programs used %.1f %% of the processor while measuring (limit %.0f %%).%s", value(f.foreign), limitForeignCPU, f.named())
	add(f.stolen(), levelCaution, "contended",
		"The hypervisor gave %.1f %% of the processor to other machines while measuring (limit %.0f %%).", value(f.steal), limitStealPct)
	add(f.counts.Dropped > 0, levelCaution, "dropped_arrivals",
		"%d of %d arrivals were dropped: as many requests as allowed (max_in_flight) were under way.", f.counts.Dropped, f.sent+f.counts.Dropped)
	add(f.client.late(), levelCaution, "late_sends",
		"Requests were sent up to %.1f ms late (slowest hundredth, limit %.1f ms): the program could not keep the rate.", value(f.client.lateMs), f.client.lateLimit)
	add(f.client.idle(), levelCaution, "client_limited",
		"Only %.0f %% of the requests asked for were under way while every user was busy: the program could not keep the load.", value(f.client.fullPct))
	add(f.client.loaded(), levelCaution, "client_busy",
		"Inferometer itself used %.0f %% of a processor core (limit %.0f %%); its own work may show in the times.", value(f.client.cpuPct), limitSelfCPUPct)
	add(f.truth.off > 0, levelCaution, "token_count_mismatch",
		"In %d of %d requests the server's token count disagrees with the text received; figures per token may be wrong.", f.truth.off, f.counts.OK)
	add(f.truth.chunks > 0, levelCaution, "token_count_estimated",
		"The server gave no token count for %d of %d requests; pieces of the stream were counted instead.", f.truth.chunks, f.counts.OK)
	add(f.twoClocks(), levelCaution, "two_clocks",
		"Decode speed by the client's clock differs by %+.1f %% from the engine's own (limit %.0f %%).", value(f.clockDelta), limitClockPct)
	add(f.cacheHit(), levelCaution, "prompt_cache_hit",
		"The server answered %.0f %% of the prompt tokens from its cache, so time to first token is better than for a new prompt.", value(f.cached))
	add(f.rests.warm > 0, levelCaution, "still_warm",
		"%d of %d rests ended before the machine had cooled to %.0f °C; the hottest ended at %.0f °C.", f.rests.warm, f.rests.count, f.rests.limitC, value(f.rests.worstC))
	add(f.rests.unknown, levelCaution, "still_warm",
		"No temperature could be read, so nothing was waited for but the time of each rest.")
	add(f.telemetryDegraded(), levelCaution, "telemetry_degraded",
		"Hardware readings came late or are missing; their means are less certain.")
	for _, c := range f.conditions {
		add(c.level == levelCaution, c.level, c.Code, "%s", c.warning)
	}
	out = append(out, f.gpuWarnings()...)
	for _, c := range f.conditions {
		add(c.level == levelInfo, c.level, c.Code, "%s", c.warning)
	}
	out = append(out, f.courses...)
	add(f.counts.OK > 0 && f.counts.OK < limitRequests, levelInfo, "few_requests",
		"Only %d measured request(s): nothing can be said about the spread.", f.counts.OK)
	add(f.engine.Slots > 0 && f.engine.Slots < mostUsers(f.plan), levelInfo, "fewer_slots_than_users",
		"The server serves %d request(s) at a time, the load has up to %d users: the others wait in the server.", f.engine.Slots, mostUsers(f.plan))
	add(f.plan.Synthetic != nil && !f.engine.Tokenizer && f.counts.OK > 0, levelInfo, "prompt_length_estimated",
		"The engine has no tokenizer, so the lengths of the made prompts are estimates.")
	add(f.windowS != nil && *f.windowS < limitWindowS, levelInfo, "short_window",
		"Measuring took %.2f s; hardware figures rest on few readings.", value(f.windowS))
	add(f.truth.tokenizer > 0, levelInfo, "token_count_by_tokenizer",
		"The server gave no token count for %d of %d requests; the model's own tokenizer counted the text.", f.truth.tokenizer, f.counts.OK)
	add(f.truth.packed > 0, levelInfo, "tokens_packed",
		"The server sends %.1f tokens in a piece: the time between tokens (ITL) is that between pieces.", value(f.packing))
	add(f.short > 0, levelInfo, "length_shortfall",
		"%d of %d requests ended by themselves before the output length asked for.", f.short, f.counts.OK)
	return out
}

// named says who the other programs were, as far as they were seen; the worst first.
func (f facts) named() string {
	var names []string
	for _, o := range f.others[:min(3, len(f.others))] {
		names = append(names, fmt.Sprintf("%s %.0f", o.Process, o.CPUPercent))
	}
	if len(names) == 0 {
		return ""
	}
	return " Most of it, in percent of a core: " + strings.Join(names, ", ") + "."
}

// mostUsers is the largest number of users of the plan's closed loops.
func mostUsers(p domain.Plan) int {
	most := 0
	for _, s := range p.Stages {
		if s.Load.Concurrency != nil {
			most = max(most, *s.Load.Concurrency)
		}
	}
	return most
}

// gpuWarnings compares what was asked of the GPU with what the engine really used.
func (f facts) gpuWarnings() []domain.Warning {
	used, asked := f.engine.GPUUsed, f.plan.UseGPU
	switch {
	case used == nil && (asked || f.plan.UseGPUExplicit):
		return []domain.Warning{{Code: "gpu_not_verifiable", Level: levelInfo,
			Message: sentence("Whether the engine used a GPU cannot be verified.", f.engine.GPUReason)}}
	case used != nil && asked && !*used:
		level := levelInfo
		if f.plan.UseGPUExplicit {
			level = levelCaution
		}
		return []domain.Warning{{Code: "gpu_requested_but_unused", Level: level,
			Message: sentence("The run used the CPU, not a GPU.", f.engine.GPUReason)}}
	case used != nil && !asked && *used:
		return []domain.Warning{{Code: "gpu_used_against_request", Level: levelInvalid,
			Message: sentence("The run was to use the CPU alone, but the engine used a GPU.", f.engine.GPUReason)}}
	}
	return nil
}

func sentence(first, reason string) string {
	if reason == "" {
		return first
	}
	r, size := utf8.DecodeRuneInString(reason)
	return first + " " + string(unicode.ToUpper(r)) + reason[size:]
}

func value(p *float64) float64 {
	if p == nil {
		return 0
	}
	return *p
}
