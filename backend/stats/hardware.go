package stats

import (
	"cmp"
	"slices"

	"github.com/inferometer/inferometer/backend/domain"
)

// edgeUs is how long after the end of measuring its closing reading may arrive.
const edgeUs = 250_000

// readings returns those that describe the stage: the ones taken in it and the one that closes it,
// which a short run may depend on. A reading covers the time before it, so the one that opens the
// stage is left out as soon as there is another.
func (p part) readings(samples []domain.Sample) []domain.Sample {
	var out []domain.Sample
	to, closing := p.end(), -1
	for i, s := range samples {
		switch {
		case ofStage(s.Phase) && s.TUs >= p.from && s.TUs <= to:
			out = append(out, s)
		case p.from >= 0 && s.TUs > to && s.TUs <= to+edgeUs && (closing < 0 || s.TUs < samples[closing].TUs):
			closing = i
		}
	}
	if closing >= 0 {
		out = append(out, samples[closing])
	}
	slices.SortStableFunc(out, func(a, b domain.Sample) int { return cmp.Compare(a.TUs, b.TUs) })
	if len(out) > 1 && p.from >= 0 && out[0].TUs <= p.from+edgeUs/10 {
		out = out[1:]
	}
	return out
}

// ofStage reports whether requests of a stage run in the phase; those stopped by time or tokens end
// while the run drains.
func ofStage(p domain.Phase) bool {
	return p == domain.PhaseMeasure || p == domain.PhaseCooldown || p == domain.PhaseDrain
}

// hardware computes means and peaks over the readings of the window.
func hardware(samples []domain.Sample, sensors []domain.SensorInfo, gpus []domain.GPUInfo) domain.HardwareMetrics {
	h := domain.HardwareMetrics{Devices: []domain.DeviceMetrics{}, Reasons: map[string]string{}, Samples: len(samples)}
	series := []struct {
		key        string
		get        func(domain.Sample) *float64
		mean, peak **float64
	}{
		{"cpu_usage_percent", func(s domain.Sample) *float64 { return s.CPUPercent }, &h.CPUPercent, &h.Peak.CPUPercent},
		{"ram_usage_gb", func(s domain.Sample) *float64 { return s.RAMUsedGB }, &h.RAMUsedGB, &h.Peak.RAMUsedGB},
		{"gpu_usage_percent", func(s domain.Sample) *float64 { return s.GPUPercent }, &h.GPUPercent, &h.Peak.GPUPercent},
		{"vram_usage_gb", func(s domain.Sample) *float64 { return s.VRAMUsedGB }, &h.VRAMUsedGB, &h.Peak.VRAMUsedGB},
		{"power_w", func(s domain.Sample) *float64 { return s.PowerW }, &h.PowerW, &h.Peak.PowerW},
	}
	for _, one := range series {
		values := collect(samples, one.get)
		*one.mean, *one.peak = mean(values), largest(values)
		if *one.mean == nil {
			h.Reasons[one.key] = reason(one.key, sensors)
		}
	}
	h.Devices = devices(samples, gpus)
	h.Remote = remote(samples)
	return h
}

// reason says why a metric has no value: the sensor's own words first.
func reason(key string, sensors []domain.SensorInfo) string {
	for _, s := range sensors {
		if s.Key == key && !s.Available && s.Reason != "" {
			return s.Reason
		}
	}
	return "No reading fell into the measured window."
}

func devices(samples []domain.Sample, gpus []domain.GPUInfo) []domain.DeviceMetrics {
	byIndex := map[int][]domain.GPUSample{}
	for _, s := range samples {
		for _, g := range s.GPUs {
			byIndex[g.Index] = append(byIndex[g.Index], g)
		}
	}
	out := make([]domain.DeviceMetrics, 0, len(byIndex))
	for index, readings := range byIndex {
		out = append(out, domain.DeviceMetrics{
			Index:      index,
			Name:       gpuName(gpus, index),
			GPUPercent: mean(collect(readings, func(g domain.GPUSample) *float64 { return g.UtilPct })),
			VRAMUsedGB: mean(collect(readings, func(g domain.GPUSample) *float64 { return g.VRAMUsedGB })),
			PowerW:     mean(collect(readings, func(g domain.GPUSample) *float64 { return g.PowerW })),
			TempC:      mean(collect(readings, func(g domain.GPUSample) *float64 { return g.TempC })),
		})
	}
	slices.SortFunc(out, func(a, b domain.DeviceMetrics) int { return a.Index - b.Index })
	return out
}

func gpuName(gpus []domain.GPUInfo, index int) string {
	for _, g := range gpus {
		if g.Index == index {
			return g.Name
		}
	}
	return ""
}

func collect[T any](readings []T, get func(T) *float64) []float64 {
	var out []float64
	for _, r := range readings {
		if v := get(r); v != nil {
			out = append(out, *v)
		}
	}
	return out
}
