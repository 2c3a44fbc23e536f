package load

import (
	"fmt"
	"sort"

	"github.com/inferometer/inferometer/backend/domain"
)

// Defaults of a load, as the contract states them.
const (
	DefaultMaxInFlight = 1024
	DefaultCV          = 2.0
	DefaultFrom        = 1.0
	DefaultKneeTo      = 1024.0
	DefaultSpeed       = 1.0
	// DefaultPercentile is the one that a stage is judged by.
	DefaultPercentile = 95.0
	// DefaultOpenS is how long an open loop lasts that nothing else limits, in seconds.
	DefaultOpenS = 30.0
	// A closed loop of more users than spreadAbove starts them 1 ms apart: a burst of sends would
	// be measured as slowness of the server.
	spreadAbove = 256
	// mostSpread is where that ends, in ms: the users should soon all be at work.
	mostSpread = 2000
	// A point of a sweep or search has this many requests a user and this many at least, so that it
	// says something of the steady state.
	requestsPerUser = 2
	fewestRequests  = 8
	// mostForConfidence ends a stage that is to go on until its means are known well, and never gets
	// there.
	mostForConfidence = 10_000
	// mostArrivals is above what the highest rate sends within the longest stage.
	mostArrivals = 1 << 34
)

// Stages resolves a plan into its stages with every default filled in: the points of plan.Stages
// where it has any, else one for each value of a sweep, the first of a knee search, or the load
// itself. Resolved stages resolve to themselves. The error is a *domain.Error that names the fields.
func Stages(plan domain.Plan) ([]domain.PlanStage, error) {
	if bad := Check(plan); len(bad) > 0 {
		return nil, refuse(bad)
	}
	points, level := plan.Stages, false
	if len(points) == 0 {
		points = pointsOf(plan.Load)
		level = plan.Load.Kind == domain.LoadSweep || plan.Load.Kind == domain.LoadKnee
	}
	stages := make([]domain.PlanStage, len(points))
	for i, point := range points {
		stages[i] = resolve(plan, point, i, level)
	}
	return stages, nil
}

// pointsOf lists the loads of a checked load, one after the other.
func pointsOf(l domain.Load) []domain.PlanStage {
	levels := l.Values
	switch l.Kind {
	case domain.LoadSweep:
	case domain.LoadKnee:
		levels = []float64{or(l.From, DefaultFrom)}
	default:
		return []domain.PlanStage{{Load: l}}
	}
	points := make([]domain.PlanStage, len(levels))
	for i, level := range levels {
		points[i] = pointAt(l, level)
	}
	return points
}

// pointAt is the point of a sweep or knee search at one level: users, or arrivals at even distances.
func pointAt(l domain.Load, level float64) domain.PlanStage {
	if l.Open() {
		return domain.PlanStage{Load: domain.Load{
			Kind: domain.LoadRate, RatePerS: &level, MaxInFlight: l.MaxInFlight, Overflow: l.Overflow,
		}}
	}
	return domain.PlanStage{Load: domain.Load{
		Kind: domain.LoadClosed, Concurrency: new(int(level)), ThinkTimeMs: l.ThinkTimeMs, SpreadMs: l.SpreadMs,
	}}
}

// resolve fills in the defaults of one point: load and stop of the plan, name, and limits. level
// marks a point of a sweep or search.
func resolve(plan domain.Plan, point domain.PlanStage, index int, level bool) domain.PlanStage {
	point.Index = index
	if point.Load.Kind == "" {
		point.Load = plan.Load
	}
	if point.Name == "" {
		point.Name = Word(point.Load)
		if point.DepthTokens != nil {
			point.Name += fmt.Sprintf(" @%d", *point.DepthTokens)
		}
	}
	point.Stop = inherit(point.Stop, plan.Stop)
	point = withLength(point, plan.DatasetID != nil, level)
	point.Load = withDefaults(point.Load)
	return point
}

