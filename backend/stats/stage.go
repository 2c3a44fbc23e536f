package stats

import (
	"fmt"
	"math"
	"slices"

	"github.com/inferometer/inferometer/backend/domain"
)

// The states of a stage.
const (
	stagePlanned = "planned"
	stageDone    = "done"
	stagePartial = "partial" // it was cut off before a limit of its stop rule was reached
)

// part is one stage with what was recorded of it.
type part struct {
	set
	timing
	mark     domain.StageMark
	stop     domain.Stop
	from, to int64  // when it ran, in µs from the start of the run; from is -1 before it began
	rests    []span // pauses between its repetitions, part of no figure
	closed   bool   // something came after it
	last     bool   // no further stage began
}

func (p part) begun() bool { return p.from >= 0 || len(p.all) > 0 }

// end is when its last request ended, or else when the phase did.
func (p part) end() int64 {
	if p.seconds > 0 {
		return min(p.to, p.timing.to)
	}
	return p.to
}

// stages groups the records by stage. Which stages there were is told by the phase changes; the
// plan knows those that have not begun.
func stages(in Input) []part {
	parts := map[int]*part{}
	get := func(index int) *part {
		if parts[index] == nil {
			parts[index] = &part{mark: markOf(in.Plan, index), stop: stopOf(in.Plan, index), from: -1, to: math.MaxInt64}
		}
		return parts[index]
	}
	for i := range max(1, len(in.Plan.Stages)) {
		get(i)
	}
	place(in.Phases, get)
	share(in.Requests, get)
	out := make([]part, 0, len(parts))
	for _, p := range parts {
		p.timing = timingOf(p.set, p.rests)
		out = append(out, *p)
	}
	slices.SortFunc(out, func(a, b part) int { return a.mark.Index - b.mark.Index })
	for i := len(out) - 1; i >= 0; i-- {
		if out[i].begun() {
			out[i].last = true
			break
		}
	}
	return out
}

// place tells each part when it ran. A stage that is measured again after a rest goes on.
func place(phases []domain.PhaseChange, get func(int) *part) {
	var current, rested *part // whose requests may still run, and what a rest came after
	for _, c := range phases {
		if current != nil {
			current.to, current.closed = c.TUs, true
		}
		switch c.Phase {
		case domain.PhaseCooldown, domain.PhaseDrain:
			continue // its last requests still run: it goes on to the phase after
		case domain.PhaseRest:
			current, rested = nil, current
		case domain.PhaseMeasure:
			index := 0
			if c.Stage != nil {
				index = c.Stage.Index
				get(index).mark = *c.Stage
			}
			current = get(index)
			if current == rested {
				current.rests = append(current.rests, span{current.to, c.TUs})
			} else {
				current.from = c.TUs
			}
			current.to, current.closed, rested = math.MaxInt64, false, nil
		default:
			current = nil
		}
	}
}

// share gives each record to its stage. Warm-ups are left out: they end before a window begins.
func share(records []domain.RequestRecord, get func(int) *part) {
	for i := range records {
		if r := &records[i]; r.Phase == domain.PhaseMeasure || r.Phase == domain.PhaseCooldown {
			get(r.Stage).add(r)
		}
	}
}

// markOf is the stage as the plan has it, and the plan's load where it lists no stages.
func markOf(plan domain.Plan, index int) domain.StageMark {
	for _, s := range plan.Stages {
		if s.Index == index {
			return domain.StageMark{Index: index, Name: s.Name, Load: s.Load, DepthTokens: s.DepthTokens}
		}
	}
	return domain.StageMark{Index: index, Load: plan.Load}
}

func stopOf(plan domain.Plan, index int) domain.Stop {
	for _, s := range plan.Stages {
		if s.Index == index {
			return s.Stop
		}
	}
	return plan.Stop
}

// StageOf computes one stage from its records; records of other stages and phases are passed over.
// It is what a search for the limit judges a stage by while the run is still under way; phases are those
// so far.
func StageOf(plan domain.Plan, mark domain.StageMark, records []domain.RequestRecord, phases []domain.PhaseChange) domain.Stage {
	p := part{mark: mark, stop: stopOf(plan, mark.Index), from: -1}
	others := map[int]*part{}
	place(phases, func(index int) *part {
		if index == mark.Index {
			return &p
		}
		if others[index] == nil {
			others[index] = &part{}
		}
		return others[index]
	})
	p.mark, p.from, p.closed = mark, -1, true
	for i := range records {
		r := &records[i]
		if r.Stage == mark.Index && (r.Phase == domain.PhaseMeasure || r.Phase == domain.PhaseCooldown) {
			p.add(r)
		}
	}
	p.timing = timingOf(p.set, p.rests)
	t := tally{plan: plan, objectives: objectives(plan)}
	return t.stage(p)
}

