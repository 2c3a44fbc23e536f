package stats

import "github.com/inferometer/inferometer/backend/domain"

// guidellm speaks as GuideLLM does (src/guidellm/schemas/request_stats.py and statistics.py). Its
// time per output token holds the first token too, its inter-token latency is one mean a request;
// both are weighted by tokens. A percentile is the value at the nearest rank.
func guidellm(v view) domain.Lens {
	rs := v.ok()
	seconds := v.seconds(released)
	out, in := total(rs, outputTokens), promptTokens(rs)
	o := v.ours
	tpots, itls := weighted{}, weighted{}
	var latency float64
	for _, r := range rs {
		if ms, ok := ntpot(r); ok {
			tpots.add(ms, float64(outputTokens(r)))
		}
		if ms, ok := tpot(r); ok {
			itls.add(ms, float64(outputTokens(r)-1))
		}
		latency += float64(released(r)-r.SentUs) / 1e6
	}
	rows := []domain.LensRow{
		row("requests_per_second.mean", "Requests/s", "req/s", per(float64(len(rs)), seconds), o.RequestsPerSecond,
			"Successful requests ÷ time from the first request sent to the end of the last stream."),
		row("request_concurrency.mean", "Concurrency", "requests", per(latency, seconds), o.DeliveredConcurrency,
			"Sum of the latencies of successful requests ÷ the same time."),
		row("output_tokens_per_second.mean", "Output tokens/s", "tok/s", per(out, seconds), o.OutputTokensPerSecond,
			"Output tokens of successful requests, by the server's count, ÷ the same time."),
	}
	if in != nil {
		rows = append(rows, row("tokens_per_second.mean", "Total tokens/s", "tok/s", per(*in+out, seconds), nil,
			"Input and output tokens of successful requests ÷ the same time."))
	}
	for _, m := range []struct {
		key, label, unit string
		values           weighted
		ours             domain.Stats
		oursBy           float64
		definition       string
	}{
		{"request_latency", "Request latency", "s", single(rs, func(r record) (float64, bool) { return float64(released(r)-r.SentUs) / 1e6, true }), o.E2EMs, 1e-3,
			"Send to the end of the stream, not to the last content."},
		{"time_to_first_token_ms", "TTFT", "ms", single(rs, offset(func(r record) *int64 { return r.TTFTUs })), o.TTFTMs, 1,
			"Send to first token, reasoning included."},
		{"time_to_first_output_token_ms", "TTFOT", "ms", single(rs, offset(func(r record) *int64 { return r.TTFVUs })), o.TTFVMs, 1,
			"Send to first token that is not reasoning."},
		{"time_per_output_token_ms", "TPOT", "ms", tpots, o.NTPOTMs, 1,
			"Send to last token ÷ output tokens: it holds the time to first token. Weighted by tokens. We call it NTPOT."},
		{"inter_token_latency_ms", "ITL", "ms", itls, o.TPOTMs, 1,
			"(last token − first token) ÷ (tokens − 1), one mean a request weighted by its gaps, so a stall hardly shows. We call it TPOT."},
	} {
		rows = append(rows,
			row(m.key+".mean", m.label+" mean", m.unit, m.values.mean(), scale(m.ours.Mean, m.oursBy), m.definition),
			row(m.key+".median", m.label+" median", m.unit, m.values.at(0.5), scale(m.ours.P50, m.oursBy), m.definition),
			row(m.key+".percentiles.p95", m.label+" p95", m.unit, m.values.at(0.95), scale(m.ours.P95, m.oursBy), m.definition+" Nearest rank."),
			row(m.key+".percentiles.p99", m.label+" p99", m.unit, m.values.at(0.99), scale(m.ours.P99, m.oursBy), m.definition+" Nearest rank."))
	}
	return domain.Lens{Tool: "guidellm", Name: "GuideLLM 0.8", Rows: rows}
}

// single gives every request the same weight.
func single(rs []record, get func(record) (float64, bool)) weighted {
	var w weighted
	for _, r := range rs {
		if v, ok := get(r); ok {
			w.add(v, 1)
		}
	}
	return w
}
