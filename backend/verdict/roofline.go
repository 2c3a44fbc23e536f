package verdict

import (
	"fmt"

	"github.com/inferometer/inferometer/backend/domain"
)

const (
	memoryBound  = 0.6  // share of the peak from which on memory is the limit
	memoryIdle   = 0.3  // below it memory cannot be
	beyondMemory = 1.2  // above it, more than the error of the peak, the data comes from a cache
	busyShare    = 0.85 // of the engine's threads
	gpuBusyPct   = 90.0
	prefillMost  = 0.5 // share of a request's time
	prefillBatch = 512 // tokens of a prompt that share one reading of the weights at most
)

// decodeLoad is reading speed of decoding in GB/s and the peak; ok is false with the reason where
// one of them is not known. With several requests at a time it is the least that is read: one
// reading of the weights a step.
func (s scene) decodeLoad() (gbPerS, peak float64, from string, ok bool) {
	bytes, known := s.bytesPerToken()
	speed := or(s.fig.DecodeTokensPerSecond, 0)
	switch peak, from = s.peak(); {
	case !known:
		return 0, 0, "How much of this model a token reads is not known.", false
	case s.fig.Draft != nil:
		return 0, 0, "Speculative decoding writes several tokens for each reading of the weights.", false
	case speed <= 0:
		return 0, 0, "The decode speed is not known.", false
	case peak <= 0:
		return 0, 0, from, false
	}
	return bytes * speed / 1e9, peak, from, true
}

// memory holds (weights + context cache) × decode speed against the peak of the memory. It says
// something for one request at a time only: with more, one reading of the weights serves several.
func memory(s scene) *finding {
	if !s.local {
		return nil
	}
	read, peak, from, ok := s.decodeLoad()
	switch {
	case !ok:
		return silent(domain.LimitMemory, from)
	case !s.alone():
		f := silent(domain.LimitMemory, fmt.Sprintf("With %.1f requests at a time each reading of the weights serves several tokens (batching), so they give no ceiling.", s.underWay()))
		if read/peak < memoryIdle {
			f.state = excluded
			f.fact = fact(domain.LimitMemory, read, peak, "GB/s", "Reading the weights for each step takes %.1f of %.1f GB/s (%.0f %%).", read, peak, 100*read/peak)
		}
		return f
	}
	f := finding{state: excluded, reached: read, ceiling: peak, unit: "GB/s", from: from,
		fact: fact(domain.LimitMemory, read, peak, "GB/s", "Decoding reads %.1f of %.1f GB/s (%.0f %%).", read, peak, 100*read/peak)}
	switch share := f.share(); {
	case share > beyondMemory:
		f.fact.Claim = fmt.Sprintf("Decoding reads %.1f GB/s where memory delivers %.1f: the data comes from a cache.", read, peak)
	case share >= memoryBound:
		f.state = holds
		f.sentence = fmt.Sprintf("Decoding is limited by memory bandwidth: it reads %.1f of %.1f GB/s (%.0f %%).", read, peak, 100*share)
		if s.gpu {
			f.sentence = fmt.Sprintf("Decoding is limited by the GPU's memory bandwidth: it reads %.1f of %.1f GB/s (%.0f %%).", read, peak, 100*share)
		}
	}
	return &f
}

// prefill looks at runs that spend most of their time on the prompt, whose tokens share each
// reading of the weights: memory is little used, so arithmetic is what takes the time.
func prefill(s scene) *finding {
	bytes, known := s.bytesPerToken()
	peak, _ := s.peak()
	speed, first, whole := or(s.fig.PrefillTokensPerSecond, 0), or(s.fig.TTFTMs.P50, 0), or(s.fig.E2EMs.P50, 0)
	prompt := float64(or(s.fig.Tokens.Prompt, 0)) / float64(s.fig.Requests.OK)
	if s.fig.PrefillLowerBound { // without the engine's own times, waiting looks like reading
		return nil
	}
	if !s.local || !s.alone() || !known || peak <= 0 || speed <= 0 || whole <= 0 || prompt < 1 || first/whole <= prefillMost {
		return nil
	}
	used := bytes * speed / min(prompt, prefillBatch) / 1e9 / peak
	at, busy := s.busy()
	if used >= memoryIdle || !busy {
		return nil
	}
	if cpu := processor(s); cpu.state == holds { // what was taken from the engine explains it first
		return nil
	}
	return &finding{state: holds, more: []domain.LimitFact{at.fact},
		fact: fact(domain.LimitCompute, 100*first/whole, 100*prefillMost, "%",
			"Reading the prompts takes %.0f %% of the time and needs %.1f %% of the memory bandwidth.", 100*first/whole, 100*used),
		sentence: fmt.Sprintf("Reading the prompts takes %.0f %% of the time and is limited by arithmetic: the processor is busy, and memory bandwidth is used to %.1f %%.", 100*first/whole, 100*used)}
}

// compute looks for processors that are busy while memory is not. Being busy alone proves nothing:
// a core that waits for memory is busy too.
func compute(s scene) *finding {
	if !s.local {
		return nil
	}
	f, busy := s.busy()
	if f == nil {
		return silent(domain.LimitCompute, "How busy the engine's processor was cannot be read.")
	}
	if !busy {
		f.state = excluded
		return f
	}
	read, peak, _, ok := s.decodeLoad()
	cached := s.alone() && read/max(peak, 1e-9) > beyondMemory
	switch {
	case ok && cached:
		f.state = holds
		f.sentence = "Decoding is limited by arithmetic: the processor is busy, and the data comes from a cache."
	case ok && read/peak < memoryIdle:
		f.state = holds
		f.sentence = fmt.Sprintf("Decoding is limited by arithmetic: the processor is busy, and memory bandwidth is used to %.0f %%.", 100*read/peak)
	default: // unjudged: a processor that waits for memory looks the same
		f.fact.Claim += " One that waits for memory looks the same."
	}
	return f
}

// busy is how much the engine used of its processor: of its threads, or of the GPU.
func (s scene) busy() (f *finding, busy bool) {
	if s.gpu {
		used := s.mean(func(x *domain.Sample) *float64 { return x.GPUPercent })
		if used == nil {
			return nil, false
		}
		return &finding{reached: *used, ceiling: 100, unit: "%", from: "Time in which the GPU had work.",
			fact: fact(domain.LimitCompute, *used, gpuBusyPct, "%", "The GPU was busy %.0f %% of the time.", *used)}, *used >= gpuBusyPct
	}
	used, threads := s.mean(func(x *domain.Sample) *float64 { return x.EngineCPUPercent }), float64(s.env.Engine.Threads)
	if used == nil || threads <= 0 {
		return nil, false
	}
	pct := *used / threads
	return &finding{fact: fact(domain.LimitCompute, pct, 100*busyShare, "%", "The engine used %.0f %% of its %.0f thread(s).", pct, threads)},
		pct >= 100*busyShare
}
