package stats

import (
	"github.com/inferometer/inferometer/backend/domain"
)

// vllm speaks as "vllm bench serve" does (vllm/benchmarks/serve.py, calculate_metrics). A request
// counts when its HTTP exchange ended well: an error event in the stream or a missing end mark is
// not looked at. Tokens are the server's, percentiles linear, deviations those of the whole.
func vllm(v view) domain.Lens {
	rs := v.lenient()
	seconds := v.seconds(released)
	out, in := total(rs, outputTokens), promptTokens(rs)
	o := v.ours
	rows := []domain.LensRow{
		row("completed", "Successful requests", "requests", ptr(float64(len(rs))), ptr(float64(o.Requests.OK)),
			"Answers with HTTP 200 that were read to their end; an error event in the stream or a missing end mark is not looked at."),
		row("failed", "Failed requests", "requests", ptr(float64(len(v.sent)-len(rs))), ptr(float64(o.Requests.Error+o.Requests.Incomplete+o.Requests.Canceled)),
			"All other requests."),
		row("duration", "Benchmark duration", "s", ptr(seconds), o.WindowS, "From the start of the load to the end of the last stream."),
		row("total_input_tokens", "Total input tokens", "tokens", in, float(o.Tokens.Prompt),
			"The tool counts its input by its own tokenizer before the chat template is put on; here it is the server's count."),
		row("total_output_tokens", "Total generated tokens", "tokens", ptr(out), ptr(float64(o.Tokens.Output)),
			"The server's count; without one the text is counted by a tokenizer."),
		row("request_throughput", "Request throughput", "req/s", per(float64(len(rs)), seconds), o.RequestsPerSecond, "completed ÷ duration."),
	}
	if good, known := vllmGood(rs, v.plan.SLO); known {
		row := row("request_goodput", "Request goodput", "req/s", per(good, seconds), nil,
			"Requests whose TTFT, TPOT and E2EL are at or below their limits ÷ duration; an answer of one token has a TPOT of 0.")
		if o.Goodput != nil {
			row.Ours = o.Goodput.RequestsPerSecond
		}
		rows = append(rows, row)
	}
	rows = append(rows, row("output_throughput", "Output token throughput", "tok/s", per(out, seconds), o.OutputTokensPerSecond,
		"total_output_tokens ÷ duration."))
	if in != nil {
		rows = append(rows, row("total_token_throughput", "Total token throughput", "tok/s", per(*in+out, seconds), nil,
			"total_input_tokens and total_output_tokens ÷ duration."))
	}
	for _, m := range []struct {
		key, label string
		values     values
		ours       domain.Stats
		definition string
	}{
		{"ttft", "TTFT", valuesOf(millis(rs, func(r record) *int64 { return r.TTFTUs })), o.TTFTMs,
			"Send to first content. Reasoning counts only where the server names it reasoning, not reasoning_content; here it always does."},
		{"tpot", "TPOT", valuesOf(each(rs, tpot)), o.TPOTMs, "(E2EL − TTFT) ÷ (output tokens − 1), each request with two tokens or more."},
		{"itl", "ITL", valuesOf(gaps(rs)), o.ITLMs, "Every gap between two pieces, of all requests together, whatever tokens a piece holds."},
		{"e2el", "E2EL", valuesOf(millis(rs, func(r record) *int64 { return r.LastUs })), o.E2EMs, "Send to last content."},
	} {
		label := m.label
		rows = append(rows,
			row("mean_"+m.key+"_ms", "Mean "+label, "ms", m.values.mean(), m.ours.Mean, m.definition),
			row("median_"+m.key+"_ms", "Median "+label, "ms", m.values.at(0.5), m.ours.P50, m.definition),
			row("std_"+m.key+"_ms", "Std "+label, "ms", m.values.std(0), nil, m.definition),
			row("p99_"+m.key+"_ms", "P99 "+label, "ms", m.values.at(0.99), m.ours.P99, m.definition+" Linear interpolation, shown for any number of values."))
	}
	return domain.Lens{Tool: "vllm", Name: "vLLM 0.33 (bench serve)", Rows: rows}
}

// vllmGood counts the requests that meet those objectives that the tool knows; known is false when
// there is none of them.
func vllmGood(rs []record, slo []domain.Objective) (good float64, known bool) {
	var limits []domain.Objective
	for _, o := range slo {
		if o.Metric == "ttft" || o.Metric == "tpot" || o.Metric == "e2e" {
			limits = append(limits, o)
		}
	}
	for _, r := range rs {
		met := true
		for _, o := range limits {
			met = met && meets(r, o)
		}
		if met {
			good++
		}
	}
	return good, len(limits) > 0
}
