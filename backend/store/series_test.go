package store

import (
	"encoding/binary"
	"math"
	"slices"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/store/column"
)

// The numbers are what old files hold: a series that changes its own would be read as another.
func TestSeriesOnDisk(t *testing.T) {
	known := seriesByKey()
	for key, want := range map[string]extent{
		"cpu_usage_percent": {16, 16}, "ram_usage_gb": {17, 17}, "swap_usage_gb": {18, 18}, "engine_cpu_percent": {19, 19}, "engine_rss_gb": {20, 20},
		"self_cpu_percent": {21, 21}, "gpu_usage_percent": {22, 22}, "vram_usage_gb": {23, 23}, "power_w": {24, 24}, "gpu_temp_c": {25, 25},
		"steal_percent": {64, 64}, "battery_power_w": {80, 80}, "late_ms": {3, 3}, "remote": {4, 4},
	} {
		if known[key] != want {
			t.Errorf("%s is %v, not %v", key, known[key], want)
		}
	}
	if gpuAt(0) != 16777280 || gpuAt(1)-gpuAt(0) != 64 || firstCore != 65536 {
		t.Error("cores or GPUs have moved")
	}
}

// FuzzReadings takes any columns under any numbers, as of a file that somebody has made up: each is a
// number of four bytes, a length and the data.
func FuzzReadings(f *testing.F) {
	seed := func(ms []domain.Sample) {
		r, err := columnsOf(ms)
		if err != nil {
			f.Fatal(err)
		}
		columns, err := r.pack()
		if err != nil {
			f.Fatal(err)
		}
		var b []byte
		for _, c := range columns {
			b = append(binary.LittleEndian.AppendUint32(b, uint32(c.id)), byte(len(c.data)))
			b = append(b, c.data...)
		}
		f.Add(b)
	}
	seed([]domain.Sample{{TUs: 5}})
	seed([]domain.Sample{{CPUCores: []float64{1, 2}, GPUs: []domain.GPUSample{{Index: 3, UtilPct: new(5.0), LimitReasons: []string{"idle"}}}, Remote: []domain.RemoteSample{{Source: "a"}}}, {}})
	f.Fuzz(func(t *testing.T, b []byte) {
		r := newReadings(0)
		for len(b) > 5 {
			id, n := series(binary.LittleEndian.Uint32(b)), min(int(b[4]), len(b)-5)
			if r.unpack(id, b[5:5+n]) != nil {
				return
			}
			b = b[5+n:]
		}
		if len(r.us) > 1000 {
			return
		}
		e := &envelope{from: 0, to: math.MaxInt64, width: math.MaxInt64/4 + 1, stretches: make([]stretch, 4), of: map[series][]extremes{}, limits: map[series][][]string{}}
		if e.add(r) == nil {
			e.samples()
		}
		ms, err := r.samples()
		if err != nil || slices.ContainsFunc(ms, func(m domain.Sample) bool { return m.Timestamp.UnixMicro()-m.TUs < 0 }) {
			return
		}
		again, err := columnsOf(ms)
		if err != nil {
			t.Fatal(err)
		}
		packed, err := again.pack()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := column.Ints(packed[0].data, nil); err != nil {
			t.Error(err)
		}
	})
}
