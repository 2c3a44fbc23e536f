package service

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"

	"github.com/inferometer/inferometer/backend/domain"
)

// environment describes the machine and engine of a run as it begins; EnvID hashes what makes two
// runs comparable.
func (s *Service) environment(info domain.EngineInfo) domain.Environment {
	sys, app := s.d.Sampler.System(), s.d.App()
	env := domain.Environment{AppVersion: app.Version, OS: sys.OS, Kernel: sys.Kernel, Arch: sys.Arch,
		CPUModel: sys.CPUModel, CPUThreads: sys.CPUThreads, RAMTotalGB: sys.RAMTotalGB,
		Virtual: sys.Virtual, GPUs: sys.GPUs, Engine: info, RateHz: sys.Telemetry.RateHz,
		LoadBefore: load1(), Extra: map[string]string{}}
	var facts []string
	for _, key := range comparableFacts() {
		facts = append(facts, sys.Facts[key])
	}
	id, err := json.Marshal([]any{env.OS, env.Kernel, env.Arch, env.CPUModel, env.CPUThreads,
		env.RAMTotalGB, env.Virtual, env.GPUs, facts, info.Kind, info.Build, info.BinarySHA256,
		info.Threads, info.GPUUsed})
	if err == nil {
		sum := sha256.Sum256(id)
		env.EnvID = hex.EncodeToString(sum[:8])
	}
	for key, value := range sys.Facts {
		env.Extra[key] = value
	}
	if sys.CPUCores > 0 {
		env.Extra["cpu_cores"] = strconv.Itoa(sys.CPUCores)
	}
	s.stateInto(env.Extra, "_before")
	return env
}

// comparableFacts lists the facts without which runs on equal hardware differ in speed.
func comparableFacts() []string {
	return []string{"cpu_governor", "cpu_epp", "cpu_frequency_driver", "cpu_boost", "cpu_smt", "cpu_microcode", "cpu_features", "cpu_cache", "ram_modules", "numa_nodes",
		"transparent_hugepages", "power_source", "power_profile", "cgroup_cpus", "cgroup_memory_gb"}
}

// stateAfter adds to a run's environment how its machine was when it ended.
func (s *Service) stateAfter(r *domain.Run) {
	if r.Environment == nil {
		return
	}
	if r.Environment.Extra == nil {
		r.Environment.Extra = map[string]string{}
	}
	extra := r.Environment.Extra
	s.stateInto(extra, "_after")
	put(extra, "load1_after", load1(), 2)
	if source, ok := s.d.Sampler.System().Facts["power_source"]; ok {
		extra["power_source_after"] = source
	}
}

// stateInto notes what a run itself changes, under keys with the suffix.
func (s *Service) stateInto(extra map[string]string, suffix string) {
	if now, ok := s.d.Sampler.Latest(); ok {
		put(extra, "cpu_temp_c"+suffix, now.CPUTempC, 1)
		put(extra, "cpu_clock_mhz"+suffix, now.CPUClockMHz, 0)
		put(extra, "gpu_temp_c"+suffix, now.GPUTempC, 0)
	}
}

// put notes a figure that is known.
func put(extra map[string]string, key string, v *float64, decimals int) {
	if v != nil {
		extra[key] = strconv.FormatFloat(*v, 'f', decimals, 64)
	}
}
