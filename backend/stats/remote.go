package stats

import (
	"slices"

	"github.com/inferometer/inferometer/backend/domain"
)

// remote computes the means of what each metrics address told in the window, by address.
func remote(samples []domain.Sample) []domain.RemoteMetrics {
	bySource := map[string][]domain.RemoteSample{}
	var sources []string
	for _, s := range samples {
		for _, r := range s.Remote {
			if bySource[r.Source] == nil {
				sources = append(sources, r.Source)
			}
			bySource[r.Source] = append(bySource[r.Source], r)
		}
	}
	slices.Sort(sources)
	out := make([]domain.RemoteMetrics, 0, len(sources))
	for _, source := range sources {
		out = append(out, remoteMeans(source, bySource[source]))
	}
	return out
}

func remoteMeans(source string, answers []domain.RemoteSample) domain.RemoteMetrics {
	m := domain.RemoteMetrics{Source: source}
	var asSamples []domain.Sample // so that its GPUs are told as those of this machine are
	for _, a := range answers {
		m.Answers++
		if a.Error != "" {
			m.Failures, m.Error = m.Failures+1, a.Error
		}
		asSamples = append(asSamples, domain.Sample{GPUs: a.GPUs})
	}
	of := func(get func(domain.RemoteSample) *float64) *float64 { return mean(collect(answers, get)) }
	m.CPUPercent = of(func(r domain.RemoteSample) *float64 { return r.CPUPercent })
	m.RAMUsedGB = of(func(r domain.RemoteSample) *float64 { return r.RAMUsedGB })
	m.RequestsRunning = of(func(r domain.RemoteSample) *float64 { return r.RequestsRunning })
	m.RequestsWaiting = of(func(r domain.RemoteSample) *float64 { return r.RequestsWaiting })
	m.KVCachePercent = of(func(r domain.RemoteSample) *float64 { return r.KVCachePercent })
	m.OutputTokensPerSecond = of(func(r domain.RemoteSample) *float64 { return r.OutputTokensPerSecond })
	m.PromptTokensPerSecond = of(func(r domain.RemoteSample) *float64 { return r.PromptTokensPerSecond })
	m.Devices = devices(asSamples, nil)
	m.GPUPercent = mean(collect(m.Devices, func(d domain.DeviceMetrics) *float64 { return d.GPUPercent }))
	m.VRAMUsedGB = sumOf(m.Devices, func(d domain.DeviceMetrics) *float64 { return d.VRAMUsedGB })
	m.PowerW = sumOf(m.Devices, func(d domain.DeviceMetrics) *float64 { return d.PowerW })
	return m
}

// sumOf adds up what every device tells; a sum that misses one is no sum.
func sumOf(devices []domain.DeviceMetrics, get func(domain.DeviceMetrics) *float64) *float64 {
	values := collect(devices, get)
	if len(values) == 0 || len(values) < len(devices) {
		return nil
	}
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return &sum
}
