package workload

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
)

var update = flag.Bool("update", false, "write the golden files anew")

// wordsAsTokens is a tokenizer that knows words of up to most letters; longer ones take two tokens,
// and all do at the start of a text or line whose first letter is in hard.
func wordsAsTokens(most int, hard string, calls *int) Tokenize {
	ids := map[string]int{"\n": 0}
	return func(_ context.Context, text string) ([]int, error) {
		*calls++
		var tokens []int
		add := func(s string) {
			if _, ok := ids[s]; !ok {
				ids[s] = len(ids)
			}
			tokens = append(tokens, ids[s])
		}
		for l, line := range strings.Split(text, "\n") {
			if l > 0 {
				add("\n")
			}
			for i, word := range strings.Fields(line) {
				if i > 0 {
					word = " " + word
				}
				if len(word) > most || (i == 0 && strings.ContainsAny(word[:1], hard)) {
					add(word[:1])
					word = word[1:]
				}
				add(word)
			}
		}
		return tokens, nil
	}
}

func fixed(n int) domain.Lengths { return domain.Lengths{Kind: "fixed", Tokens: &n} }

func uniform(least, most int) domain.Lengths {
	return domain.Lengths{Kind: "uniform", Min: &least, Max: &most}
}

func TestSynthesizeIsExact(t *testing.T) {
	calls := 0
	eachWordFour := func(_ context.Context, text string) ([]int, error) { calls++; return make([]int, (len(text)+3)/4), nil }
	notTheSum := wordsAsTokens(9, "", &calls)
	cases := []struct {
		name string
		tok  Tokenize
		most int // calls
	}{
		{"common words", wordsAsTokens(20, "", &calls), 20},
		{"short words", wordsAsTokens(6, "", &calls), 20},
		{"some first words are two", wordsAsTokens(20, "abcdefgh", &calls), 20},
		{"four bytes each", eachWordFour, 5000},
		{"all words are two", wordsAsTokens(0, "", &calls), 0}, // no text has an odd number
		{"texts are not the sum of their words", func(ctx context.Context, text string) ([]int, error) {
			tokens, err := notTheSum(ctx, text)
			if !strings.Contains(text, "\n") && len(text) > 40 {
				tokens = tokens[1:]
			}
			return tokens, err
		}, 1000},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			shared, turns := 20, 3
			spec := domain.Synthetic{InputTokens: uniform(10, 120), SharedPrefixTokens: &shared, Turns: &turns}
			calls = 0
			ps, err := Synthesize(t.Context(), spec, 60, 0, 5, c.tok)
			if c.most == 0 {
				if err == nil {
					t.Error("the impossible was done")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if calls > c.most {
				t.Errorf("%d calls", calls)
			}
			count := func(text string) int {
				tokens, _ := c.tok(t.Context(), text)
				return len(tokens)
			}
			wanted := orders(spec.InputTokens, 60, turns, "x", shared, 5)
			for i, p := range ps {
				said := []string{p.Text, p.Turns[0].Text, p.Turns[1].Text}
				for k, text := range said {
					if got, want := count(text), wanted[i*turns+k].tokens; got != want {
						t.Fatalf("%s text %d has %d tokens, want %d", p.ID, k, got, want)
					}
				}
				if prefix := p.Text[:p.SharedPrefix]; prefix != ps[0].Text[:ps[0].SharedPrefix] || count(strings.TrimSuffix(prefix, " ")) != shared {
					t.Fatalf("prefix = %q", prefix)
				}
			}
		})
	}
}

func TestSynthesizeTellsErrors(t *testing.T) {
	broken := errors.New("gone")
	if _, err := Synthesize(t.Context(), domain.Synthetic{InputTokens: fixed(5)}, 3, 0, 1, func(context.Context, string) ([]int, error) { return nil, broken }); !errors.Is(err, broken) {
		t.Errorf("err = %v", err)
	}
	if _, err := Synthesize(t.Context(), domain.Synthetic{InputTokens: fixed(5)}, 0, 0, 1, nil); err == nil {
		t.Error("no prompts are asked for")
	}
	shared := 500_000
	if _, err := Synthesize(t.Context(), domain.Synthetic{InputTokens: fixed(600_000), SharedPrefixTokens: &shared}, 1000, 0, 1, nil); domain.KindOf(err) != domain.KindInvalid {
		t.Errorf("err = %v", err)
	}
	if _, err := Synthesize(t.Context(), domain.Synthetic{InputTokens: fixed(0)}, 1, 0, 1, nil); domain.KindOf(err) != domain.KindInvalid {
		t.Errorf("err = %v", err)
	}
}

