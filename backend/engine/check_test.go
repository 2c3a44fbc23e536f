package engine_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine"
	"github.com/inferometer/inferometer/backend/engine/enginetest"
)

// altered is a scripted engine whose answers a test changes.
type altered struct {
	*enginetest.Scripted
	calls int
	// alter may change an answer, or panic; n counts the generations from 0.
	alter func(n int, r domain.GenRequest, use *domain.Usage)
	// chunk may change a chunk before it is handed on.
	chunk func(domain.Chunk) domain.Chunk
	fail  map[int]error
}

func (a *altered) Generate(ctx context.Context, r domain.GenRequest, sink func(domain.Chunk)) (domain.Usage, error) {
	n := a.calls
	a.calls++
	use, err := a.Scripted.Generate(ctx, r, func(c domain.Chunk) {
		if a.chunk != nil {
			c = a.chunk(c)
		}
		sink(c)
	})
	if a.alter != nil {
		a.alter(n, r, &use)
	}
	if a.fail[n] != nil {
		err = a.fail[n]
	}
	return use, err
}

// counting is an engine with a tokenizer.
type counting struct {
	*altered
	tokens int
	err    error
}

func (c counting) Tokenize(context.Context, string) ([]int, error) {
	return make([]int, c.tokens), c.err
}

// check returns the probes as "code state".
func check(t *testing.T, e engine.Engine) ([]domain.EndpointProbe, string) {
	t.Helper()
	probes := engine.Check(t.Context(), e, "m")
	var b strings.Builder
	for _, p := range probes {
		if !strings.HasSuffix(p.Detail, ".") {
			t.Errorf("%s: detail %q is no sentence", p.Code, p.Detail)
		}
		b.WriteString(" " + p.Code + "=" + p.State)
	}
	return probes, b.String()[1:]
}

