package llama_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine"
	"github.com/inferometer/inferometer/backend/engine/enginetest"
	"github.com/inferometer/inferometer/backend/engine/llama"
)

// What the fake's /completion does wrong, or right but unusually, by the name of the model.
const (
	rawError   = "raw-error"   // an error event in mid-stream
	rawName    = "raw-name"    // an event named error
	rawGarbage = "raw-garbage" // an event that is no JSON
	rawNoEnd   = "raw-noend"   // no end mark
	rawFull    = "raw-full"    // HTTP 503 with Retry-After
	rawPrompt  = "raw-prompt"  // HTTP 400 whose message repeats the prompt
	rawSplit   = "raw-split"   // characters of several tokens, so that some tokens have no event
	rawOld     = "raw-old"     // an old build: no counts in events, stopped_limit
	rawStop    = "raw-stop"    // the model ends by itself
)

// nativeFace is llama-server's own API beside its OpenAI-compatible one. It writes down the bodies
// of its generations.
type nativeFace struct {
	http.Handler
	slots int
	mu    sync.Mutex
	seen  []map[string]any
}

func newNativeFace(scripted *enginetest.Server) *nativeFace {
	n := &nativeFace{slots: 8}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /props", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"build_info":"b1-fake","total_slots":%d,"default_generation_settings":{"n_ctx":256}}`, n.slots)
	})
	mux.HandleFunc("POST /tokenize", func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Content string `json:"content"`
			Special *bool  `json:"add_special"`
		}
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil || body.Special == nil {
			http.Error(w, `{"error":{"message":"bad"}}`, http.StatusBadRequest)
			return
		}
		tokens := []int{}
		if *body.Special {
			tokens = append(tokens, 1) // what stands before a text
		}
		for i := range strings.Fields(body.Content) {
			tokens = append(tokens, 100+i)
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"tokens": tokens})
	})
	mux.HandleFunc("POST /completion", n.complete)
	mux.Handle("/v1/", scripted.Handler())
	n.Handler = mux
	return n
}

func (n *nativeFace) complete(w http.ResponseWriter, r *http.Request) {
	var body map[string]any
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	n.mu.Lock()
	n.seen = append(n.seen, body)
	n.mu.Unlock()
	model, _ := body["model"].(string)
	tokens, _ := body["n_predict"].(float64)
	if body["n_probs"] != nil {
		probabilities(w, model, body)
		return
	}
	w.Header().Set("Server", "llama.cpp")
	switch model {
	case rawFull:
		w.Header().Set("Retry-After", "3")
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	case rawPrompt:
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{"message": "too long: " + body["prompt"].(string)}})
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	gap := time.NewTicker(time.Millisecond)
	defer gap.Stop()
	for i := 1; i <= int(tokens); i++ {
		select {
		case <-gap.C:
		case <-r.Context().Done():
			return
		}
		if i > int(tokens)/2 && spoilt(w, model) {
			return
		}
		fmt.Fprint(w, rawEvent(model, i))
		_ = http.NewResponseController(w).Flush()
	}
	fmt.Fprint(w, rawEnd(model, int(tokens)))
}

func spoilt(w http.ResponseWriter, model string) bool {
	switch model {
	case rawError:
		fmt.Fprint(w, `data: {"error":{"code":500,"message":"out of memory","type":"server_error"}}`+"\n\n")
	case rawName:
		fmt.Fprint(w, `error: {"error":{"message":"context is full"}}`+"\n\n")
	case rawGarbage:
		fmt.Fprint(w, `data: {"index":0,"content`+"\n\n")
	default:
		return false
	}
	return true
}

func rawEvent(model string, i int) string {
	switch {
	case model == rawOld:
		return fmt.Sprintf(`data: {"content":"w%d ","stop":false,"id_slot":0,"multimodal":false}`+"\n\n", i)
	case model == rawSplit && i%3 != 0:
		return ""
	}
	return fmt.Sprintf(`data: {"index":0,"content":"w%d ","tokens":[],"stop":false,"id_slot":-1,"tokens_predicted":%d,"tokens_evaluated":5}`+"\n\n", i, i)
}

func rawEnd(model string, n int) string {
	reason := `"stop_type":"limit"`
	switch model {
	case rawNoEnd:
		return ""
	case rawOld:
		reason = `"stopped_limit":true`
	case rawStop:
		reason = `"stop_type":"eos"`
	}
	return fmt.Sprintf(`data: {"index":0,"content":"","tokens":[],"id_slot":1,"stop":true,"tokens_predicted":%d,"tokens_evaluated":5,%s,`+
		`"timings":{"cache_n":2,"prompt_n":3,"prompt_ms":12.5,"predicted_n":%d,"predicted_ms":34.25,"draft_n":9,"draft_n_accepted":4}}`+"\n\n", n, reason, n)
}

