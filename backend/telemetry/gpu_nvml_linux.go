//go:build linux && cgo

package telemetry

import (
	"encoding/binary"
	"os"
	"strings"

	"github.com/NVIDIA/go-nvml/pkg/dl"
	"github.com/NVIDIA/go-nvml/pkg/nvml"
)

// systemDrivers lists the drivers of this system in the order in which they are tried.
func systemDrivers(nvmlPath string) []gpuDriver {
	nvidia := &nvmlDriver{lib: &nvmlLinux{}, path: nvmlPath, hostPIDs: inFirstNamespace}
	return append([]gpuDriver{nvidia}, sysfsDrivers()...)
}

// inFirstNamespace reports whether this program sees the machine's own process numbers; the kernel
// gives the first namespace of processes this fixed number.
func inFirstNamespace() bool {
	link, err := os.Readlink("/proc/self/ns/pid")
	return err == nil && link == "pid:[4026531836]"
}

// nvmlName is the library that NVIDIA's driver brings.
const nvmlName = "libnvidia-ml.so.1"

// nvmlLinux is the library by NVIDIA's own binding. The handle of the symbol table stays open for
// good: calls are bound to the library's addresses, which must stay mapped.
type nvmlLinux struct {
	lib   nvml.Interface
	known map[string]bool // filled by load, then only read
}

func (l *nvmlLinux) load(path string) (reason string) {
	opts := []nvml.LibraryOption{}
	if path == "" {
		path = nvmlName
	} else {
		opts = append(opts, nvml.WithLibraryPath(path))
	}
	symbols := dl.New(path, dl.RTLD_LAZY|dl.RTLD_GLOBAL)
	if err := symbols.Open(); err != nil {
		if strings.Contains(err.Error(), "No such file") {
			return "No NVIDIA driver found (" + path + " is not on this machine)."
		}
		return "The NVIDIA driver's library " + path + " cannot be loaded."
	}
	either := func(names ...string) bool { // the binding picks the newest one itself
		for _, n := range names {
			if symbols.Lookup(n) == nil {
				return true
			}
		}
		return false
	}
	for _, name := range []string{symInit, symCount, symHandle} {
		if !either(name+"_v2", name) {
			return nvmlTooOld
		}
	}
	l.known = map[string]bool{}
	for _, name := range nvmlSymbols() {
		l.known[name] = either(name)
	}
	for _, name := range []string{symCompute, symGraphics} {
		l.known[name] = either(name+"_v3", name+"_v2", name)
	}
	l.lib = nvml.New(opts...)
	return ""
}

func (l *nvmlLinux) has(symbol string) bool { return l.known[symbol] }

func (l *nvmlLinux) start() nvmlCode { return nvmlCode(l.lib.Init()) }

func (l *nvmlLinux) stop() { _ = l.lib.Shutdown() } // nothing is left to be done about a failure

func (l *nvmlLinux) driverVersion() (string, nvmlCode) { return coded(l.lib.SystemGetDriverVersion()) }

func (l *nvmlLinux) cudaVersion() (int, nvmlCode) { return coded(l.lib.SystemGetCudaDriverVersion()) }

func (l *nvmlLinux) count() (int, nvmlCode) { return coded(l.lib.DeviceGetCount()) }

func (l *nvmlLinux) device(index int) (nvmlDevice, nvmlCode) {
	dev, ret := l.lib.DeviceGetHandleByIndex(index)
	return nvmlLinuxDevice{dev}, nvmlCode(ret)
}

func coded[T any](v T, ret nvml.Return) (T, nvmlCode) { return v, nvmlCode(ret) }

type nvmlLinuxDevice struct{ dev nvml.Device }

func (d nvmlLinuxDevice) text(symbol string) (string, nvmlCode) {
	switch symbol {
	case symName:
		return coded(d.dev.GetName())
	case symUUID:
		return coded(d.dev.GetUUID())
	case symVBIOS:
		return coded(d.dev.GetVbiosVersion())
	}
	return "", nvmlNoFunction
}

func (d nvmlLinuxDevice) number(symbol string) (uint32, nvmlCode) {
	switch symbol {
	case symPower:
		return coded(d.dev.GetPowerUsage())
	case symPowerLimit:
		return coded(d.dev.GetEnforcedPowerLimit())
	case symFan:
		return coded(d.dev.GetFanSpeed())
	case symBusWidth:
		return coded(d.dev.GetMemoryBusWidth())
	case symPersistence:
		v, ret := d.dev.GetPersistenceMode()
		return coded(uint32(v), ret) // #nosec G115 -- 0 or 1
	case symPCIeGen:
		v, ret := d.dev.GetMaxPcieLinkGeneration()
		return coded(uint32(v), ret) // #nosec G115 -- the binding made it of a uint32
	case symPCIeWidth:
		v, ret := d.dev.GetMaxPcieLinkWidth()
		return coded(uint32(v), ret) // #nosec G115 -- the binding made it of a uint32
	}
	return 0, nvmlNoFunction
}

