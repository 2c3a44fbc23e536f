package api

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
)

func peerFile(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "transfer", "testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestImportOverREST(t *testing.T) {
	w := newWorld(t, false)
	post := func(query, kind, body string) answer {
		return w.call(http.MethodPost, base+"/import"+query, body, "Content-Type", kind)
	}
	r := decode[domain.ImportResult](post("?file=r.json", "application/json", peerFile(t, "vllm_detailed.json")).want(http.StatusCreated))
	if len(r.Runs) != 1 || r.Format != "vllm" || r.Runs[0].Imported.File != "r.json" {
		t.Errorf("%+v", r)
	}
	got := decode[domain.Run](w.get(base + "/benchmarks/" + string(r.Runs[0].ID)).want(http.StatusOK))
	if got.Imported == nil || got.Imported.Tool != "vllm" || *got.Summary.TTFTMs.Mean < 107 {
		t.Errorf("%+v", got)
	}
	if p := post("?file=r.json", "application/octet-stream", peerFile(t, "vllm_detailed.json")).problem(http.StatusConflict); !strings.Contains(p.Detail, string(got.ID)) {
		t.Errorf("%+v", p)
	}
	if p := post("", "application/json", peerFile(t, "genai.json")).problem(http.StatusUnprocessableEntity); !p.names("query.model") {
		t.Errorf("%+v", p)
	}
	post("?model=m", "application/json", peerFile(t, "genai.json")).want(http.StatusCreated)
	post("", "application/octet-stream", "\x00\x01").problem(http.StatusUnprocessableEntity)
	post("?format=word", "application/json", "{}").problem(http.StatusUnprocessableEntity)
	post("?mode=x", "application/json", "{}").problem(http.StatusUnprocessableEntity)
	post("", "text/plain", "{}").problem(http.StatusUnsupportedMediaType)
	w.call(http.MethodPost, base+"/import", nil).problem(http.StatusBadRequest)
}

func TestExportOverREST(t *testing.T) {
	w := newWorld(t, false)
	run := w.finished(seedBody())
	ids := "&ids=" + string(run.ID)
	for format, kind := range map[string]string{"jsonl": "application/x-ndjson", "csv": "text/csv; charset=utf-8", "sqlite": "application/vnd.sqlite3", "bundle": "application/zip", "html": "text/html; charset=utf-8"} {
		a := w.get(base + "/export?format=" + format + ids).want(http.StatusOK)
		name := a.header.Get("Content-Disposition")
		if a.header.Get("Content-Type") != kind || !strings.HasPrefix(name, "attachment; filename=inferometer-") || len(a.body) == 0 {
			t.Errorf("%s: %s, %s, %d bytes", format, a.header.Get("Content-Type"), name, len(a.body))
		}
		if format == "html" && !strings.Contains(a.header.Get("Content-Disposition"), "attachment") {
			t.Error("a report would be shown as a page of this program")
		}
	}
	rows, err := csv.NewReader(strings.NewReader(string(w.get(base + "/export?format=csv").body))).ReadAll()
	if err != nil || len(rows) != 3 { // the header, the warm-up and one request
		t.Errorf("%d rows, %v", len(rows), err)
	}
	bundle := w.get(base + "/export?format=bundle" + ids).body
	z, err := zip.NewReader(bytes.NewReader(bundle), int64(len(bundle)))
	if err != nil || len(z.File) != 2 {
		t.Fatalf("%v", err)
	}
	known := decode[domain.ImportResult](w.call(http.MethodPost, base+"/import", string(bundle), "Content-Type", "application/zip").want(http.StatusOK))
	if len(known.Known) != 1 || len(known.Runs) != 0 || known.Signed == "" {
		t.Errorf("%+v", known)
	}
	bundle[len(bundle)/2] ^= 1
	w.call(http.MethodPost, base+"/import", string(bundle), "Content-Type", "application/zip").problem(http.StatusUnprocessableEntity)
	w.get(base + "/export?format=html").problem(http.StatusUnprocessableEntity)
	w.get(base + "/export").problem(http.StatusUnprocessableEntity)
	w.get(base + "/export?format=csv&ids=none").problem(http.StatusNotFound)
}
