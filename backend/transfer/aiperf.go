package transfer

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/stats"
)

// aiperfStat is one metric of AIPerf's summary (profile_export_aiperf.json).
type aiperfStat struct {
	Unit  string   `json:"unit"`
	Avg   *float64 `json:"avg"`
	P50   *float64 `json:"p50"`
	P90   *float64 `json:"p90"`
	P95   *float64 `json:"p95"`
	P99   *float64 `json:"p99"`
	Min   *float64 `json:"min"`
	Max   *float64 `json:"max"`
	Std   *float64 `json:"std"`
	Count *int     `json:"count"`
}

// stats is the metric as ours.
func (a aiperfStat) stats() domain.Stats {
	s := domain.Stats{Mean: a.Avg, P50: a.P50, P90: a.P90, P95: a.P95, Min: a.Min, Max: a.Max}
	if a.Count != nil {
		s.N = *a.Count
	}
	if s.N >= stats.MinP99 {
		s.P99 = a.P99
	}
	return s
}

type aiperfConfig struct {
	Models struct {
		Items []struct {
			Name string `json:"name"`
		} `json:"items"`
	} `json:"models"`
	Endpoint struct {
		Type string `json:"type"`
	} `json:"endpoint"`
	Phases []struct {
		Kind        string   `json:"kind"`
		Concurrency *int     `json:"concurrency"`
		Rate        *float64 `json:"request_rate"`
	} `json:"phases"`
}

func isAIPerf(s shape) bool {
	return s.kind == kindObject && s.has("aiperf_version", "request_latency")
}

func readAIPerf(f File, s shape) (Doc, error) {
	var head struct {
		Version string       `json:"aiperf_version"`
		Config  aiperfConfig `json:"input_config"`
		Start   string       `json:"start_time"`
		Run     struct {
			Command string `json:"cli_command"`
		} `json:"run_info"`
	}
	if err := strict(s.data, &head); err != nil {
		return Doc{}, err
	}
	model := ""
	for _, m := range head.Config.Models.Items {
		model = m.Name
		break
	}
	begun, _ := time.Parse("2006-01-02T15:04:05.999999", strings.TrimSuffix(head.Start, "Z"))
	r, err := f.begin(tool{"aiperf", "AIPerf", head.Version}, model, begun)
	if err != nil {
		return Doc{}, err
	}
	r.Engine = aiperfEngine(head.Config.Endpoint.Type)
	r.note("The file's time has no zone; it is taken as UTC.")
	r.note("The file holds no requests; profile_export.jsonl does.")
	r.stage(head.Config.load(), nil)
	metric := func(key string) aiperfStat {
		var m aiperfStat
		_ = json.Unmarshal(s.keys[key], &m) // a metric that is missing has no figures
		return m
	}
	figuresOfAIPerf(&r, s, metric)
	sum := summaryOf(&r)
	sum.TTFTMs, sum.TTFVMs = metric("time_to_first_token").stats(), metric("time_to_first_output_token").stats()
	sum.E2EMs, sum.ITLMs = metric("request_latency").stats(), metric("inter_chunk_latency").stats()
	tokens, usage := metric("total_output_tokens"), metric("total_usage_completion_tokens")
	if tokens.Avg != nil && usage.Avg != nil && *tokens.Avg == *usage.Avg {
		// Only where its tokenizer and the server count alike is the tool's figure ours.
		sum.TPOTMs = metric("inter_token_latency").stats()
	}
	sum.Requests.OK = whole(metric("request_count").Avg)
	sum.Requests.Error = whole(metric("error_request_count").Avg)
	sum.Tokens = domain.TokenCounts{Output: whole(tokens.Avg), From: fromImport}
	if p := metric("total_usage_prompt_tokens").Avg; p != nil {
		sum.Tokens.Prompt = new(whole(p))
	}
	sum.fill(&r)
	return Doc{Runs: []Run{r}}, nil
}

func whole(v *float64) int {
	if v == nil {
		return 0
	}
	return int(*v)
}

func aiperfEngine(endpoint string) string {
	switch endpoint {
	case "chat", "completions", "responses":
		return "openai"
	}
	return endpoint
}

func (c aiperfConfig) load() domain.Load {
	for _, p := range c.Phases {
		switch {
		case p.Kind != "" && p.Kind != "profiling":
		case p.Rate != nil && *p.Rate > 0:
			return domain.Load{Kind: domain.LoadPoisson, RatePerS: p.Rate}
		case p.Concurrency != nil:
			return closed(*p.Concurrency)
		}
	}
	return closed(1)
}

