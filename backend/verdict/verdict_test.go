package verdict

import (
	"math"
	"strings"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
)

// good is a run of 30 s on the CPU, one request at a time, that reads 1 GB a token at 20 tok/s of a
// memory that delivers 25 GB/s.
func good() *bed {
	b := &bed{r: domain.Run{Plan: domain.Plan{UseGPU: true}}}
	f := domain.Figures{Requests: domain.OutcomeCounts{OK: 10}, Tokens: domain.TokenCounts{Prompt: new(1000), Output: 2000},
		DecodeTokensPerSecond: new(20.0), PrefillTokensPerSecond: new(400.0), DeliveredConcurrency: new(0.98),
		TTFTMs: domain.Stats{P50: new(250.0)}, E2EMs: domain.Stats{P50: new(10000.0)}}
	b.r.Summary = &domain.Summary{Figures: f}
	b.r.Environment = &domain.Environment{Engine: domain.EngineInfo{Slots: 1, Threads: 4, GPUUsed: new(false)},
		Model: &domain.GGUFInfo{BytesPerToken: new(int64(1e9)), KVBytesPerToken: new(int64(0))}, Bandwidth: &domain.Bandwidth{GBPerS: 25}}
	b.r.Validity = &domain.Validity{Checks: []domain.Check{{Code: "client", State: "ok", Detail: "It kept up."}}}
	for us := int64(0); us < 30_000_000; us += 100_000 {
		b.samples = append(b.samples, domain.Sample{TUs: us, Phase: domain.PhaseMeasure, CPUPercent: new(55.0), CPUCores: make([]float64, 8),
			EngineCPUPercent: new(400.0), SelfCPUPercent: new(2.0), CPUClockMHz: new(4000.0), CPUTempC: new(60.0)})
	}
	return b
}

// bed is a run with its records, to be changed by a test.
type bed struct {
	r        domain.Run
	requests []domain.RequestRecord
	samples  []domain.Sample
}

func (b *bed) fig() *domain.Figures     { return &b.r.Summary.Figures }
func (b *bed) env() *domain.Environment { return b.r.Environment }
func (b *bed) judge() *domain.Bottleneck {
	return Of(b.r, b.requests, b.samples)
}

// each changes every sample.
func (b *bed) each(change func(*domain.Sample)) {
	for i := range b.samples {
		change(&b.samples[i])
	}
}

// onGPU makes it a run on a GPU of 100 GB/s that is busy 97 % of the time and decodes at 80 tok/s.
func (b *bed) onGPU() {
	b.env().Engine.GPUUsed, b.env().Engine.GPULayers, b.env().Engine.Layers = new(true), new(31), new(31)
	b.env().GPUs = []domain.GPUInfo{{MemBusBits: new(128), MaxMemClockMHz: new(3125.0)}}
	b.fig().DecodeTokensPerSecond = new(80.0)
	b.each(func(x *domain.Sample) {
		x.GPUPercent, x.EngineCPUPercent, x.CPUPercent = new(97.0), new(100.0), new(13.0)
		x.GPUs = []domain.GPUSample{{ClockMHz: new(1800.0), LimitReasons: []string{}}}
	})
}

// users makes it a run of so many at a time.
func (b *bed) users(n float64, slots int) {
	b.fig().DeliveredConcurrency, b.env().Engine.Slots = &n, slots
}

// limitCase changes the good run and says what limits it then.
type limitCase struct {
	change func(*bed)
	limit  string
	share  float64 // 0: none
	says   string  // part of the sentence
}

