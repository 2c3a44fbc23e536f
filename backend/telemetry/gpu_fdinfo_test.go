package telemetry

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

const amdFdinfo = "pos:\t0\nflags:\t02100002\ndrm-driver:\tamdgpu\ndrm-client-id:\t41\ndrm-pdev:\t0000:03:00.0\n" +
	"drm-total-vram:\t1600 MiB\ndrm-memory-vram:\t1500000 KiB\ndrm-memory-gtt: \t2048 KiB\n" +
	"drm-engine-gfx:\t1000000000 ns\ndrm-engine-compute:\t5000000000 ns\n"

// engineTree is an engine with a child; both hold a GPU, the child by two files of one client.
func engineTree(amdInfo, childInfo string) fstest.MapFS {
	return fstest.MapFS{
		"70/task/70/children": file("71 "), "70/task/75/children": file(""), "71/task/71/children": file(""),
		"70/fd/0": link("/dev/null"), "70/fdinfo/0": file("pos: 0"),
		"70/fd/9": link("/dev/dri/renderD128"), "70/fdinfo/9": file(amdInfo),
		"71/fd/5": link("/dev/dri/renderD128"), "71/fdinfo/5": file(childInfo),
		"71/fd/6": link("/dev/dri/card0"), "71/fdinfo/6": file(childInfo),
		"72/fd/3": link("/dev/dri/renderD128"), "72/fdinfo/3": file(strings.ReplaceAll(amdInfo, "41", "43")), // of another
	}
}

func TestEngineOnAMD(t *testing.T) {
	child := strings.NewReplacer("41", "42", "1500000 KiB", "500000 KiB").Replace(amdFdinfo)
	at, proc := &clock{time.Unix(1000, 0)}, engineTree(amdFdinfo, child)
	sys := amdTree()
	sys[card0+"device/mem_info_vram_used"] = file("3048000000")
	d := &sysfsDriver{maker: amdMaker(), sys: sys, proc: proc, now: at.now}
	d.open()
	first := d.slow(70).gpus[0]
	if !near(*first.engineVRAM, 2000000*1024/1e9) || !near(*first.otherVRAM, 1) || first.engineGPU != nil {
		t.Errorf("engine %v GB, others %v GB, use %v", *first.engineVRAM, *first.otherVRAM, first.engineGPU)
	}
	at.at = at.at.Add(2 * time.Second)
	proc["70/fdinfo/9"] = file(strings.Replace(amdFdinfo, "5000000000 ns", "6000000000 ns", 1)) // 1 s of 2
	busy := strings.Replace(child, "5000000000 ns", "5500000000 ns", 1)
	proc["71/fdinfo/5"], proc["71/fdinfo/6"] = file(busy), file(busy)
	if f := d.slow(70).gpus[0]; !near(*f.engineGPU, 75) {
		t.Errorf("use %v %%", *f.engineGPU)
	}
	if f := d.slow(71).gpus[0]; f.engineGPU != nil || !near(*f.engineVRAM, 500000*1024/1e9) {
		t.Errorf("another engine: %+v", f)
	}
	if r := d.slow(99); r.gpus[0].engineVRAM != nil || r.why[keyEngineVRAM] != engineEnded {
		t.Errorf("an engine that has ended: %+v", r)
	}
}

// xe tells cycles of so many instead of ns, and has several engines of a class.
func TestUseOfXe(t *testing.T) {
	const info = "drm-driver:\txe\ndrm-client-id:\t7\ndrm-pdev:\t0000:03:00.0\ndrm-total-vram0:\t3 GiB\ndrm-resident-vram0:\t2 GiB\n" +
		"drm-cycles-ccs:\t%A\ndrm-total-cycles-ccs:\t%B\ndrm-engine-capacity-ccs:\t2\ndrm-cycles-rcs:\t0\ndrm-total-cycles-rcs:\t%B\n"
	at := func(a, b string) []drmClient {
		return []drmClient{parseFdinfo([]byte(strings.NewReplacer("%A", a, "%B", b).Replace(info)))}
	}
	clients := at("1000", "5000")
	if n, known := memoryOn(clients, "0000:03:00.0"); !known || n != 2<<30 {
		t.Errorf("%d bytes", n)
	}
	var m useMeter
	now := time.Unix(1000, 0)
	if v := m.add(now, 7, clients); v != nil {
		t.Errorf("use %v out of one reading", *v)
	}
	if v := m.add(now.Add(time.Second), 7, at("2500", "7500")); !near(*v, 30) {
		t.Errorf("use %v %%, want 30", *v)
	}
	if v := m.add(now.Add(2*time.Second), 7, at("0", "100")); *v != 0 {
		t.Errorf("use %v %% by counters that fell", *v)
	}
}

// A GPU without memory of its own tells none, which is not 0.
func TestMemoryOfIntegrated(t *testing.T) {
	c := parseFdinfo([]byte("drm-driver: i915\ndrm-client-id: 3\ndrm-pdev: 0000:00:02.0\ndrm-total-system0: 5 MiB\n"))
	if n, known := memoryOn([]drmClient{c}, "0000:00:02.0"); known {
		t.Errorf("%d bytes", n)
	}
	if n, known := memoryOn([]drmClient{c}, "0000:03:00.0"); !known || n != 0 {
		t.Errorf("%d bytes on a GPU that is not used, known %v", n, known)
	}
}

// locked is a tree whose files of one folder belong to somebody else.
type locked struct {
	fstest.MapFS
	folder string
}

func (l locked) ReadDir(name string) ([]fs.DirEntry, error) {
	if name == l.folder {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	return l.MapFS.ReadDir(name)
}

func TestEngineOfAnother(t *testing.T) {
	d := &sysfsDriver{maker: amdMaker(), sys: amdTree(), proc: locked{engineTree(amdFdinfo, ""), "70/fd"}, now: time.Now}
	d.open()
	if r := d.slow(70); r.gpus[0].engineVRAM != nil || !strings.HasPrefix(r.why[keyEngineVRAM], "No permission") {
		t.Errorf("%+v", r)
	}
}

func FuzzFdinfo(f *testing.F) {
	f.Add([]byte(amdFdinfo))
	f.Add([]byte("drm-client-id: 1\ndrm-total-vram0: 18446744073709551615 GiB\ndrm-engine-: -1\ndrm-cycles-a: 1\n:::\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c := parseFdinfo(data)
		if !c.hasVRAM && c.vram != 0 {
			t.Errorf("%d bytes out of nothing", c.vram)
		}
		m := useMeter{at: time.Unix(1, 0), engine: 1}
		m.add(time.Unix(2, 0), 1, []drmClient{c})
		if v := m.add(time.Unix(3, 0), 1, []drmClient{c}); *v != 0 {
			t.Errorf("use %v %% of a client at rest", *v)
		}
	})
}
