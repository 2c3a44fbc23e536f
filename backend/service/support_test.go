package service_test

import (
	"archive/zip"
	"bytes"
	"io"
	"log/slog"
	"os"
	"os/user"
	"strings"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/logbook"
	"github.com/inferometer/inferometer/backend/service"
)

// unzip returns the files of a bundle by name.
func unzip(t *testing.T, bundle []byte) map[string]string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(bundle), int64(len(bundle)))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		r.Close()
		if err != nil {
			t.Fatal(err)
		}
		out[f.Name] = string(text)
	}
	return out
}

// planted are texts that must not leave the machine.
func planted() []string {
	return []string{"the-prompt-of-ana", "an-answer-nobody-sees", "sk-plain-4711-key", "own-key-of-7-letters", "pa55word", "tok-in-a-query", "Bearer-0815",
		"ana.silva@example.org", "/home/ana", "C:\\Users\\ana", "run of ana's thesis", "notes-of-ana", "tag-of-ana", "0123456789abcdef0123456789abcdef", "gsk_short8chars"}
}

// TestSupportBundleHoldsNoSecret plants secrets and words of a person wherever they can get in and greps every
// byte that comes out.
func TestSupportBundleHoldsNoSecret(t *testing.T) {
	book := &logbook.Book{}
	in(t, options{env: []string{"INFEROMETER_MODELS_DIR=/home/ana/models", "INFEROMETER_ALLOWED_HOSTS=ana-laptop.example.org"},
		deps: func(d *service.Deps) {
			d.Log, d.Logs = slog.New(book.Handler(slog.NewJSONHandler(io.Discard, nil))), book
		}}, func(t *testing.T, w *world) {
		_, err := w.svc.AddEndpoint(t.Context(), domain.EndpointInput{BaseURL: ptr("http://far.example/v1"), Name: ptr("far"), APIKey: ptr("own-key-of-7-letters")})
		if err != nil {
			t.Fatal(err)
		}
		run := w.finished(func(r *domain.BenchmarkRequest) { r.Prompt = ptr("the-prompt-of-ana") })
		patch := domain.RunPatch{Name: ptr("run of ana's thesis"), Notes: ptr("notes-of-ana"), Tags: &[]string{"tag-of-ana"}}
		if _, err := w.svc.EditBenchmark(t.Context(), run.ID, patch); err != nil {
			t.Fatal(err)
		}
		u, err := user.Current()
		if err != nil {
			t.Fatal(err)
		}
		host, err := os.Hostname()
		if err != nil {
			t.Fatal(err)
		}
		file := slog.New(book.Handler(slog.NewJSONHandler(io.Discard, nil)))
		file.Error("Cannot ask sk-plain-4711-key", "error", `Post "http://ana:pa55word@far.example/v1/chat?key=tok-in-a-query": refused with own-key-of-7-letters`,
			"header", "Authorization: Bearer Bearer-0815", "mail", "ana.silva@example.org wrote", "path", "/home/ana/models/a.gguf", "windows", `open C:\Users\ana\x: denied`,
			"quoted", `cannot read "the-prompt-of-ana and much more, `+strings.Repeat("words ", 20)+`"`, "json", `{"api_key":"pa55word","token": "tok-in-a-query"}`,
			"sum", "0123456789abcdef0123456789abcdef", "other", "gsk_short8chars", "said", "“an-answer-nobody-sees "+strings.Repeat("words ", 20)+"”",
			"who", u.Username+" at "+host)
		bundle, err := w.svc.Support(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		files := unzip(t, bundle)
		secrets := planted()
		for _, word := range []string{u.Username, host, w.path} {
			if len(word) > 2 && word != "root" {
				secrets = append(secrets, word)
			}
		}
		for name, text := range files {
			for _, s := range secrets {
				if strings.Contains(text, s) || strings.Contains(text, strings.ReplaceAll(s, `\`, `\\`)) {
					t.Errorf("%s holds %q: %s", name, s, text)
				}
			}
			if strings.Contains(text, "ana") {
				t.Errorf("%s speaks of ana: %s", name, text)
			}
		}
		for name, want := range map[string]string{"README.txt": "no prompt", "version.json": `"version": "1.2.3"`, "doctor.txt": "Test CPU", "system.json": `"cpu_model": "Test CPU"`,
			"settings.json": `"telemetry_hz"`, "storage.json": `"schema": `, "log.jsonl": "http://far.example"} {
			if !strings.Contains(files[name], want) {
				t.Errorf("%s lacks %s: %s", name, want, files[name])
			}
		}
		if strings.Contains(files["storage.json"], `"schema": 0`) {
			t.Error("the schema is not told")
		}
	})
}

// TestLog gives the newest records of a level.
func TestLog(t *testing.T) {
	book := &logbook.Book{}
	in(t, options{deps: func(d *service.Deps) { d.Logs = book }}, func(t *testing.T, w *world) {
		log := slog.New(book.Handler(slog.NewJSONHandler(io.Discard, nil)))
		log.Info("one")
		pass(time.Second)
		log.Error("two")
		got, err := w.svc.Log(t.Context(), "info", 10)
		if err != nil || len(got) != 2 || got[0].Message != "two" || got[0].At.Sub(got[1].At) != time.Second {
			t.Errorf("%+v, %v", got, err)
		}
		if got, err = w.svc.Log(t.Context(), "error", 10); err != nil || len(got) != 1 {
			t.Errorf("%+v, %v", got, err)
		}
		_, err = w.svc.Log(t.Context(), "loud", 10)
		refused(t, err, domain.KindInvalid, "query.level")
		for _, limit := range []int{0, 1001} {
			_, err = w.svc.Log(t.Context(), "info", limit)
			refused(t, err, domain.KindInvalid, "query.limit")
		}
	})
}
