package compare

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/inferometer/inferometer/backend/domain"
)

// fact is one condition of a run.
type fact struct{ key, about, value string }

// facts are the conditions that can make runs differ, in the order in which they are told.
func facts(r *domain.Run) []fact {
	out := []fact{
		{"model", "model", r.Model}, {"engine", "engine", r.Engine}, {"load", "settings", stagesText(r.Plan)},
		{"dataset", "settings", pointer(r.Plan.DatasetID)}, {"max_tokens", "settings", fmt.Sprint(r.Plan.MaxTokens)},
		{"temperature", "settings", fmt.Sprint(r.Plan.Temperature)}, {"top_p", "settings", fmt.Sprint(r.Plan.TopP)},
		{"use_gpu", "settings", fmt.Sprint(r.Plan.UseGPU)}, {"prompt_cache", "settings", r.Plan.PromptCache},
	}
	for name, value := range optionsOf(r.Plan.EngineOptions) {
		out = append(out, fact{"engine_options." + name, "settings", value})
	}
	if e := r.Environment; e != nil {
		out = append(out, fact{"engine_build", "engine", strings.TrimSpace(e.Engine.Build + " " + e.Engine.Version)}, fact{"engine_source", "engine", e.Engine.Source}, fact{"app_version", "engine", e.AppVersion}, fact{"threads", "engine", fmt.Sprint(e.Engine.Threads)},
			fact{"context_tokens", "engine", fmt.Sprint(e.Engine.ContextTokens)}, fact{"model_sha256", "model", e.Engine.ModelSHA256},
			fact{"cpu_model", "machine", e.CPUModel}, fact{"kernel", "machine", e.Kernel}, fact{"gpus", "machine", gpuNames(e.GPUs)})
		for _, key := range []string{"cpu_governor", "cpu_boost", "power_source", "gpu_driver"} {
			out = append(out, fact{key, "machine", e.Extra[key]})
		}
	}
	if r.Imported != nil {
		out = append(out, fact{"imported", "engine", r.Imported.Name})
	}
	return out
}

func pointer(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func gpuNames(gpus []domain.GPUInfo) string {
	var names []string
	for _, g := range gpus {
		names = append(names, g.Name)
	}
	return strings.Join(names, ", ")
}

// stagesText names the load of each stage.
func stagesText(p domain.Plan) string {
	var names []string
	for _, s := range p.Stages {
		names = append(names, s.Name)
	}
	if len(names) == 0 {
		return p.Load.Kind
	}
	return strings.Join(names, ", ")
}

// optionsOf are the settings of the engine that were asked for, by their JSON names.
func optionsOf(o *domain.EngineOptions) map[string]string {
	out := map[string]string{}
	if o == nil {
		return out
	}
	text, err := json.Marshal(o)
	if err != nil {
		return out
	}
	var all map[string]any
	if json.Unmarshal(text, &all) != nil {
		return out
	}
	for name, v := range all {
		out[name] = fmt.Sprint(v)
	}
	return out
}

// varies stands for a side whose own runs are not alike.
const varies = "varies"

// differences are the facts that are not the same on all sides.
func differences(sides []Side) []domain.Difference {
	var order []fact
	values := map[string][]string{}
	for i, s := range sides {
		for j := range s.Runs {
			for _, f := range facts(&s.Runs[j]) {
				if values[f.key] == nil {
					values[f.key] = make([]string, len(sides))
					order = append(order, f)
				}
				switch have := &values[f.key][i]; {
				case *have == "":
					*have = f.value
				case *have != f.value:
					*have = varies
				}
			}
		}
	}
	out := []domain.Difference{}
	for _, f := range order {
		v := values[f.key]
		if slices.ContainsFunc(v, func(x string) bool { return x != v[0] || x == varies }) {
			out = append(out, domain.Difference{Key: f.key, About: f.about, Values: v})
		}
	}
	slices.SortStableFunc(out, func(a, b domain.Difference) int { return place(a.About) - place(b.About) })
	return out
}

func place(about string) int {
	return slices.Index([]string{"model", "engine", "settings", "machine"}, about)
}

// Key is the same for runs that were measured alike: of one model, engine, machine and setting.
func Key(r *domain.Run) string {
	parts := []string{}
	for _, f := range facts(r) {
		if f.key != "kernel" && f.key != "app_version" { // a system that was brought up to date is the same machine
			parts = append(parts, f.key+"="+f.value)
		}
	}
	slices.Sort(parts)
	return strings.Join(parts, "\n")
}

// warnings say what a comparison should not be read without.
func warnings(sides []Side, c domain.Comparison) []domain.Warning {
	out := []domain.Warning{}
	add := func(code, level, text string) {
		out = append(out, domain.Warning{Code: code, Level: level, Message: text})
	}
	if !c.Paired {
		add("not_interleaved", "caution", "These runs were not measured in turns: whatever changed in between is in the difference too.")
	}
	if slices.ContainsFunc(c.Differs, func(d domain.Difference) bool { return d.About == "machine" }) {
		add("environment_differs", "caution", "The machine was not the same on all sides.")
	}
	invalid, imported := 0, 0
	for _, s := range sides {
		for i := range s.Runs {
			if v := s.Runs[i].Validity; v != nil && v.Verdict == "invalid" {
				invalid++
			}
			if s.Runs[i].Imported != nil && s.Runs[i].Environment == nil {
				imported++
			}
		}
	}
	if invalid > 0 {
		add("invalid_runs", "caution", fmt.Sprintf("%d of the runs are not valid.", invalid))
	}
	if imported > 0 {
		add("imported_runs", "caution", fmt.Sprintf("%d of the runs were measured by another program, whose load and clock may differ.", imported))
	}
	return out
}

// SettingsKey is the same for runs of one model with the same settings, asked for or measured: what only a run that was
// measured can tell, such as the machine and the build of the engine, is left out.
func SettingsKey(r *domain.Run) string {
	own := *r
	own.Environment, own.Imported = nil, nil
	return Key(&own)
}
