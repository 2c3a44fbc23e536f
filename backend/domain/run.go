package domain

import "time"

// RunID is the UUID of a job, in canonical lower-case form.
type RunID string

// Status is where a job stands. A run ends in exactly one of completed, failed, canceled and
// interrupted.
type Status string

// The statuses of a job.
const (
	StatusQueued      Status = "queued"
	StatusRunning     Status = "running"
	StatusCompleted   Status = "completed"
	StatusFailed      Status = "failed"
	StatusCanceled    Status = "canceled"
	StatusInterrupted Status = "interrupted" // found unfinished at start-up
)

// Ended reports whether the status is final.
func (s Status) Ended() bool { return s != StatusQueued && s != StatusRunning }

// Phase is what a running job is doing; every telemetry sample carries it.
type Phase string

// The phases of a run, in order. PhaseIdle marks telemetry outside a run.
const (
	PhaseIdle    Phase = "idle"
	PhasePrepare Phase = "prepare"
	PhaseSettle  Phase = "settle"
	PhaseWarmup  Phase = "warmup"
	PhaseMeasure Phase = "measure"
	// PhaseRest is a pause without load between repetitions and stages; see Rest.
	PhaseRest Phase = "rest"
	// PhaseCooldown marks requests that only keep the load up while the last measured ones end.
	PhaseCooldown Phase = "cooldown"
	PhaseDrain    Phase = "drain"
	PhaseStop     Phase = "stop"
)

// TaskTextGeneration is the only task that is built.
const TaskTextGeneration = "text-generation"

// BenchmarkRequest is the body of POST /api/v1/benchmarks. Fields with a default are pointers so
// that an explicit zero or false is told from an absent field.
type BenchmarkRequest struct {
	ModelID       string         `json:"model_id" minLength:"1" maxLength:"512" doc:"Id of an installed, catalogue or endpoint model"`
	Prompt        *string        `json:"prompt,omitempty" maxLength:"524288" doc:"The text to send; give one of prompt, dataset_id and synthetic"`
	DatasetID     *string        `json:"dataset_id,omitempty" maxLength:"128" doc:"A registered dataset"`
	Synthetic     *Synthetic     `json:"synthetic,omitempty" doc:"Made prompts of exact lengths in the model's own tokens"`
	Task          *string        `json:"task,omitempty" doc:"text-generation is the only supported task" example:"text-generation"`
	MaxTokens     *int           `json:"max_tokens,omitempty" minimum:"1" maximum:"32768" doc:"Most output tokens of one request; default 128"`
	Temperature   *float64       `json:"temperature,omitempty" minimum:"0" maximum:"2" doc:"Default 0.7"`
	TopP          *float64       `json:"top_p,omitempty" exclusiveMinimum:"0" maximum:"1" doc:"Default 0.9"`
	UseGPU        *bool          `json:"use_gpu,omitempty" doc:"Default true; false really runs on the CPU"`
	Seed          *int64         `json:"seed,omitempty" minimum:"0" maximum:"4294967295" doc:"Drawn at random when absent, and stored"`
	Engine        *string        `json:"engine,omitempty" maxLength:"64" doc:"llama-server (default) or the kind of the endpoint"`
	EndpointID    *string        `json:"endpoint_id,omitempty" maxLength:"64" doc:"Measure this endpoint instead of the embedded engine"`
	Load          *Load          `json:"load,omitempty"`
	Stages        []StageInput   `json:"stages,omitempty" maxItems:"64" doc:"Points that are measured one after the other; give this or a load"`
	Stop          *Stop          `json:"stop,omitempty" doc:"When measuring ends; with several stages it holds for each of them"`
	Warmup        *int           `json:"warmup,omitempty" minimum:"0" maximum:"1000" doc:"Discarded requests before measuring; default 1"`
	Cooldown      *int           `json:"cooldown,omitempty" minimum:"0" maximum:"1000" doc:"Discarded requests that keep the load up while the last measured ones end; default 0"`
	Repeat        any            `json:"repeat,omitempty" doc:"Repetitions in this job, 1 to 1000; default 1. auto: as many jobs as it takes to know the figures to ± 2 %, an experiment of which this is the first job"`
	Rest          *Rest          `json:"rest,omitempty" doc:"Pause between repetitions and stages, so that none begins with the heat of the one before"`
	SLO           any            `json:"slo,omitempty" doc:"Service objectives: words such as \"ttft<500ms,tpot_p95<50ms\", a list of them, a list of {metric, percentile, below_ms}, or {\"ttft_p95_ms\": 500}"`
	PromptCache   *string        `json:"prompt_cache,omitempty" enum:"off,on" doc:"off (default) keeps every prompt from being answered out of the server's prompt cache; on lets it"`
	RawCompletion *bool          `json:"raw_completion,omitempty" doc:"Send the prompt without a chat template; default: as the model needs it"`
	EngineOptions *EngineOptions `json:"engine_options,omitempty" doc:"Settings of the embedded engine; an endpoint has its own"`
	GPU           *int           `json:"gpu,omitempty" minimum:"0" maximum:"63" doc:"Index of the GPU to use; all when absent"`
	Name          *string        `json:"name,omitempty" maxLength:"200"`
	Tags          []string       `json:"tags,omitempty" maxItems:"32"`
	Notes         *string        `json:"notes,omitempty" maxLength:"20000"`
	StoreText     *bool          `json:"store_text,omitempty" doc:"Default true; false keeps no prompt and no output"`
}

