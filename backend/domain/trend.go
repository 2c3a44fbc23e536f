package domain

import "time"

// Trend is one figure of one thing that was measured again and again: a model with the same settings on the
// same machine. The build of the engine may change within it.
type Trend struct {
	Model   string        `json:"model"`
	Engine  string        `json:"engine"`
	Load    string        `json:"load"`
	Machine string        `json:"machine"` // its processor
	Metric  string        `json:"metric"`
	Unit    string        `json:"unit"`
	Better  string        `json:"better"`  // higher, lower
	Points  []TrendPoint  `json:"points"`  // by time
	Changes []TrendChange `json:"changes"` // where the level moved, by time
}

// TrendPoint is one run of a trend.
type TrendPoint struct {
	Run   RunID     `json:"job_id"`
	At    time.Time `json:"at"`
	Value float64   `json:"value"`
	Build string    `json:"build"` // of the engine
}

// TrendChange is where a trend moved to another level.
type TrendChange struct {
	Run         RunID     `json:"job_id"` // the first run of the new level
	At          time.Time `json:"at"`
	Before      float64   `json:"before"` // means of the levels
	After       float64   `json:"after"`
	Percent     float64   `json:"percent"`   // of the level before
	P           float64   `json:"p"`         // chance of so clear a step in a history without it
	Direction   string    `json:"direction"` // better, worse
	BuildBefore string    `json:"build_before"`
	BuildAfter  string    `json:"build_after"`
}
