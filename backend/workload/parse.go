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
	"unicode/utf8"

	"github.com/inferometer/inferometer/backend/domain"
)

// The limits of an imported dataset.
const (
	MaxBytes   = 64 << 20  // of the whole file
	MaxLine    = 1 << 20   // of one line of a JSONL file, in bytes
	MaxPrompt  = 512 << 10 // of one prompt, in bytes; the same as a prompt's in a request
	MaxPrompts = 100_000
	maxTokens  = 32768
	maxID      = 128
)

// Parse reads a dataset; format is jsonl, csv or json. A row gives its text as prompt, text or
// messages, and may have an id and a max_tokens; other fields are left alone. Errors are
// *domain.Error, name the line and never repeat what stands there.
func Parse(format string, r io.Reader) ([]domain.Prompt, error) {
	return parse(format, &limited{r: r, left: MaxBytes})
}

func parse(format string, r io.Reader) ([]domain.Prompt, error) {
	c := &collector{seen: map[string]bool{}}
	body := bufio.NewReaderSize(r, 64<<10)
	if head, _ := body.Peek(3); bytes.Equal(head, []byte("\xef\xbb\xbf")) {
		_, _ = body.Discard(3)
	}
	var err error
	switch strings.ToLower(format) {
	case "jsonl":
		err = parseJSONL(body, c)
	case "csv":
		err = parseCSV(body, c)
	case "json":
		err = parseJSON(body, c)
	default:
		return nil, domain.Invalid("query.format", "supported are jsonl, csv and json")
	}
	if err != nil {
		return nil, edge(err)
	}
	if len(c.prompts) == 0 {
		return nil, domain.Invalid("body", "the file holds no prompt")
	}
	return c.prompts, nil
}

// lineError is a mistake in the file.
type lineError struct {
	line int
	msg  string
}

func (e *lineError) Error() string { return fmt.Sprintf("line %d: %s", e.line, e.msg) }

var errTooLarge = fmt.Errorf("the file is larger than %d MiB", MaxBytes>>20)

// edge turns a parser's error into one for the edge.
func edge(err error) error {
	var at *lineError
	switch {
	case errors.Is(err, errTooLarge):
		return &domain.Error{Kind: domain.KindTooLarge, Msg: "The dataset is too large.",
			Hint: fmt.Sprintf("Files up to %d MiB can be imported.", MaxBytes>>20)}
	case errors.As(err, &at):
		e := domain.Invalid("body", at.Error())
		e.Msg = fmt.Sprintf("The dataset has a mistake in line %d.", at.line)
		return e
	default:
		return &domain.Error{Kind: domain.KindMalformed, Msg: "The dataset could not be read.", Err: err}
	}
}

// limited fails when more than left bytes are read, where io.LimitReader would end silently.
type limited struct {
	r    io.Reader
	left int64
}

// Read implements io.Reader.
func (l *limited) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return 0, errTooLarge
	}
	return n, err //nolint:wrapcheck // io.EOF must stay as it is
}

// row is one prompt as a file gives it.
type row struct {
	ID        json.RawMessage `json:"id"`
	Prompt    *string         `json:"prompt"`
	Text      *string         `json:"text"`
	Messages  []message       `json:"messages"`
	MaxTokens *int            `json:"max_tokens"`
}

type message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// text returns what is to be sent. Messages become one text: a benchmark sends single turns.
func (r row) text() string {
	switch {
	case r.Prompt != nil:
		return *r.Prompt
	case r.Text != nil:
		return *r.Text
	}
	parts := make([]string, 0, len(r.Messages))
	for _, m := range r.Messages {
		if m.Content != "" {
			parts = append(parts, m.Content)
		}
	}
	return strings.Join(parts, "\n\n")
}

// id accepts a string or a number.
func (r row) id() (string, error) {
	if len(r.ID) == 0 || string(r.ID) == "null" {
		return "", nil
	}
	var s string
	if json.Unmarshal(r.ID, &s) == nil {
		return s, nil
	}
	var n json.Number
	if err := json.Unmarshal(r.ID, &n); err != nil {
		return "", errors.New("id must be a text or a number")
	}
	return n.String(), nil
}

// collector checks rows and keeps their prompts.
type collector struct {
	prompts []domain.Prompt
	seen    map[string]bool
}

func (c *collector) add(line int, id, text string, limit *int) error {
	fail := func(format string, args ...any) error {
		return &lineError{line, fmt.Sprintf(format, args...)}
	}
	switch {
	case strings.TrimSpace(text) == "":
		return fail("there is no prompt; give prompt, text or messages")
	case len(text) > MaxPrompt:
		return fail("the prompt is longer than %d KiB", MaxPrompt>>10)
	case !utf8.ValidString(text) || !utf8.ValidString(id):
		return fail("the text is not valid UTF-8")
	case len(id) > maxID:
		return fail("the id is longer than %d bytes", maxID)
	case limit != nil && (*limit < 1 || *limit > maxTokens):
		return fail("max_tokens must be 1 to %d", maxTokens)
	case id != "" && c.seen[id]:
		return fail("the id stands in an earlier line too")
	case len(c.prompts) == MaxPrompts:
		return fail("there are more than %d prompts", MaxPrompts)
	}
	for n := len(c.prompts) + 1; id == ""; n++ {
		if name := fmt.Sprintf("p%04d", n); !c.seen[name] {
			id = name
		}
	}
	c.seen[id] = true
	c.prompts = append(c.prompts, domain.Prompt{ID: id, Text: text, MaxTokens: limit})
	return nil
}

