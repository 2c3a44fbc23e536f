package engine

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/inferometer/inferometer/backend/domain"
)

// The states of a probe.
const (
	probeOK      = "ok"
	probeCaution = "caution"
	probeFailed  = "failed"
	probeUnknown = "unknown"
)

const (
	checkTokens = 16 // of each short answer
	cacheWords  = 300
	cacheTokens = 2
)

// Check finds out by four short generations what an engine can do: streaming, usage, token_count,
// forced_length, prompt_cache and server_timings, in this order. One that goes wrong hides none of
// the others.
func Check(ctx context.Context, e Engine, model string) []domain.EndpointProbe {
	long := try(ctx, e, domain.GenRequest{Model: model, Prompt: "Count from one to one hundred in words.",
		MaxTokens: checkTokens, TopP: 1, Seed: 1})
	// A model that is free to stop does so after a token or two.
	short := try(ctx, e, domain.GenRequest{Model: model, Prompt: "Answer with the one word yes.",
		MaxTokens: checkTokens, TopP: 1, Seed: 1, ExactLength: true})
	// The prompt is new at each check, so that only this check can have filled the cache.
	again := domain.GenRequest{Model: model, MaxTokens: cacheTokens, TopP: 1, Seed: 1, CachePrompt: true,
		Prompt: fmt.Sprintf("Note %d. %sNow say yes.", time.Now().UnixNano(), strings.Repeat("All of this was written down before. ", cacheWords/7))}
	first, second := try(ctx, e, again), try(ctx, e, again)

	var out []domain.EndpointProbe
	add := func(code string, needs []trial, judge func() (state, detail string)) {
		p := domain.EndpointProbe{Code: code}
		p.State, p.Detail = guarded(needs, judge)
		out = append(out, p)
	}
	add("streaming", nil, func() (string, string) { return streaming(long) })
	add("usage", []trial{long}, func() (string, string) { return usage(long) })
	add("token_count", []trial{long}, func() (string, string) { return tokenCount(ctx, e, long) })
	add("forced_length", []trial{short}, func() (string, string) { return forcedLength(short) })
	add("prompt_cache", []trial{first, second}, func() (string, string) { return promptCache(first, second) })
	add("server_timings", []trial{long}, func() (string, string) { return serverTimings(long) })
	return out
}

// trial is one generation of a check.
type trial struct {
	chunks []domain.Chunk // content only
	use    domain.Usage
	err    error
}

// try runs one generation; a panic of the engine is its failure.
func try(ctx context.Context, e Engine, r domain.GenRequest) (t trial) {
	defer func() {
		if p := recover(); p != nil {
			t.err = fmt.Errorf("the engine's adapter broke: %v", p)
		}
	}()
	t.use, t.err = e.Generate(ctx, r, func(c domain.Chunk) {
		if c.Kind != domain.ChunkOther {
			t.chunks = append(t.chunks, c)
		}
	})
	return t
}

// guarded runs a judgement unless a generation that it needs has failed; a panic makes it unknown.
func guarded(needs []trial, judge func() (string, string)) (state, detail string) {
	for _, t := range needs {
		if t.err != nil {
			return probeUnknown, "The generation for this failed: " + sentence(t.err)
		}
	}
	defer func() {
		if p := recover(); p != nil {
			state, detail = probeUnknown, fmt.Sprintf("This could not be tried: %v.", p)
		}
	}()
	return judge()
}

func sentence(err error) string { return strings.TrimSuffix(err.Error(), ".") + "." }

// text is all content of a trial.
func (t trial) text() string {
	var b strings.Builder
	for _, c := range t.chunks {
		b.WriteString(c.Text)
	}
	return b.String()
}

// ttft is the time to the first content, 0 when none came.
func (t trial) ttft() time.Duration {
	if len(t.chunks) == 0 {
		return 0
	}
	return t.chunks[0].At.Sub(t.use.Sent)
}

// streaming looks for content that came in several pieces at several times.
func streaming(t trial) (string, string) {
	if t.err != nil {
		return probeFailed, "The generation failed: " + sentence(t.err)
	}
	packets := 0
	for i, c := range t.chunks {
		if i == 0 || !c.At.Equal(t.chunks[i-1].At) {
			packets++
		}
	}
	n := len(t.chunks)
	switch {
	case n == 0:
		return probeFailed, "The answer held no content."
	case !t.use.Complete:
		return probeFailed, "The stream ended without its end mark, so every answer would count as incomplete."
	case n == 1:
		return probeCaution, "The whole answer came as one chunk: times between tokens cannot be measured."
	case packets == 1:
		return probeCaution, fmt.Sprintf("%d chunks came at one moment: something on the way holds the stream back.", n)
	case packets*2 <= n:
		return probeCaution, fmt.Sprintf("%d chunks came at %d moments: something on the way bundles the stream.", n, packets)
	}
	return probeOK, fmt.Sprintf("%d chunks came over %s.", n, millis(t.chunks[n-1].At.Sub(t.chunks[0].At)))
}

