package quality

import (
	"regexp"
	"strings"
	"unicode"

	"github.com/inferometer/inferometer/backend/domain"
)

// Signs of a broken chat template: codes of domain.SignSeen.
const (
	SignEmpty      = "empty"           // answers that hold nothing
	SignTokens     = "template_tokens" // tokens that only frame messages stand in the text
	SignRepetition = "repetition"      // answers that say the same for ever
	SignEcho       = "echo"            // answers that begin with the question
)

// limits are the shares of answers, of at least leastSigns, from which a sign counts. A good model shows
// none of these but by accident; small ones repeat themselves now and then.
func limits() map[string]float64 {
	return map[string]float64{SignEmpty: 0.2, SignTokens: 0.1, SignRepetition: 0.5, SignEcho: 0.3}
}

const (
	leastSigns = 2
	// openingRunes is how much of an answer of forced length is looked at: past its end a model says
	// anything.
	openingRunes = 160
	echoLeast    = 40 // characters that a question must have for its echo to tell something
)

// frameTokens are tokens that frame messages in the templates of known model families, as text.
var frameTokens = regexp.MustCompile(`<\|[a-zA-Z_][a-zA-Z0-9_]{1,40}\|>|<｜[^｜\n]{1,40}｜>|\[/?INST\]|<</?SYS>>|<(?:start|end)_of_turn>|</?s>|<end_of_utterance>`)

// roleLine is a line that names whose turn it is: the model goes on with the conversation by itself.
var roleLine = regexp.MustCompile(`(?m)^(?:user|assistant)[ \t]*$|^(?:### (?:Instruction|Response):)`)

// Signs counts the signs of a broken chat template over answers. The zero value is ready.
type Signs struct {
	answers int
	seen    map[string]int
	example map[string]string
}

// Add looks at one whole answer that ended where the model ended it.
func (s *Signs) Add(prompt, answer string) { s.add(prompt, Visible(answer), false) }

// AddForced looks at an answer of forced length, which goes on past where the model would have ended it: only its
// beginning tells something, and neither repetition nor a turn of its own is a sign.
func (s *Signs) AddForced(prompt, answer string) {
	r := []rune(answer)
	s.add(prompt, string(r[:min(len(r), openingRunes)]), true)
}

func (s *Signs) add(prompt, answer string, forced bool) {
	if s.seen == nil {
		s.seen, s.example = map[string]int{}, map[string]string{}
	}
	s.answers++
	if strings.TrimSpace(answer) == "" {
		s.note(SignEmpty, "")
		return
	}
	if at := frameAt(prompt, answer, forced); at != "" {
		s.note(SignTokens, at)
	}
	if echoes(prompt, answer) {
		s.note(SignEcho, answer)
	}
	if !forced && repeats(answer) {
		r := []rune(answer)
		s.note(SignRepetition, string(r[max(0, len(r)-100):]))
	}
}

func (s *Signs) note(code, example string) {
	s.seen[code]++
	if s.example[code] == "" {
		s.example[code] = cut(strings.Join(strings.Fields(example), " "), 120)
	}
}

// frameAt is the place where a token or line that frames messages stands; empty when there is none, or when the
// question has it too.
func frameAt(prompt, answer string, forced bool) string {
	at := frameTokens.FindStringIndex(answer)
	if at == nil && !forced {
		at = roleLine.FindStringIndex(answer)
	}
	if at == nil || strings.Contains(prompt, strings.TrimSpace(answer[at[0]:at[1]])) {
		return ""
	}
	r := []rune(answer[:at[0]])
	return string(r[max(0, len(r)-40):]) + answer[at[0]:min(at[1]+40, len(answer))]
}

// echoes reports whether an answer begins with the question.
func echoes(prompt, answer string) bool {
	p, a := bare(prompt), bare(answer)
	if len(p) < echoLeast {
		return false
	}
	r := p[:min(len(p), 2*echoLeast)]
	return len(a) >= len(r) && string(a[:len(r)]) == string(r)
}

// bare are the letters and digits of a text in lower case.
func bare(s string) []rune {
	return []rune(strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, s))
}

const (
	repeatTail   = 200 // characters at the end that repeat themselves
	repeatPeriod = 66  // the longest repeated part, so that it comes three times
)

// repeats reports whether an answer ends in the same few words over and over.
func repeats(answer string) bool {
	r := []rune(strings.TrimSpace(answer))
	if len(r) < repeatTail {
		return false
	}
	r = r[len(r)-repeatTail:]
	for period := 1; period <= repeatPeriod; period++ {
		same := true
		for i := period; i < len(r) && same; i++ {
			same = r[i] == r[i-period]
		}
		if same {
			return true
		}
	}
	return false
}

// Broken lists the signs that were seen in enough answers to say that the model is not spoken to in its own
// format; none when it seems to be.
func (s *Signs) Broken() []domain.SignSeen {
	out := []domain.SignSeen{}
	for _, code := range []string{SignEmpty, SignTokens, SignEcho, SignRepetition} {
		if n := s.seen[code]; n >= leastSigns && float64(n) >= limits()[code]*float64(s.answers) {
			out = append(out, domain.SignSeen{Code: code, Answers: n, Of: s.answers, Example: strings.ToValidUTF8(s.example[code], "")})
		}
	}
	return out
}
