package telemetry

import (
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

const (
	gb      = 1e9
	nsPerMs = float64(time.Millisecond)
)

// hostReading is what a hostSource fills at each tick; a false flag is a sensor that failed.
type hostReading struct {
	ramUsed, swapUsed uint64
	hasRAM, hasSwap   bool
	cpuErr, memErr    string // why, in plain words; empty when fine
}

// hostSource reads the CPU and memory of the machine.
type hostSource interface {
	// read appends the tick counters to the window and fills r.
	read(now time.Time, w *cpuWindow, r *hostReading)
	name() string
	close()
}

// processSource reads one process.
type processSource interface {
	// cpuTime is what the process has used so far.
	cpuTime() (time.Duration, bool)
	// rss is its resident memory in bytes.
	rss() (uint64, bool)
	close()
}

// cpuMeter turns the CPU time of a process into percent of one core.
type cpuMeter struct {
	before, last cpuPoint
}

type cpuPoint struct {
	at   time.Time
	used time.Duration
}

// leastCPUSpan is the shortest span that a process is measured over. A forced reading right after a
// tick goes back to the reading before.
const leastCPUSpan = 10 * time.Millisecond

// add takes a reading; ok is false until there are two.
func (m *cpuMeter) add(now time.Time, used time.Duration) (percent float64, ok bool) {
	from := m.last
	if now.Sub(m.last.at) < leastCPUSpan {
		from = m.before
	} else {
		m.before, m.last = m.last, cpuPoint{now, used}
	}
	if from.at.IsZero() || now.Sub(from.at) < leastCPUSpan {
		return 0, false
	}
	return 100 * float64(max(used-from.used, 0)) / float64(now.Sub(from.at)), true
}

// sensor builds one row of the list of sensors; an empty reason means it is there.
func sensor(key, name, unit, source, reason string) domain.SensorInfo {
	return domain.SensorInfo{
		Key: key, Name: name, Unit: unit, Source: source, Available: reason == "", Reason: reason,
	}
}
