package telemetry

import (
	"path"
	"slices"
	"strconv"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

// intelMaker reads the files of i915 and of xe, which lie in other places. Neither tells the use of the
// whole GPU or of its memory; what single processes use stands in their fdinfo.
func intelMaker() sysfsMaker {
	return sysfsMaker{vendor: "0x8086", name: "Intel", ownHwmon: true, info: intelInfo, read: intelRead}
}

func intelInfo(d *sysfsDriver, c *sysfsCard) domain.GPUInfo {
	info := domain.GPUInfo{Driver: d.uevent(c, "DRIVER")}
	if c.hwmon != "" {
		info.PowerLimitW = d.number(1e-6, c.hwmon, "power1_cap", "power1_max")
	}
	return info
}

func intelRead(d *sysfsDriver, c *sysfsCard, g *domain.GPUSample) {
	g.ClockMHz = d.number(1, c.card, "device/tile0/gt0/freq0/act_freq", "gt/gt0/rps_act_freq_mhz", "gt_act_freq_mhz")
	g.LimitReasons = d.intelLimits(c)
	if c.hwmon == "" {
		return
	}
	g.TempC = d.number(1e-3, c.hwmon, "temp1_input", "temp2_input")
	// The counter of the card stands before that of the package, which leaves out the memory.
	for _, file := range []string{"energy1_input", "energy2_input"} {
		microjoules, err := strconv.ParseUint(d.text(c.hwmon, file), 10, 64)
		if err != nil {
			continue
		}
		used := c.energy.add(microjoules)
		g.EnergyJ = scaled(used, 1e-6)
		g.PowerW = c.power.add(d.now(), used)
		return
	}
}

// intelLimits puts the files that say what holds the clock down into words; nil where there are none.
func (d *sysfsDriver) intelLimits(c *sysfsCard) []string {
	prefix := ""
	for _, p := range []string{"device/tile0/gt0/freq0/throttle/", "gt/gt0/throttle_"} {
		if d.text(c.card, p+"reason_status") != "" || d.text(c.card, p+"status") != "" {
			prefix = p
			break
		}
	}
	if prefix == "" {
		return nil
	}
	words := []string{}
	for _, r := range []struct{ file, word string }{
		{"reason_pl1", "power_cap"}, {"reason_pl2", "power_cap"}, {"reason_pl4", "power_cap"},
		{"reason_thermal", "hw_thermal"}, {"reason_prochot", "hw_thermal"}, {"reason_ratl", "hw_thermal"},
		{"reason_vr_thermalert", "hw_thermal"}, {"reason_vr_tdc", "hw_slowdown"},
	} {
		if d.text(c.card, path.Clean(prefix+r.file)) == "1" && !slices.Contains(words, r.word) {
			words = append(words, r.word)
		}
	}
	return words
}

// leastPowerSpan is the shortest span that power is taken over: the counter moves in steps.
const leastPowerSpan = 20 * time.Millisecond

// powerMeter turns the energy used so far, in µJ, into the mean power since the reading before.
type powerMeter struct {
	at    time.Time
	used  uint64
	watts *float64
}

// add returns the power in W; nil until there are two readings. A reading right after another gets
// the power of that one.
func (m *powerMeter) add(now time.Time, used uint64) *float64 {
	span := now.Sub(m.at)
	if m.at.IsZero() {
		m.at, m.used = now, used
		return nil
	}
	if span >= leastPowerSpan {
		watts := float64(used-m.used) * 1e-6 / span.Seconds() // the energy used never falls
		*m = powerMeter{now, used, &watts}
	}
	return m.watts
}
