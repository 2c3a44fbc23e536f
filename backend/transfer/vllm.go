package transfer

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/stats"
)

// vllmFile is what "vllm bench serve --save-result" writes (vllm/benchmarks/serve.py). With
// --save-detailed it has the lists, one entry a request.
type vllmFile struct {
	Date           string      `json:"date"` // of the end, by the clock of the tool's machine
	Backend        string      `json:"backend"`
	Label          *string     `json:"label"`
	Model          string      `json:"model_id"`
	NumPrompts     int         `json:"num_prompts"`
	RequestRate    any         `json:"request_rate"` // a number, or "inf"
	Burstiness     *float64    `json:"burstiness"`
	MaxConcurrency *int        `json:"max_concurrency"`
	Duration       float64     `json:"duration"`
	Completed      int         `json:"completed"`
	Failed         *int        `json:"failed"`
	InputTokens    int         `json:"total_input_tokens"`
	OutputTokens   int         `json:"total_output_tokens"`
	InputLens      []int       `json:"input_lens"`
	OutputLens     []int       `json:"output_lens"`
	TTFTs          []float64   `json:"ttfts"`
	ITLs           [][]float64 `json:"itls"`
	Latencies      []float64   `json:"latencies"`
	StartTimes     []float64   `json:"start_times"`
	Texts          []string    `json:"generated_texts"`
	Errors         []string    `json:"errors"`
}

func isVLLM(s shape) bool {
	return s.kind == kindObject && s.has("num_prompts", "request_rate", "completed", "mean_ttft_ms")
}

func readVLLM(f File, s shape) (Doc, error) {
	var v vllmFile
	if err := strict(s.data, &v); err != nil {
		return Doc{}, err
	}
	// The tool writes its local time, without the zone.
	var begun time.Time
	if end, err := time.Parse("20060102-150405", v.Date); err == nil {
		begun = end.Add(-time.Duration(v.Duration * float64(time.Second)))
	}
	r, err := f.begin(tool{"vllm", "vLLM bench serve", ""}, v.Model, begun)
	if err != nil {
		return Doc{}, err
	}
	if !begun.IsZero() {
		r.note("The file's time has no zone; it is taken as UTC.")
	}
	if v.Label != nil && *v.Label != "" {
		r.Name = clip(*v.Label, 200)
	}
	r.Engine = v.Backend
	r.stage(v.load(), nil).ExpectedRequests = &v.NumPrompts
	figuresOfVLLM(&r, s)
	if len(v.TTFTs) > 0 {
		if err := v.requests(&r); err != nil {
			return Doc{}, err
		}
	} else {
		v.summary(&r, s)
		r.note("The file holds no requests: it was saved without --save-detailed.")
	}
	r.settle()
	return Doc{Runs: []Run{r}}, nil
}

// load is how the tool sent its requests: without a rate all at once, as its seats allow.
func (v vllmFile) load() domain.Load {
	rate, ok := v.RequestRate.(float64)
	if text, isText := v.RequestRate.(string); isText {
		parsed, err := strconv.ParseFloat(text, 64)
		rate, ok = parsed, err == nil && parsed < 1e6
	}
	if !ok || rate <= 0 {
		users := v.NumPrompts
		if v.MaxConcurrency != nil {
			users = min(users, *v.MaxConcurrency)
		}
		return closed(users)
	}
	l := domain.Load{Kind: domain.LoadPoisson, RatePerS: &rate, MaxInFlight: v.MaxConcurrency}
	if b := v.Burstiness; b != nil && *b > 0 && *b != 1 {
		l.Kind = domain.LoadGamma
		l.CV = new(1 / math.Sqrt(*b)) // a gamma distribution of shape b
	}
	return l
}

// requests fills the records. The tool's lists are as long as there were requests, failed ones included.
func (v vllmFile) requests(r *Run) error {
	n := len(v.TTFTs)
	for name, have := range map[string]int{"input_lens": len(v.InputLens), "output_lens": len(v.OutputLens), "itls": len(v.ITLs)} {
		if have != n {
			return fmt.Errorf("%s has %d entries and ttfts has %d", name, have, n)
		}
	}
	r.Imported.Timed = len(v.StartTimes) == n
	if !r.Imported.Timed {
		r.note("The file does not say when each request was sent.")
	}
	for i := range n {
		q := domain.RequestRecord{RequestID: fmt.Sprintf("vllm-%d", i), PromptTokens: &v.InputLens[i], OutputTokens: &v.OutputLens[i]}
		if r.Imported.Timed {
			q.SentUs = us(v.StartTimes[i]-slices.Min(v.StartTimes), 1)
		}
		if i < len(v.Texts) {
			q.Output = &v.Texts[i]
		}
		if i < len(v.Errors) && v.Errors[i] != "" {
			q.Outcome, q.ErrorClass, q.ErrorMessage = domain.OutcomeError, domain.ErrClassHTTP, clip(lastLine(v.Errors[i]), 500)
			q.OutputTokens, q.Output = nil, nil
			r.Requests = append(r.Requests, q)
			continue
		}
		chunks(&q, v.TTFTs[i], v.ITLs[i], 1)
		q.TTFTUs = new(us(v.TTFTs[i], 1))
		if i < len(v.Latencies) && v.Latencies[i] > 0 {
			q.LastUs = new(us(v.Latencies[i], 1))
		}
		timeOutput(&q)
		r.Requests = append(r.Requests, q)
	}
	return nil
}

