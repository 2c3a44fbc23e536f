package service

import (
	"context"
	"fmt"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/workload"
)

const (
	// maxMade bounds how many different prompts are made for one run; further requests go round.
	maxMade = 1000
	// someMade is how many are made where the number of requests is not known before.
	someMade = 256
	// openSlots is how many sequences the embedded engine serves at a time in an open loop, where no
	// number of users says it; further arrivals queue in the engine, as they would in use.
	openSlots = 8
)

// source makes the prompts of a job once its engine is ready.
func source(id domain.RunID, p domain.Plan, prompts []domain.Prompt) func(context.Context, domain.EngineInfo, workload.Tokenize) (workload.Source, error) {
	return func(ctx context.Context, info domain.EngineInfo, tokenize workload.Tokenize) (workload.Source, error) {
		if p.Synthetic != nil {
			ps, err := workload.Synthesize(ctx, *p.Synthetic, madeCount(p), p.MaxTokens, madeSeed(id, p, info), tokenize)
			if err != nil {
				return nil, fmt.Errorf("make prompts: %w", err)
			}
			return workload.InOrder(ps), nil
		}
		if wantsTexts(prompts) {
			filled, err := workload.Fill(ctx, prompts, madeSeed(id, p, info), tokenize)
			if err != nil {
				return nil, fmt.Errorf("make texts: %w", err)
			}
			prompts = filled
		}
		if uses(p, domain.LoadTrace) {
			return workload.InOrder(prompts), nil
		}
		return workload.FromPrompts(prompts, p.Seed), nil
	}
}

// madeCount is how many different conversations a plan with made prompts asks for.
func madeCount(p domain.Plan) int {
	if n := p.Synthetic.Prompts; n != nil {
		return *n
	}
	turns := or(p.Synthetic.Turns, 1)
	wanted := or(p.ExpectedRequests, someMade)
	return max(1, min(maxMade, (wanted+turns-1)/turns))
}

// madeSeed is the plan's own seed, so that the same plan sends the same requests. Only where a cache
// that cannot be switched off would know them from an earlier run does it differ from job to job.
func madeSeed(id domain.RunID, p domain.Plan, info domain.EngineInfo) int64 {
	if p.PromptCache == domain.CacheOn || info.CacheOff {
		return p.Seed
	}
	return workload.JobSeed(id, p.Seed)
}

func wantsTexts(prompts []domain.Prompt) bool {
	for _, p := range prompts {
		if p.InputTokens != nil {
			return true
		}
	}
	return false
}

// traceOf are the times of a trace; nil for any other load.
func traceOf(p domain.Plan, prompts []domain.Prompt) []time.Duration {
	if !uses(p, domain.LoadTrace) {
		return nil
	}
	out := make([]time.Duration, 0, len(prompts))
	for _, pr := range prompts {
		out = append(out, time.Duration(or(pr.AtMs, 0)*float64(time.Millisecond)))
	}
	return out
}

// engineSpec says what the engine must be ready for. The context holds the longest conversation and
// the depth before it, in powers of two, within the model's own.
func engineSpec(p domain.Plan, m domain.Model, prompts []domain.Prompt) domain.EngineSpec {
	longest := 0
	for _, pr := range prompts {
		longest = max(longest, tokensOf(pr, p.MaxTokens))
	}
	if p.Synthetic != nil {
		longest = madeLength(*p.Synthetic, p.MaxTokens)
	}
	slots, depth := 1, 0
	for _, s := range p.Stages {
		slots = max(slots, stageSlots(s))
		depth = max(depth, or(s.DepthTokens, 0))
	}
	if p.Load.Kind == domain.LoadKnee && !p.Load.Open() {
		slots = max(slots, int(or(p.Load.To, 1)))
	}
	need, context := longest+depth+contextReserve, minContext
	for context < need {
		context *= 2
	}
	if m.GGUF != nil && m.GGUF.ContextLength > 0 {
		context = min(context, m.GGUF.ContextLength)
	}
	o := or(p.EngineOptions, domain.EngineOptions{})
	spec := domain.EngineSpec{Model: m, Slots: slots, Context: or(o.ContextTokens, context), Threads: or(o.Threads, 0), Options: o, UseGPU: p.UseGPU, GPU: p.GPU}
	if p.ExpectedRequests != nil {
		spec.Requests = p.Warmup + *p.ExpectedRequests + p.Cooldown
	}
	return spec
}

// tokensOf is a safe guess of the tokens of a prompt with its whole conversation and answers: three
// bytes a token.
func tokensOf(pr domain.Prompt, maxTokens int) int {
	bytes, out := len(pr.Text), or(pr.MaxTokens, maxTokens)
	for _, m := range pr.History {
		bytes += len(m.Content)
	}
	for _, t := range pr.Turns {
		bytes, out = bytes+len(t.Text), out+or(t.MaxTokens, maxTokens)
	}
	return bytes/3 + or(pr.InputTokens, 0) + out
}

// madeLength is the longest that a made conversation can get, answers included.
func madeLength(s domain.Synthetic, maxTokens int) int {
	out := maxTokens
	if s.OutputTokens != nil {
		out = workload.Longest(*s.OutputTokens)
	}
	return (workload.Longest(s.InputTokens) + out) * or(s.Turns, 1)
}

// stageSlots is how many sequences the engine serves at a time for a stage.
func stageSlots(s domain.PlanStage) int {
	switch {
	case s.Load.Open():
		return min(openSlots, or(s.Load.MaxInFlight, openSlots))
	case s.Load.Kind == domain.LoadRamp:
		return int(or(s.Load.To, 1))
	}
	return or(s.Load.Concurrency, 1)
}
