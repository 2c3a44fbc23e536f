package telemetry

import (
	"bytes"
	"errors"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"time"
)

// drmClient is what one open GPU of a process tells in its fdinfo, in the form that the kernel's
// graphics drivers share.
type drmClient struct {
	pci, id string
	vram    uint64 // bytes in the GPU's own memory
	hasVRAM bool
	engines map[string]drmEngine // by their class, such as gfx or compute
}

// drmEngine is how long the engines of one class worked: ns of all, or cycles of so many.
type drmEngine struct {
	busy     uint64
	cycles   uint64 // that passed; 0: busy is in ns
	capacity uint64 // engines of the class
}

// drmClients reads the GPUs that a process and those it started hold open, each once.
func drmClients(proc fs.FS, pid int) (clients []drmClient, reason string) {
	if pid <= 0 {
		return nil, noEngine
	}
	seen := map[string]bool{}
	for _, p := range family(proc, pid) {
		folder := strconv.Itoa(p)
		files, err := fs.ReadDir(proc, path.Join(folder, "fd"))
		if errors.Is(err, fs.ErrPermission) {
			return nil, "No permission to see what the engine's process holds on the GPU."
		}
		if err != nil && p == pid {
			return nil, engineEnded
		}
		for _, f := range files { // none of a child that has just ended
			target, err := fs.ReadLink(proc, path.Join(folder, "fd", f.Name()))
			if err != nil || !strings.HasPrefix(target, "/dev/dri/") {
				continue
			}
			data, err := fs.ReadFile(proc, path.Join(folder, "fdinfo", f.Name()))
			if err != nil {
				continue
			}
			c := parseFdinfo(data)
			if key := c.pci + " " + c.id; c.id != "" && !seen[key] { // one client may stand behind several files
				seen[key] = true
				clients = append(clients, c)
			}
		}
	}
	return clients, ""
}

// family is a process with those that it started, directly or through others.
func family(proc fs.FS, pid int) []int {
	all := []int{pid}
	for i := 0; i < len(all) && len(all) < 1000; i++ {
		lists, err := fs.Glob(proc, path.Join(strconv.Itoa(all[i]), "task/*/children"))
		if err != nil {
			continue
		}
		for _, list := range lists {
			data, err := fs.ReadFile(proc, list)
			if err != nil {
				continue
			}
			for word := range bytes.FieldsSeq(data) {
				if child, err := strconv.Atoi(string(word)); err == nil {
					all = append(all, child)
				}
			}
		}
	}
	return all
}

// parseFdinfo reads the keys of the kernel's document on usage of graphics clients; id stays empty
// for a file that is no client of a GPU.
func parseFdinfo(data []byte) drmClient {
	c := drmClient{engines: map[string]drmEngine{}}
	held := map[string]uint64{} // bytes of the GPU's own memory by the kind of figure
	for line := range bytes.Lines(data) {
		key, value, ok := strings.Cut(strings.TrimSpace(string(line)), ":")
		name, isDRM := strings.CutPrefix(key, "drm-")
		if !ok || !isDRM {
			continue
		}
		value = strings.TrimSpace(value)
		kind, class, _ := strings.Cut(name, "-")
		switch {
		case name == "pdev":
			c.pci = value
		case name == "client-id":
			c.id = value
		case ownMemory(class) && (kind == "resident" || kind == "memory" || kind == "total"):
			held[kind] += amount(value)
		default:
			c.engine(name, amount(value))
		}
	}
	for _, kind := range []string{"resident", "memory", "total"} { // total counts what was moved out too
		if v, ok := held[kind]; ok {
			c.vram, c.hasVRAM = v, true
			break
		}
	}
	return c
}

// ownMemory reports whether a region lies on the GPU: vram of amdgpu, vram0 of xe, local0 of i915.
func ownMemory(region string) bool {
	return strings.HasPrefix(region, "vram") || strings.HasPrefix(region, "local")
}

// engine takes the figures of a class of engines.
func (c *drmClient) engine(name string, v uint64) {
	for _, k := range []struct {
		prefix string
		to     func(*drmEngine) *uint64
	}{
		{"engine-capacity-", func(e *drmEngine) *uint64 { return &e.capacity }},
		{"engine-", func(e *drmEngine) *uint64 { return &e.busy }},
		{"total-cycles-", func(e *drmEngine) *uint64 { return &e.cycles }},
		{"cycles-", func(e *drmEngine) *uint64 { return &e.busy }},
	} {
		if class, ok := strings.CutPrefix(name, k.prefix); ok {
			e := c.engines[class]
			*k.to(&e) = v
			c.engines[class] = e
			return
		}
	}
}

// amount reads a number with its unit; 0 for what is none.
func amount(value string) uint64 {
	number, unit, _ := strings.Cut(value, " ")
	n, err := strconv.ParseUint(number, 10, 64)
	if err != nil {
		return 0
	}
	shift := map[string]uint{"KiB": 10, "MiB": 20, "GiB": 30}[unit]
	if n > ^uint64(0)>>shift {
		return 0
	}
	return n << shift
}

// onCard picks the clients of one GPU.
func onCard(clients []drmClient, pci string) []drmClient {
	var out []drmClient
	for _, c := range clients {
		if c.pci == pci {
			out = append(out, c)
		}
	}
	return out
}

// memoryOn sums the GPU's own memory that the clients hold on it; known is false when one of them
// does not tell. Without a client it is 0.
func memoryOn(clients []drmClient, pci string) (bytes uint64, known bool) {
	for _, c := range onCard(clients, pci) {
		if !c.hasVRAM {
			return 0, false
		}
		bytes += c.vram
	}
	return bytes, true
}

// useMeter turns the working time of clients into the use of the busiest class of engines.
type useMeter struct {
	at     time.Time
	engine int
	before map[string]drmEngine // by client and class
}

// add returns the use in percent; nil until there are two readings of one engine process. A client
// counts from its second reading on.
func (m *useMeter) add(now time.Time, engine int, clients []drmClient) *float64 {
	from, before, same := m.at, m.before, m.engine == engine && !m.at.IsZero()
	m.at, m.engine, m.before = now, engine, map[string]drmEngine{}
	percent := map[string]float64{}
	for _, c := range clients {
		for class, e := range c.engines {
			key := c.id + " " + class
			m.before[key] = e
			if b, ok := before[key]; ok {
				percent[class] += e.percentSince(b, now.Sub(from))
			}
		}
	}
	if !same || now.Sub(from) <= 0 {
		return nil
	}
	most := 0.0
	for _, p := range percent {
		most = max(most, min(p, 100))
	}
	return &most
}

// percentSince is the use in the span since an earlier reading.
func (e drmEngine) percentSince(before drmEngine, span time.Duration) float64 {
	busy, all := float64(sub(e.busy, before.busy)), float64(span)
	if e.cycles > 0 {
		all = float64(sub(e.cycles, before.cycles))
	}
	if all <= 0 {
		return 0
	}
	return 100 * busy / all / float64(max(e.capacity, 1))
}
