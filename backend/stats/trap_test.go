package stats

import (
	"slices"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
)

// trap is one server's behaviour that has fooled load clients: 24 requests, 64 tokens each, first
// content after 50 ms, then one token every 5 ms.
func trap(change func(n int, r *domain.RequestRecord)) Input {
	in := Input{Plan: domain.Plan{MaxTokens: 64, Load: domain.Load{Kind: domain.LoadSingle}}, Samples: quiet(10_000)}
	for n := range 24 {
		r := req(n, int64(n)*380)
		r.ChunkUs = nil
		for k := range 64 {
			r.ChunkUs = append(r.ChunkUs, 50_000+int64(k)*5_000)
		}
		r.OutputTokens, r.TextTokens, r.MaxTokens = new(64), new(70), 64
		if change != nil {
			change(n, &r)
		}
		stamp(&r)
		in.Requests = append(in.Requests, r)
	}
	return in
}

// stamp fills the offsets that follow from the chunks.
func stamp(r *domain.RequestRecord) {
	if len(r.ChunkUs) == 0 {
		return
	}
	first, last := r.ChunkUs[0], r.ChunkUs[len(r.ChunkUs)-1]
	r.TTFTUs, r.LastUs, r.ClosedUs = &first, &last, new(last+500)
	if r.FirstByteUs == nil {
		r.FirstByteUs = &first
	}
	if r.TTFVUs == nil {
		r.TTFVUs = &first
	}
}

func quiet(ms int64) []domain.Sample {
	var out []domain.Sample
	for at := int64(0); at <= ms; at += 500 {
		out = append(out, reading(at, 1))
	}
	return out
}

// quarter fails six of the 24 requests after some content.
func quarter(class domain.ErrorClass, chunks int) func(int, *domain.RequestRecord) {
	return func(n int, r *domain.RequestRecord) {
		if n%4 == 0 {
			r.Outcome, r.ErrorClass, r.FinishReason = domain.OutcomeError, class, ""
			r.ChunkUs = r.ChunkUs[:chunks]
			r.OutputTokens, r.TokensFrom = new(chunks), fromChunks
			r.ClosedUs = new(int64(50_000))
		}
	}
}

// everyFourth keeps one chunk of four, as a server does that packs four tokens in one.
func everyFourth(r *domain.RequestRecord) {
	var chunks []int64
	for k := 3; k < 64; k += 4 {
		chunks = append(chunks, r.ChunkUs[k])
	}
	r.ChunkUs = chunks
}

func TestTraps(t *testing.T) {
	cases := []struct {
		name   string
		change func(int, *domain.RequestRecord)
		ok     int
		ttft   float64
		e2e    float64
		tpot   float64
		itlP50 float64
		itlMax float64
		tokens int // of one request
		codes  []string
		level  string
	}{
		{"error event mid-stream", quarter(domain.ErrClassStream, 20), 18, 50, 365, 5, 5, 5, 64, []string{"requests_failed"}, "caution"},
		{"connection reset mid-stream", quarter(domain.ErrClassBroken, 20), 18, 50, 365, 5, 5, 5, 64, []string{"requests_failed"}, "caution"},
		{"HTTP 500", quarter(domain.ErrClassHTTP, 0), 18, 50, 365, 5, 5, 5, 64, []string{"requests_failed"}, "caution"},
		{"a stall of 400 ms", func(n int, r *domain.RequestRecord) {
			for k := 32; k < 64 && n%4 == 0; k++ {
				r.ChunkUs[k] += 400_000
			}
		}, 24, 50, 365, 5, 5, 405, 64, []string{"outliers"}, "info"},
		{"reasoning first", func(_ int, r *domain.RequestRecord) { r.TTFVUs = new(r.ChunkUs[32]) }, 24, 50, 365, 5, 5, 5, 64, nil, ""},
		{"role chunk before the prefill", func(_ int, r *domain.RequestRecord) {
			r.FirstByteUs = new(int64(1000))
			for k := range r.ChunkUs {
				r.ChunkUs[k] += 250_000
			}
		}, 24, 300, 615, 5, 5, 5, 64, nil, ""},
		{"four tokens a chunk", func(_ int, r *domain.RequestRecord) { everyFourth(r) }, 24, 65, 365, 300.0 / 63, 20, 20, 64, []string{"tokens_packed"}, "info"},
		{"no usage", func(_ int, r *domain.RequestRecord) { r.TokensFrom = fromChunks }, 24, 50, 365, 5, 5, 5, 64, []string{"token_count_estimated"}, "caution"},
		{"no usage, but a tokenizer", func(_ int, r *domain.RequestRecord) {
			r.TokensFrom, r.TextTokens, r.TextTokensExact = fromTokenizer, new(64), true
		}, 24, 50, 365, 5, 5, 5, 64, []string{"token_count_by_tokenizer"}, "info"},
		{"CRLF, comments, cut events", nil, 24, 50, 365, 5, 5, 5, 64, nil, ""},
		{"eight events in one packet", func(_ int, r *domain.RequestRecord) {
			for k := range r.ChunkUs {
				r.ChunkUs[k] = 50_000 + int64(k/8*8)*5_000
			}
		}, 24, 50, 330, 280.0 / 63, 0, 40, 64, nil, ""},
		{"usage says twice as many", func(_ int, r *domain.RequestRecord) { r.OutputTokens = new(128) },
			24, 50, 365, 315.0 / 127, 5, 5, 128, []string{"token_count_mismatch"}, "caution"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			rep := Report(trap(c.change))
			s := rep.Summary
			near(t, "TTFT", s.TTFTMs.P50, c.ttft)
			near(t, "E2E", s.E2EMs.P50, c.e2e)
			near(t, "TPOT", s.TPOTMs.P50, c.tpot)
			near(t, "ITL", s.ITLMs.P50, c.itlP50)
			near(t, "longest ITL", s.ITLMs.Max, c.itlMax)
			if s.Requests.OK != c.ok || s.Tokens.Output != c.ok*c.tokens {
				t.Errorf("%d ok, %d tokens", s.Requests.OK, s.Tokens.Output)
			}
			for _, w := range rep.Warnings {
				if w.Code == "gpu_not_verifiable" {
					continue
				}
				if !slices.Contains(c.codes, w.Code) || w.Level != c.level {
					t.Errorf("warning %+v", w)
				}
			}
			for _, code := range c.codes {
				if !slices.Contains(codes(rep), code) {
					t.Errorf("no warning %s in %v", code, codes(rep))
				}
			}
			if caution := c.level == "caution"; caution != (rep.Validity.Verdict == "caution") {
				t.Errorf("verdict %s: %+v", rep.Validity.Verdict, rep.Validity.Checks)
			}
		})
	}
}

