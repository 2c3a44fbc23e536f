package domain

// SweepDesign says what a sweep tries: every combination of the values of its axes, or a list of
// combinations. Each is a cell, and an arm of the experiment.
type SweepDesign struct {
	Axes []SweepAxis     `json:"axes,omitempty" maxItems:"6" doc:"Settings with the values to try; every combination is a cell. Give this or list"`
	List []SweepSettings `json:"list,omitempty" maxItems:"200" doc:"The very combinations to try"`
	// Repeats are the blocks: each measures all cells once, in an order of its own, with the same prompts.
	Repeats *int    `json:"repeats,omitempty" minimum:"1" maximum:"10" doc:"How often each cell is measured, each time with a fresh engine; default 3. With 1 nothing can be told from chance"`
	Metric  *string `json:"metric,omitempty" maxLength:"40" doc:"Which figure decides, as comparisons name them; default decode_tokens_per_second, with concurrency output_tokens_per_second"`
	// Refine adds values between the best ones, round by round.
	Refine   *bool         `json:"refine,omitempty" doc:"After the grid, add values of the axes of numbers halfway between the best cell and its neighbours, until the steps are small or no difference shows any more"`
	MostRuns *int          `json:"most_runs,omitempty" minimum:"1" maximum:"500" doc:"Plan no more than so many jobs; default 500"`
	Weights  *SweepWeights `json:"weights,omitempty" doc:"What the pick is to be good at; default 1 each"`
}

// SweepAxis is one setting with the values to try.
type SweepAxis struct {
	Setting string `json:"setting" enum:"threads,batch_size,ubatch_size,flash_attention,cache_type,cache_type_k,cache_type_v,gpu_layers,context_tokens,concurrency,max_tokens,prompt_tokens,model_id"`
	Values  []any  `json:"values" minItems:"1" maxItems:"64" doc:"Whole numbers, or words for flash_attention, the cache types and model_id"`
}

// SweepSettings are the values of one cell; what is absent is as in the benchmark.
type SweepSettings struct {
	Threads        *int    `json:"threads,omitempty" minimum:"1" maximum:"1024"`
	BatchSize      *int    `json:"batch_size,omitempty" minimum:"1" maximum:"65536"`
	UBatchSize     *int    `json:"ubatch_size,omitempty" minimum:"1" maximum:"65536"`
	FlashAttention *string `json:"flash_attention,omitempty" enum:"on,off,auto"`
	CacheType      *string `json:"cache_type,omitempty" enum:"f32,f16,bf16,q8_0,q4_0,q4_1,iq4_nl,q5_0,q5_1" doc:"Of keys and values alike"`
	CacheTypeK     *string `json:"cache_type_k,omitempty" enum:"f32,f16,bf16,q8_0,q4_0,q4_1,iq4_nl,q5_0,q5_1"`
	CacheTypeV     *string `json:"cache_type_v,omitempty" enum:"f32,f16,bf16,q8_0,q4_0,q4_1,iq4_nl,q5_0,q5_1"`
	GPULayers      *int    `json:"gpu_layers,omitempty" minimum:"0" maximum:"999"`
	ContextTokens  *int    `json:"context_tokens,omitempty" minimum:"64" maximum:"1048576"`
	Concurrency    *int    `json:"concurrency,omitempty" minimum:"1" maximum:"10000" doc:"Users of a closed load"`
	MaxTokens      *int    `json:"max_tokens,omitempty" minimum:"1" maximum:"32768"`
	PromptTokens   *int    `json:"prompt_tokens,omitempty" minimum:"1" maximum:"1048576" doc:"Length of made prompts"`
	ModelID        *string `json:"model_id,omitempty" minLength:"1" maxLength:"512"`
}

// SweepWeights say how much each objective counts for the pick; 0 leaves it out.
type SweepWeights struct {
	Speed   *float64 `json:"speed,omitempty" minimum:"0" maximum:"100"`
	Quality *float64 `json:"quality,omitempty" minimum:"0" maximum:"100"`
	Memory  *float64 `json:"memory,omitempty" minimum:"0" maximum:"100"`
	Energy  *float64 `json:"energy,omitempty" minimum:"0" maximum:"100"`
}

// SweepResult is what a sweep has come to so far.
type SweepResult struct {
	Metric   string        `json:"metric"` // that decides
	Settings []string      `json:"settings"`
	Metrics  []SweepMetric `json:"metrics"` // those that any cell has
	Cells    []SweepCell   `json:"cells"`   // one an arm
	LeftOut  []SweepSkip   `json:"left_out"`
	Best     *int          `json:"best"` // index of the cell; null until there is one
	// SpreadPercent is how much a run of a cell differs by chance, in percent; null until a second block tells.
	SpreadPercent *float64         `json:"spread_percent"`
	Objectives    []SweepObjective `json:"objectives"` // of the front and the pick; those that the cells have figures of
	Pick          *int             `json:"pick"`       // index of the cell with the highest score
	// Edges are the axes of numbers whose best value is the lowest or the highest that was tried, and shown to be better than
	// the next.
	Edges    []SweepEdge `json:"edges"`
	Sentence string      `json:"sentence"`
}

// SweepMetric is one figure that cells have.
type SweepMetric struct {
	Key    string `json:"key"`
	Unit   string `json:"unit"`
	Better string `json:"better" enum:"higher,lower"`
}

// SweepCell is one combination.
type SweepCell struct {
	Settings SweepSettings `json:"settings"`
	Round    int           `json:"round"` // 0 is the grid, 1 and on were added between
	Status   Status        `json:"status" enum:"queued,running,completed,failed,canceled,interrupted"`
	Reason   string        `json:"reason"` // why it failed; empty otherwise
	Runs     []RunID       `json:"runs"`
	Values   []SweepValue  `json:"values"` // one a metric of the result
	// Ratio is this cell ÷ the best one in the deciding figure, block effects taken out, with its 95 % interval and
	// the p that is adjusted for all pairs of cells; null where that is not known.
	Ratio    *float64  `json:"ratio"`
	Interval *Interval `json:"interval" nullable:"true"`
	P        *float64  `json:"p"`
	// Verdict is best, tied (no difference to the best is shown, or one too small to matter), worse, unknown (too few
	// runs to tell) or none (no figure).
	Verdict string   `json:"verdict" enum:"best,tied,worse,unknown,none"`
	Front   bool     `json:"front"`   // no other cell is better in one objective and as good in all others
	Score   *float64 `json:"score"`   // 0 to 1, by the weights; null for a cell without all objectives
	Quality *float64 `json:"quality"` // tasks that its model got right, in percent, where models are varied; null unless known
}

// SweepValue is one figure of a cell: the mean over its runs with its 95 % interval, which rests on how runs of all cells
// spread, drift of the blocks taken out.
type SweepValue struct {
	Mean     *float64  `json:"mean"`
	Interval *Interval `json:"interval" nullable:"true"`
	N        int       `json:"n"`
}

// SweepSkip is a combination that cannot be measured.
type SweepSkip struct {
	Settings SweepSettings `json:"settings"`
	Reason   string        `json:"reason"`
}

// SweepObjective is one thing that cells are weighed by.
type SweepObjective struct {
	Name   string  `json:"name" enum:"speed,quality,memory,energy"`
	Key    string  `json:"key"` // its figure; quality for quality
	Better string  `json:"better" enum:"higher,lower"`
	Weight float64 `json:"weight"`
}

// SweepEdge is an axis whose best value lies at its end.
type SweepEdge struct {
	Setting string `json:"setting"`
	End     string `json:"end" enum:"lowest,highest"`
}
