package telemetry

import (
	"io/fs"
	"slices"
	"testing"
	"testing/fstest"
	"time"
)

// file is one small file of the tree, link a symbolic link.
func file(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text + "\n")} }

func link(target string) *fstest.MapFile {
	return &fstest.MapFile{Data: []byte(target), Mode: fs.ModeSymlink}
}

const card0, card1, card2, card3 = "class/drm/card0/", "class/drm/card1/", "class/drm/card2/", "class/drm/card3/"

// amdTree has a card, an integrated GPU that tells little, one that sleeps, a connector and a GPU of
// another maker.
func amdTree() fstest.MapFS {
	const hwmon = card0 + "device/hwmon/hwmon3/"
	return fstest.MapFS{
		card0 + "device/vendor": file("0x1002"), card0 + "device/product_name": file("Radeon RX 7600"),
		card0 + "device/gpu_busy_percent": file("37"), card0 + "device/mem_busy_percent": file("5"),
		card0 + "device/mem_info_vram_used": file("2000000000"), card0 + "device/mem_info_vram_total": file("8000000000"),
		card0 + "device/vbios_version": file("113-EXT"), card0 + "device/max_link_speed": file("16.0 GT/s PCIe"),
		card0 + "device/max_link_width": file("8"),
		card0 + "device/uevent":         file("DRIVER=amdgpu\nPCI_ID=1002:7480\nPCI_SLOT_NAME=0000:03:00.0"),
		hwmon + "power1_average":        file("95500000"), hwmon + "temp1_input": file("61000"),
		hwmon + "power1_cap": file("165000000"), hwmon + "freq1_input": file("2400000000"),
		hwmon + "freq2_input": file("1124000000"), hwmon + "pwm1": file("51"), hwmon + "pwm1_max": file("255"),
		"class/drm/card0-DP-1/device/vendor": file("0x1002"),
		card1 + "device/vendor":              file("0x8086"),
		card2 + "device/vendor":              file("0x1002"), card2 + "device/device": file("0x1638"),
		card2 + "device/gpu_busy_percent": file("never"),
		card3 + "device/vendor":           file("0x1002"), card3 + "device/power/runtime_status": file("suspended"),
		card3 + "device/gpu_busy_percent": file("1"),
	}
}

func TestAMD(t *testing.T) {
	d := &sysfsDriver{maker: amdMaker(), sys: amdTree(), proc: fstest.MapFS{}, now: time.Now}
	infos, reason := d.open()
	if len(infos) != 3 || reason != "" {
		t.Fatalf("%d GPUs, reason %q", len(infos), reason)
	}
	x := infos[0]
	if x.Name != "Radeon RX 7600" || !near(*x.VRAMTotalGB, 8) || !near(*x.PowerLimitW, 165) || x.VBIOS != "113-EXT" ||
		*x.PCIeGen != 4 || *x.PCIeWidth != 8 {
		t.Errorf("facts %+v", x)
	}
	if x := infos[1]; x.Index != 1 || x.Name != "AMD GPU 0x1638" || x.VRAMTotalGB != nil || x.PowerLimitW != nil || x.PCIeGen != nil {
		t.Errorf("facts %+v", x)
	}
	r := d.read()
	full := r.gpus[0]
	if *full.UtilPct != 37 || !near(*full.VRAMUsedGB, 2) || !near(*full.PowerW, 95.5) || !near(*full.TempC, 61) ||
		!near(*full.ClockMHz, 2400) || !near(*full.MemClockMHz, 1124) || full.PowerNowW != nil {
		t.Errorf("reading %+v", full)
	}
	for _, g := range r.gpus[1:] {
		for _, f := range gpuFigures() {
			if f.there(&g) {
				t.Errorf("%s out of nothing: %+v", f.key, g)
			}
		}
	}
	if r.why[keyGPU] != "GPU 2 is asleep." {
		t.Errorf("reason %q", r.why[keyGPU])
	}
	slow := d.slow(0)
	if f := slow.gpus[0]; !near(*f.fan, 20) || f.engineVRAM != nil || f.otherVRAM != nil || slow.why[keyOtherVRAM] != noEngine {
		t.Errorf("slow reading %+v, reasons %v", f, slow.why)
	}
}

func TestSysfsWithoutGPU(t *testing.T) {
	for _, tree := range []fstest.MapFS{{}, {card0 + "device/vendor": file("0x10de")}} {
		for _, maker := range []sysfsMaker{amdMaker(), intelMaker()} {
			if gpus, reason := (&sysfsDriver{maker: maker, sys: tree}).open(); len(gpus) != 0 || reason != "No "+maker.name+" GPU was found." {
				t.Errorf("%d GPUs, reason %q", len(gpus), reason)
			}
		}
	}
}

