package workload

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
)

func numbered(n int) []domain.Prompt {
	ps := make([]domain.Prompt, n)
	for i := range ps {
		ps[i] = domain.Prompt{ID: fmt.Sprint(i), Text: fmt.Sprint("text ", i)}
	}
	return ps
}

func idsOf(t *testing.T, s Source, from, to int) []string {
	t.Helper()
	var ids []string
	for n := from; n < to; n++ {
		p, err := s.Prompt(n)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, p.ID)
	}
	return ids
}

func TestSameSeedSameOrder(t *testing.T) {
	a, b, other := FromPrompts(numbered(20), 7), FromPrompts(numbered(20), 7), FromPrompts(numbered(20), 8)
	first := idsOf(t, a, 0, 60)
	if !slices.Equal(first, idsOf(t, b, 0, 60)) {
		t.Error("the same seed gave another order")
	}
	if slices.Equal(first, idsOf(t, other, 0, 60)) {
		t.Error("another seed gave the same order")
	}
	if slices.Equal(first[:20], first[20:40]) {
		t.Error("the second pass repeats the first one's order")
	}
	if !slices.Equal(first[5:9], idsOf(t, a, 5, 9)) {
		t.Error("going back to an earlier pass gave other prompts")
	}
}

func TestEveryPassHoldsEveryPrompt(t *testing.T) {
	s := FromPrompts(numbered(13), 1)
	for pass := range 4 {
		ids := idsOf(t, s, pass*13, pass*13+13)
		slices.Sort(ids)
		if len(slices.Compact(ids)) != 13 {
			t.Errorf("pass %d repeats a prompt", pass)
		}
	}
}

func TestSourceIsSafeForManyUsers(t *testing.T) {
	s, want := FromPrompts(numbered(9), 3), idsOf(t, FromPrompts(numbered(9), 3), 0, 90)
	var wg sync.WaitGroup
	for u := range 8 {
		wg.Go(func() {
			for n := u; n < 90; n += 3 {
				if p, err := s.Prompt(n); err != nil || p.ID != want[n] {
					t.Errorf("Prompt(%d) = %s, %v; want %s", n, p.ID, err, want[n])
				}
			}
		})
	}
	wg.Wait()
}

func TestOnePromptRepeats(t *testing.T) {
	s := FromPrompts(numbered(1), 1)
	if got := idsOf(t, s, 0, 3); !slices.Equal(got, []string{"0", "0", "0"}) || s.Len() != 1 {
		t.Errorf("order = %v", got)
	}
	if _, err := s.Prompt(-1); err == nil {
		t.Error("a negative number must fail")
	}
	if _, err := FromPrompts(nil, 1).Prompt(0); err == nil {
		t.Error("an empty source must fail")
	}
}

func TestUniquePrefix(t *testing.T) {
	seen := map[string]bool{}
	for n := range 200_000 {
		p := UniquePrefix(42, n)
		if seen[p] {
			t.Fatalf("prefix of %d was given before", n)
		}
		seen[p] = true
	}
	if len(UniquePrefix(42, 1)) > 12 || !strings.HasSuffix(UniquePrefix(42, 1), "\n") {
		t.Errorf("prefix = %q", UniquePrefix(42, 1))
	}
	if a, b := UniquePrefix(42, 1), UniquePrefix(42, 1); a != b || UniquePrefix(42, 1) == UniquePrefix(43, 1) || UniquePrefix(1<<40, 1) == UniquePrefix(0, 1) {
		t.Error("the prefix must depend on the whole seed and on nothing else")
	}
}

func TestBuiltin(t *testing.T) {
	ids := map[string]bool{}
	for _, set := range Builtin() {
		d := set.Dataset
		if ids[d.ID] || !d.Builtin || d.Name == "" || d.Description == "" || len(d.SHA256) != 64 || d.Prompts != len(set.Prompts) {
			t.Errorf("dataset = %+v", d)
		}
		ids[d.ID] = true
		if len(set.Prompts) < 10 || len(set.Prompts) > 16 {
			t.Errorf("%s holds %d prompts", d.ID, len(set.Prompts))
		}
		shortest, longest := 1<<20, 0
		for i, p := range set.Prompts {
			if want := fmt.Sprintf("%s-%02d", d.ID, i+1); p.ID != want {
				t.Errorf("prompt id %s, want %s", p.ID, want)
			}
			shortest, longest = min(shortest, len(p.Text)), max(longest, len(p.Text))
		}
		if longest < 2*shortest {
			t.Errorf("%s: lengths %d to %d hardly differ", d.ID, shortest, longest)
		}
	}
	for _, want := range []string{"chat-en", "chat-pt-br", "summarise-en", "code-pt-br", "extract-en", "reason-pt-br"} {
		if !ids[want] {
			t.Errorf("there is no %s", want)
		}
	}
	if len(ids) != 10 {
		t.Errorf("%d datasets", len(ids))
	}
}
