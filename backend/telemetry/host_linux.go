package telemetry

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/inferometer/inferometer/backend/domain"
)

// procFile is a file of /proc that stays open and is read anew from its start each time, without
// allocation once the buffer has grown to its size.
type procFile struct {
	f   *os.File
	buf []byte
}

// openProc opens a file; size is the room that it normally needs.
func openProc(path string, size int) (*procFile, error) {
	f, err := os.Open(path) // #nosec G304 -- a path below /proc, or a recorded tree in tests
	if err != nil {
		return nil, fmt.Errorf("open sensor file: %w", err)
	}
	return &procFile{f: f, buf: make([]byte, size)}, nil
}

// mostProcBytes bounds what is read of one file; /proc/stat of a machine with a thousand cores
// stays far below.
const mostProcBytes = 1 << 20

// read returns the content, valid until the next read.
func (p *procFile) read() ([]byte, error) {
	n := 0
	for {
		m, err := p.f.ReadAt(p.buf[n:], int64(n))
		n += m
		if errors.Is(err, io.EOF) || (err == nil && m == 0) {
			return p.buf[:n], nil
		}
		if err != nil {
			return nil, fmt.Errorf("read sensor file: %w", err)
		}
		if n == len(p.buf) {
			if n >= mostProcBytes {
				return p.buf[:n], nil
			}
			p.buf = append(p.buf, make([]byte, len(p.buf))...)
		}
	}
}

func (p *procFile) close() {
	if p != nil {
		_ = p.f.Close() // opened for reading: nothing can be lost
	}
}

// slowEvery is how often what is dear or slow is read.
const slowEvery = time.Second

// procHost reads the machine's files below /proc and /sys.
type procHost struct {
	stat, mem       *procFile
	statErr, memErr string
	fast, slow      []meter
	slowAt          time.Time // of the last slow reading
	gauges          gauges    // of slow meters, from then
}

// newHostSource opens the files of the machine.
func newHostSource() hostSource { return newProcHost("/") }

func newProcHost(root string) *procHost {
	tree := os.DirFS(root)
	h := &procHost{fast: fastMeters(root, tree), slow: slowMeters(root, tree)}
	var err error
	if h.stat, err = openProc(filepath.Join(root, "proc/stat"), procSize); err != nil {
		h.statErr = "The CPU counters of the system cannot be read."
	}
	if h.mem, err = openProc(filepath.Join(root, "proc/meminfo"), procSize); err != nil {
		h.memErr = "The memory counters of the system cannot be read."
	}
	return h
}

func (h *procHost) name() string { return "procfs" }

func (h *procHost) read(now time.Time, w *cpuWindow, r *hostReading) {
	*r = hostReading{cpuErr: h.statErr, memErr: h.memErr}
	h.readGauges(now)
	if h.stat != nil {
		h.readCPU(now, w, r)
	}
	h.lostInto(w, r.cpuErr)
	r.gauges = h.gauges
	if h.mem == nil {
		return
	}
	data, err := h.mem.read()
	m, ok := parseMeminfo(data)
	if err != nil || !ok {
		r.memErr = "The memory counters of the system have an unknown form."
		return
	}
	r.ramUsed, r.hasRAM = m.usedBytes(), true
	r.swapUsed, r.hasSwap = m.swapUsedBytes(), true
}

func (h *procHost) readCPU(now time.Time, w *cpuWindow, r *hostReading) {
	data, err := h.stat.read()
	slot := w.next()
	var ok bool
	slot.total, slot.cores, ok = parseStat(data, slot.cores)
	if err != nil || !ok {
		r.cpuErr = "The CPU counters of the system have an unknown form."
		return
	}
	slot.at, slot.lost = now, parseLost(data)
	w.commit()
}

// readGauges reads what is due. A tick that comes a little early is not put off by a whole one.
func (h *procHost) readGauges(now time.Time) {
	for _, m := range h.fast {
		m.read(now, &h.gauges)
	}
	if now.Sub(h.slowAt) < slowEvery-leastSpan {
		return
	}
	h.slowAt = now
	for _, m := range h.slow {
		m.read(now, &h.gauges)
	}
}

func (h *procHost) lostInto(w *cpuWindow, why string) {
	iowait, steal, ok := w.lostPercents()
	if ok && why == "" {
		h.gauges.set(domain.GaugeIOWait, iowait)
		h.gauges.set(domain.GaugeSteal, steal)
		return
	}
	h.gauges.miss(domain.GaugeIOWait, lack{reason: why})
	h.gauges.miss(domain.GaugeSteal, lack{reason: why})
}

func (h *procHost) close() {
	for _, m := range h.fast {
		m.close()
	}
	for _, m := range h.slow {
		m.close()
	}
	h.stat.close()
	h.mem.close()
}

// procProcess reads one process: its CPU clock, exact to the nanosecond, and its statm and stat files.
type procProcess struct {
	clock       int32
	statm, stat *procFile
}

// newProcessSource watches a process; false when it does not exist.
func newProcessSource(pid int) (processSource, bool) {
	statm, err := openProc(fmt.Sprintf("/proc/%d/statm", pid), smallFile)
	if err != nil {
		return nil, false
	}
	stat, err := openProc(fmt.Sprintf("/proc/%d/stat", pid), 1024)
	if err != nil {
		statm.close()
		return nil, false
	}
	return &procProcess{clock: clockOf(pid), statm: statm, stat: stat}, true
}

// clockOf is the kernel's name for the CPU clock of another process: its number inverted, then 2
// for "scheduler time of the whole process".
func clockOf(pid int) int32 { return int32((^pid)<<3 | 2) } // #nosec G115 -- pids fit

func (p *procProcess) cpuTime() (time.Duration, bool) { return clockTime(p.clock) }

func clockTime(clock int32) (time.Duration, bool) {
	var ts unix.Timespec
	if err := unix.ClockGettime(clock, &ts); err != nil {
		return 0, false
	}
	return time.Duration(ts.Nano()), true
}

func (p *procProcess) rss() (uint64, bool) {
	if p.statm == nil {
		return 0, false
	}
	data, err := p.statm.read()
	if err != nil {
		return 0, false
	}
	pages, ok := parseStatm(data)
	// A process that ended but is not yet collected still has the file, with zeros.
	return pages * uint64(os.Getpagesize()), ok && pages > 0 // #nosec G115 -- a page size is positive
}

func (p *procProcess) majorFaults() (uint64, bool) {
	if p.stat == nil {
		return 0, false
	}
	data, err := p.stat.read()
	if err != nil {
		return 0, false
	}
	return parseMajorFaults(data)
}

func (p *procProcess) close() {
	p.statm.close()
	p.stat.close()
}
