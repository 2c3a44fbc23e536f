package domain

// ComparisonRequest is the body of POST /api/v1/comparisons.
type ComparisonRequest struct {
	// Runs are compared as they are; those that were measured alike stand on one side.
	Runs  []RunID     `json:"runs,omitempty" maxItems:"100" doc:"Jobs to compare; those of the same model, engine, settings and machine make one side. Give this or sides"`
	Sides []SideInput `json:"sides,omitempty" maxItems:"8" doc:"Which jobs stand together"`
	// Baseline is the index of the side that the others are compared with.
	Baseline         *int     `json:"baseline,omitempty" minimum:"0" maximum:"7" doc:"Index of the side that the others are held against; default 0"`
	MinEffectPercent *float64 `json:"min_effect_percent,omitempty" minimum:"0" maximum:"100" doc:"A difference below this is too small to matter; default 2"`
	Load             *string  `json:"load,omitempty" maxLength:"200" doc:"The name of the stage to compare; default: the stage that each job is spoken of by"`
	Judged           []string `json:"judged,omitempty" minItems:"1" maxItems:"12" doc:"The figures that get a verdict; p is corrected over them, so that with each further one a difference is harder to show. Default: decode speed, output throughput, time to first token and energy"`
}

// SideInput is one side of a comparison as it is asked for.
type SideInput struct {
	Name *string `json:"name,omitempty" maxLength:"200"`
	Runs []RunID `json:"runs" minItems:"1" maxItems:"100"`
}

// Comparison holds sides against a baseline. Each run is one value: requests of one run are no independent
// measurements of how runs differ.
type Comparison struct {
	// Paired: the runs were measured in turns and in random order, and each is held against the one of its
	// block. Otherwise whatever drifted between them is in the difference too.
	Paired           bool               `json:"paired"`
	Baseline         int                `json:"baseline"`
	MinEffectPercent float64            `json:"min_effect_percent"`
	Load             string             `json:"load"`   // the stage that is compared; empty: the one that each job is spoken of by
	Judged           []string           `json:"judged"` // the metrics that get a verdict
	Sides            []ComparisonSide   `json:"sides"`
	Metrics          []ComparisonMetric `json:"metrics"`
	Main             string             `json:"main"`    // the key of the metric that the sentence speaks of; empty without one
	Loads            []ComparisonLoad   `json:"loads"`   // the same figures at each load; empty where all have but one
	Differs          []Difference       `json:"differs"` // settings, engine and machine that are not the same
	Why              []ComparisonCause  `json:"why"`     // what was measured of the causes; empty where no difference is shown
	Odd              []ComparisonOdd    `json:"odd"`     // pairs or jobs that stand far apart from the others
	// ApartS is how far apart in time the sides were measured, of the furthest; null for jobs measured in turns.
	ApartS   *float64  `json:"apart_s"`
	Warnings []Warning `json:"warnings"`
	Sentence string    `json:"sentence"`
}

// ComparisonLoad is one load with the figures of all sides at it.
type ComparisonLoad struct {
	Name        string             `json:"name"`        // of the stage, e.g. closed:8
	Concurrency int                `json:"concurrency"` // users; 0 for an open loop
	RatePerS    *float64           `json:"rate_per_s"`
	DepthTokens *int               `json:"depth_tokens"`
	Metrics     []ComparisonMetric `json:"metrics"` // without effects
}

// The kinds of cause.
const (
	CauseSetting = "setting" // what was set differently
	CauseBytes   = "bytes"   // what each token reads
	CauseLimit   = "limit"   // what limited the sides
	CauseUnknown = "unknown" // no reading shows one
)

// ComparisonCause is one measured fact about why sides differ.
type ComparisonCause struct {
	Kind     string   `json:"kind" enum:"setting,bytes,limit,unknown"`
	Sides    []int    `json:"sides"`    // of which it is told
	Key      string   `json:"key"`      // the setting, as differs names it, or the limit; else empty
	Values   []string `json:"values"`   // of a setting: one a side
	Value    *float64 `json:"value"`    // of the side, in Unit
	Baseline *float64 `json:"baseline"` // of the baseline
	Unit     string   `json:"unit"`
	Text     string   `json:"text"`
}

// ComparisonOdd is a pair, or a job of a side, whose figure lies beyond Tukey's outer fence of the others.
type ComparisonOdd struct {
	Metric  string  `json:"metric"`
	Side    int     `json:"side"`
	Place   int     `json:"place"` // 0, 1, …: which pair, or which job of the side
	Run     RunID   `json:"job_id"`
	Percent float64 `json:"percent"` // off the middle of the others: of the ratio for pairs, else of the figure
}

// ComparisonSide is one side with its runs, in the order in which they are paired.
type ComparisonSide struct {
	Name string  `json:"name"`
	Runs []RunID `json:"runs"`
}

// ComparisonMetric is one figure of all sides.
type ComparisonMetric struct {
	Key    string            `json:"key"`
	Unit   string            `json:"unit"`
	Better string            `json:"better"` // higher, lower
	Values []ComparisonValue `json:"values"` // one a side
}

// ComparisonValue is one figure of one side: the mean over its runs with the 95 % interval over runs.
type ComparisonValue struct {
	Mean     *float64  `json:"mean"`
	Interval *Interval `json:"interval" nullable:"true"` // null below two runs
	N        int       `json:"n"`                        // runs with this figure
	Effect   *Effect   `json:"effect"`                   // against the baseline; null for itself and where there is nothing to tell
}

// Effect is how a side differs from the baseline. Ratios are side ÷ baseline.
type Effect struct {
	Ratio     float64   `json:"ratio"`                    // of the geometric means
	Interval  *Interval `json:"interval" nullable:"true"` // 95 %, over runs; null below two runs a side
	P         *float64  `json:"p"`                        // of no difference
	AdjustedP *float64  `json:"adjusted_p"`               // Holm, over the metrics that are tested for a verdict
	// Verdict is better, worse, equivalent (the whole interval lies within the smallest effect that matters),
	// no_difference (none was shown), too_few or untested (shown with its interval alone).
	Verdict string `json:"verdict"`
	// AtLeast answers whether the side is better by the smallest effect that matters: yes, no or unknown.
	AtLeast string `json:"at_least"`
}

// Difference is one setting or condition that is not the same on all sides.
type Difference struct {
	Key    string   `json:"key"`
	About  string   `json:"about"`  // model, engine, settings, machine
	Values []string `json:"values"` // one a side; "varies" where its own runs differ
}