func usage(t trial) (string, string) {
	in, out := t.use.PromptTokens, t.use.OutputTokens
	switch {
	case in != nil && out != nil:
		return probeOK, fmt.Sprintf("The endpoint reports its counts: %d tokens in, %d out.", *in, *out)
	case in != nil:
		return probeCaution, "The endpoint reports the tokens of the prompt and not those of the output."
	case out != nil:
		return probeCaution, "The endpoint reports the tokens of the output and not those of the prompt."
	}
	return probeCaution, "The endpoint reports no token counts: output is counted by chunks."
}

// tokenCount compares the reported output tokens with the engine's tokenizer where it has one, else
// with the chunks and the text.
func tokenCount(ctx context.Context, e Engine, t trial) (string, string) {
	if t.use.OutputTokens == nil {
		return probeUnknown, "There is no reported count to compare."
	}
	said, chunks := *t.use.OutputTokens, len(t.chunks)
	if tok, ok := e.(Tokenizer); ok {
		ids, err := tok.Tokenize(ctx, t.text())
		if err == nil {
			return againstTokenizer(said, len(ids))
		}
	}
	switch runes := utf8.RuneCountInString(t.text()); {
	case said < chunks:
		return probeFailed, fmt.Sprintf("The endpoint reports %d output tokens, yet sent %d chunks.", said, chunks)
	case said > runes+2: // a token has a character at least; an end mark may count
		return probeFailed, fmt.Sprintf("The endpoint reports %d output tokens for %d characters.", said, runes)
	case said > chunks+1:
		return probeCaution, fmt.Sprintf("%d tokens came in %d chunks: gaps between chunks are not gaps between tokens.", said, chunks)
	}
	return probeOK, fmt.Sprintf("%d reported tokens agree with %d chunks.", said, chunks)
}

// againstTokenizer allows for an end mark, and for text that joins into fewer tokens than it was
// made of.
func againstTokenizer(said, counted int) (string, string) {
	diff := said - counted
	if diff < 0 {
		diff = -diff
	}
	if diff <= max(2, counted/10) {
		return probeOK, fmt.Sprintf("%d reported tokens; the engine's own tokenizer counts %d.", said, counted)
	}
	return probeFailed, fmt.Sprintf("The endpoint reports %d output tokens, yet its own tokenizer counts %d.", said, counted)
}

// forcedLength looks at an answer that by itself would be short.
func forcedLength(t trial) (string, string) {
	got, what := len(t.chunks), "chunks"
	if t.use.OutputTokens != nil {
		got, what = *t.use.OutputTokens, "tokens"
	}
	switch {
	case got > checkTokens:
		return probeFailed, fmt.Sprintf("%d %s came though at most %d tokens were asked for.", got, what, checkTokens)
	case got == checkTokens || (what == "chunks" && t.use.FinishReason == "length"):
		return probeOK, fmt.Sprintf("The answer has the length that was asked for (%d tokens).", checkTokens)
	}
	return probeCaution, fmt.Sprintf("The answer ended after %d of %d tokens: the model stops where it likes, so output lengths will differ.", got, checkTokens)
}

// promptCache compares two equal prompts.
func promptCache(first, second trial) (string, string) {
	a, b := first.ttft(), second.ttft()
	faster := a > 0 && b > 0 && b < a/2
	switch cached := second.use.CachedTokens; {
	case cached != nil && *cached > 0:
		return probeOK, fmt.Sprintf("The endpoint says when its cache answers: %d tokens of a repeated prompt.", *cached)
	case faster:
		return probeCaution, fmt.Sprintf("A repeated prompt was answered after %s in place of %s, and the endpoint does not say that its cache did it.", millis(b), millis(a))
	case cached != nil:
		return probeOK, "The endpoint reports cached tokens; a repeated prompt had none."
	}
	return probeUnknown, "The endpoint says nothing of a prompt cache, and a repeated prompt was not answered faster."
}

func serverTimings(t trial) (string, string) {
	s := t.use.Server
	if s == nil {
		return probeUnknown, "The endpoint sends no timings of its own: all times are measured here."
	}
	return probeOK, fmt.Sprintf("The endpoint sends its own timings: %.1f ms for the prompt, %.1f ms for the output.", s.PromptMs, s.PredictedMs)
}

// millis says a time in milliseconds.
func millis(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
}
