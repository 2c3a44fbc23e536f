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
	// DefaultOpenS is how long an open loop lasts that nothing else limits, in seconds.
	DefaultOpenS = 30.0
	// A closed loop of more users than spreadAbove starts them 1 ms apart: a burst of sends would
	// be measured as slowness of the server.
	spreadAbove = 256
	// A point of a sweep or search has this many requests a user and this many at least, so that it
	// says something of the steady state.
	requestsPerUser = 2
	fewestRequests  = 8
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
	points := plan.Stages
	if len(points) == 0 {
		points = pointsOf(plan.Load)
	}
	stages := make([]domain.PlanStage, len(points))
	for i, point := range points {
		stages[i] = resolve(plan, point, i)
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
		at := domain.Load{Kind: domain.LoadRate, RatePerS: &level, MaxInFlight: l.MaxInFlight}
		return domain.PlanStage{Load: at, Stop: domain.Stop{DurationS: new(DefaultOpenS)}}
	}
	users := int(level)
	return domain.PlanStage{
		Load: domain.Load{Kind: domain.LoadClosed, Concurrency: &users,
			ThinkTimeMs: l.ThinkTimeMs, SpreadMs: l.SpreadMs},
		MinRequests: new(max(requestsPerUser*users, fewestRequests)),
	}
}

// resolve fills in the defaults of one point: load and stop of the plan, name, and limits.
func resolve(plan domain.Plan, point domain.PlanStage, index int) domain.PlanStage {
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
	if len(plan.Stages) == 0 && limited(plan.Stop) {
		point.Stop = plan.Stop // in place of the default of a point
	} else {
		point.Stop = inherit(point.Stop, plan.Stop)
	}
	point.Stop, point.MinRequests = withLength(point, plan.DatasetID != nil)
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
	return own
}

// withLength gives a stage without a limit its default one. A stage over a dataset stays without:
// it is one pass, of at least the returned number of requests.
func withLength(point domain.PlanStage, dataset bool) (domain.Stop, *int) {
	stop := point.Stop
	switch l := point.Load; {
	case limited(stop):
	case l.Kind == domain.LoadRamp:
		stop.DurationS = l.RampS
	case l.Kind == domain.LoadTrace:
	case dataset:
		return stop, point.MinRequests
	case l.Open():
		stop.DurationS = new(DefaultOpenS)
	case point.MinRequests != nil:
		stop.Requests = point.MinRequests
	default:
		stop.Requests = new(usersOf(l))
	}
	return stop, nil
}

// withDefaults fills in what a single point of load leaves out, so that the plan shows it.
func withDefaults(l domain.Load) domain.Load {
	switch l.Kind {
	case domain.LoadClosed:
		if users := usersOf(l); l.SpreadMs == nil && users > spreadAbove {
			l.SpreadMs = &users
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
