package verdict

import (
	"fmt"

	"github.com/inferometer/inferometer/backend/domain"
)

const (
	queueGrowth = 2.0 // TTFT of many users against that of few
	queueDecode = 0.8 // while decoding for each user keeps this share of its speed
)

// client takes over what the validity check found about the measuring program.
func client(s scene) *finding {
	if s.run.Validity == nil {
		return nil
	}
	for _, c := range s.run.Validity.Checks {
		if c.Code != "client" {
			continue
		}
		f := finding{state: excluded, fact: domain.LimitFact{About: domain.LimitClient, Claim: c.Detail, Value: c.Value, Limit: c.Limit, Unit: c.Unit}}
		switch c.State {
		case "caution", "invalid":
			f.state = holds
			f.sentence = "The measuring program itself could not keep up; this is not the engine's limit."
		case "unknown":
			f.state = unjudged
		}
		return &f
	}
	return nil
}

// queue looks for requests that wait in the server: more under way than it serves at a time, or a
// first token that comes later with more users while decoding for each of them holds.
func queue(s scene) *finding {
	slots, many := float64(s.env.Engine.Slots), s.underWay()
	if slots > 0 && many > slots*oneAtATime {
		return &finding{state: holds, reached: many, ceiling: slots, unit: "requests", from: "Requests that the server serves at a time.",
			fact:     fact(domain.LimitQueue, many, slots, "requests", "On average %.1f requests were under way; the server serves %.0f at a time.", many, slots),
			sentence: fmt.Sprintf("Requests wait in the server: on average %.1f were under way, and it serves %.0f at a time.", many, slots)}
	}
	if f := growth(s); f != nil {
		return f
	}
	if slots == 0 && !s.alone() {
		return silent(domain.LimitQueue, "The server does not say how many requests it serves at a time.")
	}
	return &finding{state: excluded, fact: fact(domain.LimitQueue, many, slots, "requests", "On average %.1f requests were under way, so none waits for a place in the server.", many)}
}

// growth compares the stages with the fewest and the most users.
func growth(s scene) *finding {
	var few, most *domain.Stage
	for i := range s.run.Summary.Stages {
		st := &s.run.Summary.Stages[i]
		if st.Concurrency < 1 || st.Summary == nil || st.Summary.TTFTMs.P50 == nil || st.Summary.DecodeTokensPerSecond == nil {
			continue
		}
		if few == nil || st.Concurrency < few.Concurrency {
			few = st
		}
		if most == nil || st.Concurrency > most.Concurrency {
			most = st
		}
	}
	if few == nil || few.Concurrency == most.Concurrency || *few.Summary.TTFTMs.P50 <= 0 || *few.Summary.DecodeTokensPerSecond <= 0 {
		return nil
	}
	later := *most.Summary.TTFTMs.P50 / *few.Summary.TTFTMs.P50
	kept := *most.Summary.DecodeTokensPerSecond / *few.Summary.DecodeTokensPerSecond
	if later < queueGrowth || kept < queueDecode {
		return nil
	}
	f := finding{state: holds, fact: fact(domain.LimitQueue, later, queueGrowth, "×",
		"From %d to %d users the first token takes %.1f times as long, while decoding for each user keeps %.0f %% of its speed.",
		few.Concurrency, most.Concurrency, later, 100*kept)}
	f.fact.FromUs, f.fact.ToUs = most.StartUs, most.EndUs
	f.sentence = fmt.Sprintf("Requests wait for their turn: from %d to %d users the first token takes %.1f times as long, while decoding for each user holds.",
		few.Concurrency, most.Concurrency, later)
	return &f
}