func TestCheck(t *testing.T) {
	paced := enginetest.Script{TTFT: 100 * time.Millisecond, Gap: 10 * time.Millisecond}
	with := func(change func(*enginetest.Script)) enginetest.Script {
		s := paced
		change(&s)
		return s
	}
	moment := time.Now()
	// What a well-behaved engine without cache and timings shows; each case names its differences.
	const plain = "streaming=ok usage=ok token_count=ok forced_length=ok prompt_cache=unknown server_timings=unknown"
	for name, c := range map[string]struct {
		e    engine.Engine
		want []string // old, new, …
	}{
		"plain": {&altered{Scripted: enginetest.New(paced)}, nil},
		"all told": {counting{altered: &altered{Scripted: enginetest.New(paced), alter: func(n int, _ domain.GenRequest, u *domain.Usage) {
			u.Server = &domain.ServerTimings{PromptMs: 1}
			u.CachedTokens = new(200 * (n / 3))
		}}, tokens: 15}, []string{"prompt_cache=unknown", "prompt_cache=ok", "server_timings=unknown", "server_timings=ok"}},
		"no usage":      {&altered{Scripted: enginetest.New(with(func(s *enginetest.Script) { s.NoUsage = true }))}, []string{"usage=ok", "usage=caution", "token_count=ok", "token_count=unknown"}},
		"no end":        {&altered{Scripted: enginetest.New(with(func(s *enginetest.Script) { s.NoEnd = true }))}, []string{"streaming=ok", "streaming=failed", "usage=ok", "usage=caution", "token_count=ok", "token_count=unknown"}},
		"stops early":   {&altered{Scripted: enginetest.New(with(func(s *enginetest.Script) { s.Tokens = 3 }))}, []string{"forced_length=ok", "forced_length=caution"}},
		"runs on":       {&altered{Scripted: enginetest.New(with(func(s *enginetest.Script) { s.Tokens = 30 }))}, []string{"forced_length=ok", "forced_length=failed"}},
		"one chunk":     {&altered{Scripted: enginetest.New(with(func(s *enginetest.Script) { s.Tokens = 1 }))}, []string{"streaming=ok", "streaming=caution", "forced_length=ok", "forced_length=caution"}},
		"at one moment": {&altered{Scripted: enginetest.New(paced), chunk: func(c domain.Chunk) domain.Chunk { c.At = moment; return c }}, []string{"streaming=ok", "streaming=caution"}},
		"no content":    {&altered{Scripted: enginetest.New(paced), chunk: func(domain.Chunk) domain.Chunk { return domain.Chunk{} }}, []string{"streaming=ok", "streaming=failed", "token_count=ok", "token_count=failed"}},
		"lying usage": {&altered{Scripted: enginetest.New(paced), alter: func(_ int, _ domain.GenRequest, u *domain.Usage) { u.OutputTokens = new(8) }},
			[]string{"token_count=ok", "token_count=failed", "forced_length=ok", "forced_length=caution"}},
		"too many": {&altered{Scripted: enginetest.New(paced), alter: func(_ int, _ domain.GenRequest, u *domain.Usage) { u.OutputTokens = new(1000) }},
			[]string{"token_count=ok", "token_count=failed", "forced_length=ok", "forced_length=failed"}},
		"several a chunk": {&altered{Scripted: enginetest.New(paced), alter: func(n int, _ domain.GenRequest, u *domain.Usage) {
			if n == 0 {
				u.OutputTokens = new(32)
			}
		}}, []string{"token_count=ok", "token_count=caution"}},
		"tokenizer disagrees": {counting{altered: &altered{Scripted: enginetest.New(paced)}, tokens: 8}, []string{"token_count=ok", "token_count=failed"}},
		"tokenizer fails":     {counting{altered: &altered{Scripted: enginetest.New(paced)}, err: errors.New("no")}, nil},
		"hidden cache": {&altered{Scripted: enginetest.New(paced), alter: func(n int, _ domain.GenRequest, u *domain.Usage) {
			if n == 2 {
				u.Sent = u.Sent.Add(-time.Second)
			}
		}}, []string{"prompt_cache=unknown", "prompt_cache=caution"}},
		"told none": {&altered{Scripted: enginetest.New(paced), alter: func(_ int, _ domain.GenRequest, u *domain.Usage) { u.CachedTokens = new(0) }},
			[]string{"prompt_cache=unknown", "prompt_cache=ok"}},
		"one fails": {&altered{Scripted: enginetest.New(paced), fail: map[int]error{1: errors.New("out of memory")}}, []string{"forced_length=ok", "forced_length=unknown"}},
		"first fails": {&altered{Scripted: enginetest.New(paced), fail: map[int]error{0: errors.New("out of memory")}},
			[]string{"streaming=ok", "streaming=failed", "usage=ok", "usage=unknown", "token_count=ok", "token_count=unknown"}},
		"panics": {&altered{Scripted: enginetest.New(paced), alter: func(n int, _ domain.GenRequest, _ *domain.Usage) {
			if n == 3 {
				panic("broken adapter")
			}
		}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				probes, got := check(t, c.e)
				if want := strings.NewReplacer(c.want...).Replace(plain); got != want {
					t.Errorf("%s\nwant %s\n%+v", got, want, probes)
				}
			})
		})
	}
}

// A check asks for little, and for a prompt that no earlier check can have left in a cache.
func TestCheckAsksForLittle(t *testing.T) {
	var asked []domain.GenRequest
	e := &altered{Scripted: enginetest.New(enginetest.Script{}), alter: func(_ int, r domain.GenRequest, _ *domain.Usage) { asked = append(asked, r) }}
	for range 2 {
		engine.Check(t.Context(), e, "m")
	}
	if len(asked) != 8 {
		t.Fatalf("%d generations in two checks, want 8", len(asked))
	}
	for i, r := range asked {
		if r.MaxTokens > 16 || r.Model != "m" {
			t.Errorf("generation %d: %+v", i, r)
		}
	}
	if asked[2].Prompt != asked[3].Prompt || !asked[3].CachePrompt || asked[2].Prompt[:40] == asked[6].Prompt[:40] {
		t.Errorf("prompts for the cache: %.60q, %.60q, then %.60q", asked[2].Prompt, asked[3].Prompt, asked[6].Prompt)
	}
}
