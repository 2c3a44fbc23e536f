// Package enginetest is for tests only: a scripted engine for tests of packages above the engine,
// a scripted OpenAI server with the traps that load tools fall into, and the Suite of behaviour
// that every adapter must pass. It is never part of the program.
package enginetest

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine"
)

// Script says how the scripted engine answers. All times pass in the time package, so they are
// virtual inside testing/synctest.
type Script struct {
	Load         time.Duration // of Prepare
	TTFT         time.Duration // until the first chunk of content
	Gap          time.Duration // between chunks of content
	Tokens       int           // chunks of content; 0: as many as asked for
	Reasoning    int           // how many of the first chunks are reasoning
	PromptTokens int           // reported; 0: words of the prompt
	NoUsage      bool          // report no counts
	// Say is what a request is answered with, a word a chunk, ended by the model itself; nil: made words.
	Say func(r domain.GenRequest) string
	// Likely is the log-probability of a word of a text that is scored, and the words that are likeliest
	// there; nil: the engine tells none.
	Likely     func(model, word string) (logProb float64, likeliest []domain.TokenProb)
	NoEnd      bool // end without the end mark: an incomplete answer
	PrepareErr error
	ModelList  []domain.Model
	// Fail returns how request n (0, 1, …) fails, nil when it does not. It fails after After chunks.
	Fail func(n int) *Failure
}

// Failure is a scripted error of one request.
type Failure struct {
	After int // chunks of content before it
	Err   *engine.RequestError
}

// Scripted is an engine that follows a Script. It implements engine.Engine.
type Scripted struct {
	script    Script
	generated atomic.Int64
	prepared  atomic.Int64
	closed    atomic.Int64
	inFlight  atomic.Int64
	peak      atomic.Int64
	spec      atomic.Pointer[domain.EngineSpec]
}

var _ engine.Engine = (*Scripted)(nil)

// New returns a scripted engine.
func New(s Script) *Scripted { return &Scripted{script: s} }

// Generated returns how many generations were asked for.
func (s *Scripted) Generated() int { return int(s.generated.Load()) }

// Prepared returns how often Prepare was called.
func (s *Scripted) Prepared() int { return int(s.prepared.Load()) }

// Closed returns how often Close was called.
func (s *Scripted) Closed() int { return int(s.closed.Load()) }

// Peak returns the most generations that were under way at once.
func (s *Scripted) Peak() int { return int(s.peak.Load()) }

// Spec returns what Prepare was last called with.
func (s *Scripted) Spec() domain.EngineSpec {
	if p := s.spec.Load(); p != nil {
		return *p
	}
	return domain.EngineSpec{}
}

// Prepare waits for the scripted load time.
func (s *Scripted) Prepare(ctx context.Context, spec domain.EngineSpec) (domain.EngineInfo, error) {
	s.prepared.Add(1)
	s.spec.Store(&spec)
	if spec.Progress != nil {
		spec.Progress("Loading the model", nil)
	}
	if err := pause(ctx, s.script.Load); err != nil {
		return domain.EngineInfo{}, fmt.Errorf("prepare: %w", err)
	}
	if s.script.PrepareErr != nil {
		return domain.EngineInfo{}, s.script.PrepareErr
	}
	load := float64(s.script.Load.Microseconds()) / 1000
	return domain.EngineInfo{Kind: "scripted", Build: "scripted", Args: []string{}, Threads: max(1, spec.Threads),
		Slots: spec.Slots, ContextTokens: spec.Context, GPUReason: "scripted", LoadMs: &load, CacheOff: true, ExactLength: true,
		ModelSHA256: spec.Model.SHA256}, nil
}

// Generate follows the script.
func (s *Scripted) Generate(ctx context.Context, r domain.GenRequest, sink func(domain.Chunk)) (domain.Usage, error) {
	n := int(s.generated.Add(1)) - 1
	now := s.inFlight.Add(1)
	defer s.inFlight.Add(-1)
	for p := s.peak.Load(); now > p && !s.peak.CompareAndSwap(p, now); p = s.peak.Load() {
	}
	use := domain.Usage{Sent: time.Now()}
	err := s.stream(ctx, n, r, sink, &use)
	use.Closed = time.Now()
	return use, err
}

func (s *Scripted) stream(ctx context.Context, n int, r domain.GenRequest, sink func(domain.Chunk), use *domain.Usage) error {
	var fail *Failure
	if s.script.Fail != nil {
		fail = s.script.Fail(n)
	}
	tokens := s.script.Tokens
	if tokens == 0 {
		tokens = r.MaxTokens
	}
	var words []string
	finish := "length"
	if s.script.Say != nil {
		words = strings.SplitAfter(s.script.Say(r), " ")
		if len(words) <= tokens {
			tokens, finish = len(words), "stop"
		}
	}
	wait := s.script.TTFT
	for i := range tokens {
		if fail != nil && i == fail.After {
			return fail.Err
		}
		if err := pause(ctx, wait); err != nil {
			return &engine.RequestError{Class: domain.ErrClassCanceled, Err: err}
		}
		wait = s.script.Gap
		at := time.Now()
		if i == 0 {
			use.FirstByte = at
		}
		kind := domain.ChunkText
		if i < s.script.Reasoning {
			kind = domain.ChunkReasoning
		}
		text := fmt.Sprintf("w%d ", i)
		if words != nil {
			text = words[i]
		}
		sink(domain.Chunk{At: at, Kind: kind, Text: text})
	}
	if fail != nil {
		return fail.Err
	}
	if s.script.NoEnd {
		return nil
	}
	use.Complete, use.FinishReason = true, finish
	if !s.script.NoUsage {
		prompt := s.script.PromptTokens
		if prompt == 0 {
			prompt = len(strings.Fields(r.Prompt))
		}
		use.PromptTokens, use.OutputTokens = &prompt, &tokens
	}
	return nil
}

// Score follows the script: each word of the text is a token, which its letters name.
func (s *Scripted) Score(ctx context.Context, r domain.ScoreRequest, sink func(domain.TokenScore) error) error {
	if s.script.Likely == nil {
		return domain.Errorf(domain.KindUnsupported, "This engine tells no probabilities of tokens.")
	}
	for _, word := range strings.Fields(r.Text)[1:] {
		if err := pause(ctx, s.script.Gap); err != nil {
			return err
		}
		t := domain.TokenScore{ID: TokenID(word)}
		t.LogProb, t.Top = s.script.Likely(r.Model, word)
		t.Top = t.Top[:min(len(t.Top), r.Top)]
		if err := sink(t); err != nil {
			return err
		}
	}
	return nil
}

// TokenID is the token that stands for a word.
func TokenID(word string) int {
	id := 0
	for _, c := range word {
		id = (id*31 + int(c)) % 50_000
	}
	return id
}

// Models returns the scripted list.
func (s *Scripted) Models(context.Context) ([]domain.Model, error) { return s.script.ModelList, nil }

// Close counts.
func (s *Scripted) Close(context.Context) error {
	s.closed.Add(1)
	return nil
}

// pause waits for d or the end of ctx.
func pause(ctx context.Context, d time.Duration) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if d <= 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
