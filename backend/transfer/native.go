package transfer

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

// Inferometer's own file is one JSON object a line, with one key that says what it is:
//
//	{"inferometer": {"version": 1, "app": "0.1.0", "exported_at": "…"}}   first line
//	{"run": {…}}        a run with everything that is derived, then its raw records:
//	{"phase": {…}}
//	{"request": {…}}    with chunk times and texts
//	{"sample": {…}}     one reading of the sensors
//	{"end": {"phases": 4, "requests": 64, "samples": 812}}   so that a cut file is told from a whole one
//
// Several runs follow one another. Times of records are in µs from the start of their run.

// nativeVersion is the version of the file's layout.
const nativeVersion = 1

// mostLine is the longest line that is read: a request with its texts.
const mostLine = 64 << 20

// Header is the first line of a file.
type Header struct {
	Version    int       `json:"version"`
	App        string    `json:"app"`
	ExportedAt time.Time `json:"exported_at"`
}

// requestLine is a request with what its public form leaves out.
type requestLine struct {
	domain.RequestRecord
	// KindCodes are the kinds as numbers: a list of small integers would else be written as base64.
	KindCodes []int `json:"chunk_kinds,omitempty"`
}

// sampleLine is a reading with the exact time that its public form rounds.
type sampleLine struct {
	domain.Sample
	ExactUs int64 `json:"t_us"`
}

// tally counts the records of a run.
type tally struct {
	Phases   int `json:"phases"`
	Requests int `json:"requests"`
	Samples  int `json:"samples"`
}

// line is one line of the file.
type line struct {
	Header  *Header             `json:"inferometer,omitempty"`
	Run     *domain.Run         `json:"run,omitempty"`
	Phase   *domain.PhaseChange `json:"phase,omitempty"`
	Request *requestLine        `json:"request,omitempty"`
	Sample  *sampleLine         `json:"sample,omitempty"`
	End     *tally              `json:"end,omitempty"`
}

// Writer writes the program's own file. Each run is Run, its records in any order, End.
type Writer struct {
	enc *json.Encoder
	n   tally
}

// NewWriter writes the first line.
func NewWriter(w io.Writer, h Header) (*Writer, error) {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	h.Version = nativeVersion
	return &Writer{enc: enc}, enc.Encode(line{Header: &h})
}

// Run begins a run.
func (w *Writer) Run(r domain.Run) error {
	w.n = tally{}
	return w.enc.Encode(line{Run: &r})
}

// Phase writes the begin of a phase.
func (w *Writer) Phase(p domain.PhaseChange) error {
	w.n.Phases++
	return w.enc.Encode(line{Phase: &p})
}

// Request writes a request.
func (w *Writer) Request(q domain.RequestRecord) error {
	w.n.Requests++
	l := requestLine{RequestRecord: q}
	for _, k := range q.ChunkKinds {
		l.KindCodes = append(l.KindCodes, int(k))
	}
	return w.enc.Encode(line{Request: &l})
}

// Sample writes a reading.
func (w *Writer) Sample(s domain.Sample) error {
	w.n.Samples++
	return w.enc.Encode(line{Sample: &sampleLine{Sample: s, ExactUs: s.TUs}})
}

// End ends a run.
func (w *Writer) End() error { return w.enc.Encode(line{End: &w.n}) }

// Sink takes what a file holds, in its order. Begin may refuse a run with ErrKnown: then its records are
// read over, and End is not called.
type Sink interface {
	Begin(context.Context, domain.Run) error
	Phase(context.Context, domain.PhaseChange) error
	Request(context.Context, domain.RequestRecord) error
	Sample(context.Context, domain.Sample) error
	End(context.Context) error
}

// ErrKnown is what Sink.Begin returns for a run that is not wanted.
var ErrKnown = errors.New("this run is here already")

// IsNative reports whether a file begins as the program's own does.
func IsNative(head []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(head, " \t\r\n\ufeff"), []byte(`{"inferometer":`))
}

