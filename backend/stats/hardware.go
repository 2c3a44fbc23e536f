package stats

import (
	"slices"

	"github.com/inferometer/inferometer/backend/domain"
)

// edgeUs is how long after the end of measuring its closing reading may arrive.
const edgeUs = 250_000

// measuredSamples returns the readings that describe the measured window: those tagged measure and
// the forced one that closes it, which a short run may depend on. A reading covers the time before
// it, so the one that opens the window is left out as soon as there is another.
func measuredSamples(samples []domain.Sample, phases []domain.PhaseChange) []domain.Sample {
	var from, to int64 = -1, -1
	for _, p := range phases {
		switch {
		case p.Phase == domain.PhaseMeasure && from < 0:
			from = p.TUs
		case from >= 0 && to < 0 && p.Phase != domain.PhaseMeasure:
			to = p.TUs
		}
	}
	var out []domain.Sample
	closing := false
	for _, s := range samples {
		switch {
		case s.Phase == domain.PhaseMeasure:
			out = append(out, s)
		case !closing && to >= 0 && s.TUs >= to && s.TUs <= to+edgeUs:
			closing = true
			out = append(out, s)
		}
	}
	slices.SortStableFunc(out, func(a, b domain.Sample) int { return int(a.TUs - b.TUs) })
	if len(out) > 1 && from >= 0 && out[0].TUs <= from+edgeUs/10 {
		out = out[1:]
	}
	return out
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
