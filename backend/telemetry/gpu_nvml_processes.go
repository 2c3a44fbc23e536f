//go:build (linux && cgo) || windows

package telemetry

import (
	"slices"

	"github.com/shirou/gopsutil/v3/process"
)

// nvmlProcess is one process that holds memory of a GPU; where the GPU is divided, of one part.
type nvmlProcess struct {
	pid, instance, part uint32
	bytes               uint64
}

// nvmlUntold is the number of bytes where the driver does not know them.
const nvmlUntold = ^uint64(0)

// holders divides the memory in use between the engine, with the processes that it started, and all
// others; why says what stands in the way.
func (d *nvmlDriver) holders(c *nvmlCard, engine int, f *gpuSlowFigures) (why string) {
	if why := d.blind(engine); why != "" {
		return why
	}
	all, code := c.processes()
	if code != nvmlOK {
		return "The driver does not list the processes on the GPU: " + code.words() + "."
	}
	var own, other uint64
	for _, p := range all {
		if p.bytes == nvmlUntold {
			return "The driver does not tell the memory of single processes."
		}
		if descends(int(p.pid), engine, parentOf) {
			own += p.bytes
		} else {
			other += p.bytes
		}
	}
	f.engineVRAM, f.otherVRAM = scaled(own, 1/gb), scaled(other, 1/gb)
	return ""
}

// processes lists each holder once: one that computes and draws stands in both lists with the same
// memory.
func (c *nvmlCard) processes() ([]nvmlProcess, nvmlCode) {
	var all []nvmlProcess
	for _, symbol := range []string{symCompute, symGraphics} {
		if !c.lib.has(symbol) {
			return nil, nvmlNoFunction
		}
		list, code := c.dev.processes(symbol)
		if code != nvmlOK {
			return nil, code
		}
		for _, p := range list {
			same := func(q nvmlProcess) bool {
				return q.pid == p.pid && q.instance == p.instance && q.part == p.part
			}
			if i := slices.IndexFunc(all, same); i >= 0 {
				all[i].bytes = max(all[i].bytes, p.bytes)
				continue
			}
			all = append(all, p)
		}
	}
	return all, nvmlOK
}

// nvmlUse is how much one process used a GPU at a time, in percent of the time.
type nvmlUse struct {
	pid, percent uint32
	at           uint64
}

// users divides the use of the GPU's units since the last look between the engine, with the processes that
// it started, and all others; why says what stands in the way. A process that was seen several times counts
// with its mean; one that the driver does not list used nothing.
func (d *nvmlDriver) users(c *nvmlCard, engine int, f *gpuSlowFigures) (why string) {
	if why := d.blind(engine); why != "" {
		return why
	}
	if !c.lib.has(symUses) {
		return "The use by single processes: " + nvmlNoFunction.words() + "."
	}
	all, code := c.dev.uses(c.seen)
	if code != nvmlOK && code != nvmlNotFound && code != nvmlShort {
		return "The driver does not tell the use by single processes: " + code.words() + "."
	}
	sums, counts := map[uint32]float64{}, map[uint32]float64{}
	for _, u := range all {
		c.seen = max(c.seen, u.at)
		sums[u.pid] += float64(u.percent)
		counts[u.pid]++
	}
	own, other := 0.0, 0.0
	for pid, sum := range sums {
		if descends(int(pid), engine, parentOf) {
			own += sum / counts[pid]
		} else {
			other += sum / counts[pid]
		}
	}
	f.engineGPU, f.otherGPU = &own, &other
	return ""
}

// blind is why processes cannot be told apart; empty when they can.
func (d *nvmlDriver) blind(engine int) string {
	if engine <= 0 {
		return noEngine
	}
	if !d.hostPIDs() {
		return "Inside a container the processes on the GPU cannot be told apart."
	}
	return ""
}

// parentOf is the process that started another; 0 when it is not known.
func parentOf(pid int) int {
	p := process.Process{Pid: int32(pid)} // #nosec G115 -- process numbers have 32 bits
	parent, err := p.Ppid()
	if err != nil {
		return 0
	}
	return int(parent)
}
