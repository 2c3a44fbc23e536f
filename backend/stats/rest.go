package stats

import "github.com/inferometer/inferometer/backend/domain"

// rests is how the pauses of a run ended that were to cool the machine.
type rests struct {
	limitC  float64
	count   int
	warm    int      // those that ended above the limit
	worstC  *float64 // the highest temperature at the end of one
	unknown bool     // no temperature was read
}

// restsOf looks at the last reading of each rest; the plan says what it was waited for.
func restsOf(in Input) rests {
	if in.Plan.Rest == nil || in.Plan.Rest.BelowC == nil {
		return rests{}
	}
	out := rests{limitC: *in.Plan.Rest.BelowC}
	for i, c := range in.Phases {
		if c.Phase != domain.PhaseRest || i+1 == len(in.Phases) || in.Phases[i+1].Phase == domain.PhaseStop {
			continue // it was broken off
		}
		out.count++
		heat := lastHeat(in.Samples, span{c.TUs, in.Phases[i+1].TUs})
		if heat == nil {
			out.unknown = true
			continue
		}
		if *heat > out.limitC {
			out.warm++
		}
		if out.worstC == nil || *heat > *out.worstC {
			out.worstC = heat
		}
	}
	return out
}

// lastHeat is the last temperature read within a span.
func lastHeat(samples []domain.Sample, within span) *float64 {
	var heat *float64
	at := within.from
	for i := range samples {
		if s := &samples[i]; s.Phase == domain.PhaseRest && s.TUs >= at && s.TUs <= within.to {
			if t := s.HottestC(); t != nil {
				heat, at = t, s.TUs
			}
		}
	}
	return heat
}
