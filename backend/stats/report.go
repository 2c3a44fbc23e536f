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

// Report computes everything that is derived from a run's raw records. Warm-up requests are
// excluded everywhere; latencies and tokens count successful requests only.
func Report(in Input) domain.Report {
	m := measured(in.Requests)
	window := windowOf(m.all)
	readings := measuredSamples(in.Samples, in.Phases)
	rep := domain.Report{
		Summary:         summarise(in.Plan, m, window),
		HardwareMetrics: hardware(readings, in.Sensors, in.GPUs),
	}
	if window.ok {
		s := window.seconds()
		rep.DurationS = &s
	}
	if len(m.ok) > 0 {
		tokens := rep.Summary.Tokens.Output
		rep.TokensGenerated = &tokens
		rep.Output = m.ok[0].Output
	}
	facts := observe(in, m, window, readings)
	rep.Warnings = facts.warnings()
	rep.Validity = facts.validity()
	return rep
}

// set holds the measured requests: all of them, and the successful ones.
type set struct {
	all, ok []domain.RequestRecord
}

func measured(requests []domain.RequestRecord) set {
	var s set
	for _, r := range requests {
		if r.Phase != domain.PhaseMeasure {
			continue
		}
		s.all = append(s.all, r)
		if r.Outcome == domain.OutcomeOK {
			s.ok = append(s.ok, r)
		}
	}
	return s
}

// window is the measured time in microseconds from the start of the run.
type window struct {
	from, to int64
	ok       bool // there is one
}

func (w window) seconds() float64 { return float64(w.to-w.from) / 1e6 }

// windowOf spans from the first request sent to the last one ended, so that the window of one
// request is its E2E.
func windowOf(requests []domain.RequestRecord) window {
	var w window
	for _, r := range requests {
		end := ended(r)
		if !w.ok {
			w = window{from: r.SentUs, to: end, ok: true}
			continue
		}
		w.from = min(w.from, r.SentUs)
		w.to = max(w.to, end)
	}
	w.ok = w.ok && w.to > w.from
	return w
}

// ended is when a request ended: a successful one with its last content, another one when its
// stream was closed.
func ended(r domain.RequestRecord) int64 {
	if r.Outcome == domain.OutcomeOK && r.LastUs != nil {
		return r.SentUs + *r.LastUs
	}
	return released(r)
}

// released is when a request gave its place free, whatever its outcome.
func released(r domain.RequestRecord) int64 {
	end := r.SentUs
	if r.LastUs != nil {
		end = max(end, r.SentUs+*r.LastUs)
	}
	if r.ClosedUs != nil {
		end = max(end, r.SentUs+*r.ClosedUs)
	}
	return end
}
