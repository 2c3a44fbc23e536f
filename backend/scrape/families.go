package scrape

import (
	"cmp"
	"io"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

const mib = 1 << 20

// gauge puts the value of a series where it belongs.
type gauge func(p *page, s series, v float64)

// page is what one answer says. Counters become rates against the page before.
type page struct {
	at                          time.Time
	cpu                         map[string]cpuTime // by core
	memTotal, memFree           *float64           // bytes
	gpus                        map[int]*domain.GPUSample
	running, waiting, cachePct  *float64
	written, prompted, genSpeed *float64 // counters of tokens, and a speed that the server itself tells
}

type cpuTime struct{ idle, all float64 }

func set(to **float64, v float64) { *to = &v }

func add(to **float64, v float64) {
	if *to != nil {
		v += **to
	}
	*to = &v
}

func most(to **float64, v float64) {
	if *to == nil || v > **to {
		*to = &v
	}
}

// onGPU is a gauge of the GPU that the series names by its index.
func onGPU(put func(g *domain.GPUSample, v float64)) gauge {
	return func(p *page, s series, v float64) {
		i, err := strconv.Atoi(s.label("gpu"))
		if err != nil || i < 0 || s.label("GPU_I_ID") != "" { // a part of a divided GPU is none of its own
			return
		}
		g := p.gpus[i]
		if g == nil {
			g = &domain.GPUSample{Index: i}
			p.gpus[i] = g
		}
		put(g, v)
	}
}

// families are the metrics that are understood, by the names that their exporters give them:
// node_exporter; NVIDIA's dcgm-exporter (FB in MiB, energy in mJ since boot); vLLM (its two names of
// the cache's use), SGLang and llama-server (--metrics), which count several engines apart.
func families() map[string]gauge {
	running := func(p *page, _ series, v float64) { add(&p.running, v) }
	waiting := func(p *page, _ series, v float64) { add(&p.waiting, v) }
	cache := func(p *page, _ series, v float64) { most(&p.cachePct, 100*v) }
	written := func(p *page, _ series, v float64) { add(&p.written, v) }
	prompted := func(p *page, _ series, v float64) { add(&p.prompted, v) }
	vram := onGPU(func(g *domain.GPUSample, v float64) { set(&g.VRAMUsedGB, v*mib/1e9) })
	return map[string]gauge{
		"node_cpu_seconds_total": func(p *page, s series, v float64) {
			c := p.cpu[s.label("cpu")]
			switch s.label("mode") {
			case "guest", "guest_nice": // part of user and nice already
				return
			case "idle", "iowait":
				c.idle += v
			}
			c.all += v
			p.cpu[s.label("cpu")] = c
		},
		"node_memory_MemTotal_bytes":     func(p *page, _ series, v float64) { set(&p.memTotal, v) },
		"node_memory_MemAvailable_bytes": func(p *page, _ series, v float64) { set(&p.memFree, v) },

		"DCGM_FI_DEV_GPU_UTIL":      onGPU(func(g *domain.GPUSample, v float64) { set(&g.UtilPct, v) }),
		"DCGM_FI_DEV_MEM_COPY_UTIL": onGPU(func(g *domain.GPUSample, v float64) { set(&g.MemUtilPct, v) }),
		"DCGM_FI_DEV_FB_USED":       vram,
		"DCGM_FI_DEV_POWER_USAGE":   onGPU(func(g *domain.GPUSample, v float64) { set(&g.PowerW, v) }),
		"DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION": onGPU(func(g *domain.GPUSample, v float64) {
			if v > 0 { // 0: the card has no such counter
				set(&g.EnergyJ, v/1e3)
			}
		}),
		"DCGM_FI_DEV_GPU_TEMP":  onGPU(func(g *domain.GPUSample, v float64) { set(&g.TempC, v) }),
		"DCGM_FI_DEV_SM_CLOCK":  onGPU(func(g *domain.GPUSample, v float64) { set(&g.ClockMHz, v) }),
		"DCGM_FI_DEV_MEM_CLOCK": onGPU(func(g *domain.GPUSample, v float64) { set(&g.MemClockMHz, v) }),

		"vllm:num_requests_running":       running,
		"vllm:num_requests_waiting":       waiting,
		"vllm:kv_cache_usage_perc":        cache,
		"vllm:gpu_cache_usage_perc":       cache,
		"vllm:generation_tokens_total":    written,
		"vllm:prompt_tokens_total":        prompted,
		"sglang:num_running_reqs":         running,
		"sglang:num_queue_reqs":           waiting,
		"sglang:token_usage":              cache,
		"sglang:gen_throughput":           func(p *page, _ series, v float64) { add(&p.genSpeed, v) },
		"llamacpp:requests_processing":    running,
		"llamacpp:requests_deferred":      waiting,
		"llamacpp:kv_cache_usage_ratio":   cache,
		"llamacpp:tokens_predicted_total": written,
		"llamacpp:prompt_tokens_total":    prompted,
	}
}

// read makes a page of one answer. What is no finite number is not there.
func read(r io.Reader, at time.Time, known map[string]gauge) (page, error) {
	p := page{at: at, cpu: map[string]cpuTime{}, gpus: map[int]*domain.GPUSample{}}
	err := parse(r, func(name string) bool { return known[name] != nil }, func(s series) {
		if !math.IsNaN(s.value) && !math.IsInf(s.value, 0) {
			known[s.name](&p, s, s.value)
		}
	})
	return p, err
}

// empty reports whether nothing of the answer was understood.
func (p page) empty() bool {
	return len(p.cpu) == 0 && len(p.gpus) == 0 && p.memTotal == nil && p.running == nil && p.waiting == nil &&
		p.cachePct == nil && p.written == nil && p.prompted == nil && p.genSpeed == nil
}

// sample fills in the readings; before is the last page, zero when there was none.
func (p page) sample(into *domain.RemoteSample, before page) {
	if p.memTotal != nil && p.memFree != nil {
		set(&into.RAMUsedGB, (*p.memTotal-*p.memFree)/1e9)
		set(&into.RAMTotalGB, *p.memTotal/1e9)
	}
	into.CPUPercent = busy(p.cpu, before.cpu)
	for _, g := range p.gpus {
		into.GPUs = append(into.GPUs, *g)
	}
	slices.SortFunc(into.GPUs, func(a, b domain.GPUSample) int { return cmp.Compare(a.Index, b.Index) })
	into.RequestsRunning, into.RequestsWaiting, into.KVCachePercent = p.running, p.waiting, p.cachePct
	seconds := p.at.Sub(before.at).Seconds()
	into.OutputTokensPerSecond = perSecond(p.written, before.written, seconds)
	if into.OutputTokensPerSecond == nil {
		into.OutputTokensPerSecond = p.genSpeed
	}
	into.PromptTokensPerSecond = perSecond(p.prompted, before.prompted, seconds)
}

// busy is the use of all cores that both pages know, in percent.
func busy(now, before map[string]cpuTime) *float64 {
	var idle, all float64
	for core, c := range now {
		if b, ok := before[core]; ok {
			idle, all = idle+c.idle-b.idle, all+c.all-b.all
		}
	}
	if all <= 0 || idle < 0 {
		return nil
	}
	return new(min(max(100*(1-idle/all), 0), 100))
}

// perSecond is the growth of a counter; nil for the first reading, or where the server began anew.
func perSecond(now, before *float64, seconds float64) *float64 {
	if now == nil || before == nil || seconds <= 0 || *now < *before {
		return nil
	}
	return new((*now - *before) / seconds)
}
