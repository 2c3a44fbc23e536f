package service_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine/enginetest"
	"github.com/inferometer/inferometer/backend/service"
)

func TestPlanDefaults(t *testing.T) {
	in(t, options{}, func(t *testing.T, w *world) {
		run, err := w.svc.StartBenchmark(t.Context(), seedBody(), "")
		if err != nil {
			t.Fatal(err)
		}
		p := run.Plan
		if p.MaxTokens != 128 || p.Temperature != 0.7 || p.TopP != 0.9 || !p.UseGPU || p.UseGPUExplicit || p.Warmup != 1 || p.Repeat != 1 ||
			p.Task != "text-generation" || p.Engine != "llama-server" || p.Load.Kind != "single" || !p.StoreText || p.Raw {
			t.Errorf("plan = %+v", p)
		}
		if p.Stop.Requests == nil || *p.Stop.Requests != 1 || p.ExpectedRequests == nil || *p.ExpectedRequests != 1 || p.Seed < 0 || p.Seed > math.MaxUint32 {
			t.Errorf("stop = %+v, seed %d", p.Stop, p.Seed)
		}
		if run.Status != domain.StatusQueued || run.Warnings == nil || run.Tags == nil || *p.Prompt != "Say hello." {
			t.Errorf("run = %+v", run)
		}
		w.wait(run.ID)
	})
}

func TestPlanRespectsZeroAndFalse(t *testing.T) {
	in(t, options{}, func(t *testing.T, w *world) {
		p := w.start(func(r *domain.BenchmarkRequest) {
			r.ModelID, r.Temperature, r.Seed, r.Warmup = " base ", ptr(0.0), ptr(int64(0)), ptr(0)
			r.UseGPU, r.GPU, r.StoreText, r.TopP = ptr(false), ptr(0), ptr(false), ptr(1.0)
			r.Stop = &domain.Stop{DurationS: ptr(1.5)}
			r.Repeat = 2
		}).Plan
		if p.ModelID != "base" || !p.Raw || p.Temperature != 0 || p.Seed != 0 || p.Warmup != 0 || p.UseGPU || !p.UseGPUExplicit || *p.GPU != 0 || p.StoreText || p.Prompt != nil || p.TopP != 1 {
			t.Errorf("plan = %+v", p)
		}
		if p.Stop.Requests != nil || p.ExpectedRequests != nil || p.ExpectedS == nil || *p.ExpectedS != 3 {
			t.Errorf("stop = %+v, expected %v, %v", p.Stop, p.ExpectedRequests, p.ExpectedS)
		}
	})
}

// What the engine is asked for stands in the plan and reaches the engine.
func TestPlanEngineOptions(t *testing.T) {
	in(t, options{}, func(t *testing.T, w *world) {
		asked := domain.EngineOptions{Threads: ptr(3), CacheTypeK: ptr("q8_0"), ContextTokens: ptr(512)}
		run := w.finished(func(r *domain.BenchmarkRequest) { r.EngineOptions = &asked })
		if run.Plan.EngineOptions == nil || *run.Plan.EngineOptions.Threads != 3 {
			t.Errorf("plan %+v", run.Plan.EngineOptions)
		}
		if spec := w.engine.Spec(); spec.Threads != 3 || spec.Context != 512 || *spec.Options.CacheTypeK != "q8_0" {
			t.Errorf("the engine was asked for %+v", spec)
		}
		plain := w.finished(func(r *domain.BenchmarkRequest) { r.EngineOptions = &domain.EngineOptions{} })
		if plain.Plan.EngineOptions != nil {
			t.Errorf("nothing was asked for, but the plan has %+v", plain.Plan.EngineOptions)
		}
		for field, o := range map[string]domain.EngineOptions{
			"threads": {Threads: ptr(0)}, "batch_size": {BatchSize: ptr(1 << 20)}, "ubatch_size": {UBatchSize: ptr(0)}, "gpu_layers": {GPULayers: ptr(-1)},
			"context_tokens": {ContextTokens: ptr(1)}, "cache_type_k": {CacheTypeK: ptr("f8")}, "cache_type_v": {CacheTypeV: ptr("")}, "flash_attention": {FlashAttention: ptr("yes")},
		} {
			r := seedBody()
			r.EngineOptions = &o
			_, err := w.svc.StartBenchmark(t.Context(), r, "")
			refused(t, err, domain.KindInvalid, "body.engine_options."+field)
		}
	})
}

