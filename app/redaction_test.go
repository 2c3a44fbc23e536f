package app

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zalando/go-keyring"

	"github.com/inferometer/inferometer/backend/api"
	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine/enginetest"
)

const planted = "sk-planted-7c1e5b9d4f"

// telltale is a server that repeats the key it was given wherever a server can.
func telltale(t *testing.T) *httptest.Server {
	t.Helper()
	var n atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		said := r.Header.Get("Authorization")
		w.Header().Set("X-Debug", said)
		w.Header().Set("Server", said)
		if r.Method == http.MethodGet && r.URL.Path == "/v1/models" {
			fmt.Fprint(w, `{"object":"list","data":[{"id":"m","object":"model"}]}`)
			return
		}
		switch n.Add(1) % 3 {
		case 0:
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprintf(w, `{"error":{"message":"Incorrect API key provided: %s"}}`, said)
		case 1:
			w.WriteHeader(http.StatusInternalServerError)
			fmt.Fprintf(w, "<html>%s", said)
		default:
			w.Header().Set("Content-Type", "text/event-stream")
			fmt.Fprintf(w, "data: {\"error\":{\"message\":\"%s is out of credit\"}}\n\n", said)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// filled puts ids into the templates of a route.
func filled(path, id string) string {
	return strings.NewReplacer("{id}", id, "{n}", "0", "{start}", "2000-01-01", "{end}", "2100-01-01").Replace(path)
}

// every asks all routes that read, for each id, and returns what they answered.
func (p *program) every(ids ...string) map[string]string {
	p.t.Helper()
	out := map[string]string{}
	for _, op := range api.Ops() {
		if op.Kind != api.Read {
			continue
		}
		for _, id := range ids {
			path := filled(op.Path, id)
			switch op.Name {
			case "Events":
				out[path] = p.events(path)
				continue
			case "Search":
				path += "?q=hello"
			case "Export":
				for _, format := range []string{"jsonl", "csv", "sqlite", "bundle", "html"} {
					with := path + "?format=" + format
					_, out[with] = p.rest(http.MethodGet, with, "")
					out[with] = unpacked(p.t, out[with])
				}
				continue
			}
			if _, asked := out[path]; !asked {
				_, out[path] = p.rest(http.MethodGet, path, "")
				out[path] = unpacked(p.t, out[path])
			}
		}
	}
	return out
}

// unpacked adds the files of an archive to an answer that is one.
func unpacked(t *testing.T, body string) string {
	t.Helper()
	if !strings.HasPrefix(body, "PK") {
		return body
	}
	z, err := zip.NewReader(strings.NewReader(body), int64(len(body)))
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	all.WriteString(body)
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(&all, r); err != nil {
			t.Fatal(err)
		}
		_ = r.Close()
	}
	return all.String()
}

// events reads a stream for as long as the past is replayed.
func (p *program) events(path string) string {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), 500*time.Millisecond)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+path, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Last-Event-ID", "another-1")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	b, _ := io.ReadAll(res.Body) // it ends with the time
	return string(b)
}

// The key of an endpoint stands in the file of keys and in what is sent to that endpoint, and nowhere else: no answer,
// no file, no log, no line of the command line holds it, after good runs and bad ones.
func TestAPlantedKeyIsFoundNowhere(t *testing.T) {
	keyring.MockInitWithError(errors.New("there is none"))
	dir, good, bad := t.TempDir(), enginetest.NewServer(t), telltale(t)
	p := serve(t, dir, "SUPERBENCHMARK_DEBUG=True")
	var said strings.Builder
	var ids []string
	for _, base := range []string{good.BaseURL(), bad.URL + "/v1"} {
		code, body := p.rest(http.MethodPost, "/api/v1/endpoints", fmt.Sprintf(`{"base_url":%q,"api_key":%q}`, base, planted))
		e := decode[domain.Endpoint](t, body)
		if code != http.StatusCreated || !e.HasKey || e.KeyFrom != "file" {
			t.Fatalf("add endpoint: %d %s", code, body)
		}
		ids = append(ids, e.ID)
		said.WriteString(body)
		for _, call := range []struct{ method, path, body string }{
			{http.MethodPost, "/api/v1/endpoints/" + e.ID + "/check", ""},
			{http.MethodPatch, "/api/v1/endpoints/" + e.ID, fmt.Sprintf(`{"api_key":%q,"kind":"no such"}`, planted)},
			{http.MethodPost, "/api/v1/benchmarks?wait=60s", fmt.Sprintf(`{"model_id":"m","endpoint_id":%q,"prompt":"hello","max_tokens":4,"warmup":0,"stop":{"requests":4}}`, e.ID)},
		} {
			_, body := p.rest(call.method, call.path, call.body)
			said.WriteString(body)
			if strings.Contains(call.path, "benchmarks") {
				ids = append(ids, string(decode[domain.Run](t, body).ID))
			}
		}
		_, out, errs := verb(t, dir, "show", ids[len(ids)-1], "--json")
		said.WriteString(out + errs)
	}
	if _, auth, _ := good.Seen(); len(auth) == 0 || auth[len(auth)-1] != "Bearer "+planted {
		t.Fatalf("the endpoint saw %q", auth)
	}
	for _, words := range [][]string{{"endpoints"}, {"doctor"}, {"list"}, {"settings"}, {"storage", "backup"}} {
		_, out, errs := verb(t, dir, words...)
		said.WriteString(out + errs)
	}
	for path, body := range p.every(ids...) {
		hides(t, path, []byte(body))
	}
	hides(t, "answers and lines", []byte(said.String()))
	hides(t, "standard error", []byte(p.err.String()))
	if code := p.end(); code != 0 {
		t.Fatalf("the program ended with %d", code)
	}
	keys := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		if filepath.Base(path) != keysName {
			hides(t, path, b)
			return err
		}
		keys++
		info, serr := d.Info()
		if serr != nil || info.Mode().Perm() != 0o600 || bytes.Count(b, []byte(planted)) != 2 {
			t.Errorf("file of keys: %v %v %s", info.Mode(), serr, b)
		}
		return err
	})
	if err != nil || keys != 1 {
		t.Errorf("%d files of keys, %v", keys, err)
	}
}