func TestTrapDetails(t *testing.T) {
	s := Report(trap(func(_ int, r *domain.RequestRecord) { r.TTFVUs = new(r.ChunkUs[32]) })).Summary
	near(t, "first visible after the reasoning", s.TTFVMs.P50, 210)
	s = Report(trap(func(_ int, r *domain.RequestRecord) { r.FirstByteUs = new(int64(1000)) })).Summary
	near(t, "first response", s.TTFRMs.P50, 1)
	near(t, "prefill by the first token, not the role chunk", s.PrefillTokensPerSecond, 200)
}

func TestTokensOfPackedChunks(t *testing.T) {
	s := Report(trap(func(_ int, r *domain.RequestRecord) { everyFourth(r) })).Summary
	near(t, "tokens a chunk", s.TokensPerChunk, 4)
	if s.ITLPerTokenMs.N != 0 {
		t.Errorf("nobody counted the chunks, so there is no ITL per token: %+v", s.ITLPerTokenMs)
	}
	s = Report(trap(func(_ int, r *domain.RequestRecord) {
		everyFourth(r)
		r.ChunkTokens = slices.Repeat([]int{4}, 16)
	})).Summary
	near(t, "ITL per token", s.ITLPerTokenMs.P99, 5)
	if s.ITLPerTokenMs.N != 24*60 || s.ITLMs.N != 24*15 {
		t.Errorf("%d gaps of tokens, %d of chunks", s.ITLPerTokenMs.N, s.ITLMs.N)
	}
	s = Report(trap(nil)).Summary
	if s.ITLPerTokenMs.N != s.ITLMs.N || s.ITLMs.N != 24*63 {
		t.Errorf("one token a chunk: %d gaps of tokens, %d of chunks", s.ITLPerTokenMs.N, s.ITLMs.N)
	}
}

func TestMismatch(t *testing.T) {
	for _, c := range []struct {
		name   string
		tokens int
		text   *int
		exact  bool
		chunks int
		want   bool
	}{
		{"exact agreement", 64, new(64), true, 16, false},
		{"an end mark more", 66, new(64), true, 64, false},
		{"three of 64 off", 67, new(64), true, 64, true},
		{"three of 1000 off", 1003, new(1000), true, 1000, false},
		{"a third off the estimate", 64, new(48), false, 64, false},
		{"half the estimate, agreeing chunks", 64, new(128), false, 64, false},
		{"a third of the estimate, agreeing chunks", 64, new(192), false, 64, true},
		{"half the estimate", 64, new(128), false, 40, true},
		{"twice the estimate", 128, new(64), false, 64, true},
		{"few tokens tell nothing", 3, new(1), false, 3, false},
		{"fewer than the chunks", 32, new(40), false, 64, true},
		{"no text, packed or wrong", 128, nil, false, 64, true},
		{"no text, agreeing chunks", 64, nil, false, 64, false},
	} {
		r := domain.RequestRecord{OutputTokens: &c.tokens, TokensFrom: "usage", TextTokens: c.text, TextTokensExact: c.exact, ChunkUs: make([]int64, c.chunks)}
		if got := mismatch(&r); got != c.want {
			t.Errorf("%s: mismatch = %v", c.name, got)
		}
		r.TokensFrom = fromChunks
		if mismatch(&r) {
			t.Errorf("%s: counted chunks cannot disagree", c.name)
		}
	}
}
