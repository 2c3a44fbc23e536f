package telemetry

import (
	"testing"
	"testing/fstest"
)

// file is one small file of the tree.
func file(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text + "\n")} }

func TestSysfs(t *testing.T) {
	const card0, card2, card3 = "class/drm/card0/device/", "class/drm/card2/device/", "class/drm/card3/device/"
	d := &sysfsDriver{fs: fstest.MapFS{
		card0 + "vendor": file("0x1002"), card0 + "product_name": file("Radeon RX 7600"),
		card0 + "gpu_busy_percent": file("37"), card0 + "mem_busy_percent": file("5"),
		card0 + "mem_info_vram_used": file("2000000000"), card0 + "mem_info_vram_total": file("8000000000"),
		card0 + "hwmon/hwmon3/power1_average": file("95500000"), card0 + "hwmon/hwmon3/temp1_input": file("61000"),
		card0 + "hwmon/hwmon3/power1_cap": file("165000000"), card0 + "hwmon/hwmon3/freq1_input": file("2400000000"),
		"class/drm/card0-DP-1/device/vendor": file("0x1002"),
		"class/drm/card1/device/vendor":      file("0x8086"),
		card2 + "vendor":                     file("0x1002"), card2 + "device": file("0x1638"),
		card2 + "gpu_busy_percent": file("never"),
		card3 + "vendor":           file("0x1002"), card3 + "power/runtime_status": file("suspended"),
		card3 + "gpu_busy_percent": file("1"),
	}}
	infos, reason := d.open()
	if len(infos) != 3 || reason != "" {
		t.Fatalf("%d GPUs, reason %q", len(infos), reason)
	}
	if x := infos[0]; x.Name != "Radeon RX 7600" || !near(*x.VRAMTotalGB, 8) || !near(*x.PowerLimitW, 165) {
		t.Errorf("facts %+v", x)
	}
	if x := infos[1]; x.Index != 1 || x.Name != "AMD GPU 0x1638" || x.VRAMTotalGB != nil || x.PowerLimitW != nil {
		t.Errorf("facts %+v", x)
	}
	r := d.read()
	full := r.gpus[0]
	if *full.UtilPct != 37 || !near(*full.VRAMUsedGB, 2) || !near(*full.PowerW, 95.5) || !near(*full.TempC, 61) || !near(*full.ClockMHz, 2400) {
		t.Errorf("reading %+v", full)
	}
	for _, g := range r.gpus[1:] {
		if g.UtilPct != nil || g.VRAMUsedGB != nil || g.PowerW != nil || g.TempC != nil {
			t.Errorf("figures out of nothing: %+v", g)
		}
	}
	for _, key := range []string{keyGPU, keyVRAM, keyPower, keyTemp} {
		if r.why[key] == "" {
			t.Errorf("no reason for the missing %s", key)
		}
	}
}

func TestSysfsWithoutAMD(t *testing.T) {
	for _, tree := range []fstest.MapFS{{}, {"class/drm/card0/device/vendor": file("0x10de")}} {
		if gpus, reason := (&sysfsDriver{fs: tree}).open(); len(gpus) != 0 || reason == "" {
			t.Errorf("%d GPUs, reason %q", len(gpus), reason)
		}
	}
}
