package domain

// StatsIntervals say how well the requests of one run tell each figure: 95 % intervals, in the unit of the
// figure. They hold for this run, not for the next one. Each is null where there are too few values.
type StatsIntervals struct {
	Mean *Interval `json:"mean" nullable:"true"` // BCa bootstrap; Student's t below 30 and above 5,000 values
	P50  *Interval `json:"p50" nullable:"true"`  // this and the others exactly, by order statistics
	P90  *Interval `json:"p90" nullable:"true"`
	P95  *Interval `json:"p95" nullable:"true"`
	P99  *Interval `json:"p99" nullable:"true"`
}

// FigureIntervals are the 95 % intervals of medians over requests.
type FigureIntervals struct {
	Decode  *Interval `json:"decode_tokens_per_second" nullable:"true"`
	Prefill *Interval `json:"prefill_tokens_per_second" nullable:"true"`
}

// Outliers counts the values far from the others: mild ones lie beyond 1.5, severe ones beyond 3
// interquartile ranges from the quartiles (Tukey), on a logarithmic scale. Nothing is removed.
type Outliers struct {
	Mild         int     `json:"mild"`
	Severe       int     `json:"severe"`
	SharePercent float64 `json:"share_percent"` // the severe ones' part of all squared deviations from the mean
}

// What a stage's latencies did while it was measured.
const (
	CourseSteady    = "steady"     // neither a warm-up nor a drift was found
	CourseWarmingUp = "warming_up" // the first requests differ from the rest
	CourseDrifting  = "drifting"   // they rise or fall over the whole stage
	CourseUnsettled = "unsettled"  // they changed until beyond the middle
	CourseUnknown   = "unknown"    // too few requests under one load
)

// Course says whether a stage held still while it was measured. Looked at are the answers in the order
// in which they were sent, without those sent while the users filled the loop or ended while it drained.
type Course struct {
	State    string       `json:"state" enum:"steady,warming_up,drifting,unsettled,unknown"`
	Metric   string       `json:"metric"` // e2e_ms where all answers have one length, else tpot_ms; empty where unknown
	N        int          `json:"n"`
	WarmUp   *WarmUp      `json:"warm_up"`  // null where none was found
	Drift    *CourseDrift `json:"drift"`    // null where there were too few requests
	Outliers *Outliers    `json:"outliers"` // of the metric; null where there were too few requests
	// Sentences say the same in words, what matters most first.
	Sentences []string `json:"sentences"`
}

// WarmUp is what MSER-5 cuts off at the start, where it differs beyond chance from the rest.
type WarmUp struct {
	Requests      int     `json:"requests"`
	MeanMs        float64 `json:"mean_ms"`        // of all requests looked at
	SteadyMeanMs  float64 `json:"steady_mean_ms"` // without the warm-up
	EffectPercent float64 `json:"effect_percent"` // how far the first ones lie above the rest
	P             float64 `json:"p"`              // that chance alone makes such a difference anywhere
}

// CourseDrift is how far latencies moved from the first request to the last, behind the warm-up.
type CourseDrift struct {
	Percent float64 `json:"percent"` // Theil-Sen slope over the whole length, of the median
	P       float64 `json:"p"`       // Mann and Kendall's, of no drift, on means of neighbours
}
