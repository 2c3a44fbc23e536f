package transfer

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

// guidellmFile is benchmarks.json of GuideLLM: one benchmark a stage, each with its requests.
type guidellmFile struct {
	Metadata struct {
		Version string `json:"guidellm_version"`
	} `json:"metadata"`
	Config struct {
		Spec struct {
			Backend struct {
				Kind  string `json:"kind"`
				Model string `json:"model"`
			} `json:"backend"`
		} `json:"spec"`
	} `json:"config"`
	Benchmarks []guidellmBenchmark `json:"benchmarks"`
}

type guidellmBenchmark struct {
	Config struct {
		Strategy guidellmStrategy `json:"strategy"`
	} `json:"config"`
	StartTime float64                    `json:"start_time"` // seconds since 1970
	Duration  float64                    `json:"duration"`
	Metrics   map[string]json.RawMessage `json:"metrics"`
	Requests  struct {
		Successful []guidellmRequest `json:"successful"`
		Errored    []guidellmRequest `json:"errored"`
		Incomplete []guidellmRequest `json:"incomplete"`
	} `json:"requests"`
}

type guidellmStrategy struct {
	Type           string   `json:"type_"`
	Streams        *int     `json:"streams"`
	MaxConcurrency *int     `json:"max_concurrency"`
	Rate           *float64 `json:"rate"`
}

type guidellmRequest struct {
	ID     string  `json:"request_id"`
	Args   string  `json:"request_args"`
	Output *string `json:"output"`
	Info   struct {
		Error   *string `json:"error"`
		Timings struct {
			Start       *float64 `json:"request_start"`
			FirstByte   *float64 `json:"first_request_iteration"`
			First       *float64 `json:"first_token_iteration"`
			FirstOutput *float64 `json:"first_output_token_iteration"`
			Last        *float64 `json:"last_token_iteration"`
			End         *float64 `json:"request_end"`
		} `json:"timings"`
	} `json:"info"`
	PromptTokens *int `json:"prompt_tokens"`
	CachedTokens *int `json:"cached_tokens"`
	OutputTokens *int `json:"output_tokens"`
}

func isGuidellm(s shape) bool {
	var m struct {
		Version *string `json:"guidellm_version"`
	}
	return s.kind == kindObject && s.has("metadata", "benchmarks") && json.Unmarshal(s.keys["metadata"], &m) == nil && m.Version != nil
}

func readGuidellm(f File, s shape) (Doc, error) {
	var g guidellmFile
	if err := strict(s.data, &g); err != nil {
		return Doc{}, err
	}
	if len(g.Benchmarks) == 0 {
		return Doc{}, bad("The file holds no benchmark.")
	}
	begun := g.Benchmarks[0].StartTime
	r, err := f.begin(tool{"guidellm", "GuideLLM", g.Metadata.Version}, g.Config.Spec.Backend.Model, seconds(begun))
	if err != nil {
		return Doc{}, err
	}
	r.Engine = strings.TrimSuffix(g.Config.Spec.Backend.Kind, "_http")
	sum := summaryOf(&r)
	for i := range g.Benchmarks {
		b := &g.Benchmarks[i]
		r.stage(b.Config.Strategy.load(), nil)
		prefix := ""
		if len(g.Benchmarks) > 1 {
			prefix = fmt.Sprintf("%d: ", i+1)
		}
		b.figures(&r, prefix)
		for _, list := range []struct {
			requests []guidellmRequest
			outcome  domain.Outcome
		}{{b.Requests.Successful, domain.OutcomeOK}, {b.Requests.Errored, domain.OutcomeError}, {b.Requests.Incomplete, domain.OutcomeIncomplete}} {
			for j := range list.requests {
				if q, ok := list.requests[j].record(begun, i, list.outcome); ok {
					r.Requests = append(r.Requests, q)
				}
			}
		}
		sum.stage(r.Plan.Stages[i], b.summary())
	}
	r.note("The file holds no time of the tokens between the first and the last, so there is no inter-token latency.")
	if len(r.Requests) == 0 {
		if len(g.Benchmarks) == 1 {
			sum.Figures = *sum.stages[0].Summary
		}
		sum.fill(&r)
	}
	r.settle()
	return Doc{Runs: []Run{r}}, nil
}

// seconds is a time given in seconds since 1970; 0 is none.
func seconds(s float64) time.Time {
	if s <= 0 {
		return time.Time{}
	}
	return time.UnixMicro(us(s, 1)).UTC()
}

func (s guidellmStrategy) load() domain.Load {
	users := 1
	for _, n := range []*int{s.Streams, s.MaxConcurrency} {
		if n != nil {
			users = *n
			break
		}
	}
	switch {
	case s.Type == "poisson" && s.Rate != nil:
		return domain.Load{Kind: domain.LoadPoisson, RatePerS: s.Rate}
	case s.Type == "constant" && s.Rate != nil:
		return domain.Load{Kind: domain.LoadRate, RatePerS: s.Rate}
	}
	return closed(users)
}

// record is one request; one that was never sent is none.
func (g guidellmRequest) record(begun float64, stage int, outcome domain.Outcome) (domain.RequestRecord, bool) {
	t := g.Info.Timings
	if t.Start == nil {
		return domain.RequestRecord{}, false
	}
	from := func(at *float64) *int64 {
		if at == nil {
			return nil
		}
		return new(us(*at-*t.Start, 1))
	}
	q := domain.RequestRecord{RequestID: g.ID, Stage: stage, Outcome: outcome, SentUs: us(*t.Start-begun, 1),
		FirstByteUs: from(t.FirstByte), TTFTUs: from(t.First), TTFVUs: from(t.FirstOutput), LastUs: from(t.Last), ClosedUs: from(t.End),
		PromptTokens: g.PromptTokens, CachedTokens: g.CachedTokens, OutputTokens: g.OutputTokens, Output: g.Output, Prompt: promptOf(g.Args)}
	if outcome != domain.OutcomeOK {
		q.ErrorClass = domain.ErrClassHTTP
		if outcome == domain.OutcomeIncomplete {
			q.ErrorClass = domain.ErrClassCut
		}
		q.ErrorMessage = clip(cmp.Or(deref(g.Info.Error), "The tool does not say why."), 500)
	}
	timeOutput(&q)
	return q, true
}

