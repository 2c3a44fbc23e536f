package telemetry

// energyMeter turns a counter of energy into what was used since its first reading, in the unit of
// the counter. A counter that goes back has begun anew: what it lost is not known and is left out,
// so that the sum never falls and never runs under zero. A 0 is what a GPU in trouble tells; it is
// no reading, or all that was used before would count again when it recovers.
type energyMeter struct {
	begun     bool
	last, sum uint64
}

func (m *energyMeter) add(counter uint64) uint64 {
	if counter == 0 {
		return m.sum
	}
	if m.begun && counter > m.last {
		m.sum += counter - m.last
	}
	m.begun, m.last = true, counter
	return m.sum
}

// descends reports whether a process is root or was started by it, directly or through others.
func descends(pid, root int, parentOf func(int) int) bool {
	for range 64 { // deeper than any family; parents that go round in a ring end too
		if pid == root {
			return true
		}
		if pid <= 1 {
			return false
		}
		pid = parentOf(pid)
	}
	return false
}

// scaled is a measured number in the unit that a sample has.
func scaled(v uint64, factor float64) *float64 {
	f := float64(v) * factor
	return &f
}
