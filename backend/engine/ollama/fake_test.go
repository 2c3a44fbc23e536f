package ollama_test

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

// What the fake does wrong, or right but unusually, by the name of the model: "m" and one of these.
const (
	trapStatus   = "-status"   // HTTP 500 whose message repeats the prompt
	trapLimited  = "-limited"  // HTTP 429 with Retry-After
	trapError    = "-error"    // an error line in mid-stream
	trapNoEnd    = "-noend"    // no last line
	trapReset    = "-reset"    // the connection is reset in mid-stream
	trapGarbage  = "-garbage"  // a line that is no JSON
	trapSilent   = "-silent"   // nothing comes after the headers
	trapThink    = "-think"    // the first half in the thinking channel
	trapBundle   = "-bundle"   // all lines in one packet
	trapSplit    = "-split"    // CRLF, empty lines, lines cut in two
	trapNoLF     = "-nolf"     // the last line has no end
	trapGzip     = "-gzip"     // compressed though not asked for
	trapWhole    = "-whole"    // one answer, no stream
	trapCached   = "-cached"   // no prompt_eval_count
	trapRedirect = "-redirect" // to another host
)

// fakeOllama is a server with the models m, m-…, embed and one that is not pulled.
type fakeOllama struct {
	*httptest.Server

	mu     sync.Mutex
	paths  []string
	bodies []map[string]any
	loaded map[string]string // model: keep_alive
	vram   int64             // of 1000
}

func newFake(t *testing.T) *fakeOllama {
	t.Helper()
	f := &fakeOllama{loaded: map[string]string{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/version", f.say(`{"version":"0.12.3"}`))
	mux.HandleFunc("GET /api/tags", f.say(`{"models":[{"name":"m:latest","size":5000,"details":{"quantization_level":"Q4_K_M"}},{"name":"embed:latest"}]}`))
	mux.HandleFunc("POST /api/show", f.show)
	mux.HandleFunc("GET /api/ps", f.ps)
	mux.HandleFunc("POST /api/chat", f.generate)
	mux.HandleFunc("POST /api/generate", f.generate)
	f.Server = httptest.NewServer(mux)
	t.Cleanup(f.Close)
	return f
}

func (f *fakeOllama) note(r *http.Request, body map[string]any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.paths = append(f.paths, r.Method+" "+r.URL.Path)
	f.bodies = append(f.bodies, body)
}

// seen returns the requests so far and forgets them.
func (f *fakeOllama) seen() (paths []string, bodies []map[string]any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	paths, bodies = f.paths, f.bodies
	f.paths, f.bodies = nil, nil
	return paths, bodies
}

// kept returns how long a model is kept; empty: it is not in memory.
func (f *fakeOllama) kept(model string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.loaded[model]
}

func (f *fakeOllama) say(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		f.note(r, nil)
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, text)
	}
}

func (f *fakeOllama) show(w http.ResponseWriter, r *http.Request) {
	var body map[string]any
	_ = json.NewDecoder(r.Body).Decode(&body)
	f.note(r, body)
	switch name, _ := body["model"].(string); {
	case name == "embed":
		fmt.Fprint(w, `{"capabilities":["embedding"],"model_info":{"bert.context_length":512}}`)
	case name == "m" || strings.HasPrefix(name, "m-"):
		fmt.Fprint(w, `{"capabilities":["completion","tools"],"model_info":{"general.architecture":"llama","llama.context_length":4096,"llama.vocab_size":5}}`)
	default:
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprintf(w, `{"error":"model '%s' not found"}`, name)
	}
}

func (f *fakeOllama) ps(w http.ResponseWriter, r *http.Request) {
	f.note(r, nil)
	f.mu.Lock()
	defer f.mu.Unlock()
	var rows []string
	for name, alive := range f.loaded {
		until := time.Now().Add(time.Hour)
		if alive == "-1" {
			until = time.Now().AddDate(200, 0, 0)
		}
		rows = append(rows, fmt.Sprintf(`{"name":"%s:latest","model":"%s:latest","size":1000,"size_vram":%d,"context_length":2048,"expires_at":%q}`,
			name, name, f.vram, until.Format(time.RFC3339Nano)))
	}
	fmt.Fprintf(w, `{"models":[%s]}`, strings.Join(rows, ","))
}

