package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/store/column"
)

// series numbers what one sensor reads. Chunks keep it, so none ever changes its meaning.
type series int64

const (
	seriesTime  series = iota // from the start of the run
	seriesClock               // of day, less that
	seriesPhase               // text
	seriesLate
	seriesRemote        // JSON text
	firstScalar  series = 16
	firstGauge   series = 64
	firstCore    series = 1 << 16 // how many cores there are, then each of them
	firstGPU     series = 1 << 24 // how many GPUs there are; then each of them has perGPU numbers
	perGPU       series = 64
	gpuIndex     series = 62 // of the numbers of a GPU; its gauges begin at 0
	gpuLimits    series = 63 // JSON text
)

// scalars are the fields with the numbers from firstScalar on; a new one goes to the end.
func scalars(m *domain.Sample) []**float64 {
	return []**float64{&m.CPUPercent, &m.RAMUsedGB, &m.SwapUsedGB, &m.EngineCPUPercent, &m.EngineRSSGB,
		&m.SelfCPUPercent, &m.GPUPercent, &m.VRAMUsedGB, &m.PowerW, &m.GPUTempC}
}

// extent is a stretch of numbers, both ends included.
type extent struct{ first, last series }

// seriesByKey are the numbers behind each key of a sample but the time and the phase.
func seriesByKey() map[string]extent {
	out := map[string]extent{"late_ms": {seriesLate, seriesLate}, "remote": {seriesRemote, seriesRemote},
		"cpu_cores_percent": {firstCore, firstGPU - 1}, "gpus": {firstGPU, 1 << 40}}
	var m domain.Sample
	numbers := map[any]series{} // by the address of the field
	for i, field := range scalars(&m) {
		numbers[field] = firstScalar + series(i)
	}
	for i, field := range m.Gauges() {
		numbers[field] = firstGauge + series(i)
	}
	v := reflect.ValueOf(&m).Elem()
	for i := range v.NumField() {
		if n, known := numbers[v.Field(i).Addr().Interface()]; known {
			key, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
			out[key] = extent{n, n}
		}
	}
	return out
}

// The columns of readings. In a nil there, each row has a value.
type (
	floatColumn struct {
		values []float64
		there  []bool
	}
	textColumn struct {
		words  []string
		index  []int32          // the word of each row, -1: none
		number map[string]int32 // of each word, while the column grows
	}
)

func has(there []bool, i int) bool { return there == nil || there[i] }

// readings are samples by column. A sensor without any reading has no column.
type readings struct {
	us, clock []int64
	floats    map[series]*floatColumn
	texts     map[series]*textColumn
	scratch   column.Scratch
	spare     map[series]*floatColumn // whose memory serves again, see reset
}

// reset empties r for another chunk, in the same memory.
func (r *readings) reset() {
	r.us, r.clock = r.us[:0], r.clock[:0]
	r.floats, r.spare = r.spare, r.floats
	if r.floats == nil {
		r.floats = map[series]*floatColumn{}
	}
	clear(r.floats)
	clear(r.texts)
}

func newReadings(rows int) *readings {
	return &readings{us: make([]int64, rows), clock: make([]int64, rows), floats: map[series]*floatColumn{}, texts: map[series]*textColumn{}}
}

func (r *readings) setFloat(id series, row int, v float64) {
	c := r.floats[id]
	if c == nil {
		c = &floatColumn{make([]float64, len(r.us)), make([]bool, len(r.us))}
		r.floats[id] = c
	}
	c.values[row], c.there[row] = v, true
}

func (r *readings) setText(id series, row int, v string) {
	c := r.texts[id]
	if c == nil {
		c = &textColumn{index: make([]int32, len(r.us)), number: map[string]int32{}}
		for i := range c.index {
			c.index[i] = -1
		}
		r.texts[id] = c
	}
	n, known := c.number[v]
	if !known {
		n = int32(len(c.words)) // #nosec G115 -- one word a sample, far fewer than 2^31
		c.number[v], c.words = n, append(c.words, v)
	}
	c.index[row] = n
}

func (r *readings) setOptional(id series, row int, v *float64) {
	if v != nil {
		r.setFloat(id, row, *v)
	}
}

// setJSON leaves what JSON calls null out.
func (r *readings) setJSON(id series, row int, v any) error {
	b, err := json.Marshal(v)
	if err == nil && string(b) != "null" {
		r.setText(id, row, string(b))
	}
	return err
}

// columnsOf turns samples into columns.
func columnsOf(ms []domain.Sample) (*readings, error) {
	r := newReadings(len(ms))
	for i := range ms {
		m := &ms[i]
		r.us[i], r.clock[i] = m.TUs, m.Timestamp.UnixMicro()-m.TUs
		r.setText(seriesPhase, i, string(m.Phase))
		r.setFloat(seriesLate, i, m.LateMs)
		for k, field := range scalars(m) {
			r.setOptional(firstScalar+series(k), i, *field)
		}
		for k, field := range m.Gauges() {
			r.setOptional(firstGauge+series(k), i, *field)
		}
		if m.CPUCores != nil {
			r.setFloat(firstCore, i, float64(len(m.CPUCores)))
		}
		for k, v := range m.CPUCores {
			r.setFloat(firstCore+1+series(k), i, v)
		}
		if err := r.setJSON(seriesRemote, i, m.Remote); err != nil {
			return nil, err
		}
		r.setFloat(firstGPU, i, float64(len(m.GPUs)))
		for k := range m.GPUs {
			if err := r.setGPU(gpuAt(k), i, &m.GPUs[k]); err != nil {
				return nil, err
			}
		}
	}
	return r, nil
}