// figuresOfAIPerf keeps what the tool printed: its main metrics with their spread, others by their mean.
func figuresOfAIPerf(r *Run, s shape, metric func(string) aiperfStat) {
	main := aiperfDefinitions()
	for _, d := range main {
		m := metric(d[0])
		for _, x := range []struct {
			key   string
			value *float64
		}{{"avg", m.Avg}, {"min", m.Min}, {"max", m.Max}, {"p99", m.P99}, {"p90", m.P90}, {"p50", m.P50}, {"std", m.Std}} {
			r.figure(d[0]+"."+x.key, d[1]+" ("+x.key+")", m.Unit, x.value, d[2])
		}
	}
	var rest []string
	for key := range s.keys {
		known := slices.ContainsFunc(main, func(d [3]string) bool { return d[0] == key })
		if !known && metric(key).Unit != "" {
			rest = append(rest, key)
		}
	}
	slices.Sort(rest)
	for _, key := range rest {
		m := metric(key)
		r.figure(key+".avg", strings.ReplaceAll(key, "_", " "), m.Unit, m.Avg, "As the tool defines it.")
	}
}

// aiperfDefinitions are key, label and definition of the tool's main metrics.
func aiperfDefinitions() [][3]string {
	return [][3]string{
		{"time_to_first_token", "Time to First Token", "Send to first content, reasoning included."},
		{"time_to_second_token", "Time to Second Token", "First piece with content to the second."},
		{"time_to_first_output_token", "Time to First Output Token", "Send to first content that is not reasoning."},
		{"request_latency", "Request Latency", "Send to last content."},
		{"inter_token_latency", "Inter Token Latency", "(request latency − TTFT) ÷ (tokens − 1): one mean a request, so a stall within one hardly shows. We call it TPOT."},
		{"inter_chunk_latency", "Inter Chunk Latency", "Every gap between two pieces, of all requests together. We call it ITL."},
		{"output_token_throughput_per_user", "Output Token Throughput Per User", "1 ÷ inter-token latency, each request. We call it decode speed."},
		{"output_sequence_length", "Output Sequence Length", "Tokens of the text, by the tool's own tokenizer."},
		{"input_sequence_length", "Input Sequence Length", "Tokens of the prompt, by the tool's own tokenizer."},
		{"output_token_throughput", "Output Token Throughput", "Tokens of the text, by the tool's own tokenizer, ÷ the time of the phase."},
		{"request_throughput", "Request Throughput", "request_count ÷ the time of the phase."},
		{"request_count", "Request Count", "Requests whose stream gave content; an error event in it is not looked at."},
		{"benchmark_duration", "Benchmark Duration", "First request sent to last response."},
	}
}

// aiperfLine is one request of profile_export.jsonl.
type aiperfLine struct {
	Metadata struct {
		ID        string  `json:"x_request_id"`
		StartNs   int64   `json:"request_start_ns"`
		EndNs     int64   `json:"request_end_ns"`
		Phase     string  `json:"benchmark_phase"`
		Canceled  bool    `json:"was_cancelled"`
		Turn      int     `json:"turn_index"`
		Requested *string `json:"model_name"`
	} `json:"metadata"`
	Metrics map[string]struct {
		Value json.RawMessage `json:"value"`
		Unit  string          `json:"unit"`
	} `json:"metrics"`
	Error *struct {
		Code    *int   `json:"code"`
		Type    string `json:"type"`
		Message string `json:"message"`
	} `json:"error"`
}

func isAIPerfLines(s shape) bool {
	var m struct {
		Start *int64 `json:"request_start_ns"`
	}
	return (s.kind == kindLines || s.kind == kindObject) && s.has("metadata", "metrics") && json.Unmarshal(s.keys["metadata"], &m) == nil && m.Start != nil
}

func readAIPerfLines(f File, s shape) (Doc, error) {
	var lines []aiperfLine
	err := s.eachLine(func(raw json.RawMessage) error {
		var l aiperfLine
		if err := strict(raw, &l); err != nil {
			return fmt.Errorf("line %d: %w", len(lines)+1, err)
		}
		if l.Metadata.StartNs <= 0 {
			return fmt.Errorf("line %d: request_start_ns is missing", len(lines)+1)
		}
		lines = append(lines, l)
		return nil
	})
	if err != nil {
		return Doc{}, err
	}
	first := slices.MinFunc(lines, func(a, b aiperfLine) int { return int(a.Metadata.StartNs - b.Metadata.StartNs) }).Metadata.StartNs
	r, err := f.begin(tool{"aiperf", "AIPerf", ""}, deref(lines[0].Metadata.Requested), time.Unix(0, first).UTC())
	if err != nil {
		return Doc{}, err
	}
	r.Engine = "openai"
	for i := range lines {
		q, err := lines[i].record(first)
		if err != nil {
			return Doc{}, fmt.Errorf("line %d: %w", i+1, err)
		}
		if q.RequestID == "" {
			q.RequestID = fmt.Sprintf("aiperf-%d", i)
		}
		r.Requests = append(r.Requests, q)
	}
	users := mostAtOnce(r.Requests)
	r.stage(closed(users), nil)
	r.note("The file does not say with what load it was measured; at most %d requests were under way.", users)
	r.settle()
	return Doc{Runs: []Run{r}}, nil
}

