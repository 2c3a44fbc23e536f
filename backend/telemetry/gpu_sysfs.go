package telemetry

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"

	"github.com/inferometer/inferometer/backend/domain"
)

// sysfsDriver reads AMD GPUs from the files of their kernel driver. Every file is optional: small
// integrated GPUs lack some.
type sysfsDriver struct {
	fs    fs.FS // the root of /sys
	cards []sysfsCard
}

// sysfsCard is one GPU; paths are below the root of the driver's fs.
type sysfsCard struct {
	device string
	hwmon  string // empty without
}

const amdVendor = "0x1002"

// cardName matches a card and not its connectors, such as card0-DP-1.
var cardName = regexp.MustCompile(`^card[0-9]+$`)

func newSysfsDriver() *sysfsDriver { return &sysfsDriver{fs: os.DirFS("/sys")} }

func (d *sysfsDriver) name() string { return "sysfs" }

func (d *sysfsDriver) open() ([]domain.GPUInfo, string) {
	entries, err := fs.ReadDir(d.fs, "class/drm")
	if err != nil {
		return nil, "No AMD GPU was found."
	}
	var infos []domain.GPUInfo
	for _, e := range entries {
		device := path.Join("class/drm", e.Name(), "device")
		if !cardName.MatchString(e.Name()) || d.text(path.Join(device, "vendor")) != amdVendor {
			continue
		}
		card := sysfsCard{device: device}
		if found, err := fs.Glob(d.fs, path.Join(device, "hwmon/hwmon*")); err == nil && len(found) > 0 {
			slices.Sort(found)
			card.hwmon = found[0]
		}
		infos = append(infos, d.info(len(d.cards), card))
		d.cards = append(d.cards, card)
	}
	if len(infos) == 0 {
		return nil, "No AMD GPU was found."
	}
	return infos, ""
}

func (d *sysfsDriver) info(index int, c sysfsCard) domain.GPUInfo {
	info := domain.GPUInfo{
		Index: index, Driver: "amdgpu", UUID: d.text(path.Join(c.device, "unique_id")),
		Name:        d.text(path.Join(c.device, "product_name")),
		VRAMTotalGB: d.number(1/gb, path.Join(c.device, "mem_info_vram_total")),
	}
	if info.Name == "" {
		info.Name = fmt.Sprintf("AMD GPU %s", d.text(path.Join(c.device, "device")))
	}
	if c.hwmon != "" {
		info.PowerLimitW = d.number(1e-6, path.Join(c.hwmon, "power1_cap"))
	}
	if width := d.number(1, path.Join(c.device, "max_link_width")); width != nil {
		n := int(*width)
		info.PCIeWidth = &n
	}
	return info
}

func (d *sysfsDriver) read() gpuReading {
	r := gpuReading{gpus: make([]domain.GPUSample, len(d.cards)), why: map[string]string{}}
	for i, c := range d.cards {
		g := domain.GPUSample{Index: i}
		// Asking a sleeping GPU for its load would wake it up.
		if d.text(path.Join(c.device, "power/runtime_status")) == "suspended" {
			for _, x := range gpuFigures() {
				note(r.why, x.key, fmt.Sprintf("GPU %d is asleep.", i))
			}
			r.gpus[i] = g
			continue
		}
		g.UtilPct = d.number(1, path.Join(c.device, "gpu_busy_percent"))
		g.MemUtilPct = d.number(1, path.Join(c.device, "mem_busy_percent"))
		g.VRAMUsedGB = d.number(1/gb, path.Join(c.device, "mem_info_vram_used"))
		if c.hwmon != "" {
			g.PowerW = d.number(1e-6, path.Join(c.hwmon, "power1_input"), path.Join(c.hwmon, "power1_average"))
			g.TempC = d.number(1e-3, path.Join(c.hwmon, "temp1_input"))
			g.ClockMHz = d.number(1e-6, path.Join(c.hwmon, "freq1_input"))
		}
		r.gpus[i] = g
	}
	return r
}

// number reads the first of the files that exists and holds a number, times scale.
func (d *sysfsDriver) number(scale float64, files ...string) *float64 {
	for _, f := range files {
		n, err := strconv.ParseUint(d.text(f), 10, 64)
		if err != nil {
			continue
		}
		v := float64(n) * scale
		return &v
	}
	return nil
}

// text reads a small file without its line end; empty when it is not there.
func (d *sysfsDriver) text(file string) string {
	data, err := fs.ReadFile(d.fs, file)
	if err != nil {
		return ""
	}
	return string(bytes.TrimSpace(data))
}

func (d *sysfsDriver) slow(int) gpuSlow { return gpuSlow{} }

func (d *sysfsDriver) close() {}
