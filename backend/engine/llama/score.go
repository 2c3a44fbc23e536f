package llama

import (
	"context"
	"fmt"
	"math"
	"net/http"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine"
	"github.com/inferometer/inferometer/backend/engine/remote"
)

const (
	// forced is added to the logit of the token that is to come; no real logit comes near it.
	forced = 1e6
	// leastLogProb is the logarithm of the smallest probability that a 32-bit number can hold. The server
	// writes something far below for a probability that has become 0 there.
	leastLogProb = -103.27892990343185
)

// scoreBody asks for one token and the probabilities at its place. The server computes them from the
// bare logits, before any sampler, while the bias decides which token is taken: so the token's own
// probability comes back exactly, however unlikely it is. No part of the prompt can be asked for its
// probabilities, which is why a text is gone through step by step; the prompt cache makes a step the
// work of one token.
type scoreBody struct {
	Model       string   `json:"model,omitempty"`
	Prompt      []int    `json:"prompt"`
	Predict     int      `json:"n_predict"`
	Probs       int      `json:"n_probs"`
	PostSampled bool     `json:"post_sampling_probs"`
	Bias        [][2]any `json:"logit_bias"`
	Temperature float64  `json:"temperature"`
	Samplers    []string `json:"samplers"`
	CachePrompt bool     `json:"cache_prompt"`
	Slot        int      `json:"id_slot"`
	Stream      bool     `json:"stream"`
}

// scoreAnswer is the part of the answer that matters.
type scoreAnswer struct {
	Probabilities []struct {
		ID      int      `json:"id"`
		LogProb *float64 `json:"logprob"`
		Top     []struct {
			ID      int     `json:"id"`
			LogProb float64 `json:"logprob"`
		} `json:"top_logprobs"`
	} `json:"completion_probabilities"`
}

// score implements engine.Scorer. Slot 0 is used for all steps, as another one would have to compute the
// whole text anew.
func (f *face) score(ctx context.Context, r domain.ScoreRequest, sink func(domain.TokenScore) error) error {
	tokens, err := f.tokens(ctx, r.Text, true)
	if err != nil {
		return err
	}
	for i := 1; i < len(tokens); i++ {
		s, err := f.scoreAt(ctx, r, tokens, i)
		if err != nil {
			return err
		}
		if err := sink(s); err != nil {
			return err
		}
	}
	return nil
}

// scoreAt is one step: tokens[i] given those before it.
func (f *face) scoreAt(ctx context.Context, r domain.ScoreRequest, tokens []int, i int) (domain.TokenScore, error) {
	var said scoreAnswer
	err := f.native.Ask(ctx, remote.Question{Method: http.MethodPost, Path: "/completion", Out: &said, Private: r.Text, Timeout: remote.DefaultTimeout,
		In: scoreBody{Model: r.Model, Prompt: tokens[:i], Predict: 1, Probs: max(1, r.Top), Bias: [][2]any{{tokens[i], forced}},
			Samplers: []string{"temperature"}, CachePrompt: true}})
	if err != nil {
		return domain.TokenScore{}, err
	}
	if len(said.Probabilities) == 0 || said.Probabilities[0].LogProb == nil {
		return domain.TokenScore{}, &domain.Error{Kind: domain.KindUnsupported, Msg: "This llama-server tells no probabilities of tokens.",
			Hint: "Choose a newer build; tasks need no probabilities."}
	}
	p := said.Probabilities[0]
	if p.ID != tokens[i] {
		return domain.TokenScore{}, &domain.Error{Kind: domain.KindEngineFailed, Msg: "The server did not keep to the given text, so its probabilities are of another one.",
			Err: fmt.Errorf("token %d came at position %d, asked for %d", p.ID, i, tokens[i])}
	}
	s := domain.TokenScore{ID: p.ID, LogProb: logProb(*p.LogProb)}
	for _, t := range p.Top[:min(r.Top, len(p.Top))] {
		s.Top = append(s.Top, domain.TokenProb{ID: t.ID, LogProb: logProb(t.LogProb)})
	}
	return s, nil
}

// logProb keeps to what a probability can be; more digits than a 32-bit number has mean nothing.
func logProb(v float64) float64 {
	return math.Round(min(0, max(leastLogProb, v))*1e7) / 1e7
}

// Score implements engine.Scorer.
func (r *Remote) Score(ctx context.Context, req domain.ScoreRequest, sink func(domain.TokenScore) error) error {
	return r.face.score(ctx, req, sink)
}

// Score implements engine.Scorer.
func (e *Engine) Score(ctx context.Context, r domain.ScoreRequest, sink func(domain.TokenScore) error) error {
	e.mu.Lock()
	client := e.client
	e.mu.Unlock()
	if client == nil {
		return &domain.Error{Kind: domain.KindUnavailable, Msg: "llama-server is not running."}
	}
	return client.score(ctx, r, sink)
}

var (
	_ engine.Scorer = (*Engine)(nil)
	_ engine.Scorer = (*Remote)(nil)
)
