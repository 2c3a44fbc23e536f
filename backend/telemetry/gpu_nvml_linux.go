//go:build linux && cgo

package telemetry

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/NVIDIA/go-nvml/pkg/dl"
	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"github.com/inferometer/inferometer/backend/domain"
)

// systemDrivers lists the drivers of this system in the order in which they are tried.
func systemDrivers(nvmlPath string) []gpuDriver {
	return []gpuDriver{&nvmlDriver{path: nvmlPath}, newSysfsDriver()}
}

// nvmlName is the library that NVIDIA's driver brings.
const nvmlName = "libnvidia-ml.so.1"

// nvmlDriver reads NVIDIA GPUs. The binding ends the whole process when a function is called that
// the installed library lacks, so every function is looked up by its C name first and none is
// called unguarded. Return codes are put into words here: the binding's own text needs a symbol too.
type nvmlDriver struct {
	path    string
	symbols *dl.DynamicLibrary
	lib     nvml.Interface
	cards   []nvmlCard
	has     nvmlSymbols
}

// nvmlCard is one GPU.
type nvmlCard struct {
	dev          nvml.Device
	instantPower bool // the board tells its power of this instant, not only an average
}

// nvmlSymbols says which functions the installed library has.
type nvmlSymbols struct {
	shutdown, driverVersion, name, uuid, capability, limit, pcieGen, pcieWidth bool
	memory, memoryV2, util, power, fields, temp, clock                         bool
}

func (d *nvmlDriver) name() string { return "nvml" }

func (d *nvmlDriver) open() ([]domain.GPUInfo, string) {
	if reason := d.load(); reason != "" {
		return nil, reason
	}
	count, ret := d.lib.DeviceGetCount()
	if ret != nvml.SUCCESS {
		return nil, "The NVIDIA driver does not list its GPUs: " + nvmlWords(ret) + "."
	}
	driver := ""
	if d.has.driverVersion {
		if v, ret := d.lib.SystemGetDriverVersion(); ret == nvml.SUCCESS {
			driver = v
		}
	}
	var infos []domain.GPUInfo
	reason := "The NVIDIA driver is installed but has found no GPU."
	for i := range count {
		dev, ret := d.lib.DeviceGetHandleByIndex(i)
		if ret != nvml.SUCCESS {
			reason = fmt.Sprintf("GPU %d cannot be opened: %s.", i, nvmlWords(ret))
			continue
		}
		card := nvmlCard{dev: dev}
		if d.has.fields {
			_, card.instantPower = instantPower(dev)
		}
		infos = append(infos, d.info(len(d.cards), dev, driver))
		d.cards = append(d.cards, card)
	}
	if len(infos) == 0 {
		return nil, reason
	}
	return infos, ""
}

// load opens the library and initialises it. The handle of the symbol table stays open for good:
// calls are bound to the library's addresses, which must stay mapped.
func (d *nvmlDriver) load() (reason string) {
	path, opts := d.path, []nvml.LibraryOption{}
	if path == "" {
		path = nvmlName
	} else {
		opts = append(opts, nvml.WithLibraryPath(path))
	}
	d.symbols = dl.New(path, dl.RTLD_LAZY|dl.RTLD_GLOBAL)
	if err := d.symbols.Open(); err != nil {
		if strings.Contains(err.Error(), "No such file") {
			return "No NVIDIA driver found (" + path + " is not on this machine)."
		}
		return "The NVIDIA driver's library " + path + " cannot be loaded."
	}
	if !d.either("nvmlInit_v2", "nvmlInit") || !d.either("nvmlDeviceGetCount_v2", "nvmlDeviceGetCount") ||
		!d.either("nvmlDeviceGetHandleByIndex_v2", "nvmlDeviceGetHandleByIndex") {
		return "The NVIDIA driver is too old: its library cannot list the GPUs."
	}
	d.lookUp()
	lib := nvml.New(opts...)
	if ret := lib.Init(); ret != nvml.SUCCESS {
		return "The NVIDIA driver is installed but does not start: " + nvmlWords(ret) + "."
	}
	d.lib = lib
	return ""
}

// either reports whether one of the names is there; the binding picks the newer one itself.
func (d *nvmlDriver) either(names ...string) bool {
	for _, n := range names {
		if d.symbols.Lookup(n) == nil {
			return true
		}
	}
	return false
}

