package stats

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
)

// peer is a run of another tool: what it printed, the stamps it took itself, and those that the
// server it measured took of the same requests.
type peer struct {
	Printed    map[string]float64
	Own, Truth []stamps
}

// stamps are one request; all offsets are from Sent.
type stamps struct {
	Sent   int64   `json:"sent_us"`
	First  int64   `json:"first_us"`
	Last   int64   `json:"last_us"` // where there are no gaps
	Closed int64   `json:"closed_us"`
	Gaps   []int64 `json:"gaps_us"`
	Prompt int
	Output int
	Text   *int
}

func (s stamps) record(n int) domain.RequestRecord {
	r := domain.RequestRecord{
		N: n, Phase: domain.PhaseMeasure, Outcome: domain.OutcomeOK, TokensFrom: "usage", FinishReason: "length",
		SentUs: s.Sent, FirstByteUs: &s.First, TTFTUs: &s.First, TTFVUs: &s.First, LastUs: &s.Last, ClosedUs: &s.Closed,
		PromptTokens: &s.Prompt, OutputTokens: &s.Output, TextTokens: s.Text, TextTokensExact: s.Text != nil,
	}
	if len(s.Gaps) > 0 {
		at := s.First
		r.ChunkUs = []int64{at}
		for _, g := range s.Gaps {
			at += g
			r.ChunkUs = append(r.ChunkUs, at)
		}
		s.Last = at
		r.LastUs = &at
	}
	return r
}

