package service

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/load"
	"github.com/inferometer/inferometer/backend/workload"
)

// planValues checks every value that stands alone and fills the defaults in.
func planValues(r domain.BenchmarkRequest, storeText bool) (domain.Plan, error) {
	var bad fieldErrors
	p := domain.Plan{
		Task: domain.TaskTextGeneration, MaxTokens: or(r.MaxTokens, DefaultMaxTokens),
		Temperature: or(r.Temperature, DefaultTemperature), TopP: or(r.TopP, DefaultTopP),
		UseGPU: or(r.UseGPU, true), UseGPUExplicit: r.UseGPU != nil, GPU: r.GPU,
		Warmup: or(r.Warmup, DefaultWarmup), Cooldown: or(r.Cooldown, 0), StoreText: or(r.StoreText, storeText),
		Load: or(r.Load, domain.Load{Kind: domain.LoadSingle}), Stop: or(r.Stop, domain.Stop{}), Repeat: 1, Rest: r.Rest,
		DatasetID: r.DatasetID, Synthetic: r.Synthetic, PromptCache: promptCache(r),
		Raw: or(r.RawCompletion, false), SLO: []domain.Objective{}, Seed: or(r.Seed, int64(rand.Uint32())), // #nosec G404 -- a seed that is shown and repeated, no secret
		Phases: []domain.Phase{domain.PhasePrepare, domain.PhaseSettle, domain.PhaseWarmup,
			domain.PhaseMeasure, domain.PhaseDrain, domain.PhaseStop},
	}
	checkPrompt(r, &bad)
	checkRange(&bad, "body.max_tokens", float64(p.MaxTokens), 1, 32768)
	checkRange(&bad, "body.temperature", p.Temperature, 0, 2)
	if !(p.TopP > 0 && p.TopP <= 1) {
		bad.add("body.top_p", "must be above 0 and at most 1")
	}
	checkRange(&bad, "body.seed", float64(p.Seed), 0, math.MaxUint32)
	checkRange(&bad, "body.warmup", float64(p.Warmup), 0, 1000)
	checkRange(&bad, "body.cooldown", float64(p.Cooldown), 0, 1000)
	if p.GPU != nil {
		checkRange(&bad, "body.gpu", float64(*p.GPU), 0, 63)
	}
	if p.PromptCache != domain.CacheOff && p.PromptCache != domain.CacheOn {
		bad.add("body.prompt_cache", "must be off or on")
	}
	planEngine(r, &p, &bad)
	planLoad(r, &p, &bad)
	planRest(&p, &bad)
	checkLabels("body.name", or(r.Name, ""), 200, &bad)
	checkLabels("body.notes", or(r.Notes, ""), 20000, &bad)
	checkTags(r.Tags, &bad)
	return p, bad.err()
}

// planEngine takes the settings of the embedded engine.
func planEngine(r domain.BenchmarkRequest, p *domain.Plan, bad *fieldErrors) {
	o := r.EngineOptions
	if o == nil || *o == (domain.EngineOptions{}) {
		return
	}
	if r.EndpointID != nil {
		bad.add("body.engine_options", "belongs to the embedded engine; an endpoint has its own settings")
	}
	for _, x := range []struct {
		name        string
		value       *int
		least, most float64
	}{
		{"threads", o.Threads, 1, 1024}, {"batch_size", o.BatchSize, 1, 65536}, {"ubatch_size", o.UBatchSize, 1, 65536},
		{"gpu_layers", o.GPULayers, 0, 999}, {"context_tokens", o.ContextTokens, 64, 1 << 20},
	} {
		if x.value != nil {
			checkRange(bad, "body.engine_options."+x.name, float64(*x.value), x.least, x.most)
		}
	}
	for name, v := range map[string]*string{"cache_type_k": o.CacheTypeK, "cache_type_v": o.CacheTypeV} {
		if v != nil && !slices.Contains(domain.CacheTypes(), *v) {
			bad.add("body.engine_options."+name, "must be one of %s", strings.Join(domain.CacheTypes(), ", "))
		}
	}
	if v := o.FlashAttention; v != nil && !slices.Contains([]string{"on", "off", "auto"}, *v) {
		bad.add("body.engine_options.flash_attention", "must be one of on, off, auto")
	}
	p.EngineOptions = o
}

