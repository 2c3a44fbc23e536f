package predict

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/inferometer/inferometer/backend/domain"
)

const (
	// vagueQuant is how far the bytes of another quantization may be off: models mix types differently.
	vagueQuant = 0.05
	// vagueSize is the same where only the size of a file is known.
	vagueSize = 0.10
	// Speeds of reading prompts differ more among files than those of writing.
	usualPrefill, usualPrefillCount = 0.25, 4.0
)

// Fitted predicts from what a history tells.
type Fitted struct {
	h    History
	ps   []point
	line line
	peak float64 // GB/s; 0: not known
	err  string  // why nothing can be predicted
}

// Fit learns from the history. peakGBPerS is what the memory of its device delivers at most; 0: not known.
func (h History) Fit(peakGBPerS float64) Fitted {
	f := Fitted{h: h, ps: points(h.all), peak: peakGBPerS}
	if len(f.ps) == 0 {
		f.err = "No run tells yet: it takes a benchmark of a local model on this machine, one request at a time, that neither heat nor other programs held back."
		return f
	}
	f.line = fit(f.ps, peakGBPerS, h.Device.GPU)
	return f
}

// Reason says why nothing can be predicted; empty where something can.
func (f *Fitted) Reason() string { return f.err }

// bitsPerWeight of whole files, as llama.cpp's quantizer lists them for a model of 8 billion parameters.
func bitsPerWeight() map[string]float64 {
	return map[string]float64{"IQ1_S": 2.0, "IQ1_M": 2.15, "IQ2_XXS": 2.38, "IQ2_XS": 2.59, "IQ2_S": 2.74, "IQ2_M": 2.93, "Q2_K_S": 2.97, "Q2_K": 3.16,
		"IQ3_XXS": 3.25, "IQ3_XS": 3.5, "IQ3_S": 3.66, "IQ3_M": 3.76, "Q3_K_S": 3.64, "Q3_K_M": 4.0, "Q3_K_L": 4.3, "IQ4_XS": 4.46, "IQ4_NL": 4.68,
		"Q4_0": 4.65, "Q4_1": 5.1, "Q4_K_S": 4.67, "Q4_K_M": 4.89, "Q5_0": 5.57, "Q5_1": 6.0, "Q5_K_S": 5.57, "Q5_K_M": 5.7, "Q6_K": 6.56, "Q8_0": 8.5,
		"F16": 16, "BF16": 16, "F32": 32}
}

// Quantizations are those that can be asked about, the smallest first.
func Quantizations() []string {
	bits := bitsPerWeight()
	return slices.SortedFunc(maps.Keys(bits), func(a, b string) int { return cmp.Or(cmp.Compare(bits[a], bits[b]), cmp.Compare(a, b)) })
}

// target is what a question comes to.
type target struct {
	weights, cache, active, vague float64
	size                          float64 // bytes that must lie in memory
	quant, format                 string
	notes                         []string
	err                           string // why there is no answer
}

func targetOf(m *domain.Model, q domain.PredictionQuery) target {
	t := target{notes: []string{}}
	if m.SizeBytes != nil {
		t.size = float64(*m.SizeBytes)
	}
	g := m.GGUF
	if g == nil || g.BytesPerToken == nil || *g.BytesPerToken <= 0 {
		return t.bySize(q)
	}
	t.weights, t.active, t.quant, t.format = float64(*g.BytesPerToken), activeOf(g), g.Quantization, formatOf(g.Quantization)
	if q.Quantization != "" && q.Quantization != g.Quantization {
		if g.BitsPerWeight <= 0 {
			t.err = "How many bits a weight of this file has is not known."
			return t
		}
		share := bitsPerWeight()[q.Quantization] / g.BitsPerWeight
		t.weights, t.size, t.quant, t.vague = t.weights*share, t.size*share, q.Quantization, vagueQuant
		t.format = formatOf(q.Quantization)
		t.notes = append(t.notes, "The size in another quantization is estimated, ± 5 %.")
	}
	if g.ContextLength > 0 && q.ContextTokens > g.ContextLength {
		t.err = fmt.Sprintf("The context of this model holds %d tokens.", g.ContextLength)
	}
	switch {
	case g.KVBytesPerToken != nil:
		t.cache = float64(*g.KVBytesPerToken) * float64(q.ContextTokens)
	case q.ContextTokens > 0:
		t.notes = append(t.notes, "How the context cache of this model grows is not known, so it is left out.")
	}
	return t
}

// bySize takes the size of the file for what a token reads, of a model that has not been fetched.
func (t target) bySize(q domain.PredictionQuery) target {
	switch {
	case t.size <= 0:
		t.err = "How much of this model a token reads is not known."
	case q.Quantization != "":
		t.err = "What the weights of this model are stored in is not known before it is fetched."
	default:
		t.weights, t.vague = t.size, vagueSize
		t.notes = append(t.notes, "The size of the file stands for what a token reads, without the context cache.")
	}
	return t
}

