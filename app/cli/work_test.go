package cli

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
)

func TestRunSaysWhatIsSentAndWhen(t *testing.T) {
	for _, c := range []struct {
		args, want string
	}{
		{"--prompt p --load poisson:5/s --duration 1m --slo ttft<500ms",
			`{"prompt":"p","load":{"kind":"poisson","rate_per_s":5},"stop":{"duration_s":60},"slo":"ttft<500ms"}`},
		{"--prompt p --load sweep:1,2,4 --tokens 500 --errors 3 --cooldown 2 --prompt-cache on --raw",
			`{"prompt":"p","load":{"kind":"sweep","values":[1,2,4]},"stop":{"tokens":500,"errors":3},"cooldown":2,"prompt_cache":"on","raw_completion":true}`},
		{"--prompt p --rest 30s", `{"prompt":"p","rest":{"seconds":30}}`},
		{"--prompt p --repeat 3 --rest 1m --rest-below 45", `{"prompt":"p","repeat":3,"rest":{"seconds":60,"below_c":45}}`},
		{"--prompt p --stage single --stage closed:4",
			`{"prompt":"p","stages":[{"load":{"kind":"single"}},{"load":{"kind":"closed","concurrency":4}}]}`},
		{"--prompt p --depth 0,4096", `{"prompt":"p","stages":[{"depth_tokens":0},{"depth_tokens":4096}]}`},
		{"--prompt p --load closed:2 --depth 0,512",
			`{"prompt":"p","stages":[{"load":{"kind":"closed","concurrency":2},"depth_tokens":0},{"load":{"kind":"closed","concurrency":2},"depth_tokens":512}]}`},
		{"--synthetic 512:128", `{"synthetic":{"input_tokens":{"kind":"fixed","tokens":512},"output_tokens":{"kind":"fixed","tokens":128}}}`},
		{"--synthetic 64 --turns 3 --prompts 9", `{"synthetic":{"input_tokens":{"kind":"fixed","tokens":64},"turns":3,"prompts":9}}`},
		{"--input-tokens uniform:16..64 --output-tokens 32 --shared-prefix 8",
			`{"synthetic":{"input_tokens":{"kind":"uniform","min":16,"max":64},"output_tokens":{"kind":"fixed","tokens":32},"shared_prefix_tokens":8}}`},
	} {
		var body map[string]any
		h := &fakeHost{handler: recorder(domain.Run{ID: "x", Status: domain.StatusCompleted}, &body)}
		if _, err := line(t, h, append([]string{"run", "--model", "m"}, strings.Fields(c.args)...)...); err != nil {
			t.Errorf("run %s: %v", c.args, err)
			continue
		}
		var want map[string]any
		if err := json.Unmarshal([]byte(c.want), &want); err != nil {
			t.Fatal(err)
		}
		want["model_id"] = "m"
		if !reflect.DeepEqual(body, want) {
			t.Errorf("run %s sends\n%v, want\n%v", c.args, body, want)
		}
	}
}

func TestRunRefusesWordsItCannotRead(t *testing.T) {
	if _, err := line(t, &fakeHost{}, "run", "--model", "m", "--prompt", "p", "--load", "closed:4,cv=2"); err == nil || !strings.Contains(err.Error(), "--load: cv: is not taken") {
		t.Errorf("the option is not named: %v", err)
	}
	for _, args := range []string{"--load", "--load closed:many", "--load poisson:5", "--load single --stage single", "--turns 2",
		"--synthetic many", "--synthetic 5 --input-tokens 6", "--synthetic 5:6 --output-tokens 7", "--load trace:/nowhere.jsonl"} {
		var body map[string]any
		h := &fakeHost{handler: recorder(domain.Run{}, &body)}
		if _, err := line(t, h, append([]string{"run", "--model", "m", "--prompt", "p"}, strings.Fields(args)...)...); err == nil || body != nil {
			t.Errorf("run %s: %v, sent %v", args, err, body)
		}
	}
}

