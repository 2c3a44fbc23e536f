package enginetest

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// Trap names what a scripted server does wrong, or right but unusually. A request asks for it by
// its model's name, so one server serves every case.
type Trap string

// The traps; the zero value is a well-behaved stream.
const (
	TrapNone        Trap = ""
	TrapErrorEvent  Trap = "error-event"  // data: {"error": …} in mid-stream, then a clean end
	TrapErrorName   Trap = "error-name"   // event: error
	TrapReset       Trap = "reset"        // the connection is reset in mid-stream
	TrapDrop        Trap = "drop"         // reset before any answer
	TrapStatus500   Trap = "status-500"   // HTTP 500 whose message repeats the prompt
	TrapStatus429   Trap = "status-429"   // HTTP 429 with a message
	TrapStall       Trap = "stall"        // one long gap
	TrapSilent      Trap = "silent"       // nothing comes after the headers
	TrapReasoning   Trap = "reasoning"    // the first half in reasoning_content
	TrapReasoning2  Trap = "reasoning-2"  // the first half in reasoning
	TrapFourAtOnce  Trap = "four"         // four tokens in an event
	TrapNoUsage     Trap = "no-usage"     // no usage at all
	TrapEachUsage   Trap = "each-usage"   // usage on every event
	TrapCRLF        Trap = "crlf"         // CRLF, comments, events cut in two
	TrapBundle      Trap = "bundle"       // all events in one packet
	TrapNoDone      Trap = "no-done"      // a finish reason but no [DONE]
	TrapNoEnd       Trap = "no-end"       // neither
	TrapGzip        Trap = "gzip"         // compressed though not asked for
	TrapWhole       Trap = "whole"        // one JSON answer, no stream
	TrapRedirect    Trap = "redirect"     // a redirect to another host
	TrapGarbage     Trap = "garbage"      // an event that is no JSON
	TrapNoLastBlank Trap = "no-last-line" // the last line has no end
	TrapCrash       Trap = "crash"        // calls Server.Crash in mid-stream
)

// StallTime is the long gap of TrapStall.
const StallTime = 200 * time.Millisecond

// Server is a scripted OpenAI-compatible server.
type Server struct {
	*httptest.Server
	TTFT, Gap time.Duration
	Timings   bool   // add llama-server's timings to the usage event
	Crash     func() // what TrapCrash does in mid-stream

	mu     sync.Mutex
	bodies []map[string]any
	paths  []string
	auth   []string
}

// NewServer starts a server that ends with the test.
func NewServer(t testing.TB) *Server {
	t.Helper()
	s := &Server{TTFT: 20 * time.Millisecond, Gap: 2 * time.Millisecond}
	s.Server = httptest.NewServer(s.Handler())
	t.Cleanup(s.Close)
	return s
}

// Handler is the server's face, for tests that listen themselves.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/models", func(w http.ResponseWriter, r *http.Request) {
		s.record(r, nil)
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"object":"list","data":[{"id":"m","object":"model","max_model_len":2048}]}`)
	})
	mux.HandleFunc("POST /v1/chat/completions", s.generate)
	mux.HandleFunc("POST /v1/completions", s.generate)
	return mux
}

// BaseURL is the address to give to an adapter.
func (s *Server) BaseURL() string { return s.URL + "/v1" }

func (s *Server) record(r *http.Request, body map[string]any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.paths = append(s.paths, r.Method+" "+r.URL.Path)
	s.auth = append(s.auth, r.Header.Get("Authorization"))
	if body != nil {
		s.bodies = append(s.bodies, body)
	}
}

// Seen returns the requests so far: method and path, Authorization headers, bodies of generations.
func (s *Server) Seen() (paths, auth []string, bodies []map[string]any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.paths...), append([]string(nil), s.auth...), append([]map[string]any(nil), s.bodies...)
}

func (s *Server) generate(w http.ResponseWriter, r *http.Request) {
	var body map[string]any
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.record(r, body)
	model, _ := body["model"].(string)
	tokens, _ := body["max_tokens"].(float64)
	a := &answer{s: s, w: w, r: r, trap: Trap(strings.TrimPrefix(model, "m")), tokens: int(tokens),
		chat: strings.HasSuffix(r.URL.Path, "/chat/completions")}
	if text, ok := body["prompt"].(string); ok {
		a.prompt = text
	} else if list, ok := body["messages"].([]any); ok && len(list) > 0 {
		a.prompt, _ = list[0].(map[string]any)["content"].(string)
	}
	if !a.refused() {
		a.stream()
	}
}

// answer is one answer under way.
type answer struct {
	s      *Server
	w      http.ResponseWriter
	r      *http.Request
	trap   Trap
	tokens int
	chat   bool
	prompt string
	held   strings.Builder // of TrapBundle
	zip    *gzip.Writer
}

// refused answers the traps that hold no stream.
func (a *answer) refused() bool {
	fail := func(status int, msg string) bool {
		raw, _ := json.Marshal(map[string]any{"error": map[string]any{"message": msg, "code": status}})
		a.w.Header().Set("Content-Type", "application/json")
		a.w.WriteHeader(status)
		_, _ = a.w.Write(raw)
		return true
	}
	switch a.trap {
	case TrapStatus500:
		return fail(http.StatusInternalServerError, "cannot handle: "+a.prompt)
	case TrapStatus429:
		return fail(http.StatusTooManyRequests, "Slow down, please.")
	case TrapRedirect:
		a.w.Header().Set("Location", "http://localhost:1/v1/chat/completions")
		a.w.WriteHeader(http.StatusTemporaryRedirect)
		return true
	case TrapWhole:
		a.w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(a.w, `{"choices":[{"message":{"role":"assistant","content":"all"},"finish_reason":"stop"}]}`)
		return true
	case TrapDrop:
		a.reset()
		return true
	}
	return false
}

// reset breaks the connection hard.
func (a *answer) reset() {
	conn, _, err := a.w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// stream sends the role event, the tokens, the finish event, the usage and the end mark.
func (a *answer) stream() {
	a.w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	if a.trap == TrapGzip {
		a.w.Header().Set("Content-Encoding", "gzip")
		a.zip = gzip.NewWriter(a.w)
		defer a.zip.Close()
	}
	if a.chat {
		a.event(`{"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"role":"assistant","content":null},"finish_reason":null}]}`)
	}
	if a.trap == TrapSilent {
		<-a.r.Context().Done()
		return
	}
	if !a.sleep(a.s.TTFT) {
		return
	}
	step := 1
	if a.trap == TrapFourAtOnce {
		step = 4
	}
	for i := 0; i < a.tokens; i += step {
		if i > 0 && !a.sleep(a.gap(i)) {
			return
		}
		if i >= a.tokens/2 && a.breaks() {
			return
		}
		a.event(a.token(i, step))
	}
	if a.trap == TrapNoEnd {
		return
	}
	delta := `"delta":{}`
	if !a.chat {
		delta = `"text":""`
	}
	a.event(fmt.Sprintf(`{"choices":[{"index":0,%s,"finish_reason":"length"}]%s}`, delta, a.eachUsage(a.tokens)))
	if a.trap != TrapNoUsage {
		timings := ""
		if a.s.Timings {
			timings = fmt.Sprintf(`,"timings":{"cache_n":0,"prompt_n":7,"prompt_ms":12.5,"predicted_n":%d,"predicted_ms":34.25}`, a.tokens)
		}
		a.event(fmt.Sprintf(`{"choices":[],"usage":%s%s}`, usage(a.tokens), timings))
	}
	switch a.trap {
	case TrapNoDone:
	case TrapNoLastBlank:
		_, _ = io.WriteString(a.w, "data: [DONE]")
	default:
		a.event("[DONE]")
	}
	if a.trap == TrapBundle {
		_, _ = io.WriteString(a.w, a.held.String())
	}
}

