package workload

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/inferometer/inferometer/backend/domain"
)

// readLines reads one record a line; empty lines are left alone.
func readLines(r *bufio.Reader, c *collector) error {
	var line []byte
	long := false
	for n := 1; ; {
		part, err := r.ReadSlice('\n')
		if long = long || len(line)+len(part) > MaxLine; !long {
			line = append(line, part...)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read lines: %w", err)
		}
		var bad error
		if raw := bytes.TrimSpace(line); long {
			bad = c.reject(n, fmt.Sprintf("the line is longer than %d KiB", MaxLine>>10))
		} else if len(raw) > 0 {
			bad = c.record(n, raw)
		}
		if bad != nil || err != nil {
			return bad
		}
		n, line, long = n+1, line[:0], false
	}
}

// lined remembers where lines end in what was read, until it is asked for the line of an offset.
type lined struct {
	r    io.Reader
	size int64   // bytes read
	ends []int64 // offsets of line ends that no question has passed yet
	line int     // number of the line before the first of ends
}

// Read implements io.Reader.
func (l *lined) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	for i, b := range p[:n] {
		if b == '\n' {
			l.ends = append(l.ends, l.size+int64(i))
		}
	}
	l.size += int64(n)
	return n, err //nolint:wrapcheck // io.EOF must stay as it is
}

// at returns the line of an offset; offsets must not fall.
func (l *lined) at(offset int64) int {
	for len(l.ends) > 0 && l.ends[0] < offset {
		l.line, l.ends = l.line+1, l.ends[1:]
	}
	return l.line
}

// readArray reads an array of records, or an object that holds one as prompts. Behind a mistake in
// the JSON itself nothing can be read.
func readArray(r *bufio.Reader, c *collector) error {
	lines := &lined{r: r, line: 1}
	opening := first(r)
	dec := json.NewDecoder(lines)
	mistake := func(err error) error {
		at := dec.InputOffset()
		switch {
		case errors.Is(err, errTooLarge):
			return err
		case isSyntax(err):
			at += badByte(dec.Buffered())
		case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
			at = lines.size
		case !errors.Is(err, errShape):
			return fmt.Errorf("read file: %w", err)
		}
		return c.reject(lines.at(at), jsonMistake(err))
	}
	if opening == '{' {
		if err := enterPrompts(dec); err != nil {
			return mistake(err)
		}
	} else if t, err := dec.Token(); errors.Is(err, io.EOF) && opening == 0 {
		return nil
	} else if err != nil && !isSyntax(err) {
		return mistake(err)
	} else if t != json.Delim('[') {
		return c.reject(1, "the file must be an array, or an object with an array named prompts")
	}
	for dec.More() {
		c.entry++
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return mistake(err)
		}
		if err := c.record(lines.at(dec.InputOffset()-int64(len(raw))), raw); err != nil {
			return err
		}
	}
	if _, err := dec.Token(); err != nil {
		return mistake(err)
	}
	return nil
}

var errShape = errors.New("there is no array named prompts")

func isSyntax(err error) bool {
	var syntax *json.SyntaxError
	return errors.As(err, &syntax)
}

// badByte returns how far into the unread rest the mistake lies: the decoder's own offset leaves out
// what stands between values.
func badByte(rest io.Reader) int64 {
	raw, err := io.ReadAll(rest)
	if err != nil {
		return 0
	}
	var (
		value  json.RawMessage
		syntax *json.SyntaxError
	)
	if errors.As(json.Unmarshal(raw, &value), &syntax) {
		return max(0, syntax.Offset-1)
	}
	return 0
}

// enterPrompts reads up to the opening bracket of the array named prompts.
func enterPrompts(dec *json.Decoder) error {
	if _, err := dec.Token(); err != nil {
		return fmt.Errorf("read object: %w", err)
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return fmt.Errorf("read key: %w", err)
		}
		if key == "prompts" {
			if t, err := dec.Token(); err != nil {
				return fmt.Errorf("read prompts: %w", err)
			} else if t != json.Delim('[') {
				return errShape
			}
			return nil
		}
		var other json.RawMessage
		if err := dec.Decode(&other); err != nil {
			return fmt.Errorf("read value: %w", err)
		}
	}
	return errShape
}

// readCSV reads rows below a line that names the columns.
func readCSV(r io.Reader, c *collector) error {
	rows := csv.NewReader(r)
	rows.FieldsPerRecord = -1
	header, err := rows.Read()
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err != nil {
		return c.csvMistake(err)
	}
	column := map[string]int{}
	for i, name := range header {
		column[strings.ToLower(strings.TrimSpace(name))] = i
	}
	textAt, ok := column["prompt"]
	if !ok {
		textAt, ok = column["text"]
	}
	if !ok {
		return c.reject(1, "the first line must name the columns, one of them prompt or text")
	}
	for {
		fields, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			line, _ := rows.FieldPos(0)
			p, bad := csvRow(fields, column, len(header), textAt)
			err = c.take(line, p, bad)
		} else {
			err = c.csvMistake(err)
		}
		if err != nil {
			return err
		}
	}
}

func csvRow(fields []string, column map[string]int, columns, textAt int) (domain.Prompt, error) {
	if len(fields) != columns {
		return domain.Prompt{}, fmt.Errorf("there are %d columns, the first line has %d", len(fields), columns)
	}
	p := domain.Prompt{Text: fields[textAt]}
	if i, ok := column["id"]; ok {
		p.ID = strings.TrimSpace(fields[i])
	}
	if i, ok := column["max_tokens"]; ok && strings.TrimSpace(fields[i]) != "" {
		n, err := strconv.Atoi(strings.TrimSpace(fields[i]))
		if err != nil {
			return p, errors.New("max_tokens must be a whole number")
		}
		p.MaxTokens = &n
	}
	return p, nil
}

// csvMistake notes a broken row; the reader goes on behind it.
func (c *collector) csvMistake(err error) error {
	var at *csv.ParseError
	if errors.As(err, &at) {
		return c.reject(at.Line, at.Err.Error())
	}
	return fmt.Errorf("read rows: %w", err)
}
