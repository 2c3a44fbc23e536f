package workload

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/inferometer/inferometer/backend/domain"
)

// The limits of an imported dataset.
const (
	MaxBytes   = 64 << 20  // of the whole file
	MaxLine    = 4 << 20   // of one line of a file of lines, in bytes
	MaxPrompt  = 512 << 10 // of one prompt with its history and turns, in bytes
	MaxPrompts = 200_000

	maxTokens   = 32768
	maxInput    = 1 << 20 // tokens of a made prompt
	maxID       = 128
	maxRejected = 1000 // mistakes that are kept when bad lines are left out
	maxReported = 20   // mistakes that one error tells
	maxPeek     = 1 << 20
)

// The formats of a file of prompts; docs/datasets.md shows an example of each.
const (
	FormatAuto     = "auto"
	FormatJSONL    = "jsonl"
	FormatJSON     = "json"
	FormatCSV      = "csv"
	FormatShareGPT = "sharegpt"
	FormatMessages = "messages"
	FormatTrace    = "trace"
)

// ImportOptions say how a file is read.
type ImportOptions struct {
	// SkipBad leaves lines with a mistake out, and lists them, where otherwise the import fails.
	SkipBad bool
}

// Imported is what a file held.
type Imported struct {
	Format   string // one of the formats, never auto
	Prompts  []domain.Prompt
	Rejected []domain.LineError // lines that were left out; of more than 1000 the rest is only counted
}

// Import reads a dataset as a stream; an empty format or auto finds out which one it is. Errors are
// *domain.Error, name up to 20 lines and never repeat what stands there.
func Import(format string, r io.Reader, o ImportOptions) (Imported, error) {
	return read(format, &limited{r: r, left: MaxBytes}, o)
}

// Parse reads a dataset that must hold no mistake.
func Parse(format string, r io.Reader) ([]domain.Prompt, error) {
	in, err := Import(format, r, ImportOptions{})
	return in.Prompts, err
}

func read(format string, r io.Reader, o ImportOptions) (Imported, error) {
	body := bufio.NewReaderSize(r, 64<<10)
	if head, _ := body.Peek(3); bytes.Equal(head, []byte("\xef\xbb\xbf")) {
		_, _ = body.Discard(3)
	}
	c := &collector{format: strings.ToLower(format), skip: o.SkipBad, seen: map[string]bool{}}
	if c.format == "" || c.format == FormatAuto {
		body = bufio.NewReaderSize(body, maxPeek)
		head, _ := body.Peek(maxPeek) // an error comes again on reading
		c.format = detect(head)
	}
	var err error
	switch c.format {
	case FormatJSONL:
		err = readLines(body, c)
	case FormatCSV:
		err = readCSV(body, c)
	case FormatJSON:
		err = readArray(body, c)
	case FormatShareGPT, FormatMessages, FormatTrace:
		if first(body) == '[' {
			err = readArray(body, c)
		} else {
			err = readLines(body, c)
		}
	default:
		return Imported{}, domain.Invalid("query.format", "supported are auto, jsonl, json, csv, sharegpt, messages and trace")
	}
	if err != nil && !errors.Is(err, errEnough) {
		return Imported{}, edge(err)
	}
	return c.result()
}

// first peeks at the first byte that is no space; 0 when there is none nearby.
func first(body *bufio.Reader) byte {
	head, _ := body.Peek(4 << 10)
	if head = bytes.TrimSpace(head); len(head) > 0 {
		return head[0]
	}
	return 0
}

var (
	errTooLarge = fmt.Errorf("the file is larger than %d MiB", MaxBytes>>20)
	errTooMany  = fmt.Errorf("there are more than %d prompts", MaxPrompts)
	errEnough   = errors.New("enough mistakes")
)

// lineError is a mistake after which nothing more can be read.
type lineError struct {
	line int
	err  error
}

func (e *lineError) Error() string { return fmt.Sprintf("line %d: %v", e.line, e.err) }

// Unwrap returns the mistake without its line.
func (e *lineError) Unwrap() error { return e.err }

// edge turns a reader's error into one for the edge.
func edge(err error) error {
	var at *lineError
	switch {
	case errors.Is(err, errTooLarge):
		return &domain.Error{Kind: domain.KindTooLarge, Msg: "The dataset is too large.",
			Hint: fmt.Sprintf("Files up to %d MiB can be imported.", MaxBytes>>20)}
	case errors.As(err, &at):
		return mistakes([]domain.LineError{{Line: at.line, Message: at.err.Error()}})
	default:
		return &domain.Error{Kind: domain.KindMalformed, Msg: "The dataset could not be read.", Err: err}
	}
}

