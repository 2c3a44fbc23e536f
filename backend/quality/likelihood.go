package quality

import (
	"fmt"
	"math"
	"slices"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/stats/infer"
)

// The sides of a divergence; a perplexity has the model's alone.
const (
	SideModel     = "model"
	SideReference = "reference"
)

// Top is how many of the likeliest tokens a divergence looks at on each side.
const Top = 64

// ScoreLikelihood computes the perplexity of the texts that were scored; nil when none was.
//
// With N tokens and p(i) the probability the model gave to token i given those before it, perplexity is
// exp(-1/N · Σ ln p(i)), and bits per byte -Σ ln p(i) / (ln 2 · bytes). The interval is that of the mean
// logarithm over texts (infer.ClusterMean), as tokens of one text are alike.
//
// F. Jelinek, R. L. Mercer, L. R. Bahl and J. K. Baker, "Perplexity - a measure of the difficulty of
// speech recognition tasks", Journal of the Acoustical Society of America 62 (1977), S63.
func ScoreLikelihood(language string, records []domain.QualityRecord) *domain.Perplexity {
	sums, sizes, bytes := lossOf(language, records, SideModel)
	if len(sums) == 0 {
		return nil
	}
	m, in, ok := infer.ClusterMean(sums, sizes, confidence)
	out := &domain.Perplexity{Value: math.Exp(m), Tokens: int(total(sizes)), Texts: len(sums), BitsPerByte: total(sums) / math.Ln2 / bytes}
	if ok {
		out.Interval = &domain.Interval{math.Exp(in.Low), math.Exp(in.High)}
	}
	return out
}

// lossOf are, of each text, the sum of -ln p and the number of tokens, and the bytes of all texts.
func lossOf(language string, records []domain.QualityRecord, side string) (sums, sizes []float64, bytes float64) {
	texts, _ := Texts(language)
	for _, t := range texts {
		r := recordOf(records, side, t.ID)
		if r == nil {
			continue
		}
		sums, sizes = append(sums, loss(r.Scores)), append(sizes, float64(len(r.Scores)))
		bytes += float64(len(t.Text))
	}
	return sums, sizes, bytes
}

func loss(scores []domain.TokenScore) float64 {
	var sum float64
	for _, s := range scores {
		sum -= s.LogProb
	}
	return sum
}

func total(values []float64) float64 {
	var sum float64
	for _, v := range values {
		sum += v
	}
	return sum
}

// recordOf is the record of a text with at least one scored token; nil when there is none.
func recordOf(records []domain.QualityRecord, side, text string) *domain.QualityRecord {
	i := slices.IndexFunc(records, func(r domain.QualityRecord) bool { return r.Side == side && r.Item == text && len(r.Scores) > 0 })
	if i < 0 {
		return nil
	}
	return &records[i]
}

// position is how one position compares.
type position struct {
	kl, covered float64
	sameTop     bool
}

// between holds the probabilities of two models at one position against one another. Known on both sides
// are the tokens among the likeliest of both, and the one that stands in the text; all others are one
// bucket with what is left. Kullback and Leibler's divergence Σ p ln(p/q) over such buckets is never more
// than over single tokens, as lumping outcomes loses information (the data processing inequality).
//
// S. Kullback and R. A. Leibler, "On Information and Sufficiency", Annals of Mathematical Statistics 22
// (1951), 79-86, section 4 on what lumping loses; T. M. Cover and J. A. Thomas, "Elements of Information
// Theory", 2nd ed. (2006), section 2.8.
func between(reference, model domain.TokenScore) position {
	q := map[int]float64{model.ID: model.LogProb}
	for _, t := range model.Top {
		q[t.ID] = t.LogProb
	}
	p := map[int]float64{reference.ID: reference.LogProb}
	for _, t := range reference.Top {
		p[t.ID] = t.LogProb
	}
	var out position
	restP, restQ := 1.0, 1.0
	for _, id := range inOrder(reference) {
		lq, both := q[id]
		if !both {
			continue
		}
		a, b := math.Exp(p[id]), math.Exp(lq)
		out.kl += a * (p[id] - lq)
		restP, restQ, out.covered = restP-a, restQ-b, out.covered+a
	}
	// The servers' sums miss 1 by rounding, so a rest below that is none.
	const rounding = 1e-6
	if restP > rounding {
		out.kl += restP * math.Log(restP/max(restQ, rounding))
	}
	out.kl, out.covered = max(0, out.kl), min(1, out.covered)
	out.sameTop = len(reference.Top) > 0 && len(model.Top) > 0 && reference.Top[0].ID == model.Top[0].ID
	return out
}

// inOrder are the tokens of a position that are known, each once: sums in another order would differ in
// their last digits.
func inOrder(s domain.TokenScore) []int {
	ids := make([]int, 0, len(s.Top)+1)
	own := true
	for _, t := range s.Top {
		ids = append(ids, t.ID)
		own = own && t.ID != s.ID
	}
	if own {
		ids = append(ids, s.ID)
	}
	return ids
}

// pair is one text as both sides scored it.
type pair struct {
	text             string
	model, reference []domain.TokenScore
	at               []position
}