// planLoad takes what says when requests start, how many there are and what is wanted of them.
func planLoad(r domain.BenchmarkRequest, p *domain.Plan, bad *fieldErrors) {
	if r.Repeat != nil {
		n, ok := wholeNumber(r.Repeat)
		if !ok || n < 1 || n > MaxRepeat {
			bad.add("body.repeat", "must be a whole number from 1 to %d, or \"auto\"", MaxRepeat)
		}
		p.Repeat = n
	}
	if r.SLO != nil {
		slo, err := load.ParseObjectives(r.SLO)
		if e := (*domain.Error)(nil); errors.As(err, &e) {
			*bad = append(*bad, e.Fields...) // they name the entry
		}
		p.SLO = append(p.SLO, slo...)
	}
	for _, in := range r.Stages {
		p.Stages = append(p.Stages, domain.PlanStage{Name: strings.TrimSpace(or(in.Name, "")), Load: or(in.Load, domain.Load{}),
			Stop: or(in.Stop, domain.Stop{}), DepthTokens: in.DepthTokens})
	}
	if k := p.Load.Kind; len(p.Stages) > 0 && (k == domain.LoadSweep || k == domain.LoadKnee) {
		bad.add("body.load.kind", "%s makes its own stages; give this or stages", k)
	}
	if p.Synthetic != nil {
		*bad = append(*bad, workload.CheckSynthetic(*p.Synthetic)...)
	}
	*bad = append(*bad, load.Check(*p)...)
}

// planRest checks the pauses and fills their longest time in.
func planRest(p *domain.Plan, bad *fieldErrors) {
	r := p.Rest
	if r == nil {
		return
	}
	if r.Seconds == nil && r.BelowC == nil {
		bad.add("body.rest", "give seconds, below_c or both")
	}
	if r.MostS != nil && r.BelowC == nil {
		bad.add("body.rest.most_s", "belongs to below_c")
	}
	filled := domain.Rest{Seconds: new(or(r.Seconds, 0)), BelowC: r.BelowC, MostS: r.MostS, First: r.First}
	checkRange(bad, "body.rest.seconds", *filled.Seconds, 0, mostRestS)
	if r.BelowC != nil {
		checkRange(bad, "body.rest.below_c", *r.BelowC, 20, 100)
		filled.MostS = new(or(r.MostS, DefaultMostRestS))
		checkRange(bad, "body.rest.most_s", *filled.MostS, 1, mostRestS)
	}
	p.Rest = &filled
	p.Phases = slices.Insert(slices.Clone(p.Phases), slices.Index(p.Phases, domain.PhaseMeasure)+1, domain.PhaseRest)
}

// promptCache keeps prompts cold unless the request says otherwise; a shared start of prompts only
// makes sense with a cache that answers it.
func promptCache(r domain.BenchmarkRequest) string {
	if r.PromptCache == nil && r.Synthetic != nil && or(r.Synthetic.SharedPrefixTokens, 0) > 0 {
		return domain.CacheOn
	}
	return or(r.PromptCache, domain.CacheOff)
}

func checkPrompt(r domain.BenchmarkRequest, bad *fieldErrors) {
	if strings.TrimSpace(r.ModelID) == "" {
		bad.add("body.model_id", "is required")
	}
	switch {
	case r.Prompt != nil && r.DatasetID != nil:
		bad.add("body.dataset_id", "give either prompt or dataset_id, not both")
	case r.Synthetic != nil && (r.Prompt != nil || r.DatasetID != nil):
		bad.add("body.synthetic", "give one of prompt, dataset_id and synthetic, not two")
	case r.Prompt == nil && r.DatasetID == nil && r.Synthetic == nil:
		bad.add("body.prompt", "give a prompt, a dataset_id or synthetic")
	case r.Prompt != nil && strings.TrimSpace(*r.Prompt) == "":
		bad.add("body.prompt", "must not be empty")
	case r.DatasetID != nil && *r.DatasetID == "":
		bad.add("body.dataset_id", "must not be empty")
	}
}

func checkRange(bad *fieldErrors, location string, v, lo, hi float64) {
	if !(v >= lo && v <= hi) { // also false for NaN
		bad.add(location, "must be %g to %.0f", lo, hi)
	}
}

func checkLabels(location, text string, most int, bad *fieldErrors) {
	if utf8.RuneCountInString(text) > most {
		bad.add(location, "must have at most %d characters", most)
	}
}

func checkTags(tags []string, bad *fieldErrors) {
	if len(tags) > 32 {
		bad.add("body.tags", "must have at most 32 entries")
	}
	for i, t := range tags {
		if strings.TrimSpace(t) == "" || utf8.RuneCountInString(t) > 64 {
			bad.add(fmt.Sprintf("body.tags[%d]", i), "must have 1 to 64 characters")
		}
	}
}

// cleanTags trims, and drops repetitions while keeping the order.
func cleanTags(tags []string) []string {
	out := make([]string, 0, len(tags))
	for _, t := range tags {
		if t = strings.TrimSpace(t); !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	return out
}

// wholeNumber reads what a JSON decoder makes of a number.
func wholeNumber(v any) (int, bool) {
	switch n := v.(type) {
	case int:
		return n, true
	case float64:
		return int(n), n == math.Trunc(n) && math.Abs(n) < 1e9
	}
	return 0, false
}
