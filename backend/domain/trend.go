package domain

import "time"

// Trend is one figure of one thing that was measured again and again: a model with the same settings on the
// same machine. What may change within it is what is watched: the build of the engine, drivers, the system.
type Trend struct {
	ID      string        `json:"id"` // of the series, the same for every figure
	Model   string        `json:"model"`
	Engine  string        `json:"engine"`
	Load    string        `json:"load"`
	Machine string        `json:"machine"` // its processor
	Metric  string        `json:"metric"`
	Unit    string        `json:"unit"`
	Better  string        `json:"better"`  // higher, lower
	Points  []TrendPoint  `json:"points"`  // by time
	Levels  []TrendLevel  `json:"levels"`  // by time: one more than there are changes
	Changes []TrendChange `json:"changes"` // where the level moved, by time
}

// TrendPoint is one run of a trend.
type TrendPoint struct {
	Run   RunID     `json:"job_id"`
	At    time.Time `json:"at"`
	Value float64   `json:"value"`
	Build string    `json:"build"` // of the engine
}

// TrendLevel is a stretch of a trend without a change.
type TrendLevel struct {
	First    RunID     `json:"first_job_id"`
	Last     RunID     `json:"last_job_id"`
	N        int       `json:"n"`
	Mean     float64   `json:"mean"`
	Interval *Interval `json:"interval" nullable:"true"` // 95 %, of the mean over runs; null below two runs
}

// TrendChange is where a trend moved to another level.
type TrendChange struct {
	Run     RunID     `json:"job_id"` // the first run of the new level
	At      time.Time `json:"at"`
	Before  float64   `json:"before"` // means of the levels
	After   float64   `json:"after"`
	Percent float64   `json:"percent"` // of the level before
	// Interval is of Percent: 95 %, over runs. It takes the place of the change as given.
	Interval    *Interval    `json:"percent_interval" nullable:"true"`
	P           float64      `json:"p"`         // chance of so clear a step in a history without it
	Direction   string       `json:"direction"` // better, worse
	BuildBefore string       `json:"build_before"`
	BuildAfter  string       `json:"build_after"`
	Differs     []Difference `json:"differs"` // what most runs before have otherwise than most runs after: values before and after
}
