package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

type writer = io.Writer

// plainEvery is how often progress is printed where the line cannot be rewritten.
const plainEvery = 5 * time.Second

// event is one live event whose data is read when its kind is known.
type event struct {
	Kind domain.EventKind
	Data json.RawMessage
}

// eventStream reads server-sent events on a goroutine of its own, which ends at Close.
type eventStream struct {
	body io.ReadCloser
	ch   chan event
	done chan struct{}
}

// follow opens the stream of live events.
func (c *Client) follow(ctx context.Context) (*eventStream, error) {
	req, err := c.request(ctx, http.MethodGet, "/api/v1/events", "", nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "text/event-stream")
	res, err := c.send(req) //nolint:bodyclose // the stream's Close does it
	if err != nil {
		return nil, err
	}
	s := &eventStream{body: res.Body, ch: make(chan event, 64), done: make(chan struct{})}
	go s.read()
	return s, nil
}

func (s *eventStream) read() {
	defer close(s.ch)
	in := bufio.NewScanner(s.body)
	in.Buffer(nil, 8<<20)
	var kind string
	for in.Scan() {
		line := in.Bytes()
		if v, ok := bytes.CutPrefix(line, []byte("event:")); ok {
			kind = string(bytes.TrimSpace(v))
		}
		v, ok := bytes.CutPrefix(line, []byte("data:"))
		if !ok {
			continue
		}
		select {
		case s.ch <- event{Kind: domain.EventKind(kind), Data: bytes.Clone(v)}:
		case <-s.done:
			return
		}
	}
}

// Close ends the stream and waits for its reader.
func (s *eventStream) Close() {
	close(s.done)
	_ = s.body.Close() // only reading; nothing can be lost
	for range s.ch {   // until the reader has closed it
	}
}

