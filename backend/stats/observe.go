package stats

import (
	"slices"

	"github.com/inferometer/inferometer/backend/domain"
)

// Limits of the checks; each is shown with the check it belongs to.
const (
	limitForeignCPU   = 5.0   // percent of the machine used by others
	limitLateMs       = 100.0 // p99 of the sampler's lateness
	limitSampleGapMs  = 1000.0
	limitFailedPct    = 0.0
	limitInvalidPct   = 50.0
	limitRequests     = 5
	limitWindowS      = 1.0
	limitCachedPct    = 25.0
	limitCachedTokens = 32  // a chat template's common head stays below this
	limitTokensOff    = 0.2 // usage against chunks, as a share
	minTokensOff      = 4   // and in tokens
)

// facts are what was observed about a run's trustworthiness; warnings and checks both speak of
// them, so the two can never disagree.
type facts struct {
	plan     domain.Plan
	engine   domain.EngineInfo
	counts   domain.OutcomeCounts
	total    int
	windowS  *float64
	foreign  *float64 // CPU of others, percent of the machine
	lateMs   *float64
	gapMs    *float64 // largest hole between two readings
	readings int
	chunked  int // requests whose tokens were counted by chunks
	off      int // requests whose usage is far from the chunk count
	short    int // requests that ended by themselves before max_tokens
	cached   *float64
	perReq   float64 // cached tokens of a request, mean
}

func observe(in Input, m set, w window, readings []domain.Sample) facts {
	f := facts{
		plan: in.Plan, engine: in.Engine, counts: outcomes(m.all), total: len(m.all), readings: len(readings),
		foreign: foreignCPU(readings),
	}
	if w.ok {
		s := w.seconds()
		f.windowS = &s
	}
	if late := collect(readings, func(s domain.Sample) *float64 { return &s.LateMs }); len(late) > 0 {
		slices.Sort(late)
		p99 := Quantile(late, 0.99)
		f.lateMs = &p99
	}
	f.gapMs = largestGap(readings)
	for _, r := range m.ok {
		if r.TokensFrom == "chunks" {
			f.chunked++
		} else if tokensFarOff(r) {
			f.off++
		}
		if r.FinishReason == "stop" && r.OutputTokens != nil && *r.OutputTokens < in.Plan.MaxTokens {
			f.short++
		}
	}
	c := tokens(m.ok)
	if c.Cached != nil && c.Prompt != nil && *c.Prompt > 0 {
		share := 100 * float64(*c.Cached) / float64(*c.Prompt)
		f.cached, f.perReq = &share, float64(*c.Cached)/float64(len(m.ok))
	}
	return f
}

// foreignCPU is the mean CPU use of everything but engine and Inferometer, in percent of the
// machine; nil unless the three readings and the number of cores are there.
func foreignCPU(samples []domain.Sample) *float64 {
	return mean(collect(samples, func(s domain.Sample) *float64 {
		cores := float64(len(s.CPUCores))
		if s.CPUPercent == nil || s.EngineCPUPercent == nil || s.SelfCPUPercent == nil || cores == 0 {
			return nil
		}
		v := max(0, *s.CPUPercent-(*s.EngineCPUPercent+*s.SelfCPUPercent)/cores)
		return &v
	}))
}

func largestGap(samples []domain.Sample) *float64 {
	var out []float64
	for i := 1; i < len(samples); i++ {
		out = append(out, float64(samples[i].TUs-samples[i-1].TUs)/1e3)
	}
	return largest(out)
}

// tokensFarOff compares the server's count with the content chunks that came. One token a chunk is
// the rule; a server that packs several cannot be told from one that counts wrongly.
func tokensFarOff(r domain.RequestRecord) bool {
	if r.OutputTokens == nil || len(r.ChunkUs) == 0 {
		return false
	}
	counted, chunks := float64(*r.OutputTokens), float64(len(r.ChunkUs))
	diff := max(counted-chunks, chunks-counted)
	return diff >= minTokensOff && diff > limitTokensOff*max(counted, chunks)
}

func (f facts) failedPct() float64 {
	if f.total == 0 {
		return 0
	}
	return 100 * float64(f.counts.Error+f.counts.Incomplete) / float64(f.total)
}

func (f facts) contended() bool { return f.foreign != nil && *f.foreign > limitForeignCPU }

func (f facts) cacheHit() bool {
	return f.cached != nil && *f.cached > limitCachedPct && f.perReq > limitCachedTokens
}

func (f facts) telemetryDegraded() bool {
	if f.windowS == nil {
		return false
	}
	return f.readings == 0 || (f.lateMs != nil && *f.lateMs > limitLateMs) ||
		(f.gapMs != nil && *f.gapMs > limitSampleGapMs)
}