// clock is a time that the test sets.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func TestIntel(t *testing.T) {
	const hwmon = card1 + "device/hwmon/hwmon4/"
	trees := map[string]fstest.MapFS{
		"i915": {
			card1 + "gt_act_freq_mhz": file("1200"), card1 + "gt/gt0/rps_act_freq_mhz": file("2400"),
			card1 + "gt/gt0/throttle_reason_status": file("1"), card1 + "gt/gt0/throttle_reason_pl1": file("1"),
			card1 + "gt/gt0/throttle_reason_pl2": file("1"), card1 + "gt/gt0/throttle_reason_thermal": file("0"),
			card1 + "device/uevent":          file("DRIVER=i915\nPCI_SLOT_NAME=0000:03:00.0"),
			hwmon + "temp1_input":            file("58000"),
			hwmon + "power1_max":             file("190000000"),
			hwmon + "energy1_input":          file("18446744073000000000"),
			card0 + "device/vendor":          file("0x8086"), // inside the processor
			card0 + "gt_act_freq_mhz":        file("300"),
			card1 + "device/vendor":          file("0x8086"),
			card1 + "device/device":          file("0x56a0"),
			card2 + "device/vendor":          file("0x1002"),
			card1 + "device/unlike.anything": file(""),
		},
		"xe": {
			card1 + "device/vendor": file("0x8086"), card1 + "device/device": file("0x56a0"),
			card1 + "device/tile0/gt0/freq0/act_freq":            file("2400"),
			card1 + "device/tile0/gt0/freq0/throttle/status":     file("1"),
			card1 + "device/tile0/gt0/freq0/throttle/reason_pl1": file("1"),
			card1 + "device/uevent":                              file("DRIVER=xe\nPCI_SLOT_NAME=0000:03:00.0"),
			hwmon + "temp2_input":                                file("58000"),
			hwmon + "power1_cap":                                 file("190000000"),
			hwmon + "energy2_input":                              file("18446744073000000000"),
		},
	}
	for kind, tree := range trees {
		t.Run(kind, func(t *testing.T) {
			at := &clock{time.Unix(1000, 0)}
			d := &sysfsDriver{maker: intelMaker(), sys: tree, proc: fstest.MapFS{}, now: at.now}
			infos, _ := d.open()
			if len(infos) != 1 || infos[0].Name != "Intel GPU 0x56a0" || infos[0].Driver != kind || !near(*infos[0].PowerLimitW, 190) {
				t.Fatalf("facts %+v", infos)
			}
			g := d.read().gpus[0]
			if *g.ClockMHz != 2400 || !near(*g.TempC, 58) || *g.EnergyJ != 0 || g.PowerW != nil || g.UtilPct != nil || g.VRAMUsedGB != nil {
				t.Errorf("reading %+v", g)
			}
			if !slices.Equal(g.LimitReasons, []string{"power_cap"}) {
				t.Errorf("limits %v", g.LimitReasons)
			}
			counter := hwmon + "energy1_input"
			if kind == "xe" {
				counter = hwmon + "energy2_input"
			}
			tree[counter] = file("18446744073500000000") // 500 J more, far beyond 32 bits
			at.at = at.at.Add(2500 * time.Millisecond)
			if g := d.read().gpus[0]; !near(*g.PowerW, 200) || !near(*g.EnergyJ, 500) {
				t.Errorf("%v W, %v J", *g.PowerW, *g.EnergyJ)
			}
			at.at = at.at.Add(time.Millisecond) // a reading right after another
			tree[counter] = file("18446744073500000001")
			if g := d.read().gpus[0]; !near(*g.PowerW, 200) {
				t.Errorf("%v W", *g.PowerW)
			}
			tree[counter] = file("7") // the counter began anew
			at.at = at.at.Add(time.Second)
			if g := d.read().gpus[0]; *g.PowerW < 0 || *g.PowerW > 1 || *g.EnergyJ < 500 || *g.EnergyJ > 501 {
				t.Errorf("%v W, %v J", *g.PowerW, *g.EnergyJ)
			}
		})
	}
}

// A GPU inside the processor is read where it is the only one.
func TestIntelIntegrated(t *testing.T) {
	tree := fstest.MapFS{card0 + "device/vendor": file("0x8086"), card0 + "gt_act_freq_mhz": file("950")}
	d := &sysfsDriver{maker: intelMaker(), sys: tree, proc: fstest.MapFS{}, now: time.Now}
	if infos, _ := d.open(); len(infos) != 1 {
		t.Fatalf("%d GPUs", len(infos))
	}
	if g := d.read().gpus[0]; *g.ClockMHz != 950 || g.PowerW != nil || g.LimitReasons != nil {
		t.Errorf("reading %+v", g)
	}
}
