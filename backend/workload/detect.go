package workload

import (
	"bytes"
	"encoding/json"
	"strings"
)

// detect tells the format by the start of a file: by its first sign, and the fields of its first
// record. What is no JSON is CSV.
func detect(head []byte) string {
	head = bytes.TrimSpace(head)
	if len(head) == 0 {
		return FormatJSONL
	}
	switch head[0] {
	case '[':
		return named(fields(head[1:]), FormatJSON)
	case '{':
		f := fields(head)
		if f["prompts"] == json.Delim('[') {
			return FormatJSON
		}
		return named(f, FormatJSONL)
	case '"':
		line, _, _ := bytes.Cut(head, []byte("\n"))
		var text string
		if json.Unmarshal(bytes.TrimSpace(line), &text) == nil && !strings.EqualFold(text, "prompt") && !strings.EqualFold(text, "text") {
			return FormatJSONL
		}
	}
	return FormatCSV
}

// named tells the format by a record's fields.
func named(f map[string]json.Token, otherwise string) string {
	for _, key := range []string{"timestamp", "at_ms", "t_s"} {
		if _, ok := f[key].(float64); ok {
			return FormatTrace
		}
	}
	switch {
	case f["conversations"] == json.Delim('['):
		return FormatShareGPT
	case f["messages"] == json.Delim('['), f["body"] == json.Delim('{') && f["custom_id"] != nil:
		return FormatMessages
	}
	return otherwise
}

// fields returns the names in the first object of head with the first token of each value, as far as
// head reaches.
func fields(head []byte) map[string]json.Token {
	found := map[string]json.Token{}
	dec := json.NewDecoder(bytes.NewReader(head))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return found
	}
	for depth, key := 1, ""; ; {
		t, err := dec.Token()
		if err != nil || (depth == 1 && t == json.Delim('}')) {
			return found
		}
		if depth == 1 && key == "" {
			name, _ := t.(string)
			key = strings.ToLower(name) + " " // never empty
			continue
		}
		if depth == 1 {
			found[strings.TrimSuffix(key, " ")] = t
			key = ""
		}
		switch t {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
	}
}
