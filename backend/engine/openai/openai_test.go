package openai_test

import (
	"context"
	"errors"
	"fmt"
	"net"
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
	"github.com/inferometer/inferometer/backend/engine/openai"
)

func newEngine(t *testing.T, o openai.Options) *openai.Engine {
	t.Helper()
	e, err := openai.New(o)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	t.Cleanup(func() { e.Close(context.Background()) })
	return e
}

func TestSuite(t *testing.T) {
	for _, kind := range []string{openai.KindOpenAI, openai.KindOllama, openai.KindLlama} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			enginetest.Suite(t, enginetest.Subject{
				New: func(t *testing.T) engine.Engine {
					return newEngine(t, openai.Options{BaseURL: enginetest.NewServer(t).BaseURL() + "/", Kind: kind})
				},
				Spec: domain.EngineSpec{Slots: 8}, Good: "m", Status: "mstatus-500", MidError: "merror-event", NoEnd: "mno-end",
			})
		})
	}
}

// trapTokens is how many tokens a stream with a trap is asked for.
const trapTokens = 16

type trapCheck = func(*testing.T, enginetest.Got)

func checkGood(t *testing.T, g enginetest.Got) {
	t.Helper()
	enginetest.CheckGood(t, g, trapTokens)
	if text := g.Text(domain.ChunkText); !strings.HasPrefix(text, "w0 w1 ") || !strings.HasSuffix(text, "w15 ") {
		t.Errorf("text = %q", text)
	}
}

func checkFails(class domain.ErrorClass, says string) trapCheck {
	return func(t *testing.T, g enginetest.Got) {
		t.Helper()
		enginetest.CheckStamps(t, g)
		if failed := enginetest.CheckFailed(t, g, class); !strings.Contains(failed.Error(), says) {
			t.Errorf("error = %q, want it to say %q", failed, says)
		}
	}
}

func checkReasoning(t *testing.T, g enginetest.Got) {
	t.Helper()
	enginetest.CheckGood(t, g, trapTokens)
	if g.Content()[0].Kind != domain.ChunkReasoning || g.Text(domain.ChunkReasoning) != "w0 w1 w2 w3 w4 w5 w6 w7 " ||
		!strings.HasPrefix(g.Text(domain.ChunkText), "w8 ") {
		t.Errorf("reasoning = %q, text = %q", g.Text(domain.ChunkReasoning), g.Text(domain.ChunkText))
	}
}

func checkStamps(t *testing.T, g enginetest.Got) {
	checkGood(t, g)
	if g.Chunks[0].Kind != domain.ChunkOther || len(g.Content()) != trapTokens {
		t.Errorf("first chunk is content: %+v", g.Chunks[0])
	}
	if ttft := g.Content()[0].At.Sub(g.Usage.Sent); ttft < 20*time.Millisecond {
		t.Errorf("first content after %v, the server waits 20 ms", ttft)
	}
	if g.Usage.CachedTokens == nil || *g.Usage.CachedTokens != 3 {
		t.Errorf("cached tokens = %v, want 3", g.Usage.CachedTokens)
	}
}

func checkStall(t *testing.T, g enginetest.Got) {
	checkGood(t, g)
	var longest time.Duration
	content := g.Content()
	for i := 1; i < len(content); i++ {
		longest = max(longest, content[i].At.Sub(content[i-1].At))
	}
	if longest < enginetest.StallTime-5*time.Millisecond {
		t.Errorf("longest gap %v, the server stalls %v", longest, enginetest.StallTime)
	}
}

func checkSizes(t *testing.T, g enginetest.Got, chunks, tokens int) {
	checkGood(t, g)
	if len(g.Content()) != chunks {
		t.Errorf("%d chunks, want %d", len(g.Content()), chunks)
	}
	for i, c := range g.Content() {
		if c.Tokens != tokens {
			t.Errorf("chunk %d holds %d tokens, want %d", i, c.Tokens, tokens)
		}
	}
}

