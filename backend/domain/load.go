package domain

// The kinds of load.
const (
	LoadSingle  = "single"  // one user, one request after the other
	LoadClosed  = "closed"  // a fixed number of users
	LoadRate    = "rate"    // arrivals at even distances
	LoadPoisson = "poisson" // arrivals at random, exponential gaps
	LoadGamma   = "gamma"   // arrivals in bursts, gamma-distributed gaps
	LoadRamp    = "ramp"    // users or rate rise linearly
	LoadSweep   = "sweep"   // one stage for each number of users, or rate
	LoadKnee    = "knee"    // raise until an objective breaks, then bisect
	LoadTrace   = "trace"   // arrivals as recorded in the dataset
)

// What becomes of an arrival that finds max_in_flight requests under way.
const (
	OverflowDrop  = "drop"
	OverflowQueue = "queue"
)

// What a ramp, sweep or knee search changes.
const (
	OverConcurrency = "concurrency"
	OverRate        = "rate"
)

// Whether a server's prompt cache may answer.
const (
	CacheOff = "off"
	CacheOn  = "on"
)

// Load says when requests start. Which fields a kind takes is in docs/loads.md; a field that the
// kind does not take is an error, never ignored. How many requests are sent is said by Stop.
type Load struct {
	Kind        string     `json:"kind" enum:"single,closed,rate,poisson,gamma,ramp,sweep,knee,trace" doc:"When requests start" example:"closed"`
	Concurrency *int       `json:"concurrency,omitempty" minimum:"1" maximum:"10000" doc:"closed: users"`
	ThinkTimeMs *int       `json:"think_time_ms,omitempty" minimum:"0" maximum:"600000" doc:"single, closed, and ramp, sweep and knee over concurrency: pause of a user between requests"`
	SpreadMs    *int       `json:"spread_ms,omitempty" minimum:"0" maximum:"600000" doc:"closed, and sweep and knee over concurrency: the users' first requests are spread evenly over this time; default 0, above 256 users 1 ms a user, at most 2 s"`
	RatePerS    *float64   `json:"rate_per_s,omitempty" exclusiveMinimum:"0" maximum:"100000" doc:"rate, poisson, gamma: mean arrivals per second"`
	CV          *float64   `json:"cv,omitempty" exclusiveMinimum:"0" maximum:"10" doc:"gamma: coefficient of variation of the gaps; 1 is Poisson, above 1 comes in bursts; default 2"`
	Over        *string    `json:"over,omitempty" enum:"concurrency,rate" doc:"ramp, sweep, knee: what changes; default concurrency"`
	From        *float64   `json:"from,omitempty" exclusiveMinimum:"0" maximum:"100000" doc:"ramp, knee: first users or rate; default 1"`
	To          *float64   `json:"to,omitempty" exclusiveMinimum:"0" maximum:"100000" doc:"ramp, knee: last users or rate; required for ramp, default 1024 for knee"`
	RampS       *float64   `json:"ramp_s,omitempty" exclusiveMinimum:"0" maximum:"86400" doc:"ramp: seconds from first to last"`
	Values      []float64  `json:"values,omitempty" maxItems:"64" doc:"sweep: users or rates, one stage each"`
	Objective   *Objective `json:"objective,omitempty" doc:"knee: the objective that must hold; without one the search looks for the highest throughput"`
	Speed       *float64   `json:"speed,omitempty" exclusiveMinimum:"0" maximum:"1000" doc:"trace: 2 replays twice as fast; default 1"`
	MaxInFlight *int       `json:"max_in_flight,omitempty" minimum:"1" maximum:"10000" doc:"rate, poisson, gamma, trace, and ramp, sweep and knee over rate: an arrival beyond this many requests under way finds no seat; default 1024"`
	Overflow    *string    `json:"overflow,omitempty" enum:"drop,queue" doc:"What becomes of an arrival without a seat: drop (default) counts it and never sends it; queue sends it late, when a seat is free"`
}

