package stats

import (
	"encoding/json"
	"flag"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
)

var update = flag.Bool("update", false, "write the golden files")

// req is a successful measured request: sent at, with content chunks at the given offsets, in ms.
func req(n int, sentMs int64, chunksMs ...int64) domain.RequestRecord {
	r := domain.RequestRecord{
		N: n, Phase: domain.PhaseMeasure, Outcome: domain.OutcomeOK, SentUs: sentMs * 1000,
		FinishReason: "length", TokensFrom: "usage", PromptTokens: new(10), CachedTokens: new(0),
		OutputTokens: new(len(chunksMs)), Output: new("text"),
	}
	for _, c := range chunksMs {
		r.ChunkUs = append(r.ChunkUs, c*1000)
	}
	if len(chunksMs) > 0 {
		first, last := r.ChunkUs[0], r.ChunkUs[len(r.ChunkUs)-1]
		r.FirstByteUs, r.TTFTUs, r.TTFVUs, r.LastUs = &first, &first, &first, &last
		r.ClosedUs = new(last + 5000)
	}
	return r
}

func warmup(r domain.RequestRecord) domain.RequestRecord {
	r.Phase = domain.PhaseWarmup
	return r
}

func failedRequest(n int, sentMs, closedMs int64) domain.RequestRecord {
	return domain.RequestRecord{
		N: n, Phase: domain.PhaseMeasure, Outcome: domain.OutcomeError, ErrorClass: domain.ErrClassHTTP, SentUs: sentMs * 1000,
		ClosedUs: new(closedMs * 1000), OutputTokens: new(0), TokensFrom: "chunks",
	}
}

func plan() domain.Plan {
	return domain.Plan{MaxTokens: 4, Load: domain.Load{Kind: domain.LoadSingle}, Repeat: 1}
}

func near(t *testing.T, what string, got *float64, want float64) {
	t.Helper()
	if got == nil {
		t.Errorf("%s = nil, want %v", what, want)
	} else if math.Abs(*got-want) > 1e-9*max(1, math.Abs(want)) {
		t.Errorf("%s = %v, want %v", what, *got, want)
	}
}

func TestOneRequest(t *testing.T) {
	rep := Report(Input{Plan: plan(), Requests: []domain.RequestRecord{
		warmup(req(0, 0, 900, 1900)), req(1, 5000, 100, 120, 140, 200),
	}})
	s := rep.Summary
	near(t, "duration is the E2E", rep.DurationS, 0.2)
	near(t, "TTFT", s.TTFTMs.P50, 100)
	near(t, "ITL mean", s.ITLMs.Mean, 100.0/3)
	near(t, "ITL max", s.ITLMs.Max, 60)
	near(t, "TPOT", s.TPOTMs.P50, 100.0/3)
	near(t, "output throughput", s.OutputTokensPerSecond, 4/0.2)
	near(t, "decode speed", s.DecodeTokensPerSecond, 30)
	near(t, "prefill, lower bound", s.PrefillTokensPerSecond, 100)
	near(t, "requests per second", s.RequestsPerSecond, 5)
	near(t, "concurrency", s.DeliveredConcurrency, 1)
	if !s.PrefillLowerBound || s.ITLMs.N != 3 || s.TTFTMs.N != 1 || *rep.TokensGenerated != 4 || *rep.Output != "text" {
		t.Errorf("report = %+v", rep)
	}
	if len(s.Stages) != 1 || s.Stages[0].Name != "single" || s.Stages[0].Concurrency != 1 || s.Stages[0].Summary.Requests.OK != 1 {
		t.Errorf("stages = %+v", s.Stages)
	}
}

func TestOverlappingAndFailedRequests(t *testing.T) {
	p := plan()
	p.Load = domain.Load{Kind: domain.LoadClosed, Concurrency: new(2)}
	rep := Report(Input{Plan: p, Requests: []domain.RequestRecord{
		req(0, 0, 100, 200), req(1, 0, 300, 500), failedRequest(2, 205, 400), req(3, 505, 95),
	}})
	s := rep.Summary
	near(t, "window", s.WindowS, 0.605)
	near(t, "output throughput", s.OutputTokensPerSecond, 5/0.605)
	near(t, "requests per second", s.RequestsPerSecond, 3/0.605)
	near(t, "concurrency", s.DeliveredConcurrency, (0.205+0.505+0.4+0.1)/0.605)
	if s.TPOTMs.N != 2 || s.E2EMs.N != 3 || s.Requests != (domain.OutcomeCounts{OK: 3, Error: 1}) || s.ErrorClasses["http"] != 1 {
		t.Errorf("summary = %+v", s)
	}
	if s.Tokens.From != "usage" || *s.Tokens.Prompt != 30 || s.Stages[0].Name != "closed:2" {
		t.Errorf("tokens = %+v, stage %s", s.Tokens, s.Stages[0].Name)
	}
}

