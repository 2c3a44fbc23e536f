package api

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

// readEvents reads frames until n named events came.
func readEvents(t *testing.T, r io.Reader, n int) (ids, kinds []string, data []string) {
	t.Helper()
	lines := bufio.NewScanner(r)
	for len(data) < n && lines.Scan() {
		key, value, _ := strings.Cut(lines.Text(), ": ")
		switch key {
		case "id":
			ids = append(ids, value)
		case "event":
			kinds = append(kinds, value)
		case "data":
			data = append(data, value)
		}
	}
	return ids, kinds, data
}

func TestEventsStreamAndResume(t *testing.T) {
	w := newWorld(t, false)
	addr := w.serve(Guard{})
	open := func(lastID string) *http.Response {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+base+"/events", nil)
		if err != nil {
			t.Fatal(err)
		}
		if lastID != "" {
			req.Header.Set("Last-Event-ID", lastID)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/event-stream" {
			t.Fatalf("events: %d %v", res.StatusCode, res.Header)
		}
		return res
	}
	first := open("")
	w.hub.Publish(domain.EventLog, domain.LogRecord{Message: "one"})
	w.hub.Publish(domain.EventLog, domain.LogRecord{Message: "two\nlines"})
	ids, kinds, data := readEvents(t, first.Body, 2)
	first.Body.Close()
	if len(ids) != 2 || kinds[0] != "log" || !strings.Contains(data[0], `"attrs":{}`) || !strings.Contains(data[0], `"id":"`+ids[0]+`"`) {
		t.Fatalf("%v %v %v", ids, kinds, data)
	}
	again := open(ids[0])
	defer again.Body.Close()
	resumed, _, _ := readEvents(t, again.Body, 1)
	if len(resumed) != 1 || resumed[0] != ids[1] {
		t.Errorf("resumed with %v after %v", resumed, ids)
	}
	lost := open("other-1")
	defer lost.Body.Close()
	if _, kinds, _ := readEvents(t, lost.Body, 1); len(kinds) != 1 || kinds[0] != "reset" {
		t.Errorf("a foreign id gives %v", kinds)
	}
	// Shutdown, in the cleanup, has to end the streams that are still open.
}

// noFlush is a writer as a window has it: no Flush, no deadlines.
type noFlush struct {
	header http.Header
	pipe   *io.PipeWriter
}

func (n noFlush) Header() http.Header         { return n.header }
func (n noFlush) WriteHeader(int)             {}
func (n noFlush) Write(p []byte) (int, error) { return n.pipe.Write(p) }

func TestEventsWithoutFlusher(t *testing.T) {
	w := newWorld(t, false)
	r, pipe := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.api.Handler().ServeHTTP(noFlush{http.Header{}, pipe}, httptest.NewRequest(http.MethodGet, base+"/events", nil))
	}()
	retry := make([]byte, len("retry: 2000\n\n"))
	if _, err := io.ReadFull(r, retry); err != nil || string(retry) != "retry: 2000\n\n" {
		t.Fatalf("%q %v", retry, err)
	}
	w.hub.Publish(domain.EventTelemetry, domain.TelemetryEvent{})
	if _, kinds, data := readEvents(t, r, 1); kinds[0] != "telemetry" || !strings.Contains(data[0], `"samples":[]`) {
		t.Errorf("%v %v", kinds, data)
	}
	// A reader who left is noticed with the next write, though the context never ends.
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	w.hub.Publish(domain.EventTelemetry, domain.TelemetryEvent{})
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("the stream outlives its reader")
	}
}

func TestShutdownEndsStreams(t *testing.T) {
	w := newWorld(t, false)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := Server(w.api.Handler())
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	res, err := http.Get("http://" + l.Addr().String() + base + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := srv.Shutdown(ctx); err != nil {
		t.Fatalf("shutdown waits for a stream: %v", err)
	}
	if _, err := io.ReadAll(res.Body); err != nil {
		t.Errorf("the stream was cut, not ended: %v", err)
	}
	if err := <-done; !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
}
