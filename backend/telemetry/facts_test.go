package telemetry

import (
	"maps"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"
)

func TestFacts(t *testing.T) {
	const policy = "sys/devices/system/cpu/cpufreq/policy"
	tests := []struct {
		name string
		tree map[string]string
		want map[string]string
	}{
		{"machine that tells nothing", nil, nil},
		{"AMD desktop", map[string]string{
			policy + "0/scaling_governor": "powersave", policy + "1/scaling_governor": "powersave",
			policy + "0/energy_performance_preference": "balance_performance", policy + "0/scaling_driver": "amd-pstate-epp",
			"sys/devices/system/cpu/cpufreq/boost": "1", "sys/devices/system/cpu/smt/control": "on",
			"sys/kernel/mm/transparent_hugepage/enabled": "always [madvise] never",
			"sys/devices/system/node/node0/cpulist":      "0-15", "sys/devices/system/node/node1/cpulist": "16-31",
			"sys/devices/system/node/possible": "0-1",
		}, map[string]string{
			"cpu_governor": "powersave", "cpu_epp": "balance_performance", "cpu_frequency_driver": "amd-pstate-epp", "cpu_boost": "on",
			"cpu_smt": "on", "transparent_hugepages": "madvise", "numa_nodes": "2",
		}},
		{"Intel, governors differ", map[string]string{
			policy + "0/scaling_governor": "performance", policy + "1/scaling_governor": "powersave",
			"sys/devices/system/cpu/intel_pstate/no_turbo": "1",
		}, map[string]string{"cpu_governor": "performance, powersave", "cpu_boost": "off"}},
		{"laptop on its battery", map[string]string{
			"sys/class/power_supply/AC/uevent":     "POWER_SUPPLY_TYPE=Mains",
			"sys/class/power_supply/BAT0/uevent":   "POWER_SUPPLY_TYPE=Battery\nPOWER_SUPPLY_STATUS=Discharging",
			"sys/firmware/acpi/platform_profile":   "low-power",
			"sys/class/power_supply/mouse0/uevent": "POWER_SUPPLY_TYPE=Battery\nPOWER_SUPPLY_SCOPE=Device",
		}, map[string]string{"power_source": "battery", "power_profile": "low-power"}},
		{"laptop that charges", map[string]string{
			"sys/class/power_supply/BAT0/uevent": "POWER_SUPPLY_TYPE=Battery\nPOWER_SUPPLY_STATUS=Charging",
		}, map[string]string{"power_source": "mains"}},
		{"desktop with a mouse", map[string]string{
			"sys/class/power_supply/mouse0/uevent": "POWER_SUPPLY_TYPE=Battery\nPOWER_SUPPLY_SCOPE=Device\nPOWER_SUPPLY_STATUS=Discharging",
		}, nil},
		{"container of version 2 inside a tighter one", map[string]string{
			"proc/self/cgroup": "0::/outer/inner", "sys/fs/cgroup/cgroup.procs": "",
			"sys/fs/cgroup/outer/cpu.max": "150000 100000", "sys/fs/cgroup/outer/inner/cpu.max": "400000 100000",
			"sys/fs/cgroup/outer/memory.max": "max", "sys/fs/cgroup/outer/inner/memory.max": "8000000000",
		}, map[string]string{"cgroup_cpus": "1.50", "cgroup_memory_gb": "8.00"}},
		{"container of version 1 that sees its own root alone", map[string]string{
			"proc/self/cgroup":               "5:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc",
			"sys/fs/cgroup/cpu/cgroup.procs": "", "sys/fs/cgroup/memory/cgroup.procs": "",
			"sys/fs/cgroup/cpu/cpu.cfs_quota_us": "50000", "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "2000000000",
		}, map[string]string{"cgroup_cpus": "0.50", "cgroup_memory_gb": "2.00"}},
		{"group without limits", map[string]string{
			"proc/self/cgroup": "5:memory:/\n4:cpu:/\n0::/../..", "sys/fs/cgroup/cpu/cgroup.procs": "", "sys/fs/cgroup/memory/cgroup.procs": "",
			"sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1", "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712",
		}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tree := fstest.MapFS{}
			for name, text := range tt.tree {
				tree[name] = file(text)
			}
			if got := facts(tree); !maps.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestFactsAreKeptForASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tree := fstest.MapFS{"sys/firmware/acpi/platform_profile": file("balanced")}
		var m factMemo
		m.now(tree)
		tree["sys/firmware/acpi/platform_profile"] = file("performance")
		for _, want := range []string{"balanced", "performance"} {
			if got := m.now(tree)["power_profile"]; got != want {
				t.Errorf("%q, want %q", got, want)
			}
			time.Sleep(time.Second)
		}
	})
}

func TestFixedFacts(t *testing.T) {
	const sentence = "GNU C Library (Debian GLIBC 2.36-9) stable release version 2.36.\nCopyright"
	tests := map[string]fstest.MapFS{
		"glibc 2.36": {"lib/x86_64-linux-gnu/libc.so.6": file(strings.Repeat("x", 64<<10-30) + sentence + strings.Repeat("y", 1000))},
		"glibc 2.41": {"lib64/libc.so.6": file("GNU C Library (GNU libc) stable release version 2.41.")},
		"musl":       {"lib/ld-musl-x86_64.so.1": file("")},
		"":           {"usr/lib/libc.so.6": file("no such sentence")},
	}
	for want, tree := range tests {
		if got := libc(tree); got != want {
			t.Errorf("libc = %q, want %q", got, want)
		}
	}
	f := fixedFacts(fstest.MapFS{"proc/cpuinfo": file("processor\t: 0\nmicrocode\t: 0x1000065\n\nmicrocode\t: 0x2"), ".dockerenv": file("")})
	if f["cpu_microcode"] != "0x1000065" || f["container"] != "Docker" {
		t.Errorf("got %v", f)
	}
	if _, ok := f["libc"]; ok {
		t.Error("a C library out of nothing")
	}
}