// EngineOptions are settings of the embedded engine; an absent one is as the engine or the program chooses.
type EngineOptions struct {
	Threads        *int    `json:"threads,omitempty" minimum:"1" maximum:"1024" doc:"Threads that decode; default one less than the machine has cores"`
	BatchSize      *int    `json:"batch_size,omitempty" minimum:"1" maximum:"65536" doc:"Most tokens of a prompt that are handed over at once"`
	UBatchSize     *int    `json:"ubatch_size,omitempty" minimum:"1" maximum:"65536" doc:"Most tokens that are computed at once"`
	FlashAttention *string `json:"flash_attention,omitempty" enum:"on,off,auto"`
	CacheTypeK     *string `json:"cache_type_k,omitempty" enum:"f32,f16,bf16,q8_0,q4_0,q4_1,iq4_nl,q5_0,q5_1" doc:"How the keys of the KV cache are stored"`
	CacheTypeV     *string `json:"cache_type_v,omitempty" enum:"f32,f16,bf16,q8_0,q4_0,q4_1,iq4_nl,q5_0,q5_1" doc:"How its values are stored; other than f16 needs flash attention"`
	GPULayers      *int    `json:"gpu_layers,omitempty" minimum:"0" maximum:"999" doc:"Layers that lie on the GPU; default all"`
	ContextTokens  *int    `json:"context_tokens,omitempty" minimum:"64" maximum:"1048576" doc:"Context of each user; default as long as the workload needs"`
	Build          *string `json:"build,omitempty" minLength:"1" maxLength:"128" doc:"Id of an installed build of the engine, as GET builds lists them; default the chosen one"`
}

// CacheTypes are the types that the KV cache may have.
func CacheTypes() []string {
	return []string{"f32", "f16", "bf16", "q8_0", "q4_0", "q4_1", "iq4_nl", "q5_0", "q5_1"}
}

// Rest says how long the machine rests before each further repetition and stage. A rest is part of no
// figure. Give seconds, below_c or both; with both the longer of the two counts.
type Rest struct {
	Seconds *float64 `json:"seconds,omitempty" minimum:"0" maximum:"3600" doc:"Rest this long at least; default 0"`
	BelowC  *float64 `json:"below_c,omitempty" minimum:"20" maximum:"100" doc:"Rest, before the first repetition too, until the hottest of the GPUs and the processor package is no hotter than this, in °C"`
	MostS   *float64 `json:"most_s,omitempty" minimum:"1" maximum:"3600" doc:"With below_c: go on after this long however hot it is, with a warning; default 300"`
	First   *bool    `json:"first,omitempty" doc:"Rest all of it before the first repetition too; without it only below_c does"`
}