// hides looks for the key and for what it becomes in a header of another kind.
func hides(t *testing.T, where string, b []byte) {
	t.Helper()
	for _, form := range []string{planted, planted[3:], base64.StdEncoding.EncodeToString([]byte(planted)), strings.ToUpper(planted)} {
		if i := bytes.Index(b, []byte(form)); i >= 0 {
			t.Errorf("%s holds the key: %q", where, b[max(0, i-80):min(len(b), i+40)])
			return
		}
	}
}

// kv is a store of values in memory.
type kv map[string]string

func (m kv) GetKV(_ context.Context, key string) (string, bool, error) {
	v, ok := m[key]
	return v, ok, nil
}
func (m kv) SetKV(_ context.Context, key, value string) error { m[key] = value; return nil }

func TestKeysWithAndWithoutAKeyring(t *testing.T) {
	for name, set := range map[string]func(){"keyring": keyring.MockInit, "file": func() { keyring.MockInitWithError(errors.New("there is none")) }} {
		set()
		dir, vars := t.TempDir(), kv{}
		var log bytes.Buffer
		s := newSecrets(vars, dir, slog.New(slog.NewTextHandler(&log, nil)))
		for _, id := range []string{"a", "b"} {
			if from, err := s.Set(id, planted+id); err != nil || from != name {
				t.Fatalf("%s: key from %q, %v", name, from, err)
			}
		}
		again := newSecrets(vars, dir, slog.New(slog.DiscardHandler)) // the next start
		if v, err := again.Get("a"); err != nil || v != planted+"a" {
			t.Errorf("%s: after a new start %q, %v", name, v, err)
		}
		if err := again.Delete("a"); err != nil {
			t.Fatal(err)
		}
		if v, err := again.Get("a"); err != nil || v != "" {
			t.Errorf("%s: a deleted key is %q, %v", name, v, err)
		}
		if v, err := again.Get("b"); err != nil || v != planted+"b" {
			t.Errorf("%s: the other key is %q, %v", name, v, err)
		}
		_, err := os.Stat(filepath.Join(dir, keysName))
		if there := err == nil; there != (name == "file") || there != strings.Contains(log.String(), keysName) {
			t.Errorf("%s: file there %v, log %s", name, there, log.String())
		}
		if strings.Contains(log.String(), planted) {
			t.Errorf("%s: the log holds the key", name)
		}
	}
}

func TestADamagedFileOfKeysIsSaidWithoutItsContent(t *testing.T) {
	keyring.MockInitWithError(errors.New("there is none"))
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, keysName), []byte(`{"a":"`+planted), 0o600); err != nil {
		t.Fatal(err)
	}
	s := newSecrets(kv{}, dir, slog.New(slog.DiscardHandler))
	for what, f := range map[string]func() error{
		"get": func() error { _, err := s.Get("a"); return err }, "set": func() error { _, err := s.Set("a", "x"); return err },
		"delete": func() error { return s.Delete("a") },
	} {
		if err := f(); err == nil || strings.Contains(err.Error(), planted) || !strings.Contains(err.Error(), keysName) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
