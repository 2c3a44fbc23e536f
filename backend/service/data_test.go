package service_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

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
		if d.Histogram.Max == nil || len(d.Histogram.Bins) == 0 {
			t.Errorf("histogram = %+v", d.Histogram)
		}
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

func TestImportsArePreviewedAndMayLeaveBadLinesOut(t *testing.T) {
	in(t, options{}, func(t *testing.T, w *world) {
		before, err := w.svc.Datasets(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		u := func(preview, skip bool) service.DatasetUpload {
			u := upload("mixed", "jsonl", "{\"prompt\":\"a\"}\n{\"prompt\":1}\n{\"prompt\":\"b c\"}\nnone\n")
			u.Preview, u.SkipBad = preview, skip
			return u
		}
		look, err := w.svc.AddDataset(t.Context(), u(true, false))
		if err != nil || look.Stored || look.ID != "" || look.Prompts != 2 || len(look.Rejected) != 2 || look.Rejected[1].Line != 4 || len(look.Preview) != 2 || *look.Histogram.Max < 2 {
			t.Errorf("preview = %+v, %v", look, err)
		}
		_, err = w.svc.AddDataset(t.Context(), u(false, false))
		if e := refusal(t, err, domain.KindInvalid, "body"); len(e.Fields) != 2 {
			t.Errorf("refused with %v", e.Fields)
		}
		if now, err := w.svc.Datasets(t.Context()); err != nil || len(now) != len(before) {
			t.Errorf("something was stored: %v, %v", now, err)
		}
		d, err := w.svc.AddDataset(t.Context(), u(false, true))
		if err != nil || !d.Stored || d.ID != "mixed" || d.Prompts != 2 || d.SHA256 != look.SHA256 {
			t.Errorf("import = %+v, %v", d, err)
		}
		// Conversations and times survive storage.
		talk, err := w.svc.AddDataset(t.Context(), upload("talk", "", `[{"conversations":[{"from":"system","value":"Be kind."},{"from":"human","value":"Hi"},`+
			`{"from":"gpt","value":"Hello"},{"from":"human","value":"Bye"}]}]`))
		if err != nil || talk.Format != "sharegpt" {
			t.Fatalf("talk = %+v, %v", talk, err)
		}
		detail, err := w.svc.Dataset(t.Context(), "talk")
		if p := detail.Preview[0]; err != nil || p.Text != "Hi" || len(p.History) != 1 || len(p.Turns) != 1 || p.Turns[0] != (domain.Turn{Answer: "Hello", Text: "Bye"}) {
			t.Errorf("stored talk = %+v, %v", p, err)
		}
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
		if err != nil || e.BaseURL != "http://box:8080/v1" || e.Name != "box:8080/v1" || e.Kind != "openai" || !e.HasKey || e.KeyFrom != "file" {
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

func TestEndpointCheckGenerates(t *testing.T) {
	in(t, options{script: enginetest.Script{ModelList: []domain.Model{{ID: "remote", Name: "remote"}}}}, func(t *testing.T, w *world) {
		e, err := w.svc.AddEndpoint(t.Context(), domain.EndpointInput{BaseURL: ptr("http://localhost:8080")})
		if err != nil {
			t.Fatal(err)
		}
		c, err := w.svc.CheckEndpoint(t.Context(), e.ID, domain.EndpointCheckInput{})
		var codes []string
		for _, p := range c.Checks {
			codes = append(codes, p.Code)
			if p.State == "" || p.Detail == "" {
				t.Errorf("probe %+v", p)
			}
		}
		if got := strings.Join(codes, " "); err != nil || c.Model != "remote" || got != "reachable streaming usage token_count forced_length prompt_cache server_timings" {
			t.Errorf("check = %+v, %v", c, err)
		}
		sent := w.engine.Generated()
		if sent == 0 || sent > 4 {
			t.Errorf("%d generations", sent)
		}
		_, err = w.svc.CheckEndpoint(t.Context(), e.ID, domain.EndpointCheckInput{ModelID: ptr("other")})
		refused(t, err, domain.KindInvalid, "body.model_id")

		run := w.start(func(r *domain.BenchmarkRequest) { r.Stop = &domain.Stop{Requests: ptr(1000)} })
		w.measuring(run.ID)
		before := w.engine.Generated()
		c, err = w.svc.CheckEndpoint(t.Context(), e.ID, domain.EndpointCheckInput{})
		if err != nil || !c.OK || c.Model != "" || len(c.Checks) != 1 || !strings.Contains(c.Message, "benchmark is running") {
			t.Errorf("beside a run of %d generations: %+v, %v", before, c, err)
		}
		if _, err := w.svc.CancelBenchmark(t.Context(), run.ID); err != nil {
			t.Fatal(err)
		}
		w.wait(run.ID)

		w.engines.found = []domain.Discovered{{BaseURL: "http://127.0.0.1:8080/v1", Kind: "llama"}, {BaseURL: "http://127.0.0.1:1234/v1", Kind: "openai"}}
		found, err := w.svc.DiscoverEndpoints(t.Context())
		if err != nil || len(found) != 2 || found[0].EndpointID == nil || *found[0].EndpointID != e.ID || found[1].EndpointID != nil {
			t.Errorf("found %+v, %v", found, err)
		}
		if !w.engines.skip("http://127.0.0.1:8000/v1") || w.engines.skip("http://127.0.0.1:8080/v1") {
			t.Error("the program's own address must be skipped, and no other")
		}
	})
}

func TestReportAsOtherTools(t *testing.T) {
	in(t, options{}, func(t *testing.T, w *world) {
		run := w.finished(func(r *domain.BenchmarkRequest) { r.Stop = &domain.Stop{Requests: ptr(3)} })
		all, err := w.svc.BenchmarkReport(t.Context(), run.ID, "")
		var tools []string
		for _, l := range all.Lenses {
			tools = append(tools, l.Tool)
		}
		if err != nil || all.Run.ID != run.ID || strings.Join(tools, " ") != "vllm aiperf guidellm llama-bench llmperf" {
			t.Errorf("report of %v, %v", tools, err)
		}
		for _, tool := range tools {
			one, err := w.svc.BenchmarkReport(t.Context(), run.ID, tool)
			if err != nil || len(one.Lenses) != 1 || one.Lenses[0].Tool != tool {
				t.Errorf("as %s: %+v, %v", tool, one.Lenses, err)
			}
		}
		_, err = w.svc.BenchmarkReport(t.Context(), run.ID, "stopwatch")
		refused(t, err, domain.KindInvalid, "query.as")
		_, err = w.svc.BenchmarkReport(t.Context(), "none", "vllm")
		refused(t, err, domain.KindNotFound, "")
		w.engines.set(nil, errors.New("no engine"))
		failed := w.wait(w.start(nil).ID)
		none, err := w.svc.BenchmarkReport(t.Context(), failed.ID, "vllm")
		if err != nil || none.Lenses == nil || len(none.Lenses) != 0 {
			t.Errorf("a run without records: %+v, %v", none.Lenses, err)
		}
	})
}

func TestEndpointRefusals(t *testing.T) {
	in(t, options{}, func(t *testing.T, w *world) {
		_, err := w.svc.AddEndpoint(t.Context(), domain.EndpointInput{})
		refused(t, err, domain.KindInvalid, "body.base_url")
		for _, raw := range []string{"", "box:80", "ftp://box", "http://", "http://u:p@box", "http://box?q=1", "http://box#f", "http://127.0.0.1:8000/v1", "http://%zz", "http://box:99999", "http://box:0"} {
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

// An address that is longer than a name may be gives a name all the same, and the endpoint can still be changed.
func TestANameMadeOfALongAddress(t *testing.T) {
	in(t, options{}, func(t *testing.T, w *world) {
		e, err := w.svc.AddEndpoint(t.Context(), domain.EndpointInput{BaseURL: ptr("http://box/" + strings.Repeat("é", 300))})
		if err != nil || utf8.RuneCountInString(e.Name) != 100 || !strings.HasPrefix(e.Name, "box/") || !strings.HasSuffix(e.Name, "…") {
			t.Fatalf("name %q, %v", e.Name, err)
		}
		if e, err = w.svc.EditEndpoint(t.Context(), e.ID, domain.EndpointInput{Kind: ptr("ollama")}); err != nil || e.Kind != "ollama" {
			t.Errorf("%+v, %v", e, err)
		}
	})
}
