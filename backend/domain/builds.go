package domain

import "time"

// What is done about a build of the engine that has no runs yet.
const (
	WatchAsk    = "ask"    // the window offers to measure it
	WatchAlways = "always" // it is measured by itself
	WatchNever  = "never"
)

// Builds are the builds of the embedded engine with what was measured with them.
type Builds struct {
	Watch string          `json:"watch" enum:"ask,always,never"`
	Items []MeasuredBuild `json:"items"`
	// Offer is to measure the build that is in use against the one before; null where that has runs already, where
	// there is none before, and with watch never.
	Offer *BuildOffer `json:"offer"`
}

// MeasuredBuild is a build with its runs on this machine.
type MeasuredBuild struct {
	EngineBuild
	Chosen bool       `json:"chosen"` // it measures unless a benchmark names another
	Runs   int        `json:"runs"`   // completed ones, among the newest
	LastAt *time.Time `json:"last_run_at"`
}

// BuildOffer names what would be measured against what.
type BuildOffer struct {
	Old     string `json:"old"` // ids of builds
	New     string `json:"new"`
	ModelID string `json:"model_id"` // the installed one that was measured most with the old build
	Runs    int    `json:"runs"`     // that the suite takes, with 8 pairs
}

// BuildRequest is the body of POST /api/v1/builds/measure; what is absent is as in the offer.
type BuildRequest struct {
	Old     *string `json:"old,omitempty" minLength:"1" maxLength:"128" doc:"Id of the build that is the baseline"`
	New     *string `json:"new,omitempty" minLength:"1" maxLength:"128" doc:"Id of the build that is held against it"`
	ModelID *string `json:"model_id,omitempty" minLength:"1" maxLength:"512" doc:"Id of an installed model"`
	Pairs   *int    `json:"pairs,omitempty" minimum:"2" maximum:"100" doc:"How often each build is measured for each workload; default 8. With fewer than 8 the correction over the judged figures leaves hardly a verdict"`
}
