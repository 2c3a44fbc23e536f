package workload

import (
	"fmt"
	"strings"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
)

func TestEstimateTokens(t *testing.T) {
	cases := []struct {
		text string
		want int
	}{
		{"", 0}, {" \t ", 0}, {"one two three", 3}, {"Hello, world!", 4}, {"a\n\n\nb\nc", 5},
		{"internationalization", 2}, {"2026", 4}, {"x[i] = y;", 7},
		{"coração", 4}, // accents are cut finer
		{strings.Repeat("longer words ", 40) + "é", 82},
		{"日本語", 3}, {"привет", 4}, {"\xff\xfe", 2}, {"😀", 1}, {"a\u00a0b", 2},
	}
	for _, c := range cases {
		if got := EstimateTokens(c.text); got != c.want {
			t.Errorf("%q: %d, want %d", c.text, got, c.want)
		}
	}
	text := strings.Repeat("Plain words, 12 of them; não é.\n", 20)
	if n := testing.AllocsPerRun(10, func() { EstimateTokens(text) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzEstimateTokens(f *testing.F) {
	for _, s := range []string{"Hello, world!", "não é\n\n", "日本", "\xff", "a1_b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if n := EstimateTokens(s); n < 0 || n > len(s) || (strings.TrimSpace(s) != "" && n == 0) {
			t.Errorf("%q: %d", s, n)
		}
	})
}

func TestHistogram(t *testing.T) {
	if h := Histogram(nil); h.Mean != nil || h.Max != nil || h.Bins == nil || h.Estimated {
		t.Errorf("of nothing: %+v", h)
	}
	cases := []struct {
		name    string
		lengths []int
		want    string
	}{
		{"one", []int{7}, "[7,8)=1 mean 7 p50 7 p95 7 max 7"},
		{"even", []int{1, 2, 3, 4, 5}, "[1,2)=1 [2,3)=1 [3,4)=1 [4,5)=1 [5,6)=1 mean 3 p50 3 p95 4.8 max 5"},
		{"tens", []int{100, 149, 150, 200}, "[100,110)=1 [140,150)=1 [150,160)=1 [200,210)=1 mean 149.75 p50 149.5 p95 192.5 max 200"},
		{"wide", []int{3, 8, 9, 200}, "[0,4)=1 [8,16)=2 [128,256)=1 mean 55 p50 8.5 p95 171.35 max 200"},
	}
	for _, c := range cases {
		var ps []domain.Prompt
		for _, n := range c.lengths {
			ps = append(ps, domain.Prompt{InputTokens: &n})
		}
		h, got, sum := Histogram(ps), "", 0
		for i, b := range h.Bins {
			if sum += b.Count; b.Count > 0 {
				got += fmt.Sprintf("[%d,%d)=%d ", b.From, b.To, b.Count)
			}
			if b.From >= b.To || (i > 0 && h.Bins[i-1].To != b.From) {
				t.Errorf("%s: bins %+v", c.name, h.Bins)
			}
		}
		got += fmt.Sprintf("mean %g p50 %g p95 %.5g max %d", *h.Mean, *h.P50, *h.P95, *h.Max)
		if got != c.want || sum != len(ps) || h.Estimated {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
	h := Histogram([]domain.Prompt{{Text: "one two", History: []domain.Message{{Role: "system", Content: "three"}}}})
	if *h.Max != 3 || !h.Estimated {
		t.Errorf("with history: %+v", h)
	}
	for least := range 300 {
		for most := least; most < 40*least+50; most += 1 + most/7 {
			edges := binEdges(least, most)
			if len(edges) > 15 || edges[0] > least || edges[len(edges)-1] <= most || edges[len(edges)-2] > most {
				t.Fatalf("%d to %d: %v", least, most, edges)
			}
		}
	}
}
