package quality

import (
	"slices"
	"strings"
	"testing"
)

func languages() []string { return []string{English, Portuguese} }

// Every task of a pack is sound: its own right answer is graded right, as is that answer with a full stop
// where the format is not asked for, and every other task's answer of another kind is not.
func TestPacks(t *testing.T) {
	sample := map[string]string{"en-22": "Vast and blue", "pt-22": "Azul e imensidão"}
	var groups [][]string
	for _, language := range languages() {
		tasks, pack := Tasks(language)
		if len(tasks) != 40 || !strings.HasPrefix(pack, "tasks-"+strings.ToLower(language)+"-") {
			t.Fatalf("%s: %d tasks in %s", language, len(tasks), pack)
		}
		var ids, kinds []string
		for _, task := range tasks {
			ids, kinds = append(ids, task.ID), append(kinds, task.Group+"/"+task.Grade)
			answer := task.Want[0]
			if task.Grade == gradeRegex {
				answer = sample[task.ID]
			}
			if right, reason := Grade(task, " "+answer+"\n"); !right {
				t.Errorf("%s: its own answer %q is graded wrong: %s", task.ID, answer, reason)
			}
			if task.Grade == gradeEquals || task.Grade == gradeNumber || task.Grade == gradeChoice {
				if right, _ := Grade(task, answer+"."); !right {
					t.Errorf("%s: a full stop makes it wrong", task.ID)
				}
			}
			for _, wrong := range []string{"", "I cannot help with that request today, sorry.", "{}", task.Prompt} {
				if right, _ := Grade(task, wrong); right {
					t.Errorf("%s: %q is graded right", task.ID, wrong)
				}
			}
		}
		slices.Sort(ids)
		if len(slices.Compact(ids)) != len(tasks) {
			t.Errorf("%s: two tasks of one id", language)
		}
		groups = append(groups, kinds)
		if texts, _ := Texts(language); len(texts) != 8 || slices.ContainsFunc(texts, func(x Text) bool { return len(x.Text) < 400 }) {
			t.Errorf("%s: %d texts", language, len(texts))
		}
	}
	for i := range groups[0] {
		a, b := groups[0][i], groups[1][i]
		if a[:strings.IndexByte(a, '/')] != b[:strings.IndexByte(b, '/')] {
			t.Errorf("task %d is %s in English and %s in Portuguese", i+1, a, b)
		}
	}
}

func TestGrade(t *testing.T) {
	for _, c := range []struct {
		grade, want, answer string
		right               bool
		reason              string
	}{
		{gradeNumber, "17.4", "3 × 5.80 = 17.40 euros", true, ""},
		{gradeNumber, "17,4", "R$ 17,40.", true, ""},
		{gradeNumber, "1250.5", "1.250,50", true, ""},
		{gradeNumber, "1250.5", "1,250.50", true, ""},
		{gradeNumber, "487", "**487**", true, ""},
		{gradeNumber, "487", "1 000 − 513", false, WrongOther},
		{gradeNumber, "-3", "The answer is -3", true, ""},
		{gradeNumber, "24", "twenty-four", false, WrongNoFind},
		{gradeNumber, "24", "24\n\nuser 25", false, WrongOther},
		{gradeNumber, "24", "<think>maybe 25? no</think>24", true, ""},
		{gradeNumber, "24", "<think>it is 24", false, WrongEmpty},
		{gradeEquals, "no", "\"No.\"", true, ""},
		{gradeEquals, "no", "No, it cannot be a rose.", false, WrongOther},
		{gradeEquals, "sábado", "Sábado", true, ""},
		{gradeExact, "BENCHMARK", "benchmark", false, WrongOther},
		{gradeExact, "- a\n- b", "- a\r\n- b\n", true, ""},
		{gradeChoice, "B", "B", true, ""},
		{gradeChoice, "B", "b)", true, ""},
		{gradeChoice, "B", "The answer is (B).", true, ""},
		{gradeChoice, "B", "**B) Whale**", true, ""},
		{gradeChoice, "B", "A) Trout B) Whale", false, WrongOther},
		{gradeChoice, "B", "Neither A) nor B) is wrong", false, WrongNoFind},
		{gradeChoice, "B", "A whale is a mammal, so (B).", true, ""},
		{gradeChoice, "B", "b\nBecause it has lungs.", true, ""},
		{gradeJSON, `{"a":1,"b":["x"]}`, "```json\n{\"b\": [\"x\"], \"a\": 1.0}\n```", true, ""},
		{gradeJSON, `{"a":1}`, `{"a":"1"}`, false, WrongOther},
		{gradeJSON, `{"a":1}`, `{"a":1,"b":2}`, false, WrongOther},
		{gradeJSON, `{"a":1}`, `a = 1`, false, WrongNoFind},
		{gradeJSON, `{"a":1}`, `{"a":1`, false, WrongNoFind},
	} {
		right, reason := Grade(Task{Grade: c.grade, Want: []string{c.want}}, c.answer)
		if right != c.right || reason != c.reason {
			t.Errorf("%s %q for %q: %v %q, want %v %q", c.grade, c.answer, c.want, right, reason, c.right, c.reason)
		}
	}
}

// Whatever a model says, a grader ends, says why when it is wrong, and says the same again.
func FuzzGrade(f *testing.F) {
	tasks, _ := Tasks(English)
	for _, task := range tasks {
		f.Add(task.Want[0])
	}
	f.Add("<think>")
	f.Add("{\"a\":{\"a\":{\"a\":")
	f.Add("-1.000.000,00 1,2,3,, − 5 . , A) B) C)")
	f.Fuzz(func(t *testing.T, answer string) {
		for _, task := range tasks {
			right, reason := Grade(task, answer)
			again, _ := Grade(task, answer)
			if right != again || right != (reason == "") {
				t.Fatalf("%s: %q is %v, %v, %q", task.ID, answer, right, again, reason)
			}
		}
		var s Signs
		for range 3 {
			s.Add(tasks[0].Prompt, answer)
			s.AddForced(tasks[0].Prompt, answer)
		}
		for _, seen := range s.Broken() {
			if seen.Answers > seen.Of || len([]rune(seen.Example)) > 200 {
				t.Fatalf("%+v", seen)
			}
		}
		LongEnough(answer)
	})
}
