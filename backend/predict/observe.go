// Package predict says how fast a model would write on this machine before it is tried. It fits the roofline
// to what was measured here, time of a token = overhead + bytes read ÷ speed of reading, and tells every
// figure with the range that it should lie in. It is pure: the same runs give the same answer, and how
// right it is follows from the runs alone, by predicting each from the others.
package predict

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/inferometer/inferometer/backend/domain"
)

const (
	oneAtATime  = 1.05 // requests under way: beyond, one reading of the weights serves several tokens
	leastTokens = 8    // of an answer on average, for a speed of decoding
	leastPrompt = 64   // tokens of a prompt on average, for a speed of reading prompts
)

// observation is one stage of one run.
type observation struct {
	run     *domain.Run
	stage   int
	file    string  // model and quantization
	format  string  // of the weights
	weights float64 // bytes that a token reads of the weights
	cache   float64 // bytes that it reads of the context cache
	active  float64 // parameters that take part in a token
	depth   float64
	speed   float64  // tokens per second
	prefill *float64 // prompt tokens per second, by the server's clock
	caution bool
}

// Device is what runs were measured on: figures of one say nothing of another.
type Device struct {
	GPU     bool
	Name    string
	Threads int
	only    int // the GPU that was chosen; -1: any
}

// History is what this machine's runs tell, of the device of the newest one.
type History struct {
	Device  Device
	Newest  *domain.Run
	all     []observation
	caution bool
}

// Learn takes runs, the newest first. Those that an endpoint served, that another program measured, that
// are not valid, that heat or other programs held back or that had several requests under way, and those of other
// devices are passed over. Runs with a
// caution count only where there are no valid ones.
func Learn(runs []domain.Run) History {
	var h History
	for i := range runs {
		r := &runs[i]
		d, ok := deviceOf(r)
		if !ok {
			continue
		}
		seen := observe(r)
		if len(seen) == 0 {
			continue
		}
		if h.Newest == nil {
			h.Device, h.Newest = d, r
		}
		if d == h.Device {
			h.all = append(h.all, seen...)
		}
	}
	if valid := slices.DeleteFunc(slices.Clone(h.all), func(o observation) bool { return o.caution }); len(valid) > 0 {
		h.all = valid
	} else {
		h.caution = len(h.all) > 0
	}
	return h
}

func deviceOf(r *domain.Run) (Device, bool) {
	e := r.Environment
	if e == nil || e.Model == nil || r.Imported != nil || r.Sample || r.Plan.EndpointID != nil || r.Status != domain.StatusCompleted ||
		r.Summary == nil || r.Validity == nil || r.Validity.Verdict == "invalid" {
		return Device{}, false
	}
	if heldBack(r) {
		return Device{}, false
	}
	d := Device{Name: e.CPUModel, Threads: e.Engine.Threads, only: -1}
	if used := e.Engine.GPUUsed; used == nil || !*used {
		return d, used != nil || len(e.GPUs) == 0
	}
	if on, all := e.Engine.GPULayers, e.Engine.Layers; on != nil && all != nil && *on < *all {
		return d, false // some layers are read from one memory, some from the other
	}
	var names []string
	for _, g := range e.GPUs {
		if r.Plan.GPU == nil || *r.Plan.GPU == g.Index {
			names = append(names, g.Name)
		}
	}
	d.GPU, d.Name, d.Threads = true, strings.Join(names, ", "), 0
	if r.Plan.GPU != nil {
		d.only = *r.Plan.GPU
	}
	return d, true
}

// heldBack reports whether a run was slower than the machine is: its time says nothing of the bytes it read.
func heldBack(r *domain.Run) bool {
	if r.Bottleneck == nil {
		return false
	}
	switch r.Bottleneck.Limit {
	case domain.LimitThermal, domain.LimitPower, domain.LimitClient, domain.LimitOffload:
		return true
	case domain.LimitCPU: // a core that feeds a GPU is part of each token's time
		return r.Environment.Engine.GPUUsed == nil || !*r.Environment.Engine.GPUUsed
	}
	return false
}

