package experiment

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/inferometer/inferometer/backend/domain"
)

// The names of settings that rules speak of.
const (
	cacheType    = "cache_type"
	concurrency  = "concurrency"
	maxTokens    = "max_tokens"
	promptTokens = "prompt_tokens"
	modelID      = "model_id"
)

// setting is one thing that a sweep may vary: a whole number from low to high, or a word.
type setting struct {
	name, label string
	low, high   int
	grain       int // steps below this are too small to matter
	words       []string
	embedded    bool // of the embedded engine; an endpoint has its own
	number      func(*domain.SweepSettings) **int
	word        func(*domain.SweepSettings) **string
}

type values = domain.SweepSettings

func settings() []setting {
	types := domain.CacheTypes()
	return []setting{
		{name: "threads", label: "threads", low: 1, high: 1024, grain: 1, embedded: true, number: func(v *values) **int { return &v.Threads }},
		{name: "batch_size", label: "batch", low: 1, high: 65536, grain: 32, embedded: true, number: func(v *values) **int { return &v.BatchSize }},
		{name: "ubatch_size", label: "ubatch", low: 1, high: 65536, grain: 32, embedded: true, number: func(v *values) **int { return &v.UBatchSize }},
		{name: "flash_attention", label: "flash attention", words: []string{"on", "off", "auto"}, embedded: true, word: func(v *values) **string { return &v.FlashAttention }},
		{name: cacheType, label: "KV", words: types, embedded: true, word: func(v *values) **string { return &v.CacheType }},
		{name: "cache_type_k", label: "K", words: types, embedded: true, word: func(v *values) **string { return &v.CacheTypeK }},
		{name: "cache_type_v", label: "V", words: types, embedded: true, word: func(v *values) **string { return &v.CacheTypeV }},
		{name: "gpu_layers", label: "GPU layers", low: 0, high: 999, grain: 1, embedded: true, number: func(v *values) **int { return &v.GPULayers }},
		{name: "context_tokens", label: "context", low: 64, high: 1 << 20, grain: 256, embedded: true, number: func(v *values) **int { return &v.ContextTokens }},
		{name: concurrency, label: "users", low: 1, high: 10000, grain: 1, number: func(v *values) **int { return &v.Concurrency }},
		{name: maxTokens, label: "output tokens", low: 1, high: 32768, grain: 8, number: func(v *values) **int { return &v.MaxTokens }},
		{name: promptTokens, label: "prompt tokens", low: 1, high: 1 << 20, grain: 16, number: func(v *values) **int { return &v.PromptTokens }},
		{name: modelID, word: func(v *values) **string { return &v.ModelID }},
	}
}

func settingOf(name string) (setting, bool) {
	all := settings()
	if i := slices.IndexFunc(all, func(s setting) bool { return s.name == name }); i >= 0 {
		return all[i], true
	}
	return setting{}, false
}

// SweepSettings names what a sweep may vary.
func SweepSettings() []string {
	var names []string
	for _, s := range settings() {
		names = append(names, s.name)
	}
	return names
}

// numeric reports whether values lie between others.
func (s setting) numeric() bool { return s.number != nil }

// set puts a value that came as JSON into v, or says what it must be.
func (s setting) set(v *values, x any) string {
	if s.numeric() {
		n, ok := whole(x)
		if !ok || n < s.low || n > s.high {
			return fmt.Sprintf("must be a whole number from %d to %d", s.low, s.high)
		}
		*s.number(v) = &n
		return ""
	}
	text, ok := x.(string)
	switch {
	case s.words != nil && (!ok || !slices.Contains(s.words, text)):
		return "must be one of " + strings.Join(s.words, ", ")
	case s.words == nil && (!ok || strings.TrimSpace(text) == "" || len(text) > 512):
		return "must be the id of a model"
	}
	*s.word(v) = &text
	return ""
}

// get is the value in v; nil where it has none.
func (s setting) get(v *values) any {
	if s.numeric() {
		if n := *s.number(v); n != nil {
			return *n
		}
		return nil
	}
	if w := *s.word(v); w != nil {
		return *w
	}
	return nil
}

// whole reads a whole number out of what JSON or a caller may hold.
func whole(x any) (int, bool) {
	switch n := x.(type) {
	case int:
		return n, true
	case float64:
		return int(n), n == math.Trunc(n) && math.Abs(n) < 1<<31
	}
	return 0, false
}

// keyOf tells cells apart.
func keyOf(v values) string {
	text, _ := json.Marshal(v) // #nosec G104 -- numbers and words alone
	return string(text)
}

// nameOf is what a cell is called: "threads 2 · KV q8_0".
func nameOf(v values, swept []string) string {
	var parts []string
	for _, name := range swept {
		s, _ := settingOf(name)
		if x := s.get(&v); x != nil {
			parts = append(parts, strings.TrimSpace(fmt.Sprintf("%s %v", s.label, x)))
		}
	}
	name := []rune(strings.Join(parts, " · "))
	return string(name[:min(len(name), 100)])
}