// ReadNative reads the program's own file. A broken or cut one, or one of a newer version, is KindInvalid
// and names the line; what came before it has been handed out.
func ReadNative(ctx context.Context, r io.Reader, to Sink) error {
	n := nativeReader{to: to}
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 1<<16), mostLine)
	for lines.Scan() {
		n.number++
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		if err := n.line(ctx, lines.Bytes()); err != nil {
			return err
		}
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		n.number++
		return n.bad("is longer than 64 MiB")
	case err != nil:
		return err
	case n.number == 0:
		return bad("The file holds no result.")
	case n.open:
		return bad("The file is cut off: its last run has no end.")
	}
	return nil
}

type nativeReader struct {
	to     Sink
	number int // of the line
	open   bool
	over   bool // the run is read over
	have   tally
}

func (n *nativeReader) bad(what string) error {
	return bad(fmt.Sprintf("Line %d of the file %s.", n.number, what))
}

func (n *nativeReader) line(ctx context.Context, data []byte) error {
	var l line
	if err := strict(data, &l); err != nil {
		return n.bad("cannot be read: " + err.Error())
	}
	if n.number == 1 && l.Header == nil {
		return n.bad("does not say that this is a file of Inferometer")
	}
	switch {
	case l.Header != nil:
		if l.Header.Version > nativeVersion {
			return bad("This file was written by a newer Inferometer (" + clip(l.Header.App, 40) + ").")
		}
		return nil
	case l.Run != nil:
		return n.begin(ctx, *l.Run)
	case !n.open:
		return n.bad("belongs to no run")
	case l.End != nil:
		return n.end(ctx, *l.End)
	}
	return n.record(ctx, l)
}

func (n *nativeReader) begin(ctx context.Context, r domain.Run) error {
	if n.open {
		return n.bad("begins a run before the last one ended")
	}
	if err := checkRun(r); err != nil {
		return n.bad(err.Error())
	}
	n.open, n.over, n.have = true, false, tally{}
	err := n.to.Begin(ctx, r)
	if errors.Is(err, ErrKnown) {
		n.over = true
		return nil
	}
	return err
}

// checkRun looks at what the rest of the program relies on.
func checkRun(r domain.Run) error {
	switch {
	case r.ID == "" || len(r.ID) > 64:
		return errors.New("has no job_id")
	case !r.Status.Ended():
		return errors.New("is a run that had not ended")
	case r.Model == "" || r.CreatedAt.IsZero():
		return errors.New("has no model or created_at")
	case len(r.Name) > 2000 || len(r.Notes) > 200000 || len(r.Tags) > 100:
		return errors.New("has a name, notes or tags that are too long")
	}
	return nil
}

func (n *nativeReader) end(ctx context.Context, want tally) error {
	n.open = false
	if n.have != want {
		return n.bad(fmt.Sprintf("says that its run has %d requests, %d readings and %d phases; there are %d, %d and %d",
			want.Requests, want.Samples, want.Phases, n.have.Requests, n.have.Samples, n.have.Phases))
	}
	if n.over {
		return nil
	}
	return n.to.End(ctx)
}

func (n *nativeReader) record(ctx context.Context, l line) error {
	switch {
	case l.Phase != nil:
		n.have.Phases++
		if !n.over {
			return n.to.Phase(ctx, *l.Phase)
		}
	case l.Request != nil:
		n.have.Requests++
		q := l.Request.RequestRecord
		for _, k := range l.Request.KindCodes {
			if k < 0 || k > int(domain.ChunkReasoning) {
				return n.bad("has a piece of an unknown kind")
			}
			q.ChunkKinds = append(q.ChunkKinds, domain.ChunkKind(k))
		}
		if len(q.ChunkKinds) != len(q.ChunkUs) || q.ChunkTokens != nil && len(q.ChunkTokens) != len(q.ChunkUs) {
			return n.bad("has lists of different lengths")
		}
		if !n.over {
			return n.to.Request(ctx, q)
		}
	case l.Sample != nil:
		n.have.Samples++
		if s := l.Sample.Sample; !n.over {
			s.TUs = l.Sample.ExactUs
			return n.to.Sample(ctx, s)
		}
	default:
		return n.bad("is none that this version knows")
	}
	return nil
}
