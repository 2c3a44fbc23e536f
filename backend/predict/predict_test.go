package predict

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

const giga = 1e9

// world is a machine with a known roofline; times in seconds.
type world struct {
	peak     float64    // bytes a second
	overhead float64    // of a token
	read     float64    // seconds a byte
	cache    float64    // seconds a byte of the cache, beyond that
	spread   float64    // of files and depths
	noise    float64    // of runs
	formats  [4]float64 // by which factor the weights of a format take longer
	random   *rand.Rand
}

func newWorld(random *rand.Rand) world {
	w := world{peak: 20 * giga, spread: .03 + .06*random.Float64(), noise: .02, random: random}
	share := .2 + .7*random.Float64()             // of a token's time at the peak, for a file of 1 GB
	reading := share + (1-share)*random.Float64() // of a token's time that grows with the bytes
	all := giga / w.peak / share
	w.overhead, w.read = (1-reading)*all, reading*all/giga
	w.cache = max(-.2, .7+.8*random.NormFloat64()) * all / giga
	apart := .05 + .4*random.Float64()
	for i := range w.formats {
		w.formats[i] = math.Exp(apart * random.NormFloat64())
	}
	return w
}

// seconds is the true time of a token, and what one of this file and depth takes here.
func (w *world) seconds(format int, weights, cache float64) float64 {
	return (w.overhead + w.read*(weights*w.formats[format]+cache) + w.cache*cache) * math.Exp(w.spread*w.random.NormFloat64())
}

// ran is a run of a model with so many bytes, at a depth.
func ran(n int, weights, kv int64, depth int, speed float64) domain.Run {
	prompt := depth - 8
	f := domain.Figures{Requests: domain.OutcomeCounts{OK: 1}, Tokens: domain.TokenCounts{Prompt: &prompt, Output: 16}, DecodeTokensPerSecond: &speed,
		DeliveredConcurrency: new(1.0), PrefillTokensPerSecond: new(4e12 / float64(weights) / 16)}
	g := &domain.GGUFInfo{Quantization: "Q8_0", BitsPerWeight: 8.5, BytesPerToken: &weights, KVBytesPerToken: &kv, ContextLength: 1 << 20}
	return domain.Run{ID: domain.RunID(fmt.Sprint(n)), Model: fmt.Sprintf("m%d", weights), Status: domain.StatusCompleted,
		CreatedAt: time.Unix(int64(1e6-n), 0), Summary: &domain.Summary{Figures: f, Stages: []domain.Stage{{Summary: &f}}},
		Validity:    &domain.Validity{Verdict: "valid"},
		Environment: &domain.Environment{CPUModel: "CPU", RAMTotalGB: 64, Engine: domain.EngineInfo{Threads: 4, GPUUsed: new(false)}, Model: g}}
}

// history is so many files and depths with one to three runs of each.
func (w *world) history(points int) []domain.Run {
	var runs []domain.Run
	for range points {
		weights := int64(giga * math.Exp(2*w.random.Float64()-1))
		kv, depth := weights/20_000, 64+int(4000*w.random.Float64())
		format := w.random.IntN(3)
		t := w.seconds(format, float64(weights), float64(kv)*float64(depth))
		for range 1 + w.random.IntN(3) {
			r := ran(len(runs), weights, kv, depth, 1/(t*math.Exp(w.noise*w.random.NormFloat64())))
			r.Environment.Model.Quantization = fmt.Sprint("F", format)
			runs = append(runs, r)
		}
	}
	return runs
}

// Over machines of all kinds the range holds the true speed about as often as it says, whether one file was
// measured or ten, and for files far smaller and larger than those.
func TestRangesHoldTheTruth(t *testing.T) {
	for _, points := range []int{1, 2, 4, 10} {
		for _, known := range []bool{true, false} {
			random := rand.New(rand.NewPCG(uint64(points), 9))
			held, total := 0, 0
			var widths []float64
			for range 800 {
				w := newWorld(random)
				peak := 0.0
				if known {
					peak = w.peak * math.Exp(.08*random.NormFloat64()) / giga
				}
				f := Learn(w.history(points)).Fit(peak)
				weights := giga * math.Exp(3.4*random.Float64()-1.6) // a fifth to six times of 1 GB
				cache := weights / 20_000 * 4000 * random.Float64()
				format := random.IntN(4) // the last one was never measured
				truth := 1 / w.seconds(format, weights, cache)
				got := speedOf(f.line.at(target{weights: weights, cache: cache, format: fmt.Sprint("F", format)}, 1))
				if got.Low <= truth && truth <= got.High {
					held++
				}
				widths = append(widths, got.High/got.Low)
				total++
			}
			slices.Sort(widths)
			share := 100 * float64(held) / float64(total)
			t.Logf("%d points, peak known %v: %.1f %% held, median range ×%.2f", points, known, share, widths[total/2])
			if share < 90 || share > 98 {
				t.Errorf("%d points, peak known %v: %.1f %% of the ranges held the truth", points, known, share)
			}
		}
	}
}

