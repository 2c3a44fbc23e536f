package stats

import (
	"math"

	"github.com/inferometer/inferometer/backend/domain"
)

// How far the server's count may be from the text or the chunks.
const (
	exactTokensOff  = 2    // tokens a counted text may differ by: an end mark, a joined word
	exactShareOff   = 0.02 // and as a share
	estimateLow     = 0.6  // server's count ÷ estimate from words and signs
	estimateHigh    = 1.67
	agreedLow       = 0.4 // the same, where the chunks agree with the server: some texts are not words
	agreedHigh      = 2.5
	minTokensOff    = 4   // below this an estimate or a chunk count says nothing
	chunkShareOff   = 0.2 // chunks against tokens
	fromChunks      = "chunks"
	fromText        = "text"
	fromTokenizer   = "tokenizer"
	fromMixed       = "mixed"
	finishForLength = "length"
)

// tokens sums over successful requests. A sum that lacks a request would mislead, so prompt and
// cached tokens are nil unless every request has them.
func tokens(rs []record) domain.TokenCounts {
	c := domain.TokenCounts{
		Prompt: sum(rs, func(r record) *int { return r.PromptTokens }),
		Cached: sum(rs, func(r record) *int { return r.CachedTokens }),
	}
	for _, r := range rs {
		if r.OutputTokens != nil {
			c.Output += *r.OutputTokens
		}
		switch {
		case r.TokensFrom == "" || r.TokensFrom == c.From:
		case c.From == "":
			c.From = r.TokensFrom
		default:
			c.From = fromMixed
		}
	}
	return c
}

func sum(rs []record, get func(record) *int) *int {
	total := 0
	for _, r := range rs {
		v := get(r)
		if v == nil {
			return nil
		}
		total += *v
	}
	if len(rs) == 0 {
		return nil
	}
	return &total
}

// tokensPerChunk divides output tokens by content chunks, over requests whose tokens were counted
// by something else than chunks.
func tokensPerChunk(rs []record) *float64 {
	tokens, chunks := 0, 0
	for _, r := range rs {
		if r.OutputTokens != nil && !estimated(r) && len(r.ChunkUs) > 0 {
			tokens += *r.OutputTokens
			chunks += len(r.ChunkUs)
		}
	}
	if chunks == 0 {
		return nil
	}
	v := float64(tokens) / float64(chunks)
	return &v
}

// counted reports whether a server counted the output of the request.
func counted(r record) bool {
	return r.OutputTokens != nil && !estimated(r) && r.TokensFrom != fromTokenizer
}

// estimated reports whether nobody counted the output: its chunks or its words stand for tokens.
func estimated(r record) bool { return r.TokensFrom == fromChunks || r.TokensFrom == fromText }

// packed reports whether the chunks are clearly fewer than the tokens.
func packed(r record) bool {
	if r.OutputTokens == nil || estimated(r) {
		return false
	}
	missing := *r.OutputTokens - len(r.ChunkUs)
	return len(r.ChunkUs) > 0 && missing >= minTokensOff && float64(missing) > chunkShareOff*float64(*r.OutputTokens)
}

// mismatch reports whether the server's count disagrees with what it sent. The text is the witness:
// counted by the model's tokenizer it must agree closely, estimated from words it must be of the
// same size. Chunks tell less: a server may pack several tokens in one, but not one token in
// several.
func mismatch(r record) bool {
	if !counted(r) {
		return false
	}
	n, chunks := float64(*r.OutputTokens), float64(len(r.ChunkUs))
	if r.TextTokens != nil && r.TextTokensExact {
		off := math.Abs(n - float64(*r.TextTokens))
		return off > exactTokensOff && off > exactShareOff*float64(*r.TextTokens)
	}
	if chunks-n >= minTokensOff && chunks-n > chunkShareOff*chunks {
		return true
	}
	if r.TextTokens == nil {
		return packed(r) // with no text to look at, packing cannot be told from a wrong count
	}
	text, low, high := float64(*r.TextTokens), estimateLow, estimateHigh
	if chunks > 0 && !packed(r) {
		low, high = agreedLow, agreedHigh
	}
	return math.Abs(n-text) >= minTokensOff && (n < low*text || n > high*text)
}

// cutShort reports whether a successful request ended before the length asked for: by itself, or at a
// limit of the server's own, which also calls itself length. One token less is a way to count.
func cutShort(r record, plan domain.Plan) bool {
	limit := r.MaxTokens
	if limit == 0 {
		limit = plan.MaxTokens
	}
	if r.FinishReason == finishForLength {
		return counted(r) && *r.OutputTokens < limit-1
	}
	return r.OutputTokens != nil && *r.OutputTokens < limit
}

// truth counts how trustworthy the token counts of the successful requests are.
type truth struct {
	off       int // the server's count disagrees with the text
	packed    int // several tokens a chunk, in agreement with the text
	chunks    int // estimated by chunks or words: the server gave none
	tokenizer int // counted by the model's tokenizer: the server gave none
}

func truthOf(rs []record) truth {
	var t truth
	for _, r := range rs {
		switch {
		case estimated(r):
			t.chunks++
		case mismatch(r):
			t.off++
		default:
			if r.TokensFrom == fromTokenizer {
				t.tokenizer++
			}
			if packed(r) {
				t.packed++
			}
		}
	}
	return t
}