// summary takes the figures that are defined as ours.
func (v vllmFile) summary(r *Run, s shape) {
	get := func(key string) *float64 { return number(s.keys[key]) }
	statsIn := func(metric string, n int) domain.Stats {
		st := domain.Stats{Mean: get("mean_" + metric + "_ms"), P50: get("median_" + metric + "_ms"),
			P90: get("p90_" + metric + "_ms"), P95: get("p95_" + metric + "_ms"), N: n}
		if n >= stats.MinP99 {
			st.P99 = get("p99_" + metric + "_ms")
		}
		return st
	}
	sum := summaryOf(r)
	sum.TTFTMs, sum.TPOTMs, sum.E2EMs = statsIn("ttft", v.Completed), statsIn("tpot", v.Completed), statsIn("e2el", v.Completed)
	sum.ITLMs = statsIn("itl", max(0, v.OutputTokens-v.Completed))
	if sum.E2EMs.Mean == nil {
		sum.E2EMs = domain.Stats{}
	}
	sum.Requests.OK = v.Completed
	if v.Failed != nil {
		sum.Requests.Error = *v.Failed
	}
	sum.Tokens = domain.TokenCounts{Prompt: &v.InputTokens, Output: v.OutputTokens, From: fromImport}
	sum.fill(r)
}

var vllmFigure = regexp.MustCompile(`^(mean|median|std|p\d+(?:\.\d+)?)_(ttft|tpot|itl|e2el)_ms$`)

// figuresOfVLLM keeps what the tool printed, in its order.
func figuresOfVLLM(r *Run, s shape) {
	for _, x := range [][4]string{
		{"completed", "Successful requests", "requests", "Answers with HTTP 200 that were read to their end; an error event in the stream or a missing end mark is not looked at."},
		{"failed", "Failed requests", "requests", "All other requests."},
		{"duration", "Benchmark duration", "s", "From the start of the load to the end of the last stream."},
		{"total_input_tokens", "Total input tokens", "tokens", "By the tool's own tokenizer, before the chat template is put on."},
		{"total_output_tokens", "Total generated tokens", "tokens", "The server's count; without one the text is counted by a tokenizer."},
		{"request_throughput", "Request throughput", "req/s", "completed ÷ duration."},
		{"request_goodput", "Request goodput", "req/s", "Requests whose TTFT, TPOT and E2EL are at or below their limits ÷ duration."},
		{"output_throughput", "Output token throughput", "tok/s", "total_output_tokens ÷ duration."},
		{"total_token_throughput", "Total token throughput", "tok/s", "total_input_tokens and total_output_tokens ÷ duration."},
		{"max_output_tokens_per_s", "Peak output token throughput", "tok/s", "Most tokens that came within one second."},
		{"max_concurrent_requests", "Peak concurrent requests", "requests", "Most requests that were under way within one second."},
	} {
		r.figure(x[0], x[1], x[2], number(s.keys[x[0]]), x[3])
	}
	words := map[string]string{
		"ttft": "Send to first content.",
		"tpot": "(E2EL − TTFT) ÷ (output tokens − 1), each request with two tokens or more.",
		"itl":  "Every gap between two pieces, of all requests together, whatever tokens a piece holds.",
		"e2el": "Send to last content.",
	}
	var keys []string
	for k := range s.keys {
		if vllmFigure.MatchString(k) {
			keys = append(keys, k)
		}
	}
	order := []string{"ttft", "tpot", "itl", "e2el"}
	slices.SortFunc(keys, func(a, b string) int {
		x, y := vllmFigure.FindStringSubmatch(a), vllmFigure.FindStringSubmatch(b)
		if d := slices.Index(order, x[2]) - slices.Index(order, y[2]); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	for _, k := range keys {
		m := vllmFigure.FindStringSubmatch(k)
		label := strings.ToUpper(m[1][:1]) + m[1][1:] + " " + strings.ToUpper(m[2])
		r.figure(k, label, "ms", number(s.keys[k]), words[m[2]])
	}
}

// number reads a JSON number, nil for anything else.
func number(raw json.RawMessage) *float64 {
	var v *float64
	if json.Unmarshal(raw, &v) != nil {
		return nil
	}
	return v
}

func lastLine(s string) string {
	s = strings.TrimSpace(s)
	return s[strings.LastIndexByte(s, '\n')+1:]
}
