package telemetry

import (
	"encoding/json"
	"reflect"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/inferometer/inferometer/backend/domain"
)

// fill gives every field below v a value of its own.
func fill(v reflect.Value, next *float64) {
	*next++
	switch v.Kind() { //nolint:exhaustive // what samples are made of
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), next)
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Unix(int64(*next), 0)))
			return
		}
		for i := range v.NumField() {
			fill(v.Field(i), next)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 3, 3))
		for i := range 3 {
			fill(v.Index(i), next)
		}
	case reflect.Float64:
		v.SetFloat(*next)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(*next))
	case reflect.String:
		v.SetString(time.Unix(int64(*next), 0).String())
	}
}

// fullSample has a value in every field, also in those that are added later.
func fullSample() domain.Sample {
	var s domain.Sample
	next := 0.0
	fill(reflect.ValueOf(&s).Elem(), &next)
	s.TMs = float64(s.TUs) / 1000
	for i := range s.GPUs {
		s.GPUs[i].Index = i
	}
	return s
}

func TestRowsLoseNothing(t *testing.T) {
	full := fullSample()
	empty := domain.Sample{Timestamp: time.Unix(9, 0), CPUCores: []float64{}, GPUs: []domain.GPUSample{}}
	r := newRows(3, shapeOf(&full))
	r.put(0, &full)
	r.put(1, &full)
	r.put(1, &empty) // over a fuller one
	r.put(2, &full)
	for i, want := range []domain.Sample{full, empty, full} {
		if got := r.sample(i); !reflect.DeepEqual(got, want) {
			t.Errorf("row %d: got %+v, want %+v", i, got, want)
		}
	}
}

// A core that comes on line and a GPU whose driver is opened late change the shape of what follows.
func TestShapesMix(t *testing.T) {
	var want []domain.Sample
	p := newPast()
	p.recent.limit = 40
	begin := time.Now()
	for i := range 50 {
		s := fullSample()
		s.Timestamp = begin.Add(time.Duration(i) * time.Second)
		s.CPUCores = s.CPUCores[:min(i/10, 3)]
		s.GPUs = s.GPUs[:min(i/20, 3)]
		p.add(&s)
		want = append(want, s)
	}
	rows := p.since(begin)
	if len(rows.heads) != len(want) { // the last second stands in both, in the long one not yet
		t.Fatalf("%d rows, want %d", len(rows.heads), len(want))
	}
	for i := range want {
		if got := rows.sample(i); !reflect.DeepEqual(got, want[i]) {
			t.Errorf("row %d: got %+v, want %+v", i, got, want[i])
		}
	}
}

// growingHost counts its readings in the memory used, and in the energy used.
type growingHost struct {
	fakeHost
	n int
}

func (g *growingHost) read(now time.Time, w *cpuWindow, r *hostReading) {
	g.fakeHost.read(now, w, r)
	r.ramUsed = uint64(g.n) * 1e9 //nolint:gosec // a small count
	r.gauges.set(domain.GaugeCPUEnergy, float64(g.n))
	g.n++
}

func growingSampler(hz float64) *Sampler {
	none := func() (processSource, bool) { return nil, false }
	return newSampler(Options{RateHz: hz}, newTimerPacer(), &growingHost{fakeHost: fakeHost{epoch: time.Now().Add(-time.Hour)}},
		none, func(int) (processSource, bool) { return none() }, []gpuDriver{&fakeGPU{count: 1}})
}