func (d *nvmlDriver) lookUp() {
	d.has = nvmlSymbols{
		shutdown:      d.either("nvmlShutdown"),
		driverVersion: d.either("nvmlSystemGetDriverVersion"),
		name:          d.either("nvmlDeviceGetName"),
		uuid:          d.either("nvmlDeviceGetUUID"),
		capability:    d.either("nvmlDeviceGetCudaComputeCapability"),
		limit:         d.either("nvmlDeviceGetEnforcedPowerLimit"),
		pcieGen:       d.either("nvmlDeviceGetMaxPcieLinkGeneration"),
		pcieWidth:     d.either("nvmlDeviceGetMaxPcieLinkWidth"),
		memory:        d.either("nvmlDeviceGetMemoryInfo"),
		memoryV2:      d.either("nvmlDeviceGetMemoryInfo_v2"),
		util:          d.either("nvmlDeviceGetUtilizationRates"),
		power:         d.either("nvmlDeviceGetPowerUsage"),
		fields:        d.either("nvmlDeviceGetFieldValues"),
		temp:          d.either("nvmlDeviceGetTemperature"),
		clock:         d.either("nvmlDeviceGetClockInfo"),
	}
}

// info reads the facts of one GPU that do not change. The link is the fastest that the GPU and the
// machine can agree on: an idle link is slowed down to save power.
func (d *nvmlDriver) info(index int, dev nvml.Device, driver string) domain.GPUInfo {
	info := domain.GPUInfo{Index: index, Driver: driver, Name: "NVIDIA GPU"}
	if d.has.name {
		if v, ret := dev.GetName(); ret == nvml.SUCCESS {
			info.Name = v
		}
	}
	if d.has.uuid {
		if v, ret := dev.GetUUID(); ret == nvml.SUCCESS {
			info.UUID = v
		}
	}
	if _, total, ret := d.vram(dev); ret == nvml.SUCCESS {
		info.VRAMTotalGB = scaled(total, 1/gb)
	}
	if d.has.limit {
		if v, ret := dev.GetEnforcedPowerLimit(); ret == nvml.SUCCESS {
			info.PowerLimitW = scaled(uint64(v), 1e-3)
		}
	}
	if d.has.capability {
		if major, minor, ret := dev.GetCudaComputeCapability(); ret == nvml.SUCCESS {
			info.ComputeCap = fmt.Sprintf("%d.%d", major, minor)
		}
	}
	if d.has.pcieGen {
		if v, ret := dev.GetMaxPcieLinkGeneration(); ret == nvml.SUCCESS {
			info.PCIeGen = &v
		}
	}
	if d.has.pcieWidth {
		if v, ret := dev.GetMaxPcieLinkWidth(); ret == nvml.SUCCESS {
			info.PCIeWidth = &v
		}
	}
	return info
}

func (d *nvmlDriver) read() gpuReading {
	r := gpuReading{gpus: make([]domain.GPUSample, len(d.cards)), why: map[string]string{}}
	for i := range d.cards {
		r.gpus[i] = d.readCard(i, r.why)
	}
	return r
}

func (d *nvmlDriver) readCard(i int, why map[string]string) domain.GPUSample {
	g := domain.GPUSample{Index: i}
	card := &d.cards[i]
	note := func(key string, ret nvml.Return) {
		if ret != nvml.SUCCESS && why[key] == "" {
			why[key] = fmt.Sprintf("GPU %d: %s.", i, nvmlWords(ret))
		}
	}
	util, ret := nvml.Utilization{}, nvml.ERROR_FUNCTION_NOT_FOUND
	if d.has.util {
		util, ret = card.dev.GetUtilizationRates()
	}
	if note(keyGPU, ret); ret == nvml.SUCCESS {
		g.UtilPct, g.MemUtilPct = scaled(uint64(util.Gpu), 1), scaled(uint64(util.Memory), 1)
	}
	used, _, ret := d.vram(card.dev)
	if note(keyVRAM, ret); ret == nvml.SUCCESS {
		g.VRAMUsedGB = scaled(used, 1/gb)
	}
	watts, ret := d.power(card)
	if note(keyPower, ret); ret == nvml.SUCCESS {
		g.PowerW = &watts
	}
	degrees, ret := uint32(0), nvml.ERROR_FUNCTION_NOT_FOUND
	if d.has.temp {
		degrees, ret = card.dev.GetTemperature(nvml.TEMPERATURE_GPU)
	}
	if note(keyTemp, ret); ret == nvml.SUCCESS {
		g.TempC = scaled(uint64(degrees), 1)
	}
	if d.has.clock {
		if mhz, ret := card.dev.GetClockInfo(nvml.CLOCK_SM); ret == nvml.SUCCESS {
			g.ClockMHz = scaled(uint64(mhz), 1)
		}
	}
	return g
}