func TestSynthesizeSameSeed(t *testing.T) {
	mean, dev, turns := 24.0, 8.0, 2
	out := uniform(4, 9)
	spec := domain.Synthetic{InputTokens: domain.Lengths{Kind: "lognormal", Mean: &mean, StdDev: &dev}, OutputTokens: &out, Turns: &turns}
	ps, err := Synthesize(t.Context(), spec, 6, 0, 42, nil)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, p := range ps {
		fmt.Fprintf(&b, "%s %d %s\n  %d %s\n", p.ID, *p.MaxTokens, p.Text, *p.Turns[0].MaxTokens, p.Turns[0].Text)
	}
	golden := filepath.Join("testdata", "synthetic.golden")
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil || string(want) != b.String() {
		t.Errorf("the same seed gave\n%s, err %v", b.String(), err)
	}
	fewer, err := Synthesize(t.Context(), spec, 3, 0, 42, nil)
	if err != nil || !reflect.DeepEqual(fewer, ps[:3]) {
		t.Errorf("fewer prompts are others: %v", err)
	}
	other, err := Synthesize(t.Context(), spec, 6, 0, 43, nil)
	if err != nil || other[0].Text == ps[0].Text {
		t.Errorf("another seed gave the same: %v", err)
	}
}

// Prompts part at their first words, be they few, many or longer than the words made for them.
func TestSynthesizeDiffers(t *testing.T) {
	for _, c := range []struct{ prompts, tokens, words int }{{1000, 64, 1}, {3000, 40, 6}, {200, 30_000, 6}, {3, 1_000_000, 4}} {
		ps, err := Synthesize(t.Context(), domain.Synthetic{InputTokens: fixed(c.tokens)}, c.prompts, 9, 1, nil)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, p := range ps {
			if n := EstimateTokens(p.Text); n != c.tokens || *p.MaxTokens != 9 {
				t.Fatalf("%d tokens, want %d", n, c.tokens)
			}
			seen[strings.Join(strings.SplitN(p.Text, " ", c.words+1)[:c.words], " ")] = true
		}
		if len(seen) != c.prompts {
			t.Errorf("%d prompts of %d tokens begin in %d ways", c.prompts, c.tokens, len(seen))
		}
	}
	if _, err := Synthesize(t.Context(), domain.Synthetic{InputTokens: fixed(1)}, 2000, 0, 1, nil); err != nil {
		t.Errorf("more prompts than words: %v", err)
	}
}

func TestFill(t *testing.T) {
	calls, five, seven := 0, 5, 7
	tok := wordsAsTokens(7, "", &calls)
	in := []domain.Prompt{{ID: "a", InputTokens: &five}, {ID: "b", Text: "Stay."}, {ID: "c", InputTokens: &seven}}
	got, err := Fill(t.Context(), in, 3, tok)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []int{5, 1, 7} {
		if tokens, _ := tok(t.Context(), got[i].Text); len(tokens) != want {
			t.Errorf("%q has %d tokens, want %d", got[i].Text, len(tokens), want)
		}
	}
	if in[0].Text != "" || got[1].Text != "Stay." || *got[2].InputTokens != 7 {
		t.Errorf("in = %+v, got = %+v", in, got)
	}
	if same, err := Fill(t.Context(), in[1:2], 3, nil); err != nil || same[0].Text != "Stay." {
		t.Errorf("same = %+v, %v", same, err)
	}
	none := 0
	if _, err := Fill(t.Context(), []domain.Prompt{{InputTokens: &none}}, 3, nil); err == nil {
		t.Error("a length of 0 must fail")
	}
}

func TestContext(t *testing.T) {
	calls := 0
	tok := wordsAsTokens(7, "st", &calls)
	for _, want := range []int{0, 1, 2, 4096} {
		text, err := Context(t.Context(), want, 3, tok)
		tokens, _ := tok(t.Context(), text)
		if err != nil || len(tokens) != want {
			t.Errorf("%d tokens, want %d; %v", len(tokens), want, err)
		}
		if again, _ := Context(t.Context(), want, 3, tok); again != text {
			t.Error("the same seed gave another text")
		}
	}
	if _, err := Context(t.Context(), -1, 3, tok); err == nil {
		t.Error("a negative length must fail")
	}
}

// The shipped words are what both ways of counting take for one token each.
func TestWords(t *testing.T) {
	words, seen := strings.Fields(wordList), map[string]bool{}
	for _, w := range words {
		if seen[w] || EstimateTokens(w) != 1 || strings.Trim(w, "abcdefghijklmnopqrstuvwxyz") != "" {
			t.Errorf("word %q", w)
		}
		seen[w] = true
	}
	if len(words) < 1000 || EstimateTokens(wordList) != 2*len(words) || EstimateTokens(strings.Join(words, " ")) != len(words) {
		t.Errorf("%d words", len(words))
	}
}
