package service_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine/enginetest"
	"github.com/inferometer/inferometer/backend/service"
)

func upload(name, format, body string) service.DatasetUpload {
	return service.DatasetUpload{Name: name, Format: format, Body: strings.NewReader(body)}
}

func TestDatasets(t *testing.T) {
	in(t, options{}, func(t *testing.T, w *world) {
		builtin, err := w.svc.Datasets(t.Context())
		if err != nil || len(builtin) == 0 {
			t.Fatalf("built-in: %v, %v", builtin, err)
		}
		refused(t, w.svc.RemoveDataset(t.Context(), builtin[0].ID), domain.KindConflict, "")
		var ids []string
		for _, u := range []service.DatasetUpload{upload(" My Set! ", "jsonl", `{"prompt":"a"}`), upload("my set", "csv", "prompt\nb\nc\n"),
			upload("MY-SET", "json", `[{"prompt":"d"}]`), upload("データ", "jsonl", `{"prompt":"e"}`), upload(strings.Repeat("a", 59)+" b", "jsonl", `{"prompt":"f"}`)} {
			d, err := w.svc.AddDataset(t.Context(), u)
			if err != nil || d.SHA256 == "" || d.Builtin {
				t.Fatalf("add %q: %+v, %v", u.Name, d, err)
			}
			ids = append(ids, d.ID)
		}
		if got := strings.Join(ids, " "); got != "my-set my-set-2 my-set-3 dataset "+strings.Repeat("a", 59) {
			t.Errorf("ids = %s", got)
		}
		d, err := w.svc.Dataset(t.Context(), "my-set-2")
		if err != nil || d.Name != "my set" || d.Prompts != 2 || len(d.Preview) != 2 || d.Preview[1].Text != "c" {
			t.Errorf("dataset = %+v, %v", d, err)
		}
		if err := w.svc.RemoveDataset(t.Context(), "my-set-2"); err != nil {
			t.Fatal(err)
		}
		_, err = w.svc.Dataset(t.Context(), "my-set-2")
		refused(t, err, domain.KindNotFound, "")
		refused(t, w.svc.RemoveDataset(t.Context(), "my-set-2"), domain.KindNotFound, "")
	})
}

func TestDatasetRefusals(t *testing.T) {
	in(t, options{}, func(t *testing.T, w *world) {
		_, err := w.svc.AddDataset(t.Context(), upload("bad", "jsonl", "{\"prompt\":\"a\"}\n{\"prompt\":\"hush\"\n"))
		if e := refusal(t, err, domain.KindInvalid, "body"); !strings.Contains(e.Fields[0].Message, "line 2") || strings.Contains(e.Error()+e.Fields[0].Message, "hush") {
			t.Errorf("error = %v, %v", e, e.Fields)
		}
		for _, name := range []string{"", "  ", strings.Repeat("é", 101)} {
			_, err = w.svc.AddDataset(t.Context(), upload(name, "jsonl", `{"prompt":"a"}`))
			refused(t, err, domain.KindInvalid, "query.name")
		}
		if _, err = w.svc.AddDataset(t.Context(), upload(strings.Repeat("é", 100), "jsonl", `{"prompt":"a"}`)); err != nil {
			t.Errorf("100 letters: %v", err)
		}
		_, err = w.svc.AddDataset(t.Context(), upload("x", "xml", "<a/>"))
		refused(t, err, domain.KindInvalid, "query.format")
		_, err = w.svc.AddDataset(t.Context(), upload("x", "jsonl", ""))
		refused(t, err, domain.KindInvalid, "body")
		blank := io.LimitReader(endless{}, 65<<20)
		_, err = w.svc.AddDataset(t.Context(), service.DatasetUpload{Name: "x", Format: "json", Body: blank})
		refused(t, err, domain.KindTooLarge, "")
	})
}

// endless is blank space without an end.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return copy(p, bytes.Repeat([]byte{' '}, len(p))), nil }

