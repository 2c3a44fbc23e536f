package quality

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
)

func near(a, b, tolerance float64) bool { return math.Abs(a-b) <= tolerance }

// texted are records of the first n English texts with the same scores each.
func texted(side string, n int, scores ...domain.TokenScore) []domain.QualityRecord {
	texts, _ := Texts(English)
	var out []domain.QualityRecord
	for i := range n {
		out = append(out, domain.QualityRecord{N: i, Side: side, Item: texts[i].ID, Scores: scores})
	}
	return out
}

func at(id int, logProb float64, top ...domain.TokenProb) domain.TokenScore {
	return domain.TokenScore{ID: id, LogProb: logProb, Top: top}
}

func tok(id int, p float64) domain.TokenProb { return domain.TokenProb{ID: id, LogProb: math.Log(p)} }

// A model that holds every token for one of four is as unsure as a die of four sides.
func TestPerplexityOfAFairDie(t *testing.T) {
	p := ScoreLikelihood(English, texted(SideModel, 3, at(1, math.Log(0.25)), at(2, math.Log(0.25))))
	if !near(p.Value, 4, 1e-12) || p.Tokens != 6 || p.Texts != 3 || !near(p.Interval[0], 4, 1e-9) || !near(p.Interval[1], 4, 1e-9) {
		t.Errorf("%+v", p)
	}
	texts, _ := Texts(English)
	bytes := len(texts[0].Text) + len(texts[1].Text) + len(texts[2].Text)
	if !near(p.BitsPerByte, 12/float64(bytes), 1e-12) {
		t.Errorf("%g bits a byte, want 6 tokens of 2 bits over %d bytes", p.BitsPerByte, bytes)
	}
	if one := ScoreLikelihood(English, texted(SideModel, 1, at(1, -1))); !near(one.Value, math.E, 1e-12) || one.Interval != nil {
		t.Errorf("one text: %+v", one)
	}
	if none := ScoreLikelihood(English, nil); none != nil {
		t.Errorf("nothing: %+v", none)
	}
}

func TestDivergenceByHand(t *testing.T) {
	// Three tokens and a rest: reference 0.5, 0.3, 0.1, 0.1; model 0.4, 0.4, 0.1, 0.1.
	reference := at(1, math.Log(0.5), tok(1, 0.5), tok(2, 0.3), tok(3, 0.1))
	model := at(1, math.Log(0.4), tok(2, 0.4), tok(1, 0.4), tok(3, 0.1))
	want := 0.5*math.Log(0.5/0.4) + 0.3*math.Log(0.3/0.4)
	d, err := ScoreDivergence(English, append(texted(SideModel, 4, model), texted(SideReference, 4, reference)...))
	if err != nil {
		t.Fatal(err)
	}
	if !near(d.KL, want, 1e-9) || !near(d.KLMedian, want, 1e-9) || !near(d.KLMax, want, 1e-9) || d.KLP99 != nil {
		t.Errorf("KL: %+v, want %g", d, want)
	}
	if d.SameTop != 0 || !near(d.Covered, 90, 1e-9) || !near(d.PerplexityRatio, 1.25, 1e-9) || !near(d.Perplexity, 2.5, 1e-9) || !near(d.ReferencePerplexity, 2, 1e-9) {
		t.Errorf("beside it: %+v", d)
	}
	if d.Positions != 4 || d.Texts != 4 {
		t.Errorf("%d positions of %d texts", d.Positions, d.Texts)
	}
}

// A model is no way from itself.
func TestDivergenceFromItself(t *testing.T) {
	s := []domain.TokenScore{at(7, math.Log(0.01), tok(1, 0.6), tok(2, 0.2)), at(2, math.Log(0.3), tok(2, 0.3), tok(9, 0.29))}
	d, err := ScoreDivergence(English, append(texted(SideModel, 8, s...), texted(SideReference, 8, s...)...))
	if err != nil || d.KL != 0 || d.KLMax != 0 || d.SameTop != 100 || d.PerplexityRatio != 1 || *d.KLInterval != (domain.Interval{}) {
		t.Errorf("%+v, %v", d, err)
	}
}

// Tokens that only one side tells are part of the rest, and the divergence is then less than the true one,
// never more.
func TestDivergenceIsALowerBound(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 9))
	const words = 50
	draw := func() []float64 {
		p, sum := make([]float64, words), 0.0
		for i := range p {
			p[i] = math.Exp(2 * rng.NormFloat64())
			sum += p[i]
		}
		for i := range p {
			p[i] /= sum
		}
		return p
	}
	score := func(p []float64, id, top int) domain.TokenScore {
		order := make([]int, words)
		for i := range order {
			order[i] = i
		}
		slices.SortFunc(order, func(a, b int) int {
			if p[a] > p[b] {
				return -1
			}
			return 1
		})
		s := at(id, math.Log(p[id]))
		for _, i := range order[:top] {
			s.Top = append(s.Top, tok(i, p[i]))
		}
		return s
	}
	gap := 0.0
	for range 500 {
		p, q, id := draw(), draw(), rng.IntN(words)
		whole := 0.0
		for i := range p {
			whole += p[i] * math.Log(p[i]/q[i])
		}
		full, some := between(score(p, id, words), score(q, id, words)), between(score(p, id, 8), score(q, id, 8))
		if !near(full.kl, whole, 1e-9) || !near(full.covered, 1, 1e-9) {
			t.Fatalf("all tokens: %g, want %g", full.kl, whole)
		}
		if some.kl > whole+1e-9 || some.kl < 0 {
			t.Fatalf("eight tokens: %g is more than all: %g", some.kl, whole)
		}
		gap += whole - some.kl
	}
	if gap == 0 {
		t.Error("no token was left out, so the test shows nothing")
	}
}

func TestDivergenceNeedsTheSameTokens(t *testing.T) {
	records := append(texted(SideModel, 1, at(1, -1)), texted(SideReference, 1, at(2, -1))...)
	if _, err := ScoreDivergence(English, records); domain.KindOf(err) != domain.KindConflict {
		t.Errorf("other tokens: %v", err)
	}
	if got := TextFigures(English, records); len(got) != 1 || got[0].KL != nil {
		t.Errorf("%+v", got)
	}
	if d, err := ScoreDivergence(English, texted(SideModel, 2, at(1, -1))); d != nil || err != nil {
		t.Errorf("one side: %+v, %v", d, err)
	}
}

// A text that was cut in the middle counts as far as both sides came.
func TestDivergenceOfACutText(t *testing.T) {
	records := append(texted(SideModel, 1, at(1, -1), at(2, -2), at(3, -3)), texted(SideReference, 1, at(1, -1), at(2, -2))...)
	d, err := ScoreDivergence(English, records)
	if err != nil || d.Positions != 2 {
		t.Errorf("%+v, %v", d, err)
	}
}
