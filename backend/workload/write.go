package workload

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
)

// corpusWords is how many words are made at most for the texts of one call. Texts are cut out of one
// long text, so that thousands of long prompts need no memory of their own.
const corpusWords = 2_000_000

// order asks for one made text.
type order struct {
	before string // what it will stand behind
	words  int    // of the text, if each is one token
	tokens int    // of before and the text together
}

// writer makes texts of exact lengths.
type writer struct {
	vocabulary
	tok Tokenize
	rng *rand.Rand
}

func newWriter(ctx context.Context, tok Tokenize, seed int64, which uint64) (*writer, error) {
	v, err := newVocabulary(ctx, tok)
	return &writer{v, tok, stream(seed, which)}, err
}

// write makes the texts. A few are counted; if one of them is off, or words cannot be relied on, all
// are, and corrected.
func (w *writer) write(ctx context.Context, list []order) ([]string, error) {
	texts := w.compose(list)
	if w.tok == nil {
		return texts, nil
	}
	sure, step := w.sure, (len(list)+sampledTexts-1)/sampledTexts
	for i := 0; i < len(list) && sure; i += step {
		tokens, err := w.tok(ctx, list[i].before+texts[i])
		if err != nil {
			return nil, fmt.Errorf("count tokens: %w", err)
		}
		sure = len(tokens) == list[i].tokens
	}
	for i := 0; i < len(list) && !sure; i++ {
		text, err := w.exact(ctx, w.tok, list[i].before, texts[i], list[i].tokens, w.rng)
		if err != nil {
			return nil, err
		}
		texts[i] = text
	}
	return texts, nil
}

// compose cuts each text out of words drawn at random: one after the other, from places drawn at
// random when the words are used up. First words are dealt out so that none comes twice before all
// have come once.
func (w *writer) compose(list []order) []string {
	total, longest := 0, 0
	for _, o := range list {
		total, longest = total+o.words, max(longest, o.words)
	}
	size := min(total, max(corpusWords, 2*longest))
	heads := w.rng.Perm(len(w.words))
	starts := make([]uint32, size+1)
	var b strings.Builder
	for i, head, next := 0, 0, 0; i < size; i++ {
		word := w.words[w.rng.IntN(len(w.words))]
		if i == next {
			word, next, head = w.words[heads[head%len(heads)]], next+list[head].words, head+1
		}
		b.WriteString(word)
		b.WriteByte(' ')
		starts[i+1] = uint32(b.Len()) // #nosec G115 -- shorter than a file that is read whole
	}
	body := b.String()
	texts, used := make([]string, len(list)), map[int]bool{}
	for i, at := 0, 0; i < len(list); i++ {
		from := at
		for try := 0; from+list[i].words > size || used[from]; try++ {
			from = w.rng.IntN(size - list[i].words + 1)
			if try == mostTries {
				break // so few words that texts must come twice
			}
		}
		used[from] = true
		texts[i] = body[starts[from] : starts[from+list[i].words]-1]
		at += list[i].words
	}
	return texts
}