// On GPUs most of a small model's time may be overhead, and formats lie closer together.
func TestRangesHoldTheTruthOnGPUs(t *testing.T) {
	for _, points := range []int{1, 3, 8} {
		random := rand.New(rand.NewPCG(uint64(points), 10))
		held := 0
		const machines = 800
		for range machines {
			w := newWorld(random)
			share := .05 + .85*random.Float64()
			reading := share + (1-share)*random.Float64()
			all := giga / w.peak / share
			w.overhead, w.read, w.cache = (1-reading)*all, reading*all/giga, max(-.2, .2+.4*random.NormFloat64())*all/giga
			for i := range w.formats {
				w.formats[i] = math.Exp(.15 * random.NormFloat64())
			}
			runs := w.history(points)
			for i := range runs {
				e := runs[i].Environment
				e.Engine.GPUUsed, e.Engine.GPULayers, e.Engine.Layers, e.GPUs = new(true), new(9), new(9), []domain.GPUInfo{{Name: "GPU"}}
			}
			h := Learn(runs)
			if !h.Device.GPU || h.Device.Name != "GPU" {
				t.Fatalf("%+v", h.Device)
			}
			f := h.Fit(w.peak / giga)
			weights := giga * math.Exp(3.4*random.Float64()-1.6)
			cache, format := weights/20_000*4000*random.Float64(), random.IntN(4)
			truth := 1 / w.seconds(format, weights, cache)
			if got := speedOf(f.line.at(target{weights: weights, cache: cache, format: fmt.Sprint("F", format)}, 1)); got.Low <= truth && truth <= got.High {
				held++
			}
		}
		share := 100 * float64(held) / machines
		t.Logf("%d points: %.1f %% held", points, share)
		if share < 90 || share > 98 {
			t.Errorf("%d points: %.1f %% of the ranges held the truth", points, share)
		}
	}
}

// exact is a machine whose token takes 2 ms and 10 GB/s of reading.
func exact(weights float64) float64 { return 1 / (.002 + weights/(10*giga)) }

func someRuns() []domain.Run {
	var runs []domain.Run
	for i, weights := range []int64{5e8, 1e9, 2e9, 4e9} {
		runs = append(runs, ran(2*i, weights, 0, 128, exact(float64(weights))), ran(2*i+1, weights, 0, 128, exact(float64(weights))))
	}
	return runs
}

func model(weights int64, kv int64) *domain.Model {
	size := weights
	return &domain.Model{ID: "new", Name: "New", SizeBytes: &size,
		GGUF: &domain.GGUFInfo{Quantization: "Q8_0", BitsPerWeight: 8.5, BytesPerToken: &weights, KVBytesPerToken: &kv, ContextLength: 8192}}
}

func TestPredictionFollowsTheRoofline(t *testing.T) {
	f := Learn(someRuns()).Fit(14)
	told := f.Told()
	if told.Runs != 8 || told.Points != 4 || told.Models != 4 || math.Abs(told.GBPerS-10) > 1 || math.Abs(told.OverheadMs-2) > 2 || told.Caution {
		t.Errorf("%+v", told)
	}
	got := f.Model(model(3e9, 0), domain.PredictionQuery{ContextTokens: 512})
	if want := exact(3e9); math.Abs(got.Decode.Value/want-1) > .02 || got.Decode.Low > want || got.Decode.High < want || got.Decode.High/got.Decode.Low > 1.5 {
		t.Errorf("%+v, want %.3f", got.Decode, want)
	}
	if p := got.Prefill; p == nil || math.Abs(p.Value/(4e12/3e9/16)-1) > .01 || p.Low >= p.Value || p.High <= p.Value {
		t.Errorf("prefill %+v", p)
	}
	deep := f.Model(model(3e9, 1e6), domain.PredictionQuery{ContextTokens: 4096})
	if *deep.BytesPerToken != 3e9+4096e6 || deep.Decode.Value >= got.Decode.Value*.6 || deep.Decode.High/deep.Decode.Low < 1.3 {
		t.Errorf("at a depth that no run had: %+v", deep.Decode)
	}
	small := f.Model(model(3e9, 0), domain.PredictionQuery{Quantization: "Q4_K_M"})
	if want := exact(3e9 * 4.89 / 8.5); small.Decode.Low > want || small.Decode.High < want || small.Decode.High/small.Decode.Low < 2 ||
		math.Abs(small.Decode.Value/want-1) > .1 || small.Quantization != "Q4_K_M" || len(small.Notes) != 2 || !strings.HasPrefix(small.Notes[1], "No run used Q4_K,") {
		t.Errorf("another quantization: %+v, want %.3f", small.Decode, want)
	}
}