// breaks does what spoils a stream in its middle; true when it is over.
func (a *answer) breaks() bool {
	switch a.trap {
	case TrapErrorEvent:
		a.event(`{"error":{"message":"CUDA out of memory","type":"server_error","code":500}}`)
		a.event("[DONE]")
	case TrapErrorName:
		_, _ = io.WriteString(a.w, "event: error\ndata: it broke\n\n")
	case TrapGarbage:
		a.event(`{"choices":[{"delta":{"content":`)
	case TrapReset:
		a.reset()
	case TrapCrash:
		a.s.Crash()
	default:
		return false
	}
	return true
}

func (a *answer) gap(i int) time.Duration {
	if a.trap == TrapStall && i == a.tokens/2 {
		return StallTime
	}
	return a.s.Gap
}

// token is the event of n tokens from number i.
func (a *answer) token(i, n int) string {
	var text strings.Builder
	for k := i; k < min(i+n, a.tokens); k++ {
		fmt.Fprintf(&text, "w%d ", k)
	}
	field := "content"
	if i < a.tokens/2 && a.trap == TrapReasoning {
		field = "reasoning_content"
	}
	if i < a.tokens/2 && a.trap == TrapReasoning2 {
		field = "reasoning"
	}
	part := fmt.Sprintf(`"delta":{%q:%q}`, field, text.String())
	if !a.chat {
		part = fmt.Sprintf(`"text":%q`, text.String())
	}
	return fmt.Sprintf(`{"object":"chat.completion.chunk","choices":[{"index":0,%s,"finish_reason":null}]%s}`, part, a.eachUsage(i+1))
}

func (a *answer) eachUsage(n int) string {
	if a.trap != TrapEachUsage {
		return ""
	}
	return `,"usage":` + usage(n)
}

func usage(n int) string {
	return fmt.Sprintf(`{"prompt_tokens":7,"completion_tokens":%d,"total_tokens":%d,"prompt_tokens_details":{"cached_tokens":3}}`, n, n+7)
}

// event writes one event in the way of the trap and flushes it.
func (a *answer) event(data string) {
	text := "data: " + data + "\n\n"
	switch a.trap {
	case TrapBundle:
		a.held.WriteString(text)
		return
	case TrapGzip:
		_, _ = io.WriteString(a.zip, text)
		_ = a.zip.Flush()
		a.flush()
		return
	case TrapCRLF:
		text = ": ping\r\n\r\nid: 1\r\ndata: " + data + "\r\n\r\n"
		cut := len(text) / 2
		_, _ = io.WriteString(a.w, text[:cut])
		a.flush()
		text = text[cut:]
	}
	_, _ = io.WriteString(a.w, text)
	a.flush()
}

func (a *answer) flush() { _ = http.NewResponseController(a.w).Flush() }

// sleep waits like a model computes; false when the client has gone.
func (a *answer) sleep(d time.Duration) bool { return pause(a.r.Context(), d) == nil }