func (d nvmlLinuxDevice) selected(symbol string, which uint32) (uint32, nvmlCode) {
	switch symbol {
	case symTemperature:
		//nolint:staticcheck // the newer call is missing in older drivers
		return coded(d.dev.GetTemperature(nvml.TemperatureSensors(which))) // #nosec G115 -- a small constant
	case symClock:
		return coded(d.dev.GetClockInfo(nvml.ClockType(which))) // #nosec G115 -- a small constant
	case symMaxClock:
		return coded(d.dev.GetMaxClockInfo(nvml.ClockType(which))) // #nosec G115 -- a small constant
	case symPCIe:
		return coded(d.dev.GetPcieThroughput(nvml.PcieUtilCounter(which))) // #nosec G115 -- a small constant
	}
	return 0, nvmlNoFunction
}

func (d nvmlLinuxDevice) counter(symbol string) (uint64, nvmlCode) {
	switch symbol {
	case symEnergy:
		return coded(d.dev.GetTotalEnergyConsumption())
	case symReasons:
		return coded(d.dev.GetCurrentClocksEventReasons())
	case symReasonsOld:
		return coded(d.dev.GetCurrentClocksThrottleReasons()) //nolint:staticcheck // older drivers have no other
	}
	return 0, nvmlNoFunction
}

func (d nvmlLinuxDevice) pair(symbol string) (first, second uint32, code nvmlCode) {
	switch symbol {
	case symUtilization:
		u, ret := d.dev.GetUtilizationRates()
		return u.Gpu, u.Memory, nvmlCode(ret)
	case symCapability:
		major, minor, ret := d.dev.GetCudaComputeCapability()
		return uint32(major), uint32(minor), nvmlCode(ret) // #nosec G115 -- a version
	case symECC:
		now, later, ret := d.dev.GetEccMode()
		return uint32(now), uint32(later), nvmlCode(ret) // #nosec G115 -- 0 or 1
	case symMIG:
		now, later, ret := d.dev.GetMigMode()
		return uint32(now), uint32(later), nvmlCode(ret) // #nosec G115 -- 0 or 1
	}
	return 0, 0, nvmlNoFunction
}

func (d nvmlLinuxDevice) memory(symbol string) (used, total uint64, code nvmlCode) {
	if symbol == symMemoryV2 {
		m, ret := d.dev.GetMemoryInfo_v2()
		return m.Used, m.Total, nvmlCode(ret)
	}
	m, ret := d.dev.GetMemoryInfo()
	return m.Used, m.Total, nvmlCode(ret)
}

func (d nvmlLinuxDevice) milliwatts(fields [2]uint32) (values [2]uint32, told [2]bool) {
	ask := []nvml.FieldValue{{FieldId: fields[0]}, {FieldId: fields[1]}}
	if d.dev.GetFieldValues(ask) != nvml.SUCCESS {
		return values, told
	}
	for i, f := range ask {
		told[i] = f.NvmlReturn == uint32(nvml.SUCCESS) && f.ValueType == uint32(nvml.VALUE_TYPE_UNSIGNED_INT)
		values[i] = binary.NativeEndian.Uint32(f.Value[:4])
	}
	return values, told
}

func (d nvmlLinuxDevice) processes(symbol string) ([]nvmlProcess, nvmlCode) {
	list := d.dev.GetComputeRunningProcesses
	if symbol == symGraphics {
		list = d.dev.GetGraphicsRunningProcesses
	}
	infos, ret := list()
	out := make([]nvmlProcess, 0, len(infos))
	for _, p := range infos {
		out = append(out, nvmlProcess{pid: p.Pid, instance: p.GpuInstanceId, part: p.ComputeInstanceId, bytes: p.UsedGpuMemory})
	}
	return out, nvmlCode(ret)
}

func (d nvmlLinuxDevice) uses(since uint64) ([]nvmlUse, nvmlCode) {
	samples, ret := d.dev.GetProcessUtilization(since)
	out := make([]nvmlUse, 0, len(samples))
	for _, s := range samples {
		out = append(out, nvmlUse{pid: s.Pid, percent: s.SmUtil, at: s.TimeStamp})
	}
	return out, nvmlCode(ret)
}