// generate answers /api/chat and /api/generate; without a prompt it loads or unloads.
func (f *fakeOllama) generate(w http.ResponseWriter, r *http.Request) {
	var body map[string]any
	_ = json.NewDecoder(r.Body).Decode(&body)
	f.note(r, body)
	model, _ := body["model"].(string)
	alive := fmt.Sprint(body["keep_alive"])
	f.mu.Lock()
	f.loaded[model] = alive
	if alive == "0" {
		delete(f.loaded, model)
	}
	f.mu.Unlock()
	if body["prompt"] == nil && body["messages"] == nil {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"model":"m","response":"","done":true,"done_reason":"load"}`)
		return
	}
	s := &fakeStream{w: w, r: r, trap: strings.TrimPrefix(model, "m"), chat: body["messages"] != nil}
	set, _ := body["options"].(map[string]any)
	tokens, _ := set["num_predict"].(float64)
	if s.refused(fmt.Sprint(body["prompt"], body["messages"])) {
		return
	}
	s.stream(int(tokens))
}

type fakeStream struct {
	w    http.ResponseWriter
	r    *http.Request
	trap string
	chat bool
	held strings.Builder
	zip  *gzip.Writer
}

// refused answers the traps that hold no stream.
func (s *fakeStream) refused(prompt string) bool {
	switch s.trap {
	case trapStatus:
		s.w.WriteHeader(http.StatusInternalServerError)
		_ = json.NewEncoder(s.w).Encode(map[string]string{"error": "cannot handle " + prompt})
	case trapLimited:
		s.w.Header().Set("Retry-After", "7")
		s.w.WriteHeader(http.StatusTooManyRequests)
		fmt.Fprint(s.w, `{"error":"Slow down, please."}`)
	case trapRedirect:
		s.w.Header().Set("Location", "http://localhost:1/api/chat")
		s.w.WriteHeader(http.StatusTemporaryRedirect)
	case trapWhole:
		s.w.Header().Set("Content-Type", "application/json; charset=utf-8")
		fmt.Fprint(s.w, `{"message":{"content":"all"},"done":true}`)
	default:
		return false
	}
	return true
}

func (s *fakeStream) stream(tokens int) {
	s.w.Header().Set("Content-Type", "application/x-ndjson")
	if s.trap == trapGzip {
		s.w.Header().Set("Content-Encoding", "gzip")
		s.zip = gzip.NewWriter(s.w)
		defer s.zip.Close()
	}
	s.w.WriteHeader(http.StatusOK)
	s.flush()
	if s.trap == trapSilent {
		<-s.r.Context().Done()
		return
	}
	gap := time.NewTicker(time.Millisecond)
	defer gap.Stop()
	for i := range tokens {
		select {
		case <-gap.C:
		case <-s.r.Context().Done():
			return
		}
		if i >= tokens/2 && s.breaks() {
			return
		}
		s.line(s.token(i, tokens))
	}
	if s.trap == trapNoEnd {
		return
	}
	count := `"prompt_eval_count":26,`
	if s.trap == trapCached {
		count = ""
	}
	s.line(fmt.Sprintf(`{"model":"m","created_at":"x",%s,"done":true,"done_reason":"length","total_duration":9000000,"load_duration":1500000,`+
		`%s"prompt_eval_duration":2500000,"eval_count":%d,"eval_duration":4250000}`, s.content("", ""), count, tokens))
	_, _ = io.WriteString(s.w, s.held.String())
}

// breaks does what spoils a stream in its middle; true when it is over.
func (s *fakeStream) breaks() bool {
	switch s.trap {
	case trapError:
		s.line(`{"error":"an error was encountered while running the model: CUDA out of memory"}`)
	case trapGarbage:
		s.line(`{"message":{"content":`)
	case trapReset:
		conn, _, err := s.w.(http.Hijacker).Hijack()
		if err == nil {
			_ = conn.(*net.TCPConn).SetLinger(0)
			_ = conn.Close()
		}
	default:
		return false
	}
	return true
}

func (s *fakeStream) token(i, of int) string {
	text, thinking := fmt.Sprintf("w%d<", i), ""
	if s.trap == trapThink && i < of/2 {
		text, thinking = "", text
	}
	return fmt.Sprintf(`{"model":"m","created_at":"2026-01-02T03:04:05.6Z",%s,"done":false}`, s.content(text, thinking))
}

func (s *fakeStream) content(text, thinking string) string {
	text = strings.ReplaceAll(text, "<", `\u003c`)
	more := ""
	if thinking != "" {
		more = fmt.Sprintf(`,"thinking":"%s"`, thinking)
	}
	if s.chat {
		return fmt.Sprintf(`"message":{"role":"assistant","content":"%s"%s}`, text, more)
	}
	return fmt.Sprintf(`"response":"%s"%s`, text, more)
}

// line writes one line in the way of the trap and flushes it.
func (s *fakeStream) line(text string) {
	end := "\n"
	if s.trap == trapNoLF && strings.Contains(text, `"done":true`) {
		end = ""
	}
	switch s.trap {
	case trapBundle:
		s.held.WriteString(text + end)
		return
	case trapGzip:
		_, _ = io.WriteString(s.zip, text+end)
		_ = s.zip.Flush()
		s.flush()
		return
	case trapSplit:
		_, _ = io.WriteString(s.w, "\r\n"+text[:len(text)/2])
		s.flush()
		text, end = text[len(text)/2:], "\r\n"
	}
	_, _ = io.WriteString(s.w, text+end)
	s.flush()
}

func (s *fakeStream) flush() { _ = http.NewResponseController(s.w).Flush() }
