package telemetry

import (
	"bytes"
	"os"
	"path/filepath"
	"unsafe"

	"golang.org/x/sys/windows"
)

// systemDrivers lists the drivers of this system in the order in which they are tried.
func systemDrivers(nvmlPath string) []gpuDriver {
	return []gpuDriver{&nvmlDriver{lib: &nvmlWindows{}, path: nvmlPath, hostPIDs: func() bool { return true }}}
}

// nvmlWindows calls nvml.dll by the names of its functions. The library stays loaded for good.
type nvmlWindows struct {
	known map[string]*windows.LazyProc // filled by load, then only read
}

func (l *nvmlWindows) load(path string) (reason string) {
	dll := windows.NewLazySystemDLL("nvml.dll")
	if path != "" {
		dll = windows.NewLazyDLL(path)
	}
	if dll.Load() != nil && path == "" { // where older drivers keep it
		dll = windows.NewLazyDLL(filepath.Join(os.Getenv("ProgramFiles"), "NVIDIA Corporation", "NVSMI", "nvml.dll"))
	}
	if dll.Load() != nil {
		return "No NVIDIA driver found (nvml.dll is not on this machine)."
	}
	l.known = map[string]*windows.LazyProc{}
	find := func(symbol string, names ...string) bool {
		for _, n := range names {
			if p := dll.NewProc(n); p.Find() == nil {
				l.known[symbol] = p
				return true
			}
		}
		return false
	}
	for _, name := range []string{symInit, symCount, symHandle} {
		if !find(name, name+"_v2", name) {
			return nvmlTooOld
		}
	}
	for _, name := range nvmlSymbols() {
		find(name, name)
	}
	for _, name := range []string{symCompute, symGraphics} { // both have the same form
		find(name, name+"_v3", name+"_v2")
	}
	return ""
}

func (l *nvmlWindows) has(symbol string) bool { return l.known[symbol] != nil }

// call calls a function that load has found. Its arguments are numbers and pointers; the directive
// keeps what they point to alive and in its place.
//
//go:uintptrescapes
func (l *nvmlWindows) call(symbol string, args ...uintptr) nvmlCode {
	p := l.known[symbol]
	if p == nil {
		return nvmlNoFunction
	}
	code, _, _ := p.Call(args...)
	return nvmlCode(int32(code)) //nolint:gosec // the library returns 32 bits
}

func (l *nvmlWindows) start() nvmlCode { return l.call(symInit) }

func (l *nvmlWindows) stop() { _ = l.call(symShutdown) } // nothing is left to be done about a failure

func (l *nvmlWindows) driverVersion() (string, nvmlCode) {
	var buf [96]byte
	code := l.call(symDriver, uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)))
	return cText(buf[:]), code
}

func (l *nvmlWindows) cudaVersion() (int, nvmlCode) {
	var v int32
	code := l.call(symCUDA, uintptr(unsafe.Pointer(&v)))
	return int(v), code
}

func (l *nvmlWindows) count() (int, nvmlCode) {
	var n uint32
	code := l.call(symCount, uintptr(unsafe.Pointer(&n)))
	return int(n), code
}

func (l *nvmlWindows) device(index int) (nvmlDevice, nvmlCode) {
	var handle uintptr
	code := l.call(symHandle, uintptr(index), uintptr(unsafe.Pointer(&handle)))
	return nvmlWindowsDevice{l, handle}, code
}

// nvmlWindowsDevice is one GPU, by the handle that the library gave.
type nvmlWindowsDevice struct {
	lib    *nvmlWindows
	handle uintptr
}

func (d nvmlWindowsDevice) text(symbol string) (string, nvmlCode) {
	var buf [96]byte
	code := d.lib.call(symbol, d.handle, uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)))
	return cText(buf[:]), code
}

func (d nvmlWindowsDevice) number(symbol string) (v uint32, code nvmlCode) {
	code = d.lib.call(symbol, d.handle, uintptr(unsafe.Pointer(&v)))
	return v, code
}

func (d nvmlWindowsDevice) selected(symbol string, which uint32) (v uint32, code nvmlCode) {
	code = d.lib.call(symbol, d.handle, uintptr(which), uintptr(unsafe.Pointer(&v)))
	return v, code
}

