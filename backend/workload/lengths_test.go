package workload

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
)

func draws(l domain.Lengths, least, most, n int) []int {
	rng, draw := stream(11, streamInput), drawer(l, least, most)
	out := make([]int, n)
	for i := range out {
		out[i] = draw(rng)
	}
	return out
}

// Drawn lengths are held against the shares that each range must have: the sum of (seen − due)² ÷ due
// stays below the 0.999 quantile of χ² with 9 degrees of freedom.
func TestLengthsFollowTheirDistribution(t *testing.T) {
	const n, critical = 50_000, 27.88
	p := func(v float64) *float64 { return &v }
	i := func(v int) *int { return &v }
	phi := func(z float64) float64 { return math.Erfc(-z/math.Sqrt2) / 2 }
	sigma := math.Sqrt(math.Log(1 + 0.25)) // stddev is half the mean
	mu := math.Log(512) - sigma*sigma/2
	cases := []struct {
		name string
		l    domain.Lengths
		cdf  func(x float64) float64 // before the limits cut it
	}{
		{"uniform", domain.Lengths{Kind: "uniform", Min: i(101), Max: i(1100)}, func(x float64) float64 { return min(max((x-100.5)/1000, 0), 1) }},
		{"normal", domain.Lengths{Kind: "normal", Mean: p(512), StdDev: p(64)}, func(x float64) float64 { return phi((x - 512) / 64) }},
		{"normal, cut", domain.Lengths{Kind: "normal", Mean: p(512), StdDev: p(200), Min: i(400), Max: i(600)}, func(x float64) float64 { return phi((x - 512) / 200) }},
		{"lognormal", domain.Lengths{Kind: "lognormal", Mean: p(512), StdDev: p(256)}, func(x float64) float64 { return phi((math.Log(x) - mu) / sigma) }},
		{"lognormal, cut", domain.Lengths{Kind: "lognormal", Mean: p(512), StdDev: p(256), Min: i(300), Max: i(900)}, func(x float64) float64 { return phi((math.Log(x) - mu) / sigma) }},
	}
	for _, c := range cases {
		got := draws(c.l, 1, maxInput, n)
		slices.Sort(got)
		low, high := span(c.l)
		if got[0] < low || got[n-1] > high {
			t.Errorf("%s: %d to %d", c.name, got[0], got[n-1])
		}
		from, to := c.cdf(float64(low)-0.5), c.cdf(float64(high)+0.5)
		chi2, begin := 0.0, 0
		for k := 1; k <= 10; k++ {
			end := n
			if k < 10 {
				end, _ = slices.BinarySearch(got, got[n*k/10])
			}
			a, b := from, to
			if begin > 0 {
				a = c.cdf(float64(got[begin]) - 0.5)
			}
			if end < n {
				b = c.cdf(float64(got[end]) - 0.5)
			}
			due := n * (b - a) / (to - from)
			chi2 += (float64(end-begin) - due) * (float64(end-begin) - due) / due
			begin = end
		}
		if chi2 > critical {
			t.Errorf("%s: χ² = %.1f", c.name, chi2)
		}
	}
}

// Mean and standard deviation of the log-normal are those of the lengths, not of their logarithm.
func TestLogNormalMoments(t *testing.T) {
	mean, dev := 512.0, 256.0
	sum, squares, n := 0.0, 0.0, 200_000
	for _, v := range draws(domain.Lengths{Kind: "lognormal", Mean: &mean, StdDev: &dev}, 1, maxInput, n) {
		sum, squares = sum+float64(v), squares+float64(v)*float64(v)
	}
	m := sum / float64(n)
	if s := math.Sqrt(squares/float64(n) - m*m); math.Abs(m-mean) > 3 || math.Abs(s-dev) > 6 {
		t.Errorf("mean %.1f, standard deviation %.1f", m, s)
	}
}