// gpuAt is the first number of the GPU at a place of the list.
func gpuAt(place int) series { return firstGPU + perGPU*series(place+1) }

func (r *readings) setGPU(first series, row int, g *domain.GPUSample) error {
	r.setFloat(first+gpuIndex, row, float64(g.Index))
	for k, field := range g.Gauges() {
		r.setOptional(first+series(k), row, *field)
	}
	return r.setJSON(first+gpuLimits, row, g.LimitReasons)
}

// samples is the inverse of columnsOf; what has no column is missing.
func (r *readings) samples() ([]domain.Sample, error) {
	if len(r.clock) != len(r.us) {
		return nil, errors.New("the wall clock is missing")
	}
	ms := make([]domain.Sample, len(r.us))
	cores, gpus := r.cores(), r.gpus()
	for i := range ms {
		m := &ms[i]
		m.TUs, m.TMs, m.Timestamp = r.us[i], float64(r.us[i])/1000, time.UnixMicro(r.us[i]+r.clock[i]).UTC()
		m.Phase, m.LateMs = domain.Phase(r.text(seriesPhase, i)), r.float(seriesLate, i)
		for k, field := range scalars(m) {
			*field = r.optional(firstScalar+series(k), i)
		}
		for k, field := range m.Gauges() {
			*field = r.optional(firstGauge+series(k), i)
		}
		if c := r.floats[firstCore]; c != nil && has(c.there, i) {
			n, err := count(c.values[i], len(cores))
			if err != nil {
				return nil, err
			}
			m.CPUCores = make([]float64, n)
			for k := range m.CPUCores {
				m.CPUCores[k] = cores[k].values[i]
			}
		}
		if text := r.text(seriesRemote, i); text != "" {
			if err := json.Unmarshal([]byte(text), &m.Remote); err != nil {
				return nil, err
			}
		}
		n, err := count(r.float(firstGPU, i), gpus)
		if err != nil {
			return nil, err
		}
		m.GPUs = make([]domain.GPUSample, n)
		for k := range m.GPUs {
			if m.GPUs[k], err = r.gpu(gpuAt(k), i); err != nil {
				return nil, err
			}
		}
	}
	return ms, nil
}

// cores and gpus are bounds of what a list may have: each of its items has a column.
func (r *readings) cores() (cores []*floatColumn) {
	for c := r.floats[firstCore+1]; c != nil; c = r.floats[firstCore+1+series(len(cores))] {
		cores = append(cores, c)
	}
	return cores
}

func (r *readings) gpus() (n int) {
	for r.floats[gpuAt(n)+gpuIndex] != nil {
		n++
	}
	return n
}

func count(v float64, most int) (int, error) {
	if !(v >= 0 && v <= float64(most)) {
		return 0, fmt.Errorf("a list of %v, but %d columns", v, most)
	}
	return int(v), nil
}

func (r *readings) gpu(first series, row int) (g domain.GPUSample, err error) {
	g.Index = int(r.float(first+gpuIndex, row))
	for k, field := range g.Gauges() {
		*field = r.optional(first+series(k), row)
	}
	if text := r.text(first+gpuLimits, row); text != "" {
		err = json.Unmarshal([]byte(text), &g.LimitReasons)
	}
	return g, err
}

func (r *readings) optional(id series, row int) *float64 {
	if c := r.floats[id]; c != nil && has(c.there, row) {
		return &c.values[row]
	}
	return nil
}

func (r *readings) float(id series, row int) float64 {
	if v := r.optional(id, row); v != nil {
		return *v
	}
	return 0
}

func (r *readings) text(id series, row int) string {
	if c := r.texts[id]; c != nil && c.index[row] >= 0 {
		return c.words[c.index[row]]
	}
	return ""
}

// packed is a column as a chunk keeps it.
type packed struct {
	id   series
	data []byte
}

// pack returns the columns in the order of their numbers, the time first.
func (r *readings) pack() ([]packed, error) {
	out := []packed{{seriesTime, column.AppendInts(nil, r.us)}, {seriesClock, column.AppendInts(nil, r.clock)}}
	for id, c := range r.texts {
		data, err := column.AppendTexts(nil, c.words, c.index)
		if err != nil {
			return nil, err
		}
		out = append(out, packed{id, data})
	}
	for _, id := range slices.Sorted(maps.Keys(r.floats)) {
		out = append(out, packed{id, column.AppendFloats(nil, r.floats[id].values, r.floats[id].there)})
	}
	slices.SortFunc(out, func(a, b packed) int { return int(a.id - b.id) })
	return out, nil
}

// unpack adds a column; that of the time comes first, and all have as many rows.
func (r *readings) unpack(id series, data []byte) (err error) {
	rows := 0
	switch {
	case id == seriesTime:
		r.us, err = column.Ints(data, r.us)
		rows = len(r.us)
	case id == seriesClock:
		r.clock, err = column.Ints(data, r.clock)
		rows = len(r.clock)
	case id == seriesPhase, id == seriesRemote, id > firstGPU && id%perGPU == gpuLimits:
		c := &textColumn{}
		c.words, c.index, err = column.Texts(data)
		rows, r.texts[id] = len(c.index), c
	default:
		c := r.spare[id]
		if c == nil {
			c = &floatColumn{}
		}
		c.values, c.there, err = r.scratch.Floats(data, c.values)
		rows, r.floats[id] = len(c.values), c
	}
	if err == nil && rows != len(r.us) {
		err = column.ErrDamaged
	}
	return err
}
