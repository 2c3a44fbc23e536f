package telemetry

import (
	"fmt"
	"maps"

	"github.com/inferometer/inferometer/backend/domain"
)

// The keys of the samples' GPU figures, as sensors name them.
const (
	keyGPU        = "gpu_usage_percent"
	keyVRAM       = "vram_usage_gb"
	keyPower      = "power_w"
	keyTemp       = "gpu_temp_c"
	keyMemBus     = "memory_bus_percent"
	keyClock      = "clock_mhz"
	keyMemClock   = "memory_clock_mhz"
	keyPowerNow   = "power_instant_w"
	keyEnergy     = "energy_j"
	keyLimits     = "limit_reasons"
	keyFan        = "fan_percent"
	keyPCIeRx     = "pcie_receive_mb_per_s"
	keyPCIeTx     = "pcie_send_mb_per_s"
	keyEngineGPU  = "engine_gpu_percent"
	keyEngineVRAM = "engine_vram_gb"
	keyOtherVRAM  = "other_vram_gb"
	keyOtherGPU   = "other_gpu_percent"
)

// gpuFigure describes one figure of a GPU.
type gpuFigure struct {
	key, name, unit string
	there           func(*domain.GPUSample) bool
}

// gpuFigures lists them as System does: first the four that stand in the sample too, which are
// listed without a GPU as well.
func gpuFigures() []gpuFigure {
	return []gpuFigure{
		{keyGPU, "GPU", "%", func(g *domain.GPUSample) bool { return g.UtilPct != nil }},
		{keyVRAM, "GPU memory", "GB", func(g *domain.GPUSample) bool { return g.VRAMUsedGB != nil }},
		{keyPower, "GPU power", "W", func(g *domain.GPUSample) bool { return g.PowerW != nil }},
		{keyTemp, "GPU temperature", "°C", func(g *domain.GPUSample) bool { return g.TempC != nil }},
		{keyMemBus, "GPU memory bus", "%", func(g *domain.GPUSample) bool { return g.MemUtilPct != nil }},
		{keyClock, "GPU clock", "MHz", func(g *domain.GPUSample) bool { return g.ClockMHz != nil }},
		{keyMemClock, "GPU memory clock", "MHz", func(g *domain.GPUSample) bool { return g.MemClockMHz != nil }},
		{keyPowerNow, "GPU power at the instant", "W", func(g *domain.GPUSample) bool { return g.PowerNowW != nil }},
		{keyEnergy, "GPU energy", "J", func(g *domain.GPUSample) bool { return g.EnergyJ != nil }},
		{keyLimits, "GPU clock limits", "", func(g *domain.GPUSample) bool { return g.LimitReasons != nil }},
		{keyFan, "GPU fan", "%", func(g *domain.GPUSample) bool { return g.FanPct != nil }},
		{keyPCIeRx, "PCIe to the GPU", "MB/s", func(g *domain.GPUSample) bool { return g.PCIeRxMBPS != nil }},
		{keyPCIeTx, "PCIe from the GPU", "MB/s", func(g *domain.GPUSample) bool { return g.PCIeTxMBPS != nil }},
		{keyEngineGPU, "GPU use by the engine", "%", func(g *domain.GPUSample) bool { return g.EngineUtilPct != nil }},
		{keyEngineVRAM, "GPU memory of the engine", "GB", func(g *domain.GPUSample) bool { return g.EngineVRAMGB != nil }},
		{keyOtherGPU, "GPU use by others", "%", func(g *domain.GPUSample) bool { return g.OtherUtilPct != nil }},
		{keyOtherVRAM, "GPU memory of others", "GB", func(g *domain.GPUSample) bool { return g.OtherVRAMGB != nil }},
	}
}

// everyGPU is how many of the figures are listed without a GPU.
const everyGPU = 4

// sensors lists the GPU figures; a figure that a GPU lacks has a reason.
func (f gpuFacts) sensors() []domain.SensorInfo {
	figures := gpuFigures()
	if len(f.gpus) == 0 {
		figures = figures[:everyGPU]
	}
	out := make([]domain.SensorInfo, 0, len(figures))
	for _, x := range figures {
		out = append(out, sensor(x.key, x.name, x.unit, f.source, f.missing(x)))
	}
	return out
}

// missing is why a figure is not there; empty when every GPU has it.
func (f gpuFacts) missing(x gpuFigure) string {
	switch {
	case len(f.gpus) == 0:
		return f.reason
	case f.silent:
		return gpuSilent
	case len(f.shown) == 0:
		return notYet
	}
	for i := range f.shown {
		if !x.there(&f.shown[i]) {
			return orElse(f.why[x.key], fmt.Sprintf("The driver does not tell this of GPU %d.", i))
		}
	}
	return ""
}

// note keeps the first reason for a missing figure.
func note(why map[string]string, key, reason string) {
	if why[key] == "" {
		why[key] = reason
	}
}

// joined puts the reasons of both readings together; neither is changed.
func joined(a, b map[string]string) map[string]string {
	out := map[string]string{}
	maps.Copy(out, a)
	maps.Copy(out, b)
	return out
}

// sumUp fills the sample's figures over all GPUs: use is the mean, memory and power are sums, the
// temperature is the hottest. A sum that misses a part is no sum: it stays nil.
func sumUp(s *domain.Sample) {
	var use, vram, power, temp tally
	for i := range s.GPUs {
		g := &s.GPUs[i]
		use.add(g.UtilPct)
		vram.add(g.VRAMUsedGB)
		power.add(g.PowerW)
		temp.add(g.TempC)
	}
	n := len(s.GPUs)
	if use.n > 0 {
		mean := use.sum / float64(use.n)
		s.GPUPercent = &mean
	}
	if vram.n == n {
		s.VRAMUsedGB = &vram.sum
	}
	if power.n == n {
		s.PowerW = &power.sum
	}
	if temp.n > 0 {
		s.GPUTempC = &temp.most
	}
}

type tally struct {
	n         int
	sum, most float64
}

func (t *tally) add(v *float64) {
	if v == nil {
		return
	}
	if t.n == 0 || *v > t.most {
		t.most = *v
	}
	t.sum += *v
	t.n++
}
