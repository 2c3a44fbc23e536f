package quality

import (
	"slices"
	"strings"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
)

const question = "What is the total of the invoice? Answer with the number alone."

func TestSignsOfABrokenTemplate(t *testing.T) {
	loop := strings.Repeat("I am a helpful assistant. ", 20)
	for name, c := range map[string]struct {
		answer string
		want   string // empty: none
	}{
		"a good answer":           {"318.40", ""},
		"a long good answer":      {"The net is 267.56 and the tax 50.84, which makes 318.40 euros in all, to be paid within 30 days of the fourteenth of May. ", ""},
		"HTML is no frame":        {"<b>done</b>", ""},
		"nothing":                 {" \n", SignEmpty},
		"a ChatML token":          {"318.40<|im_end|>\n<|im_start|>user", SignTokens},
		"a Llama token":           {"318.40 [/INST] and so on", SignTokens},
		"a Gemma token":           {"318.40<end_of_turn>", SignTokens},
		"a DeepSeek token":        {"318.40<｜end▁of▁sentence｜>", SignTokens},
		"a turn of its own":       {"318.40\nuser\nAnd the tax?\nassistant\n50.84", SignTokens},
		"the same for ever":       {loop, SignRepetition},
		"one letter for ever":     {strings.Repeat("a", 300), SignRepetition},
		"the question again":      {question + " What is the total?", SignEcho},
		"only thoughts":           {"<think>hm", SignEmpty},
		"a token of the prompt":   {"318.40 <|sign|>", ""},
		"a list is no repetition": {"1. one\n2. two\n3. three\n4. four\n5. five\n6. six\n7. seven\n8. eight\n9. nine\n10. ten\n11. eleven\n12. twelve\n13. thirteen\n14. fourteen\n15. fifteen\n16. sixteen\n17. seventeen\n18. eighteen", ""},
	} {
		prompt := question
		if name == "a token of the prompt" {
			prompt += " <|sign|>"
		}
		var s Signs
		for range 5 {
			s.Add(prompt, c.answer)
		}
		seen := s.Broken()
		if c.want == "" && len(seen) > 0 || c.want != "" && (len(seen) != 1 || seen[0].Code != c.want || seen[0].Answers != 5 || seen[0].Of != 5) {
			t.Errorf("%s: %+v, want %q", name, seen, c.want)
		}
	}
}

// A few odd answers among many good ones are no broken template, and one answer is none at all.
func TestAFewSignsAreNone(t *testing.T) {
	var s Signs
	for range 38 {
		s.Add(question, "318.40")
	}
	s.Add(question, "318.40<|im_end|>")
	s.Add(question, "")
	if seen := s.Broken(); len(seen) != 0 {
		t.Errorf("%+v", seen)
	}
	var one Signs
	one.Add(question, "")
	if seen := one.Broken(); len(seen) != 0 {
		t.Errorf("of one answer: %+v", seen)
	}
}

// An answer of forced length goes on past its end, where anything may come.
func TestSignsOfForcedAnswers(t *testing.T) {
	var s Signs
	for range 4 {
		s.AddForced(question, strings.Repeat("good words here. ", 12)+"<|im_start|>user\nuser\n"+strings.Repeat("the end ", 60))
	}
	if seen := s.Broken(); len(seen) != 0 {
		t.Errorf("past the end: %+v", seen)
	}
	for range 4 {
		s.AddForced(question, "<|im_start|>assistant 318.40 "+strings.Repeat("the end ", 60))
	}
	if seen := s.Broken(); len(seen) != 1 || seen[0].Code != SignTokens || seen[0].Answers != 4 {
		t.Errorf("in the beginning: %+v", seen)
	}
}

func answered(answer func(Task) string) []domain.QualityRecord {
	tasks, _ := Tasks(English)
	var out []domain.QualityRecord
	for i, task := range tasks {
		out = append(out, domain.QualityRecord{N: i, Side: SideModel, Item: task.ID,
			Answer: &domain.AnswerRecord{Text: answer(task), Outcome: domain.OutcomeOK, Finish: "stop"}})
	}
	return out
}

func scored(records []domain.QualityRecord) domain.TaskScore {
	return ScoreTasks(Answers(English, records))
}

func TestScoreTasks(t *testing.T) {
	all := answered(func(task Task) string {
		if task.Grade == gradeRegex {
			return "Vast and blue"
		}
		return task.Want[0]
	})
	s := scored(all)
	if s.Right != 40 || s.Asked != 40 || *s.Percent != 100 || s.Interval[0] > 91.3 || s.Interval[1] != 100 || s.Verdict != "scored" || len(s.Groups) != 7 {
		t.Errorf("all right: %+v", s)
	}
	for i := range 9 {
		all[i].Answer.Text = "I do not know."
	}
	if s = scored(all); s.Right != 31 || s.Groups[0].Right != 0 || s.Groups[0].Asked != 8 || s.Interval[0] < 62 || s.Interval[1] > 88 {
		t.Errorf("31 right: %+v", s)
	}
	all[0].Answer.Outcome, all[0].Answer.Error = domain.OutcomeError, "HTTP 500"
	if s = scored(all); s.Failed != 1 || s.Asked != 39 || s.Right != 31 {
		t.Errorf("one failed: %+v", s)
	}
	if s = scored(nil); s.Verdict != "nothing" || s.Percent != nil || s.Interval != nil {
		t.Errorf("none: %+v", s)
	}
}

// A model that answers with frames is broken, not bad, and one that is right in spite of them is neither.
func TestBrokenIsNoScore(t *testing.T) {
	s := scored(answered(func(task Task) string { return "<|im_start|>user " + task.Prompt }))
	if s.Verdict != "broken" || !slices.ContainsFunc(s.Broken, func(x domain.SignSeen) bool { return x.Code == SignTokens && x.Answers == 40 }) {
		t.Errorf("frames: %+v", s)
	}
	if s = scored(answered(func(Task) string { return "" })); s.Verdict != "broken" || s.Broken[0].Code != SignEmpty {
		t.Errorf("empty: %+v", s)
	}
	s = scored(answered(func(task Task) string {
		if task.Group == "json" {
			return task.Want[0] + "<|im_end|>"
		}
		if task.Grade == gradeRegex {
			return "Vast and blue"
		}
		return task.Want[0]
	}))
	if s.Verdict != "scored" || s.Right != 40 {
		t.Errorf("right in spite of frames: %+v", s)
	}
	if s = scored(answered(func(Task) string { return "I am not sure about that." })); s.Verdict != "scored" || s.Right != 0 {
		t.Errorf("bad but not broken: %+v", s)
	}
}

// A model that was still thinking when its tokens ran out is not broken.
func TestUnfinishedThoughtIsNoSign(t *testing.T) {
	all := answered(func(Task) string { return "" })
	for i := range all {
		all[i].Answer.Reasoning, all[i].Answer.Finish = true, "length"
	}
	if s := scored(all); s.Verdict != "scored" || s.Right != 0 || Answers(English, all)[0].Reason != WrongUnfinished {
		t.Errorf("%+v", s)
	}
}
