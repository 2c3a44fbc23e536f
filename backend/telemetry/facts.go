package telemetry

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/cpuid/v2"
)

// factMemo keeps the facts for a second: hundreds of cores have hundreds of files, and whoever waits for
// a quiet machine asks often.
type factMemo struct {
	mu    sync.Mutex
	at    time.Time
	known map[string]string
}

func (m *factMemo) now(tree fs.FS) map[string]string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if now := time.Now(); m.known == nil || now.Sub(m.at) >= time.Second {
		m.known, m.at = facts(tree), now
	}
	return m.known // never changed once it is made
}

// facts reads what moves the machine's speed and may change while the program runs, below the root of
// the file system: a key that the system does not tell is missing.
func facts(tree fs.FS) map[string]string {
	f := map[string]string{}
	put := func(key, value string) {
		if value != "" {
			f[key] = value
		}
	}
	const policy = "sys/devices/system/cpu/cpufreq/policy*/"
	put("cpu_governor", distinct(tree, policy+"scaling_governor"))
	put("cpu_epp", distinct(tree, policy+"energy_performance_preference"))
	put("cpu_frequency_driver", distinct(tree, policy+"scaling_driver"))
	put("cpu_boost", boost(tree))
	put("cpu_smt", text(tree, "sys/devices/system/cpu/smt/control"))
	put("power_source", powerSource(tree))
	put("power_profile", text(tree, "sys/firmware/acpi/platform_profile"))
	put("transparent_hugepages", chosen(text(tree, "sys/kernel/mm/transparent_hugepage/enabled")))
	if n := len(matches(tree, "sys/devices/system/node/node[0-9]*")); n > 0 {
		put("numa_nodes", strconv.Itoa(n))
	}
	put("cgroup_cpus", cpuQuota(tree))
	put("cgroup_memory_gb", memoryQuota(tree))
	return f
}

// fixedFacts reads what stays while the program runs.
func fixedFacts(tree fs.FS) map[string]string {
	f := map[string]string{"cpu_features": features()}
	for key, value := range map[string]string{
		"hypervisor": hypervisor(), "container": container(tree), "libc": libc(tree),
		"cpu_microcode": microcode(text(tree, "proc/cpuinfo")), "cpu_cache": caches(), "ram_modules": ramModules(tree),
	} {
		if value != "" {
			f[key] = value
		}
	}
	if f["cpu_features"] == "" {
		delete(f, "cpu_features")
	}
	return f
}

// distinct joins the different contents of the files that match.
func distinct(tree fs.FS, pattern string) string {
	seen := map[string]bool{}
	for _, name := range matches(tree, pattern) {
		if s := text(tree, name); s != "" {
			seen[s] = true
		}
	}
	return strings.Join(slices.Sorted(maps.Keys(seen)), ", ")
}

// boost says "on" or "off" of the clock above the nominal one; Intel's driver tells the contrary.
func boost(tree fs.FS) string {
	for _, file := range []struct{ name, on string }{
		{"sys/devices/system/cpu/intel_pstate/no_turbo", "0"},
		{"sys/devices/system/cpu/cpufreq/boost", "1"},
	} {
		switch s := text(tree, file.name); {
		case s == file.on:
			return "on"
		case s != "":
			return "off"
		}
	}
	return ""
}

// powerSource is "battery" while a battery of the machine is drained, "mains" while none is; empty when
// it has no battery and no adapter.
func powerSource(tree fs.FS) string {
	source := ""
	for _, name := range matches(tree, "sys/class/power_supply/*/uevent") {
		data, err := fs.ReadFile(tree, name)
		if err != nil {
			continue
		}
		b := parseBattery(data)
		switch {
		case b.ofDevice:
		case b.isBattery && b.discharging:
			return "battery"
		default:
			source = "mains"
		}
	}
	return source
}

// chosen is the word in brackets of a list such as "always [madvise] never".
func chosen(list string) string {
	_, rest, _ := strings.Cut(list, "[")
	word, _, _ := strings.Cut(rest, "]")
	return word
}