// observe reads the stages of a run in which one request ran at a time.
func observe(r *domain.Run) []observation {
	m := r.Environment.Model
	if m.BytesPerToken == nil || *m.BytesPerToken <= 0 {
		return nil
	}
	var out []observation
	for i := range r.Summary.Stages {
		s := &r.Summary.Stages[i]
		f := s.Summary
		if f == nil || f.Requests.OK == 0 || f.Draft != nil || f.DecodeTokensPerSecond == nil || *f.DecodeTokensPerSecond <= 0 ||
			f.DeliveredConcurrency == nil || *f.DeliveredConcurrency > oneAtATime {
			continue
		}
		n := float64(f.Requests.OK)
		prompt, output := 0.0, float64(f.Tokens.Output)/n
		if f.Tokens.Prompt != nil {
			prompt = float64(*f.Tokens.Prompt) / n
		}
		if output < leastTokens {
			continue
		}
		o := observation{run: r, stage: s.Index, file: fmt.Sprintf("%s %s %d", r.Model, m.Quantization, *m.BytesPerToken),
			format: formatOf(m.Quantization), weights: float64(*m.BytesPerToken), active: activeOf(m), depth: prompt + output/2, speed: *f.DecodeTokensPerSecond,
			caution: r.Validity.Verdict != "valid"}
		if kv := m.KVBytesPerToken; kv != nil {
			o.cache = float64(*kv) * cacheShare(r.Plan.EngineOptions) * o.depth
		}
		if p := f.PrefillTokensPerSecond; p != nil && *p > 0 && !f.PrefillLowerBound && prompt >= leastPrompt {
			o.prefill = p
		}
		out = append(out, o)
	}
	return out
}

// activeOf is how many parameters take part in a token: of experts the active share.
func activeOf(m *domain.GGUFInfo) float64 {
	if m.BytesPerToken == nil || m.BitsPerWeight <= 0 {
		return 0
	}
	return float64(*m.BytesPerToken) * 8 / m.BitsPerWeight
}

// formatOf is the family of a quantization whose files are read by the same arithmetic: Q4_K_S and Q4_K_M are Q4_K.
func formatOf(quantization string) string {
	for _, size := range []string{"_S", "_M", "_L", "_XL"} {
		if base, ok := strings.CutSuffix(quantization, size); ok && strings.Contains(base, "_K") {
			return base
		}
	}
	return quantization
}

// cacheShare is the size of the context cache against that of 16 bits a value.
func cacheShare(o *domain.EngineOptions) float64 {
	if o == nil {
		return 1
	}
	bits := func(kind *string) float64 {
		if kind == nil {
			return 16
		}
		return cmp.Or(map[string]float64{"f32": 32, "q8_0": 8.5, "q5_1": 6, "q5_0": 5.5, "q4_1": 5, "q4_0": 4.5, "iq4_nl": 4.5}[*kind], 16)
	}
	return (bits(o.CacheTypeK) + bits(o.CacheTypeV)) / 32
}

// point is one model file at one depth: what its runs agree on. Runs of one point are much more alike than
// points are among one another, so a point counts once.
type point struct {
	file, format   string
	weights, cache float64
	active         float64
	seconds        float64 // of a token
	prefill        float64 // prompt tokens per second; 0: not known
	of             []observation
}

// points groups observations; depths count as one within a third.
func points(all []observation) []point {
	var out []point
	at := map[string]int{}
	for _, o := range all {
		key := fmt.Sprintf("%s %.0f", o.file, math.Log(o.depth+128)/math.Log(4.0/3))
		i, known := at[key]
		if !known {
			i = len(out)
			at[key] = i
			out = append(out, point{file: o.file, format: o.format, weights: o.weights, active: o.active})
		}
		out[i].of = append(out[i].of, o)
	}
	for i := range out {
		p := &out[i]
		var logs, cache, prefill, read float64
		for _, o := range p.of {
			logs -= math.Log(o.speed)
			cache += o.cache
			if o.prefill != nil {
				prefill, read = prefill+math.Log(*o.prefill), read+1
			}
		}
		n := float64(len(p.of))
		p.seconds, p.cache = math.Exp(logs/n), cache/n
		if read > 0 {
			p.prefill = math.Exp(prefill / read)
		}
	}
	return out
}