func TestLengthsAtTheEdge(t *testing.T) {
	p := func(v float64) *float64 { return &v }
	i := func(v int) *int { return &v }
	bins := []domain.LengthBin{{Tokens: 100, Weight: 3}, {Tokens: 500, Weight: 1}}
	cases := []struct {
		name        string
		l           domain.Lengths
		least, most int
		want        map[int]int // of 4000, ± 150
	}{
		{"fixed", fixed(7), 1, maxInput, map[int]int{7: 4000}},
		{"no spread", domain.Lengths{Kind: "normal", Mean: p(9.4), StdDev: p(0)}, 1, maxInput, map[int]int{9: 4000}},
		{"limits far out", domain.Lengths{Kind: "normal", Mean: p(10), StdDev: p(1), Min: i(500), Max: i(600)}, 1, maxInput, map[int]int{500: 4000}},
		{"histogram", domain.Lengths{Kind: "histogram", Bins: bins}, 1, maxInput, map[int]int{100: 3000, 500: 1000}},
		{"histogram above a shared prefix", domain.Lengths{Kind: "histogram", Bins: bins}, 201, maxInput, map[int]int{201: 3000, 500: 1000}},
		{"uniform above a shared prefix", uniform(1, 4), 3, maxInput, map[int]int{3: 2000, 4: 2000}},
	}
	for _, c := range cases {
		got := map[int]int{}
		for _, v := range draws(c.l, c.least, c.most, 4000) {
			got[v]++
		}
		for tokens, want := range c.want {
			if len(got) != len(c.want) || math.Abs(float64(got[tokens]-want)) > 150 {
				t.Errorf("%s: %v, want %v", c.name, got, c.want)
			}
		}
	}
}

func TestCheckSynthetic(t *testing.T) {
	p := func(v float64) *float64 { return &v }
	i := func(v int) *int { return &v }
	out := fixed(maxTokens + 1)
	cases := []struct {
		spec domain.Synthetic
		want string
	}{
		{domain.Synthetic{InputTokens: fixed(5)}, ""},
		{domain.Synthetic{InputTokens: domain.Lengths{}}, "input_tokens.kind"},
		{domain.Synthetic{InputTokens: domain.Lengths{Kind: "fixed"}}, "input_tokens.tokens"},
		{domain.Synthetic{InputTokens: domain.Lengths{Kind: "uniform", Min: i(1)}}, "input_tokens.max"},
		{domain.Synthetic{InputTokens: uniform(5, 4)}, "input_tokens.min"},
		{domain.Synthetic{InputTokens: uniform(0, 4)}, "input_tokens.min"},
		{domain.Synthetic{InputTokens: domain.Lengths{Kind: "normal", Mean: p(3)}}, "input_tokens.stddev"},
		{domain.Synthetic{InputTokens: domain.Lengths{Kind: "lognormal", Mean: p(math.NaN()), StdDev: p(1)}}, "input_tokens.mean"},
		{domain.Synthetic{InputTokens: domain.Lengths{Kind: "histogram"}}, "input_tokens.bins"},
		{domain.Synthetic{InputTokens: domain.Lengths{Kind: "histogram", Bins: []domain.LengthBin{{Tokens: 4}}}}, "input_tokens.bins[0].weight"},
		{domain.Synthetic{InputTokens: fixed(5), OutputTokens: &out}, "output_tokens.tokens"},
		{domain.Synthetic{InputTokens: domain.Lengths{Kind: "fixed", Tokens: i(5), Mean: p(3)}}, "input_tokens.mean"},
		{domain.Synthetic{InputTokens: fixed(5), SharedPrefixTokens: i(5)}, "shared_prefix_tokens"},
		{domain.Synthetic{InputTokens: uniform(1, 6), SharedPrefixTokens: i(5)}, ""},
		{domain.Synthetic{InputTokens: fixed(5), SharedPrefixTokens: i(-1), Turns: i(65)}, "shared_prefix_tokens turns"},
	}
	for n, c := range cases {
		var got []string
		for _, f := range CheckSynthetic(c.spec) {
			got = append(got, strings.TrimPrefix(f.Location, "body.synthetic."))
			if f.Message == "" {
				t.Errorf("case %d: no message", n)
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("case %d: got %q, want %q", n, got, c.want)
		}
	}
}
