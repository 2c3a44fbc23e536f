package stats

import "github.com/inferometer/inferometer/backend/domain"

// llmperf speaks as LLMPerf does (token_benchmark_ray.py and its OpenAI chat client): seconds,
// pandas quantiles, sample standard deviations. It sees visible content only, counts tokens by the
// text with its own tokenizer, and ends a request with its stream.
func llmperf(v view) domain.Lens {
	rs := keep(v.sent, func(r record) bool { return r.Outcome == domain.OutcomeOK || r.ErrorClass == domain.ErrClassCut })
	seconds := v.seconds(released)
	out := total(rs, textTokens)
	o := v.ours
	failed := float64(len(v.sent) - len(rs))
	rows := []domain.LensRow{}
	for _, m := range []struct {
		key, unit  string
		values     values
		ours       domain.Stats
		definition string
	}{
		{"inter_token_latency_s", "s", valuesOf(each(rs, llmperfITL)), o.NTPOTMs,
			"Send to last content ÷ tokens of the text: it holds the time to first token. We call it NTPOT."},
		{"ttft_s", "s", valuesOf(inSeconds(rs, func(r record) *int64 { return r.TTFVUs })), o.TTFTMs,
			"Send to first visible content; reasoning is not seen. Ours counts reasoning."},
		{"end_to_end_latency_s", "s", valuesOf(each(rs, toClose)), o.E2EMs, "Send to the end of the stream, not to the last content."},
		{"request_output_throughput_token_per_s", "tok/s", valuesOf(each(rs, llmperfSpeed)), domain.Stats{},
			"Tokens of the text ÷ end-to-end latency, each request."},
	} {
		for _, f := range []struct {
			name        string
			value, ours *float64
		}{
			{"mean", m.values.mean(), m.ours.Mean}, {"quantiles_p50", m.values.at(0.5), m.ours.P50},
			{"quantiles_p95", m.values.at(0.95), m.ours.P95}, {"quantiles_p99", m.values.at(0.99), m.ours.P99},
			{"stddev", m.values.std(1), nil},
		} {
			rows = append(rows, row("results_"+m.key+"_"+f.name, m.key+" "+f.name, m.unit, f.value, scale(f.ours, 1e-3), m.definition))
		}
	}
	perSecond := per(float64(len(rs)), seconds)
	rows = append(rows,
		row("results_mean_output_throughput_token_per_s", "Overall Output Throughput", "tok/s", per(out, seconds), o.OutputTokensPerSecond,
			"Tokens of the text ÷ time from the start to the end of the test."),
		row("results_num_completed_requests", "Number Of Completed Requests", "requests", ptr(float64(len(rs))), ptr(float64(o.Requests.OK)),
			"Requests without an error; a stream that lacks its end mark counts."),
		row("results_num_completed_requests_per_min", "Completed Requests Per Minute", "req/min", scale(perSecond, 60), scale(o.RequestsPerSecond, 60),
			"Completed requests ÷ the same time."),
		row("results_number_errors", "Number Of Errored Requests", "requests", &failed, ptr(float64(o.Requests.Error+o.Requests.Incomplete+o.Requests.Canceled)),
			"All other requests."),
	)
	return domain.Lens{Tool: "llmperf", Name: "LLMPerf 2.0", Rows: rows}
}

// inSeconds appends an offset of every record that has it, in seconds.
func inSeconds(rs []record, get func(record) *int64) func([]float64) []float64 {
	return each(rs, func(r record) (float64, bool) {
		us := get(r)
		if us == nil {
			return 0, false
		}
		return float64(*us) / 1e6, true
	})
}

func toClose(r record) (float64, bool) { return float64(released(r)-r.SentUs) / 1e6, true }

// llmperfITL sums the times to each piece, which is the time to the last one, and divides by tokens.
func llmperfITL(r record) (float64, bool) {
	n := textTokens(r)
	if n < 1 || r.LastUs == nil {
		return 0, false
	}
	return float64(*r.LastUs) / 1e6 / float64(n), true
}

func llmperfSpeed(r record) (float64, bool) {
	s, _ := toClose(r)
	if s <= 0 {
		return 0, false
	}
	return float64(textTokens(r)) / s, true
}
