//go:build !linux

package telemetry

import (
	"os"
	"time"

	"github.com/shirou/gopsutil/v3/cpu"
	"github.com/shirou/gopsutil/v3/mem"
	"github.com/shirou/gopsutil/v3/process"

	"github.com/inferometer/inferometer/backend/domain"
)

// libHost reads through gopsutil, where there is no /proc. Percentages are computed here: the
// library's own keep one last reading for the whole program.
type libHost struct{}

func newHostSource() hostSource { return libHost{} }

func (libHost) name() string { return "gopsutil" }

func (libHost) read(now time.Time, w *cpuWindow, r *hostReading) {
	*r = hostReading{}
	for g := range domain.Gauges {
		r.gauges.miss(g, lack{reason: "This is read on Linux only."})
	}
	total, err := cpu.Times(false)
	if err != nil || len(total) != 1 {
		r.cpuErr = "The system does not tell its CPU times."
	} else {
		slot := w.next()
		slot.at, slot.total, slot.cores = now, libTicks(total[0]), slot.cores[:0]
		if cores, err := cpu.Times(true); err == nil {
			for _, c := range cores {
				slot.cores = append(slot.cores, libTicks(c))
			}
		}
		w.commit()
	}
	if vm, err := mem.VirtualMemory(); err == nil {
		r.ramUsed, r.hasRAM = sub(vm.Total, vm.Available), true
	} else {
		r.memErr = "The system does not tell its memory use."
	}
	if sw, err := mem.SwapMemory(); err == nil {
		r.swapUsed, r.hasSwap = sw.Used, true
	}
}

// libTicks turns seconds into microseconds, so that the same arithmetic serves.
func libTicks(t cpu.TimesStat) cpuTicks {
	busy := t.User + t.System + t.Nice + t.Irq + t.Softirq + t.Steal
	return cpuTicks{busy: uint64(busy * 1e6), all: uint64((busy + t.Idle + t.Iowait) * 1e6)}
}

func (libHost) close() {}

type libProcess struct{ p *process.Process }

func newProcessSource(pid int) (processSource, bool) {
	p, err := process.NewProcess(int32(pid)) //nolint:gosec // pids fit
	if err != nil {
		return nil, false
	}
	return libProcess{p}, true
}

func newSelfSource() (processSource, bool) { return newProcessSource(os.Getpid()) }

func (l libProcess) cpuTime() (time.Duration, bool) {
	t, err := l.p.Times()
	if err != nil {
		return 0, false
	}
	return time.Duration((t.User + t.System) * float64(time.Second)), true
}

func (l libProcess) rss() (uint64, bool) {
	m, err := l.p.MemoryInfo()
	if err != nil || m.RSS == 0 {
		return 0, false
	}
	return m.RSS, true
}

func (libProcess) majorFaults() (uint64, bool) { return 0, false }

func (l libProcess) close() {}