func TestATraceFileBecomesTheDataset(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mine.jsonl")
	const text = `{"timestamp":0,"input_length":8,"output_length":2}` + "\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var uploaded, query string
	var body map[string]any
	h := &fakeHost{handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/v1/datasets" {
			b, _ := io.ReadAll(r.Body) // a short text is judged below
			uploaded, query = string(b), r.URL.RawQuery
			_ = json.NewEncoder(w).Encode(domain.DatasetImport{Dataset: domain.Dataset{ID: "mine"}, Stored: true})
			return
		}
		recorder(domain.Run{ID: "x", Status: domain.StatusCompleted}, &body).ServeHTTP(w, r)
	})}
	if _, err := line(t, h, "run", "--model", "m", "--load", "trace:"+file+",speed=2"); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"model_id": "m", "dataset_id": "mine", "load": map[string]any{"kind": "trace", "speed": 2.0}}
	if uploaded != text || query != "format=trace&name=mine" || !reflect.DeepEqual(body, want) {
		t.Errorf("uploaded %q with %s, sent %v", uploaded, query, body)
	}
}

func TestAnImportTellsBadLinesAndLengths(t *testing.T) {
	file := filepath.Join(t.TempDir(), "talk.txt")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	var query, kind string
	h := &fakeHost{handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query, kind = r.URL.RawQuery, r.Header.Get("Content-Type")
		_ = json.NewEncoder(w).Encode(domain.DatasetImport{Format: "sharegpt", Dataset: domain.Dataset{Prompts: 3},
			Rejected:  []domain.LineError{{Line: 7, Message: "the first message is not a user's"}},
			Histogram: domain.TokenHistogram{Estimated: true, Mean: ptr(20.4), Bins: []domain.TokenBin{{From: 0, To: 16, Count: 2}, {From: 16, To: 32, Count: 1}}}})
	})}
	if _, err := line(t, h, "datasets", "add", file); err == nil || query != "" {
		t.Errorf("a file of an unknown kind: %v", err)
	}
	out, err := line(t, h, "datasets", "add", file, "--format", "sharegpt", "--preview", "--skip-bad")
	if err != nil || query != "format=sharegpt&name=talk&preview=true&skip_bad=true" || kind != "application/x-ndjson" {
		t.Fatalf("%v, query %s, type %s", err, query, kind)
	}
	for _, want := range []string{"Nothing was stored", "line 7: the first message", "estimated: mean 20", "16–31", strings.Repeat("█", 40), strings.Repeat("█", 20)} {
		if !strings.Contains(out, want) {
			t.Errorf("lacks %q:\n%s", want, out)
		}
	}
}

func stagesOfASearch() *domain.Summary {
	figures := func(users int, speed float64) *domain.Figures {
		return &domain.Figures{AskedConcurrency: &users, DeliveredConcurrency: ptr(float64(users) - 0.04), OutputTokensPerSecond: &speed,
			TTFTMs: domain.Stats{P50: ptr(100.0), P95: ptr(480.0)}, Goodput: &domain.Goodput{RequestsPerSecond: ptr(1.5)},
			Requests: domain.OutcomeCounts{Error: 1, Incomplete: 1, Dropped: users}}
	}
	return &domain.Summary{BestStage: ptr(0), Knee: &domain.Knee{Stage: ptr(0), Reason: "objective", Detail: "closed:4 held; at closed:8 TTFT broke."},
		Stages: []domain.Stage{
			{Name: "closed:4", State: "done", Summary: figures(4, 200)},
			{Index: 1, Name: "closed:8", State: "partial", Summary: figures(8, 1250), Objectives: []domain.ObjectiveResult{{Objective: domain.Objective{Metric: "ttft"}}}},
			{Index: 2, Name: "closed:16", State: "planned"},
		}}
}