// addJSON takes one JSON value: an object, or a text that is the prompt itself.
func (c *collector) addJSON(line int, raw []byte) error {
	if !utf8.Valid(raw) {
		return &lineError{line, "the text is not valid UTF-8"}
	}
	var text string
	if json.Unmarshal(raw, &text) == nil && raw[0] == '"' {
		return c.add(line, "", text, nil)
	}
	var r row
	if err := json.Unmarshal(raw, &r); err != nil {
		return &lineError{line, jsonMistake(err)}
	}
	id, err := r.id()
	if err != nil {
		return &lineError{line, err.Error()}
	}
	return c.add(line, id, r.text(), r.MaxTokens)
}

// jsonMistake says what is wrong without repeating the text.
func jsonMistake(err error) string {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		if wrong.Field == "" {
			return "a row must be an object or a text"
		}
		return wrong.Field + " has the wrong type"
	}
	return "this is not valid JSON"
}

func parseJSONL(r *bufio.Reader, c *collector) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 64<<10), MaxLine)
	n := 0
	for lines.Scan() {
		n++
		raw := bytes.TrimSpace(lines.Bytes())
		if len(raw) == 0 {
			continue
		}
		if err := c.addJSON(n, raw); err != nil {
			return err
		}
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		return &lineError{n + 1, fmt.Sprintf("the line is longer than %d KiB", MaxLine>>10)}
	} else if err != nil {
		return fmt.Errorf("read lines: %w", err)
	}
	return nil
}

// parseJSON reads an array of rows, or an object that holds one as prompts.
func parseJSON(r io.Reader, c *collector) error {
	whole, err := io.ReadAll(r)
	if err != nil {
		return fmt.Errorf("read file: %w", err)
	}
	if !utf8.Valid(whole) {
		return &lineError{firstBadLine(whole), "the text is not valid UTF-8"}
	}
	dec := json.NewDecoder(bytes.NewReader(whole))
	line := lineCounter(whole)
	mistake := func(err error) error {
		at := dec.InputOffset()
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			at = max(at, syntax.Offset)
		} else if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			at = int64(len(whole))
		}
		return &lineError{line(at), jsonMistake(err)}
	}
	if trimmed := bytes.TrimSpace(whole); len(trimmed) == 0 {
		return nil
	} else if trimmed[0] == '{' {
		if err := enterPrompts(dec); err != nil {
			return mistake(err)
		}
	} else if t, err := dec.Token(); err != nil || t != json.Delim('[') {
		return &lineError{1, "the file must be an array, or an object with an array named prompts"}
	}
	for dec.More() {
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return mistake(err)
		}
		if err := c.addJSON(line(dec.InputOffset()-int64(len(raw))), raw); err != nil {
			return err
		}
	}
	if _, err := dec.Token(); err != nil {
		return mistake(err)
	}
	return nil
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
			if t, err := dec.Token(); err != nil || t != json.Delim('[') {
				return errors.New("prompts is not an array")
			}
			return nil
		}
		var skip json.RawMessage
		if err := dec.Decode(&skip); err != nil {
			return fmt.Errorf("read value: %w", err)
		}
	}
	return errors.New("there is no array named prompts")
}

// lineCounter returns a function from byte offset to line number; offsets must not fall.
func lineCounter(whole []byte) func(offset int64) int {
	line, at := 1, 0
	return func(offset int64) int {
		to := min(int(offset), len(whole))
		if to > at {
			line += bytes.Count(whole[at:to], []byte("\n"))
			at = to
		}
		return line
	}
}

func firstBadLine(whole []byte) int {
	line := 1
	for len(whole) > 0 {
		r, size := utf8.DecodeRune(whole)
		if r == utf8.RuneError && size == 1 {
			break
		}
		if r == '\n' {
			line++
		}
		whole = whole[size:]
	}
	return line
}

func parseCSV(r io.Reader, c *collector) error {
	rows := csv.NewReader(r)
	rows.FieldsPerRecord = -1
	header, err := rows.Read()
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err != nil {
		return csvMistake(err)
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
		return &lineError{1, "the first line must name the columns, one of them prompt or text"}
	}
	for {
		fields, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return csvMistake(err)
		}
		line, _ := rows.FieldPos(0)
		if len(fields) != len(header) {
			return &lineError{line, fmt.Sprintf("there are %d columns, the first line has %d", len(fields), len(header))}
		}
		limit, err := csvLimit(fields, column)
		if err != nil {
			return &lineError{line, err.Error()}
		}
		id := ""
		if i, ok := column["id"]; ok {
			id = strings.TrimSpace(fields[i])
		}
		if err := c.add(line, id, fields[textAt], limit); err != nil {
			return err
		}
	}
}

func csvLimit(fields []string, column map[string]int) (*int, error) {
	i, ok := column["max_tokens"]
	if !ok || strings.TrimSpace(fields[i]) == "" {
		return nil, nil //nolint:nilnil // absent is an answer
	}
	n, err := strconv.Atoi(strings.TrimSpace(fields[i]))
	if err != nil {
		return nil, errors.New("max_tokens must be a whole number")
	}
	return &n, nil
}

func csvMistake(err error) error {
	var at *csv.ParseError
	if errors.As(err, &at) {
		return &lineError{at.Line, at.Err.Error()}
	}
	return fmt.Errorf("read rows: %w", err)
}
