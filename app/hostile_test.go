package app

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/api"
	"github.com/inferometer/inferometer/backend/domain"
)

const canaryText = "canary-that-nobody-may-read"

// outsides are names that lead out of a folder, as callers write them in an address.
func outsides(dir string) []string {
	escape := func(s string) string { return strings.ReplaceAll(s, "/", "%2F") }
	names := []string{
		"..%2Fcanary", "..%2f..%2fcanary", "%2e%2e%2Fcanary", "..%5Ccanary", "....%2F%2Fcanary", ".%2F..%2Fcanary", "%2E%2E", "..",
		"..%252Fcanary", "..%c0%afcanary", "%00", "canary%00.db", "..%2Finferometer.db", "..%2Ftoken", "..%2Fserver.json", "token", "inferometer.db",
		escape(filepath.Join(dir, "token")), escape(filepath.Join(filepath.Dir(dir), "canary")), "%2Fetc%2Fpasswd", "..%2F..%2F..%2F..%2F..%2F..%2F..%2Fetc%2Fpasswd",
	}
	return names
}

// tree lists the files under a folder with their sizes, without those that a running program writes.
func tree(t *testing.T, dir string) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !strings.HasSuffix(path, "-wal") && !strings.HasSuffix(path, "-shm") {
			out[path] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// No name in an address leads out of the folder it is looked for in, on any route and by any method.
func TestNamesLeadNowhereElse(t *testing.T) {
	outer := t.TempDir()
	dir := filepath.Join(outer, "data")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(outer, "canary"), []byte(canaryText), 0o600); err != nil {
		t.Fatal(err)
	}
	p := serve(t, dir, "SUPERBENCHMARK_DEBUG=True")
	if code, body := p.rest(http.MethodPost, "/api/v1/storage/backups", ""); code != http.StatusCreated {
		t.Fatalf("backup: %d %s", code, body)
	}
	before := tree(t, outer)
	asked := 0
	for _, op := range api.Ops() {
		if !strings.Contains(op.Path, "{") {
			continue
		}
		for _, name := range outsides(dir) {
			target := strings.NewReplacer("{id}", name, "{n}", name, "{start}", name, "{end}", name).Replace(op.Path)
			body := ""
			if op.Method == http.MethodPatch {
				body = "{}"
			}
			asked++
			status, text := raw(t, p.url, op.Method, target, body)
			if status < 400 || status >= 500 {
				t.Errorf("%s %s: %d %s", op.Method, target, status, text)
			}
			leaks(t, op.Method+" "+target, text)
		}
	}
	for _, target := range []string{
		"/../canary", "/..%2fcanary", "/assets/../../canary", "/assets/..%2f..%2fcanary", "/assets/%2e%2e/%2e%2e/canary", "//etc/passwd", "/%2fetc%2fpasswd",
		"/..%5ccanary", "/assets/..\\..\\canary", "/./token", "/token", "/inferometer.db", "/.env", "/docs/../token", "/api/../token", "/api/v1/../../token", "/login/../token",
	} {
		asked++
		status, text := raw(t, p.url, http.MethodGet, target, "")
		if status != http.StatusNotFound && status != http.StatusBadRequest && status != http.StatusUnauthorized {
			t.Errorf("GET %s: %d %s", target, status, text)
		}
		leaks(t, target, text)
	}
	for path := range before {
		if _, err := os.Stat(path); err != nil {
			t.Errorf("a name reached %s: %v", path, err)
		}
	}
	if asked < 300 {
		t.Errorf("only %d addresses were asked", asked)
	}
}

func leaks(t *testing.T, what, text string) {
	t.Helper()
	if strings.Contains(text, canaryText) || strings.Contains(text, "root:") || strings.Contains(text, "SQLite format") {
		t.Errorf("%s gives a file away: %s", what, text)
	}
}

// raw sends an address as it is written: a client of the library would clean it.
func raw(t *testing.T, base, method, target, body string) (int, string) {
	t.Helper()
	host := strings.TrimPrefix(base, "http://")
	c, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(deadline))
	header := "Connection: close\r\n"
	if body != "" {
		header += fmt.Sprintf("Content-Type: application/json\r\nContent-Length: %d\r\n", len(body))
	}
	if _, err := fmt.Fprintf(c, "%s %s HTTP/1.1\r\nHost: %s\r\n%s\r\n%s", method, target, host, header, body); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: method})
	if err != nil {
		t.Fatalf("%s %s: %v", method, target, err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

const markup = `<svg onload=alert(1)><script>alert(2)</script><img src=x onerror=alert(3)>`

// parrot answers a generation with markup, and names its model so.
func parrot(t *testing.T) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			fmt.Fprint(w, `{"object":"list","data":[{"id":"<b>m</b>","object":"model"}]}`)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		for range 4 {
			fmt.Fprintf(w, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":%q}}]}\n\n", markup)
		}
		fmt.Fprint(w, "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n")
	}))
	t.Cleanup(s.Close)
	return s
}