func readPeer(t *testing.T, name string) peer {
	t.Helper()
	raw, err := os.ReadFile("testdata/peers/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var p peer
	if err := json.Unmarshal(raw, &p); err != nil {
		t.Fatal(err)
	}
	return p
}

func recordsOf(list []stamps) []domain.RequestRecord {
	var out []domain.RequestRecord
	for n, s := range list {
		out = append(out, s.record(n))
	}
	return out
}

func lensOf(t *testing.T, tool string, in Input) map[string]domain.LensRow {
	t.Helper()
	for _, l := range Lenses(in) {
		if l.Tool != tool {
			continue
		}
		rows := map[string]domain.LensRow{}
		for _, r := range l.Rows {
			if r.Key == "" || r.Label == "" || r.Unit == "" || r.Definition == "" {
				t.Errorf("%s: a row lacks something: %+v", tool, r)
			}
			if _, twice := rows[r.Key]; twice {
				t.Errorf("%s: %s is there twice", tool, r.Key)
			}
			rows[r.Key] = r
		}
		return rows
	}
	t.Fatalf("there is no lens %s", tool)
	return nil
}

func off(got, want float64) float64 {
	if want == 0 {
		return math.Abs(got)
	}
	return math.Abs(got/want - 1)
}

// From the stamps a tool took itself its lens must come to what the tool printed.
func TestLensesAgreeWithTheTools(t *testing.T) {
	closed := domain.Plan{MaxTokens: 64, Load: domain.Load{Kind: domain.LoadClosed, Concurrency: new(16)}}
	for _, c := range []struct {
		tool string
		most float64 // relative error: stamps are rounded to whole microseconds
		rows int
		// the tool divides by the time of its own phase, set-up and clean-up included, which no stamp shows
		loose []string
		wide  float64
	}{
		{"vllm", 5e-5, 20, []string{"duration", "_throughput"}, 5e-4},
		{"aiperf", 5e-5, 30, []string{"t_throughput", "n_throughput"}, 2e-3},
		{"guidellm", 5e-5, 24, nil, 0},
	} {
		t.Run(c.tool, func(t *testing.T) {
			p := readPeer(t, c.tool)
			rows := lensOf(t, c.tool, Input{Plan: closed, Requests: recordsOf(p.Own)})
			compared := 0
			for key, r := range rows {
				want, printed := p.Printed[key]
				if !printed || r.Value == nil {
					t.Errorf("%s: printed %v, value %v", key, printed, r.Value)
					continue
				}
				compared++
				most := c.most
				if slices.ContainsFunc(c.loose, func(s string) bool { return strings.HasSuffix(key, s) }) {
					most = c.wide
				}
				if strings.Contains(key, "std") {
					most = 2e-3 // a difference of near values: the rounding weighs more
				}
				if off(*r.Value, want) > most {
					t.Errorf("%s = %v, the tool printed %v", key, *r.Value, want)
				}
			}
			if compared < c.rows {
				t.Errorf("only %d rows compared", compared)
			}
		})
	}
}

// From the server's stamps the lens shows what the tool would have printed without its own delay,
// so what it printed lies above by its error: at 16 streams a few percent in TTFT, less elsewhere.
func TestLensesAgainstTheTruth(t *testing.T) {
	for _, c := range []struct {
		tool string
		most map[string]float64
	}{
		{"vllm", map[string]float64{"mean_ttft_ms": 0.09, "p99_ttft_ms": 0.12, "mean_tpot_ms": 0.005, "mean_itl_ms": 0.005,
			"median_itl_ms": 0.005, "p99_itl_ms": 0.09, "mean_e2el_ms": 0.01, "output_throughput": 0.01, "request_throughput": 0.01}},
		{"aiperf", map[string]float64{"time_to_first_token.avg": 0.1, "inter_token_latency.avg": 0.01, "inter_chunk_latency.avg": 0.01,
			"request_latency.avg": 0.02, "output_token_throughput": 0.02, "output_sequence_length.avg": 0}},
		{"guidellm", map[string]float64{"time_to_first_token_ms.mean": 0.06, "time_per_output_token_ms.mean": 0.01, "inter_token_latency_ms.mean": 0.005,
			"request_latency.mean": 0.01, "output_tokens_per_second.mean": 0.02, "request_concurrency.mean": 0.02}},
	} {
		p := readPeer(t, c.tool)
		rows := lensOf(t, c.tool, Input{Plan: plan(), Requests: recordsOf(p.Truth)})
		for key, most := range c.most {
			r := rows[key]
			if r.Value == nil || off(*r.Value, p.Printed[key]) > most {
				t.Errorf("%s %s = %v, the tool printed %v", c.tool, key, r.Value, p.Printed[key])
			}
		}
	}
}

// The tools disagree about one and the same run; these are the points where they do.
func TestLensesDiffer(t *testing.T) {
	// Four tokens a chunk, reasoning first: content at 50, 70, 90, 110 ms, visible from 90 on.
	r := req(0, 0, 50, 70, 90, 110)
	r.TTFVUs, r.OutputTokens, r.PromptTokens = new(int64(90_000)), new(16), new(20)
	r.TextTokens, r.TextTokensExact = new(17), true
	r.ClosedUs = new(int64(120_000))
	// An error event after two pieces, and a stream without its end mark.
	broken := req(1, 200, 50, 150)
	broken.Outcome, broken.ErrorClass, broken.OutputTokens = domain.OutcomeError, domain.ErrClassStream, new(2)
	cut := req(2, 400, 50, 150)
	cut.Outcome, cut.ErrorClass, cut.OutputTokens = domain.OutcomeIncomplete, domain.ErrClassCut, new(2)
	dropped := domain.RequestRecord{N: 3, Phase: domain.PhaseMeasure, Outcome: domain.OutcomeDropped, DueUs: new(int64(900_000))}
	in := Input{Plan: plan(), Requests: []domain.RequestRecord{r, broken, cut, dropped}}
	for _, c := range []struct {
		tool, key string
		want      float64
	}{
		{"vllm", "completed", 3}, {"vllm", "failed", 0}, {"vllm", "duration", 0.555},
		{"vllm", "p99_itl_ms", 100}, {"vllm", "mean_itl_ms", 52}, {"vllm", "median_tpot_ms", 100},
		{"vllm", "output_throughput", 20 / 0.555}, {"vllm", "total_token_throughput", 60 / 0.555},
		{"aiperf", "request_count", 3}, {"aiperf", "inter_token_latency.p50", 100}, {"aiperf", "inter_chunk_latency.p50", 20},
		{"aiperf", "output_token_throughput", 21 / 0.555}, {"aiperf", "time_to_first_output_token.avg", 190.0 / 3},
		{"guidellm", "requests_per_second.mean", 1 / 0.555}, {"guidellm", "time_per_output_token_ms.mean", 110.0 / 16},
		{"guidellm", "inter_token_latency_ms.mean", 4}, {"guidellm", "request_latency.mean", 0.12},
		{"llmperf", "results_num_completed_requests", 2}, {"llmperf", "results_number_errors", 1},
		{"llmperf", "results_ttft_s_mean", 0.07}, {"llmperf", "results_inter_token_latency_s_quantiles_p50", (0.11/17 + 0.075) / 2},
		{"llmperf", "results_end_to_end_latency_s_stddev", 0.035 / math.Sqrt2},
		{"llmperf", "results_mean_output_throughput_token_per_s", 19 / 0.555},
	} {
		near(t, c.tool+" "+c.key, lensOf(t, c.tool, in)[c.key].Value, c.want)
	}
	near(t, "ours", lensOf(t, "vllm", in)["mean_ttft_ms"].Ours, 50)
}

func TestGoodputAsVLLM(t *testing.T) {
	p := plan()
	p.SLO = []domain.Objective{{Metric: "ttft", BelowMs: 100}, {Metric: "tpot", BelowMs: 20}, {Metric: "itl", BelowMs: 1}}
	in := Input{Plan: p, Requests: []domain.RequestRecord{req(0, 0, 100, 120), req(1, 200, 101, 120), req(2, 400, 100, 121), req(3, 600, 100)}}
	near(t, "goodput", lensOf(t, "vllm", in)["request_goodput"].Value, 2/0.705)
	in.Plan.SLO = in.Plan.SLO[2:]
	if _, there := lensOf(t, "vllm", in)["request_goodput"]; there {
		t.Error("vLLM knows no objective for ITL")
	}
}

func TestLlamaBench(t *testing.T) {
	var rs []domain.RequestRecord
	for n, ms := range []float64{100, 125, 80} {
		r := req(n, int64(n)*1000, 100, 200)
		r.OutputTokens = new(101)
		r.Server = &domain.ServerTimings{PromptTokens: 512, PromptMs: ms, PredictedTokens: 101, PredictedMs: 10 * ms}
		r.Stage = n / 2
		rs = append(rs, r)
	}
	in := Input{Plan: plan(), Requests: rs, Phases: []domain.PhaseChange{
		{Phase: domain.PhaseMeasure, Stage: &domain.StageMark{Index: 0}},
		{Phase: domain.PhaseMeasure, TUs: 2_000_000, Stage: &domain.StageMark{Index: 1, DepthTokens: new(4096)}},
		{Phase: domain.PhaseDrain, TUs: 3_000_000},
	}}
	rows := lensOf(t, "llama-bench", in)
	near(t, "pp", rows["pp512 avg_ts"].Value, (5120.0+4096)/2)
	near(t, "pp spread", rows["pp512 stddev_ts"].Value, 512*math.Sqrt2)
	near(t, "tg", rows["tg101 avg_ts"].Value, 90)
	near(t, "tg spread", rows["tg101 stddev_ts"].Value, 10*math.Sqrt2)
	near(t, "pp at depth", rows["pp512 @ d4096 avg_ts"].Value, 6400)
	near(t, "one has no spread", rows["tg101 @ d4096 stddev_ts"].Value, 0)
	rows = lensOf(t, "llama-bench", Input{Plan: plan(), Requests: []domain.RequestRecord{req(0, 0, 100, 150, 200)}})
	near(t, "client's pp", rows["pp10 avg_ts"].Value, 100)
	near(t, "client's tg", rows["tg3 avg_ts"].Value, 20)
}

func TestLensesOfNothing(t *testing.T) {
	for _, l := range Lenses(Input{Plan: plan()}) {
		if _, err := json.Marshal(l); err != nil {
			t.Errorf("%s: %v", l.Tool, err)
		}
		if l.Rows == nil {
			t.Errorf("%s: rows must not be null", l.Tool)
		}
	}
}