// Stop says when measuring ends; the first limit that is reached wins. All absent means: as many
// requests as users for a plain prompt, one pass over a dataset.
type Stop struct {
	Requests  *int     `json:"requests,omitempty" minimum:"1" maximum:"1000000"`
	DurationS *float64 `json:"duration_s,omitempty" exclusiveMinimum:"0" maximum:"86400"`
	Tokens    *int     `json:"tokens,omitempty" minimum:"1" maximum:"1000000000"`
	Errors    *int     `json:"errors,omitempty" minimum:"1" maximum:"1000000" doc:"Stop after this many failed requests"`
	// ConfidencePercent says how well the means are to be known within this run; it is no statement
	// about how runs differ.
	ConfidencePercent *float64 `json:"confidence_percent,omitempty" exclusiveMinimum:"0" maximum:"50" doc:"Stop when the 95 % intervals of the means of TTFT and of time per output token, over the requests of the stage, are within this percent of the means; 10 requests at least, and without another limit 10000 at most"`
}

// Plan is the resolved settings of a job: every default filled in, the seed fixed.
type Plan struct {
	ModelID          string         `json:"model_id"`
	DatasetID        *string        `json:"dataset_id"`
	Prompt           *string        `json:"prompt"` // null when a dataset is used or store_text is false
	Task             string         `json:"task"`
	MaxTokens        int            `json:"max_tokens"`
	Temperature      float64        `json:"temperature"`
	TopP             float64        `json:"top_p"`
	Seed             int64          `json:"seed"`
	UseGPU           bool           `json:"use_gpu"`
	UseGPUExplicit   bool           `json:"use_gpu_explicit"` // true when the caller asked for it
	GPU              *int           `json:"gpu"`
	Engine           string         `json:"engine"`
	EndpointID       *string        `json:"endpoint_id"`
	EngineOptions    *EngineOptions `json:"engine_options"` // null: all as the engine chooses
	Synthetic        *Synthetic     `json:"synthetic"`
	Load             Load           `json:"load"`
	Stages           []PlanStage    `json:"stages"` // one at least; only the first of a knee search is known before
	Stop             Stop           `json:"stop"`
	SLO              []Objective    `json:"slo"`
	Warmup           int            `json:"warmup"`
	Cooldown         int            `json:"cooldown"`
	PromptCache      string         `json:"prompt_cache"` // off or on
	Repeat           int            `json:"repeat"`
	Rest             *Rest          `json:"rest"` // null: one follows the other at once
	StoreText        bool           `json:"store_text"`
	Raw              bool           `json:"raw_completion"` // a base model: no chat template
	Phases           []Phase        `json:"phases"`
	ExpectedRequests *int           `json:"expected_requests"` // measured ones; null when only time limits the run
	ExpectedS        *float64       `json:"expected_s"`        // null when it cannot be told
}

// Run is a job as the REST contract shows it: every key always present, null until known.
type Run struct {
	ID              RunID           `json:"job_id"`
	Name            string          `json:"name"`
	Model           string          `json:"model"`
	Engine          string          `json:"engine"`
	Task            string          `json:"task"`
	Status          Status          `json:"status"`
	CreatedAt       time.Time       `json:"created_at"`
	StartedAt       *time.Time      `json:"started_at"`
	EndedAt         *time.Time      `json:"ended_at"`
	DurationS       *float64        `json:"duration"`         // seconds of the measured window
	TokensGenerated *int            `json:"tokens_generated"` // over successful measured requests
	Output          *string         `json:"output"`           // of the first successful measured request
	HardwareMetrics HardwareMetrics `json:"hardware_metrics"`
	Plan            Plan            `json:"plan"`
	Progress        *Progress       `json:"progress"`
	Summary         *Summary        `json:"summary"`
	Validity        *Validity       `json:"validity"`
	Warnings        []Warning       `json:"warnings"`
	Environment     *Environment    `json:"environment"`
	Client          *ClientHealth   `json:"client"`
	Bottleneck      *Bottleneck     `json:"bottleneck"` // null until known, and where nothing was measured
	Error           *RunError       `json:"error"`
	Tags            []string        `json:"tags"`
	Notes           string          `json:"notes"`
	Pinned          bool            `json:"pinned"`
	Sample          bool            `json:"sample"`   // demonstration data of debug mode
	Imported        *Imported       `json:"imported"` // null for a run that was measured here
	// Experiment says which run of an experiment it is; null for one that stands alone.
	Experiment *ExperimentPlace `json:"experiment"`
	DeletedAt  *time.Time       `json:"deleted_at"` // in the trash since
}

