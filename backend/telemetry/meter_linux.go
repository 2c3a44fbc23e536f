package telemetry

import (
	"errors"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

// meter reads some of the machine's gauges.
type meter interface {
	read(now time.Time, g *gauges)
	close()
}

// countMeter turns the counters of its files into rates: one counter a file, or two, summed over the
// files.
type countMeter struct {
	files  []*procFile
	parse  func([]byte) (a, b uint64, ok bool)
	gauges []domain.Gauge // as many as parse returns counters
	scale  float64        // of growth a second into the gauge's unit
	most   float64        // the gauge never passes it; 0: no bound
	why    lack           // when no file can be read
	rates  [2]rate
}

func (m *countMeter) read(now time.Time, g *gauges) {
	var sums [2]uint64
	known := false
	for _, f := range m.files {
		data, err := f.read()
		if a, b, ok := m.parse(data); err == nil && ok {
			sums[0], sums[1], known = sums[0]+a, sums[1]+b, true
		}
	}
	for i, k := range m.gauges {
		if !known {
			m.rates[i] = rate{}
			g.miss(k, m.why)
			continue
		}
		v, ok := m.rates[i].add(now, sums[i])
		if !ok {
			g.miss(k, lack{}) // the next reading has one
			continue
		}
		if v *= m.scale; m.most > 0 {
			v = min(v, m.most)
		}
		g.set(k, v)
	}
}

func (m *countMeter) close() { closeAll(m.files) }

// levelMeter reads files of one number each and tells their mean, or the largest.
type levelMeter struct {
	files   []*procFile
	gauge   domain.Gauge
	scale   float64
	largest bool
	why     lack
}

func (m *levelMeter) read(_ time.Time, g *gauges) {
	var t tally
	for _, f := range m.files {
		data, err := f.read()
		if v, ok := parseNumber(data); err == nil && ok {
			scaled := float64(v) * m.scale
			t.add(&scaled)
		}
	}
	switch {
	case t.n == 0:
		g.miss(m.gauge, m.why)
	case m.largest:
		g.set(m.gauge, t.most)
	default:
		g.set(m.gauge, t.sum/float64(t.n))
	}
}

func (m *levelMeter) close() { closeAll(m.files) }

// raplMeter reads the energy counters of the CPU packages.
type raplMeter struct {
	root string
	tree fs.FS
	why  lack
	next time.Time // of looking again while nothing can be read

	zones []raplZone
	at    time.Time
	sumUJ uint64
}

type raplZone struct {
	file       *procFile
	last, span uint64
	known      bool
}

// lookAgain is how often a counter is looked for that may be opened to this program meanwhile.
const lookAgain = 10 * time.Second

// mostWatts bounds what a package draws. A counter that steps back by a wrap has grown little; one that
// was set back, as by a suspended machine, seems to have grown by nearly its whole range.
const mostWatts = 5000

func (m *raplMeter) open() {
	m.why = lack{reason: "The system shows no energy counter of the CPU."}
	for _, z := range matches(m.tree, "sys/class/powercap/intel-rapl:*") {
		name := text(m.tree, z+"/name")
		if cut, ok := cutName([]byte(name), "package"); !ok || len(cut) == 0 {
			continue // parts of a package are inside it; psys holds the package and more
		}
		file, err := openProc(filepath.Join(m.root, z, "energy_uj"), smallFile)
		if err != nil {
			m.close()
			m.why = closedCounter(err)
			return
		}
		most, _ := parseNumber([]byte(text(m.tree, z+"/max_energy_range_uj")))
		m.zones = append(m.zones, raplZone{file: file, span: most})
	}
}

func closedCounter(err error) lack {
	if errors.Is(err, fs.ErrPermission) {
		return lack{
			reason: "Only the administrator may read the CPU's energy counter, since it can betray what other programs compute.",
			remedy: "sudo chmod a+r /sys/class/powercap/intel-rapl:*/energy_uj",
		}
	}
	return lack{reason: "The energy counter of the CPU cannot be opened."}
}

func (m *raplMeter) read(now time.Time, g *gauges) {
	if len(m.zones) == 0 && !now.Before(m.next) {
		m.next = now.Add(lookAgain)
		m.open()
	}
	ok := len(m.zones) > 0
	for i := range m.zones {
		z := &m.zones[i]
		data, err := z.file.read()
		uj, fine := parseNumber(data)
		if err != nil || !fine {
			ok = false
			continue
		}
		m.sumUJ += z.grown(uj, now.Sub(m.at))
	}
	m.at = now
	if !ok {
		g.miss(domain.GaugeCPUEnergy, m.why)
		return
	}
	g.set(domain.GaugeCPUEnergy, float64(m.sumUJ)/1e6)
}

// grown is what a package has used since its last reading, in µJ.
func (z *raplZone) grown(uj uint64, since time.Duration) uint64 {
	d := uj - z.last
	if uj < z.last {
		d = sub(z.span, z.last) + uj
		if float64(d) > mostWatts*float64(since.Microseconds()) {
			d = 0
		}
	}
	if !z.known {
		d = 0
	}
	z.last, z.known = uj, true
	return d
}

func (m *raplMeter) close() {
	for _, z := range m.zones {
		z.file.close()
	}
	m.zones = nil
}

// batteryMeter tells what leaves the batteries while the machine runs on them.
type batteryMeter struct{ files []*procFile }

func (m *batteryMeter) read(_ time.Time, g *gauges) {
	var sum float64
	found, draining, told := false, false, true
	for _, f := range m.files {
		data, err := f.read()
		b := parseBattery(data)
		if err != nil || !b.isBattery || b.ofDevice {
			continue
		}
		found = true
		if b.discharging {
			w, ok := b.watts()
			sum, draining, told = sum+w, true, told && ok
		}
	}
	switch {
	case !found:
		g.miss(domain.GaugeBattery, lack{reason: "This machine has no battery."})
	case !draining:
		g.miss(domain.GaugeBattery, lack{reason: "The machine runs on mains power."})
	case !told:
		g.miss(domain.GaugeBattery, lack{reason: "The battery does not tell its power."})
	default:
		g.set(domain.GaugeBattery, sum)
	}
}

func (m *batteryMeter) close() { closeAll(m.files) }

func closeAll(files []*procFile) {
	for _, f := range files {
		f.close()
	}
}