func TestPlanDefaultNumberOfRequests(t *testing.T) {
	in(t, options{}, func(t *testing.T, w *world) {
		ds, err := w.svc.Datasets(t.Context())
		if err != nil || len(ds) == 0 {
			t.Fatalf("datasets: %v, %v", ds, err)
		}
		run := w.start(func(r *domain.BenchmarkRequest) { r.Prompt, r.DatasetID = nil, &ds[0].ID })
		if n := *run.Plan.Stop.Requests; n != ds[0].Prompts {
			t.Errorf("dataset: %d requests, want one pass of %d", n, ds[0].Prompts)
		}
		run = w.start(func(r *domain.BenchmarkRequest) {
			r.Load = &domain.Load{Kind: "closed", Concurrency: ptr(6)}
			r.Tags, r.Name = []string{" a ", "b", "a"}, ptr("n")
		})
		if n := *run.Plan.Stop.Requests; n != 6 || !slices.Equal(run.Tags, []string{"a", "b"}) || run.Name != "n" {
			t.Errorf("closed: %d requests, tags %v", n, run.Tags)
		}
	})
}

// singleStage is a list of one stage with a load of its own.
func singleStage() []domain.StageInput {
	return []domain.StageInput{{Load: &domain.Load{Kind: "single"}}}
}

// planFault is a change of the seed's body that must be refused at a field.
type planFault struct {
	at     string
	kind   domain.Kind
	change func(*domain.BenchmarkRequest)
}

// checkRefusals makes each change alone; nothing may be stored or prepared.
func checkRefusals(t *testing.T, cases []planFault) {
	in(t, options{}, func(t *testing.T, w *world) {
		for _, c := range cases {
			r := seedBody()
			c.change(&r)
			_, err := w.svc.StartBenchmark(t.Context(), r, "")
			refused(t, err, c.kind, c.at)
		}
		page, err := w.svc.Benchmarks(t.Context(), domain.RunFilter{})
		if err != nil || page.Total != 0 || w.engine.Prepared() != 0 {
			t.Errorf("refused requests left %d runs, %v", page.Total, err)
		}
	})
}

func TestPlanRefusesValues(t *testing.T) {
	type R = domain.BenchmarkRequest
	long := strings.Repeat("é", 201)
	checkRefusals(t, []planFault{
		{"body.model_id", domain.KindInvalid, func(r *R) { r.ModelID = "  " }},
		{"body.prompt", domain.KindInvalid, func(r *R) { r.Prompt = nil }},
		{"body.prompt", domain.KindInvalid, func(r *R) { r.Prompt = ptr(" \n") }},
		{"body.dataset_id", domain.KindInvalid, func(r *R) { r.DatasetID = ptr("x") }},
		{"body.dataset_id", domain.KindInvalid, func(r *R) { r.Prompt, r.DatasetID = nil, ptr("") }},
		{"body.dataset_id", domain.KindInvalid, func(r *R) { r.Prompt, r.DatasetID = nil, ptr("none") }},
		{"body.max_tokens", domain.KindInvalid, func(r *R) { r.MaxTokens = ptr(0) }},
		{"body.max_tokens", domain.KindInvalid, func(r *R) { r.MaxTokens = ptr(32769) }},
		{"body.temperature", domain.KindInvalid, func(r *R) { r.Temperature = ptr(-0.1) }},
		{"body.temperature", domain.KindInvalid, func(r *R) { r.Temperature = ptr(math.NaN()) }},
		{"body.top_p", domain.KindInvalid, func(r *R) { r.TopP = ptr(0.0) }},
		{"body.top_p", domain.KindInvalid, func(r *R) { r.TopP = ptr(1.1) }},
		{"body.seed", domain.KindInvalid, func(r *R) { r.Seed = ptr(int64(-1)) }},
		{"body.seed", domain.KindInvalid, func(r *R) { r.Seed = ptr(int64(1) << 32) }},
		{"body.warmup", domain.KindInvalid, func(r *R) { r.Warmup = ptr(-1) }},
		{"body.gpu", domain.KindInvalid, func(r *R) { r.GPU = ptr(64) }},
		{"body.repeat", domain.KindInvalid, func(r *R) { r.Repeat = 0.0 }},
		{"body.repeat", domain.KindInvalid, func(r *R) { r.Repeat = 1.5 }},
		{"body.repeat", domain.KindInvalid, func(r *R) { r.Repeat = "three" }},
		{"body.repeat", domain.KindInvalid, func(r *R) { r.Repeat = 1001 }},
		{"body.name", domain.KindInvalid, func(r *R) { r.Name = &long }},
		{"body.notes", domain.KindInvalid, func(r *R) { r.Notes = ptr(strings.Repeat("x", 20001)) }},
		{"body.tags", domain.KindInvalid, func(r *R) { r.Tags = make([]string, 33) }},
		{"body.tags[1]", domain.KindInvalid, func(r *R) { r.Tags = []string{"a", " "} }},
		{"body.endpoint_id", domain.KindInvalid, func(r *R) { r.EndpointID = ptr("none") }},
		{"body.model_id", domain.KindInvalid, func(r *R) { r.ModelID = "none" }},
		{"body.model_id", domain.KindConflict, func(r *R) { r.ModelID = "big" }},
		{"body.model_id", domain.KindConflict, func(r *R) { r.ModelID = "broken" }},
		{"body.engine", domain.KindUnsupported, func(r *R) { r.Engine = ptr("vllm") }},
		{"body.task", domain.KindUnsupported, func(r *R) { r.Task = ptr("embedding") }},
		{"body.repeat", domain.KindInvalid, func(r *R) { r.Repeat = "often" }},
		{"body.max_tokens", domain.KindInvalid, func(r *R) { r.Repeat, r.MaxTokens = "auto", ptr(0) }},
	})
}