func (d nvmlWindowsDevice) counter(symbol string) (v uint64, code nvmlCode) {
	code = d.lib.call(symbol, d.handle, uintptr(unsafe.Pointer(&v)))
	return v, code
}

// pair fills two numbers; the rates of use lie in one structure of both.
func (d nvmlWindowsDevice) pair(symbol string) (first, second uint32, code nvmlCode) {
	var both [2]uint32
	if symbol == symUtilization {
		code = d.lib.call(symbol, d.handle, uintptr(unsafe.Pointer(&both)))
	} else {
		code = d.lib.call(symbol, d.handle, uintptr(unsafe.Pointer(&both[0])), uintptr(unsafe.Pointer(&both[1])))
	}
	return both[0], both[1], code
}

func (d nvmlWindowsDevice) memory(symbol string) (used, total uint64, code nvmlCode) {
	if symbol == symMemoryV2 {
		var m struct {
			version                     uint32
			total, reserved, free, used uint64
		}
		m.version = uint32(unsafe.Sizeof(m)) | 2<<24
		code = d.lib.call(symbol, d.handle, uintptr(unsafe.Pointer(&m)))
		return m.used, m.total, code
	}
	var m struct{ total, free, used uint64 }
	code = d.lib.call(symbol, d.handle, uintptr(unsafe.Pointer(&m)))
	return m.used, m.total, code
}

func (d nvmlWindowsDevice) milliwatts(fields [2]uint32) (values [2]uint32, told [2]bool) {
	type field struct {
		id, scope     uint32
		time, latency int64
		kind          uint32
		code          nvmlCode
		value         uint64
	}
	const unsignedInt = 1
	ask := [2]field{{id: fields[0]}, {id: fields[1]}}
	if d.lib.call(symFields, d.handle, uintptr(len(ask)), uintptr(unsafe.Pointer(&ask))) != nvmlOK {
		return values, told
	}
	for i, f := range ask {
		values[i], told[i] = uint32(f.value), f.code == nvmlOK && f.kind == unsignedInt //nolint:gosec // the lower half, as the kind says
	}
	return values, told
}

// processes asks with more room until the list fits.
func (d nvmlWindowsDevice) processes(symbol string) ([]nvmlProcess, nvmlCode) {
	type holder struct {
		pid            uint32
		bytes          uint64
		instance, part uint32
	}
	for room := uint32(64); ; room *= 2 {
		list, n := make([]holder, room), room
		code := d.lib.call(symbol, d.handle, uintptr(unsafe.Pointer(&n)), uintptr(unsafe.Pointer(&list[0])))
		if code == nvmlShort && room < 1<<16 {
			continue
		}
		if code != nvmlOK {
			return nil, code
		}
		out := make([]nvmlProcess, 0, n)
		for _, p := range list[:min(n, room)] {
			out = append(out, nvmlProcess{pid: p.pid, instance: p.instance, part: p.part, bytes: p.bytes})
		}
		return out, nvmlOK
	}
}

// uses asks how long the list is, and then for the list.
func (d nvmlWindowsDevice) uses(since uint64) ([]nvmlUse, nvmlCode) {
	type use struct {
		pid                             uint32
		at                              uint64
		units, memory, encoder, decoder uint32
	}
	var n uint32
	if code := d.lib.call(symUses, d.handle, 0, uintptr(unsafe.Pointer(&n)), uintptr(since)); code != nvmlShort || n == 0 {
		return nil, code
	}
	list := make([]use, n)
	code := d.lib.call(symUses, d.handle, uintptr(unsafe.Pointer(&list[0])), uintptr(unsafe.Pointer(&n)), uintptr(since))
	if code != nvmlOK {
		return nil, code
	}
	out := make([]nvmlUse, 0, n)
	for _, u := range list[:min(int(n), len(list))] {
		out = append(out, nvmlUse{pid: u.pid, percent: u.units, at: u.at})
	}
	return out, nvmlOK
}

// cText is the text up to its closing zero.
func cText(buf []byte) string {
	text, _, _ := bytes.Cut(buf, []byte{0})
	return string(text)
}