// data reads the payload of an event, with or without the envelope around it.
func (ev event) data(into any) error {
	var envelope struct {
		Data json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(ev.Data, &envelope); err == nil && len(envelope.Data) > 0 {
		return json.Unmarshal(envelope.Data, into)
	}
	return json.Unmarshal(ev.Data, into)
}

// watch prints progress until the job has ended, the stream breaks or ctx ends.
func (e *env) watch(ctx context.Context, events *eventStream, job domain.Run) {
	p := progress{w: e.io.Err, rewrite: e.io.Terminal}
	defer p.end()
	for {
		select {
		case <-ctx.Done():
			return
		case ev, ok := <-events.ch:
			if !ok || p.take(ev, job.ID) {
				return
			}
		}
	}
}

// progress prints how far a run is: one rewritten line on a terminal, else a line per phase and
// one every few seconds.
type progress struct {
	w       io.Writer
	rewrite bool
	phase   domain.Phase
	stage   int // index of the stage that was shown last
	last    time.Time
	wide    int
}

// take prints what an event tells; true when the run has ended.
func (p *progress) take(ev event, id domain.RunID) bool {
	switch ev.Kind {
	case domain.EventRunProgress:
		var x domain.RunProgressEvent
		if ev.data(&x) == nil && x.JobID == id {
			p.show(x.Progress)
		}
	case domain.EventRunFinished:
		var r domain.Run
		return ev.data(&r) == nil && r.ID == id
	}
	return false
}

func (p *progress) show(x domain.Progress) {
	now := time.Now()
	stage := 0
	if x.Stage != nil {
		stage = x.Stage.Index
	}
	if !p.rewrite && x.Phase == p.phase && stage == p.stage && now.Sub(p.last) < plainEvery {
		return
	}
	p.phase, p.stage, p.last = x.Phase, stage, now
	p.line(progressLine(x))
}

// line prints one line of progress in place of the last one where it can.
func (p *progress) line(line string) {
	if !p.rewrite {
		fmt.Fprintln(p.w, line)
		return
	}
	fmt.Fprintf(p.w, "\r%s%s", line, strings.Repeat(" ", max(p.wide-len(line), 0)))
	p.wide = len(line)
}

func (p *progress) end() {
	if p.rewrite && p.wide > 0 {
		fmt.Fprintf(p.w, "\r%s\r", strings.Repeat(" ", p.wide))
	}
}

// progressLine is one line of progress, such as
// "measure  stage 2 of 4 closed:8 · 3 of 16 requests · 69.1 tok/s · TTFT 130 ms · about 0:12 left".
func progressLine(x domain.Progress) string {
	var parts []string
	if x.Stage != nil && (x.Stage.Count == nil || *x.Stage.Count > 1) {
		parts = append(parts, stageLine(*x.Stage))
	}
	switch x.Phase {
	case domain.PhaseMeasure, domain.PhaseWarmup, domain.PhaseCooldown, domain.PhaseDrain:
		done, total := x.Done, x.Total
		if x.Stage != nil && x.Phase == domain.PhaseMeasure {
			done, total = x.Stage.Done, x.Stage.Total
		}
		if total != nil {
			parts = append(parts, fmt.Sprintf("%d of %d requests", done, *total))
		} else {
			parts = append(parts, fmt.Sprintf("%d requests", done))
		}
	}
	if x.Note != "" {
		parts = append(parts, x.Note)
	}
	if x.TokensPerSecond != nil {
		parts = append(parts, speed(*x.TokensPerSecond))
	}
	if x.TTFTMs != nil {
		parts = append(parts, "TTFT "+ms(*x.TTFTMs))
	}
	if x.Errors > 0 {
		parts = append(parts, fmt.Sprintf("%d failed", x.Errors))
	}
	if x.Stage != nil && x.Stage.Dropped > 0 {
		parts = append(parts, fmt.Sprintf("%d dropped", x.Stage.Dropped))
	}
	switch {
	case x.Phase == domain.PhaseStop:
	case x.LeftS != nil:
		parts = append(parts, "about "+clock(*x.LeftS)+" left")
	case x.Stage != nil && x.Stage.LeftS != nil:
		parts = append(parts, "about "+clock(*x.Stage.LeftS)+" left in this stage")
	}
	return fmt.Sprintf("%-8s ", x.Phase) + strings.Join(parts, " · ")
}

// stageLine names the stage under way; a search does not know how many there will be.
func stageLine(s domain.StageProgress) string {
	if s.Count == nil {
		return fmt.Sprintf("stage %d %s", s.Index+1, s.Name)
	}
	return fmt.Sprintf("stage %d of %d %s", s.Index+1, *s.Count, s.Name)
}

// clock prints seconds as minutes and seconds.
func clock(s float64) string { return fmt.Sprintf("%d:%02d", int(s)/60, int(s)%60) }

// watchDownload prints a download until it has ended.
func (e *env) watchDownload(ctx context.Context, events *eventStream, d domain.Download) error {
	p := progress{w: e.io.Err, rewrite: e.io.Terminal}
	defer p.end()
	for {
		switch d.State {
		case "done":
			_, err := fmt.Fprintf(e.io.Out, "%s is ready.\n", d.ID)
			return err
		case "failed", "canceled":
			return fmt.Errorf("download of %s %s: %s", d.ID, d.State, d.Error)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case ev, ok := <-events.ch:
			if !ok {
				return fmt.Errorf("the stream of events broke; see “inferometer models”")
			}
			var x domain.Download
			if ev.Kind == domain.EventDownloadProgress && ev.data(&x) == nil && x.ID == d.ID {
				d = x
				p.download(x)
			}
		}
	}
}

func (p *progress) download(x domain.Download) {
	if p.due(domain.Phase(x.State)) {
		p.line(DownloadLine(x))
	}
}

// due reports whether a line is to be printed now: on a terminal always, else for another phase and every
// few seconds.
func (p *progress) due(phase domain.Phase) bool {
	now := time.Now()
	if !p.rewrite && phase == p.phase && now.Sub(p.last) < plainEvery {
		return false
	}
	p.phase, p.last = phase, now
	return true
}

// DownloadLine is one line of progress, such as "smollm2-135m  running  45 of 98 MB · Hugging Face".
func DownloadLine(x domain.Download) string {
	size := fmt.Sprintf("%.0f MB", float64(x.DoneBytes)/1e6)
	if x.TotalBytes != nil {
		size = fmt.Sprintf("%.0f of %.0f MB", float64(x.DoneBytes)/1e6, float64(*x.TotalBytes)/1e6)
	}
	return strings.TrimRight(fmt.Sprintf("%s  %s  %s · %s", x.ID, x.State, size, x.Source), " ·")
}
