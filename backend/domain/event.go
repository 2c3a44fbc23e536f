package domain

import "time"

// EventKind names a live event; the same on Wails events and server-sent events.
type EventKind string

// The kinds of live event.
const (
	EventRunCreated       EventKind = "run.created"        // data: Run
	EventRunPhase         EventKind = "run.phase"          // data: RunPhaseEvent
	EventRunProgress      EventKind = "run.progress"       // data: RunProgressEvent, at most 4 a second
	EventRunFinished      EventKind = "run.finished"       // data: Run
	EventTelemetry        EventKind = "telemetry"          // data: TelemetryEvent, 4 a second
	EventDownloadProgress EventKind = "download.progress"  // data: Download
	EventQuality          EventKind = "quality.changed"    // data: Quality, at most 4 a second while it runs
	EventBandwidth        EventKind = "bandwidth.progress" // data: BandwidthEvent
	EventAlert            EventKind = "alert"              // data: Alert; new, changed or acknowledged
	EventLog              EventKind = "log"                // data: LogRecord
	EventReset            EventKind = "reset"              // data: ResetEvent; the past cannot be replayed: read anew
)

// Event is the envelope of every live event. ID is "EPOCH-N": EPOCH names the process, N counts.
type Event struct {
	ID   string    `json:"id"`
	Kind EventKind `json:"kind"`
	At   time.Time `json:"at"`
	Data any       `json:"data"`
}

// RunPhaseEvent is the payload of run.phase.
type RunPhaseEvent struct {
	JobID RunID `json:"job_id"`
	PhaseChange
}

// RunProgressEvent is the payload of run.progress. Requests holds what ended since the last one,
// without chunks; InFlight what is under way; Text is new output of the followed request.
type RunProgressEvent struct {
	JobID    RunID           `json:"job_id"`
	Progress Progress        `json:"progress"`
	Requests []RequestRecord `json:"requests"`
	InFlight []InFlight      `json:"in_flight"`
	Text     string          `json:"text"`    // new visible text of request TextOf since the last event
	TextOf   *int            `json:"text_of"` // n of that request; null when none
	// Speed holds output tokens per second of each 250 ms slot since the last event.
	Speed []SpeedPoint `json:"speed"`
}

// SpeedPoint is the output throughput of one slot that ends at TMs from the start of the run.
type SpeedPoint struct {
	TMs      float64  `json:"t_ms"`
	TokensPS float64  `json:"tokens_per_second"`
	ITLP50Ms *float64 `json:"itl_p50_ms"`
	ITLP99Ms *float64 `json:"itl_p99_ms"` // null below 100 gaps
}

// InFlight is a request under way.
type InFlight struct {
	N        int      `json:"n"`
	Phase    string   `json:"phase"` // prefill, decode
	AgeMs    float64  `json:"age_ms"`
	TTFTMs   *float64 `json:"ttft_ms"`
	Tokens   int      `json:"tokens"`
	TokensPS *float64 `json:"tokens_per_second"`
}

// TelemetryEvent is the payload of telemetry: the samples since the last one. JobID is empty
// outside a run.
type TelemetryEvent struct {
	JobID   RunID    `json:"job_id"`
	Samples []Sample `json:"samples"`
}

// ResetEvent is the payload of reset. Dropped is how many events the subscriber lost for being slow; 0 when it came
// back too late or from another process.
type ResetEvent struct {
	Dropped int `json:"dropped"`
}

// LogRecord is one line of the program's log.
type LogRecord struct {
	At        time.Time         `json:"at"`
	Level     string            `json:"level"`
	Component string            `json:"component"`
	Message   string            `json:"message"`
	Attrs     map[string]string `json:"attrs"`
}