// Open reports whether requests start by the clock, not by free users.
func (l Load) Open() bool {
	switch l.Kind {
	case LoadRate, LoadPoisson, LoadGamma, LoadTrace:
		return true
	case LoadRamp, LoadSweep, LoadKnee:
		return l.Over != nil && *l.Over == OverRate
	}
	return false
}

// StageInput is one stage of POST /api/v1/benchmarks. Absent fields are as for the whole job.
type StageInput struct {
	Name        *string `json:"name,omitempty" maxLength:"100"`
	Load        *Load   `json:"load,omitempty" doc:"single, closed, rate, poisson, gamma, ramp or trace"`
	Stop        *Stop   `json:"stop,omitempty"`
	DepthTokens *int    `json:"depth_tokens,omitempty" minimum:"0" maximum:"1048576" doc:"Tokens of context before each prompt: prefill and decode speed at this depth"`
}

// PlanStage is one resolved stage: one point of a sweep, or the whole of a job without one.
type PlanStage struct {
	Index            int      `json:"index"`
	Name             string   `json:"name"`
	Load             Load     `json:"load"` // never sweep or knee
	Stop             Stop     `json:"stop"`
	DepthTokens      *int     `json:"depth_tokens"`
	ExpectedRequests *int     `json:"expected_requests"`
	ExpectedS        *float64 `json:"expected_s"`
	// MinRequests is set on a point of a sweep or search that ends with the pass over its dataset: a
	// shorter dataset goes round until so many requests were sent.
	MinRequests *int `json:"min_requests"`
}

// Synthetic describes made prompts.
type Synthetic struct {
	InputTokens        Lengths  `json:"input_tokens" doc:"Length of each prompt, in the model's own tokens"`
	OutputTokens       *Lengths `json:"output_tokens,omitempty" doc:"Output length of each request; default max_tokens"`
	SharedPrefixTokens *int     `json:"shared_prefix_tokens,omitempty" minimum:"0" maximum:"1048576" doc:"So many of the input tokens are the same in every prompt"`
	Turns              *int     `json:"turns,omitempty" minimum:"1" maximum:"64" doc:"Messages of each conversation; default 1"`
	Prompts            *int     `json:"prompts,omitempty" minimum:"1" maximum:"10000" doc:"How many different prompts are made; default as many as requests, at most 1000"`
}

// Lengths is a distribution of token counts.
type Lengths struct {
	Kind   string      `json:"kind" enum:"fixed,uniform,normal,lognormal,histogram"`
	Tokens *int        `json:"tokens,omitempty" minimum:"1" maximum:"1048576" doc:"fixed"`
	Mean   *float64    `json:"mean,omitempty" exclusiveMinimum:"0" maximum:"1048576" doc:"normal, lognormal: mean of the lengths"`
	StdDev *float64    `json:"stddev,omitempty" minimum:"0" maximum:"1048576" doc:"normal, lognormal: standard deviation of the lengths"`
	Min    *int        `json:"min,omitempty" minimum:"1" maximum:"1048576" doc:"uniform: smallest; normal, lognormal: cut off below"`
	Max    *int        `json:"max,omitempty" minimum:"1" maximum:"1048576" doc:"uniform: largest; normal, lognormal: cut off above"`
	Bins   []LengthBin `json:"bins,omitempty" maxItems:"1000" doc:"histogram: lengths with their weights"`
}

// LengthBin is one length of a histogram with its weight.
type LengthBin struct {
	Tokens int     `json:"tokens" minimum:"1" maximum:"1048576"`
	Weight float64 `json:"weight" exclusiveMinimum:"0"`
}

// Objective is one service objective. For goodput each request must be below; for a stage the
// percentile of its requests must be.
type Objective struct {
	Metric     string   `json:"metric" enum:"ttft,ttfv,ttfr,itl,tpot,ntpot,e2e" doc:"Which latency"`
	Percentile *float64 `json:"percentile,omitempty" exclusiveMinimum:"0" maximum:"100" doc:"Which percentile a stage is judged by; default 95"`
	BelowMs    float64  `json:"below_ms" exclusiveMinimum:"0" doc:"The limit, in milliseconds"`
}