func TestLimits(t *testing.T) {
	limitsAre(t, map[string]limitCase{
		"memory":                {func(*bed) {}, domain.LimitMemory, 0.8, "it reads 20.0 of 25.0 GB/s (80 %)"},
		"memory with the cache": {func(b *bed) { b.env().Model.KVBytesPerToken = new(int64(1e6)) }, domain.LimitMemory, 0.96, "24.0 of 25.0 GB/s"},
		"nothing":               {func(b *bed) { b.fig().DecodeTokensPerSecond = new(11.0) }, domain.LimitUnknown, 0.44, "No single limit found; closest is memory bandwidth at 44 %."},
		"nothing known":         {func(b *bed) { b.env().Bandwidth = nil }, domain.LimitUnknown, 0, "No single limit found."},
		"arithmetic":            {func(b *bed) { b.fig().DecodeTokensPerSecond = new(5.0) }, domain.LimitCompute, 0, "used to 20 %"},
		"from a cache":          {func(b *bed) { b.fig().DecodeTokensPerSecond = new(50.0) }, domain.LimitCompute, 0, "comes from a cache"},
		"from a cache at rest": {func(b *bed) {
			b.fig().DecodeTokensPerSecond = new(50.0)
			b.each(func(x *domain.Sample) { x.EngineCPUPercent, x.CPUPercent = new(200.0), new(30.0) })
		}, domain.LimitUnknown, 0, "No single limit found."},
		"idle threads": {func(b *bed) {
			b.fig().DecodeTokensPerSecond = new(5.0)
			b.each(func(x *domain.Sample) { x.EngineCPUPercent, x.CPUPercent = new(200.0), new(30.0) })
		}, domain.LimitUnknown, 0.2, "closest is memory bandwidth at 20 %"},
		"prompts": {func(b *bed) { b.fig().E2EMs.P50, b.fig().TTFTMs.P50 = new(400.0), new(300.0) }, domain.LimitCompute, 0, "Reading the prompts takes 75 % of the time and is limited by arithmetic: the processor is busy, and memory bandwidth is used to 16.0 %."},
		"prompts without the engine's times": {func(b *bed) {
			b.fig().E2EMs.P50, b.fig().TTFTMs.P50, b.fig().PrefillLowerBound = new(400.0), new(300.0), true
		}, domain.LimitMemory, 0.8, "it reads 20.0 of 25.0"},
		"prompts on a processor that others use": {func(b *bed) {
			b.fig().E2EMs.P50, b.fig().TTFTMs.P50 = new(400.0), new(300.0)
			b.slow(func(x *domain.Sample) { x.CPUPercent, x.EngineCPUPercent = new(97.75), new(300.0) })
		}, domain.LimitCPU, 0, "they used 60 %"},
		"prompts under a quota": {func(b *bed) {
			b.fig().E2EMs.P50, b.fig().TTFTMs.P50 = new(400.0), new(300.0)
			b.slow(func(x *domain.Sample) { x.ThrottledPercent = new(50.0) })
		}, domain.LimitCPU, 0, "A quota"},
		"batching":                 {func(b *bed) { b.users(8, 8); b.fig().DecodeTokensPerSecond = new(6.0) }, domain.LimitCompute, 0, "used to 24 %"},
		"batching close to memory": {func(b *bed) { b.users(2, 2) }, domain.LimitUnknown, 0, "No single limit found."},
		"speculative":              {func(b *bed) { b.fig().Draft = &domain.DraftSummary{} }, domain.LimitUnknown, 0, "No single limit found."},
		"client":                   {func(b *bed) { b.r.Validity.Checks[0].State = "caution" }, domain.LimitClient, 0, "could not keep up"},
		"slots":                    {func(b *bed) { b.users(8, 4) }, domain.LimitQueue, 2, "8.0 were under way, and it serves 4"},
		"turns": {func(b *bed) {
			b.r.Summary.BestStage = new(1)
			b.users(8, 8)
			late := *b.fig()
			late.TTFTMs.P50, late.DecodeTokensPerSecond = new(1300.0), new(19.0)
			b.r.Summary.Stages = []domain.Stage{{Index: 0, Concurrency: 1, Summary: b.fig()}, {Index: 1, Concurrency: 8, Summary: &late}}
		}, domain.LimitQueue, 0, "from 1 to 8 users the first token takes 5.2 times as long"},
		"quota":      {func(b *bed) { b.slow(func(x *domain.Sample) { x.ThrottledPercent = new(12.0) }) }, domain.LimitCPU, 0, "A quota of the system held the engine back for 12 % of the time."},
		"hypervisor": {func(b *bed) { b.slow(func(x *domain.Sample) { x.StealPercent = new(9.0) }) }, domain.LimitCPU, 0, "The hypervisor took 9 %"},
		"others": {func(b *bed) {
			b.slow(func(x *domain.Sample) { x.CPUPercent, x.EngineCPUPercent = new(97.75), new(300.0) })
		}, domain.LimitCPU, 0, "they used 60 % of it, and the engine got 75 % of its 4 thread(s)"},
		// Eight cores, four threads: the engine had all it could use.
		"others beside it": {func(b *bed) { b.slow(func(x *domain.Sample) { x.CPUPercent = new(95.0) }) }, domain.LimitUnknown, 0.4, "closest is memory bandwidth at 40 %"},
		"others with room": {func(b *bed) {
			b.slow(func(x *domain.Sample) { x.CPUPercent, x.EngineCPUPercent = new(80.0), new(300.0) })
		}, domain.LimitUnknown, 0.4, "closest is"},
		"endpoint": {func(b *bed) { b.r.Plan.EndpointID = new("e") }, domain.LimitUnknown, 0, "No single limit found."},
	})
}