func TestServerFiguresComeFirst(t *testing.T) {
	a, b := req(0, 0, 100, 200), req(1, 300, 100, 200)
	a.Server = &domain.ServerTimings{PromptTokens: 50, CachedTokens: 5, PromptMs: 80, PredictedTokens: 11, PredictedMs: 200}
	s := Report(Input{Plan: plan(), Requests: []domain.RequestRecord{a, b}}).Summary
	near(t, "prefill", s.PrefillTokensPerSecond, 625)
	near(t, "server prefill", s.Server.PrefillTokensPerSecond, 625)
	near(t, "server decode", s.Server.DecodeTokensPerSecond, 50)
	if s.PrefillLowerBound || s.Server.N != 1 {
		t.Errorf("summary = %+v", s)
	}
}

func TestCachedTokensAreNotPrefilled(t *testing.T) {
	r := req(0, 0, 100, 200)
	r.PromptTokens, r.CachedTokens = new(100), new(60)
	near(t, "prefill", Report(Input{Plan: plan(), Requests: []domain.RequestRecord{r}}).Summary.PrefillTokensPerSecond, 400)
}

func TestOneTokenHasNoTPOT(t *testing.T) {
	s := Report(Input{Plan: plan(), Requests: []domain.RequestRecord{req(0, 0, 100)}}).Summary
	if s.TPOTMs.N != 0 || s.TPOTMs.P50 != nil || s.DecodeTokensPerSecond != nil || s.ITLMs.N != 0 {
		t.Errorf("summary = %+v", s)
	}
}

func TestNothingMeasured(t *testing.T) {
	rep := Report(Input{Plan: plan(), Requests: []domain.RequestRecord{warmup(req(0, 0, 10))}})
	if rep.DurationS != nil || rep.TokensGenerated != nil || rep.Output != nil || rep.Summary.OutputTokensPerSecond != nil {
		t.Errorf("report = %+v", rep)
	}
	if rep.Validity.Verdict != "invalid" || !slices.Contains(codes(rep), "no_successful_requests") {
		t.Errorf("verdict %s, warnings %v", rep.Validity.Verdict, codes(rep))
	}
	if _, err := json.Marshal(rep); err != nil {
		t.Errorf("the report must stay valid JSON: %v", err)
	}
}

func codes(r domain.Report) []string {
	var out []string
	for _, w := range r.Warnings {
		out = append(out, w.Code)
	}
	return out
}

func TestGolden(t *testing.T) {
	p := plan()
	p.MaxTokens, p.UseGPU, p.UseGPUExplicit = 4, true, true
	p.Load = domain.Load{Kind: domain.LoadClosed, Concurrency: new(2)}
	var requests []domain.RequestRecord
	for n := range 120 {
		r := req(n, int64(n)*100, 40+int64(n%7), 60+int64(n%7), 85+int64(n%11), 180)
		if n < 2 {
			r = warmup(r)
		}
		if n%40 == 5 {
			r = failedRequest(n, int64(n)*100, 60)
		}
		requests = append(requests, r)
	}
	off := false
	rep := Report(Input{
		Plan: p, Engine: domain.EngineInfo{GPUUsed: &off, GPUReason: "No GPU was found."}, Requests: requests,
		Phases: []domain.PhaseChange{{Phase: domain.PhaseMeasure, TUs: 200_000}, {Phase: domain.PhaseDrain, TUs: 12_100_000}},
		Samples: []domain.Sample{
			{Phase: domain.PhaseWarmup, TUs: 100_000, CPUPercent: new(99.0)},
			{Phase: domain.PhaseMeasure, TUs: 200_000, CPUPercent: new(88.0), RAMUsedGB: new(9.0)},
			{Phase: domain.PhaseMeasure, TUs: 1_000_000, CPUPercent: new(50.0), EngineCPUPercent: new(80.0), SelfCPUPercent: new(2.0), CPUCores: []float64{50, 50}, RAMUsedGB: new(4.0)},
			{Phase: domain.PhaseDrain, TUs: 12_100_001, CPUPercent: new(60.0), EngineCPUPercent: new(90.0), SelfCPUPercent: new(2.0), CPUCores: []float64{60, 60}, RAMUsedGB: new(5.0)},
			{Phase: domain.PhaseStop, TUs: 12_200_000, CPUPercent: new(1.0)},
		},
		Sensors: []domain.SensorInfo{{Key: "gpu_usage_percent", Reason: "No GPU was found."}},
	})
	got, err := json.MarshalIndent(rep, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	const path = "testdata/report.golden.json"
	if *update {
		if err := os.WriteFile(path, append(got, '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.TrimSpace(string(want)) != string(got) {
		t.Errorf("the report changed; look at it, then run the test with -update\n%s", got)
	}
}

func TestAReasonIsASentence(t *testing.T) {
	if got := sentence("The run used the CPU.", "étude of no GPU"); got != "The run used the CPU. Étude of no GPU" {
		t.Errorf("sentence = %q", got)
	}
}
