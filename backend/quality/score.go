package quality

import (
	"slices"
	"strings"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/stats/infer"
)

const confidence = 0.95

// Answers grades the records of a task pack, in the order of the pack.
func Answers(language string, records []domain.QualityRecord) []domain.QualityAnswer {
	tasks, _ := Tasks(language)
	out := []domain.QualityAnswer{}
	for _, t := range tasks {
		i := slices.IndexFunc(records, func(r domain.QualityRecord) bool { return r.Item == t.ID && r.Answer != nil })
		if i < 0 {
			continue
		}
		r := records[i].Answer
		a := domain.QualityAnswer{Task: t.ID, Group: t.Group, Prompt: t.Prompt, Expected: t.Expected(), Answer: strings.TrimSpace(Visible(r.Text)),
			Outcome: r.Outcome, Finish: r.Finish, Tokens: r.Tokens, TotalMs: float64(r.TotalUs) / 1000}
		if r.Outcome == domain.OutcomeOK {
			a.Right, a.Reason = Grade(t, r.Text)
			if Unfinished(*r) {
				a.Reason = WrongUnfinished
			}
		} else {
			a.Reason = r.Error
		}
		out = append(out, a)
	}
	return out
}

// ScoreTasks counts the right ones of graded answers. A request that failed says nothing about the
// answer; it is counted apart.
func ScoreTasks(answers []domain.QualityAnswer) domain.TaskScore {
	s := domain.TaskScore{Groups: []domain.TaskGroup{}, Broken: []domain.SignSeen{}, Verdict: "nothing"}
	var signs Signs
	for _, a := range answers {
		if a.Outcome != domain.OutcomeOK {
			s.Failed++
			continue
		}
		if a.Reason != WrongUnfinished {
			signs.Add(a.Prompt, a.Answer)
		}
		i := slices.IndexFunc(s.Groups, func(g domain.TaskGroup) bool { return g.Name == a.Group })
		if i < 0 {
			i, s.Groups = len(s.Groups), append(s.Groups, domain.TaskGroup{Name: a.Group})
		}
		s.Asked++
		s.Groups[i].Asked++
		if a.Right {
			s.Right++
			s.Groups[i].Right++
		}
	}
	if s.Asked == 0 {
		return s
	}
	s.Percent = new(100 * float64(s.Right) / float64(s.Asked))
	if in, ok := infer.ShareInterval(s.Right, s.Asked, confidence); ok {
		s.Interval = &domain.Interval{100 * in.Low, 100 * in.High}
	}
	s.Verdict = "scored"
	// A model that gets most answers right is understood, whatever else its answers look like.
	if s.Broken = signs.Broken(); len(s.Broken) > 0 && s.Right*2 <= s.Asked {
		s.Verdict = "broken"
	} else {
		s.Broken = []domain.SignSeen{}
	}
	return s
}

// How long an answer may get: no right one is nearly as long. Thinking may take more.
const (
	mostAnswer = 1200 // characters
	// MostTokens is what an engine is asked for at first, MostThought once a model was seen to think. The first
	// bounds a model that says nothing for ever, token by token.
	MostTokens  = 400
	MostThought = 4096
)

// Unfinished reports whether a model was still thinking when its tokens ran out.
func Unfinished(r domain.AnswerRecord) bool {
	thought := r.Reasoning || strings.TrimSpace(r.Text) != ""
	return thought && r.Finish == "length" && strings.TrimSpace(Visible(r.Text)) == ""
}

// LongEnough reports whether an answer has gone on for so long that it needs no more: what is right would
// have come.
func LongEnough(text string) bool {
	if strings.HasPrefix(strings.TrimLeft(text, " \n\r\t"), "<think>") && !strings.Contains(text, "</think>") {
		return false
	}
	return len(Visible(text)) > mostAnswer
}
