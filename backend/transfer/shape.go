package transfer

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// kind is how a file is laid out.
type kind int

const (
	kindBroken kind = iota
	kindObject      // one JSON object
	kindArray       // one JSON array
	kindLines       // JSON objects one after the other
	kindCSV
	kindSQL
)

// shape is a file's outer layout, from which its tool is told.
type shape struct {
	kind kind
	data []byte
	// keys are those of the object, or of the first object of an array or of lines; for CSV, the columns.
	keys map[string]json.RawMessage
	rows [][]string // of CSV, the header included
}

// has reports whether all the keys are there.
func (s shape) has(keys ...string) bool {
	for _, k := range keys {
		if _, ok := s.keys[k]; !ok {
			return false
		}
	}
	return true
}

// shapeOf looks at the outside of a file.
func shapeOf(data []byte) shape {
	data = bytes.TrimPrefix(bytes.TrimSpace(data), []byte("\xef\xbb\xbf"))
	s := shape{data: data}
	switch {
	case len(data) == 0:
	case data[0] == '{':
		s.data = plainJSON(data)
		dec := json.NewDecoder(bytes.NewReader(s.data))
		if dec.Decode(&s.keys) != nil {
			return shape{data: data}
		}
		s.kind = kindObject
		if dec.More() {
			s.kind = kindLines
		}
	case data[0] == '[':
		s.data = plainJSON(data)
		var first []json.RawMessage
		if json.Unmarshal(s.data, &first) != nil {
			return shape{data: data}
		}
		s.kind = kindArray
		if len(first) > 0 {
			_ = json.Unmarshal(first[0], &s.keys) // an array of something else has no keys
		}
	case sqlFile(data):
		s.kind = kindSQL
	default:
		s.csv()
	}
	return s
}

func sqlFile(data []byte) bool {
	head := strings.ToUpper(string(data[:min(len(data), 64)]))
	return strings.HasPrefix(head, "CREATE TABLE") || strings.HasPrefix(head, "INSERT INTO")
}

// csv reads a table; its header makes the keys.
func (s *shape) csv() {
	r := csv.NewReader(bytes.NewReader(s.data))
	r.FieldsPerRecord = -1
	rows, err := r.ReadAll()
	if err != nil || len(rows) == 0 || len(rows[0]) < 2 {
		return
	}
	s.kind, s.rows, s.keys = kindCSV, rows, keysOf(rows[0])
}

// keysOf are the columns of a table as keys.
func keysOf(header []string) map[string]json.RawMessage {
	keys := map[string]json.RawMessage{}
	for _, name := range header {
		keys[strings.TrimSpace(name)] = nil
	}
	return keys
}

// eachLine calls f with every object of a file of lines.
func (s shape) eachLine(f func(json.RawMessage) error) error {
	dec := json.NewDecoder(bytes.NewReader(s.data))
	for {
		var raw json.RawMessage
		if err := dec.Decode(&raw); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := f(raw); err != nil {
			return err
		}
	}
}

// plainJSON puts null in place of NaN, Infinity and -Infinity, which Python writes and JSON has not.
func plainJSON(data []byte) []byte {
	if !bytes.Contains(data, []byte("NaN")) && !bytes.Contains(data, []byte("Infinity")) {
		return data
	}
	out := make([]byte, 0, len(data))
	quoted := false
	for i := 0; i < len(data); i++ {
		c := data[i]
		switch {
		case quoted && c == '\\' && i+1 < len(data):
			out = append(out, c, data[i+1])
			i++
			continue
		case c == '"':
			quoted = !quoted
		case !quoted:
			if n := notNumber(data[i:]); n > 0 {
				out = append(out, "null"...)
				i += n - 1
				continue
			}
		}
		out = append(out, c)
	}
	return out
}

// notNumber is the length of a word at the begin of data that stands for no number, else 0.
func notNumber(data []byte) int {
	for _, w := range []string{"NaN", "Infinity", "-Infinity"} {
		if bytes.HasPrefix(data, []byte(w)) {
			return len(w)
		}
	}
	return 0
}
