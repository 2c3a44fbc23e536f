package api

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

// metric is one metric of GET /metrics; one without a value has no line.
type metric struct {
	name, help string
	value      *float64
}

// exposition writes metrics in the text format of Prometheus.
type exposition struct{ strings.Builder }

func (e *exposition) head(name, kind, help string) {
	fmt.Fprintf(e, "# HELP inferometer_%s %s.\n# TYPE inferometer_%s %s\n", name, help, name, kind)
}

// all writes unlabelled metrics of one kind: gauge or counter.
func (e *exposition) all(kind string, metrics ...metric) {
	for _, m := range metrics {
		if m.value != nil {
			e.head(m.name, kind, m.help)
			fmt.Fprintf(e, "inferometer_%s %g\n", m.name, *m.value)
		}
	}
}

// prometheus shows the newest sample, how the sampler does, and what is being measured. A sensor that
// is missing has no line.
func (a *API) prometheus(ctx context.Context, _ *none) (*rawOutput, error) {
	samples, err := a.svc.SystemTelemetry(ctx, 10*time.Second)
	if err != nil {
		return nil, err
	}
	var e exposition
	if len(samples) > 0 {
		e.sample(&samples[len(samples)-1])
	}
	sys, err := a.svc.System(ctx)
	if err != nil {
		return nil, err
	}
	e.sampler(sys.Telemetry)
	_, active := a.svc.ActiveRun()
	e.all("gauge", metric{"benchmark_active", "1 while a benchmark is being measured", oneIf(active)})
	return &rawOutput{"text/plain; version=0.0.4; charset=utf-8", []byte(e.String())}, nil
}

func oneIf(yes bool) *float64 {
	if yes {
		return new(1.0)
	}
	return new(0.0)
}

func (e *exposition) sample(s *domain.Sample) {
	e.all("gauge", metric{"cpu_usage_percent", "Whole machine, 0 to 100", s.CPUPercent},
		metric{"ram_usage_gigabytes", "RAM in use, 10^9 bytes", s.RAMUsedGB},
		metric{"swap_usage_gigabytes", "Swap in use, 10^9 bytes", s.SwapUsedGB},
		metric{"gpu_usage_percent", "Mean over the GPUs in use", s.GPUPercent},
		metric{"vram_usage_gigabytes", "VRAM in use, 10^9 bytes", s.VRAMUsedGB},
		metric{"power_watts", "Sum over the GPUs in use", s.PowerW},
		metric{"gpu_temperature_celsius", "Hottest GPU", s.GPUTempC},
		metric{"engine_cpu_percent", "The engine's process; 100 is one core", s.EngineCPUPercent},
		metric{"engine_memory_gigabytes", "Resident memory of the engine's process, 10^9 bytes", s.EngineRSSGB},
		metric{"self_cpu_percent", "This program itself; 100 is one core", s.SelfCPUPercent},
		metric{"cpu_steal_percent", "Taken by the hypervisor, of the machine", s.StealPercent},
		metric{"cpu_iowait_percent", "Waiting for a disk, of the machine", s.IOWaitPercent},
		metric{"cpu_pressure_percent", "Time in which some task waited for a core", s.CPUPressurePercent},
		metric{"memory_pressure_percent", "Time in which some task waited for memory", s.MemPressurePercent},
		metric{"io_pressure_percent", "Time in which some task waited for a disk", s.IOPressurePercent},
		metric{"cpu_throttled_percent", "Time in which a quota held this program back", s.ThrottledPercent},
		metric{"swap_in_megabytes_per_second", "Read back from swap, 10^6 bytes", s.SwapInMBPS},
		metric{"swap_out_megabytes_per_second", "Written to swap, 10^6 bytes", s.SwapOutMBPS},
		metric{"disk_read_megabytes_per_second", "All disks, 10^6 bytes", s.DiskReadMBPS},
		metric{"disk_write_megabytes_per_second", "All disks, 10^6 bytes", s.DiskWriteMBPS},
		metric{"network_receive_megabytes_per_second", "Without loopback, 10^6 bytes", s.NetRxMBPS},
		metric{"network_send_megabytes_per_second", "Without loopback, 10^6 bytes", s.NetTxMBPS},
		metric{"engine_major_faults_per_second", "Pages the engine had to fetch from disk", s.EngineMajorFaults},
		metric{"cpu_clock_megahertz", "Mean over the cores", s.CPUClockMHz},
		metric{"cpu_temperature_celsius", "Hottest package", s.CPUTempC},
		metric{"battery_power_watts", "What leaves the batteries", s.BatteryPowerW})
	e.all("counter", metric{"cpu_energy_joules_total", "All packages, since the program began", s.CPUEnergyJ})
	e.cores(s.CPUCores)
	e.gpus(s.GPUs)
}

func (e *exposition) cores(cores []float64) {
	if len(cores) == 0 {
		return
	}
	e.head("cpu_core_usage_percent", "gauge", "One core, 0 to 100")
	for i, v := range cores {
		fmt.Fprintf(e, "inferometer_cpu_core_usage_percent{core=\"%d\"} %g\n", i, v)
	}
}

// gpus writes each reading of each GPU; lines of one metric stand together, as the format wants it.
func (e *exposition) gpus(gpus []domain.GPUSample) {
	for _, m := range []struct {
		name, kind, help string
		get              func(*domain.GPUSample) *float64
	}{
		{"gpu_device_usage_percent", "gauge", "One GPU, 0 to 100", func(g *domain.GPUSample) *float64 { return g.UtilPct }},
		{"gpu_device_memory_bus_percent", "gauge", "Use of one GPU's memory bus", func(g *domain.GPUSample) *float64 { return g.MemUtilPct }},
		{"gpu_device_vram_gigabytes", "gauge", "VRAM in use of one GPU, 10^9 bytes", func(g *domain.GPUSample) *float64 { return g.VRAMUsedGB }},
		{"gpu_device_power_watts", "gauge", "One GPU", func(g *domain.GPUSample) *float64 { return g.PowerW }},
		{"gpu_device_temperature_celsius", "gauge", "One GPU", func(g *domain.GPUSample) *float64 { return g.TempC }},
		{"gpu_device_clock_megahertz", "gauge", "Clock of one GPU", func(g *domain.GPUSample) *float64 { return g.ClockMHz }},
		{"gpu_device_memory_clock_megahertz", "gauge", "Clock of one GPU's memory", func(g *domain.GPUSample) *float64 { return g.MemClockMHz }},
		{"gpu_device_fan_percent", "gauge", "Fan of one GPU", func(g *domain.GPUSample) *float64 { return g.FanPct }},
		{"gpu_device_energy_joules_total", "counter", "One GPU, since the program began", func(g *domain.GPUSample) *float64 { return g.EnergyJ }},
	} {
		begun := false
		for i := range gpus {
			v := m.get(&gpus[i])
			if v == nil {
				continue
			}
			if !begun {
				e.head(m.name, m.kind, m.help)
				begun = true
			}
			fmt.Fprintf(e, "inferometer_%s{gpu=\"%d\"} %g\n", m.name, gpus[i].Index, *v)
		}
	}
}

func (e *exposition) sampler(t domain.Telemetry) {
	e.all("gauge", metric{"telemetry_rate_hertz", "Readings asked for a second", &t.RateHz},
		metric{"telemetry_late_p99_milliseconds", "Lateness of the slowest hundredth of the last thousand readings", t.LateP99Ms})
	e.all("counter", metric{"telemetry_ticks_total", "Readings taken", new(float64(t.Ticks))},
		metric{"telemetry_missed_total", "Readings left out", new(float64(t.Missed))})
}
