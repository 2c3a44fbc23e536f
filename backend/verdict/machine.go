package verdict

import (
	"fmt"
	"slices"

	"github.com/inferometer/inferometer/backend/domain"
)

const (
	throttledPct = 5.0  // of the time, by a quota
	stealPct     = 5.0  // of the processor, by the hypervisor
	foreignPct   = 20.0 // of the processor, by other programs
	fullPct      = 90.0 // of the processor: nothing is left
	gotAllPct    = 95.0 // of its threads: the engine had what it could use
	oneCorePct   = 90.0 // of one core, that feeds a GPU
	gpuIdlePct   = 70.0
)

// offload looks whether a model that was to run on a GPU really does. It applies to machines with
// one, where the GPU was asked for.
func offload(s scene) *finding {
	e := s.env.Engine
	switch {
	case !s.local || !s.run.Plan.UseGPU || len(s.env.GPUs) == 0:
		return nil
	case e.GPUUsed == nil || *e.GPUUsed && (e.GPULayers == nil || e.Layers == nil):
		return silent(domain.LimitOffload, "The engine does not say where the layers of the model are.")
	case !*e.GPUUsed:
		f := finding{state: holds, fact: domain.LimitFact{About: domain.LimitOffload, Claim: "No layer of the model is on the GPU."},
			sentence: "The model ran on the processor although this machine has a GPU."}
		f.more = s.offloadCost(0)
		return &f
	}
	on, all := float64(*e.GPULayers), float64(*e.Layers)
	if on >= all {
		return &finding{state: excluded, fact: fact(domain.LimitOffload, on, all, "layers", "All %.0f layers are on the GPU.", on)}
	}
	return &finding{state: holds, reached: on, ceiling: all, unit: "layers", from: "Layers of the model, as the engine counts them.",
		fact:     fact(domain.LimitOffload, on, all, "layers", "%.0f of %.0f layers are on the GPU.", on, all),
		sentence: fmt.Sprintf("Only %.0f of %.0f layers are on the GPU; the others run on the processor.", on, all),
		more:     s.offloadCost(on / all)}
}

// offloadCost estimates from both bandwidths how much longer a token takes than with every layer on
// the GPU: each layer is read where it lies.
func (s scene) offloadCost(onGPU float64) []domain.LimitFact {
	gpu := gpuPeak(s.env.GPUs, s.run.Plan.GPU)
	if gpu <= 0 || s.env.Bandwidth == nil || s.env.Bandwidth.GBPerS <= 0 {
		return nil
	}
	times := onGPU + (1-onGPU)*gpu/s.env.Bandwidth.GBPerS
	return []domain.LimitFact{fact(domain.LimitOffload, times, 1, "×",
		"Estimated from the bandwidths of both memories, a token takes about %.1f times as long as with every layer on the GPU.", times)}
}

// processor looks for too little processor: a quota, a hypervisor, other programs, or one core that
// cannot feed the GPU.
func processor(s scene) *finding {
	if !s.local {
		return nil
	}
	quota := s.mean(func(x *domain.Sample) *float64 { return x.ThrottledPercent })
	steal := s.mean(func(x *domain.Sample) *float64 { return x.StealPercent })
	foreign, own := s.mean(foreignCPU), s.mean(func(x *domain.Sample) *float64 { return x.EngineCPUPercent })
	gpu := s.mean(func(x *domain.Sample) *float64 { return x.GPUPercent })
	found := func(value, limit float64, format string, args ...any) *finding {
		f := fact(domain.LimitCPU, value, limit, "%", format, args...)
		return &finding{state: holds, fact: f, sentence: f.Claim}
	}
	switch {
	case quota != nil && *quota >= throttledPct:
		return found(*quota, throttledPct, "A quota of the system held the engine back for %.0f %% of the time.", *quota)
	case steal != nil && *steal >= stealPct:
		return found(*steal, stealPct, "The hypervisor took %.0f %% of the processor for other machines.", *steal)
	case s.deprived(foreign):
		return found(*foreign, foreignPct, "Other programs took processor time from the engine: they used %.0f %% of it, and the engine got %.0f %% of its %d thread(s).",
			*foreign, s.ofThreads(), s.env.Engine.Threads)
	case s.gpu && gpu != nil && own != nil && *gpu < gpuIdlePct && *own >= oneCorePct:
		return found(*own, oneCorePct, "The engine's processor use of %.0f %% of a core cannot feed the GPU, which was busy %.0f %% of the time.", *own, *gpu)
	case foreign == nil:
		return silent(domain.LimitCPU, "What other programs used of the processor cannot be read.")
	}
	f := fact(domain.LimitCPU, *foreign, 0, "%", "Other programs used %.0f %% of the processor.", *foreign)
	return &finding{state: excluded, fact: f}
}

// deprived reports whether others took from the engine what it could have used: much is theirs, the
// machine has nothing left, and the engine did not get all of its threads. On a machine with cores
// to spare others may be busy without a loss.
func (s scene) deprived(foreign *float64) bool {
	all := s.mean(func(x *domain.Sample) *float64 { return x.CPUPercent })
	return !s.gpu && foreign != nil && *foreign >= foreignPct && *all >= fullPct && s.env.Engine.Threads > 0 && s.ofThreads() < gotAllPct
}

// ofThreads is the engine's processor use in percent of its threads.
func (s scene) ofThreads() float64 {
	return or(s.mean(func(x *domain.Sample) *float64 { return x.EngineCPUPercent }), 0) / float64(s.env.Engine.Threads)
}

// foreignCPU is the share of the machine that neither the engine nor this program used.
func foreignCPU(x *domain.Sample) *float64 {
	if x.CPUPercent == nil || x.EngineCPUPercent == nil || len(x.CPUCores) == 0 {
		return nil
	}
	return new(max(*x.CPUPercent-(*x.EngineCPUPercent+or(x.SelfCPUPercent, 0))/float64(len(x.CPUCores)), 0))
}

// hasReason reports whether any GPU names one of the reasons; known is false where none tells.
func hasReason(x *domain.Sample, reasons ...string) (has, known bool) {
	for _, g := range x.GPUs {
		known = known || g.LimitReasons != nil
		has = has || slices.ContainsFunc(g.LimitReasons, func(r string) bool { return slices.Contains(reasons, r) })
	}
	return has, known
}
