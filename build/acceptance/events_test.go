//go:build acceptance

package acceptance

import (
	"bufio"
	"context"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

// event is one server-sent event.
type event struct{ id, kind, data string }

// events follows the live events until the test ends or stop is called.
func (s *server) events(lastID string) (ch <-chan event, stop func()) {
	s.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+api+"/events", nil)
	must(s.t, err)
	if lastID != "" {
		req.Header.Set("Last-Event-ID", lastID)
	}
	res, err := http.DefaultClient.Do(req)
	must(s.t, err)
	if ct := res.Header.Get("Content-Type"); res.StatusCode != http.StatusOK || ct != "text/event-stream" {
		s.t.Errorf("events answer %d %s", res.StatusCode, ct)
	}
	out := make(chan event, 4096)
	go func() {
		defer close(out)
		defer res.Body.Close()
		in := bufio.NewScanner(res.Body)
		in.Buffer(nil, 8<<20)
		var e event
		for in.Scan() {
			switch name, value, _ := strings.Cut(in.Text(), ": "); name {
			case "id":
				e.id = value
			case "event":
				e.kind = value
			case "data":
				e.data = value
			case "":
				if e.kind != "" {
					out <- e
				}
				e = event{}
			}
		}
	}()
	s.t.Cleanup(cancel)
	return out, cancel
}

// take reads events up to the first of a kind.
func take(t *testing.T, ch <-chan event, kind string) (all []event) {
	t.Helper()
	end := time.After(patience)
	for {
		select {
		case e, ok := <-ch:
			if !ok {
				t.Fatalf("the stream ended before %s", kind)
			}
			if all = append(all, e); e.kind == kind {
				return all
			}
		case <-end:
			t.Fatalf("no %s came", kind)
		}
	}
}

func number(t *testing.T, id string) (epoch string, n int) {
	t.Helper()
	cut := strings.LastIndex(id, "-")
	if cut < 0 {
		t.Fatalf("the id %q is not EPOCH-N", id)
	}
	n, err := strconv.Atoi(id[cut+1:])
	must(t, err)
	return id[:cut], n
}

func TestEvents(t *testing.T) {
	s := newPlace(t).serve()
	ch, stop := s.events("")
	take(t, ch, "telemetry") // the stream is on
	r := s.start(body(`"max_tokens":24`))
	seen := take(t, ch, "run.finished")
	stop()
	kinds, created := map[string]int{}, ""
	for i, e := range seen {
		kinds[e.kind]++
		if e.kind == "run.created" {
			created = e.id
		}
		epoch, n := number(t, e.id)
		if i > 0 {
			if was, m := number(t, seen[i-1].id); was != epoch || n <= m {
				t.Errorf("%s comes after %s", e.id, seen[i-1].id)
			}
		}
	}
	for _, kind := range []string{"run.created", "run.phase", "run.progress", "telemetry", "run.finished"} {
		if kinds[kind] == 0 {
			t.Errorf("there is no event %s in %v", kind, kinds)
		}
	}
	if end := seen[len(seen)-1]; !strings.Contains(end.data, string(r.ID)) || !strings.Contains(end.data, `"completed"`) {
		t.Errorf("run.finished says %s", end.data)
	}
	if s.job(r.ID).Status != domain.StatusCompleted {
		t.Error("run.finished came before the job was stored as completed")
	}

	ch, stop = s.events(created) // resumes right after
	again := take(t, ch, "run.finished")
	stop()
	_, from := number(t, created)
	if _, n := number(t, again[0].id); n != from+1 {
		t.Errorf("after event %d comes %d", from, n)
	}
	for _, unknown := range []string{"other-7", "nonsense"} {
		ch, stop = s.events(unknown)
		if first := take(t, ch, "reset")[0]; first.kind != "reset" {
			t.Errorf("an unknown id is answered with %s first", first.kind)
		}
		stop()
	}
}
