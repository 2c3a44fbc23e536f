package telemetry

import "time"

const (
	// totalWindow is short so that a figure belongs to its own phase; over all cores ticks are fine
	// enough for it.
	totalWindow = 200 * time.Millisecond
	// coreWindow is long because one core counts in ticks of 10 ms: over a tenth of a second that
	// would be an error of up to ten points.
	coreWindow = time.Second
	// leastWindow keeps two readings in a row from dividing noise by nothing.
	leastWindow = 50 * time.Millisecond
	// windowSlots covers coreWindow at the highest rate with room for forced readings.
	windowSlots = 128
)

// cpuReading is one reading of all tick counters.
type cpuReading struct {
	at    time.Time
	total cpuTicks
	lost  lostTicks
	cores []cpuTicks
}

// cpuWindow keeps the readings of the trailing second and turns them into percentages. Its slots
// are reused, and the second reading makes room in all of them: after it, none allocates.
type cpuWindow struct {
	slots [windowSlots]cpuReading
	n     int // readings ever taken
}

// next returns the slot for a new reading; commit makes it the newest.
func (w *cpuWindow) next() *cpuReading {
	slot := &w.slots[w.n%windowSlots]
	if last := w.back(0); last != nil && cap(slot.cores) < len(last.cores) {
		w.reserve(len(last.cores))
	}
	return slot
}

// reserve makes room for so many cores in the slots that lack it.
func (w *cpuWindow) reserve(cores int) {
	block := make([]cpuTicks, windowSlots*cores)
	for i := range w.slots {
		if s := &w.slots[i]; cap(s.cores) < cores {
			s.cores = append(block[i*cores:][:0:cores], s.cores...)
		}
	}
}

func (w *cpuWindow) commit() { w.n++ }

// back returns the reading k before the newest, nil when it is no longer or not yet there.
func (w *cpuWindow) back(k int) *cpuReading {
	if k >= w.n || k >= windowSlots {
		return nil
	}
	return &w.slots[(w.n-1-k)%windowSlots]
}

// since returns the youngest reading that is at least span older than the newest; failing that the
// oldest one, if it is old enough to mean anything.
func (w *cpuWindow) since(span time.Duration) *cpuReading {
	newest := w.back(0)
	if newest == nil {
		return nil
	}
	const slack = time.Millisecond // a tick that came a little early still closes the window
	var found *cpuReading
	for k := 1; ; k++ {
		r := w.back(k)
		if r == nil {
			break
		}
		age := newest.at.Sub(r.at)
		if age >= leastWindow {
			found = r
		}
		if age >= span-slack {
			break
		}
	}
	return found
}

// percent is the busy share of the whole machine over the trailing window.
func (w *cpuWindow) percent() (float64, bool) {
	from := w.since(totalWindow)
	if from == nil {
		return 0, false
	}
	return busyShare(from.total, w.back(0).total)
}

// lostPercents are the shares of the machine that waited for a disk and that the hypervisor took, over
// the long window: both are told in ticks, and a limit on them is one percent.
func (w *cpuWindow) lostPercents() (iowait, steal float64, ok bool) {
	from := w.since(coreWindow)
	if from == nil {
		return 0, 0, false
	}
	to := w.back(0)
	iowait, ok = busyShare(cpuTicks{from.lost.iowait, from.total.all}, cpuTicks{to.lost.iowait, to.total.all})
	steal, _ = busyShare(cpuTicks{from.lost.steal, from.total.all}, cpuTicks{to.lost.steal, to.total.all})
	return iowait, steal, ok
}

// corePercents writes the busy share of each core into out; false when none can be told, also when
// the number of cores has just changed.
func (w *cpuWindow) corePercents(out []float64) bool {
	from, to := w.since(coreWindow), w.back(0)
	if from == nil || len(from.cores) != len(to.cores) || len(out) != len(to.cores) {
		return false
	}
	for i := range out {
		share, ok := busyShare(from.cores[i], to.cores[i])
		if !ok { // no tick on this core in the window: a core that sleeps without ticks
			share = 0
		}
		out[i] = share
	}
	return true
}

// busyShare is the busy part of the ticks between two readings, 0 to 100.
func busyShare(from, to cpuTicks) (float64, bool) {
	all := sub(to.all, from.all)
	if all == 0 {
		return 0, false
	}
	return 100 * float64(min(sub(to.busy, from.busy), all)) / float64(all), true
}
