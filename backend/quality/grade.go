package quality

import (
	"encoding/json"
	"math"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The graders. Each is exact: no model judges another's answer.
const (
	gradeExact  = "exact"  // the text as it is, but for blank space around it
	gradeEquals = "equals" // the text whatever its case, quotes and last full stop
	gradeOneOf  = "oneof"  // one of several such texts
	gradeNumber = "number" // the last number of the answer, however it is written
	gradeChoice = "choice" // the letter
	gradeRegex  = "regex"
	gradeJSON   = "json" // an object with these fields and no others
)

// Reasons why an answer is not right.
const (
	WrongEmpty  = "empty"   // it holds nothing
	WrongNoFind = "missing" // it holds no number, letter or object
	WrongOther  = "other"   // it holds another one
	// WrongUnfinished is for a model that was still thinking when its tokens ran out.
	WrongUnfinished = "unfinished"
)

// longestGraded is how much of an answer is looked at.
const longestGraded = 20_000

// Grade says whether an answer is right, and if not, why.
func Grade(t Task, answer string) (right bool, reason string) {
	answer = Visible(answer)
	if len(answer) > longestGraded {
		answer = strings.ToValidUTF8(answer[:longestGraded], "")
	}
	if strings.TrimSpace(answer) == "" {
		return false, WrongEmpty
	}
	found, right := grade(t, answer)
	switch {
	case right:
		return true, ""
	case !found:
		return false, WrongNoFind
	}
	return false, WrongOther
}

// grade reports whether there is something to hold against the right answer, and whether it is that.
func grade(t Task, answer string) (found, right bool) {
	switch t.Grade {
	case gradeExact:
		return true, strings.TrimSpace(strings.ReplaceAll(answer, "\r\n", "\n")) == t.Want[0]
	case gradeEquals, gradeOneOf:
		for _, want := range t.Want {
			right = right || plain(answer) == plain(want)
		}
		return true, right
	case gradeNumber:
		got, found := lastNumber(answer)
		want, _ := lastNumber(t.Want[0])
		return found, found && math.Abs(got-want) < 1e-9*max(1, math.Abs(want))
	case gradeChoice:
		got := letter(answer)
		return got != "", got == t.Want[0]
	case gradeRegex:
		re, err := regexp.Compile(t.Want[0])
		return true, err == nil && re.MatchString(strings.TrimSpace(answer))
	case gradeJSON:
		return sameObject(answer, t.Want[0])
	}
	return false, false
}

// Visible is an answer without what the model thought aloud before it.
func Visible(answer string) string {
	const begin, end = "<think>", "</think>"
	if rest := strings.TrimLeft(answer, " \n\r\t"); strings.HasPrefix(rest, begin) {
		_, after, closed := strings.Cut(rest, end)
		if !closed {
			return ""
		}
		return after
	}
	return answer
}

// plain is a text in lower case without marks around it.
func plain(s string) string {
	s = strings.TrimFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || strings.ContainsRune("\"'`*_“”‘’«».!,;:", r)
	})
	return strings.Join(strings.Fields(strings.ToLower(s)), " ")
}

var numberPattern = regexp.MustCompile(`[-−]?\d[\d.,   ]*`)

// lastNumber is the last number of a text; models often say how they came to it before.
func lastNumber(s string) (float64, bool) {
	all := numberPattern.FindAllString(s, -1)
	for i := len(all) - 1; i >= 0; i-- {
		if v, ok := number(all[i]); ok {
			return v, true
		}
	}
	return 0, false
}

var (
	thousandsComma = regexp.MustCompile(`^\d{1,3}(,\d{3})+(\.\d+)?$`)
	thousandsDot   = regexp.MustCompile(`^\d{1,3}(\.\d{3})+(,\d+)?$`)
)

// number reads 1,250.5 and 1.250,5 alike. A single comma or dot is a decimal one unless three digits and
// nothing else follow it and the part before it is not 0: 1.250 is 1250 in one country and 1.25 in
// another, and no task has such an answer.
func number(s string) (float64, bool) {
	negative := strings.HasPrefix(s, "-") || strings.HasPrefix(s, "−")
	s = strings.TrimLeft(s, "-−")
	s = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, s)
	s = strings.TrimRight(s, ".,")
	switch {
	case thousandsComma.MatchString(s):
		s = strings.ReplaceAll(s, ",", "")
	case thousandsDot.MatchString(s):
		s = strings.ReplaceAll(strings.ReplaceAll(s, ".", ""), ",", ".")
	default:
		s = strings.ReplaceAll(s, ",", ".")
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return 0, false
	}
	if negative {
		v = -v
	}
	return v, true
}

var (
	letterAlone = regexp.MustCompile(`^[\s("'*]*([A-Da-d])(?:[).:"'*,-]|\s*(?:\n|$))`)
	letterSaid  = regexp.MustCompile(`(?:^|[\s("'*])([A-D])(?:[).:"'*,]|\s*$)`)
)

// letter is the letter that an answer chooses: the one it begins with, else the only one it names.
func letter(s string) string {
	if m := letterAlone.FindStringSubmatch(s); m != nil {
		return strings.ToUpper(m[1])
	}
	chosen := ""
	for _, m := range letterSaid.FindAllStringSubmatch(s, -1) {
		if chosen != "" && chosen != m[1] {
			return ""
		}
		chosen = m[1]
	}
	return chosen
}

// sameObject holds the first JSON object of an answer, also one in a block of code, against another.
func sameObject(answer, want string) (found, right bool) {
	at := strings.IndexByte(answer, '{')
	if at < 0 {
		return false, false
	}
	var got, expected map[string]any
	if json.NewDecoder(strings.NewReader(answer[at:])).Decode(&got) != nil || json.Unmarshal([]byte(want), &expected) != nil {
		return false, false
	}
	return true, reflect.DeepEqual(got, expected)
}

// cut shortens a text to so many characters.
func cut(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most-1]) + "…"
}
