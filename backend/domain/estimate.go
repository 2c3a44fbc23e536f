package domain

// ExperimentEstimate says what an experiment would find and how long it would take, before it is started.
type ExperimentEstimate struct {
	Pairs            int      `json:"pairs"`
	Total            int      `json:"total"`   // runs
	Seconds          *float64 `json:"seconds"` // of all of them; null where nobody knows how long an arm takes
	MinEffectPercent float64  `json:"min_effect_percent"`
	// SpreadPercent is the standard deviation of the ratio within a pair. SpreadFrom says how it is known: from runs that were
	// measured before with the settings of the arms, RunsLookedAt of them, or assumed.
	SpreadPercent float64 `json:"spread_percent"`
	SpreadFrom    string  `json:"spread_from" enum:"runs,assumed"`
	RunsLookedAt  int     `json:"runs_looked_at"`
	Figures       int     `json:"figures"` // that p is corrected over
	// Power is the chance that this many pairs show a difference of the smallest effect that matters; null for an effect of 0.
	Power    *float64         `json:"power"`
	Options  []EstimateOption `json:"options"`
	Sentence string           `json:"sentence"`
}

// EstimateOption is how many pairs it takes to find the effect with a power.
type EstimateOption struct {
	Power   float64  `json:"power"`
	Pairs   *int     `json:"pairs"` // null: more than an experiment can have
	Seconds *float64 `json:"seconds"`
}
