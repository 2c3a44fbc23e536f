package api

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humamux"

	"github.com/inferometer/inferometer/backend/domain"
)

const (
	heartbeat = 15 * time.Second
	// sendTimeout bounds one write, so that a caller who stopped reading cannot hold a goroutine.
	sendTimeout = 20 * time.Second
)

func (a *API) eventRoutes() {
	op := read("Events", base+"/events", "Live events as server-sent events")
	add(a, op, a.events, func(o *huma.Operation) {
		o.Description = "The data of each event is the whole envelope. A stream resumes after Last-Event-ID; the event reset says that it cannot."
		o.Responses["200"] = &huma.Response{Description: "A stream that does not end", Content: map[string]*huma.MediaType{
			"text/event-stream": {Schema: a.eventSchema()}}} // tighten says how it is framed
	})
}

type eventsInput struct {
	LastID string `header:"Last-Event-ID" maxLength:"128" doc:"Resume after this event"`
}

func (a *API) events(_ context.Context, in *eventsInput) (*huma.StreamResponse, error) {
	return &huma.StreamResponse{Body: func(ctx huma.Context) {
		r, w := humamux.Unwrap(ctx)
		h := w.Header()
		h.Set("Content-Type", "text/event-stream")
		h.Set("Cache-Control", "no-store")
		h.Set("X-Accel-Buffering", "no")
		w.WriteHeader(http.StatusOK)
		if isHead(r.Context()) {
			return
		}
		// The subscription must end with this call: in process the request's context never does.
		sub, cancel := context.WithCancel(r.Context())
		defer cancel()
		a.stream(w, closing(r.Context()), a.svc.Events(sub, in.LastID))
	}}, nil
}

// stream writes events until the caller leaves, the server stops or the subscription ends.
func (a *API) stream(w http.ResponseWriter, stop <-chan struct{}, events <-chan domain.Event) {
	rc := http.NewResponseController(w)
	send := func(b []byte) bool {
		_ = rc.SetWriteDeadline(time.Now().Add(sendTimeout)) // not every writer has one
		if _, err := w.Write(b); err != nil {
			return false
		}
		_ = rc.Flush() // a writer without Flush sends at once
		return true
	}
	if !send([]byte("retry: 2000\n\n")) {
		return
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		select {
		case e, ok := <-events:
			if !ok {
				return
			}
			frame, err := frameOf(e)
			if err != nil {
				a.log.Error("Event cannot be encoded", "kind", e.Kind, "error", err)
				continue
			}
			if !send(frame) {
				return
			}
		case <-beat.C:
			if !send([]byte(": alive\n\n")) {
				return
			}
		case <-stop:
			return
		}
	}
}

func frameOf(e domain.Event) ([]byte, error) {
	e.Data = fillLists(e.Data)
	data, err := json.Marshal(e)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.WriteString("id: " + e.ID + "\nevent: " + string(e.Kind) + "\ndata: ")
	b.Write(data) // one line: JSON escapes line breaks
	b.WriteString("\n\n")
	return b.Bytes(), nil
}