func TestASummaryHasALineAStage(t *testing.T) {
	var b bytes.Buffer
	if err := printRun(&b, domain.Run{ID: "id", Model: "m", Summary: stagesOfASearch()}); err != nil {
		t.Fatal(err)
	}
	var got []string
	for row := range strings.Lines(b.String()) {
		if f := strings.Fields(row); len(f) > 2 && strings.HasPrefix(f[1], "closed:") && f[0] != "Limit:" {
			got = append(got, strings.Join(f, " "))
		}
	}
	want := []string{
		"1 closed:4 200.0 100 ms 480 ms – – 1.50/s 3.96 of 4 users 2 + 4 dropped best",
		"2 closed:8 1250 100 ms 480 ms – – 1.50/s 7.96 of 8 users 2 + 8 dropped ttft missed, partial",
		"3 closed:16 – – – – – – – – planned",
	}
	if !reflect.DeepEqual(got, want) || !strings.Contains(b.String(), "Limit: closed:4 held; at closed:8 TTFT broke.") {
		t.Errorf("stages:\n%s\nwant\n%s\nin\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"), b.String())
	}
}

func TestShowAsAnotherTool(t *testing.T) {
	var asked string
	h := &fakeHost{handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.String()
		_ = json.NewEncoder(w).Encode(domain.RunReport{Run: domain.Run{ID: "id", Model: "m"}, Lenses: []domain.Lens{{Tool: "vllm", Name: "vLLM",
			Rows: []domain.LensRow{{Label: "Mean TTFT (ms)", Unit: "ms", Value: ptr(12.345), Definition: "first chunk"}}}}})
	})}
	out, err := line(t, h, "show", "id", "--as", "vllm")
	if err != nil || !strings.HasSuffix(asked, "/benchmarks/id/report?as=vllm") || !strings.Contains(out, "Mean TTFT (ms)  12.35  –     ms    first chunk") {
		t.Errorf("%v, asked %s:\n%s", err, asked, out)
	}
	h.handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(domain.RunReport{}) })
	if out, err = line(t, h, "show", "id", "--as", "vllm"); err != nil || !strings.Contains(out, "Nothing was measured") {
		t.Errorf("%v: %s", err, out)
	}
}

func TestEndpointChecksAndDiscovery(t *testing.T) {
	var body map[string]any
	check := domain.EndpointCheck{OK: true, Message: "The endpoint answers.", Models: []string{"m"}, Model: "m",
		Checks: []domain.EndpointProbe{{Code: "usage", State: "caution", Detail: "No usage was sent."}}}
	h := &fakeHost{handler: recorder(check, &body)}
	out, err := line(t, h, "endpoints", "check", "e", "--model", "m")
	if err != nil || !strings.Contains(out, "usage  caution  No usage was sent.") || body["model_id"] != "m" || body["generate"] != nil {
		t.Errorf("%v, sent %v:\n%s", err, body, out)
	}
	check.OK = false
	h = &fakeHost{handler: recorder(check, &body)}
	if _, err = line(t, h, "endpoints", "check", "e", "--list-only"); err == nil || body["generate"] != false {
		t.Errorf("%v, sent %v", err, body)
	}
	h = &fakeHost{handler: recorder([]domain.Discovered{
		{Kind: "ollama", BaseURL: "http://127.0.0.1:11434", Name: "Ollama 0.12", Models: []string{"a", "b"}, EndpointID: ptr("mine")},
		{Kind: "openai", BaseURL: "http://127.0.0.1:8000/v1", NeedsKey: true}}, &body)}
	out, err = line(t, h, "endpoints", "discover")
	if err != nil || !strings.Contains(out, "a, b") || !strings.Contains(out, "mine") || !strings.Contains(out, "needs a key") || !strings.Contains(out, "endpoints add --kind openai http://127.0.0.1:8000/v1") {
		t.Errorf("%v:\n%s", err, out)
	}
	h = &fakeHost{handler: recorder([]domain.Discovered{}, &body)}
	if out, err = line(t, h, "endpoints", "discover"); err != nil || !strings.Contains(out, "No server answers") {
		t.Errorf("%v: %s", err, out)
	}
}