func TestEndpoints(t *testing.T) {
	const key = "sk-very-secret-key"
	in(t, options{script: enginetest.Script{ModelList: []domain.Model{{ID: "remote", Name: "remote"}}}}, func(t *testing.T, w *world) {
		e, err := w.svc.AddEndpoint(t.Context(), domain.EndpointInput{BaseURL: ptr(" http://box:8080/ "), APIKey: ptr(key)})
		if err != nil || e.BaseURL != "http://box:8080/v1" || e.Name != "box:8080/v1" || e.Kind != "openai" || !e.HasKey || e.KeyFrom != "memory" {
			t.Fatalf("endpoint = %+v, %v", e, err)
		}
		if kept, _ := w.secrets.has(e.ID); kept != key {
			t.Errorf("the secret store holds %q", kept)
		}
		if b, err := os.ReadFile(w.path); err != nil || strings.Contains(string(b), key) {
			t.Errorf("the database holds the key, or %v", err)
		}
		check, err := w.svc.CheckEndpoint(t.Context(), e.ID, domain.EndpointCheckInput{Generate: ptr(false)})
		if err != nil || !check.OK || len(check.Models) != 1 || w.engine.Generated() != 0 {
			t.Errorf("check = %+v, %v", check, err)
		}
		run := w.finished(func(r *domain.BenchmarkRequest) { r.ModelID, r.EndpointID = "remote", &e.ID })
		if run.Status != domain.StatusCompleted || run.Engine != "openai" || run.Plan.EndpointID == nil || w.engines.keys[len(w.engines.keys)-1] != key {
			t.Errorf("run = %s on %s with %q", run.Status, run.Engine, w.engines.keys)
		}
		ms, err := w.svc.Models(t.Context(), true)
		last := ms[len(ms)-1]
		if err != nil || last.ID != "remote" || last.Runs != 1 || last.BestTokensPS == nil || last.Source != "endpoint" {
			t.Errorf("models = %+v, %v", last, err)
		}
		e, err = w.svc.EditEndpoint(t.Context(), e.ID, domain.EndpointInput{Name: ptr("Box"), Kind: ptr("llama")})
		if err != nil || e.Name != "Box" || e.Kind != "llama" || !e.HasKey || e.BaseURL != "http://box:8080/v1" {
			t.Errorf("edited = %+v, %v", e, err)
		}
		if e, err = w.svc.EditEndpoint(t.Context(), e.ID, domain.EndpointInput{APIKey: ptr("")}); err != nil || e.HasKey || e.KeyFrom != "" {
			t.Errorf("key removed: %+v, %v", e, err)
		}
		if _, has := w.secrets.has(e.ID); has {
			t.Error("the secret store still holds the key")
		}
		if err := w.svc.RemoveEndpoint(t.Context(), e.ID); err != nil {
			t.Fatal(err)
		}
		refused(t, w.svc.RemoveEndpoint(t.Context(), e.ID), domain.KindNotFound, "")
	})
}

func TestEndpointRefusals(t *testing.T) {
	in(t, options{}, func(t *testing.T, w *world) {
		_, err := w.svc.AddEndpoint(t.Context(), domain.EndpointInput{})
		refused(t, err, domain.KindInvalid, "body.base_url")
		for _, raw := range []string{"", "box:80", "ftp://box", "http://", "http://u:p@box", "http://box?q=1", "http://box#f", "http://127.0.0.1:8000/v1", "http://%zz"} {
			_, err := w.svc.AddEndpoint(t.Context(), domain.EndpointInput{BaseURL: &raw, APIKey: ptr("k")})
			e := refusal(t, err, domain.KindInvalid, "body.base_url")
			if raw != "" && strings.Contains(e.Fields[0].Message, raw) && raw != "http://" {
				t.Errorf("%s is repeated: %s", raw, e.Fields[0].Message)
			}
		}
		ok := domain.EndpointInput{BaseURL: ptr("http://box/v1")}
		ok.Kind = ptr("vllm")
		_, err = w.svc.AddEndpoint(t.Context(), ok)
		refused(t, err, domain.KindInvalid, "body.kind")
		ok.Kind, ok.APIKey, w.secrets.err = nil, ptr("k"), errors.New("no keyring")
		_, err = w.svc.AddEndpoint(t.Context(), ok)
		refused(t, err, domain.KindInvalid, "body.api_key")
		if es, err := w.svc.Endpoints(t.Context()); err != nil || len(es) != 0 || len(w.secrets.kept) != 0 {
			t.Errorf("refused endpoints left %v, keys %v, %v", es, w.secrets.kept, err)
		}
		_, err = w.svc.EditEndpoint(t.Context(), "none", ok)
		refused(t, err, domain.KindNotFound, "")
	})
}

func TestModelInUseStays(t *testing.T) {
	in(t, options{}, func(t *testing.T, w *world) {
		id := w.start(nil).ID
		for _, name := range []string{"tiny", "Tiny"} { // by either name
			refused(t, w.svc.RemoveModel(t.Context(), name), domain.KindConflict, "")
		}
		w.wait(id)
		if err := w.svc.RemoveModel(t.Context(), "tiny"); err != nil || len(w.library.removed) != 1 {
			t.Errorf("remove: %v, %v", err, w.library.removed)
		}
		refused(t, w.svc.RemoveModel(t.Context(), "none"), domain.KindNotFound, "")
	})
}
