package discover_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine/discover"
)

// reply is a fake's answer to one path; the path "*" is for all others.
type reply struct {
	status int
	body   string
	header string // "Name: value"
}

// asked are the requests that a fake got.
type asked struct {
	mu    sync.Mutex
	paths []string
}

func (a *asked) add(path string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.paths = append(a.paths, path)
}

func (a *asked) all() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.paths)
}

// fake serves replies and returns its port; it writes down what it was asked.
func fake(t *testing.T, got *asked, replies map[string]reply) int {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got.add(r.Method + " " + r.URL.Path)
		a, ok := replies[r.URL.Path]
		if !ok {
			a, ok = replies["*"]
		}
		if !ok {
			a = reply{status: 404, body: "404 page not found"}
		}
		if name, value, ok := strings.Cut(a.header, ": "); ok {
			w.Header().Set(name, value)
		}
		w.WriteHeader(a.status)
		fmt.Fprint(w, a.body)
	}))
	t.Cleanup(s.Close)
	return portOf(t, s.URL)
}

func portOf(t *testing.T, raw string) int {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func list(owner string, ids ...string) string {
	var rows []string
	for _, id := range ids {
		rows = append(rows, fmt.Sprintf(`{"id":%q,"object":"model","owned_by":%q}`, id, owner))
	}
	return `{"object":"list","data":[` + strings.Join(rows, ",") + `]}`
}

const llama = "Server: llama.cpp"

func TestLocal(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		replies map[string]reply
		want    *domain.Discovered // nil: left out
	}{
		"ollama": {map[string]reply{"/": {200, "Ollama is running", ""}, "/api/version": {200, `{"version":"0.12.3"}`, ""},
			"/v1/models": {200, list("bartowski", "a:1b", "b"), ""}},
			&domain.Discovered{Kind: "ollama", Name: "Ollama 0.12.3", Version: "0.12.3", Models: []string{"a:1b", "b"}}},
		"ollama without models": {map[string]reply{"/": {200, "Ollama is running\n", ""}, "/v1/models": {200, `{"object":"list","data":null}`, ""}},
			&domain.Discovered{Kind: "ollama", Name: "Ollama", Models: []string{}}},
		"llama-server": {map[string]reply{"/props": {200, `{"build_info":"b10434-7e4c0a9"}`, llama}, "/v1/models": {200, list("llamacpp", "m.gguf"), llama}},
			&domain.Discovered{Kind: "llama", Name: "llama-server b10434-7e4c0a9", Version: "b10434-7e4c0a9", Models: []string{"m.gguf"}}},
		"llama-server with key": {map[string]reply{"/props": {401, `{"error":{"code":401}}`, llama}, "/v1/models": {200, list("llamacpp", "m"), llama}},
			&domain.Discovered{Kind: "llama", Name: "llama-server", Models: []string{"m"}, NeedsKey: true}},
		"llama-server that loads": {map[string]reply{"*": {503, `{"error":{"message":"Loading model"}}`, llama}},
			&domain.Discovered{Kind: "llama", Name: "llama-server", Models: []string{}}},
		"vllm": {map[string]reply{"/version": {200, `{"version":"0.11.0"}`, "Server: uvicorn"}, "/v1/models": {200, list("vllm", "Qwen/Qwen3-8B"), ""}},
			&domain.Discovered{Kind: "openai", Name: "vLLM 0.11.0", Version: "0.11.0", Models: []string{"Qwen/Qwen3-8B"}}},
		"lm studio": {map[string]reply{"*": {200, `{"error":"Unexpected endpoint or method."}`, ""}, "/v1/models": {200, list("organization_owner", "x"), ""}},
			&domain.Discovered{Kind: "openai", Name: "LM Studio", Models: []string{"x"}}},
		"sglang": {map[string]reply{"/v1/models": {200, list("sglang", "x"), ""}},
			&domain.Discovered{Kind: "openai", Name: "SGLang", Models: []string{"x"}}},
		"other": {map[string]reply{"/": {200, "<html>hello", ""}, "/v1/models": {200, list("me", "x"), ""}},
			&domain.Discovered{Kind: "openai", Name: "OpenAI-compatible server", Models: []string{"x"}}},
		"needs key": {map[string]reply{"*": {401, `{"error":"Unauthorized"}`, ""}},
			&domain.Discovered{Kind: "openai", Name: "Server that needs a key", Models: []string{}, NeedsKey: true}},
		"strange version": {map[string]reply{"/version": {200, `{"version":"<b>` + strings.Repeat("9", 50) + `"}`, ""}, "/v1/models": {200, list("vllm", "x"), ""}},
			&domain.Discovered{Kind: "openai", Name: "vLLM", Models: []string{"x"}}},
		"web page":      {map[string]reply{"*": {200, "<!doctype html><title>App</title>", ""}}, nil},
		"our own":       {map[string]reply{"*": {401, `{"title":"Unauthorized","status":401,"detail":"no"}`, "Content-Type: application/problem+json"}}, nil},
		"our own, open": {map[string]reply{"/api/v1/models": {200, `[]`, ""}}, nil},
		"other list":    {map[string]reply{"*": {200, `{"data":[{"name":"x"}]}`, ""}}, nil},
		"some json":     {map[string]reply{"*": {200, `{"ok":true}`, ""}}, nil},
		"redirect":      {map[string]reply{"/v1/models": {302, "", "Location: /moved"}, "/moved": {200, list("vllm", "x"), ""}}, nil},
		"endless":       {map[string]reply{"/v1/models": {200, `{"object":"list","data":[` + strings.Repeat(" ", 2<<20) + `]}`, ""}}, nil},
	} {
		var log asked
		port := fake(t, &log, c.replies)
		got := discover.Local(t.Context(), discover.Options{Ports: []int{port}})
		want := []domain.Discovered{}
		if c.want != nil {
			c.want.BaseURL = fmt.Sprintf("http://127.0.0.1:%d/v1", port)
			want = append(want, *c.want)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
		if paths := log.all(); slices.ContainsFunc(paths, func(p string) bool { return !strings.HasPrefix(p, "GET ") }) || len(paths) > 3 {
			t.Errorf("%s: asked %v", name, paths)
		}
	}
}

// An address to skip is not even connected to, under whichever name it is known.
func TestLocalSkips(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"127.0.0.1", "localhost", "[::1]"} {
		var log asked
		own := fake(t, &log, map[string]reply{"/v1/models": {200, list("vllm", "own"), ""}})
		other := fake(t, new(asked), map[string]reply{"/v1/models": {200, list("vllm", "other"), ""}})
		got := discover.Local(t.Context(), discover.Options{Ports: []int{own, other}, Skip: func(raw string) bool {
			return raw == fmt.Sprintf("http://%s:%d", host, own)
		}})
		if paths := log.all(); len(got) != 1 || got[0].Models[0] != "other" || len(paths) != 0 {
			t.Errorf("%s: found %+v, the own address was asked %v", host, got, paths)
		}
	}
}

// A port that takes connections and says nothing holds nobody up for long.
func TestLocalIsBounded(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := portOf(t, "http://"+closed.Addr().String())
	closed.Close()
	good := fake(t, new(asked), map[string]reply{"/v1/models": {200, list("sglang", "x"), ""}})
	ports := []int{portOf(t, "http://"+silent.Addr().String()), nobody, good, portOf(t, "http://"+silent.Addr().String())}
	begun := time.Now()
	got := discover.Local(t.Context(), discover.Options{Ports: ports})
	if d := time.Since(begun); d > 1100*time.Millisecond {
		t.Errorf("two silent ports took %v, want them asked at once", d)
	}
	if len(got) != 1 || got[0].Name != "SGLang" {
		t.Errorf("found %+v", got)
	}
}
