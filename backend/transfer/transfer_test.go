package transfer

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/stats"
)

func at() time.Time { return time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC) }

func sample(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// one reads a sample that holds one run.
func one(t *testing.T, name string) Run {
	t.Helper()
	f := File{Name: name, At: at()}
	if name == "genai.json" || name == "aiperf.jsonl" {
		f.Model = "mock"
	}
	doc, err := Read(f, sample(t, name))
	if err != nil {
		t.Fatal(err)
	}
	if len(doc.Runs) != 1 {
		t.Fatalf("%d runs", len(doc.Runs))
	}
	return doc.Runs[0]
}

// Every importable file of the tools is told by its content alone and becomes a run that says whose it
// is, with as many figures as the tool has.
func TestFilesOfTools(t *testing.T) {
	for _, c := range []struct {
		file, format, tool, version, engine, load string
		requests, figures                         int
		begun                                     string
	}{
		{"vllm_detailed.json", "vllm", "vllm", "", "openai-chat", "closed:16", 64, 33, "2026-11-22T16:26:00"},
		{"vllm_summary.json", "vllm", "vllm", "", "openai-chat", "gamma:10/s", 0, 22, "2026-11-22T16:42:01"},
		{"guidellm.json", "guidellm", "guidellm", "0.8.1", "openai", "closed:16", 64, 39, "2026-11-22T16:26:24"},
		{"guidellm.csv", "guidellm-csv", "guidellm", "0.8.1", "openai", "closed:16", 0, 39, "2026-11-22T16:26:24"},
		{"aiperf.json", "aiperf", "aiperf", "0.13.0", "openai", "closed:16", 0, 100, "2026-11-22T16:26:44"},
		{"aiperf.jsonl", "aiperf-jsonl", "aiperf", "", "openai", "closed:16", 64, 0, "2026-11-22T16:26:44"},
		{"benchy.json", "llama-benchy", "llama-benchy", "0.4.0", "openai", "closed:16", 0, 18, "2026-11-22T16:27:12"},
		{"benchy.csv", "llama-benchy-csv", "llama-benchy", "", "openai", "closed:2", 0, 14, "2026-11-30T12:00:00"},
		{"genai.json", "genai-bench", "genai-bench", "", "openai", "closed:16", 64, 90, "2026-11-30T12:00:00"},
	} {
		t.Run(c.file, func(t *testing.T) {
			f := File{Name: c.file, At: at(), Model: "mock"}
			doc, err := Read(f, sample(t, c.file))
			if err != nil {
				t.Fatal(err)
			}
			r := doc.Runs[0]
			im := r.Imported
			if doc.Format != c.format || im.Tool != c.tool || im.Version != c.version || r.Engine != c.engine || r.Model != "mock" {
				t.Errorf("%s %+v, engine %s, model %s", doc.Format, im, r.Engine, r.Model)
			}
			if len(r.Requests) != c.requests || im.Requests != (c.requests > 0) || (r.Summary == nil) != (c.requests > 0) {
				t.Errorf("%d requests, summary %v", len(r.Requests), r.Summary)
			}
			if len(im.Figures) < c.figures {
				t.Errorf("only %d figures", len(im.Figures))
			}
			if got := r.StartedAt.Format("2006-01-02T15:04:05"); got != c.begun {
				t.Errorf("began at %s", got)
			}
			if got := loadName(r.Plan.Load); got != c.load {
				t.Errorf("load %s", got)
			}
			for _, row := range im.Figures {
				if row.Key == "" || row.Label == "" || row.Unit == "" || row.Definition == "" || row.Value == nil {
					t.Errorf("a figure lacks something: %+v", row)
				}
			}
		})
	}
}

// figureOf is a figure of the file by its key.
func figureOf(t *testing.T, r Run, key string) float64 {
	t.Helper()
	i := slices.IndexFunc(r.Imported.Figures, func(row domain.LensRow) bool { return row.Key == key })
	if i < 0 {
		t.Fatalf("there is no figure %s", key)
	}
	return *r.Imported.Figures[i].Value
}

func near(got *float64, want, most float64) bool {
	return got != nil && math.Abs(*got-want) <= most*math.Abs(want)
}

// What is computed here from the requests of a file must be what its tool computed from them.
func TestRequestsGiveTheToolsFigures(t *testing.T) {
	for _, c := range []struct {
		file, tool string
		most       float64
		rows       int
		loose      string // keys that the tool divides by a time of its own
	}{
		{"vllm_detailed.json", "vllm", 5e-5, 20, "throughput duration"},
		{"guidellm.json", "guidellm", 5e-5, 20, ""},
	} {
		t.Run(c.file, func(t *testing.T) {
			r := one(t, c.file)
			in := stats.Input{Plan: r.Plan, Requests: r.Requests, Phases: r.Phases}
			compared := 0
			for _, l := range stats.Lenses(in) {
				if l.Tool != c.tool {
					continue
				}
				for _, row := range l.Rows {
					i := slices.IndexFunc(r.Imported.Figures, func(f domain.LensRow) bool { return f.Key == row.Key })
					if i < 0 {
						continue
					}
					most := c.most
					if strings.Contains(row.Key, "std") || strings.Contains(row.Key, "throughput") && c.loose != "" || row.Key == "duration" {
						most = 2e-3
					}
					if !near(row.Value, *r.Imported.Figures[i].Value, most) {
						t.Errorf("%s: computed %v, the tool printed %v", row.Key, *row.Value, *r.Imported.Figures[i].Value)
					}
					compared++
				}
			}
			if compared < c.rows {
				t.Errorf("only %d figures compared", compared)
			}
		})
	}
}

func TestAIPerfLinesGiveItsSummary(t *testing.T) {
	raw, sum := one(t, "aiperf.jsonl"), one(t, "aiperf.json")
	rep := stats.Report(stats.Input{Plan: raw.Plan, Requests: raw.Requests, Phases: raw.Phases}).Summary
	for key, got := range map[string]*float64{
		"time_to_first_token.avg": rep.TTFTMs.Mean, "time_to_first_token.p50": rep.TTFTMs.P50, "request_latency.avg": rep.E2EMs.Mean,
		"request_latency.p90": rep.E2EMs.P90, "inter_token_latency.avg": rep.TPOTMs.Mean, "inter_chunk_latency.avg": rep.ITLMs.Mean,
		"inter_chunk_latency.p99": rep.ITLMs.P99,
	} {
		if want := figureOf(t, sum, key); !near(got, want, 1e-4) {
			t.Errorf("%s: computed %v, the tool printed %v", key, got, want)
		}
	}
	for name, pair := range map[string][2]domain.Stats{"TTFT": {rep.TTFTMs, sum.Summary.TTFTMs}, "TPOT": {rep.TPOTMs, sum.Summary.TPOTMs},
		"E2E": {rep.E2EMs, sum.Summary.E2EMs}, "ITL": {rep.ITLMs, sum.Summary.ITLMs}} {
		if !near(pair[0].Mean, *pair[1].Mean, 1e-4) || !near(pair[0].P95, *pair[1].P95, 1e-4) || pair[0].N != pair[1].N {
			t.Errorf("%s: %+v from the requests, %+v from the summary", name, pair[0], pair[1])
		}
	}
}

func TestGenAIGivesItsFigures(t *testing.T) {
	r := one(t, "genai.json")
	if r.Imported.Timed || r.EndedAt != nil || r.Phases != nil {
		t.Errorf("times were made up: %+v", r.Imported)
	}
	rep := stats.Report(stats.Input{Plan: r.Plan, Requests: r.Requests}).Summary
	for key, got := range map[string]*float64{"stats.ttft.mean": rep.TTFTMs.Mean, "stats.ttft.p90": rep.TTFTMs.P90, "stats.tpot.mean": rep.TPOTMs.Mean, "stats.e2e_latency.p50": rep.E2EMs.P50} {
		if want := 1e3 * figureOf(t, r, key); !near(got, want, 5e-5) {
			t.Errorf("%s: computed %v, the tool printed %v", key, *got, want)
		}
	}
}

// The summary of a file without requests has the figures that are defined as ours, and no others.
func TestSummariesOfFiles(t *testing.T) {
	v := one(t, "vllm_summary.json").Summary
	if !near(v.TTFTMs.Mean, 23.09530966673871, 0) || !near(v.TPOTMs.P50, 1.9994249516252418, 0) || v.TTFTMs.P99 != nil ||
		v.OutputTokensPerSecond != nil || v.Requests.OK != 12 || *v.Tokens.Prompt != 319 || v.Tokens.Output != 384 || v.E2EMs.N != 0 {
		t.Errorf("vLLM: %+v", v.Figures)
	}
	if len(v.Stages) != 1 || v.Stages[0].Summary.TTFTMs.N != 12 || *v.AskedRatePerS != 10 {
		t.Errorf("vLLM's stages: %+v", v.Stages)
	}
	g := one(t, "guidellm.csv").Summary
	if !near(g.TTFTMs.Mean, 104.99751567840576, 0) || g.TTFTMs.P50 != nil || g.TPOTMs.Mean != nil || g.Requests.OK != 64 {
		t.Errorf("GuideLLM: %+v", g.Figures)
	}
	b := one(t, "benchy.json").Summary
	if !near(b.TTFTMs.Mean, 107.37648084380425, 1e-9) || b.TTFTMs.N != 64 || !near(b.DecodeTokensPerSecond, 50, 1e-3) || b.PrefillTokensPerSecond != nil {
		t.Errorf("llama-benchy: %+v", b.Figures)
	}
	c := one(t, "benchy.csv").Summary
	if len(c.Stages) != 2 || !near(c.Stages[0].Summary.TTFTMs.Mean, 52.66011499998058, 0) || c.TTFTMs.Mean != nil {
		t.Errorf("llama-benchy's table: %+v", c)
	}
}

func TestWhatCannotBeImported(t *testing.T) {
	for name, c := range map[string]struct {
		data  string
		field string
		says  string
	}{
		"empty":           {"", "body", "broken"},
		"text":            {"hello", "body", "broken"},
		"cut":             {string(sample(t, "vllm_detailed.json")[:5000]), "body", "broken"},
		"other JSON":      {`{"a": 1}`, "body", "none that can be imported"},
		"metadata alone":  {string(sample(t, "genai_metadata.json")), "body", "without results"},
		"no model":        {string(sample(t, "genai.json")), "query.model", "does not name the model"},
		"no model, lines": {string(sample(t, "aiperf.jsonl")), "query.model", "does not name the model"},
		"lists that differ": {`{"num_prompts":1,"request_rate":"inf","completed":1,"mean_ttft_ms":1,"model_id":"m","ttfts":[1,2],"itls":[[1]],"input_lens":[1],"output_lens":[1]}`,
			"body", "has 1 entries and ttfts has 2"},
		"wrong type":  {`{"num_prompts":"x","request_rate":1,"completed":1,"mean_ttft_ms":1,"model_id":"m"}`, "body", "num_prompts is not of the expected type"},
		"bad unit":    {strings.ReplaceAll(string(sample(t, "aiperf.jsonl")), `"unit":"ms"`, `"unit":"fortnights"`), "body", "is not known"},
		"no time":     {`{"benchmarking_results":[{"request_id":"a","timestamp":"soon"}]}`, "body", "row 1: timestamp"},
		"no id":       {`{"benchmarking_results":[{"timestamp":"2026-01-01"}]}`, "body", "row 1: request_id"},
		"no rows":     {`{"benchmarking_results":[]}`, "body", "holds no result"},
		"bad SQL":     {"INSERT INTO llama_bench (a, b) VALUES ('1');", "body", "2 columns and 1 values"},
		"unended SQL": {"INSERT INTO llama_bench (a) VALUES ('1", "body", "does not end"},
	} {
		t.Run(name, func(t *testing.T) {
			f := File{Name: "x", At: at()}
			if name == "bad unit" {
				f.Model = "m"
			}
			_, err := Read(f, []byte(c.data))
			var e *domain.Error
			if !errors.As(err, &e) || e.Kind != domain.KindInvalid || len(e.Fields) != 1 || e.Fields[0].Location != c.field || !strings.Contains(e.Msg, c.says) {
				t.Errorf("error %#v", err)
			}
		})
	}
}

func TestPythonsNumbers(t *testing.T) {
	got := string(plainJSON([]byte(`{"a": NaN, "b": [-Infinity, Infinity], "c": "NaN \" Infinity"}`)))
	if got != `{"a": null, "b": [null, null], "c": "NaN \" Infinity"}` {
		t.Error(got)
	}
}

// FuzzRead holds that no file, however broken, does more than fail with an error for the caller.
func FuzzRead(f *testing.F) {
	files, err := filepath.Glob("testdata/*")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		if b, err := os.ReadFile(name); err == nil {
			f.Add(b[:min(len(b), 4000)])
		}
	}
	f.Add([]byte(benchJSON))
	f.Add([]byte(benchSQL))
	f.Add([]byte(`{"benchmarking_results":[{"request_id":"a","timestamp":"2026-01-01","token_count":3}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		doc, err := Read(File{Name: "f", Model: "m", At: at()}, data)
		if err != nil && domain.KindOf(err) != domain.KindInvalid {
			t.Errorf("%v", err)
		}
		for _, r := range doc.Runs {
			_ = stats.Report(stats.Input{Plan: r.Plan, Requests: r.Requests, Phases: r.Phases})
		}
	})
}

func TestResults(t *testing.T) {
	table := "\ufeffrequest_id,prompt_text,generated_text,token_count,time_to_first_token,time_per_output_token,total_generation_time,timestamp\r\n" +
		`a,"p, ""q""",'=1+1,3,1.5,,20,2026-01-02T03:04:05` + "\nb,,,,,,,2026-01-02T03:04:05Z\n"
	whole := `{"benchmarking_results":[{"request_id":"a","prompt_text":"p, \"q\"","generated_text":"=1+1","token_count":3,"time_to_first_token":1.5,"total_generation_time":20,"timestamp":"2026-01-02 03:04:05"},{"request_id":"b","timestamp":"2026-01-02T03:04:05Z"}]}`
	for name, data := range map[string]string{"results-csv": table, "results": whole} {
		doc, err := Read(File{At: at()}, []byte(data))
		if err != nil || doc.Format != name || len(doc.Results) != 2 {
			t.Fatalf("%s: %v, %+v", name, err, doc)
		}
		a, b := doc.Results[0], doc.Results[1]
		if a.RequestID != "a" || *a.PromptText != `p, "q"` || *a.GeneratedText != "=1+1" || *a.TokenCount != 3 || *a.TimeToFirstToken != 1.5 ||
			a.TimePerOutputToken != nil || *a.TotalGenerationTime != 20 || !a.Timestamp.Equal(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)) {
			t.Errorf("%s: %+v", name, a)
		}
		if b.TokenCount != nil || b.PromptText != nil || b.TotalGenerationTime != nil {
			t.Errorf("%s: %+v", name, b)
		}
	}
	if !IsResultsTable([]byte(table)) || IsResultsTable([]byte(whole)) || IsResultsTable([]byte("a,b\n")) {
		t.Error("a table of results is not told")
	}
}
