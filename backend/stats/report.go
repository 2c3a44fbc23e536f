// Package stats turns a run's raw records into figures: summaries, hardware means, warnings and
// the verdict on validity. It is pure: no clock, no I/O, no randomness, and the same input gives
// the same report. It never changes a record.
package stats

import "github.com/inferometer/inferometer/backend/domain"

// Input is everything a report is computed from.
type Input struct {
	Plan     domain.Plan
	Engine   domain.EngineInfo
	Requests []domain.RequestRecord
	Samples  []domain.Sample
	Phases   []domain.PhaseChange
	Sensors  []domain.SensorInfo
	GPUs     []domain.GPUInfo
}

// Report computes everything that is derived from a run's raw records.
func Report(in Input) domain.Report { return domain.Report{} }