// Markup in names, prompts and outputs comes back as data: JSON or plain text that no browser takes for a page, whatever
// it asks for and however it opens the address.
func TestMarkupIsServedAsDataAlone(t *testing.T) {
	p := serve(t, t.TempDir(), "SUPERBENCHMARK_DEBUG=True")
	code, body := p.rest(http.MethodPost, "/api/v1/endpoints", fmt.Sprintf(`{"base_url":%q,"name":%q}`, parrot(t).URL, markup))
	if code != http.StatusCreated {
		t.Fatalf("add endpoint: %d %s", code, body)
	}
	endpoint := decode[domain.Endpoint](t, body).ID
	code, body = p.rest(http.MethodPost, "/api/v1/benchmarks?wait=60s", fmt.Sprintf(
		`{"model_id":"<b>m</b>","endpoint_id":%q,"prompt":%q,"name":%q,"notes":%q,"tags":["<i>t</i>"],"max_tokens":8,"warmup":0}`, endpoint, markup, markup, markup))
	run := decode[domain.Run](t, body)
	if code != http.StatusOK || run.Name != markup || run.Output == nil || !strings.Contains(*run.Output, "<script>") {
		t.Fatalf("run: %d %s", code, body)
	}
	p.rest(http.MethodPost, "/api/v1/views", fmt.Sprintf(`{"name":%q}`, markup[:40]))
	p.rest(http.MethodPost, "/api/v1/datasets?name=%3Csvg%20onload%3Dalert(1)%3E", fmt.Sprintf(`[{"prompt":%q}]`, markup))
	found := 0
	for _, op := range api.Ops() {
		if op.Kind != api.Read || op.Name == "Events" {
			continue
		}
		for _, id := range []string{string(run.ID), endpoint, "%3Csvg%20onload=alert(1)%3E"} {
			target := filled(op.Path, id)
			switch op.Name {
			case "Search":
				target += "?q=onload"
			case "Export":
				target += "?format=html&ids=" + string(run.ID)
			}
			if op.Name == "Export" {
				target += "?format=html&ids=" + id
			}
			for _, accept := range []string{"text/html,image/svg+xml,*/*;q=0.8", "image/svg+xml"} {
				req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+target, nil)
				if err != nil {
					t.Fatal(err)
				}
				req.Header.Set("Accept", accept)
				res, err := http.DefaultClient.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				b, err := io.ReadAll(res.Body)
				res.Body.Close()
				if err != nil {
					t.Fatal(err)
				}
				if strings.Contains(string(b), "onload") {
					found++
				}
				data(t, target, res)
			}
		}
	}
	if found < 8 {
		t.Errorf("the markup was in %d answers only", found)
	}
}

// data holds an answer to be one that a browser neither shows as a page nor runs.
func data(t *testing.T, target string, res *http.Response) {
	t.Helper()
	kind, _, _ := strings.Cut(res.Header.Get("Content-Type"), ";")
	switch kind {
	case "application/json", "application/problem+json", "application/openapi+json", "text/plain":
	case "application/zip", "text/html": // a file to keep, never a page of ours
		if !strings.HasPrefix(res.Header.Get("Content-Disposition"), "attachment;") {
			t.Errorf("%s: %q that would be shown", target, kind)
		}
	default:
		if strings.HasPrefix(res.Header.Get("Content-Disposition"), "attachment;") {
			break // a browser saves it
		}
		t.Errorf("%s: %d of type %q", target, res.StatusCode, kind)
	}
	if res.Header.Get("X-Content-Type-Options") != "nosniff" || !strings.HasPrefix(res.Header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("%s: headers %v", target, res.Header)
	}
}

// What others wrote does not drive the terminal: not a name, not an output, not the error of a server.
func TestNothingDrivesTheTerminal(t *testing.T) {
	const escapes = "\x1b]0;owned\x07\x1b[2J\u009b31m\x08\x7f"
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			_ = json.NewEncoder(w).Encode(map[string]any{"data": []any{map[string]any{"id": "m" + escapes}}})
			return
		}
		if strings.Contains(r.URL.Path, "completions") && r.ContentLength%2 == 0 {
			w.Header().Set("Content-Type", "text/event-stream")
			event, _ := json.Marshal(map[string]any{"choices": []any{map[string]any{"index": 0, "delta": map[string]any{"content": "hi" + escapes}, "finish_reason": "stop"}}})
			fmt.Fprintf(w, "data: %s\n\ndata: [DONE]\n\n", event)
			return
		}
		w.WriteHeader(http.StatusInternalServerError)
		_ = json.NewEncoder(w).Encode(map[string]any{"error": "no" + escapes})
	}))
	t.Cleanup(s.Close)
	dir := t.TempDir()
	p := serve(t, dir)
	_, body := p.rest(http.MethodPost, "/api/v1/endpoints", asJSON(t, map[string]any{"base_url": s.URL, "name": "e" + escapes}))
	endpoint := decode[domain.Endpoint](t, body).ID
	var said strings.Builder
	for _, prompt := range []string{"even", "odd!!"} { // one of the two is answered, the other refused
		_, out, errs := verb(t, dir, "run", "--endpoint", endpoint, "--model", "m"+escapes, "--prompt", prompt+escapes, "--name", "n"+escapes, "--tag", "t"+escapes, "--max-tokens", "4", "--warmup", "0")
		said.WriteString(out + errs)
	}
	runs := get[[]domain.Run](p, "/api/v1/benchmarks")
	if len(runs) != 2 {
		t.Fatalf("%d runs: %s", len(runs), said.String())
	}
	for _, words := range [][]string{{"list"}, {"show", string(runs[0].ID)}, {"show", string(runs[1].ID)}, {"endpoints"}, {"models"}, {"endpoints", "check", endpoint}, {"search", "even"}, {"doctor"}, {"show", "x" + escapes}, {"x" + escapes}} {
		_, out, errs := verb(t, dir, words...)
		said.WriteString(out + errs)
	}
	if i := strings.IndexFunc(said.String(), func(c rune) bool { return c < ' ' && !strings.ContainsRune("\n\t\r", c) || c >= 0x7f && c < 0xa0 }); i >= 0 {
		t.Errorf("a control character is written: %q", said.String()[max(0, i-60):min(len(said.String()), i+30)])
	}
	if !strings.Contains(said.String(), "owned") {
		t.Error("the texts were not written at all")
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