func TestPlanRefusesLoads(t *testing.T) {
	type R = domain.BenchmarkRequest
	checkRefusals(t, []planFault{
		{"body.load.concurrency", domain.KindInvalid, func(r *R) { r.Load = &domain.Load{Kind: "closed"} }},
		{"body.load.concurrency", domain.KindInvalid, func(r *R) { r.Load = &domain.Load{Kind: "closed", Concurrency: ptr(1025)} }},
		{"body.load.concurrency", domain.KindInvalid, func(r *R) { r.Load = &domain.Load{Kind: "closed", Concurrency: ptr(257)} }},
		{"body.load.concurrency", domain.KindInvalid, func(r *R) { r.Load = &domain.Load{Kind: "single", Concurrency: ptr(2)} }},
		{"body.load.think_time_ms", domain.KindInvalid, func(r *R) { r.Load = &domain.Load{Kind: "single", ThinkTimeMs: ptr(-1)} }},
		{"body.stop.requests", domain.KindInvalid, func(r *R) { r.Stop = &domain.Stop{Requests: ptr(0)} }},
		{"body.stop.duration_s", domain.KindInvalid, func(r *R) { r.Stop = &domain.Stop{DurationS: ptr(0.0)} }},
		{"body.stop.tokens", domain.KindInvalid, func(r *R) { r.Stop = &domain.Stop{Tokens: ptr(0)} }},
		{"body.stop.errors", domain.KindInvalid, func(r *R) { r.Stop = &domain.Stop{Errors: ptr(0)} }},
		{"body.slo[0]", domain.KindInvalid, func(r *R) { r.SLO = "ttft" }},
		{"body.synthetic", domain.KindInvalid, func(r *R) {
			r.Synthetic = &domain.Synthetic{InputTokens: domain.Lengths{Kind: "fixed", Tokens: ptr(9)}}
		}},
		{"body.synthetic.input_tokens.tokens", domain.KindInvalid, func(r *R) {
			r.Prompt, r.Synthetic = nil, &domain.Synthetic{InputTokens: domain.Lengths{Kind: "fixed"}}
		}},
		{"body.synthetic.input_tokens", domain.KindInvalid, func(r *R) {
			r.Prompt, r.Synthetic = nil, &domain.Synthetic{InputTokens: domain.Lengths{Kind: "fixed", Tokens: ptr(4096)}}
		}},
		{"body.stages[1].depth_tokens", domain.KindInvalid, func(r *R) {
			r.Stages = []domain.StageInput{{DepthTokens: ptr(1024)}, {DepthTokens: ptr(4000)}}
		}},
		{"body.prompt_cache", domain.KindInvalid, func(r *R) { r.PromptCache = ptr("warm") }},
		{"body.cooldown", domain.KindInvalid, func(r *R) { r.Cooldown = ptr(-1) }},
		{"body.rest", domain.KindInvalid, func(r *R) { r.Rest = &domain.Rest{} }},
		{"body.rest.seconds", domain.KindInvalid, func(r *R) { r.Rest = &domain.Rest{Seconds: ptr(3601.0)} }},
		{"body.rest.below_c", domain.KindInvalid, func(r *R) { r.Rest = &domain.Rest{BelowC: ptr(19.0)} }},
		{"body.rest.most_s", domain.KindInvalid, func(r *R) { r.Rest = &domain.Rest{BelowC: ptr(50.0), MostS: ptr(0.0)} }},
		{"body.rest.most_s", domain.KindInvalid, func(r *R) { r.Rest = &domain.Rest{Seconds: ptr(5.0), MostS: ptr(9.0)} }},
		{"body.stages[1].load.rate_per_s", domain.KindInvalid, func(r *R) {
			r.Stages = []domain.StageInput{{}, {Load: &domain.Load{Kind: "poisson"}}}
		}},
		{"body.load.values[1]", domain.KindInvalid, func(r *R) { r.Load = &domain.Load{Kind: "sweep", Values: []float64{1, 0}} }},
		{"body.load.values[1]", domain.KindInvalid, func(r *R) { r.Load = &domain.Load{Kind: "sweep", Values: []float64{1, 257}} }},
		{"body.load.kind", domain.KindInvalid, func(r *R) { r.Load, r.Stages = &domain.Load{Kind: "knee"}, singleStage() }},
		{"body.load.to", domain.KindInvalid, func(r *R) { r.Load = &domain.Load{Kind: "knee", To: ptr(300.0)} }},
		{"body.dataset_id", domain.KindInvalid, func(r *R) { r.Load = &domain.Load{Kind: "trace"} }},
		{"body.load.kind", domain.KindUnsupported, func(r *R) { r.Load = &domain.Load{Kind: "sawtooth"} }},
	})
}

