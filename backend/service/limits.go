package service

import (
	"fmt"
	"slices"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/load"
)

// maxLocalUsers is how many sequences the embedded engine serves at a time (llama.cpp's
// LLAMA_MAX_SEQ).
const maxLocalUsers = 256

// localKnee is where a search on the embedded engine ends unless the plan says otherwise: every user
// it may get to needs room in memory from the start.
const localKnee = 32

// fillKnee makes the end of a search for the limit visible in the plan.
func fillKnee(p *domain.Plan) {
	if p.Load.Kind != domain.LoadKnee || p.Load.To != nil {
		return
	}
	p.Load.To = new(load.DefaultKneeTo)
	if p.EndpointID == nil && !p.Load.Open() {
		p.Load.To = new(max(localKnee, or(p.Load.From, 1)))
	}
}

// checkLocal refuses what the embedded engine cannot do on this machine; an endpoint answers for
// itself.
func (s *Service) checkLocal(p domain.Plan, m domain.Model) error {
	if p.EndpointID != nil {
		return nil
	}
	var bad fieldErrors
	const message = "the embedded engine serves at most %d users; use an endpoint for more"
	for i, st := range p.Stages {
		if stageSlots(st) > maxLocalUsers {
			bad.add(stageField(p, i), message, maxLocalUsers)
		}
	}
	if p.Load.Kind == domain.LoadKnee && !p.Load.Open() && or(p.Load.To, 0) > maxLocalUsers {
		bad.add("body.load.to", message, maxLocalUsers)
	}
	checkContext(p, m, &bad)
	if p.GPU != nil { // only then: a GPU driver that hangs makes the machine slow to describe
		gpus := s.d.Sampler.System().GPUs
		if len(gpus) > 0 && !hasGPU(gpus, *p.GPU) {
			bad.add("body.gpu", "there is no GPU with this index; this machine has %d", len(gpus))
		}
	}
	return bad.err()
}

// checkContext refuses made prompts and depths that cannot fit the model's context with the output.
func checkContext(p domain.Plan, m domain.Model, bad *fieldErrors) {
	if m.GGUF == nil || m.GGUF.ContextLength == 0 {
		return
	}
	made := 0
	if p.Synthetic != nil {
		made = madeLength(*p.Synthetic, p.MaxTokens)
	}
	if made > m.GGUF.ContextLength {
		bad.add("body.synthetic.input_tokens", "prompt and output must fit the model's context of %d tokens", m.GGUF.ContextLength)
		return
	}
	for i, st := range p.Stages {
		if d := or(st.DepthTokens, 0); d > 0 && d+max(made, p.MaxTokens) > m.GGUF.ContextLength {
			bad.add(fmt.Sprintf("body.stages[%d].depth_tokens", i), "depth, prompt and output must fit the model's context of %d tokens", m.GGUF.ContextLength)
		}
	}
}

// stageField names the field that says how many users stage i has.
func stageField(p domain.Plan, i int) string {
	switch p.Load.Kind {
	case domain.LoadSweep:
		return fmt.Sprintf("body.load.values[%d]", i)
	case domain.LoadRamp, domain.LoadKnee:
		return "body.load.to"
	}
	if len(p.Stages) > 1 {
		return fmt.Sprintf("body.stages[%d].load", i)
	}
	return "body.load.concurrency"
}

func hasGPU(gpus []domain.GPUInfo, index int) bool {
	return slices.ContainsFunc(gpus, func(g domain.GPUInfo) bool { return g.Index == index })
}

// planWarnings says before the start what a plan cannot reach, so that nobody waits for it.
func (s *Service) planWarnings(p domain.Plan, m domain.Model) []domain.Warning {
	out := []domain.Warning{}
	if m.GGUF != nil && m.GGUF.ContextLength > 0 && p.MaxTokens >= m.GGUF.ContextLength {
		out = append(out, domain.Warning{Code: "output_exceeds_context", Level: "caution",
			Message: fmt.Sprintf("The output length of %d tokens does not fit the model's context of %d; answers end there.",
				p.MaxTokens, m.GGUF.ContextLength)})
	}
	if p.EndpointID == nil && p.GPU != nil && !hasGPU(s.d.Sampler.System().GPUs, *p.GPU) {
		out = append(out, domain.Warning{Code: "gpu_not_found", Level: "caution",
			Message: fmt.Sprintf("GPU %d was asked for, but no GPU can be read on this machine.", *p.GPU)})
	}
	return out
}