// RunError says why a run failed.
type RunError struct {
	Kind    Kind   `json:"kind"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
	LogTail string `json:"log_tail,omitempty"` // last lines of the engine's log
}

// Progress is how far a running job has come; also the payload of run.progress events.
type Progress struct {
	Phase         Phase    `json:"phase"`
	PhaseElapsedS float64  `json:"phase_elapsed_s"`
	Fraction      *float64 `json:"fraction"` // 0 to 1 of the whole job; null when it cannot be told
	Done          int      `json:"done"`     // measured requests that ended
	Total         *int     `json:"total"`
	InFlight      int      `json:"in_flight"`
	Errors        int      `json:"errors"`
	ElapsedS      float64  `json:"elapsed_s"`
	LeftS         *float64 `json:"left_s"`
	Note          string   `json:"note"` // e.g. "Loading the model"
	// Live figures over the requests of the phase so far; null before there is one.
	TokensPerSecond *float64 `json:"tokens_per_second"` // output throughput, trailing second
	TTFTMs          *float64 `json:"ttft_ms"`           // median so far
	TPOTMs          *float64 `json:"tpot_ms"`           // median so far
	OutputTokens    int      `json:"output_tokens"`
	// Stage is the stage under way; null before measuring. The figures above are those of the stage.
	Stage *StageProgress `json:"stage"`
}

// StageProgress is how far the current stage has come.
type StageProgress struct {
	Index    int      `json:"index"` // 0, 1, …
	Count    *int     `json:"count"` // null while a search may add stages
	Name     string   `json:"name"`
	Done     int      `json:"done"` // requests of this stage that ended
	Total    *int     `json:"total"`
	ElapsedS float64  `json:"elapsed_s"`
	LeftS    *float64 `json:"left_s"`
	// LatenessMs is the largest lateness of a send against its due time; null for a closed loop.
	LatenessMs *float64 `json:"lateness_ms"`
	Dropped    int      `json:"dropped"` // arrivals that found max_in_flight requests under way
}

// PhaseChange marks the begin of a phase, or of a further stage within the measure phase. TUs
// counts from the start of the run.
type PhaseChange struct {
	Phase Phase      `json:"phase"`
	TUs   int64      `json:"t_us"`
	At    time.Time  `json:"at"`
	Stage *StageMark `json:"stage"` // set with the measure phase: which stage begins
}

// StageMark names the stage that begins; it is the raw record of what a search chose.
type StageMark struct {
	Index       int    `json:"index"`
	Name        string `json:"name"`
	Load        Load   `json:"load"`
	DepthTokens *int   `json:"depth_tokens"`
}

// ClientHealth says how well the measuring program itself kept up; null until the run has ended.
type ClientHealth struct {
	RecorderLateMs float64  `json:"recorder_late_ms"` // longest wait of a finished request for the recorder
	DroppedSamples int      `json:"dropped_samples"`  // hardware readings lost because storage was slow
	CPUS           *float64 `json:"cpu_s"`            // processor seconds the program used while measuring
	CPUPerMTokenS  *float64 `json:"cpu_s_per_million_tokens"`
}

// RunFilter narrows a list of runs; zero values do not narrow. Limit 0 means the default page.
type RunFilter struct {
	Status, Model, Engine, Task, Dataset, Tag, Query string
	Start, End                                       *time.Time
	Trash                                            bool // only deleted ones
	IncludeSample                                    bool
	Limit                                            int
	Cursor                                           string // opaque; from Page.Next
}

// Page is one page of a list; Next is empty on the last one.
type Page[T any] struct {
	Items []T
	Total int
	Next  string
}

// RunPatch is the body of PATCH /api/v1/benchmarks/{id}; absent fields stay as they are.
type RunPatch struct {
	Name   *string   `json:"name,omitempty" maxLength:"200"`
	Tags   *[]string `json:"tags,omitempty" maxItems:"32"`
	Notes  *string   `json:"notes,omitempty" maxLength:"20000"`
	Pinned *bool     `json:"pinned,omitempty"`
}
