package verdict

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
)

// portuguese are the English sentences that have a Portuguese twin, as patterns.
func portuguese(t *testing.T) []*regexp.Regexp {
	t.Helper()
	raw, err := os.ReadFile("../../frontend/src/i18n/pt/limits.ts")
	if err != nil {
		t.Fatal(err)
	}
	var out []*regexp.Regexp
	for _, m := range regexp.MustCompile(`(?m)^  '(.+)': '.+',$`).FindAllStringSubmatch(string(raw), -1) {
		text := regexp.QuoteMeta(strings.ReplaceAll(m[1], `\'`, `'`))
		out = append(out, regexp.MustCompile("^"+strings.ReplaceAll(text, `\*`, "(.+?)")+"$"))
	}
	if len(out) < 50 {
		t.Fatalf("only %d sentences were found", len(out))
	}
	return out
}

// said fails where a sentence of the verdict has no twin.
func said(t *testing.T, known []*regexp.Regexp, b *domain.Bottleneck) {
	t.Helper()
	texts := []string{b.Sentence, b.CeilingFrom}
	for _, list := range [][]domain.LimitFact{b.Evidence, b.RuledOut, b.NotJudged} {
		for _, f := range list {
			if f.About != domain.LimitClient { // in the words of the check
				texts = append(texts, f.Claim)
			}
		}
	}
	for _, text := range texts {
		for _, s := range strings.SplitAfter(text, ". ") {
			s = strings.TrimSpace(s)
			found := s == ""
			for _, k := range known {
				found = found || k.MatchString(s)
			}
			if !found {
				t.Errorf("%q has no Portuguese twin", s)
			}
		}
	}
}
