// Package scan reads lines of JSON whose layout is known by heart. Decoding is the only work per
// token on the measured path, and following a known layout is many times faster than a general
// decoder. Whatever does not follow the layout is reported, never guessed at: the caller then hands
// the line to encoding/json.
package scan

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Line is one line that is read from its start to its end. After the first thing that is not as
// expected nothing is read any more and End reports false.
type Line struct {
	rest []byte
	off  bool // the line does not follow the layout
}

// Of returns a reader of data, which is not changed.
func Of(data []byte) Line { return Line{rest: bytes.Trim(data, " \t\r\n")} }

// Literal takes exactly this text.
func (l *Line) Literal(text string) {
	if !l.Maybe(text) {
		l.off = true
	}
}

// Maybe takes this text if it comes next, and reports whether it did.
func (l *Line) Maybe(text string) bool {
	if l.off || len(l.rest) < len(text) || string(l.rest[:len(text)]) != text {
		return false
	}
	l.rest = l.rest[len(text):]
	return true
}

// Skip takes a JSON text whose value does not matter.
func (l *Line) Skip() { l.quoted() }

// Text takes a JSON text and returns its value.
func (l *Line) Text() string {
	raw, escaped := l.quoted()
	if l.off {
		return ""
	}
	if !escaped {
		return string(raw[1 : len(raw)-1])
	}
	var room [128]byte
	if text, ok := unescape(room[:0], raw[1:len(raw)-1]); ok {
		return string(text)
	}
	var text string
	if json.Unmarshal(raw, &text) != nil {
		l.off = true
	}
	return text
}

// unescape appends what raw stands for to out. It reports false for escapes that it leaves to the
// general decoder: wrong ones, and halves of characters beyond 16 bits.
func unescape(out, raw []byte) ([]byte, bool) {
	const short, meaning = `"\/bfnrt`, "\"\\/\b\f\n\r\t"
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			out = append(out, raw[i])
			continue
		}
		i++
		if k := strings.IndexByte(short, raw[i]); k >= 0 {
			out = append(out, meaning[k])
			continue
		}
		if raw[i] != 'u' || i+4 >= len(raw) {
			return nil, false
		}
		code, err := strconv.ParseUint(string(raw[i+1:i+5]), 16, 16)
		if err != nil || !utf8.ValidRune(rune(code)) {
			return nil, false
		}
		out = utf8.AppendRune(out, rune(code))
		i += 4
	}
	return out, true
}

// quoted takes a JSON text with its quotes, and says whether it holds escapes.
func (l *Line) quoted() (raw []byte, escaped bool) {
	if l.off || len(l.rest) == 0 || l.rest[0] != '"' {
		l.off = true
		return nil, false
	}
	for i := 1; i < len(l.rest); i++ {
		switch c := l.rest[i]; {
		case c == '"':
			raw, l.rest = l.rest[:i+1], l.rest[i+1:]
			l.off = !utf8.Valid(raw)
			return raw, escaped
		case c == '\\':
			escaped = true
			i++
		case c < ' ':
			l.off = true
			return nil, false
		}
	}
	l.off = true
	return nil, false
}

// maxDigits keeps Int within an int of any size.
const maxDigits = 9

// Int takes a whole number that is not negative.
func (l *Line) Int() int {
	n, digits := 0, 0
	for !l.off && digits < len(l.rest) && l.rest[digits] >= '0' && l.rest[digits] <= '9' {
		n = 10*n + int(l.rest[digits]-'0')
		digits++
		l.off = digits > maxDigits
	}
	if l.off || digits == 0 || (digits > 1 && l.rest[0] == '0') {
		l.off = true
		return 0
	}
	l.rest = l.rest[digits:]
	return n
}

// End reports whether the whole line followed the layout.
func (l *Line) End() bool { return !l.off && len(l.rest) == 0 }
