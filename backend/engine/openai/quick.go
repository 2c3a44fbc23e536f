package openai

import (
	"bytes"
	"unicode/utf8"
)

// part is what one event says, whichever decoder read it.
type part struct {
	reasoning, text, finish string
	usage                   *usageFields
	timings                 *LlamaTimings
}

// quickPart reads the one shape that nearly every event of a stream has: one choice with text and
// fields that do not matter. Decoding is the only work per token on the measured path, and this is
// several times faster than the general decoder, at one allocation. It reports false for whatever
// it does not know by heart, an error too; the general decoder then judges the event.
func quickPart(data []byte) (part, bool) {
	q := quick{data: data}
	ok := q.object(q.top) && q.space() == len(data)
	return q.part, ok
}

// quick is a reader of a subset of JSON. Its methods report false outside that subset.
type quick struct {
	data []byte
	pos  int
	seen seenKeys
	part part
	// Two names each may carry the text; the first that is not empty counts.
	reasoning2, text2 string
}

// seenKeys are the keys read so far. One that comes twice is left to the general decoder.
type seenKeys uint8

const (
	seenObject seenKeys = 1 << iota
	seenChoices
	seenDelta
	seenContent
	seenReasoningContent
	seenReasoning
	seenText
	seenFinish
)

func (q *quick) once(k seenKeys) bool {
	again := q.seen&k != 0
	q.seen |= k
	return !again
}

// top reads the value of a key of the event. Only keys that are known by heart are passed over: the
// general decoder takes "Choices" for "choices", so an unknown key may matter.
func (q *quick) top(key []byte) bool {
	switch string(key) {
	case "choices":
		return q.once(seenChoices) && q.choices()
	case "object":
		kind, ok := q.raw()
		return ok && q.once(seenObject) && string(kind) != "error"
	case "id", "created", "model", "system_fingerprint", "service_tier", "provider":
		return q.scalar()
	case "usage", "error", "timings":
		return q.word("null")
	}
	return false
}

func (q *quick) choices() bool {
	ok := q.byte('[') && q.object(q.choice) && q.byte(']')
	if q.part.reasoning == "" {
		q.part.reasoning = q.reasoning2
	}
	if q.part.text == "" {
		q.part.text = q.text2
	}
	return ok
}

func (q *quick) choice(key []byte) bool {
	switch string(key) {
	case "delta":
		return q.once(seenDelta) && q.object(q.delta)
	case "text":
		return q.once(seenText) && q.text(&q.text2)
	case "finish_reason":
		return q.once(seenFinish) && q.text(&q.part.finish)
	case "index", "stop_reason":
		return q.scalar()
	case "logprobs", "token_ids":
		return q.word("null")
	}
	return false
}

func (q *quick) delta(key []byte) bool {
	switch string(key) {
	case "content":
		return q.once(seenContent) && q.text(&q.part.text)
	case "reasoning_content":
		return q.once(seenReasoningContent) && q.text(&q.part.reasoning)
	case "reasoning":
		return q.once(seenReasoning) && q.text(&q.reasoning2)
	case "role":
		return q.scalar()
	}
	return false
}

// object reads an object and hands each key to value, which reads what follows it.
func (q *quick) object(value func(key []byte) bool) bool {
	if !q.byte('{') {
		return false
	}
	if q.byte('}') {
		return true
	}
	for {
		key, ok := q.raw()
		if !ok || !q.byte(':') || !value(key) {
			return false
		}
		if q.byte('}') {
			return true
		}
		if !q.byte(',') {
			return false
		}
	}
}

// space passes over white space and returns the place after it.
func (q *quick) space() int {
	for q.pos < len(q.data) {
		switch q.data[q.pos] {
		case ' ', '\t', '\n', '\r':
			q.pos++
		default:
			return q.pos
		}
	}
	return q.pos
}

// byte takes one byte after white space.
func (q *quick) byte(c byte) bool {
	if q.space() < len(q.data) && q.data[q.pos] == c {
		q.pos++
		return true
	}
	return false
}

func (q *quick) word(w string) bool {
	if !bytes.HasPrefix(q.data[q.space():], []byte(w)) {
		return false
	}
	q.pos += len(w)
	return true
}

// scalar passes over a text, a whole number or null.
func (q *quick) scalar() bool {
	q.space()
	start := q.pos
	for q.pos < len(q.data) && q.data[q.pos] >= '0' && q.data[q.pos] <= '9' {
		q.pos++
	}
	if n := q.pos - start; n > 0 {
		return n == 1 || q.data[start] != '0'
	}
	if _, ok := q.raw(); ok {
		return true
	}
	return q.word("null")
}

// raw reads a text that holds no escapes. On false nothing is taken.
func (q *quick) raw() ([]byte, bool) {
	start := q.space() + 1
	if start > len(q.data) || q.data[start-1] != '"' {
		return nil, false
	}
	for i := start; i < len(q.data); i++ {
		switch c := q.data[i]; {
		case c == '"':
			q.pos = i + 1
			return q.data[start:i], true
		case c == '\\' || c < ' ':
			return nil, false
		}
	}
	return nil, false
}

// text reads a text with the short escapes, or null, which leaves to as it is.
func (q *quick) text(to *string) bool {
	if q.word("null") {
		return true
	}
	if s, ok := q.raw(); ok {
		*to = string(s)
		return utf8.Valid(s)
	}
	if !q.byte('"') {
		return false
	}
	var room [128]byte
	out := room[:0]
	for ; q.pos < len(q.data); q.pos++ {
		c := q.data[q.pos]
		switch {
		case c == '"':
			q.pos++
			*to = string(out)
			return utf8.Valid(out)
		case c < ' ':
			return false
		case c == '\\':
			q.pos++
			if q.pos == len(q.data) {
				return false
			}
			if c = unescaped(q.data[q.pos]); c == 0 {
				return false
			}
		}
		out = append(out, c)
	}
	return false
}

// unescaped returns what a short escape stands for, 0 for any other.
func unescaped(c byte) byte {
	switch c {
	case '"', '\\', '/':
		return c
	case 'n':
		return '\n'
	case 't':
		return '\t'
	case 'r':
		return '\r'
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	}
	return 0
}