// inherit takes the limits of the whole job where a stage has none of its own. Its limit of errors
// is told from its length: one may be given without the other.
func inherit(own, whole domain.Stop) domain.Stop {
	if !limited(own) {
		own.Requests, own.DurationS, own.Tokens = whole.Requests, whole.DurationS, whole.Tokens
	}
	if own.Errors == nil {
		own.Errors = whole.Errors
	}
	if own.ConfidencePercent == nil {
		own.ConfidencePercent = whole.ConfidencePercent
	}
	return own
}

// withLength gives a stage without a limit its default one. What stays without is one pass over the
// dataset or trace.
func withLength(point domain.PlanStage, dataset, level bool) domain.PlanStage {
	l, stop := point.Load, &point.Stop
	switch {
	case limited(*stop), l.Kind == domain.LoadTrace:
	case stop.ConfidencePercent != nil:
		stop.Requests = new(mostForConfidence)
	case l.Kind == domain.LoadRamp:
		stop.DurationS = l.RampS
	case l.Open() && (level || !dataset):
		stop.DurationS = new(DefaultOpenS)
	case level && dataset:
		point.MinRequests = new(requestsPerUser * usersOf(l))
	case level:
		stop.Requests = new(max(requestsPerUser*usersOf(l), fewestRequests))
	case !dataset:
		stop.Requests = new(usersOf(l))
	}
	return point
}

// withDefaults fills in what a single point of load leaves out, so that the plan shows it.
func withDefaults(l domain.Load) domain.Load {
	switch l.Kind {
	case domain.LoadClosed:
		if users := usersOf(l); l.SpreadMs == nil && users > spreadAbove {
			l.SpreadMs = new(min(users, mostSpread))
		}
	case domain.LoadGamma:
		l.CV = new(or(l.CV, DefaultCV))
	case domain.LoadRamp:
		l.Over, l.From = new(or(l.Over, domain.OverConcurrency)), new(or(l.From, DefaultFrom))
	case domain.LoadTrace:
		l.Speed = new(or(l.Speed, DefaultSpeed))
	}
	if l.Open() {
		l.MaxInFlight = new(or(l.MaxInFlight, DefaultMaxInFlight))
		l.Overflow = new(or(l.Overflow, domain.OverflowDrop))
	}
	return l
}

// Expect fills in what each resolved stage will send and how long it will take, for a source of so
// many prompts. Requests are the most that the limits allow, for random arrivals their mean; seconds
// count without the drain. What only the server's speed decides stays nil.
func Expect(stages []domain.PlanStage, prompts int) {
	for i := range stages {
		stages[i].ExpectedRequests, stages[i].ExpectedS = expect(stages[i], prompts)
	}
}

func expect(stage domain.PlanStage, prompts int) (*int, *float64) {
	requests, length := describe(stage).Limit(prompts), stage.Stop.DurationS
	if stage.Stop.ConfidencePercent != nil {
		return nil, nil // it ends when enough is known
	}
	if stage.Load.Kind == domain.LoadTrace {
		return new(min(or(requests, prompts), prompts)), length
	}
	at := meanArrivals(stage.Load)
	if at == nil {
		return requests, length
	}
	if length != nil {
		end := seconds(*length)
		due := sort.Search(mostArrivals, func(n int) bool { return at(n) >= end })
		if requests == nil || *requests >= due {
			return &due, length
		}
	}
	if requests != nil {
		length = new(at(*requests - 1).Seconds())
	}
	return requests, length
}

// meanArrivals are the arrivals of an open load, without chance; nil for a closed loop, whose pace
// the server decides.
func meanArrivals(l domain.Load) arrivals {
	switch {
	case !l.Open():
		return nil
	case l.Kind == domain.LoadRamp:
		return rising(or(l.From, DefaultFrom), *l.To, seconds(*l.RampS))
	}
	return even(*l.RatePerS)
}
