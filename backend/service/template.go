package service

import (
	"fmt"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/quality"
)

// leastJudged is how many tokens an answer must have to say something about the chat template.
const leastJudged = 8

// templateSigns collects signs of a broken chat template over the answers of a run, so that a model that is
// fast at nonsense is not celebrated. Answers of made prompts and of raw completion say nothing about it.
type templateSigns struct {
	judged bool
	signs  quality.Signs
}

// see looks at a record while its texts are there.
func (t *templateSigns) see(p domain.Plan, r domain.RequestRecord) {
	if p.Raw || p.Synthetic != nil || r.Phase != domain.PhaseMeasure || r.Outcome != domain.OutcomeOK || r.Output == nil || or(r.OutputTokens, 0) < leastJudged {
		return
	}
	t.judged = true
	t.signs.AddForced(or(r.Prompt, ""), *r.Output)
}

// tell adds what was seen to the run.
func (t *templateSigns) tell(r *domain.Run) {
	if !t.judged || r.Validity == nil {
		return
	}
	saw := map[string]string{
		quality.SignTokens: "%d of %d answers begin with tokens that only frame messages.",
		quality.SignEcho:   "%d of %d answers begin with the question.",
		quality.SignEmpty:  "%d of %d answers hold no text.",
	}
	for _, sign := range t.signs.Broken() {
		text, told := saw[sign.Code]
		if !told {
			continue
		}
		text = fmt.Sprintf(text, sign.Answers, sign.Of)
		share, limit := 100*float64(sign.Answers)/float64(sign.Of), 0.0
		r.Validity.Add(domain.Check{Code: "chat_template", State: "caution", Value: &share, Limit: &limit, Unit: "%", Detail: text})
		r.Warnings = append(r.Warnings, domain.Warning{Code: "broken_template", Level: "caution",
			Message: text + " The chat template looks broken; the speed is not that of a working model."})
		return // one is enough to tell
	}
}
