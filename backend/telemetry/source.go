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
	gauges            gauges
}

// gauges are the further readings. One that is not there has a reason, but for a rate before its second
// reading: that sensor is there.
type gauges struct {
	value [domain.Gauges]float64
	has   [domain.Gauges]bool
	lack  [domain.Gauges]lack
}

// lack says why a reading is missing and, where something helps, what.
type lack struct{ reason, remedy string }

func (g *gauges) set(k domain.Gauge, v float64) {
	g.value[k], g.has[k], g.lack[k] = v, true, lack{}
}

func (g *gauges) miss(k domain.Gauge, why lack) {
	g.value[k], g.has[k], g.lack[k] = 0, false, why
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
	// majorFaults counts the pages that it had to wait for a disk for.
	majorFaults() (uint64, bool)
	close()
}

// rate turns a counter that grows into how fast it grows.
type rate struct{ before, last point }

type point struct {
	at    time.Time
	count uint64
}

// leastSpan is the shortest span that a rate is taken over. A forced reading right after a tick goes
// back to the reading before.
const leastSpan = 10 * time.Millisecond

// add takes a reading and returns the growth a second; ok is false until there are two. A counter
// that steps back has not grown.
func (r *rate) add(now time.Time, count uint64) (perSecond float64, ok bool) {
	from := r.last
	if now.Sub(r.last.at) < leastSpan {
		from = r.before
	} else {
		r.before, r.last = r.last, point{now, count}
	}
	if from.at.IsZero() || now.Sub(from.at) < leastSpan {
		return 0, false
	}
	return float64(sub(count, from.count)) / now.Sub(from.at).Seconds(), true
}

// cpuMeter turns the CPU time of a process into percent of one core.
type cpuMeter struct{ rate rate }

func (m *cpuMeter) add(now time.Time, used time.Duration) (percent float64, ok bool) {
	nsPerSecond, ok := m.rate.add(now, uint64(max(used, 0)))
	return nsPerSecond / 1e7, ok
}