// With twice the bandwidth a token takes at least as long as its overhead, and at best half.
func TestPredictionForAnotherMemory(t *testing.T) {
	f := Learn(someRuns()).Fit(14)
	here, there := f.Model(model(3e9, 0), domain.PredictionQuery{}), f.Model(model(3e9, 0), domain.PredictionQuery{BandwidthGBPS: new(28.0)})
	if gain := there.Decode.Value / here.Decode.Value; gain < 1.4 || gain > 2 {
		t.Errorf("gain %.2f: %+v, %+v", gain, here.Decode, there.Decode)
	}
	if slow := f.Model(model(3e9, 0), domain.PredictionQuery{BandwidthGBPS: new(7.0)}); slow.Decode.Value > here.Decode.Value*.7 || slow.Decode.Low < here.Decode.Value*.3 {
		t.Errorf("half of it: %+v", slow.Decode)
	}
	f = Learn(someRuns()).Fit(0)
	if got := f.Model(model(3e9, 0), domain.PredictionQuery{BandwidthGBPS: new(28.0)}); got.Decode != nil || !strings.Contains(got.DecodeReason, "has not been measured") {
		t.Errorf("%+v", got)
	}
}

func TestPredictionSaysWhyThereIsNone(t *testing.T) {
	f := Learn(someRuns()).Fit(14)
	bare := &domain.Model{ID: "bare", SizeBytes: new(int64(2e9))}
	for want, got := range map[string]domain.Prediction{
		"The context of this model holds 8192 tokens.":                                    f.Model(model(3e9, 0), domain.PredictionQuery{ContextTokens: 9000}),
		"It takes 80.0 GB and the memory has 64.0 GB.":                                    f.Model(model(8e10, 0), domain.PredictionQuery{}),
		"How much of this model a token reads is not known.":                              f.Model(&domain.Model{}, domain.PredictionQuery{}),
		"What the weights of this model are stored in is not known before it is fetched.": f.Model(bare, domain.PredictionQuery{Quantization: "Q8_0"}),
	} {
		if got.Decode != nil || got.Prefill != nil || got.DecodeReason != want || got.PrefillReason != want {
			t.Errorf("%q: %+v", want, got)
		}
	}
	if got := f.Model(bare, domain.PredictionQuery{ContextTokens: 512}); got.Decode == nil || got.Prefill != nil || got.PrefillReason == "" || len(got.Notes) != 1 {
		t.Errorf("a file that was not fetched: %+v", got)
	}
	none := Learn(nil).Fit(14)
	if got := none.Model(model(3e9, 0), domain.PredictionQuery{}); got.Decode != nil || !strings.HasPrefix(got.DecodeReason, "No run tells yet") || none.Told() != nil {
		t.Errorf("without runs: %+v", got)
	}
}

