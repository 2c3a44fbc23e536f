package app

import (
	"archive/zip"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/inferometer/inferometer/backend/api"
	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine/enginetest"
)

// TestSupportBundleOfTheProgram plants a key, a prompt and names in a real run that fails, and greps every byte.
func TestSupportBundleOfTheProgram(t *testing.T) {
	server := enginetest.NewServer(t)
	dir := filepath.Join(t.TempDir(), "folder-of-ana")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("APP_TEST_SUPPORT_KEY", "key-4711-planted")
	p := serve(t, dir)
	_, body := p.rest(http.MethodPost, "/api/v1/endpoints", fmt.Sprintf(`{"base_url":%q,"api_key":"env:APP_TEST_SUPPORT_KEY"}`, server.BaseURL()))
	id := decode[domain.Endpoint](t, body).ID
	for _, trap := range []enginetest.Trap{enginetest.TrapNone, enginetest.TrapStatus500, enginetest.TrapGarbage, enginetest.TrapErrorEvent} {
		p.ended(fmt.Sprintf(`{"model_id":%q,"endpoint_id":%q,"prompt":"planted prompt of ana","max_tokens":4,"name":"planted name"}`, "m"+string(trap), id), func(domain.RunID) {})
	}
	records := get[[]domain.LogRecord](p, "/api/v1/log")
	if len(records) < 3 {
		t.Errorf("the log has %+v", records)
	}
	token, err := os.ReadFile(filepath.Join(dir, tokenName))
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "b.zip")
	if code, _, errs := verb(t, dir, "support", "-o", out); code != 0 {
		t.Fatal(errs)
	}
	if code, _, _ := verb(t, dir, "support", "-o", out); code != 1 {
		t.Error("a file was written over")
	}
	z, err := zip.OpenReader(out)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range []string{"key-4711-planted", "planted", "of ana", "folder-of-ana", dir, strings.TrimSpace(string(token)), "w0 w1"} {
			if strings.Contains(string(text), s) {
				t.Errorf("%s holds %q: %s", f.Name, s, text)
			}
		}
	}
	p.end()

	again := serve(t, dir)
	if kept := get[[]domain.LogRecord](again, "/api/v1/log?limit=1000"); len(kept) < len(records) || kept[len(kept)-1].Message != records[len(records)-1].Message {
		t.Errorf("after a restart the log has %d records of %d", len(kept), len(records))
	}
	if code, text, errs := verb(t, dir, "log", "--level", "warn"); code != 0 || !strings.Contains(text, "Run did not complete") {
		t.Errorf("log ended with %d: %s%s", code, text, errs)
	}
}

// chooser is a window whose person always saves to the same place.
type chooser struct {
	native
	place string
}

func (c chooser) SaveFile(string, string) (string, error) { return c.place, nil }

func TestTheWindowSavesTheBundleWhereThePersonWants(t *testing.T) {
	p := serve(t, t.TempDir())
	place := filepath.Join(t.TempDir(), "for a report.zip")
	// A client of the served program stands for the handler in process.
	proxy := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		res, err := http.Get(p.url + r.URL.RequestURI())
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer res.Body.Close()
		w.WriteHeader(res.StatusCode)
		_, _ = io.Copy(w, res.Body)
	})
	got := decode[Answer](t, newBridge(proxy, api.Ops(), chooser{place: place}).Support("Save"))
	if text, err := os.ReadFile(place); got.Status != http.StatusOK || string(got.Body) != fmt.Sprintf("%q", place) || !strings.HasPrefix(string(text), "PK") {
		t.Errorf("%+v, %d bytes, %v", got, len(text), err)
	}
	if got := decode[Answer](t, newBridge(proxy, api.Ops(), chooser{}).Support("Save")); got.Status != http.StatusOK || string(got.Body) != "null" {
		t.Errorf("a closed dialog: %+v", got)
	}
}

func TestTheWindowSavesAPictureWhereThePersonWants(t *testing.T) {
	place := filepath.Join(t.TempDir(), "card.png")
	got := decode[Answer](t, newBridge(nil, api.Ops(), chooser{place: place}).SavePicture("Save", "../card.png", "UE5H"))
	if text, err := os.ReadFile(place); got.Status != http.StatusOK || string(got.Body) != fmt.Sprintf("%q", place) || string(text) != "PNG" {
		t.Errorf("%+v, %q, %v", got, text, err)
	}
	if got := decode[Answer](t, newBridge(nil, api.Ops(), chooser{}).SavePicture("Save", "card.png", "UE5H")); string(got.Body) != "null" {
		t.Errorf("a closed dialog: %+v", got)
	}
	if got := decode[Answer](t, newBridge(nil, api.Ops(), chooser{place: place}).SavePicture("Save", "card.png", "no base64!")); got.Status != http.StatusUnprocessableEntity {
		t.Errorf("what is no base64: %+v", got)
	}
}
