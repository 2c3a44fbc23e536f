package telemetry

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/inferometer/inferometer/backend/domain"
)

const (
	mb = 1e6
	// smallFile is room for a file of one line, procSize for one of many.
	smallFile = 128
	procSize  = 8192
)

// fastMeters are read at each tick.
func fastMeters(root string, tree fs.FS) []meter {
	return []meter{
		pressure(root, "cpu", domain.GaugeCPUPressure),
		pressure(root, "memory", domain.GaugeMemPressure),
		pressure(root, "io", domain.GaugeIOPressure),
		&countMeter{
			files: openAll(root, procSize, "proc/diskstats"), parse: parseDisks, scale: 1 / mb,
			gauges: []domain.Gauge{domain.GaugeDiskRead, domain.GaugeDiskWrite},
			why:    lack{reason: "The system lists no whole disk."},
		},
		&raplMeter{root: root, tree: tree},
	}
}

// slowMeters are read once a second: they are dear, or change no faster.
func slowMeters(root string, tree fs.FS) []meter {
	stats := []string{}
	for _, dir := range cgroupDirs(tree) {
		stats = append(stats, dir+"/cpu.stat")
	}
	pageMB := float64(os.Getpagesize()) / mb
	clocks := matches(tree, "sys/devices/system/cpu/cpufreq/policy*/scaling_cur_freq")
	return []meter{
		&countMeter{
			files: openAll(root, 1024, "proc/vmstat"), parse: parseSwapped, scale: pageMB,
			gauges: []domain.Gauge{domain.GaugeSwapIn, domain.GaugeSwapOut},
			why:    lack{reason: "The system does not tell its swapping."},
		},
		&countMeter{
			files: openAll(root, procSize, "proc/net/dev"), parse: parseNet, scale: 1 / mb,
			gauges: []domain.Gauge{domain.GaugeNetRx, domain.GaugeNetTx},
			why:    lack{reason: "The system lists no network interface."},
		},
		// Each core that is held back adds its own time, so the sum may pass the time that went by.
		&countMeter{
			files: openAll(root, 1024, stats...), parse: parseThrottled, scale: 100 / 1e6, most: 100,
			gauges: []domain.Gauge{domain.GaugeThrottled},
			why:    lack{reason: "This program runs in no control group that could hold its CPU back."},
		},
		&levelMeter{
			files: openAll(root, smallFile, clocks...), gauge: domain.GaugeCPUClock, scale: 1e-3,
			why: lack{reason: "The system does not tell the CPU's clock; most virtual machines do not."},
		},
		&levelMeter{
			files: openAll(root, smallFile, heatFiles(tree)...), gauge: domain.GaugeCPUTemp, scale: 1e-3, largest: true,
			why: noHeat(tree),
		},
		&batteryMeter{files: openAll(root, 1024, matches(tree, "sys/class/power_supply/*/uevent")...)},
	}
}

func pressure(root, of string, gauge domain.Gauge) *countMeter {
	m := &countMeter{
		files: openAll(root, smallFile, "proc/pressure/"+of), parse: parsePressure,
		gauges: []domain.Gauge{gauge}, scale: 100 / 1e6, most: 100,
		why: lack{reason: "This kernel does not record pressure."},
	}
	if len(m.files) == 0 {
		m.why.remedy = "Start the system with psi=1 on the kernel's command line."
	}
	return m
}

// openAll opens those of the files that are there.
func openAll(root string, size int, names ...string) []*procFile {
	var files []*procFile
	for _, name := range names {
		if f, err := openProc(filepath.Join(root, name), size); err == nil {
			files = append(files, f)
		}
	}
	return files
}

// heatFiles are the temperatures of the CPU packages: of the sensor in the CPU, else of the firmware's
// thermal zone.
func heatFiles(tree fs.FS) []string {
	var files []string
	for _, name := range matches(tree, "sys/class/hwmon/hwmon*/name") {
		dir := path.Dir(name)
		switch text(tree, name) {
		case "coretemp": // one a package, beside one for each core
			for _, label := range matches(tree, dir+"/temp*_label") {
				if strings.HasPrefix(text(tree, label), "Package id") {
					files = append(files, strings.TrimSuffix(label, "_label")+"_input")
				}
			}
		case "k10temp", "zenpower":
			files = append(files, dieTemperature(tree, dir))
		case "cpu_thermal", "cpu-thermal":
			files = append(files, dir+"/temp1_input")
		}
	}
	if len(files) > 0 {
		return files
	}
	for _, kind := range matches(tree, "sys/class/thermal/thermal_zone*/type") {
		if t := text(tree, kind); t == "x86_pkg_temp" || t == "cpu-thermal" {
			files = append(files, path.Dir(kind)+"/temp")
		}
	}
	return files
}

// dieTemperature prefers Tdie: on some AMD CPUs Tctl is set higher on purpose, to drive the fan.
func dieTemperature(tree fs.FS, dir string) string {
	for _, label := range matches(tree, dir+"/temp*_label") {
		if text(tree, label) == "Tdie" {
			return strings.TrimSuffix(label, "_label") + "_input"
		}
	}
	return dir + "/temp1_input"
}

func noHeat(tree fs.FS) lack {
	if hypervisor() != "" {
		return lack{reason: "A virtual machine does not show the CPU's temperature."}
	}
	why := lack{reason: "No temperature sensor of the CPU was found."}
	cpu := text(tree, "proc/cpuinfo")
	switch {
	case strings.Contains(cpu, "GenuineIntel"):
		why.remedy = "sudo modprobe coretemp"
	case strings.Contains(cpu, "AuthenticAMD"):
		why.remedy = "sudo modprobe k10temp"
	}
	return why
}