// stage computes the figures of one stage.
func (t *tally) stage(p part) domain.Stage {
	asked := askedOf(p.mark.Load)
	s := domain.Stage{
		Index: p.mark.Index, Name: p.mark.Name, RatePerS: asked.rate, DepthTokens: p.mark.DepthTokens,
		State: p.state(), Objectives: []domain.ObjectiveResult{},
	}
	if asked.users != nil {
		s.Concurrency = *asked.users
	}
	if s.Name == "" {
		s.Name = nameOf(p.mark.Load)
	}
	if p.from >= 0 {
		s.StartUs = &p.from
	}
	if end := p.end(); p.from >= 0 && p.closed {
		s.EndUs = &end
	}
	if p.seconds > 0 && s.StartUs == nil {
		s.StartUs, s.EndUs = &p.timing.from, &p.timing.to
	}
	if len(p.all) > 0 {
		f := t.figures(p.set, p.timing, asked)
		s.Summary = &f
		s.Objectives = t.results
	}
	return s
}

// state says whether the stage ran to its end. Only the last one that began can have been cut off.
func (p part) state() string {
	switch {
	case !p.begun():
		return stagePlanned
	case slices.ContainsFunc(p.all, func(r record) bool {
		return r.Outcome == domain.OutcomeCanceled || r.ErrorClass == domain.ErrClassEngine
	}):
		return stagePartial
	case p.last && (!p.closed && p.from >= 0 || !p.reached()):
		return stagePartial
	}
	return stageDone
}

// reached reports whether a limit of the stop rule was met, or there is none to tell by. A trace
// also ends when it has been replayed.
func (p part) reached() bool {
	failed, tokens := 0, 0
	for _, r := range p.all {
		if r.Outcome == domain.OutcomeError || r.Outcome == domain.OutcomeIncomplete {
			failed++
		}
		if r.OutputTokens != nil {
			tokens += *r.OutputTokens
		}
	}
	limits := 0
	met := func(limit *int, have int) bool {
		if limit == nil {
			return false
		}
		limits++
		return have >= *limit
	}
	if met(p.stop.Requests, len(p.all)) || met(p.stop.Tokens, tokens) || met(p.stop.Errors, failed) {
		return true
	}
	if p.stop.DurationS != nil && p.mark.Load.Kind != domain.LoadTrace {
		return p.from < 0 || float64(p.to-p.from)/1e6 >= *p.stop.DurationS
	}
	return limits == 0 || p.mark.Load.Kind == domain.LoadTrace
}

// asked is the load a stage asks for: users, or arrivals per second.
type asked struct {
	users *int
	rate  *float64
}

// askedOf reads it from the load; of a ramp it is the highest, of a trace unknown.
func askedOf(l domain.Load) asked {
	switch {
	case l.Kind == domain.LoadTrace:
		return asked{}
	case l.Open() && l.Kind == domain.LoadRamp:
		return asked{rate: highest(l)}
	case l.Open():
		return asked{rate: l.RatePerS}
	case l.Kind == domain.LoadRamp && l.To != nil:
		users := int(math.Round(*highest(l)))
		return asked{users: &users}
	case l.Concurrency != nil:
		return asked{users: l.Concurrency}
	}
	one := 1
	return asked{users: &one}
}

func highest(l domain.Load) *float64 {
	if l.From != nil && l.To != nil && *l.From > *l.To {
		return l.From
	}
	return l.To
}

// nameOf names a stage that nobody named, as the load is written on a command line.
func nameOf(l domain.Load) string {
	switch {
	case l.Concurrency != nil:
		return fmt.Sprintf("%s:%d", l.Kind, *l.Concurrency)
	case l.RatePerS != nil:
		return fmt.Sprintf("%s:%g/s", l.Kind, *l.RatePerS)
	}
	return l.Kind
}

// best is the index of the stage with the highest output throughput among those that met every
// objective, and among all of them when none did.
func best(stages []domain.Stage) *int {
	if len(stages) < 2 {
		return nil
	}
	var index *int
	var top float64
	bestMet := false
	for i := range stages {
		s := &stages[i]
		if s.Summary == nil || s.Summary.OutputTokensPerSecond == nil {
			continue
		}
		met := !slices.ContainsFunc(s.Objectives, func(o domain.ObjectiveResult) bool { return !o.Met })
		if tps := *s.Summary.OutputTokensPerSecond; index == nil || met && !bestMet || met == bestMet && tps > top {
			index, top, bestMet = &s.Index, tps, met
		}
	}
	if index == nil {
		return nil
	}
	i := *index
	return &i
}
