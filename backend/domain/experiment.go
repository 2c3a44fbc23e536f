package domain

import "time"

// The kinds of experiments.
const (
	ExperimentAB       = "ab"       // arms measured in turns and compared
	ExperimentBuild    = "build"    // the same over builds of the engine, begun by MeasureBuild alone
	ExperimentRepeat   = "repeat"   // one benchmark until its figures are known well enough
	ExperimentSweep    = "sweep"    // every combination of settings, to find the best
	ExperimentTune     = "tune"     // settings of the engine against the default ones
	ExperimentCapacity = "capacity" // how many users meet the objectives
)

// ExperimentRequest is the body of POST /api/v1/experiments. Arms and pairs belong to ab; every other kind
// takes benchmark, which it changes and repeats, and a design of its own under its name.
type ExperimentRequest struct {
	Kind             *string           `json:"kind,omitempty" enum:"ab,repeat,sweep,tune,capacity" doc:"Default ab"`
	Name             *string           `json:"name,omitempty" maxLength:"200"`
	Seed             *int64            `json:"seed,omitempty" minimum:"0" maximum:"4294967295" doc:"Of the order and of the prompts; drawn at random when absent, and stored"`
	MinEffectPercent *float64          `json:"min_effect_percent,omitempty" minimum:"0" maximum:"100" doc:"A difference below this is too small to matter; default 2"`
	Rest             *Rest             `json:"rest,omitempty" doc:"Pause before each job, unless its benchmark has one of its own"`
	Arms             []ArmInput        `json:"arms,omitempty" maxItems:"4" doc:"What ab compares; the first is the baseline"`
	Pairs            *int              `json:"pairs,omitempty" minimum:"2" maximum:"100" doc:"How often ab measures each arm; default 8. A verdict needs 6"`
	Benchmark        *BenchmarkRequest `json:"benchmark,omitempty" doc:"What all kinds but ab measure; its seed, name, tags and notes are the experiment's"`
	Repeat           *RepeatDesign     `json:"repeat,omitempty" doc:"How long repeat goes on"`
	Sweep            *SweepDesign      `json:"sweep,omitempty" doc:"What sweep tries"`
	Tune             *TuneDesign       `json:"tune,omitempty" doc:"What tune tries"`
	Capacity         *CapacityDesign   `json:"capacity,omitempty" doc:"What capacity asks for"`
}

// ArmInput is one arm of an experiment.
type ArmInput struct {
	Name      *string          `json:"name,omitempty" maxLength:"100"`
	Benchmark BenchmarkRequest `json:"benchmark"`
}

// RepeatDesign says when a benchmark has been repeated often enough. Each repetition is a run with a fresh
// engine, so that the interval holds for how runs differ.
type RepeatDesign struct {
	Metric        *string  `json:"metric,omitempty" maxLength:"40" doc:"Which figure decides, as comparisons name them; default decode_tokens_per_second"`
	TargetPercent *float64 `json:"target_percent,omitempty" exclusiveMinimum:"0" maximum:"50" doc:"Stop when the 95 % interval of its mean over runs is this narrow to each side; default 2"`
	MinRuns       *int     `json:"min_runs,omitempty" minimum:"2" maximum:"100" doc:"Never stop before so many; default 4"`
	MaxRuns       *int     `json:"max_runs,omitempty" minimum:"2" maximum:"100" doc:"Stop at so many; default 16"`
	BudgetS       *float64 `json:"budget_s,omitempty" exclusiveMinimum:"0" maximum:"604800" doc:"Begin no further run after so many seconds of measuring"`
}

// ExperimentPlace says which run of an experiment a run is.
type ExperimentPlace struct {
	ID    string `json:"id"`
	Arm   int    `json:"arm"`
	Block int    `json:"block"` // runs of a block get the same prompts; ab has every arm once in each
}