// newRemote serves the fake and returns an engine for it.
func newRemote(t *testing.T) (*llama.Remote, *nativeFace) {
	t.Helper()
	n := newNativeFace(&enginetest.Server{TTFT: 5 * time.Millisecond, Gap: time.Millisecond, Timings: true})
	s := httptest.NewServer(n)
	t.Cleanup(s.Close)
	e, err := llama.NewRemote(llama.RemoteOptions{BaseURL: s.URL + "/v1/", Timeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return e, n
}

func TestRemotePassesSuite(t *testing.T) {
	t.Parallel()
	enginetest.Suite(t, enginetest.Subject{
		New: func(t *testing.T) engine.Engine {
			e, _ := newRemote(t)
			return e
		},
		Spec: domain.EngineSpec{Slots: 2}, Good: "m", Status: "mstatus-500", MidError: "merror-event", NoEnd: "mno-end",
	})
}

func raw(model string, n int) domain.GenRequest {
	r := enginetest.Request(model, n)
	r.Raw = true
	return r
}

func TestCompletion(t *testing.T) {
	t.Parallel()
	e, n := newRemote(t)
	r := raw("m", 6)
	r.Temperature, r.TopP = 0, 0.5
	g := enginetest.Generate(t.Context(), e, r)
	enginetest.CheckGood(t, g, 6)
	want := domain.ServerTimings{PromptTokens: 3, CachedTokens: 2, PromptMs: 12.5, PredictedTokens: 6, PredictedMs: 34.25, DraftTokens: 9, DraftAccepted: 4}
	if *g.Usage.Server != want || *g.Usage.CachedTokens != 2 || *g.Usage.PromptTokens != 5 || g.Text(domain.ChunkText) != "w1 w2 w3 w4 w5 w6 " {
		t.Errorf("usage %+v, server %+v, text %q", g.Usage, g.Usage.Server, g.Text(domain.ChunkText))
	}
	r.CachePrompt, r.ExactLength = true, false
	enginetest.CheckGood(t, enginetest.Generate(t.Context(), e, r), 6)
	const body = "map[cache_prompt:%v id_slot:-1 ignore_eos:%v model:m n_predict:6 prompt:Tell me a story of the sea. seed:7 stream:true temperature:0 top_p:0.5]"
	if got := fmt.Sprint(n.seen[0]); got != fmt.Sprintf(body, false, true) {
		t.Errorf("body %s", got)
	}
	if got := fmt.Sprint(n.seen[1]); got != fmt.Sprintf(body, true, false) {
		t.Errorf("with the cache: body %s", got)
	}
}

// The tokens of each event come from the running count, so that none is lost or made up.
func TestCompletionTokens(t *testing.T) {
	t.Parallel()
	e, _ := newRemote(t)
	for model, want := range map[string][]int{"m": {1, 1, 1, 1, 1, 1}, rawSplit: {3, 3}, rawOld: {0, 0, 0, 0, 0, 0}} {
		g := enginetest.Generate(t.Context(), e, raw(model, 6))
		enginetest.CheckGood(t, g, 6)
		var got []int
		for _, c := range g.Content() {
			got = append(got, c.Tokens)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: tokens %v, want %v", model, got, want)
		}
	}
	if g := enginetest.Generate(t.Context(), e, raw(rawStop, 4)); g.Usage.FinishReason != "stop" || !g.Usage.Complete {
		t.Errorf("usage %+v, %v", g.Usage, g.Err)
	}
}

func TestCompletionFailures(t *testing.T) {
	t.Parallel()
	e, _ := newRemote(t)
	for model, c := range map[string]struct {
		class domain.ErrorClass
		says  string
	}{
		rawError: {domain.ErrClassStream, "out of memory"}, rawName: {domain.ErrClassStream, "context is full"}, rawGarbage: {domain.ErrClassStream, "cannot be read"},
		rawFull: {domain.ErrClassOverload, "HTTP 503"}, rawPrompt: {domain.ErrClassHTTP, "HTTP 400"},
	} {
		g := enginetest.Generate(t.Context(), e, raw(model, 8))
		if failed := enginetest.CheckFailed(t, g, c.class); !strings.Contains(failed.Error(), c.says) {
			t.Errorf("%s: %v, want it to say %q", model, failed, c.says)
		}
		if model == rawFull && (g.Usage.RetryAfterS == nil || *g.Usage.RetryAfterS != 3) {
			t.Errorf("retry after %v", g.Usage.RetryAfterS)
		}
	}
	if g := enginetest.Generate(t.Context(), e, raw(rawNoEnd, 4)); g.Err != nil || g.Usage.Complete {
		t.Errorf("without an end mark: %v, complete %v", g.Err, g.Usage.Complete)
	}
}

func TestRemotePrepare(t *testing.T) {
	t.Parallel()
	e, n := newRemote(t)
	n.slots = 2
	var notes []string
	info, err := e.Prepare(t.Context(), domain.EngineSpec{Slots: 16, Progress: func(s string, _ *float64) { notes = append(notes, s) }})
	if err != nil || info.Slots != 2 || info.ContextTokens != 256 || info.Version != "b1-fake" || !info.Tokenizer || !info.ExactLength || !info.CacheOff ||
		info.GPUUsed != nil || info.Kind != "llama" {
		t.Errorf("info %+v, %v", info, err)
	}
	if !strings.Contains(strings.Join(notes, "|"), "2 slots for 16 users") {
		t.Errorf("notes %v", notes)
	}
	tokens, err := e.Tokenize(t.Context(), "three little words")
	if err != nil || !slices.Equal(tokens, []int{100, 101, 102}) {
		t.Errorf("tokens %v, %v", tokens, err)
	}
	for status, kind := range map[int]domain.Kind{503: domain.KindUnavailable, 401: domain.KindEngineFailed, 404: domain.KindEngineFailed} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		t.Cleanup(s.Close)
		e, err := llama.NewRemote(llama.RemoteOptions{BaseURL: s.URL})
		if err != nil {
			t.Fatal(err)
		}
		var failed *domain.Error
		if _, err = e.Prepare(t.Context(), domain.EngineSpec{}); !errors.As(err, &failed) || failed.Kind != kind || failed.Hint == "" {
			t.Errorf("status %d: %+v, want %s with a hint", status, err, kind)
		}
	}
	if _, err := llama.NewRemote(llama.RemoteOptions{BaseURL: "nowhere"}); domain.KindOf(err) != domain.KindInvalid {
		t.Errorf("bad address: %v", err)
	}
}
