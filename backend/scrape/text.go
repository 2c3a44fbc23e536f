// Package scrape reads the metrics of other machines from addresses that show them in the text format
// of Prometheus: node_exporter, the DCGM exporter, and the /metrics of vLLM, SGLang and llama-server.
package scrape

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

const (
	// mostBytes bounds one answer; a node with hundreds of disks stays far below it.
	mostBytes = 8 << 20
	mostLine  = 64 << 10
)

var errTooLarge = errors.New("the answer is larger than 8 MiB")

// series is one line of the text: a name, its labels and its value.
type series struct {
	name   string
	labels []label
	value  float64
}

type label struct{ name, value string }

func (s series) label(name string) string {
	for _, l := range s.labels {
		if l.name == name {
			return l.value
		}
	}
	return ""
}

// parse hands every series of a text whose name is wanted to take, in order. A line that is not of
// the format is an error that names it: what is half understood would give wrong figures. The format:
// https://prometheus.io/docs/instrumenting/exposition_formats/
func parse(r io.Reader, wanted func(name string) bool, take func(series)) error {
	limited := &io.LimitedReader{R: r, N: mostBytes + 1}
	lines := bufio.NewScanner(limited)
	lines.Buffer(make([]byte, 0, 4096), mostLine)
	for n := 1; lines.Scan() && limited.N > 0; n++ { // at the limit the last line is cut off
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		end := bytes.IndexAny(line, "{ \t")
		if end <= 0 || !validName(line[:end]) {
			return fmt.Errorf("line %d is no metric", n)
		}
		if !wanted(string(line[:end])) {
			continue
		}
		s, err := parseSeries(string(line), end)
		if err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		take(s)
	}
	if limited.N <= 0 {
		return errTooLarge
	}
	return lines.Err()
}

func validName(name []byte) bool {
	for i, c := range name {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == ':'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// parseSeries reads a line whose name ends at end: labels in braces, the value, perhaps a timestamp
// and an exemplar, which are not needed.
func parseSeries(line string, end int) (series, error) {
	s := series{name: line[:end]}
	rest := line[end:]
	if rest[0] == '{' {
		var err error
		if s.labels, rest, err = parseLabels(rest[1:]); err != nil {
			return s, err
		}
	}
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return s, errors.New("there is no value")
	}
	v, err := strconv.ParseFloat(fields[0], 64) // takes NaN, +Inf and -Inf as well
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return s, errors.New("the value is no number")
	}
	s.value = v
	return s, nil
}

// parseLabels reads name="value" pairs up to the closing brace.
func parseLabels(rest string) (labels []label, after string, err error) {
	for {
		rest = strings.TrimLeft(rest, ", \t")
		if strings.HasPrefix(rest, "}") {
			return labels, rest[1:], nil
		}
		name, value, ok := strings.Cut(rest, "=")
		value = strings.TrimLeft(value, " \t")
		if !ok || !strings.HasPrefix(value, `"`) {
			return nil, "", errors.New("a label has no quoted value")
		}
		var text string
		if text, rest, ok = unquote(value[1:]); !ok {
			return nil, "", errors.New("a label does not end")
		}
		labels = append(labels, label{strings.TrimSpace(name), text})
	}
}

// unquote reads up to the closing quote; \\, \" and \n are escapes.
func unquote(s string) (text, rest string, ok bool) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return b.String(), s[i+1:], true
		case c == '\\' && i+1 < len(s):
			i++
			if s[i] == 'n' {
				b.WriteByte('\n')
			} else {
				b.WriteByte(s[i])
			}
		default:
			b.WriteByte(c)
		}
	}
	return "", "", false
}
