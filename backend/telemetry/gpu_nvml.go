//go:build (linux && cgo) || windows

package telemetry

import (
	"fmt"

	"github.com/inferometer/inferometer/backend/domain"
)

// nvmlBinding calls the library that NVIDIA's driver brings. A call ends the whole process, or worse,
// when the installed library lacks the function, so every function is named by its C symbol, looked
// up once, and none is called unguarded.
type nvmlBinding interface {
	// load opens the library, the system's own when path is empty; reason says why it cannot.
	load(path string) (reason string)
	// has reports whether the library has the function, in a version that the binding can call.
	has(symbol string) bool
	start() nvmlCode
	stop()
	driverVersion() (string, nvmlCode)
	cudaVersion() (int, nvmlCode) // 1000 × major + 10 × minor
	count() (int, nvmlCode)
	device(index int) (nvmlDevice, nvmlCode)
}

// nvmlDevice calls the functions of one GPU by the form of their answer.
type nvmlDevice interface {
	text(symbol string) (string, nvmlCode)
	number(symbol string) (uint32, nvmlCode)
	// selected is a number of those that the function tells, such as one of the clocks.
	selected(symbol string, which uint32) (uint32, nvmlCode)
	counter(symbol string) (uint64, nvmlCode)
	pair(symbol string) (first, second uint32, code nvmlCode)
	memory(symbol string) (used, total uint64, code nvmlCode)
	// milliwatts reads fields of power; a field that the GPU does not tell is false.
	milliwatts(fields [2]uint32) (values [2]uint32, told [2]bool)
	processes(symbol string) ([]nvmlProcess, nvmlCode)
	// uses lists how much processes used the GPU since a time of the driver's own.
	uses(since uint64) ([]nvmlUse, nvmlCode)
}

// The functions, by their C symbols; those after the first three may be missing.
const (
	symInit        = "nvmlInit"
	symCount       = "nvmlDeviceGetCount"
	symHandle      = "nvmlDeviceGetHandleByIndex"
	symShutdown    = "nvmlShutdown"
	symDriver      = "nvmlSystemGetDriverVersion"
	symCUDA        = "nvmlSystemGetCudaDriverVersion"
	symName        = "nvmlDeviceGetName"
	symUUID        = "nvmlDeviceGetUUID"
	symVBIOS       = "nvmlDeviceGetVbiosVersion"
	symCapability  = "nvmlDeviceGetCudaComputeCapability"
	symPowerLimit  = "nvmlDeviceGetEnforcedPowerLimit"
	symPCIeGen     = "nvmlDeviceGetMaxPcieLinkGeneration"
	symPCIeWidth   = "nvmlDeviceGetMaxPcieLinkWidth"
	symECC         = "nvmlDeviceGetEccMode"
	symMIG         = "nvmlDeviceGetMigMode"
	symPersistence = "nvmlDeviceGetPersistenceMode"
	symBusWidth    = "nvmlDeviceGetMemoryBusWidth"
	symMaxClock    = "nvmlDeviceGetMaxClockInfo"
	symMemory      = "nvmlDeviceGetMemoryInfo"
	symMemoryV2    = "nvmlDeviceGetMemoryInfo_v2"
	symUtilization = "nvmlDeviceGetUtilizationRates"
	symPower       = "nvmlDeviceGetPowerUsage"
	symFields      = "nvmlDeviceGetFieldValues"
	symEnergy      = "nvmlDeviceGetTotalEnergyConsumption"
	symTemperature = "nvmlDeviceGetTemperature"
	symClock       = "nvmlDeviceGetClockInfo"
	symReasons     = "nvmlDeviceGetCurrentClocksEventReasons"
	symReasonsOld  = "nvmlDeviceGetCurrentClocksThrottleReasons"
	symFan         = "nvmlDeviceGetFanSpeed"
	symPCIe        = "nvmlDeviceGetPcieThroughput"
	symCompute     = "nvmlDeviceGetComputeRunningProcesses"
	symGraphics    = "nvmlDeviceGetGraphicsRunningProcesses"
	symUses        = "nvmlDeviceGetProcessUtilization"
)

// nvmlSymbols lists those that may be missing and that have one version only.
func nvmlSymbols() []string {
	return []string{
		symShutdown, symDriver, symCUDA, symName, symUUID, symVBIOS, symCapability, symPowerLimit, symPCIeGen,
		symPCIeWidth, symECC, symMIG, symPersistence, symBusWidth, symMaxClock, symMemory, symMemoryV2,
		symUtilization, symPower, symFields, symEnergy, symTemperature, symClock, symReasons,
		symReasonsOld, symFan, symPCIe, symUses,
	}
}

