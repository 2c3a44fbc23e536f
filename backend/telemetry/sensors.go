package telemetry

import (
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

// gaugeText is how a gauge is listed; window is the trailing time that a reading tells of, 0 for "since
// the reading before" or for what the source does not say.
type gaugeText struct {
	key, name, unit, source string
	window                  time.Duration
}

// gaugeTexts lists the gauges by number.
func gaugeTexts() [domain.Gauges]gaugeText {
	const second = time.Second
	return [domain.Gauges]gaugeText{
		domain.GaugeSteal:       {"steal_percent", "Taken by the hypervisor", "%", "/proc/stat", coreWindow},
		domain.GaugeIOWait:      {"iowait_percent", "Waiting for a disk", "%", "/proc/stat", coreWindow},
		domain.GaugeCPUPressure: {"cpu_pressure_percent", "CPU pressure", "%", "/proc/pressure/cpu", 0},
		domain.GaugeMemPressure: {"memory_pressure_percent", "Memory pressure", "%", "/proc/pressure/memory", 0},
		domain.GaugeIOPressure:  {"io_pressure_percent", "Disk pressure", "%", "/proc/pressure/io", 0},
		domain.GaugeThrottled:   {"cpu_throttled_percent", "Held back by a CPU quota", "%", "cgroup cpu.stat", second},
		domain.GaugeSwapIn:      {"swap_in_mb_per_s", "Swapped in", "MB/s", "/proc/vmstat", second},
		domain.GaugeSwapOut:     {"swap_out_mb_per_s", "Swapped out", "MB/s", "/proc/vmstat", second},
		domain.GaugeDiskRead:    {"disk_read_mb_per_s", "Disk reads", "MB/s", "/proc/diskstats", 0},
		domain.GaugeDiskWrite:   {"disk_write_mb_per_s", "Disk writes", "MB/s", "/proc/diskstats", 0},
		domain.GaugeNetRx:       {"net_receive_mb_per_s", "Network received", "MB/s", "/proc/net/dev", second},
		domain.GaugeNetTx:       {"net_send_mb_per_s", "Network sent", "MB/s", "/proc/net/dev", second},
		domain.GaugeMajorFaults: {"engine_major_faults_per_s", "Engine page faults", "1/s", "/proc/PID/stat", 0},
		domain.GaugeCPUClock:    {"cpu_clock_mhz", "CPU clock", "MHz", "cpufreq", 0},
		domain.GaugeCPUTemp:     {"cpu_temp_c", "CPU temperature", "°C", "hwmon", 0},
		domain.GaugeCPUEnergy:   {"cpu_energy_j", "CPU package energy", "J", "RAPL powercap", 0},
		domain.GaugeBattery:     {"battery_power_w", "Battery power", "W", "power_supply", 0},
	}
}

// sensor builds one row of the list of sensors; an empty reason means it is there.
func sensor(key, name, unit, source, reason string) domain.SensorInfo {
	return domain.SensorInfo{
		Key: key, Name: name, Unit: unit, Source: source, Available: reason == "", Reason: reason,
	}
}

// averaged is sensor for a reading that tells of a trailing time; 0 is left out.
func averaged(window time.Duration, s domain.SensorInfo) domain.SensorInfo {
	if window > 0 {
		ms := float64(window) / nsPerMs
		s.WindowMs = &ms
	}
	return s
}

func (st hostStatus) sensors() []domain.SensorInfo {
	unread := st.source == ""
	if unread {
		st = hostStatus{cpu: notYet, ram: notYet, swap: notYet, engine: notYet, self: notYet}
	}
	list := []domain.SensorInfo{
		averaged(totalWindow, sensor("cpu_usage_percent", "CPU", "%", st.source, st.cpu)),
		averaged(coreWindow, sensor("cpu_cores_percent", "CPU cores", "%", st.source, st.cpu)),
		sensor("ram_usage_gb", "Memory", "GB", st.source, st.ram),
		sensor("swap_usage_gb", "Swap", "GB", st.source, st.swap),
		sensor("engine_cpu_percent", "Engine CPU", "% of one core", st.source, st.engine),
		sensor("engine_rss_gb", "Engine memory", "GB", st.source, st.engine),
		sensor("self_cpu_percent", "Inferometer CPU", "% of one core", st.source, st.self),
	}
	for g, text := range gaugeTexts() {
		why := st.gauges[g]
		if unread {
			why = lack{reason: notYet}
		}
		row := averaged(text.window, sensor(text.key, text.name, text.unit, text.source, why.reason))
		row.Remedy = why.remedy
		list = append(list, row)
	}
	return list
}