// Experiment is a set of runs that are planned together. What it has come to follows from its runs.
type Experiment struct {
	ID               string           `json:"id"`
	Name             string           `json:"name"`
	Kind             string           `json:"kind" enum:"ab,build,repeat,sweep,tune,capacity"`
	CreatedAt        time.Time        `json:"created_at"`
	Seed             int64            `json:"seed"`
	Pairs            int              `json:"pairs"` // of ab, else 0
	MinEffectPercent float64          `json:"min_effect_percent"`
	Design           ExperimentDesign `json:"design"`
	Arms             []Arm            `json:"arms"`
	Order            [][]int          `json:"order"` // of each block: the arms in their order; grows as further runs are planned
	Ended            *ExperimentEnd   `json:"ended"` // null until nothing more is planned
	Status           Status           `json:"status"`
	Done             int              `json:"done"`  // runs that have ended
	Total            int              `json:"total"` // runs that are planned so far
	Most             int              `json:"most"`  // runs that there may be at most
	Runs             []ExperimentRun  `json:"runs"`
	Comparison       *Comparison      `json:"comparison"` // of ab, over the blocks that are complete; null before the first
	Repeat           *RepeatResult    `json:"repeat"`     // of repeat
	Sweep            *SweepResult     `json:"sweep"`      // of sweep
	Tune             *TuneResult      `json:"tune"`       // of tune
	Capacity         *CapacityResult  `json:"capacity"`   // of capacity
}

// ExperimentDesign is what was asked for with every default filled in; the part of its kind is set.
type ExperimentDesign struct {
	Rest     *Rest           `json:"rest,omitempty"` // of any kind: before each run
	Sweep    *SweepDesign    `json:"sweep,omitempty"`
	Repeat   *RepeatDesign   `json:"repeat,omitempty"`
	Tune     *TuneDesign     `json:"tune,omitempty"`
	Capacity *CapacityDesign `json:"capacity,omitempty"`
}

// ExperimentEnd says when and why nothing more was planned.
type ExperimentEnd struct {
	At     time.Time `json:"at"`
	Status Status    `json:"status"` // completed, canceled, failed
	// Reason is a word: complete, canceled, runs_failed, cannot_plan, or one of the kind's own.
	Reason  string `json:"reason"`
	Message string `json:"message"` // what stood in the way; empty when nothing did
}

// Arm is one arm with the settings that it was started with.
type Arm struct {
	Name      string           `json:"name"`
	Benchmark BenchmarkRequest `json:"benchmark"`
}

// ExperimentRun is one run of an experiment in short.
type ExperimentRun struct {
	ID     RunID  `json:"job_id"`
	Arm    int    `json:"arm"`
	Block  int    `json:"block"`
	Status Status `json:"status"`
}

// RepeatResult is what repeating has come to, one point a run that counts.
type RepeatResult struct {
	Metric string        `json:"metric"`
	Unit   string        `json:"unit"`
	Points []RepeatPoint `json:"points"`
	Looks  []int         `json:"looks"` // the numbers of runs at which it is decided whether to stop
	// Needed is about how many runs the target takes at the present spread; null where that is not known.
	Needed *int `json:"needed"`
	// Within and Between are the spread of single requests inside a run and of the runs' means, as a share
	// of the mean, in percent; null where a run has too few requests or there are too few runs.
	WithinPercent  *float64 `json:"within_percent"`
	BetweenPercent *float64 `json:"between_percent"`
	Advice         string   `json:"advice" enum:",more_requests,more_runs"` // what would narrow the interval sooner
	Sentence       string   `json:"sentence"`
}

// RepeatPoint is the state after one more run: a funnel when drawn one after the other.
type RepeatPoint struct {
	ID       RunID     `json:"job_id"`
	Value    float64   `json:"value"`
	Mean     float64   `json:"mean"`                     // of this and all earlier ones
	Interval *Interval `json:"interval" nullable:"true"` // at the level of one look, so that all looks together hold 95 %; null below two
	Percent  *float64  `json:"percent"`                  // half its width, of the mean
	Look     bool      `json:"look"`                     // whether stopping was decided here
}