// get reads one number of a line in its own unit; nil when it is missing.
func (l aiperfLine) get(key string) *float64 { return number(l.Metrics[key].Value) }

// micros reads a time of a line in µs.
func (l aiperfLine) micros(key string) (*int64, error) {
	v := l.get(key)
	if v == nil {
		return nil, nil
	}
	unit, err := secondsIn(l.Metrics[key].Unit)
	if err != nil {
		return nil, fmt.Errorf("metrics.%s: %w", key, err)
	}
	return new(us(*v, unit)), nil
}

// secondsIn is how many seconds a unit has.
func secondsIn(unit string) (float64, error) {
	switch unit {
	case "s", "sec":
		return 1, nil
	case "ms":
		return 1e-3, nil
	case "us", "µs":
		return 1e-6, nil
	case "ns":
		return 1e-9, nil
	}
	return 0, fmt.Errorf("the unit %q is not known", clip(unit, 20))
}

func (l aiperfLine) record(first int64) (domain.RequestRecord, error) {
	q := domain.RequestRecord{RequestID: l.Metadata.ID, Turn: l.Metadata.Turn, SentUs: (l.Metadata.StartNs - first) / 1e3}
	if l.Metadata.Phase == "warmup" {
		q.Phase = domain.PhaseWarmup
	}
	if l.Metadata.EndNs > l.Metadata.StartNs {
		q.ClosedUs = new((l.Metadata.EndNs - l.Metadata.StartNs) / 1e3)
	}
	for _, key := range []string{"output_sequence_length", "usage_completion_tokens"} { // the server's count is the better one
		if v := l.get(key); v != nil {
			q.OutputTokens = new(int(*v))
		}
	}
	for _, key := range []string{"input_sequence_length", "usage_prompt_tokens"} {
		if v := l.get(key); v != nil {
			q.PromptTokens = new(int(*v))
		}
	}
	if v := l.get("output_sequence_length"); v != nil {
		q.TextTokens, q.TextTokensExact = new(int(*v)), true
	}
	switch {
	case l.Error != nil:
		q.Outcome, q.ErrorClass, q.ErrorMessage = domain.OutcomeError, domain.ErrClassHTTP, clip(l.Error.Message, 500)
		if l.Error.Code != nil {
			q.HTTPStatus = *l.Error.Code
		}
	case l.Metadata.Canceled:
		q.Outcome, q.ErrorClass = domain.OutcomeCanceled, domain.ErrClassCanceled
	}
	return q, l.times(&q)
}

// times fills the offsets of a record.
func (l aiperfLine) times(q *domain.RequestRecord) error {
	var err error
	if q.TTFTUs, err = l.micros("time_to_first_token"); err != nil {
		return err
	}
	if q.TTFVUs, err = l.micros("time_to_first_output_token"); err != nil {
		return err
	}
	if gaps, ok := l.Metrics["inter_chunk_latency"]; ok && q.TTFTUs != nil {
		var list []float64
		unit, err := secondsIn(gaps.Unit)
		if err == nil {
			err = json.Unmarshal(gaps.Value, &list)
		}
		if err != nil {
			return fmt.Errorf("metrics.inter_chunk_latency cannot be read: %w", err)
		}
		chunks(q, float64(*q.TTFTUs)/1e6/unit, list, unit)
	}
	last, err := l.micros("request_latency")
	if last != nil {
		q.LastUs = last
	}
	timeOutput(q)
	return err
}

// mostAtOnce is the largest number of requests that were under way together.
func mostAtOnce(rs []domain.RequestRecord) int {
	type edge struct {
		at   int64
		step int
	}
	var edges []edge
	for i := range rs {
		end := rs[i].SentUs
		for _, p := range []*int64{rs[i].LastUs, rs[i].ClosedUs} {
			if p != nil {
				end = max(end, rs[i].SentUs+*p)
			}
		}
		edges = append(edges, edge{rs[i].SentUs, 1}, edge{end, -1})
	}
	slices.SortFunc(edges, func(a, b edge) int {
		if a.at != b.at {
			return int(a.at - b.at)
		}
		return a.step - b.step
	})
	most, now := 0, 0
	for _, e := range edges {
		now += e.step
		most = max(most, now)
	}
	return max(most, 1)
}