// TestTraps holds the cases in which load tools count wrongly.
func TestTraps(t *testing.T) {
	for trap, check := range map[enginetest.Trap]trapCheck{
		enginetest.TrapNone:       checkStamps,
		enginetest.TrapErrorEvent: checkFails(domain.ErrClassStream, "CUDA out of memory"),
		enginetest.TrapErrorName:  checkFails(domain.ErrClassStream, "it broke"),
		enginetest.TrapGarbage:    checkFails(domain.ErrClassStream, "cannot be read"),
		enginetest.TrapReset:      checkFails(domain.ErrClassBroken, "broke"),
		enginetest.TrapDrop:       checkFails(domain.ErrClassConnect, ""),
		enginetest.TrapStatus429:  checkFails(domain.ErrClassLimited, "HTTP 429 Too Many Requests: Slow down, please."),
		enginetest.TrapStatus500:  checkFails(domain.ErrClassHTTP, "HTTP 500 Internal Server Error"),
		enginetest.TrapRedirect:   checkFails(domain.ErrClassHTTP, "HTTP 307"),
		enginetest.TrapWhole:      checkFails(domain.ErrClassStream, "instead of a stream"),
		enginetest.TrapStall:      checkStall,
		enginetest.TrapReasoning:  checkReasoning,
		enginetest.TrapReasoning2: checkReasoning,
		// Several tokens came at once, and nobody says how many: the size is unknown.
		enginetest.TrapFourAtOnce: func(t *testing.T, g enginetest.Got) { checkSizes(t, g, 4, 0) },
		enginetest.TrapNoUsage: func(t *testing.T, g enginetest.Got) {
			if g.Err != nil || !g.Usage.Complete || g.Usage.OutputTokens != nil || len(g.Content()) != trapTokens {
				t.Errorf("without usage: %v %+v", g.Err, g.Usage)
			}
		},
		enginetest.TrapEachUsage:   func(t *testing.T, g enginetest.Got) { checkSizes(t, g, trapTokens, 1) },
		enginetest.TrapCRLF:        checkGood,
		enginetest.TrapBundle:      checkGood,
		enginetest.TrapNoDone:      checkGood,
		enginetest.TrapGzip:        checkGood,
		enginetest.TrapNoLastBlank: checkGood,
		enginetest.TrapNoEnd: func(t *testing.T, g enginetest.Got) {
			if g.Err != nil || g.Usage.Complete || len(g.Content()) != trapTokens {
				t.Errorf("without an end mark: %v, complete %v", g.Err, g.Usage.Complete)
			}
		},
	} {
		t.Run("trap "+string(trap), func(t *testing.T) {
			t.Parallel()
			e := newEngine(t, openai.Options{BaseURL: enginetest.NewServer(t).BaseURL()})
			check(t, enginetest.Generate(t.Context(), e, enginetest.Request("m"+string(trap), trapTokens)))
		})
	}
}

func TestSilentStreamTimesOut(t *testing.T) {
	t.Parallel()
	e := newEngine(t, openai.Options{BaseURL: enginetest.NewServer(t).BaseURL(), Timeout: 100 * time.Millisecond})
	begun := time.Now()
	g := enginetest.Generate(t.Context(), e, enginetest.Request("msilent", 4))
	enginetest.CheckFailed(t, g, domain.ErrClassTimeout)
	if d := time.Since(begun); d > 5*time.Second {
		t.Errorf("took %v", d)
	}
	if len(g.Chunks) != 1 || g.Usage.FirstByte.IsZero() {
		t.Errorf("chunks before the time-out = %+v", g.Chunks)
	}
	// A stall shorter than the limit is none, however long the whole stream takes.
	e = newEngine(t, openai.Options{BaseURL: enginetest.NewServer(t).BaseURL(), Timeout: 3 * enginetest.StallTime})
	enginetest.CheckGood(t, enginetest.Generate(t.Context(), e, enginetest.Request("mstall", 512)), 512)
}

func TestDeadlineIsTimeout(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	e := newEngine(t, openai.Options{BaseURL: enginetest.NewServer(t).BaseURL()})
	enginetest.CheckFailed(t, enginetest.Generate(ctx, e, enginetest.Request("msilent", 4)), domain.ErrClassTimeout)
}