// mistakes makes one error of the first mistakes in a file.
func mistakes(bad []domain.LineError) *domain.Error {
	e := &domain.Error{Kind: domain.KindInvalid, Msg: fmt.Sprintf("The dataset has a mistake in line %d.", bad[0].Line)}
	switch {
	case len(bad) >= maxReported:
		e.Msg = fmt.Sprintf("The dataset has mistakes in %d lines or more.", maxReported)
	case len(bad) > 1:
		e.Msg = fmt.Sprintf("The dataset has mistakes in %d lines.", len(bad))
	}
	for _, b := range bad[:min(len(bad), maxReported)] {
		e.Fields = append(e.Fields, domain.FieldError{Location: "body", Message: fmt.Sprintf("line %d: %s", b.Line, b.Message)})
	}
	return e
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

// collector checks prompts, keeps the good ones and notes the mistakes.
type collector struct {
	format  string
	skip    bool
	prompts []domain.Prompt
	seen    map[string]bool // ids
	bad     []domain.LineError
	unkept  int     // mistakes beyond those in bad
	entry   int     // of an array, from 1: many of them may stand in one line
	begin   float64 // of a trace, in its own milliseconds
	last    float64 // time of the prompt before, from begin
}

// result is what is handed out at the end of the file.
func (c *collector) result() (Imported, error) {
	if len(c.bad) > 0 && (!c.skip || len(c.prompts) == 0) {
		return Imported{}, mistakes(c.bad)
	}
	if len(c.prompts) == 0 {
		return Imported{}, domain.Invalid("body", "the file holds no prompt")
	}
	if c.unkept > 0 {
		last := &c.bad[len(c.bad)-1]
		last.Message += fmt.Sprintf("; %d more lines have a mistake", c.unkept)
	}
	return Imported{Format: c.format, Prompts: c.prompts, Rejected: c.bad}, nil
}

// reject notes a mistake; an error ends the reading.
func (c *collector) reject(line int, message string) error {
	if c.entry > 0 {
		message = fmt.Sprintf("entry %d: %s", c.entry, message)
	}
	switch {
	case !c.skip && len(c.bad) == maxReported-1:
		c.bad = append(c.bad, domain.LineError{Line: line, Message: message})
		return errEnough
	case len(c.bad) == maxRejected:
		c.unkept++
	default:
		c.bad = append(c.bad, domain.LineError{Line: line, Message: message})
	}
	return nil
}

// take keeps a prompt or notes what is wrong with it; an error ends the reading.
func (c *collector) take(line int, p domain.Prompt, err error) error {
	if err == nil {
		err = c.check(p)
	}
	if err != nil {
		return c.reject(line, err.Error())
	}
	if len(c.prompts) == MaxPrompts {
		return &lineError{line, errTooMany}
	}
	for n := len(c.prompts) + 1; p.ID == ""; n++ {
		if name := fmt.Sprintf("p%04d", n); !c.seen[name] {
			p.ID = name
		}
	}
	if p.AtMs != nil {
		if len(c.prompts) == 0 {
			c.begin = *p.AtMs
		}
		*p.AtMs -= c.begin
		c.last = *p.AtMs
	}
	c.seen[p.ID] = true
	c.prompts = append(c.prompts, p)
	return nil
}

// check finds what is wrong with a prompt.
func (c *collector) check(p domain.Prompt) error {
	size := len(p.Text)
	for _, m := range p.History {
		size += len(m.Content)
	}
	for _, t := range p.Turns {
		size += len(t.Text) + len(t.Answer)
	}
	switch {
	case strings.TrimSpace(p.Text) == "" && p.InputTokens == nil:
		return errors.New("there is no prompt; give " + wanted(c.format))
	case size > MaxPrompt:
		return fmt.Errorf("the prompt is longer than %d KiB", MaxPrompt>>10)
	case !utf8.ValidString(p.Text) || !utf8.ValidString(p.ID):
		return errNotUTF8
	case len(p.ID) > maxID:
		return fmt.Errorf("the id is longer than %d bytes", maxID)
	case p.MaxTokens != nil && (*p.MaxTokens < 1 || *p.MaxTokens > maxTokens):
		return fmt.Errorf("max_tokens must be 1 to %d", maxTokens)
	case p.InputTokens != nil && (*p.InputTokens < 1 || *p.InputTokens > maxInput):
		return fmt.Errorf("input_length must be 1 to %d", maxInput)
	case p.ID != "" && c.seen[p.ID]:
		return errors.New("the id stands in an earlier line too")
	case p.AtMs != nil && len(c.prompts) > 0 && *p.AtMs-c.begin < c.last:
		return errors.New("the time lies before that of an earlier line; sort the file by time")
	case p.AtMs != nil && len(c.prompts) > 0 && *p.AtMs-c.begin > maxTraceMs:
		return errors.New("the time lies more than 30 days behind the first")
	}
	return nil
}

// wanted names the fields that a record of the format may give.
func wanted(format string) string {
	switch format {
	case FormatShareGPT:
		return "conversations"
	case FormatMessages:
		return "messages, or a body with messages"
	case FormatTrace:
		return "input_length, prompt or messages"
	}
	return "prompt, text or messages"
}