// Model answers for one model.
func (f *Fitted) Model(m *domain.Model, q domain.PredictionQuery) domain.Prediction {
	t := targetOf(m, q)
	out := domain.Prediction{ModelID: m.ID, Name: m.Name, Quantization: t.quant, Notes: t.notes, Measured: m.BestTokensPS}
	if t.weights > 0 {
		out.BytesPerToken = new(t.weights + t.cache)
	}
	why := cmp.Or(f.err, t.err, f.tooLarge(t))
	if q.BandwidthGBPS != nil && f.peak <= 0 && why == "" {
		why = "The memory bandwidth of this machine has not been measured, so another one cannot be held against it."
	}
	if why != "" {
		out.DecodeReason, out.PrefillReason = why, why
		return out
	}
	ratio := 1.0
	if q.BandwidthGBPS != nil {
		ratio = *q.BandwidthGBPS / f.peak
	}
	out.Decode = speedOf(f.line.at(t, ratio))
	if _, known := f.line.format[t.format]; !known && t.format != "" {
		out.Notes = append(out.Notes, fmt.Sprintf("No run used %s, whose arithmetic may be faster or slower: the range is wide.", t.format))
	}
	out.Prefill, out.PrefillReason = f.prefill(t)
	return out
}

// tooLarge says that a model does not fit into the memory it would be read from.
func (f *Fitted) tooLarge(t target) string {
	if f.h.Newest == nil {
		return ""
	}
	e := f.h.Newest.Environment
	have := e.RAMTotalGB
	if f.h.Device.GPU {
		have = 0
		for _, g := range e.GPUs {
			if (f.h.Device.only < 0 || f.h.Device.only == g.Index) && g.VRAMTotalGB != nil {
				have += *g.VRAMTotalGB
			}
		}
	}
	if need := (t.size + t.cache) / 1e9; have > 0 && need > have {
		return fmt.Sprintf("It takes %.1f GB and the memory has %.1f GB.", need, have)
	}
	return ""
}

func speedOf(s span) *domain.PredictedSpeed {
	return &domain.PredictedSpeed{Value: 1 / s.value, Low: 1 / s.high, High: 1 / s.low}
}

// prefill predicts the speed of reading prompts, which arithmetic limits: in proportion to the parameters that
// take part in a token.
func (f *Fitted) prefill(t target) (*domain.PredictedSpeed, string) {
	var logs []float64
	for _, p := range f.ps {
		if p.prefill > 0 && p.active > 0 {
			logs = append(logs, math.Log(p.prefill*p.active))
		}
	}
	switch {
	case len(logs) == 0:
		return nil, fmt.Sprintf("No run tells the speed of reading prompts of %d tokens or more.", leastPrompt)
	case t.active <= 0:
		return nil, "How many parameters of this model take part in a token is not known."
	}
	n := float64(len(logs))
	m, squares := 0.0, 0.0
	for _, v := range logs {
		m += v / n
	}
	for _, v := range logs {
		squares += sq(v - m)
	}
	df := usualPrefillCount + n - 1
	spread := math.Sqrt((usualPrefillCount*sq(usualPrefill) + squares) / df)
	half := distuv.StudentsT{Sigma: 1, Nu: df}.Quantile((1+confidence)/2) * spread * math.Sqrt(1+1/n)
	at := func(d float64) float64 { return math.Exp(m+d) / t.active }
	return &domain.PredictedSpeed{Value: at(0), Low: at(-half), High: at(half)}, ""
}

// Told is the fit as people see it; nil without one.
func (f *Fitted) Told() *domain.PredictionFit {
	if f.err != "" {
		return nil
	}
	files, runs := map[string]bool{}, map[domain.RunID]bool{}
	for _, p := range f.ps {
		files[p.file] = true
		for _, o := range p.of {
			runs[o.run.ID] = true
		}
	}
	l := f.line
	out := &domain.PredictionFit{Device: f.h.Device.Name, Threads: f.h.Device.Threads, Runs: len(runs), Points: len(f.ps), Models: len(files),
		Caution: f.h.caution, GBPerS: l.size / (max(l.mean[reading], 1e-6) * l.time) / 1e9, OverheadMs: max(0, l.mean[overhead]) * l.time * 1e3, SpreadPercent: 100 * l.spread}
	if f.peak > 0 {
		out.PeakGBPerS = new(f.peak)
	}
	out.Sentence = fmt.Sprintf("A token takes %.2f ms and what it reads at %.1f GB/s, learnt from %d run(s) of %d model file(s).",
		out.OverheadMs, out.GBPerS, out.Runs, out.Models)
	if f.h.caution {
		out.Sentence += " None of them was without a caution, so expect less of it."
	}
	return out
}