// pairs are the texts that both sides scored. The error says that they do not count in the same tokens.
func pairs(language string, records []domain.QualityRecord) ([]pair, error) {
	texts, _ := Texts(language)
	var out []pair
	for _, t := range texts {
		m, r := recordOf(records, SideModel, t.ID), recordOf(records, SideReference, t.ID)
		if m == nil || r == nil {
			continue
		}
		n := min(len(m.Scores), len(r.Scores)) // one of them may have been canceled within a text
		p := pair{text: t.ID, model: m.Scores[:n], reference: r.Scores[:n]}
		for i := range n {
			if p.model[i].ID != p.reference[i].ID {
				return nil, &domain.Error{Kind: domain.KindConflict, Msg: "The model and the reference count in different tokens, so their probabilities cannot be compared.",
					Hint: "Choose a reference with the same tokenizer, such as a larger quant of the same model.", Err: fmt.Errorf("text %s, position %d", t.ID, i)}
			}
			p.at = append(p.at, between(p.reference[i], p.model[i]))
		}
		out = append(out, p)
	}
	return out, nil
}

// ScoreDivergence computes how far a model is from its reference; nil when no text was scored by both.
func ScoreDivergence(language string, records []domain.QualityRecord) (*domain.Divergence, error) {
	all, err := pairs(language, records)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	var sizes, kls, tops, logs, covered, single []float64
	var modelLoss, referenceLoss float64
	for _, p := range all {
		var kl, top, cover float64
		for _, at := range p.at {
			kl, cover = kl+at.kl, cover+at.covered
			if at.sameTop {
				top++
			}
			single = append(single, at.kl)
		}
		a, b := loss(p.model), loss(p.reference)
		modelLoss, referenceLoss = modelLoss+a, referenceLoss+b
		sizes, kls, tops = append(sizes, float64(len(p.at))), append(kls, kl), append(tops, top)
		logs, covered = append(logs, a-b), append(covered, cover)
	}
	slices.Sort(single)
	n := total(sizes)
	out := &domain.Divergence{Positions: int(n), Texts: len(all), KLMax: single[len(single)-1], KLMedian: median(single),
		Perplexity: math.Exp(modelLoss / n), ReferencePerplexity: math.Exp(referenceLoss / n), Covered: 100 * total(covered) / n}
	if len(single) >= 100 {
		out.KLP99 = new(single[int(math.Ceil(0.99*float64(len(single))))-1])
	}
	out.KL, out.KLInterval = clustered(kls, sizes, func(v float64) float64 { return max(0, v) })
	out.SameTop, out.SameTopInterval = clustered(tops, sizes, func(v float64) float64 { return 100 * min(1, max(0, v)) })
	out.PerplexityRatio, out.PerplexityRatioInterval = clustered(logs, sizes, math.Exp)
	return out, nil
}

// clustered is a mean over texts with its interval, both in another unit.
func clustered(sums, sizes []float64, unit func(float64) float64) (float64, *domain.Interval) {
	m, in, ok := infer.ClusterMean(sums, sizes, confidence)
	if !ok {
		return unit(m), nil
	}
	return unit(m), &domain.Interval{unit(in.Low), unit(in.High)}
}

func median(sorted []float64) float64 {
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// TextFigures are the figures of each text, in the order of the pack.
func TextFigures(language string, records []domain.QualityRecord) []domain.QualityText {
	texts, _ := Texts(language)
	both, err := pairs(language, records)
	if err != nil {
		both = nil // the measurement has failed with it already
	}
	out := []domain.QualityText{}
	for _, t := range texts {
		m := recordOf(records, SideModel, t.ID)
		if m == nil {
			continue
		}
		f := domain.QualityText{Text: t.ID, Tokens: len(m.Scores), Perplexity: math.Exp(loss(m.Scores) / float64(len(m.Scores)))}
		if i := slices.IndexFunc(both, func(p pair) bool { return p.text == t.ID }); i >= 0 {
			p := both[i]
			f.ReferencePerplexity = new(math.Exp(loss(p.reference) / float64(len(p.reference))))
			var kl, top float64
			for _, at := range p.at {
				kl += at.kl
				if at.sameTop {
					top++
				}
			}
			f.KL, f.SameTop = new(kl/float64(len(p.at))), new(100*top/float64(len(p.at)))
		}
		out = append(out, f)
	}
	return out
}

// Summary computes what the records of a measurement amount to; nil when there is none yet.
func Summary(kind domain.QualityKind, language string, records []domain.QualityRecord) (*domain.QualitySummary, error) {
	switch kind {
	case domain.QualityTasks:
		if answers := Answers(language, records); len(answers) > 0 {
			return &domain.QualitySummary{Tasks: new(ScoreTasks(answers))}, nil
		}
	case domain.QualityPerplexity:
		if p := ScoreLikelihood(language, records); p != nil {
			return &domain.QualitySummary{Perplexity: p}, nil
		}
	case domain.QualityDivergence:
		d, err := ScoreDivergence(language, records)
		if err != nil || d != nil {
			return &domain.QualitySummary{Divergence: d}, err
		}
	}
	return nil, nil
}
