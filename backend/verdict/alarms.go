package verdict

import (
	"fmt"

	"github.com/inferometer/inferometer/backend/domain"
)

const (
	mostMBUPct = 105.0 // of the peak: more cannot be read, so a figure is wrong
	// peakError is how far the measured peak of reading may be off; the theoretical one of a GPU is
	// none that memory could pass.
	peakError = 0.20
	// cacheShare is the part of the area of the bandwidth's measurement that a cache may hold: the area
	// is at least four times the last-level cache.
	cacheShare = 4
)

// Alarm is a check of validity that needs the figures of the run, with the warning that goes with it.
type Alarm struct {
	Check   domain.Check
	Warning *domain.Warning // nil: nothing to warn of
}

func (a *Alarm) raise(level, message string) {
	a.Check.State = level
	a.Warning = &domain.Warning{Code: a.Check.Code, Level: level, Message: message}
}

// Alarms holds a run's figures against what is possible at all, and the split of the model against
// what was asked. Nil for a run at an endpoint, or in which nothing succeeded.
func Alarms(r domain.Run) []Alarm {
	if r.Summary == nil || r.Summary.Requests.OK == 0 || r.Plan.EndpointID != nil {
		return nil
	}
	s := look(r, nil, nil)
	return []Alarm{impossible(s), partialOffload(s)}
}

// impossible raises a decode speed that memory cannot deliver: tokens were miscounted, replies came
// out of a cache, or a draft model was at work without saying so.
func impossible(s scene) Alarm {
	a := Alarm{Check: domain.Check{Code: "impossible", State: "unknown", Unit: "%", Limit: new(mostMBUPct)}}
	read, peak, why, ok := s.decodeLoad()
	switch {
	case !ok:
		a.Check.Detail = why
		return a
	case !s.alone():
		a.Check.Detail = "Several requests at a time share each reading of the weights, so memory gives no ceiling."
		return a
	}
	mbu := 100 * read / peak
	a.Check.State, a.Check.Value = "ok", &mbu
	a.Check.Detail = "Memory bandwidth that the decode speed needs, of what memory delivers."
	switch {
	case mbu <= mostMBUPct:
	case s.mayLieInCache():
		a.Check.State = "unknown"
		a.Check.Detail = "The decode speed needs more than memory delivers, but the weights are small enough to lie in a cache."
	case s.gpu || mbu > mostMBUPct*(1+peakError):
		a.raise("invalid", fmt.Sprintf("The decode speed needs %.0f %% of the memory bandwidth (limit %.0f %%), which cannot be: tokens were miscounted, or answers came from a cache or a draft model.", mbu, mostMBUPct))
	default:
		a.raise("caution", fmt.Sprintf("The decode speed needs %.0f %% of the memory bandwidth (limit %.0f %%); measure the bandwidth again.", mbu, mostMBUPct))
	}
	return a
}

// mayLieInCache reports whether what a token reads may fit the processor's cache.
func (s scene) mayLieInCache() bool {
	b := s.env.Bandwidth
	bytes, _ := s.bytesPerToken()
	return !s.gpu && b != nil && bytes <= float64(b.Bytes)/cacheShare
}

// partialOffload raises a model that was to be on the GPU and is there in part or not at all. A plan
// that only leaves the GPU on by default is told so; one that asks for it is warned.
func partialOffload(s scene) Alarm {
	a := Alarm{Check: domain.Check{Code: "offload_partial", State: "ok", Unit: "layers"}}
	f := offload(s)
	switch {
	case f == nil && !s.run.Plan.UseGPU:
		a.Check.Detail = "The run was to use the processor alone."
		return a
	case f == nil:
		a.Check.State, a.Check.Detail = "unknown", "This machine has no GPU that can be read."
		return a
	}
	a.Check.Value, a.Check.Limit, a.Check.Detail = f.fact.Value, f.fact.Limit, f.fact.Claim
	switch f.state {
	case unjudged:
		a.Check.State = "unknown"
	case holds:
		message := f.sentence
		for _, cost := range f.more {
			message += " " + cost.Claim
		}
		a.raise("caution", message)
	}
	return a
}