func TestLearnPassesOverWhatSaysNothing(t *testing.T) {
	base := func() domain.Run { return ran(1, 1e9, 0, 64, 10) }
	for name, change := range map[string]func(*domain.Run){
		"of an endpoint": func(r *domain.Run) { r.Plan.EndpointID = new("e") },
		"imported":       func(r *domain.Run) { r.Imported = &domain.Imported{} },
		"not valid":      func(r *domain.Run) { r.Validity.Verdict = "invalid" },
		"several users":  func(r *domain.Run) { *r.Summary.Stages[0].Summary.DeliveredConcurrency = 3 },
		"with a draft":   func(r *domain.Run) { r.Summary.Stages[0].Summary.Draft = &domain.DraftSummary{} },
		"partly on a GPU": func(r *domain.Run) {
			e := &r.Environment.Engine
			e.GPUUsed, e.GPULayers, e.Layers = new(true), new(3), new(9)
		},
		"bytes not known":  func(r *domain.Run) { r.Environment.Model.BytesPerToken = nil },
		"canceled":         func(r *domain.Run) { r.Status = domain.StatusCanceled },
		"sample data":      func(r *domain.Run) { r.Sample = true },
		"held back":        func(r *domain.Run) { r.Bottleneck = &domain.Bottleneck{Limit: domain.LimitCPU} },
		"of short answers": func(r *domain.Run) { r.Summary.Stages[0].Summary.Tokens.Output = 2 },
	} {
		r := base()
		change(&r)
		if h := Learn([]domain.Run{r}); len(h.all) != 0 || h.Newest != nil {
			t.Errorf("a run %s was taken", name)
		}
	}
	old, doubtful := base(), base()
	old.Environment.Engine.Threads = 8
	doubtful.Validity.Verdict = "caution"
	if h := Learn([]domain.Run{base(), old, doubtful}); len(h.all) != 1 || h.Device.Threads != 4 {
		t.Errorf("%+v", h.Device)
	}
	f := Learn([]domain.Run{doubtful}).Fit(14)
	if told := f.Told(); told == nil || !told.Caution || !strings.Contains(told.Sentence, "caution") {
		t.Errorf("%+v", told)
	}
}

func TestScoreLeavesTheRunsOfAPointOut(t *testing.T) {
	f := Learn(someRuns()).Fit(14)
	s := f.Score()
	if s.Total != 8 || s.Held != 8 || *s.MedianErrorPercent > 10 || len(s.Runs) != 8 || s.Runs[0].JobID != "0" || !s.Runs[0].Held {
		t.Errorf("%+v", s)
	}
	odd := append(someRuns(), ran(9, 3e9, 0, 128, 3*exact(3e9)))
	f = Learn(odd).Fit(0)
	if s := f.Score(); s.Total != 9 || s.Held == 9 || s.Runs[len(s.Runs)-1].Held {
		t.Errorf("a run three times as fast was predicted: %+v", s)
	}
	one := Learn(someRuns()[:2]).Fit(14)
	if s := one.Score(); s.Total != 0 || s.MedianErrorPercent != nil || !strings.HasPrefix(s.Sentence, "No prediction") {
		t.Errorf("of one file: %+v", s)
	}
}

// Of a model with experts a token reads and computes the active share alone.
func TestActiveParameters(t *testing.T) {
	if got := activeOf(&domain.GGUFInfo{Parameters: 30e9, BitsPerWeight: 8, BytesPerToken: new(int64(3e9))}); got != 3e9 {
		t.Errorf("%g", got)
	}
	if got := cacheShare(&domain.EngineOptions{CacheTypeK: new("q8_0"), CacheTypeV: new("f16")}); got != 24.5/32 {
		t.Errorf("%g", got)
	}
}

// A format that was measured is told by its own arithmetic, not by its size alone: on a processor Q8_0 may be faster than the
// smaller Q4_1.
func TestFormatsHaveTheirOwnSpeed(t *testing.T) {
	slow := func(r domain.Run) domain.Run { r.Environment.Model.Quantization = "Q4_1"; return r }
	runs := append(someRuns(), slow(ran(20, 6e8, 0, 128, exact(2.4e9))), slow(ran(21, 12e8, 0, 128, exact(4.8e9))))
	f := Learn(runs).Fit(0)
	m := model(2e9, 0)
	m.GGUF.Quantization = "Q4_1"
	got := f.Model(m, domain.PredictionQuery{}).Decode
	if want := exact(8e9); got.Low > want || got.High < want || got.Value > 1.6*want {
		t.Errorf("%+v, want %.3f", got, want)
	}
	if fast := f.Model(model(2e9, 0), domain.PredictionQuery{}).Decode; fast.Value < 1.8*got.Value || fast.Low > exact(2e9) || fast.High < exact(2e9) {
		t.Errorf("%+v, want %.3f", fast, exact(2e9))
	}
	for quantization, want := range map[string]string{"Q4_K_M": "Q4_K", "Q3_K_L": "Q3_K", "Q4_K": "Q4_K", "Q8_0": "Q8_0", "IQ2_M": "IQ2_M"} {
		if got := formatOf(quantization); got != want {
			t.Errorf("%s is %s", quantization, got)
		}
	}
}
