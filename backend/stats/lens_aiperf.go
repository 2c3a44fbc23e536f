package stats

import "github.com/inferometer/inferometer/backend/domain"

// aiperf speaks as NVIDIA AIPerf does (src/aiperf/metrics/types). It counts tokens by the text
// with its own tokenizer, gives one inter-token latency a request, and takes a stream that ended
// with an error event as a success.
func aiperf(v view) domain.Lens {
	rs := v.lenient()
	seconds := v.seconds(ended)
	out := total(rs, textTokens)
	o := v.ours
	rows := []domain.LensRow{
		row("request_count", "Request Count", "requests", ptr(float64(len(rs))), ptr(float64(o.Requests.OK)),
			"Requests whose stream gave content; an error event in it is not looked at."),
		row("benchmark_duration", "Benchmark Duration", "sec", ptr(seconds), o.WindowS, "First request sent to last response."),
		row("request_throughput", "Request Throughput", "requests/sec", per(float64(len(rs)), seconds), o.RequestsPerSecond, "request_count ÷ the time of the phase, which is benchmark_duration and the set-up of the first request."),
		row("output_token_throughput", "Output Token Throughput", "tokens/sec", per(out, seconds), o.OutputTokensPerSecond,
			"Tokens of the text, by the tool's own tokenizer, ÷ the time of the phase. Here: by the model's tokenizer, or the server's count without one."),
	}
	for _, m := range []struct {
		key, label, unit string
		values           values
		ours             domain.Stats
		definition       string
	}{
		{"time_to_first_token", "Time to First Token", "ms", valuesOf(millis(rs, func(r record) *int64 { return r.TTFTUs })), o.TTFTMs,
			"Send to first content, reasoning included."},
		{"time_to_first_output_token", "Time to First Output Token", "ms", valuesOf(millis(rs, func(r record) *int64 { return r.TTFVUs })), o.TTFVMs,
			"Send to first content that is not reasoning."},
		{"time_to_second_token", "Time to Second Token", "ms", valuesOf(each(rs, secondGap)), domain.Stats{},
			"First piece with content to the second."},
		{"request_latency", "Request Latency", "ms", valuesOf(millis(rs, func(r record) *int64 { return r.LastUs })), o.E2EMs,
			"Send to last content."},
		{"inter_token_latency", "Inter Token Latency", "ms", valuesOf(each(rs, aiperfITL)), o.TPOTMs,
			"(request latency − TTFT) ÷ (tokens − 1): one mean a request, so a stall within one hardly shows. We call it TPOT."},
		{"inter_chunk_latency", "Inter Chunk Latency", "ms", valuesOf(gaps(rs)), o.ITLMs,
			"Every gap between two pieces, of all requests together. We call it ITL."},
		{"output_token_throughput_per_user", "Output Token Throughput Per User", "tokens/sec/user", valuesOf(each(rs, perUser)), domain.Stats{P50: o.DecodeTokensPerSecond},
			"1 ÷ inter-token latency, each request. We call it decode speed."},
		{"output_sequence_length", "Output Sequence Length", "tokens",
			valuesOf(each(rs, func(r record) (float64, bool) { return float64(textTokens(r)), true })), domain.Stats{},
			"Tokens of the text, by the tool's own tokenizer."},
	} {
		if len(m.values) == 0 {
			continue
		}
		for _, f := range []struct {
			name        string
			value, ours *float64
		}{
			{"avg", m.values.mean(), m.ours.Mean}, {"p50", m.values.at(0.5), m.ours.P50},
			{"p99", m.values.at(0.99), m.ours.P99}, {"std", m.values.std(0), nil},
		} {
			rows = append(rows, row(m.key+"."+f.name, m.label+" ("+f.name+")", m.unit, f.value, f.ours, m.definition))
		}
	}
	return domain.Lens{Tool: "aiperf", Name: "AIPerf 0.13", Rows: rows}
}

// secondGap is the time from the first piece of content to the second, in ms.
func secondGap(r record) (float64, bool) {
	if len(r.ChunkUs) < 2 {
		return 0, false
	}
	return float64(r.ChunkUs[1]-r.ChunkUs[0]) / 1e3, true
}

// aiperfITL is the mean time between the tokens of one request by the tokens of its text, in ms.
func aiperfITL(r record) (float64, bool) {
	n := textTokens(r)
	if n < 2 || r.TTFTUs == nil || r.LastUs == nil {
		return 0, false
	}
	return float64(*r.LastUs-*r.TTFTUs) / 1e3 / float64(n-1), true
}

func perUser(r record) (float64, bool) {
	ms, ok := aiperfITL(r)
	if !ok || ms <= 0 {
		return 0, false
	}
	return 1e3 / ms, true
}
