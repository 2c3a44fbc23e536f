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
	"strings"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

// sysfsDriver reads the GPUs of one maker from the files of their kernel driver. Every file is
// optional: small integrated GPUs lack some.
type sysfsDriver struct {
	maker sysfsMaker
	sys   fs.FS // the root of /sys
	proc  fs.FS // the root of /proc
	now   func() time.Time
	cards []*sysfsCard
}

// sysfsMaker is what differs between makers.
type sysfsMaker struct {
	vendor, name string
	// ownHwmon: only a GPU on a card of its own has sensors of heat and energy.
	ownHwmon bool
	info     func(*sysfsDriver, *sysfsCard) domain.GPUInfo
	read     func(*sysfsDriver, *sysfsCard, *domain.GPUSample)
}

// sysfsCard is one GPU; paths are below the root of the driver's fs. The tick alone uses energy and
// power, the slow loop alone use.
type sysfsCard struct {
	card, device string
	hwmon        string // empty without
	pci          string // its address on the bus, by which processes name it
	energy       energyMeter
	power        powerMeter
	use          useMeter
}

// cardName matches a card and not its connectors, such as card0-DP-1.
var cardName = regexp.MustCompile(`^card[0-9]+$`)

// sysfsDrivers lists the makers whose kernel drivers tell by files.
func sysfsDrivers() []gpuDriver {
	list := []gpuDriver{}
	for _, maker := range []sysfsMaker{amdMaker(), intelMaker()} {
		list = append(list, &sysfsDriver{maker: maker, sys: os.DirFS("/sys"), proc: os.DirFS("/proc"), now: time.Now})
	}
	return list
}

func (d *sysfsDriver) name() string { return "sysfs" }

func (d *sysfsDriver) open() ([]domain.GPUInfo, string) {
	none := "No " + d.maker.name + " GPU was found."
	entries, err := fs.ReadDir(d.sys, "class/drm")
	if err != nil {
		return nil, none
	}
	for _, e := range entries {
		card := path.Join("class/drm", e.Name())
		if cardName.MatchString(e.Name()) && d.text(card, "device/vendor") == d.maker.vendor {
			d.cards = append(d.cards, d.card(card))
		}
	}
	// Models run on the card of its own; a GPU inside the processor beside it would spoil the sums.
	own := func(c *sysfsCard) bool { return c.hwmon != "" }
	if d.maker.ownHwmon && slices.ContainsFunc(d.cards, own) {
		d.cards = slices.DeleteFunc(d.cards, func(c *sysfsCard) bool { return !own(c) })
	}
	var infos []domain.GPUInfo
	for i, c := range d.cards {
		info := d.maker.info(d, c)
		info.Index = i
		if info.Name == "" {
			info.Name = d.maker.name + " GPU " + d.text(c.device, "device")
		}
		infos = append(infos, info)
	}
	if len(infos) == 0 {
		return nil, none
	}
	return infos, ""
}

func (d *sysfsDriver) card(card string) *sysfsCard {
	c := &sysfsCard{card: card, device: path.Join(card, "device")}
	if found, err := fs.Glob(d.sys, path.Join(c.device, "hwmon/hwmon*")); err == nil && len(found) > 0 {
		slices.Sort(found)
		c.hwmon = found[0]
	}
	c.pci = d.uevent(c, "PCI_SLOT_NAME")
	return c
}

// uevent reads one value of what the kernel says about the device.
func (d *sysfsDriver) uevent(c *sysfsCard, key string) string {
	for line := range strings.Lines(d.text(c.device, "uevent")) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), key+"="); ok {
			return v
		}
	}
	return ""
}

func (d *sysfsDriver) read() gpuReading {
	r := gpuReading{gpus: make([]domain.GPUSample, len(d.cards)), why: map[string]string{}}
	for i, c := range d.cards {
		r.gpus[i].Index = i
		if !d.asleep(i, r.why) {
			d.maker.read(d, c, &r.gpus[i])
		}
	}
	return r
}

// asleep reports whether the GPU sleeps, and notes it: asking for its load would wake it up.
func (d *sysfsDriver) asleep(i int, why map[string]string) bool {
	if d.text(d.cards[i].device, "power/runtime_status") != "suspended" {
		return false
	}
	for _, x := range gpuFigures() {
		note(why, x.key, fmt.Sprintf("GPU %d is asleep.", i))
	}
	return true
}

