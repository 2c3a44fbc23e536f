package stats

import (
	"math"
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
	limitClockPct     = 5.0 // client's decode speed against the engine's
)

// facts are what was observed about a run's trustworthiness; warnings and checks both speak of
// them, so the two can never disagree.
type facts struct {
	plan       domain.Plan
	engine     domain.EngineInfo
	counts     domain.OutcomeCounts
	sent       int // without dropped arrivals
	windowS    *float64
	foreign    *float64 // CPU of others, percent of the machine
	steal      *float64 // CPU taken by the hypervisor, percent of the machine
	others     []domain.Interference
	conditions []condition
	courses    []domain.Warning // of what the stages did over time
	lateMs     *float64
	gapMs      *float64 // largest hole between two readings
	readings   int
	truth      truth
	packing    *float64 // tokens a chunk
	short      int      // requests that ended by themselves before max_tokens
	cached     *float64
	perReq     float64 // cached tokens of a request, mean
	clockDelta *float64
	client     clientFacts
	rests      rests
}

func observe(in Input, m set, at timing, seen readings, client clientFacts) facts {
	f := facts{
		plan: in.Plan, engine: in.Engine, counts: outcomes(m.all), readings: len(seen.samples),
		foreign: ForeignCPU(seen.samples), truth: truthOf(m.ok), packing: tokensPerChunk(m.ok), client: client,
		steal: mean(collect(seen.samples, func(s domain.Sample) *float64 { return s.StealPercent })), others: in.Interference,
		rests: restsOf(in),
	}
	f.sent = len(m.all) - f.counts.Dropped
	if at.seconds > 0 {
		f.windowS = &at.seconds
	}
	if late := collect(seen.samples, func(s domain.Sample) *float64 { return &s.LateMs }); len(late) > 0 {
		slices.Sort(late)
		p99 := Quantile(late, 0.99)
		f.lateMs = &p99
	}
	f.gapMs = seen.gapMs
	for _, r := range m.ok {
		if cutShort(r, in.Plan) {
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

// ForeignCPU is the mean CPU use of everything but engine and Inferometer, in percent of the
// machine; nil unless the three readings and the number of cores are there.
func ForeignCPU(samples []domain.Sample) *float64 {
	return mean(collect(samples, func(s domain.Sample) *float64 {
		cores := float64(len(s.CPUCores))
		if s.CPUPercent == nil || s.EngineCPUPercent == nil || s.SelfCPUPercent == nil || cores == 0 {
			return nil
		}
		v := max(0, *s.CPUPercent-(*s.EngineCPUPercent+*s.SelfCPUPercent)/cores)
		return &v
	}))
}

// readings are those of several stages, none twice, with the longest time without one in a stage.
type readings struct {
	samples []domain.Sample
	gapMs   *float64
}

// plus adds the readings of a later stage, whose first may be the one that closed the stage before. Over
// its rests none are missed.
func (r readings) plus(own []domain.Sample, rests []span) readings {
	for i := 1; i < len(own); i++ {
		between := span{own[i-1].TUs, own[i].TUs}
		if between.shared(rests) > 0 {
			continue
		}
		gap := between.seconds() * 1e3
		if r.gapMs == nil || gap > *r.gapMs {
			r.gapMs = &gap
		}
	}
	if n := len(r.samples); n > 0 && len(own) > 0 && own[0].TUs == r.samples[n-1].TUs {
		own = own[1:]
	}
	r.samples = append(r.samples, own...)
	return r
}

func (f facts) failedPct() float64 {
	if f.sent == 0 {
		return 0
	}
	return 100 * float64(f.counts.Error+f.counts.Incomplete) / float64(f.sent)
}

func (f facts) contended() bool { return f.foreign != nil && *f.foreign > limitForeignCPU }

func (f facts) stolen() bool { return f.steal != nil && *f.steal > limitStealPct }

func (f facts) twoClocks() bool {
	return f.clockDelta != nil && math.Abs(*f.clockDelta) > limitClockPct
}

// cacheWanted reports whether the plan lets the cache answer: told to, or at a depth that is read
// once.
func (f facts) cacheWanted() bool {
	return f.plan.PromptCache == domain.CacheOn || slices.ContainsFunc(f.plan.Stages, func(s domain.PlanStage) bool {
		return s.DepthTokens != nil && *s.DepthTokens > 0
	})
}

func (f facts) cacheHit() bool {
	return !f.cacheWanted() && f.cached != nil && *f.cached > limitCachedPct && f.perReq > limitCachedTokens
}

func (f facts) telemetryDegraded() bool {
	if f.windowS == nil {
		return false
	}
	return f.readings == 0 || (f.lateMs != nil && *f.lateMs > limitLateMs) ||
		(f.gapMs != nil && *f.gapMs > limitSampleGapMs)
}
