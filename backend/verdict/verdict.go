// Package verdict says what limited a run: it holds the run's figures and its hardware readings
// against what the machine, the engine and the model allow. It is pure: the same records give the
// same answer. It names a cause only where a reading shows it.
package verdict

import (
	"fmt"
	"strings"

	"github.com/inferometer/inferometer/backend/domain"
)

// state is what a judge found of its limit.
type state int

const (
	unjudged state = iota // it has no reading
	excluded              // its reading excludes the limit
	holds                 // its reading shows the limit
)

// finding is the answer of one judge.
type finding struct {
	state    state
	fact     domain.LimitFact
	sentence string // where the limit holds
	// reached ÷ ceiling is how close the run came; a ceiling of 0: there is none.
	reached, ceiling float64
	unit, from       string
	more             []domain.LimitFact // further readings, shown as evidence whatever the state
}

func (f finding) share() float64 { return f.reached / f.ceiling }

// Of judges a run that has its summary and its validity; nil where no request succeeded.
func Of(r domain.Run, requests []domain.RequestRecord, samples []domain.Sample) *domain.Bottleneck {
	if r.Summary == nil || r.Summary.Requests.OK == 0 {
		return nil
	}
	s := look(r, requests, samples)
	out := &domain.Bottleneck{Limit: domain.LimitUnknown, Stage: s.index, Evidence: []domain.LimitFact{},
		RuledOut: []domain.LimitFact{}, NotJudged: []domain.LimitFact{}}
	var first, closest *finding
	// The gravest comes first: what makes the figures no figures of the engine, then what keeps it
	// from its best, then the ceilings of the machine.
	for _, judge := range []func(scene) *finding{client, offload, queue, thermal, power, prefill, memory, processor, compute} {
		f := judge(s)
		if f == nil {
			continue // it does not apply to such a run
		}
		switch f.state {
		case holds:
			out.Evidence = append(out.Evidence, f.fact)
			if first == nil {
				first = f
			}
		case excluded:
			out.RuledOut = append(out.RuledOut, f.fact)
			if f.ceiling > 0 && f.share() <= 1 && (closest == nil || f.share() > closest.share()) {
				closest = f
			}
		default:
			out.NotJudged = append(out.NotJudged, f.fact)
		}
		out.Evidence = append(out.Evidence, f.more...)
	}
	switch {
	case first != nil:
		out.Limit, out.Sentence = first.fact.About, first.sentence
		figures(out, *first)
	case closest != nil:
		out.Sentence = fmt.Sprintf("No single limit found; closest is %s at %.0f %%.", nameOf(closest.fact.About), 100*closest.share())
		figures(out, *closest)
	default:
		out.Sentence = "No single limit found."
	}
	return out
}

// figures tells reached and ceiling of the limit, or of the closest one.
func figures(out *domain.Bottleneck, f finding) {
	if f.ceiling > 0 {
		out.Share, out.Reached, out.Ceiling = new(f.share()), &f.reached, &f.ceiling
		out.Unit, out.CeilingFrom = f.unit, f.from
	}
}

// nameOf is a limit as a sentence says it.
func nameOf(limit string) string { return strings.ReplaceAll(limit, "_", " ") }

// fact makes a reading; limit is 0 where there is none to hold it against.
func fact(about string, value, limit float64, unit, format string, args ...any) domain.LimitFact {
	f := domain.LimitFact{About: about, Claim: fmt.Sprintf(format, args...), Value: &value, Unit: unit}
	if limit != 0 {
		f.Limit = &limit
	}
	return f
}

// silent is the finding of a judge without a reading.
func silent(about, why string) *finding {
	return &finding{fact: domain.LimitFact{About: about, Claim: why}}
}

func or[T any](p *T, missing T) T {
	if p == nil {
		return missing
	}
	return *p
}