// cpuQuota is how many CPUs' worth of time the control groups grant, the smallest of all levels.
func cpuQuota(tree fs.FS) string {
	least := 0.0
	for _, dir := range cgroupsOf(tree, "cpu") {
		quota, period, ok := strings.Cut(text(tree, dir+"/cpu.max"), " ")
		if !ok {
			quota, period = text(tree, dir+"/cpu.cfs_quota_us"), text(tree, dir+"/cpu.cfs_period_us")
		}
		q, err := strconv.ParseFloat(quota, 64) // "max" and -1 are no quota
		p, err2 := strconv.ParseFloat(period, 64)
		if err == nil && err2 == nil && q > 0 && p > 0 && (least == 0 || q/p < least) {
			least = q / p
		}
	}
	if least == 0 {
		return ""
	}
	return strconv.FormatFloat(least, 'f', 2, 64)
}

// memoryQuota is the smallest limit of all levels, in GB; limits beyond any machine are none.
func memoryQuota(tree fs.FS) string {
	const beyond = 1 << 60
	least := uint64(beyond)
	for _, dir := range cgroupsOf(tree, "memory") {
		for _, name := range []string{"/memory.max", "/memory.limit_in_bytes"} {
			if v, err := strconv.ParseUint(text(tree, dir+name), 10, 64); err == nil {
				least = min(least, v)
			}
		}
	}
	if least == beyond {
		return ""
	}
	return strconv.FormatFloat(float64(least)/gb, 'f', 2, 64)
}

// microcode reads the revision of the first CPU in /proc/cpuinfo.
func microcode(cpuinfo string) string {
	for line := range strings.Lines(cpuinfo) {
		key, value, ok := strings.Cut(line, ":")
		if ok && strings.TrimSpace(key) == "microcode" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// features names the instructions that engines choose their kernels by.
func features() string {
	var names []string
	for _, id := range []cpuid.FeatureID{
		cpuid.AVX, cpuid.AVX2, cpuid.FMA3, cpuid.F16C, cpuid.AVXVNNI, cpuid.AVX512F, cpuid.AVX512VNNI, cpuid.AVX512BF16,
		cpuid.AVX512FP16, cpuid.AMXINT8, cpuid.AMXBF16, cpuid.ASIMD, cpuid.ASIMDDP, cpuid.ASIMDHP, cpuid.SVE,
	} {
		if cpuid.CPU.Supports(id) {
			names = append(names, id.String())
		}
	}
	return strings.Join(names, ", ")
}

// libc names the C library that programs of this system use, with its version where that of GNU can be
// found in the library itself.
func libc(tree fs.FS) string {
	if len(matches(tree, "lib/ld-musl-*.so.1")) > 0 {
		return "musl"
	}
	for _, pattern := range []string{"lib/*/libc.so.6", "lib64/libc.so.6", "usr/lib/libc.so.6"} {
		for _, name := range matches(tree, pattern) {
			if version := glibcVersion(tree, name); version != "" {
				return "glibc " + version
			}
		}
	}
	return ""
}

// glibcVersion finds the sentence that the library prints when it is run as a program.
func glibcVersion(tree fs.FS, name string) string {
	f, err := tree.Open(path.Clean(name))
	if err != nil {
		return ""
	}
	defer f.Close()
	const mark, sentence = "GNU C Library", 128
	buf := make([]byte, 64<<10)
	kept := 0 // of the block before: the sentence may lie across two
	for {
		n, err := f.Read(buf[kept:])
		block := buf[:kept+n]
		if at := bytes.Index(block, []byte(mark)); at >= 0 && (len(block)-at > sentence || errors.Is(err, io.EOF)) {
			_, rest, _ := strings.Cut(string(block[at:min(at+sentence, len(block))]), " version ")
			end := strings.IndexFunc(rest, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
			return strings.TrimRight(rest[:max(end, 0)], ".")
		}
		if err != nil {
			return ""
		}
		kept = copy(buf, block[max(len(block)-sentence-len(mark), 0):])
	}
}