const nvmlTooOld = "The NVIDIA driver is too old: its library cannot list the GPUs."

// Selectors and fields, numbered as in nvml.h.
const (
	nvmlClockSM      = 1
	nvmlClockMemory  = 2
	nvmlPCIeSend     = 0
	nvmlPCIeReceive  = 1
	nvmlPowerAverage = 185
	nvmlPowerInstant = 186
)

// nvmlDriver reads NVIDIA GPUs.
type nvmlDriver struct {
	lib  nvmlBinding
	path string
	// hostPIDs reports whether the driver's process numbers are those that this program sees; they
	// are not inside a container.
	hostPIDs func() bool
	started  bool
	cards    []nvmlCard
}

// nvmlCard is one GPU.
type nvmlCard struct {
	lib    nvmlBinding
	dev    nvmlDevice
	fields bool // the driver tells power by fields
	energy energyMeter
	limits limitWords
	seen   uint64 // time of the last use that was told
}

func (d *nvmlDriver) name() string { return "nvml" }

func (d *nvmlDriver) open() ([]domain.GPUInfo, string) {
	if reason := d.lib.load(d.path); reason != "" {
		return nil, reason
	}
	if code := d.lib.start(); code != nvmlOK {
		return nil, "The NVIDIA driver is installed but does not start: " + code.words() + "."
	}
	d.started = true
	count, code := d.lib.count()
	if code != nvmlOK {
		return nil, "The NVIDIA driver does not list its GPUs: " + code.words() + "."
	}
	version, cuda := d.versions()
	var infos []domain.GPUInfo
	reason := "The NVIDIA driver is installed but has found no GPU."
	for i := range count {
		dev, code := d.lib.device(i)
		if code != nvmlOK {
			reason = fmt.Sprintf("GPU %d cannot be opened: %s.", i, code.words())
			continue
		}
		card := nvmlCard{lib: d.lib, dev: dev}
		if d.lib.has(symFields) {
			_, told := dev.milliwatts([2]uint32{nvmlPowerInstant, nvmlPowerAverage})
			card.fields = told[0] || told[1]
		}
		info := card.info(len(d.cards), version)
		info.CUDA = cuda
		infos = append(infos, info)
		d.cards = append(d.cards, card)
	}
	if len(infos) == 0 {
		return nil, reason
	}
	return infos, ""
}

// versions are those of the driver and of the newest CUDA that it supports, e.g. 12.4; empty when it does
// not tell them.
func (d *nvmlDriver) versions() (driver, cuda string) {
	if d.lib.has(symDriver) {
		if v, code := d.lib.driverVersion(); code == nvmlOK {
			driver = v
		}
	}
	if d.lib.has(symCUDA) {
		if v, code := d.lib.cudaVersion(); code == nvmlOK {
			cuda = fmt.Sprintf("%d.%d", v/1000, v%1000/10)
		}
	}
	return driver, cuda
}

// info reads the facts of one GPU that do not change. The link is the fastest that the GPU and the
// machine can agree on: an idle link is slowed down to save power.
func (c *nvmlCard) info(index int, driver string) domain.GPUInfo {
	info := domain.GPUInfo{
		Index: index, Driver: driver, Name: c.text(symName), UUID: c.text(symUUID), VBIOS: c.text(symVBIOS),
		PCIeGen: c.whole(symPCIeGen), PCIeWidth: c.whole(symPCIeWidth), MemBusBits: c.whole(symBusWidth),
		ECC: c.mode(symECC), MIG: c.mode(symMIG),
	}
	if info.Name == "" {
		info.Name = "NVIDIA GPU"
	}
	if _, total, code := c.memory(); code == nvmlOK {
		info.VRAMTotalGB = scaled(total, 1/gb)
	}
	if v, code := c.number(symPowerLimit); code == nvmlOK {
		info.PowerLimitW = scaled(uint64(v), 1e-3)
	}
	if major, minor, code := c.pair(symCapability); code == nvmlOK {
		info.ComputeCap = fmt.Sprintf("%d.%d", major, minor)
	}
	if v, code := c.number(symPersistence); code == nvmlOK {
		on := v == 1
		info.Persistence = &on
	}
	if v, code := c.selected(symMaxClock, nvmlClockMemory); code == nvmlOK {
		info.MaxMemClockMHz = scaled(uint64(v), 1)
	}
	if v, code := c.selected(symMaxClock, nvmlClockSM); code == nvmlOK {
		info.MaxClockMHz = scaled(uint64(v), 1)
	}
	return info
}

