package domain

// ComparisonRequest is the body of POST /api/v1/comparisons.
type ComparisonRequest struct {
	// Runs are compared as they are; those that were measured alike stand on one side.
	Runs  []RunID     `json:"runs,omitempty" maxItems:"100" doc:"Jobs to compare; those of the same model, engine, settings and machine make one side. Give this or sides"`
	Sides []SideInput `json:"sides,omitempty" maxItems:"8" doc:"Which jobs stand together"`
	// Baseline is the index of the side that the others are compared with.
	Baseline         *int     `json:"baseline,omitempty" minimum:"0" maximum:"7" doc:"Index of the side that the others are held against; default 0"`
	MinEffectPercent *float64 `json:"min_effect_percent,omitempty" minimum:"0" maximum:"100" doc:"A difference below this is too small to matter; default 2"`
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
	Sides            []ComparisonSide   `json:"sides"`
	Metrics          []ComparisonMetric `json:"metrics"`
	Differs          []Difference       `json:"differs"` // settings, engine and machine that are not the same
	Warnings         []Warning          `json:"warnings"`
	Sentence         string             `json:"sentence"`
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
