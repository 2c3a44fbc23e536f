package workload

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/inferometer/inferometer/backend/domain"
)

// maxCopied is how many bytes the common starts of prompts may take together.
const maxCopied = 256 << 20

// The streams of random numbers of one seed; what is drawn from one does not move the others.
const (
	streamInput uint64 = iota + 1
	streamOutput
	streamWords
	streamContext
)

func stream(seed int64, which uint64) *rand.Rand {
	return rand.New(rand.NewPCG(uint64(seed), which<<32)) // #nosec G115 G404 -- any bits make a seed; arrivals and prompts are repeated from their seed; no secret is drawn
}

// Synthesize makes n prompts of exactly drawn lengths in the model's own tokens; without a tokenizer
// the lengths are those of EstimateTokens. The same seed and tokenizer give the same prompts byte
// for byte, and fewer prompts are the first ones of more. The length is that of the text alone: what
// a chat template adds comes on top.
//
// Prompts differ from their first words on, so that no prompt cache can answer for another one; past
// two million words they share passages further in. With SharedPrefixTokens so many tokens at the
// start are the same in all prompts, lengths are drawn longer than that, and Prompt.SharedPrefix
// says where the common bytes end: no UniquePrefix may be put before them. Turns beyond the first are drawn
// like the first and share nothing. Prompt.MaxTokens is the drawn output length, else maxTokens.
func Synthesize(ctx context.Context, spec domain.Synthetic, n, maxTokens int, seed int64, tok Tokenize) ([]domain.Prompt, error) {
	if bad := CheckSynthetic(spec); len(bad) > 0 {
		return nil, &domain.Error{Kind: domain.KindInvalid, Msg: "Some values are not valid.", Fields: bad}
	}
	if n < 1 {
		return nil, errors.New("make prompts: none are asked for")
	}
	w, err := newWriter(ctx, tok, seed, streamWords)
	if err != nil {
		return nil, err
	}
	shared, turns, prefix := 0, 1, ""
	if spec.Turns != nil {
		turns = *spec.Turns
	}
	if s := spec.SharedPrefixTokens; s != nil && *s > 0 {
		shared = *s
		common, err := w.write(ctx, []order{{words: shared, tokens: shared}})
		if err != nil {
			return nil, err
		}
		prefix = common[0] + " "
		if most := maxCopied / len(prefix); n > most {
			return nil, domain.Invalid("body.synthetic.prompts", fmt.Sprintf("with this shared prefix at most %d prompts can be made", most))
		}
	}
	texts, err := w.write(ctx, orders(spec.InputTokens, n, turns, prefix, shared, seed))
	if err != nil {
		return nil, err
	}
	limit := limits(spec.OutputTokens, maxTokens, seed)
	prompts := make([]domain.Prompt, n)
	for i := range prompts {
		said := texts[i*turns : (i+1)*turns]
		p := domain.Prompt{ID: fmt.Sprintf("s%04d", i+1), Text: prefix + said[0], MaxTokens: limit(), SharedPrefix: len(prefix)}
		for _, text := range said[1:] {
			p.Turns = append(p.Turns, domain.Turn{Text: text, MaxTokens: limit()})
		}
		prompts[i] = p
	}
	return prompts, nil
}

// orders draws the lengths of all texts, those of one conversation after the other.
func orders(l domain.Lengths, n, turns int, prefix string, shared int, seed int64) []order {
	rng := stream(seed, streamInput)
	first, further := drawer(l, shared+1, maxInput), drawer(l, 1, maxInput)
	list := make([]order, 0, n*turns)
	for range n {
		tokens := first(rng)
		list = append(list, order{before: prefix, words: tokens - shared, tokens: tokens})
		for range turns - 1 {
			tokens := further(rng)
			list = append(list, order{words: tokens, tokens: tokens})
		}
	}
	return list
}

// limits returns a function that draws output lengths; nil says that the plan's own holds.
func limits(l *domain.Lengths, otherwise int, seed int64) func() *int {
	if l == nil {
		return func() *int {
			if otherwise < 1 {
				return nil
			}
			limit := otherwise
			return &limit
		}
	}
	rng, draw := stream(seed, streamOutput), drawer(*l, 1, maxTokens)
	return func() *int {
		limit := draw(rng)
		return &limit
	}
}

// Fill makes the texts of prompts that ask for a number of input tokens instead of giving a text, as
// traces do; the others stay as they are. InputTokens is kept.
func Fill(ctx context.Context, prompts []domain.Prompt, seed int64, tok Tokenize) ([]domain.Prompt, error) {
	var list []order
	for _, p := range prompts {
		if p.InputTokens != nil {
			if *p.InputTokens < 1 || *p.InputTokens > maxInput {
				return nil, fmt.Errorf("fill prompts: input tokens must be 1 to %d", maxInput)
			}
			list = append(list, order{words: *p.InputTokens, tokens: *p.InputTokens})
		}
	}
	if len(list) == 0 {
		return prompts, nil
	}
	w, err := newWriter(ctx, tok, seed, streamWords)
	if err != nil {
		return nil, err
	}
	texts, err := w.write(ctx, list)
	if err != nil {
		return nil, err
	}
	filled := slices.Clone(prompts)
	for i := range filled {
		if filled[i].InputTokens != nil {
			filled[i].Text, texts = texts[0], texts[1:]
		}
	}
	return filled, nil
}

// Context makes a text of so many tokens to stand before a prompt; the same seed makes the same one,
// and its words are others than those of the prompts of that seed. No tokens make no text.
func Context(ctx context.Context, tokens int, seed int64, tok Tokenize) (string, error) {
	if tokens < 0 || tokens > maxInput {
		return "", fmt.Errorf("make context: tokens must be 0 to %d", maxInput)
	}
	if tokens == 0 {
		return "", nil
	}
	w, err := newWriter(ctx, tok, seed, streamContext)
	if err != nil {
		return "", err
	}
	texts, err := w.write(ctx, []order{{words: tokens, tokens: tokens}})
	if err != nil {
		return "", err
	}
	return texts[0], nil
}