func TestRequestBody(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind     string
		raw      bool
		has, not []string
		path     string
	}{
		{openai.KindOpenAI, false, []string{"messages"}, []string{"prompt", "cache_prompt", "ignore_eos"}, "/v1/chat/completions"},
		{openai.KindOpenAI, true, []string{"prompt"}, []string{"messages", "cache_prompt", "ignore_eos"}, "/v1/completions"},
		{openai.KindOllama, false, []string{"messages"}, []string{"cache_prompt", "ignore_eos"}, "/v1/chat/completions"},
		{openai.KindLlama, false, []string{"messages", "cache_prompt", "ignore_eos"}, []string{"prompt"}, "/v1/chat/completions"},
		{openai.KindLlama, true, []string{"prompt", "cache_prompt", "ignore_eos"}, []string{"messages"}, "/v1/completions"},
	} {
		s := enginetest.NewServer(t)
		e := newEngine(t, openai.Options{BaseURL: s.BaseURL(), Kind: c.kind, APIKey: "sk-key"})
		r := enginetest.Request("m", 2)
		r.Raw, r.TopP, r.Temperature = c.raw, 0.5, 0
		enginetest.CheckGood(t, enginetest.Generate(t.Context(), e, r), 2)
		paths, auth, bodies := s.Seen()
		if !slices.Equal(paths, []string{"POST " + c.path}) || auth[0] != "Bearer sk-key" {
			t.Fatalf("%s: paths %v, auth %v", c.kind, paths, auth)
		}
		b := bodies[0]
		for _, k := range append(c.has, "model", "max_tokens", "temperature", "top_p", "seed", "stream", "stream_options") {
			if _, ok := b[k]; !ok {
				t.Errorf("%s raw=%v: no %s", c.kind, c.raw, k)
			}
		}
		for _, k := range c.not {
			if _, ok := b[k]; ok {
				t.Errorf("%s raw=%v: %s is sent", c.kind, c.raw, k)
			}
		}
		if b["temperature"] != 0.0 || b["top_p"] != 0.5 || b["seed"] != 7.0 || b["stream"] != true {
			t.Errorf("%s: body = %v", c.kind, b)
		}
		if c.kind == openai.KindLlama && (b["cache_prompt"] != false || b["ignore_eos"] != true) {
			t.Errorf("llama: body = %v", b)
		}
	}
}

// TestConversation: what was said before comes first, the prompt cache is on only where asked for,
// and no error repeats any of it.
func TestConversation(t *testing.T) {
	t.Parallel()
	s := enginetest.NewServer(t)
	e := newEngine(t, openai.Options{BaseURL: s.BaseURL(), Kind: openai.KindLlama})
	r := enginetest.Request("m", 2)
	r.CachePrompt = true
	r.History = []domain.Message{{Role: "system", Content: "You write very short answers."}, {Role: "user", Content: "Hi"}, {Role: "assistant", Content: "Hello"}}
	enginetest.CheckGood(t, enginetest.Generate(t.Context(), e, r), 2)
	_, _, bodies := s.Seen()
	var roles []string
	list, _ := bodies[0]["messages"].([]any)
	for _, m := range list {
		roles = append(roles, fmt.Sprint(m))
	}
	want := []string{"map[content:You write very short answers. role:system]", "map[content:Hi role:user]",
		"map[content:Hello role:assistant]", "map[content:Tell me a story of the sea. role:user]"}
	if !slices.Equal(roles, want) || bodies[0]["cache_prompt"] != true {
		t.Errorf("messages = %q, cache_prompt = %v", roles, bodies[0]["cache_prompt"])
	}
	r.Model = "mstatus-500" // its message repeats the first one said
	if failed := enginetest.CheckFailed(t, enginetest.Generate(t.Context(), e, r), domain.ErrClassHTTP); strings.Contains(failed.Error(), "short answers") {
		t.Errorf("the error repeats the conversation: %v", failed)
	}
}

func TestOpenBeforeRequests(t *testing.T) {
	t.Parallel()
	opened := make(chan struct{}, 100)
	s := enginetest.NewServer(t)
	listener := httptest.NewUnstartedServer(s.Handler())
	listener.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened <- struct{}{}
		}
	}
	listener.Start()
	t.Cleanup(listener.Close)
	e := newEngine(t, openai.Options{BaseURL: listener.URL + "/v1"})
	if _, err := e.Prepare(t.Context(), domain.EngineSpec{Slots: 40, Requests: 12}); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 12 {
		all.Go(func() { enginetest.CheckGood(t, enginetest.Generate(t.Context(), e, enginetest.Request("m", 2)), 2) })
	}
	all.Wait()
	if n := len(opened); n != 12 {
		t.Errorf("%d connections were opened for 12 requests", n)
	}
}

