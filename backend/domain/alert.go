package domain

import "time"

// The kinds of alert.
const (
	AlertLevel = "level" // the level of a series moved
	AlertRun   = "run"   // one run lies outside of where the next one was to be expected
	AlertBuild = "build" // a new build of the engine was held against the one before
)

// Alert says that a figure of something that is measured again and again is not what it was.
type Alert struct {
	ID         string       `json:"id"`
	Kind       string       `json:"kind" enum:"level,run,build"`
	CreatedAt  time.Time    `json:"created_at"`
	Series     string       `json:"series_id"` // of the trend
	Model      string       `json:"model"`
	Engine     string       `json:"engine"`
	Load       string       `json:"load"`
	Metric     string       `json:"metric"`
	Unit       string       `json:"unit"`
	Verdict    string       `json:"verdict"`                          // better, worse; of a build also equivalent, no_difference, too_few
	Before     float64      `json:"before"`                           // mean of the level before
	After      float64      `json:"after"`                            // mean of the level since, or the value of the one run
	Percent    float64      `json:"percent"`                          // of before
	Interval   *Interval    `json:"percent_interval" nullable:"true"` // 95 %, of percent; null for one run
	Expected   *Interval    `json:"expected" nullable:"true"`         // of one run: where it lay with the confidence that the rate of false alarms needs
	P          *float64     `json:"p"`                                // chance of as clear a change in a history without it
	RunsBefore int          `json:"runs_before"`                      // runs of the level before
	RunsAfter  int          `json:"runs_after"`                       // runs since
	Since      RunID        `json:"since_job_id"`                     // the first run that differs
	Run        RunID        `json:"job_id"`                           // the run after which it was seen
	Differs    []Difference `json:"differs"`                          // what changed: values before and after
	// Experiment is where a build was held against the one before; null for what was seen in a series.
	Experiment     *string    `json:"experiment_id"`
	AcknowledgedAt *time.Time `json:"acknowledged_at"` // null: nobody has seen to it
}