func TestLimitsOfAGPU(t *testing.T) {
	limitsAre(t, map[string]limitCase{
		"gpu memory":     {func(b *bed) { b.onGPU() }, domain.LimitMemory, 0.8, "the GPU's memory bandwidth: it reads 80.0 of 100.0 GB/s"},
		"gpu arithmetic": {func(b *bed) { b.onGPU(); b.fig().DecodeTokensPerSecond = new(20.0) }, domain.LimitCompute, 0.97, "used to 20 %"},
		"gpu starved": {func(b *bed) {
			b.onGPU()
			b.fig().DecodeTokensPerSecond = new(30.0)
			b.each(func(x *domain.Sample) { x.GPUPercent = new(41.0) })
		}, domain.LimitCPU, 0, "cannot feed the GPU, which was busy 41 %"},
		"offload in part": {func(b *bed) { b.onGPU(); b.env().Engine.GPULayers = new(3) }, domain.LimitOffload, 3.0 / 31, "Only 3 of 31 layers are on the GPU"},
		"offload silent":  {func(b *bed) { b.onGPU(); b.env().Engine.GPUUsed = new(false) }, domain.LimitOffload, 0, "although this machine has a GPU"},
		"gpu not asked": {func(b *bed) {
			b.onGPU()
			b.env().Engine.GPUUsed = new(false)
			b.r.Plan.UseGPU = false
			b.fig().DecodeTokensPerSecond = new(20.0)
		},
			domain.LimitMemory, 0.8, "it reads 20.0 of 25.0"},
		"power brake": {func(b *bed) { b.onGPU(); b.name("power_brake", 15_000_000) }, domain.LimitPower, 0, "A power brake held the clock down after 15 s of measuring."},
		"gpu heat":    {func(b *bed) { b.onGPU(); b.name("sw_thermal", 20_000_000) }, domain.LimitThermal, 0, "Heat held the clock down after 20 s of measuring."},
		// At its power limit a GPU may decode as fast as its memory lets it.
		"power limit without loss": {func(b *bed) { b.onGPU(); b.name("power_cap", 0) }, domain.LimitMemory, 0.8, "memory bandwidth"},
	})
}

func limitsAre(t *testing.T, cases map[string]limitCase) {
	t.Helper()
	words := portuguese(t)
	for name, c := range cases {
		b := good()
		c.change(b)
		got := b.judge()
		if got == nil || got.Limit != c.limit || !strings.Contains(got.Sentence, c.says) {
			t.Errorf("%s: %+v", name, got)
			continue
		}
		said(t, words, got)
		if share := or(got.Share, 0); math.Abs(share-c.share) > 0.005 {
			t.Errorf("%s: share %v, want %v", name, share, c.share)
		}
		if c.limit != domain.LimitUnknown && len(got.Evidence) == 0 {
			t.Errorf("%s: a cause without a reading", name)
		}
		for _, f := range got.Evidence {
			if f.Claim == "" || f.About == "" {
				t.Errorf("%s: evidence %+v", name, f)
			}
		}
	}
}

// slow takes the run away from the ceiling of the memory and changes its samples.
func (b *bed) slow(change func(*domain.Sample)) {
	b.fig().DecodeTokensPerSecond = new(10.0)
	b.each(change)
}

// name lets the GPU name a reason from a time on.
func (b *bed) name(reason string, from int64) {
	b.each(func(x *domain.Sample) {
		if x.TUs >= from {
			x.GPUs[0].LimitReasons = []string{reason}
		}
	})
}

func TestOffloadCost(t *testing.T) {
	b := good()
	b.onGPU()
	b.env().Engine.GPULayers, b.env().Engine.Layers = new(15), new(30)
	got := b.judge()
	// Half is read at 100 GB/s, half at 25: 0.5 + 0.5 × 4.
	if len(got.Evidence) < 2 || *got.Evidence[1].Value != 2.5 || !strings.Contains(got.Evidence[1].Claim, "2.5 times as long") {
		t.Errorf("%+v", got.Evidence)
	}
}

func TestNothingToJudge(t *testing.T) {
	b := good()
	b.r.Summary.Requests.OK = 0
	if got := b.judge(); got != nil {
		t.Errorf("no request succeeded: %+v", got)
	}
	if got := Of(domain.Run{}, nil, nil); got != nil {
		t.Errorf("no summary: %+v", got)
	}
	bare := domain.Run{Summary: &domain.Summary{Figures: domain.Figures{Requests: domain.OutcomeCounts{OK: 1}}}}
	got := Of(bare, nil, nil)
	said(t, portuguese(t), got)
	if got == nil || got.Limit != domain.LimitUnknown || got.Share != nil || len(got.NotJudged) == 0 {
		t.Errorf("a run without environment and readings: %+v", got)
	}
	for _, f := range got.NotJudged {
		if f.Value != nil || f.Claim == "" {
			t.Errorf("a missing reading is %+v", f)
		}
	}
}

func TestGPUPeak(t *testing.T) {
	card := func(i, bits int, mhz float64) domain.GPUInfo {
		return domain.GPUInfo{Index: i, MemBusBits: &bits, MaxMemClockMHz: &mhz}
	}
	two := []domain.GPUInfo{card(0, 384, 9751), card(1, 256, 7001)}
	for name, c := range map[string]struct {
		gpus []domain.GPUInfo
		only *int
		want float64
	}{
		"one":            {two[:1], nil, 936.1}, // as its maker states it
		"slowest of two": {two, nil, 448.1},
		"the chosen one": {two, new(0), 936.1},
		"does not tell":  {append(two[:1:1], domain.GPUInfo{Index: 1}), nil, 0},
		"instances":      {[]domain.GPUInfo{{MemBusBits: new(5120), MaxMemClockMHz: new(2619.0), MIG: new(true)}}, nil, 0},
		"none":           {nil, nil, 0},
	} {
		if got := gpuPeak(c.gpus, c.only); math.Abs(got-c.want) > 0.1 {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