func (d *nvmlDriver) read() gpuReading {
	r := gpuReading{gpus: make([]domain.GPUSample, len(d.cards)), why: map[string]string{}}
	for i := range d.cards {
		r.gpus[i] = d.cards[i].read(i, r.why)
	}
	return r
}

func (c *nvmlCard) read(i int, why map[string]string) domain.GPUSample {
	g := domain.GPUSample{Index: i}
	told := func(key string, code nvmlCode) bool { return noteCode(why, key, i, code) }
	util, bus, code := c.pair(symUtilization)
	told(keyMemBus, code)
	if told(keyGPU, code) {
		g.UtilPct, g.MemUtilPct = scaled(uint64(util), 1), scaled(uint64(bus), 1)
	}
	used, _, code := c.memory()
	if told(keyVRAM, code) {
		g.VRAMUsedGB = scaled(used, 1/gb)
	}
	c.power(&g, told)
	if mJ, code := c.counter(symEnergy); told(keyEnergy, code) {
		g.EnergyJ = scaled(c.energy.add(mJ), 1e-3)
	}
	if v, code := c.selected(symTemperature, 0); told(keyTemp, code) {
		g.TempC = scaled(uint64(v), 1)
	}
	if v, code := c.selected(symClock, nvmlClockSM); told(keyClock, code) {
		g.ClockMHz = scaled(uint64(v), 1)
	}
	if v, code := c.selected(symClock, nvmlClockMemory); told(keyMemClock, code) {
		g.MemClockMHz = scaled(uint64(v), 1)
	}
	mask, code := c.counter(symReasons)
	if code == nvmlNoFunction {
		mask, code = c.counter(symReasonsOld)
	}
	if told(keyLimits, code) {
		g.LimitReasons = c.limits.of(mask)
	}
	return g
}

// power reads the power of this instant and the mean of the last second. Boards and drivers that do
// not tell them as fields have one call for either; where the mean alone is missing, PowerW is that of
// the instant.
func (c *nvmlCard) power(g *domain.GPUSample, told func(string, nvmlCode) bool) {
	if c.fields {
		mW, ok := c.dev.milliwatts([2]uint32{nvmlPowerInstant, nvmlPowerAverage})
		if ok[0] {
			g.PowerNowW = scaled(uint64(mW[0]), 1e-3)
		}
		if ok[1] {
			g.PowerW = scaled(uint64(mW[1]), 1e-3)
		}
	}
	if g.PowerW == nil {
		mW, code := c.number(symPower)
		switch {
		case code == nvmlOK:
			g.PowerW = scaled(uint64(mW), 1e-3)
		case g.PowerNowW != nil:
			g.PowerW = g.PowerNowW
		default:
			told(keyPower, code)
			told(keyPowerNow, code)
		}
	}
	if g.PowerNowW == nil {
		told(keyPowerNow, nvmlNotSupported)
	}
}

// slow reads what blocks or walks lists. The throughput is a mean over 20 ms, in kB/s.
func (d *nvmlDriver) slow(engine int) gpuSlow {
	r := gpuSlow{gpus: make([]gpuSlowFigures, len(d.cards)), why: map[string]string{}}
	for i := range d.cards {
		c, f := &d.cards[i], &r.gpus[i]
		if v, code := c.number(symFan); noteCode(r.why, keyFan, i, code) {
			f.fan = scaled(uint64(v), 1)
		}
		if v, code := c.selected(symPCIe, nvmlPCIeReceive); noteCode(r.why, keyPCIeRx, i, code) {
			f.pcieRx = scaled(uint64(v), 1e-3)
		}
		if v, code := c.selected(symPCIe, nvmlPCIeSend); noteCode(r.why, keyPCIeTx, i, code) {
			f.pcieTx = scaled(uint64(v), 1e-3)
		}
		if why := d.users(c, engine, f); why != "" {
			note(r.why, keyEngineGPU, why)
			note(r.why, keyOtherGPU, why)
		}
		if why := d.holders(c, engine, f); why != "" {
			note(r.why, keyEngineVRAM, why)
			note(r.why, keyOtherVRAM, why)
		}
	}
	return r
}

func (d *nvmlDriver) close() {
	if d.started && d.lib.has(symShutdown) {
		d.lib.stop()
	}
}

// noteCode notes why a figure of GPU i is missing and reports whether it is there.
func noteCode(why map[string]string, key string, i int, code nvmlCode) bool {
	if code != nvmlOK {
		note(why, key, fmt.Sprintf("GPU %d: %s.", i, code.words()))
	}
	return code == nvmlOK
}