// vram prefers the newer call, whose "used" leaves out what the driver keeps for itself.
func (d *nvmlDriver) vram(dev nvml.Device) (used, total uint64, ret nvml.Return) {
	if d.has.memoryV2 {
		if m, ret := dev.GetMemoryInfo_v2(); ret == nvml.SUCCESS {
			return m.Used, m.Total, nvml.SUCCESS
		}
	}
	if !d.has.memory {
		return 0, 0, nvml.ERROR_FUNCTION_NOT_FOUND
	}
	m, ret := dev.GetMemoryInfo()
	return m.Used, m.Total, ret
}

// power prefers the power of this instant; the older call is a mean over a second on most boards.
func (d *nvmlDriver) power(card *nvmlCard) (watts float64, ret nvml.Return) {
	if card.instantPower {
		if w, ok := instantPower(card.dev); ok {
			return w, nvml.SUCCESS
		}
	}
	if !d.has.power {
		return 0, nvml.ERROR_FUNCTION_NOT_FOUND
	}
	milliwatts, ret := card.dev.GetPowerUsage()
	return float64(milliwatts) / 1000, ret
}

// instantPower reads the field of that name; older boards and drivers do not know it.
func instantPower(dev nvml.Device) (watts float64, ok bool) {
	fields := []nvml.FieldValue{{FieldId: nvml.FI_DEV_POWER_INSTANT}}
	if ret := dev.GetFieldValues(fields); ret != nvml.SUCCESS || nvml.Return(fields[0].NvmlReturn) != nvml.SUCCESS { //nolint:gosec // a code of the same type
		return 0, false
	}
	if fields[0].ValueType != uint32(nvml.VALUE_TYPE_UNSIGNED_INT) {
		return 0, false
	}
	return float64(binary.NativeEndian.Uint32(fields[0].Value[:4])) / 1000, true
}

func (d *nvmlDriver) close() {
	if d.lib != nil && d.has.shutdown {
		_ = d.lib.Shutdown() // nothing is left to be done about a failure
	}
}

// scaled is a measured number in the unit that a sample has.
func scaled(v uint64, factor float64) *float64 {
	f := float64(v) * factor
	return &f
}

// nvmlWords puts a return code into words for a person.
func nvmlWords(ret nvml.Return) string {
	switch ret {
	case nvml.ERROR_NOT_SUPPORTED:
		return "this GPU does not tell this value"
	case nvml.ERROR_FUNCTION_NOT_FOUND:
		return "the installed driver is too old to tell this value"
	case nvml.ERROR_NO_PERMISSION:
		return "no permission to read it"
	case nvml.ERROR_DRIVER_NOT_LOADED:
		return "the driver's kernel module is not loaded"
	case nvml.ERROR_LIB_RM_VERSION_MISMATCH:
		return "the driver was updated; restart the machine"
	case nvml.ERROR_GPU_IS_LOST, nvml.ERROR_GPU_NOT_FOUND:
		return "the GPU was lost: it fell off the bus or is inaccessible"
	case nvml.ERROR_RESET_REQUIRED:
		return "the GPU must be reset"
	case nvml.ERROR_INSUFFICIENT_POWER:
		return "a power cable of the GPU is not connected"
	case nvml.ERROR_IRQ_ISSUE:
		return "the kernel reports an interrupt problem with the GPU"
	case nvml.ERROR_TIMEOUT:
		return "the driver did not answer in time"
	case nvml.ERROR_IN_USE:
		return "the GPU is in use by another program"
	default:
		return fmt.Sprintf("the driver answers with code %d", int32(ret))
	}
}