// promptOf takes the text out of the body that the tool sent; nil where it has another layout.
func promptOf(args string) *string {
	var a struct {
		Body struct {
			Prompt   *string `json:"prompt"`
			Messages []struct {
				Content json.RawMessage `json:"content"`
			} `json:"messages"`
		} `json:"body"`
	}
	if json.Unmarshal([]byte(args), &a) != nil {
		return nil
	}
	if a.Body.Prompt != nil || len(a.Body.Messages) == 0 {
		return a.Body.Prompt
	}
	content := a.Body.Messages[len(a.Body.Messages)-1].Content
	var text string
	if json.Unmarshal(content, &text) == nil {
		return &text
	}
	var parts []struct {
		Text string `json:"text"`
	}
	if json.Unmarshal(content, &parts) != nil || len(parts) == 0 {
		return nil
	}
	return &parts[0].Text
}

// guidellmStat is one metric over the successful requests.
type guidellmStat struct {
	Mean        *float64           `json:"mean"`
	Median      *float64           `json:"median"`
	Std         *float64           `json:"std_dev"`
	Percentiles map[string]float64 `json:"percentiles"`
}

func (b *guidellmBenchmark) stat(metric string) guidellmStat {
	var m struct {
		Successful guidellmStat `json:"successful"`
	}
	_ = json.Unmarshal(b.Metrics[metric], &m) // a metric that is missing has no figures
	return m.Successful
}

func (b *guidellmBenchmark) figures(r *Run, prefix string) {
	for _, m := range guidellmMetrics() {
		st := b.stat(m.key)
		r.figure(prefix+m.key+".mean", prefix+m.label+" mean", m.unit, st.Mean, m.definition)
		if m.rate {
			continue
		}
		r.figure(prefix+m.key+".median", prefix+m.label+" median", m.unit, st.Median, m.definition)
		r.figure(prefix+m.key+".std_dev", prefix+m.label+" std dev", m.unit, st.Std, m.definition)
		for _, p := range []string{"p95", "p99"} {
			if v, ok := st.Percentiles[p]; ok {
				r.figure(prefix+m.key+".percentiles."+p, prefix+m.label+" "+p, m.unit, &v, m.definition+" Nearest rank.")
			}
		}
	}
}

// guidellmMetric is one metric with the tool's definition. Of a rate only the mean is one over the run.
type guidellmMetric struct {
	key, csv, label, unit, definition string
	rate                              bool
}

func guidellmMetrics() []guidellmMetric {
	return []guidellmMetric{
		{"requests_per_second", "Server Throughput/Successful Requests/Sec", "Requests/s", "req/s", "Successful requests ÷ time from the first request sent to the end of the last stream.", true},
		{"request_concurrency", "Server Throughput/Successful Concurrency", "Concurrency", "requests", "Sum of the latencies of successful requests ÷ the same time.", true},
		{"output_tokens_per_second", "Token Throughput/Successful Output Tokens/Sec", "Output tokens/s", "tok/s", "Output tokens of successful requests, by the server's count, ÷ the same time.", true},
		{"tokens_per_second", "Token Throughput/Successful Total Tokens/Sec", "Total tokens/s", "tok/s", "Input and output tokens of successful requests ÷ the same time.", true},
		{"request_latency", "Request Latency/Successful Sec", "Request latency", "s", "Send to the end of the stream, not to the last content.", false},
		{"time_to_first_token_ms", "Time to First Token/Successful ms", "TTFT", "ms", "Send to first token, reasoning included.", false},
		{"time_to_first_output_token_ms", "Time to First Output Token/Successful ms", "TTFOT", "ms", "Send to first token that is not reasoning.", false},
		{"time_per_output_token_ms", "Time per Output Token/Successful ms", "TPOT", "ms", "Send to last token ÷ output tokens: it holds the time to first token. Weighted by tokens. We call it NTPOT.", false},
		{"inter_token_latency_ms", "Inter Token Latency/Successful ms", "ITL", "ms", "(last token − first token) ÷ (tokens − 1), one mean a request weighted by its gaps, so a stall hardly shows. We call it TPOT.", false},
		{"prompt_token_count", "Token Metrics/Successful Input Tokens", "Input tokens", "tokens", "Of each successful request, by the server's count.", false},
		{"output_token_count", "Token Metrics/Successful Output Tokens", "Output tokens", "tokens", "Of each successful request, by the server's count.", false},
	}
}

// summary takes the figures that are defined as ours: of the times to first token the mean alone, since
// the tool takes percentiles by nearest rank.
func (b *guidellmBenchmark) summary() domain.Figures {
	f := noFigures()
	var totals struct {
		Successful, Errored, Incomplete int
	}
	_ = json.Unmarshal(b.Metrics["request_totals"], &totals)
	f.Requests = domain.OutcomeCounts{OK: totals.Successful, Error: totals.Errored, Incomplete: totals.Incomplete}
	f.TTFTMs = domain.Stats{Mean: b.stat("time_to_first_token_ms").Mean, N: totals.Successful}
	f.TTFVMs = domain.Stats{Mean: b.stat("time_to_first_output_token_ms").Mean, N: totals.Successful}
	return f
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
