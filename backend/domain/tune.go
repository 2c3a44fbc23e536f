package domain

// TuneDesign says which settings of the embedded engine tune tries. Candidates are the default settings, every
// single change of them, and mixtures of changes; rounds keep the best, then the last one is held against the
// default anew.
type TuneDesign struct {
	Settings   []string    `json:"settings,omitempty" maxItems:"7" doc:"Which settings to try; default threads, ubatch_size and flash_attention, with a GPU batch_size instead of threads. The types of the KV cache change what the model answers and are tried only when named"`
	Values     *TuneValues `json:"values,omitempty" doc:"Values of settings to try instead of those that follow from the machine; a setting with values need not be named"`
	Candidates *int        `json:"candidates,omitempty" minimum:"2" maximum:"64" doc:"Most sets of settings that are tried, the default among them; default 16"`
	Eta        *int        `json:"eta,omitempty" minimum:"2" maximum:"3" doc:"Each round keeps one in so many and measures them so many times as often; default 2"`
	Rounds     *int        `json:"rounds,omitempty" minimum:"1" maximum:"6" doc:"Most rounds; default as many as it takes to come to one"`
	Metric     *string     `json:"metric,omitempty" enum:"decode_tokens_per_second,output_tokens_per_second,ttft_ms,j_per_token" doc:"What is to get better; default decode_tokens_per_second, with several users output_tokens_per_second"`
	Pairs      *int        `json:"pairs,omitempty" minimum:"6" maximum:"100" doc:"How often the last one and the default are measured in turns; default 8"`
}

// TuneValues are the values of each setting that are tried.
type TuneValues struct {
	Threads        []int    `json:"threads,omitempty" minItems:"1" maxItems:"16" doc:"Each from 1 to 1024"`
	BatchSize      []int    `json:"batch_size,omitempty" minItems:"1" maxItems:"16" doc:"Each from 1 to 65536"`
	UBatchSize     []int    `json:"ubatch_size,omitempty" minItems:"1" maxItems:"16" doc:"Each from 1 to 65536"`
	FlashAttention []string `json:"flash_attention,omitempty" minItems:"1" maxItems:"3" doc:"Each one of on, off, auto"`
	CacheTypeK     []string `json:"cache_type_k,omitempty" minItems:"1" maxItems:"9" doc:"Each a type of the KV cache"`
	CacheTypeV     []string `json:"cache_type_v,omitempty" minItems:"1" maxItems:"9" doc:"Each a type of the KV cache"`
	GPULayers      []int    `json:"gpu_layers,omitempty" minItems:"1" maxItems:"16" doc:"Each from 0 to 999"`
}

// TuneResult is what tuning has come to. Arm 0 is the default.
type TuneResult struct {
	Metric string      `json:"metric"`
	Unit   string      `json:"unit"`
	Better string      `json:"better" enum:"higher,lower"`
	Rounds []TuneRound `json:"rounds"`
	Best   *int        `json:"best"` // the arm that the rounds have come to; null before the last
	// Final holds the best against the default over runs of their own, because the figures of the rounds flatter
	// whoever won them; null before its first block is complete.
	Final    *Comparison    `json:"final"`
	Verdict  string         `json:"verdict" enum:",use,keep,default_fails,none_runs"` // empty until known
	Settings *EngineOptions `json:"settings"`                                         // those to use; null while nothing is better than the default
	Worse    []string       `json:"worse"`                                            // figures that are shown to be worse with them
	Answers  bool           `json:"answers"`                                          // whether they change what the model answers
	Sentence string         `json:"sentence"`
}

// TuneRound is one round: all that were still in it, as they stand after it over all blocks so far.
type TuneRound struct {
	Blocks     []int           `json:"blocks"` // of the order
	Planned    int             `json:"planned"`
	Done       bool            `json:"done"`
	Candidates []TuneCandidate `json:"candidates"` // best first
}

// TuneCandidate is one set of settings within a round.
type TuneCandidate struct {
	Arm     int      `json:"arm"`
	Runs    int      `json:"runs"`    // so far, of all rounds
	Value   *float64 `json:"value"`   // geometric mean over them; null before the first
	Percent *float64 `json:"percent"` // how much better than the default in the same blocks; null without one
	State   string   `json:"state" enum:"measuring,kept,dropped,failed"`
	Reason  string   `json:"reason"` // why it failed
}
