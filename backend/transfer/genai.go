package transfer

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

// genaiFile is one run of genai-bench: <scenario>_<task>_<load>.json. The model is only in
// experiment_metadata.json beside it.
type genaiFile struct {
	Aggregated map[string]json.RawMessage `json:"aggregated_metrics"`
	Requests   []genaiRequest             `json:"individual_request_metrics"`
	TimeUnit   string                     `json:"_time_unit"`
}

type genaiRequest struct {
	TTFT      *float64 `json:"ttft"`
	TPOT      *float64 `json:"tpot"`
	E2E       *float64 `json:"e2e_latency"`
	Input     *int     `json:"num_input_tokens"`
	Output    *int     `json:"num_output_tokens"`
	ErrorCode *int     `json:"error_code"`
	Error     *string  `json:"error_message"`
}

func isGenAI(s shape) bool {
	return s.kind == kindObject && s.has("aggregated_metrics", "individual_request_metrics")
}

func readGenAI(f File, s shape) (Doc, error) {
	var g genaiFile
	if err := strict(s.data, &g); err != nil {
		return Doc{}, err
	}
	unit := 1.0
	if g.TimeUnit != "" {
		var err error
		if unit, err = secondsIn(g.TimeUnit); err != nil {
			return Doc{}, fmt.Errorf("_time_unit: %w", err)
		}
	}
	r, err := f.begin(tool{"genai-bench", "genai-bench", ""}, "", time.Time{})
	if err != nil {
		return Doc{}, err
	}
	r.Engine = "openai"
	users := 1
	if n := number(g.Aggregated["num_concurrency"]); n != nil {
		users = int(*n)
	}
	r.stage(closed(users), nil)
	if name := ""; json.Unmarshal(g.Aggregated["scenario"], &name) == nil {
		r.note("Scenario %s.", clip(name, 100))
	}
	r.Imported.Timed = false
	r.note("The file does not say when each request was sent.")
	g.figures(&r, g.TimeUnit)
	for i, x := range g.Requests {
		q := domain.RequestRecord{RequestID: fmt.Sprintf("genai-%d", i), PromptTokens: x.Input, OutputTokens: x.Output}
		if x.ErrorCode != nil {
			q.Outcome, q.ErrorClass, q.HTTPStatus = domain.OutcomeError, domain.ErrClassHTTP, *x.ErrorCode
			q.ErrorMessage = clip(deref(x.Error), 500)
		} else {
			q.TTFTUs, q.LastUs = in(x.TTFT, unit), in(x.E2E, unit)
			timeOutput(&q)
		}
		r.Requests = append(r.Requests, q)
	}
	r.settle()
	return Doc{Runs: []Run{r}}, nil
}

// in makes µs of a time that may be missing.
func in(v *float64, unit float64) *int64 {
	if v == nil {
		return nil
	}
	return new(us(*v, unit))
}

func (g genaiFile) figures(r *Run, unit string) {
	for _, x := range [][4]string{
		{"num_completed_requests", "Completed requests", "requests", "Requests without an error."},
		{"num_error_requests", "Failed requests", "requests", "All other requests."},
		{"run_duration", "Run duration", unit, "From the start of the users to their end, set-up included."},
		{"requests_per_second", "Requests per second", "req/s", "Completed requests ÷ run duration."},
		{"mean_output_throughput_tokens_per_s", "Output throughput", "tok/s", "Output tokens ÷ run duration."},
		{"mean_input_throughput_tokens_per_s", "Input throughput", "tok/s", "Input tokens ÷ run duration."},
		{"mean_total_tokens_throughput_tokens_per_s", "Total throughput", "tok/s", "Input and output tokens ÷ run duration."},
	} {
		r.figure(x[0], x[1], x[2], number(g.Aggregated[x[0]]), x[3])
	}
	var all map[string]map[string]*float64
	if json.Unmarshal(g.Aggregated["stats"], &all) != nil {
		return
	}
	words := map[string][2]string{
		"ttft":                   {unit, "Send to first content."},
		"tpot":                   {unit, "(E2E − TTFT) ÷ (output tokens − 1) of each request."},
		"e2e_latency":            {unit, "Send to the end of the answer."},
		"output_latency":         {unit, "E2E − TTFT."},
		"output_inference_speed": {"tok/s", "1 ÷ TPOT."},
		"input_throughput":       {"tok/s", "Input tokens ÷ TTFT of each request."},
		"output_throughput":      {"tok/s", "(output tokens − 1) ÷ output latency of each request."},
		"num_input_tokens":       {"tokens", "Of each request."},
		"num_output_tokens":      {"tokens", "Of each request."},
		"total_tokens":           {"tokens", "Of each request."},
	}
	metrics := []string{"ttft", "tpot", "e2e_latency", "output_latency", "output_inference_speed", "input_throughput", "output_throughput", "num_input_tokens", "num_output_tokens", "total_tokens"}
	for _, m := range metrics {
		names := []string{"mean", "min", "max", "stddev", "p25", "p50", "p75", "p90", "p95", "p99"}
		names = slices.DeleteFunc(names, func(n string) bool { return all[m][n] == nil })
		for _, n := range names {
			r.figure("stats."+m+"."+n, m+" "+n, words[m][0], all[m][n], words[m][1])
		}
	}
}