// applied is a benchmark with the settings of a cell.
func applied(b domain.BenchmarkRequest, v values) domain.BenchmarkRequest {
	o := or(b.EngineOptions, domain.EngineOptions{})
	over(&o.Threads, v.Threads)
	over(&o.BatchSize, v.BatchSize)
	over(&o.UBatchSize, v.UBatchSize)
	over(&o.FlashAttention, v.FlashAttention)
	over(&o.CacheTypeK, v.CacheType)
	over(&o.CacheTypeV, v.CacheType)
	over(&o.CacheTypeK, v.CacheTypeK)
	over(&o.CacheTypeV, v.CacheTypeV)
	over(&o.GPULayers, v.GPULayers)
	over(&o.ContextTokens, v.ContextTokens)
	if o != (domain.EngineOptions{}) {
		b.EngineOptions = &o
	}
	if v.Concurrency != nil {
		l := or(b.Load, domain.Load{})
		l.Kind, l.Concurrency = domain.LoadClosed, v.Concurrency
		b.Load = &l
	}
	over(&b.MaxTokens, v.MaxTokens)
	if v.PromptTokens != nil && b.Synthetic != nil {
		made := *b.Synthetic
		made.InputTokens = domain.Lengths{Kind: "fixed", Tokens: v.PromptTokens}
		b.Synthetic = &made
	}
	if v.ModelID != nil {
		b.ModelID = *v.ModelID
	}
	return b
}

func over[T any](to **T, v *T) {
	if v != nil {
		*to = v
	}
}

// settingsOf reads the swept settings back from the benchmark of a cell.
func settingsOf(b domain.BenchmarkRequest, swept []string) values {
	o := or(b.EngineOptions, domain.EngineOptions{})
	all := values{Threads: o.Threads, BatchSize: o.BatchSize, UBatchSize: o.UBatchSize, FlashAttention: o.FlashAttention, CacheType: o.CacheTypeK,
		CacheTypeK: o.CacheTypeK, CacheTypeV: o.CacheTypeV, GPULayers: o.GPULayers, ContextTokens: o.ContextTokens, MaxTokens: b.MaxTokens, ModelID: &b.ModelID}
	if b.Load != nil {
		all.Concurrency = b.Load.Concurrency
	}
	if b.Synthetic != nil {
		all.PromptTokens = b.Synthetic.InputTokens.Tokens
	}
	var out values
	for _, name := range swept {
		s, _ := settingOf(name)
		if x := s.get(&all); x != nil {
			s.set(&out, x)
		}
	}
	return out
}

// impossible says why a benchmark with these settings cannot be measured; empty when it can.
func impossible(b domain.BenchmarkRequest) string {
	o := or(b.EngineOptions, domain.EngineOptions{})
	if o.FlashAttention != nil && *o.FlashAttention == "off" && o.CacheTypeV != nil && !slices.Contains([]string{"f32", "f16", "bf16"}, *o.CacheTypeV) {
		return "A cache of values in " + *o.CacheTypeV + " needs flash attention."
	}
	if o.BatchSize != nil && o.UBatchSize != nil && *o.UBatchSize > *o.BatchSize {
		return "The engine cuts ubatch_size to batch_size."
	}
	return ""
}

// fits says why a setting does not go with a benchmark; empty when it does.
func (s setting) fits(b domain.BenchmarkRequest) string {
	switch {
	case s.embedded && b.EndpointID != nil:
		return "belongs to the embedded engine; an endpoint has its own settings"
	case s.name == concurrency && len(b.Stages) > 0:
		return "does not go with stages"
	case s.name == concurrency && b.Load != nil && b.Load.Kind != domain.LoadSingle && b.Load.Kind != domain.LoadClosed:
		return "does not go with a load of the kind " + b.Load.Kind
	case s.name == maxTokens && b.Synthetic != nil && b.Synthetic.OutputTokens != nil:
		return "does not go with output_tokens of made prompts"
	case s.name == promptTokens && b.Synthetic == nil:
		return "needs made prompts (synthetic)"
	}
	return ""
}

// Field is where in the request of an experiment the fault of a field of an arm's benchmark is to be mended.
func Field(e domain.Experiment, field string) string {
	if e.Design.Sweep != nil {
		name := strings.TrimPrefix(strings.TrimPrefix(field, "engine_options."), "load.")
		if strings.HasPrefix(field, "synthetic.input_tokens") {
			name = promptTokens
		}
		for i, a := range e.Design.Sweep.Axes {
			if a.Setting == name || a.Setting == cacheType && strings.HasPrefix(name, cacheType) {
				return fmt.Sprintf("body.sweep.axes[%d].values", i)
			}
		}
	}
	return "body.benchmark." + field
}
