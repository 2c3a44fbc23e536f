package store

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// most words of one search that count
const mostTerms = 8

// terms reads what a person typed: words, and phrases in quotes. Each becomes a quoted string of FTS5,
// so that nothing typed is ever taken as syntax; the last word is looked for as the start of a word
// while it may still be being typed.
func terms(text string) []string {
	text = strings.Map(func(c rune) rune {
		switch {
		case c == '“' || c == '”' || c == '„':
			return '"'
		case unicode.IsControl(c):
			return ' '
		}
		return c
	}, text)
	var out []string
	for i, part := range strings.Split(text, `"`) {
		words := []string{part}
		if i%2 == 0 { // outside of quotes
			words = strings.Fields(part)
		}
		for _, w := range words {
			if strings.ContainsFunc(w, isToken) && len(out) < mostTerms {
				out = append(out, `"`+strings.Join(strings.Fields(w), " ")+`"`)
			}
		}
	}
	if n := len(out); n > 0 && isToken(last(text)) {
		out[n-1] += "*"
	}
	return out
}

func last(text string) rune {
	c, _ := utf8.DecodeLastRuneInString(text)
	return c
}

// isToken reports whether SQLite's unicode61 makes a word of c.
func isToken(c rune) bool {
	return unicode.In(c, unicode.L, unicode.N, unicode.M, unicode.Co)
}
