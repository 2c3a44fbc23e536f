package domain

// CapacityDesign asks for how many users the objectives of one or more personas hold. Each point is measured with so
// many users at a time, in runs of its own.
type CapacityDesign struct {
	Personas    []Persona `json:"personas,omitempty" minItems:"1" maxItems:"5" doc:"Each key once; default chat. What a persona leaves out is as GET personas tells"`
	MaxUsers    *int      `json:"max_users,omitempty" minimum:"1" maximum:"10000" doc:"Try no more; default 32 on the embedded engine, 256 at an endpoint"`
	Repeats     *int      `json:"repeats,omitempty" minimum:"2" maximum:"20" doc:"Runs of each point near the limit; default 3"`
	Requests    *int      `json:"requests,omitempty" minimum:"5" maximum:"10000" doc:"Requests of a run at least, and two for each user; default 32"`
	ThinkTimeMs *int      `json:"think_time_ms,omitempty" minimum:"0" maximum:"600000" doc:"Pause of a user between an answer and the next message; default 0, so that users stand for requests under way at a time"`
	MaxRuns     *int      `json:"max_runs,omitempty" minimum:"4" maximum:"200" doc:"End the search of each persona at so many runs; default 40"`
}

// Persona is what one kind of user needs, and what they send. Absent fields are as the program defines the persona.
type Persona struct {
	Key          string      `json:"key" enum:"reading,chat,coding_agent,voice,custom" doc:"custom has no objectives of its own"`
	Objectives   []Objective `json:"objectives,omitempty" minItems:"1" maxItems:"8" doc:"Limits that a request must meet, all of them; their percentiles are those of share"`
	SharePercent *float64    `json:"share_percent,omitempty" minimum:"50" maximum:"99.9" doc:"So many of 100 requests must meet them; default 95"`
	InputTokens  *int        `json:"input_tokens,omitempty" minimum:"1" maximum:"1048576" doc:"Length of the made prompts, where the benchmark has none of its own"`
	OutputTokens *int        `json:"output_tokens,omitempty" minimum:"1" maximum:"32768" doc:"Length of the answers to them"`
}

// CapacityResult is what the search has come to, for each persona.
type CapacityResult struct {
	Personas []PersonaCapacity `json:"personas"`
}

// PersonaCapacity is how many users of one persona the objectives hold for.
type PersonaCapacity struct {
	Key          string          `json:"key"`
	Objectives   []Objective     `json:"objectives"`
	SharePercent float64         `json:"share_percent"`
	State        string          `json:"state" enum:"waiting,searching,found,none,limit,stopped"` // none: not even for one user; limit: the most to try still hold
	Points       []CapacityPoint `json:"points"`                                                  // by their users
	Users        *int            `json:"users"`                                                   // null until a point held or failed; 0 where not even one did
	// Low and High enclose the true number with 95 % confidence. High is null where no point was shown to fail.
	Low  *int `json:"low"`
	High *int `json:"high"`
	// Spread is how much more runs of equal load differ than the luck of single requests explains, as a variance ratio.
	Spread   float64 `json:"spread"`
	Sentence string  `json:"sentence"`
}

// CapacityPoint is one number of users.
type CapacityPoint struct {
	Arm      int       `json:"arm"`
	Users    int       `json:"users"`
	Runs     []RunID   `json:"runs"` // that have ended
	Met      int       `json:"met"`
	Requests int       `json:"requests"`
	Share    *float64  `json:"share"`                    // of the requests that met all objectives; null before a run was measured
	Interval *Interval `json:"interval" nullable:"true"` // of that share
	Holds    string    `json:"holds" enum:"unknown,likely,shown,unlikely,refuted"`
	Reason   string    `json:"reason"` // what stood in the way; empty where the objectives hold
}