func TestPrepareSendsNoGeneration(t *testing.T) {
	t.Parallel()
	s := enginetest.NewServer(t)
	e := newEngine(t, openai.Options{BaseURL: s.BaseURL() + "//", Kind: "openai"})
	info, err := e.Prepare(t.Context(), domain.EngineSpec{Model: domain.Model{ID: "m"}, Slots: 4})
	if err != nil {
		t.Fatalf("Prepare: %v", err)
	}
	if info.ContextTokens != 2048 || info.GPUUsed != nil || info.GPUReason == "" || info.Source != s.BaseURL() || info.CacheOff {
		t.Errorf("info = %+v", info)
	}
	paths, auth, _ := s.Seen()
	for i, p := range paths {
		if p != "GET /v1/models" || auth[i] != "" {
			t.Errorf("Prepare sent %s with %q", p, auth[i])
		}
	}
	models, err := e.Models(t.Context())
	if err != nil || len(models) != 1 || models[0].ID != "m" {
		t.Errorf("Models = %+v, %v", models, err)
	}
}

func TestPrepareErrors(t *testing.T) {
	t.Parallel()
	answer := func(status int, body string) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}))
		t.Cleanup(s.Close)
		return s.URL
	}
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	for name, c := range map[string]struct {
		url  string
		kind domain.Kind
		hint string
	}{
		"refused":  {closed.URL, domain.KindUnavailable, "running"},
		"key":      {answer(401, `{"error":{"message":"bad key sk-secret"}}`), domain.KindEngineFailed, "key"},
		"path":     {answer(404, "nothing"), domain.KindEngineFailed, "/v1"},
		"no json":  {answer(200, "<html>"), domain.KindEngineFailed, "/v1"},
		"redirect": {answer(302, ""), domain.KindEngineFailed, "redirect"},
	} {
		e := newEngine(t, openai.Options{BaseURL: c.url, APIKey: "sk-secret"})
		_, err := e.Prepare(t.Context(), domain.EngineSpec{})
		var failed *domain.Error
		if !errors.As(err, &failed) || failed.Kind != c.kind || !strings.Contains(failed.Hint, c.hint) {
			t.Errorf("%s: %+v, want kind %s and a hint about %q", name, failed, c.kind, c.hint)
		}
		if err != nil && strings.Contains(err.Error(), "sk-secret") {
			t.Errorf("%s: the error holds the key: %v", name, err)
		}
	}
	g := enginetest.Generate(t.Context(), newEngine(t, openai.Options{BaseURL: closed.URL}), enginetest.Request("m", 1))
	enginetest.CheckFailed(t, g, domain.ErrClassConnect)
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for _, o := range []openai.Options{{BaseURL: ""}, {BaseURL: "host:80"}, {BaseURL: "ftp://h"}, {BaseURL: "http://"},
		{BaseURL: "http://u:p@h/v1"}, {BaseURL: "http://h/v1", Kind: "other"}} {
		if _, err := openai.New(o); domain.KindOf(err) != domain.KindInvalid {
			t.Errorf("New(%+v) = %v, want invalid", o, err)
		}
	}
}

// TestServerThatClosesAfterStream is how llama-server behaves: it promises to keep the connection
// and closes it after each stream.
func TestServerThatClosesAfterStream(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Server", "llama.cpp")
		if r.Method == http.MethodGet {
			_, _ = w.Write([]byte(`{"data":[]}`))
			return
		}
		conn, rw, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		text := "data: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"length\"}],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1}}\n\ndata: [DONE]\n\n"
		_, _ = rw.WriteString("HTTP/1.1 200 OK\r\nServer: llama.cpp\r\nContent-Type: text/event-stream\r\nKeep-Alive: timeout=5\r\nTransfer-Encoding: chunked\r\n\r\n")
		fmt.Fprintf(rw, "%x\r\n%s\r\n0\r\n\r\n", len(text), text)
		rw.Flush()
	}))
	t.Cleanup(s.Close)
	for _, kind := range []string{openai.KindOpenAI, openai.KindLlama} {
		e := newEngine(t, openai.Options{BaseURL: s.URL, Kind: kind})
		if _, err := e.Prepare(t.Context(), domain.EngineSpec{Slots: 1}); err != nil {
			t.Fatalf("Prepare: %v", err)
		}
		for range 50 {
			enginetest.CheckGood(t, enginetest.Generate(t.Context(), e, enginetest.Request("m", 1)), 1)
		}
	}
}