// A page that is just opened shows the last hour: ten minutes of readings, and before them the means of
// each second.
func TestHourOfHistory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := growingSampler(10)
		stop := running(t, s)
		time.Sleep(longSpan + ringSpan + 50*time.Millisecond)
		all, minutes := s.History(longSpan), s.History(5*time.Minute)
		now := time.Now()
		stop()
		const recent, older = 6000, 3000
		if n := len(all) - recent; n < older-2 || n > older {
			t.Fatalf("%d readings and %d means, want 6000 and 3000", recent, n)
		}
		if len(minutes) != 3000 || minutes[2999].Timestamp != all[len(all)-1].Timestamp {
			t.Errorf("%d readings in five minutes", len(minutes))
		}
		if age := now.Sub(all[0].Timestamp); age > longSpan || age < longSpan-2*time.Second {
			t.Errorf("the oldest is %v old", age)
		}
		for i, x := range all[1:] {
			want := time.Second
			if i+1 >= len(all)-recent {
				want = 100 * time.Millisecond
			}
			if d := x.Timestamp.Sub(all[i].Timestamp); d > time.Second || d > want && i+1 != len(all)-recent || d < 100*time.Millisecond {
				t.Fatalf("row %d comes after %v, want %v", i+1, d, want)
			}
		}
		x := all[100] // the ten readings of its second: memory is their mean, energy the last
		if *x.RAMUsedGB != *x.CPUEnergyJ-4.5 || *x.GPUs[0].UtilPct != 40 || *x.CPUPercent != 50 || x.SwapUsedGB != nil ||
			!slices.Equal(x.CPUCores, []float64{100, 0}) {
			t.Errorf("mean %+v: %v and %v", x, *x.RAMUsedGB, *x.CPUEnergyJ)
		}
	})
}

// held is how much memory rows take.
func (r *rows) held() int {
	return len(r.heads)*int(unsafe.Sizeof(head{})) + len(r.nums)*8 + len(r.limits)*int(unsafe.Sizeof([]string{}))
}

func TestHistoryIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := growingSampler(1)
		stop := running(t, s)
		time.Sleep(2 * longSpan)
		stop()
		if all := s.History(24 * time.Hour); len(all) != 3601 {
			t.Errorf("%d rows, want one for each second of the hour and the one under way", len(all))
		}
		s.SetRate(10)
		if n := len(s.History(24 * time.Hour)); n != 3601 {
			t.Errorf("%d rows after the rate has changed", n)
		}
		last, _ := s.Latest()
		s.SetRate(0.5)
		if kept, _ := s.Latest(); kept.Timestamp != last.Timestamp {
			t.Error("the newest sample was lost with the old rate")
		}
		p := newPast()
		p.recent.limit = int(ringSpan / (100 * time.Millisecond))
		machine := domain.Sample{CPUCores: make([]float64, 8), GPUs: make([]domain.GPUSample, 1)}
		for i := range 4 * p.recent.limit {
			machine.Timestamp = last.Timestamp.Add(time.Duration(i) * 100 * time.Millisecond)
			p.add(&machine)
		}
		if all := p.recent.rows.held() + p.long.rows.held(); all > 5_100_000 {
			t.Errorf("an hour of eight cores and a GPU takes %d bytes", all)
		}
	})
}

// Who keeps samples, as the recorder and the stream do, finds them as they came however many follow.
func TestHeldSamplesStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := growingSampler(1)
		stop := running(t, s)
		text := func(x any) string {
			b, err := json.Marshal(x)
			if err != nil {
				t.Fatal(err)
			}
			return string(b)
		}
		var mu sync.Mutex
		var held []any
		var was []string
		keep := func(x any) {
			mu.Lock()
			defer mu.Unlock()
			held, was = append(held, x), append(was, text(x))
		}
		s.Begin(time.Now(), func(x domain.Sample) { keep(x) })
		for range 20 {
			time.Sleep(time.Minute)
			s.SetPhase(domain.PhaseMeasure)
			latest, _ := s.Latest()
			keep(latest)
			keep(s.History(time.Minute))
		}
		s.End()
		time.Sleep(2 * ringSpan)
		stop()
		if len(held) < 1200 {
			t.Fatalf("only %d held", len(held))
		}
		for i := range held {
			if now := text(held[i]); now != was[i] {
				t.Fatalf("held sample %d was %s and is %s", i, was[i], now)
			}
		}
	})
}
