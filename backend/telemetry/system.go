package telemetry

import (
	"bufio"
	"bytes"
	"io/fs"
	"os"
	"runtime"
	"strconv"
	"strings"

	"github.com/klauspost/cpuid/v2"
	"github.com/shirou/gopsutil/v3/cpu"
	"github.com/shirou/gopsutil/v3/host"
	"github.com/shirou/gopsutil/v3/mem"

	"github.com/inferometer/inferometer/backend/domain"
)

// readSystem gathers the facts that do not change while the program runs. What the system does not
// tell stays empty.
func readSystem() domain.System {
	sys := domain.System{Arch: runtime.GOARCH, CPUThreads: runtime.NumCPU(), CPUModel: cpuid.CPU.BrandName}
	sys.Hostname, _ = os.Hostname() // empty when unknown
	if n, err := cpu.Counts(true); err == nil && n > 0 {
		sys.CPUThreads = n
	}
	if n, err := cpu.Counts(false); err == nil {
		sys.CPUCores = n
	}
	if infos, err := cpu.Info(); err == nil && len(infos) > 0 && infos[0].ModelName != "" {
		sys.CPUModel = infos[0].ModelName
	}
	if vm, err := mem.VirtualMemory(); err == nil {
		sys.RAMTotalGB = float64(vm.Total) / gb
	}
	if v, err := host.KernelVersion(); err == nil {
		sys.Kernel = v
	}
	root := os.DirFS("/")
	sys.OS = osName(root)
	sys.Virtual = virtualization(hypervisor(), container(root))
	sys.Facts = fixedFacts(root)
	return sys
}

// osName prefers the name that a Linux distribution gives itself.
func osName(root fs.FS) string {
	for _, path := range []string{"etc/os-release", "usr/lib/os-release"} {
		data, err := fs.ReadFile(root, path)
		if err != nil {
			continue
		}
		if name := prettyName(data); name != "" {
			return name
		}
	}
	platform, _, version, err := host.PlatformInformation()
	if err != nil || platform == "" {
		return runtime.GOOS
	}
	return strings.TrimSpace(platform + " " + version)
}

// prettyName reads PRETTY_NAME of an os-release file.
func prettyName(data []byte) string {
	lines := bufio.NewScanner(bytes.NewReader(data))
	for lines.Scan() {
		value, ok := strings.CutPrefix(strings.TrimSpace(lines.Text()), "PRETTY_NAME=")
		if !ok {
			continue
		}
		if plain, err := strconv.Unquote(value); err == nil {
			return plain
		}
		return strings.Trim(value, `'"`)
	}
	return ""
}

// hypervisor names what the CPU says it runs under; empty on bare metal.
func hypervisor() string {
	if !cpuid.CPU.Supports(cpuid.HYPERVISOR) {
		return ""
	}
	if cpuid.CPU.HypervisorVendorID != cpuid.VendorUnknown {
		return cpuid.CPU.HypervisorVendorID.String()
	}
	return "virtual machine"
}

// container names the container that the program runs in; empty outside one.
func container(root fs.FS) string {
	for _, mark := range []struct{ path, name string }{
		{".dockerenv", "Docker"}, {"run/.containerenv", "Podman"}, {".flatpak-info", "Flatpak"},
	} {
		if _, err := fs.Stat(root, mark.path); err == nil {
			return mark.name
		}
	}
	data, err := fs.ReadFile(root, "proc/1/cgroup")
	if err != nil {
		return ""
	}
	for _, mark := range []struct{ part, name string }{
		{"kubepods", "Kubernetes"}, {"docker", "Docker"}, {"libpod", "Podman"}, {"/lxc", "LXC"},
	} {
		if bytes.Contains(data, []byte(mark.part)) {
			return mark.name
		}
	}
	return ""
}

// virtualization joins both: a container inside a virtual machine is slowed by either.
func virtualization(hypervisor, container string) string {
	switch {
	case container == "":
		return hypervisor
	case hypervisor == "":
		return container + " container"
	default:
		return hypervisor + ", " + container + " container"
	}
}
