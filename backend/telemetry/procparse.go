package telemetry

import "bytes"

// cpuTicks counts scheduler ticks of one CPU since boot.
type cpuTicks struct{ busy, all uint64 }

// idleField and iowaitField are the positions in a "cpu" line whose ticks are not work.
const (
	idleField   = 3
	iowaitField = 4
	stealField  = 7
	countFields = 8 // what follows, guest time, is already inside user and nice
)

// parseStat reads the "cpu" lines of /proc/stat into cores, which it reuses, and returns the total.
// ok is false when there is no total line or a line is damaged.
func parseStat(data []byte, cores []cpuTicks) (total cpuTicks, perCore []cpuTicks, ok bool) {
	perCore = cores[:0]
	for len(data) > 0 {
		var line []byte
		line, data = cutLine(data)
		if !bytes.HasPrefix(line, []byte("cpu")) {
			break // the cpu lines stand first
		}
		rest := line[len("cpu"):]
		isTotal := len(rest) > 0 && rest[0] == ' '
		for len(rest) > 0 && rest[0] != ' ' {
			rest = rest[1:]
		}
		t, fine := parseTicks(rest)
		if !fine {
			return cpuTicks{}, perCore, false
		}
		if isTotal {
			total, ok = t, true
			continue
		}
		perCore = append(perCore, t)
	}
	return total, perCore, ok
}

// parseTicks sums the fields of one "cpu" line; old kernels have fewer than eight.
func parseTicks(fields []byte) (cpuTicks, bool) {
	var t cpuTicks
	for i := range countFields {
		var v uint64
		var ok bool
		v, fields, ok = nextUint(fields)
		if !ok {
			return t, i > idleField
		}
		t.all += v
		if i != idleField && i != iowaitField {
			t.busy += v
		}
	}
	return t, true
}

// lostTicks counts ticks of the whole machine in which it could have worked, since boot.
type lostTicks struct{ iowait, steal uint64 }

// parseLost reads the ticks lost from the total line of /proc/stat; what an old kernel does not tell
// is 0.
func parseLost(data []byte) (t lostTicks) {
	rest, ok := bytes.CutPrefix(data, []byte("cpu "))
	for i := 0; ok && i < countFields; i++ {
		var v uint64
		v, rest, ok = nextUint(rest)
		switch i {
		case iowaitField:
			t.iowait = v
		case stealField:
			t.steal = v
		}
	}
	return t
}

// memInfo holds the lines of /proc/meminfo that are used, in kB.
type memInfo struct {
	total, free, available, buffers, cached, swapTotal, swapFree uint64
	hasAvailable                                                 bool
}

// parseMeminfo reads /proc/meminfo; ok is false without a total or any measure of what is free.
func parseMeminfo(data []byte) (m memInfo, ok bool) {
	var hasFree bool
	for len(data) > 0 {
		var line []byte
		line, data = cutLine(data)
		colon := bytes.IndexByte(line, ':')
		if colon < 0 {
			continue
		}
		v, _, fine := nextUint(line[colon+1:])
		if !fine {
			continue
		}
		switch string(line[:colon]) { // the compiler compares without a copy
		case "MemTotal":
			m.total = v
		case "MemFree":
			m.free, hasFree = v, true
		case "MemAvailable":
			m.available, m.hasAvailable = v, true
		case "Buffers":
			m.buffers = v
		case "Cached":
			m.cached = v
		case "SwapTotal":
			m.swapTotal = v
		case "SwapFree":
			m.swapFree = v
		}
	}
	return m, m.total > 0 && (hasFree || m.hasAvailable)
}

// usedBytes is what programs hold and cannot be given away at need.
func (m memInfo) usedBytes() uint64 {
	left := m.available
	if !m.hasAvailable { // kernels before 3.14
		left = m.free + m.buffers + m.cached
	}
	return sub(m.total, left) * 1024
}

// swapUsedBytes is zero on a machine without swap: that is a fact, not a missing sensor.
func (m memInfo) swapUsedBytes() uint64 { return sub(m.swapTotal, m.swapFree) * 1024 }

// parseStatm returns the resident pages of /proc/PID/statm.
func parseStatm(data []byte) (pages uint64, ok bool) {
	_, rest, ok := nextUint(data)
	if !ok {
		return 0, false
	}
	pages, _, ok = nextUint(rest)
	return pages, ok
}

// cutLine splits off the first line without its end.
func cutLine(data []byte) (line, rest []byte) {
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		return data[:i], data[i+1:]
	}
	return data, nil
}

// nextUint skips blanks and reads one decimal number; ok is false when none stands there or it
// does not fit.
func nextUint(data []byte) (v uint64, rest []byte, ok bool) {
	i := 0
	for i < len(data) && (data[i] == ' ' || data[i] == '\t') {
		i++
	}
	start := i
	for ; i < len(data) && data[i] >= '0' && data[i] <= '9'; i++ {
		d := uint64(data[i] - '0')
		if v > (1<<64-1-d)/10 {
			return 0, data, false
		}
		v = v*10 + d
	}
	return v, data[i:], i > start
}

// sub is a-b, 0 when b is larger: counters of the kernel may step back by a tick.
func sub(a, b uint64) uint64 {
	if b > a {
		return 0
	}
	return a - b
}
