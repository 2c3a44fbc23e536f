package app

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine/enginetest"
)

// ended starts a benchmark of an endpoint and waits for its end, meanwhile called in between.
func (p *program) ended(body string, meanwhile func(domain.RunID)) domain.Run {
	p.t.Helper()
	code, text := p.rest(http.MethodPost, "/api/v1/benchmarks", body)
	if code != http.StatusAccepted {
		p.t.Fatalf("start answered %d: %s", code, text)
	}
	run := decode[domain.Run](p.t, text)
	meanwhile(run.ID)
	return p.await(run.ID, func(r domain.Run) bool { return r.Status.Ended() })
}

// TestAnEndpointThatSpeaksGarbage: the run fails in words, and the program goes on.
func TestAnEndpointThatSpeaksGarbage(t *testing.T) {
	server := enginetest.NewServer(t)
	p := serve(t, t.TempDir())
	id := p.endpoint(server.BaseURL())
	body := func(model string) string {
		return fmt.Sprintf(`{"model_id":%q,"endpoint_id":%q,"prompt":"x","max_tokens":8,"warmup":0}`, model, id)
	}
	for _, trap := range []enginetest.Trap{enginetest.TrapGarbage, enginetest.TrapReset, enginetest.TrapDrop, enginetest.TrapWhole, enginetest.TrapNoEnd} {
		run := p.ended(body("m"+string(trap)), func(domain.RunID) {})
		if run.Status != domain.StatusFailed || run.Error == nil || run.Error.Message == "" || run.TokensGenerated != nil && *run.TokensGenerated != 0 {
			t.Errorf("%s: the run is %s, %+v, tokens %v", trap, run.Status, run.Error, run.TokensGenerated)
		}
		rows := get[[]domain.RequestRecord](p, "/api/v1/benchmarks/"+string(run.ID)+"/requests")
		if len(rows) != 1 || rows[0].Outcome == domain.OutcomeOK {
			t.Errorf("%s: requests %+v", trap, rows)
		}
	}
	if run := p.ended(body("m"), func(domain.RunID) {}); run.Status != domain.StatusCompleted {
		t.Errorf("the next run is %s, %+v", run.Status, run.Error)
	}
}

// TestAnEndpointThatVanishes in mid-run: the run ends by itself and keeps what it had measured.
func TestAnEndpointThatVanishes(t *testing.T) {
	server := enginetest.NewServer(t)
	p := serve(t, t.TempDir())
	id := p.endpoint(server.BaseURL())
	measured := 0
	run := p.ended(fmt.Sprintf(`{"model_id":"m","endpoint_id":%q,"prompt":"x","max_tokens":8,"stop":{"requests":2000}}`, id), func(run domain.RunID) {
		measured = p.await(run, func(r domain.Run) bool { return r.Progress != nil && r.Progress.Done >= 5 }).Progress.Done
		server.Listener.Close()
		server.CloseClientConnections()
	})
	if run.Validity == nil || run.Validity.Verdict != "invalid" || len(run.Warnings) == 0 || run.Summary.ErrorClasses["connect"] == 0 {
		t.Errorf("the run is %s, %+v, %+v, %+v", run.Status, run.Validity, run.Warnings, run.Summary.ErrorClasses)
	}
	if run.Summary == nil || run.Summary.Requests.OK < measured {
		t.Errorf("%d requests had been measured, the summary has %+v", measured, run.Summary)
	}
	if code, _ := p.rest(http.MethodGet, "/api/v1/health", ""); code != http.StatusOK {
		t.Errorf("health answers %d", code)
	}
}

// huge is an endpoint whose answers are pieces of a size.
func huge(t *testing.T, pieces, bytes int) string {
	t.Helper()
	piece, _ := json.Marshal(strings.Repeat("aã\"\n", bytes/5))
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/chat/completions") {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, `{"object":"list","data":[{"id":"m","object":"model"}]}`)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		for range pieces {
			fmt.Fprintf(w, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":%s}}]}\n\n", piece)
		}
		fmt.Fprintf(w, "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"+
			"data: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":%d}}\n\ndata: [DONE]\n\n", pieces)
	}))
	t.Cleanup(s.Close)
	return s.URL + "/v1"
}

// TestHugeOutputs: an answer of 8 MB is stored whole and read back whole, also by who only lists.
func TestHugeOutputs(t *testing.T) {
	const pieces, bytes = 128, 64 << 10
	p := serve(t, t.TempDir())
	id := p.endpoint(huge(t, pieces, bytes))
	run := p.ended(fmt.Sprintf(`{"model_id":"m","endpoint_id":%q,"prompt":"x","max_tokens":%d,"warmup":0}`, id, pieces), func(domain.RunID) {})
	if run.Status != domain.StatusCompleted || *run.TokensGenerated != pieces {
		t.Fatalf("the run is %s, %+v", run.Status, run.Error)
	}
	want := strings.Repeat("aã\"\n", bytes/5*pieces)
	q := get[domain.RequestRecord](p, fmt.Sprintf("/api/v1/benchmarks/%s/requests/0", run.ID))
	if q.Output == nil || *q.Output != want {
		t.Errorf("of %d bytes %v came back", len(want), q.Output != nil)
	}
	if _, text := p.rest(http.MethodGet, "/api/v1/benchmarks/"+string(run.ID)+"/requests", ""); len(text) > 10_000 {
		t.Errorf("the list of requests takes %d bytes", len(text))
	}
}

// TestSubscribersThatNeverRead hold up neither a run nor others who listen.
func TestSubscribersThatNeverRead(t *testing.T) {
	p := serve(t, t.TempDir())
	id := p.endpoint(huge(t, 64, 64<<10)) // each end of a run is an event of 4 MB
	for range 20 {
		conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		if err := conn.(*net.TCPConn).SetReadBuffer(4096); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "GET /api/v1/events HTTP/1.1\r\nHost: %s\r\n\r\n", strings.TrimPrefix(p.url, "http://"))
	}
	res, err := http.Get(p.url + "/api/v1/events")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	heard := make(chan string, 1)
	go func() { text, _ := io.ReadAll(res.Body); heard <- string(text) }()
	begin := time.Now()
	for range 5 {
		run := p.ended(fmt.Sprintf(`{"model_id":"m","endpoint_id":%q,"prompt":"x","max_tokens":64,"warmup":0}`, id), func(domain.RunID) {})
		if run.Status != domain.StatusCompleted {
			t.Fatalf("the run is %s, %+v", run.Status, run.Error)
		}
	}
	t.Logf("five runs took %v", time.Since(begin))
	p.end()
	if n := strings.Count(<-heard, "event: run.finished"); n != 5 {
		t.Errorf("a subscriber that reads heard of %d ends", n)
	}
}
