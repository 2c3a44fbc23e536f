package experiment

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/inferometer/inferometer/backend/domain"
)

// defaultArm is the name of the arm that tune holds all others against.
const defaultArm = "Default"

// mostDraws ends the search for further mixtures of few values.
const mostDraws = 500

// Machine is what the default candidates follow from.
type Machine struct {
	Cores, Threads int // physical and logical
	GPU            bool
}

// tuneSetting is one setting of the engine that tune may change.
type tuneSetting struct {
	name, short string
	own         string // the engine's own value, which is no change
	answers     bool   // whether the model may answer otherwise with it
	// values are those to try on a machine where none are given.
	values func(Machine) []string
	given  func(*domain.TuneValues) []string
	set    func(*domain.EngineOptions, string)
	get    func(domain.EngineOptions) *string
}

func numberWords(list ...int) []string {
	var out []string
	for _, n := range list {
		if s := strconv.Itoa(n); n > 0 && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

func sameValues(values ...string) func(Machine) []string {
	return func(Machine) []string { return values }
}

// ofNumber is a setting that is a number.
func ofNumber(name, short string, values func(Machine) []string, given func(*domain.TuneValues) *[]int, field func(*domain.EngineOptions) **int) tuneSetting {
	return tuneSetting{name: name, short: short, values: values,
		given: func(v *domain.TuneValues) []string {
			var out []string
			for _, n := range *given(v) {
				out = append(out, strconv.Itoa(n))
			}
			return out
		},
		set: func(o *domain.EngineOptions, s string) {
			if n, err := strconv.Atoi(s); err == nil {
				*field(o) = &n
			}
		},
		get: func(o domain.EngineOptions) *string {
			n := *field(&o)
			if n == nil {
				return nil
			}
			return new(strconv.Itoa(*n))
		}}
}

// ofWord is a setting that is a word.
func ofWord(name, short, own string, answers bool, values []string, given func(*domain.TuneValues) *[]string, field func(*domain.EngineOptions) **string) tuneSetting {
	return tuneSetting{name: name, short: short, own: own, answers: answers, values: sameValues(values...),
		given: func(v *domain.TuneValues) []string { return *given(v) },
		set:   func(o *domain.EngineOptions, s string) { *field(o) = &s },
		get:   func(o domain.EngineOptions) *string { return *field(&o) }}
}

func tuneSettings() []tuneSetting {
	type (
		O = domain.EngineOptions
		V = domain.TuneValues
	)
	threads := func(m Machine) []string {
		return numberWords(m.Cores/4, m.Cores/2, 3*m.Cores/4, m.Cores-1, m.Cores, m.Threads)
	}
	return []tuneSetting{
		ofNumber("threads", "threads", threads, func(v *V) *[]int { return &v.Threads }, func(o *O) **int { return &o.Threads }),
		ofNumber("batch_size", "batch", sameValues("512", "1024", "4096"), func(v *V) *[]int { return &v.BatchSize }, func(o *O) **int { return &o.BatchSize }),
		ofNumber("ubatch_size", "ubatch", sameValues("128", "256", "1024", "2048"), func(v *V) *[]int { return &v.UBatchSize }, func(o *O) **int { return &o.UBatchSize }),
		ofWord("flash_attention", "flash", "auto", false, []string{"on", "off"}, func(v *V) *[]string { return &v.FlashAttention }, func(o *O) **string { return &o.FlashAttention }),
		ofWord("cache_type_k", "K", "f16", true, []string{"q8_0"}, func(v *V) *[]string { return &v.CacheTypeK }, func(o *O) **string { return &o.CacheTypeK }),
		ofWord("cache_type_v", "V", "f16", true, []string{"q8_0"}, func(v *V) *[]string { return &v.CacheTypeV }, func(o *O) **string { return &o.CacheTypeV }),
		ofNumber("gpu_layers", "GPU layers", sameValues("0", "8", "16", "24", "32", "48", "64"), func(v *V) *[]int { return &v.GPULayers }, func(o *O) **int { return &o.GPULayers }),
	}
}

// SettingNames lists the settings that tune may change.
func SettingNames() []string {
	var out []string
	for _, s := range tuneSettings() {
		out = append(out, s.name)
	}
	return out
}

// ForMachine fills in which settings tune tries with which values, where the request leaves that open, and refuses
// what this machine cannot tell apart. Other kinds stay as they are.
func ForMachine(r domain.ExperimentRequest, m Machine, bad *Refusals) domain.ExperimentRequest {
	if or(r.Kind, "") != domain.ExperimentTune || r.Benchmark == nil {
		return r
	}
	d, v := or(r.Tune, domain.TuneDesign{}), domain.TuneValues{}
	if d.Values != nil {
		v = *d.Values
	}
	gpu := m.GPU && or(r.Benchmark.UseGPU, true)
	names := slices.Clone(d.Settings)
	for _, s := range tuneSettings() {
		if len(s.given(&v)) > 0 && !slices.Contains(names, s.name) {
			names = append(names, s.name)
		}
	}
	if len(names) == 0 {
		names = []string{"threads", "ubatch_size", "flash_attention"}
		if gpu {
			names = []string{"batch_size", "ubatch_size", "flash_attention"} // the processor has little to do
		}
	}
	if slices.Contains(names, "gpu_layers") && !gpu {
		bad.Add("body.tune.settings", "gpu_layers makes no difference without a GPU in use")
	}
	now := or(r.Benchmark.EngineOptions, domain.EngineOptions{})
	for _, s := range tuneSettings() {
		if !slices.Contains(names, s.name) {
			continue
		}
		list := s.given(&v)
		if len(list) == 0 {
			list = s.values(m)
		}
		own := s.own
		if s.name == "threads" {
			own = strconv.Itoa(max(1, m.Cores-1))
		}
		if is := s.get(now); is != nil {
			own = *is
		}
		putValues(&v, s.name, slices.DeleteFunc(slices.Clone(list), func(x string) bool { return x == own }))
	}
	d.Settings, d.Values = names, &v
	r.Tune = &d
	return r
}

// putValues stores the values of one setting.
func putValues(v *domain.TuneValues, name string, list []string) {
	ints := func() []int {
		var out []int
		for _, s := range list {
			if n, err := strconv.Atoi(s); err == nil {
				out = append(out, n)
			}
		}
		return out
	}
	switch name {
	case "threads":
		v.Threads = ints()
	case "batch_size":
		v.BatchSize = ints()
	case "ubatch_size":
		v.UBatchSize = ints()
	case "gpu_layers":
		v.GPULayers = ints()
	case "flash_attention":
		v.FlashAttention = list
	case "cache_type_k":
		v.CacheTypeK = list
	case "cache_type_v":
		v.CacheTypeV = list
	}
}

// tuneCandidates are the default first, then every single change, then mixtures as the seed draws them. Where there are
// more single changes than may be tried, the seed draws among these.
func tuneCandidates(b domain.BenchmarkRequest, d domain.TuneDesign, seed int64) []domain.Arm {
	out := []domain.Arm{{Name: defaultArm, Benchmark: b}}
	random := rand.New(rand.NewPCG(uint64(seed), 0x7475)) // #nosec G115 G404 -- candidates that are repeated from their seed, not a secret
	add := func(changes map[string]string) {
		arm, ok := changedArm(b, changes)
		if ok && len(out) < *d.Candidates && !slices.ContainsFunc(out, func(a domain.Arm) bool { return a.Name == arm.Name }) {
			out = append(out, arm)
		}
	}
	type choice struct {
		name   string
		values []string
	}
	var all []choice
	var singles []map[string]string
	for _, s := range tuneSettings() {
		if list := s.given(d.Values); slices.Contains(d.Settings, s.name) && len(list) > 0 {
			all = append(all, choice{s.name, list})
			for _, v := range list {
				singles = append(singles, map[string]string{s.name: v})
			}
		}
	}
	if len(singles) > *d.Candidates-1 {
		random.Shuffle(len(singles), func(i, j int) { singles[i], singles[j] = singles[j], singles[i] })
	}
	for _, c := range singles {
		add(c)
	}
	for range mostDraws {
		if len(out) >= *d.Candidates || len(all) < 2 {
			break
		}
		mix := map[string]string{}
		for _, c := range all {
			if random.IntN(2) == 0 {
				mix[c.name] = c.values[random.IntN(len(c.values))]
			}
		}
		if len(mix) > 1 {
			add(mix)
		}
	}
	return out
}

// changedArm is the benchmark with changes, named by them; false for one that the engine would take as another. A
// quantised V cache needs flash attention.
func changedArm(b domain.BenchmarkRequest, changes map[string]string) (domain.Arm, bool) {
	o := or(b.EngineOptions, domain.EngineOptions{})
	if v, ok := changes["cache_type_v"]; ok && strings.Contains(v, "q") && changes["flash_attention"] == "" && or(o.FlashAttention, "auto") != "on" {
		changes["flash_attention"] = "on"
	}
	var words []string
	for _, s := range tuneSettings() {
		if v, ok := changes[s.name]; ok {
			s.set(&o, v)
			words = append(words, fmt.Sprintf("%s %s", s.short, v))
		}
	}
	b.EngineOptions = &o
	quantised := strings.Contains(or(o.CacheTypeV, "f16"), "q")
	switch {
	case quantised && or(o.FlashAttention, "auto") == "off":
		return domain.Arm{}, false
	case o.UBatchSize != nil && o.BatchSize != nil && *o.UBatchSize > *o.BatchSize: // the engine would take the smaller
		return domain.Arm{}, false
	}
	return domain.Arm{Name: strings.Join(words, ", "), Benchmark: b}, true
}

// changesAnswers reports whether an arm differs from the default in a setting that the answers depend on.
func changesAnswers(def, arm domain.Arm) bool {
	a, b := or(def.Benchmark.EngineOptions, domain.EngineOptions{}), or(arm.Benchmark.EngineOptions, domain.EngineOptions{})
	for _, s := range tuneSettings() {
		if s.answers && or(s.get(a), s.own) != or(s.get(b), s.own) {
			return true
		}
	}
	return false
}
