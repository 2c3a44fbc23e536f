package workload

import (
	"context"
	_ "embed"
	"fmt"
	"math/rand/v2"
	"strings"
)

// Tokenize returns the model's own tokens of a text, without special tokens before or behind.
type Tokenize func(ctx context.Context, text string) ([]int, error)

//go:embed words.txt
var wordList string

const (
	fewestWords  = 64
	sampledTexts = 8   // counted to see whether words can be relied on
	mostTries    = 200 // to reach an exact count
)

// vocabulary is the words that made texts consist of.
type vocabulary struct {
	words []string
	// sure: each word is one token wherever it stands, so a text has as many tokens as words.
	sure bool
}

// newVocabulary asks the model's tokenizer, in one call, which common words are one token both at
// the start of a text and behind a space. A model with few of those gets all words, and every text
// is counted.
func newVocabulary(ctx context.Context, tok Tokenize) (vocabulary, error) {
	all := strings.Fields(wordList)
	if tok == nil {
		return vocabulary{all, true}, nil
	}
	var twice strings.Builder
	for i, w := range all {
		if i > 0 {
			twice.WriteByte('\n')
		}
		twice.WriteString(w + " " + w)
	}
	tokens, err := tok(ctx, twice.String())
	if err != nil {
		return vocabulary{}, fmt.Errorf("count tokens: %w", err)
	}
	// The line end is the one token that stands as often as there are lines, less one.
	times, lineEnd := map[int]int{}, -1
	for _, id := range tokens {
		if times[id]++; times[id] == len(all)-1 {
			lineEnd = id
		}
	}
	var single []string
	line, length := 0, 0
	for _, id := range append(tokens, lineEnd) {
		if id != lineEnd {
			length++
			continue
		}
		if length == 2 && line < len(all) {
			single = append(single, all[line])
		}
		line, length = line+1, 0
	}
	if line != len(all) || len(single) < fewestWords {
		return vocabulary{all, false}, nil
	}
	return vocabulary{single, true}, nil
}

// exact counts text behind before and changes words at its end until both together have the wanted
// number of tokens.
func (v vocabulary) exact(ctx context.Context, tok Tokenize, before, text string, want int, rng *rand.Rand) (string, error) {
	words := strings.Fields(text)
	for range mostTries {
		text = strings.Join(words, " ")
		tokens, err := tok(ctx, before+text)
		if err != nil {
			return "", fmt.Errorf("count tokens: %w", err)
		}
		switch diff := want - len(tokens); {
		case diff == 0:
			return text, nil
		case diff > 0:
			for range (diff + 1) / 2 { // a word may be more than one token
				words = append(words, v.words[rng.IntN(len(v.words))])
			}
		case len(words) == 1 || (diff == -1 && rng.IntN(2) == 0):
			// Another last word may be shorter.
			words[len(words)-1] = v.words[rng.IntN(len(v.words))]
		default:
			words = words[:max(1, len(words)-(1-diff)/2)]
		}
	}
	return "", fmt.Errorf("make text: the model's tokenizer gave no text of exactly %d tokens in %d tries", want, mostTries)
}