func (d *sysfsDriver) slow(engine int) gpuSlow {
	r := gpuSlow{gpus: make([]gpuSlowFigures, len(d.cards)), why: map[string]string{}}
	clients, reason := drmClients(d.proc, engine)
	for i, c := range d.cards {
		if d.asleep(i, r.why) {
			continue
		}
		f := &r.gpus[i]
		if c.hwmon != "" {
			if pwm, most := d.number(1, c.hwmon, "pwm1"), orWhole(d.number(1, c.hwmon, "pwm1_max"), 255); pwm != nil {
				percent := 100 * *pwm / most
				f.fan = &percent
			}
		}
		note(r.why, keyOtherGPU, "The use of this GPU by others cannot be told from that by the engine.")
		if reason != "" {
			for _, key := range []string{keyEngineGPU, keyEngineVRAM, keyOtherVRAM} {
				note(r.why, key, reason)
			}
			continue
		}
		own, known := memoryOn(clients, c.pci)
		f.engineGPU = c.use.add(d.now(), engine, onCard(clients, c.pci))
		if !known {
			continue
		}
		f.engineVRAM = scaled(own, 1/gb)
		if used := d.number(1/gb, c.device, "mem_info_vram_used"); used != nil {
			rest := max(0, *used-*f.engineVRAM)
			f.otherVRAM = &rest
		}
	}
	return r
}

func orWhole(v *float64, otherwise float64) float64 {
	if v == nil || *v <= 0 {
		return otherwise
	}
	return *v
}

// number reads the first of the files of a folder that exists and holds a number, times scale.
func (d *sysfsDriver) number(scale float64, folder string, files ...string) *float64 {
	for _, f := range files {
		n, err := strconv.ParseUint(d.text(folder, f), 10, 64)
		if err != nil {
			continue
		}
		v := float64(n) * scale
		return &v
	}
	return nil
}

// text reads a small file without its line end; empty when it is not there.
func (d *sysfsDriver) text(folder, file string) string {
	data, err := fs.ReadFile(d.sys, path.Join(folder, file))
	if err != nil {
		return ""
	}
	return string(bytes.TrimSpace(data))
}

func (d *sysfsDriver) close() {}

// amdMaker reads the files of amdgpu.
func amdMaker() sysfsMaker {
	return sysfsMaker{vendor: "0x1002", name: "AMD", info: amdInfo, read: amdRead}
}

func amdInfo(d *sysfsDriver, c *sysfsCard) domain.GPUInfo {
	info := domain.GPUInfo{
		Driver: "amdgpu", UUID: d.text(c.device, "unique_id"), Name: d.text(c.device, "product_name"),
		VBIOS:       d.text(c.device, "vbios_version"),
		VRAMTotalGB: d.number(1/gb, c.device, "mem_info_vram_total"),
		PCIeGen:     pcieGen(d.text(c.device, "max_link_speed")),
	}
	if c.hwmon != "" {
		info.PowerLimitW = d.number(1e-6, c.hwmon, "power1_cap")
	}
	if width := d.number(1, c.device, "max_link_width"); width != nil {
		n := int(*width)
		info.PCIeWidth = &n
	}
	return info
}

// pcieGen is the generation of a link of a speed such as "16.0 GT/s PCIe"; nil when it is unknown.
func pcieGen(speed string) *int {
	number, _, _ := strings.Cut(speed, " ")
	for i, s := range []string{"2.5", "5.0", "8.0", "16.0", "32.0", "64.0"} {
		if number == s {
			gen := i + 1
			return &gen
		}
	}
	return nil
}

func amdRead(d *sysfsDriver, c *sysfsCard, g *domain.GPUSample) {
	g.UtilPct = d.number(1, c.device, "gpu_busy_percent")
	g.MemUtilPct = d.number(1, c.device, "mem_busy_percent")
	g.VRAMUsedGB = d.number(1/gb, c.device, "mem_info_vram_used")
	if c.hwmon == "" {
		return
	}
	g.PowerNowW = d.number(1e-6, c.hwmon, "power1_input")
	g.PowerW = d.number(1e-6, c.hwmon, "power1_average", "power1_input")
	g.TempC = d.number(1e-3, c.hwmon, "temp1_input")
	g.ClockMHz = d.number(1e-6, c.hwmon, "freq1_input")
	g.MemClockMHz = d.number(1e-6, c.hwmon, "freq2_input")
}