// What a plan cannot reach is said before the start, and stays said at the end.
func TestPlanWarnings(t *testing.T) {
	in(t, options{script: enginetest.Script{Tokens: 4}}, func(t *testing.T, w *world) {
		run := w.start(func(r *domain.BenchmarkRequest) { r.MaxTokens, r.GPU = ptr(4096), ptr(3) })
		end := w.wait(run.ID)
		for name, r := range map[string]domain.Run{"start": run, "end": end} {
			for _, code := range []string{"output_exceeds_context", "gpu_not_found"} {
				if !slices.ContainsFunc(r.Warnings, func(x domain.Warning) bool { return x.Code == code }) {
					t.Errorf("at the %s there is no warning %s: %+v", name, code, r.Warnings)
				}
			}
		}
	})
}

// What is refused says what would do.
func TestPlanRefusalsHelp(t *testing.T) {
	in(t, options{}, func(t *testing.T, w *world) {
		for model, want := range map[string]string{"none": "Installed models: tiny, base", "big": "/api/v1/models/big/download"} {
			r := seedBody()
			r.ModelID = model
			_, err := w.svc.StartBenchmark(t.Context(), r, "")
			if e := refusal(t, err, domain.KindOf(err), "body.model_id"); !strings.Contains(e.Hint, want) {
				t.Errorf("%s: hint %q lacks %q", model, e.Hint, want)
			}
		}
		r := seedBody()
		r.Prompt, r.DatasetID = nil, ptr("none")
		_, err := w.svc.StartBenchmark(t.Context(), r, "")
		ds, _ := w.svc.Datasets(t.Context())
		if e := refusal(t, err, domain.KindInvalid, ""); !strings.Contains(e.Hint, ds[0].ID) {
			t.Errorf("hint %q lacks %q", e.Hint, ds[0].ID)
		}
		r = seedBody()
		r.MaxTokens, r.TopP = ptr(0), ptr(2.0) // all at once
		_, err = w.svc.StartBenchmark(t.Context(), r, "")
		if e := refusal(t, err, domain.KindInvalid, "body.top_p"); len(e.Fields) != 2 {
			t.Errorf("fields = %v", e.Fields)
		}
	})
}

// A trace says by itself how long its arrivals take.
func TestPlanExpectsTheTimeOfATrace(t *testing.T) {
	in(t, options{}, func(t *testing.T, w *world) {
		const file = `{"t_s":0.5,"prompt":"A"}` + "\n" + `{"t_s":1.5,"prompt":"B"}` + "\n" + `{"t_s":4.5,"prompt":"C"}`
		d, err := w.svc.AddDataset(t.Context(), service.DatasetUpload{Name: "t", Format: "trace", Body: strings.NewReader(file)})
		if err != nil {
			t.Fatal(err)
		}
		for want, change := range map[float64]func(*domain.BenchmarkRequest){
			2:   func(r *domain.BenchmarkRequest) { r.Load.Speed = ptr(2.0) },
			1:   func(r *domain.BenchmarkRequest) { r.Stop = &domain.Stop{Requests: ptr(2)} },
			0.5: func(r *domain.BenchmarkRequest) { r.Stop = &domain.Stop{DurationS: ptr(0.5)} },
		} {
			p := w.start(func(r *domain.BenchmarkRequest) {
				r.Prompt, r.DatasetID, r.Load = nil, &d.ID, &domain.Load{Kind: domain.LoadTrace}
				change(r)
			}).Plan
			if p.ExpectedS == nil || *p.ExpectedS != want {
				t.Errorf("%+v: expected %v s, want %g", p.Stop, p.ExpectedS, want)
			}
		}
	})
}
