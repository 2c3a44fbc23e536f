package remote_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine/remote"
)

func newClient(t *testing.T, o remote.Options) *remote.Client {
	t.Helper()
	c, err := remote.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestRoot(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"http://h:1/v1": "http://h:1", "http://h:1/v1/": "http://h:1", " http://h:1 ": "http://h:1", "https://h/a%20b/v1//": "https://h/a%20b",
		"http://h/proxy?x=1#y": "http://h/proxy", "http://h/v1/v1": "http://h/v1", "http://h/llmv1": "http://h/llmv1",
	} {
		if got := newClient(t, remote.Options{BaseURL: in}).Root(); got != want {
			t.Errorf("%q: root %q, want %q", in, got, want)
		}
	}
	for _, in := range []string{"", "h:1", "ftp://h", "http://", "http://u:p@h", "http://h:1%zz"} {
		if _, err := remote.New(remote.Options{BaseURL: in}); domain.KindOf(err) != domain.KindInvalid {
			t.Errorf("New(%q): %v, want invalid", in, err)
		}
	}
}

func TestAsk(t *testing.T) {
	t.Parallel()
	var auth, path string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		auth, path = r.Header.Get("Authorization"), r.URL.Path
		_, _ = w.Write([]byte(`{"n":7}`))
	}))
	t.Cleanup(s.Close)
	var out struct{ N int }
	c := newClient(t, remote.Options{BaseURL: s.URL + "/sub/v1", APIKey: "sk-1"})
	if err := c.Ask(t.Context(), remote.Question{Method: http.MethodGet, Path: "/api", Out: &out}); err != nil || out.N != 7 || auth != "Bearer sk-1" || path != "/sub/api" {
		t.Errorf("%+v, %v, auth %q, path %q", out, err, auth, path)
	}
}

func TestAskErrors(t *testing.T) {
	t.Parallel()
	answer := func(status int, body string) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if status == 0 {
				<-r.Context().Done()
				return
			}
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}))
		t.Cleanup(s.Close)
		return s.URL
	}
	gone := httptest.NewServer(nil)
	gone.Close()
	for name, c := range map[string]struct {
		url, says, hint string
		kind            domain.Kind
	}{
		"key":     {answer(401, `{"error":{"message":"no key sk-secret"}}`), "HTTP 401 Unauthorized.", "key", domain.KindEngineFailed},
		"missing": {answer(404, `{"error":"no such model"}`), "no such model", "kind", domain.KindEngineFailed},
		"moved":   {answer(307, ""), "HTTP 307", "redirect", domain.KindEngineFailed},
		"broken":  {answer(500, `{"error":{"message":"cannot read the private story of the sea"}}`), "HTTP 500 Internal Server Error.", "", domain.KindEngineFailed},
		"no json": {answer(200, "<html>"), "cannot be read", "kind", domain.KindEngineFailed},
		"silent":  {answer(0, ""), "does not answer", "", domain.KindTimeout},
		"refused": {gone.URL, "cannot be reached", "running", domain.KindUnavailable},
	} {
		client := newClient(t, remote.Options{BaseURL: c.url, APIKey: "sk-secret"})
		var out map[string]any
		err := client.Ask(t.Context(), remote.Question{Method: http.MethodGet, Path: "/x", Out: &out, Private: "A private story of the sea and the wind.", Timeout: 300 * time.Millisecond})
		var failed *domain.Error
		if !errors.As(err, &failed) || failed.Kind != c.kind || !strings.Contains(failed.Msg, c.says) || !strings.Contains(failed.Hint, c.hint) {
			t.Errorf("%s: %+v, want %s %q %q", name, err, c.kind, c.says, c.hint)
		}
		if err != nil && (strings.Contains(err.Error(), "sk-secret") || strings.Contains(err.Error(), "story of the sea")) {
			t.Errorf("%s: the error says what it may not: %v", name, err)
		}
		if want := map[string]int{"key": 401, "missing": 404, "moved": 307, "broken": 500}[name]; remote.StatusOf(err) != want {
			t.Errorf("%s: status %d, want %d", name, remote.StatusOf(err), want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := newClient(t, remote.Options{BaseURL: gone.URL}).Ask(ctx, remote.Question{Method: http.MethodGet, Path: "/"}); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
}

func TestMessage(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`{"error":"a"}`: "a", `{"error":{"message":"b","code":1}}`: "b", `{"message":"c"}`: "c", `{"error":{},"message":"d"}`: "d", `[]`: "", `x`: "", ``: "",
	} {
		if got := remote.Message([]byte(in)); got != want {
			t.Errorf("%s: %q, want %q", in, got, want)
		}
	}
	c := newClient(t, remote.Options{BaseURL: "http://h", APIKey: "sk-1"})
	if got := c.Safe(" two\n\tlines ", "other"); got != "two lines" {
		t.Errorf("%q", got)
	}
	if got := c.Safe("key sk-1 is bad", ""); got != "" {
		t.Errorf("the key is shown: %q", got)
	}
	if got := c.Safe(strings.Repeat("é", 400), ""); len(got) > 250 || !strings.HasSuffix(got, "…") {
		t.Errorf("%d bytes", len(got))
	}
}
