// Package stats turns a run's raw records into figures: summaries, hardware means, warnings, the
// verdict on validity, and the same run as other tools would report it. It is pure: no clock, no
// I/O, no randomness, and the same input gives the same report. It never changes a record.
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
	Prices   domain.EnergyPrices
	Facts    map[string]string // of the machine, as Environment.Extra has them
	// Interference names who took the processor while the run was contended.
	Interference []domain.Interference
}

// Report computes everything that is derived from a run's raw records. Warm-up and cool-down
// requests are excluded everywhere but from the load they put on the server; latencies and tokens
// count successful requests only. With several stages each has its own figures, and those of the
// whole pool their requests.
func Report(in Input) domain.Report { return reportOf(in, true) }

// reportOf leaves out how well the figures are known where nobody asks for it.
func reportOf(in Input, sure bool) domain.Report {
	parts := stages(in)
	t := tally{plan: in.Plan, objectives: objectives(in.Plan), sure: sure}
	var whole set
	var timing timing
	var seen readings
	var client clientFacts
	var moved drift
	summary := domain.Summary{Stages: make([]domain.Stage, 0, len(parts))}
	for _, p := range parts {
		s := t.stage(p)
		var own []domain.Sample
		if p.begun() {
			own = p.readings(in.Samples)
			h := hardware(own, in.Sensors, in.GPUs)
			s.Hardware = &h
		}
		if len(p.all) > 0 {
			client = client.worse(p.client(s.Summary, own))
			moved = moved.worse(p.drift(len(parts)))
			s.Course = p.course(len(parts))
		}
		whole, timing = whole.plus(p.set), timing.plus(p.timing)
		seen = seen.plus(own, p.rests)
		summary.Stages = append(summary.Stages, s)
	}
	summary.Figures = t.pooled(summary.Stages, whole, timing)
	addEnergy(in, parts, &summary)
	summary.BestStage = best(summary.Stages)
	summary.Steady = steadySpeed(parts, whole)
	f := observe(in, whole, timing, seen, client)
	f.conditions = conditions(in, seen.samples, moved)
	f.courses = courseWarnings(summary.Stages, moved)
	return conclude(in, summary, whole, timing, f, seen.samples)
}

// conclude puts the report together.
func conclude(in Input, s domain.Summary, whole set, at timing, f facts, samples []domain.Sample) domain.Report {
	f.clockDelta = s.ClockDeltaPercent
	rep := domain.Report{
		Summary: s, HardwareMetrics: hardware(samples, in.Sensors, in.GPUs),
		Warnings: f.warnings(), Validity: f.validity(),
	}
	if at.seconds > 0 {
		rep.DurationS = &at.seconds
	}
	if len(whole.ok) > 0 {
		tokens := s.Tokens.Output
		rep.TokensGenerated = &tokens
		rep.Output = whole.ok[0].Output
	}
	return rep
}

// record is a raw record as this package handles it: by reference, since it is large.
type record = *domain.RequestRecord

// set holds the measured requests: all of them, the successful ones, and what else was under way.
type set struct {
	all, ok, around []record
}

// add takes one record of a stage into the set.
func (s *set) add(r record) {
	if r.Phase != domain.PhaseMeasure {
		s.around = append(s.around, r)
		return
	}
	s.all = append(s.all, r)
	if r.Outcome == domain.OutcomeOK {
		s.ok = append(s.ok, r)
	}
}

func (s set) plus(o set) set {
	if len(s.all) == 0 {
		return o
	}
	return set{all: append(s.all, o.all...), ok: append(s.ok, o.ok...), around: append(s.around, o.around...)}
}

// timing is when the requests of one stage ran; added up, of several.
type timing struct {
	from, to int64   // the window, in µs from the start of the run; of the first stage when added up
	seconds  float64 // the window, or the sum of the windows; 0: there is none
	busy     float64 // request seconds in flight within it
	arrivals int     // gaps between due times
	dueS     float64 // and the seconds they span
}

// timingOf spans from the first request sent (in an open loop: due) to the last one ended, so that
// the window of one request is its E2E. Rests between repetitions are left out.
func timingOf(s set, rests []span) timing {
	var t timing
	var firstDue, lastDue int64
	due, begun := 0, false
	for _, r := range s.all {
		from, to := begins(r), ended(r)
		if !begun {
			t.from, t.to, begun = from, to, true
		}
		t.from, t.to = min(t.from, from), max(t.to, to)
		if r.DueUs != nil {
			if due == 0 {
				firstDue, lastDue = *r.DueUs, *r.DueUs
			}
			firstDue, lastDue = min(firstDue, *r.DueUs), max(lastDue, *r.DueUs)
			due++
		}
	}
	if t.to <= t.from {
		return timing{}
	}
	whole := span{t.from, t.to}
	t.seconds = whole.seconds() - whole.shared(rests)
	t.busy = s.load(t.from, t.to)
	if due > 1 && lastDue > firstDue {
		whole = span{firstDue, lastDue}
		t.arrivals, t.dueS = due-1, whole.seconds()-whole.shared(rests)
	}
	return t
}

func (t timing) plus(o timing) timing {
	if t.seconds == 0 {
		return o
	}
	t.seconds += o.seconds
	t.busy += o.busy
	t.arrivals += o.arrivals
	t.dueS += o.dueS
	return t
}

// load is the integral of requests in flight over a time, in request seconds.
func (s set) load(from, to int64) float64 {
	var us int64
	for _, list := range [2][]record{s.all, s.around} {
		for _, r := range list {
			if r.Outcome != domain.OutcomeDropped {
				us += max(0, min(released(r), to)-max(r.SentUs, from))
			}
		}
	}
	return float64(us) / 1e6
}

// begins is when a request counts from: its due time in an open loop.
func begins(r record) int64 {
	if r.DueUs != nil {
		return *r.DueUs
	}
	return r.SentUs
}

// ended is when a request ended: a successful one with its last content, another one when its
// stream was closed.
func ended(r record) int64 {
	if r.Outcome == domain.OutcomeDropped {
		return begins(r)
	}
	if r.Outcome == domain.OutcomeOK && r.LastUs != nil {
		return r.SentUs + *r.LastUs
	}
	return released(r)
}

// released is when a request gave its place free, whatever its outcome.
func released(r record) int64 {
	end := r.SentUs
	if r.LastUs != nil {
		end = max(end, r.SentUs+*r.LastUs)
	}
	if r.ClosedUs != nil {
		end = max(end, r.SentUs+*r.ClosedUs)
	}
	return end
}
