package store_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/store"
	"github.com/inferometer/inferometer/backend/store/column"
)

// reading is what a sampler gives ten times a second: two cores, two GPUs, and an answer of another machine
// now and then.
func reading(i int) domain.Sample {
	at := int64(i) * 100_000
	m := domain.Sample{TUs: at, TMs: float64(at) / 1000, Timestamp: t0().Add(time.Duration(at) * time.Microsecond), Phase: domain.PhaseMeasure,
		CPUPercent: ptr(100 * float64(i%20) / 21), CPUCores: []float64{float64(i % 100), 100 * float64(i%7) / 9}, RAMUsedGB: ptr(float64(4096*(2_000_000+i%50)) / 1e9),
		CPUTempC: ptr(float64(400+i%30) / 10), LateMs: float64(i%1000) / 1000,
		GPUs: []domain.GPUSample{{Index: 0, UtilPct: ptr(float64(i % 101)), PowerW: ptr(60.5), LimitReasons: []string{"idle"}}, {Index: 3, TempC: ptr(50.0), LimitReasons: []string{}}}}
	if i%3 == 0 {
		m.SwapUsedGB, m.GPUs[0].EnergyJ = ptr(0.0), ptr(float64(i)*0.7)
	}
	if i%10 == 0 {
		m.Remote = []domain.RemoteSample{{Source: "10.0.0.8:9400", Timestamp: m.Timestamp, CPUPercent: ptr(float64(i)), GPUs: []domain.GPUSample{{Index: 1, UtilPct: ptr(5.0)}}}}
	}
	return m
}

func readings(from, to int) []domain.Sample {
	ms := make([]domain.Sample, 0, to-from)
	for i := from; i < to; i++ {
		ms = append(ms, reading(i))
	}
	return ms
}

func running(t *testing.T, s *store.Store, id string) domain.RunID {
	t.Helper()
	r := newRun(id)
	r.Status = domain.StatusRunning
	mustCreate(t, s, r)
	return r.ID
}

// laid says how many readings of all runs lie one by one and how many chunks there are.
func laid(t *testing.T, s *store.Store) (rows, chunks int) {
	t.Helper()
	err := s.Reader().QueryRow("SELECT (SELECT count(*) FROM sample), (SELECT count(*) FROM telemetry WHERE series = 0)").Scan(&rows, &chunks)
	if err != nil {
		t.Fatal(err)
	}
	return rows, chunks
}

func foldAll(t *testing.T, s *store.Store) {
	t.Helper()
	for more := true; more; {
		var err error
		if more, err = s.FoldTelemetry(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// TestChunks: what is read is the same wherever it lies.
func TestChunks(t *testing.T) {
	s := openNew(t)
	id := running(t, s, "a")
	want := readings(-30, 1500)
	for i := 0; i < len(want); i += 3 {
		mustAppend(t, s, id, domain.Batch{Samples: want[i : i+3]})
	}
	if rows, chunks := laid(t, s); rows != 1530-1200 || chunks != 2 {
		t.Errorf("%d readings beside %d chunks", rows, chunks)
	}
	equal(t, "beside a tail", collect(t, s.Samples(t.Context(), id)), want)
	foldAll(t, s)
	if rows, chunks := laid(t, s); rows != 330 || chunks != 2 {
		t.Errorf("a run that goes on lost its tail: %d readings beside %d chunks", rows, chunks)
	}
	if _, err := s.InterruptRunning(t.Context(), t0()); err != nil {
		t.Fatal(err)
	}
	foldAll(t, s)
	if rows, chunks := laid(t, s); rows != 0 || chunks != 3 {
		t.Errorf("%d readings beside %d chunks", rows, chunks)
	}
	equal(t, "in chunks alone", collect(t, s.Samples(t.Context(), id)), want)
	for _, r := range [][2]int64{{0, 0}, {1, 99_999}, {-3_000_000, 5}, {56_900_000, 57_000_000}, {57_000_001, 200_000_000}, {5, 4}, {math.MinInt64, -1}, {200_000_000, math.MaxInt64}} {
		var in []domain.Sample
		for _, m := range want {
			if m.TUs >= r[0] && m.TUs <= r[1] {
				in = append(in, m)
			}
		}
		equal(t, fmt.Sprint("range ", r), collect(t, s.SampleRange(t.Context(), id, r[0], r[1])), in)
	}
	mustAppend(t, s, id, domain.Batch{Samples: readings(1500, 1510)}) // it ended, but something came late
	foldAll(t, s)
	if n := len(collect(t, s.Samples(t.Context(), id))); n != 1540 {
		t.Errorf("%d readings with the late ones", n)
	}
}

// TestLateReadings come after younger ones, which lie in a chunk already, and some share a time.
func TestLateReadings(t *testing.T) {
	s := openNew(t)
	mustCreate(t, s, newRun("a"))
	all := readings(0, 1300)
	first, second := all[:100], all[100:]
	mustAppend(t, s, "a", domain.Batch{Samples: second})
	mustAppend(t, s, "a", domain.Batch{Samples: first})
	mustAppend(t, s, "a", domain.Batch{Samples: second[:50]})
	want := append(slices.Clone(all), second[:50]...)
	slices.SortStableFunc(want, func(a, b domain.Sample) int { return int(a.TUs - b.TUs) })
	equal(t, "in part", collect(t, s.Samples(t.Context(), "a")), want)
	foldAll(t, s)
	equal(t, "in chunks that overlap", collect(t, s.Samples(t.Context(), "a")), want)
}

// TestFoldBesideRead folds between two pages of a read: none is lost or told twice.
func TestFoldBesideRead(t *testing.T) {
	s := openNew(t)
	id := running(t, s, "a")
	want := readings(0, 1799)
	mustAppend(t, s, id, domain.Batch{Samples: want})
	var got []domain.Sample
	for m, err := range s.Samples(t.Context(), id) {
		if err != nil {
			t.Fatal(err)
		}
		if got = append(got, m); len(got) == 500 {
			mustAppend(t, s, id, domain.Batch{Samples: readings(1799, 1805)})
		}
	}
	equal(t, "samples", got, readings(0, 1805))
}

// TestOldReadingsAreFolded: a database of before has them one by one.
func TestOldReadingsAreFolded(t *testing.T) {
	s := openNew(t)
	id := running(t, s, "a")
	want := readings(0, 2000)
	for i := 0; i < len(want); i += 500 {
		mustAppend(t, s, id, domain.Batch{Samples: want[i : i+500]})
		if err := s.Unfold(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if rows, chunks := laid(t, s); rows != 2000 || chunks != 0 {
		t.Fatalf("%d readings beside %d chunks", rows, chunks)
	}
	equal(t, "one by one", collect(t, s.Samples(t.Context(), id)), want)
	before := part(t, usage(t, s), "telemetry").Bytes
	if _, err := s.InterruptRunning(t.Context(), t0()); err != nil {
		t.Fatal(err)
	}
	if more, err := s.FoldTelemetry(t.Context()); err != nil || !more {
		t.Fatalf("%v, %v", more, err)
	}
	equal(t, "half folded", collect(t, s.Samples(t.Context(), id)), want)
	foldAll(t, s)
	if rows, chunks := laid(t, s); rows != 0 || chunks != 4 {
		t.Errorf("%d readings beside %d chunks", rows, chunks)
	}
	equal(t, "folded", collect(t, s.Samples(t.Context(), id)), want)
	if after := part(t, usage(t, s), "telemetry").Bytes; after > before/8 {
		t.Errorf("%d bytes of %d are left", after, before)
	}
}

// TestUnreadReadingsStay: those of one run do not keep others from being folded.
func TestUnreadReadingsStay(t *testing.T) {
	s := openNew(t)
	for _, id := range []string{"bad", "good"} {
		mustCreate(t, s, newRun(id))
		mustAppend(t, s, domain.RunID(id), domain.Batch{Samples: readings(0, 10)})
	}
	if _, err := s.Writer().Exec("UPDATE sample SET gauges = x'ff' WHERE run_id = 1 AND t_us = 0"); err != nil {
		t.Fatal(err)
	}
	if more, err := s.FoldTelemetry(t.Context()); err != nil || !more {
		t.Errorf("%v, %v", more, err)
	}
	if more, err := s.FoldTelemetry(t.Context()); err == nil || more || !strings.Contains(err.Error(), "run 1") {
		t.Errorf("%v, %v", more, err)
	}
	if rows, chunks := laid(t, s); rows != 10 || chunks != 1 {
		t.Errorf("%d readings beside %d chunks", rows, chunks)
	}
	equal(t, "of the other", collect(t, s.Samples(t.Context(), "good")), readings(0, 10))
	mustAppend(t, s, "bad", domain.Batch{Samples: readings(10, 700)})
	if rows, _ := laid(t, s); rows != 700 {
		t.Errorf("%d readings", rows)
	}
}

// TestFlippedByte: the sum of a chunk finds it, the error says where, and the others can be read.
func TestFlippedByte(t *testing.T) {
	s := openNew(t)
	mustCreate(t, s, newRun("a"))
	mustAppend(t, s, "a", domain.Batch{Samples: readings(0, 1800)})
	for _, series := range []int{0, 1, 2, 16, 1<<24 + 64} {
		var data []byte
		where := " FROM telemetry WHERE chunk = 2 AND series = ?"
		if err := s.Reader().QueryRow("SELECT data"+where, series).Scan(&data); err != nil {
			t.Fatal(err)
		}
		bad := slices.Clone(data)
		bad[len(bad)/2] ^= 4
		put := func(b []byte) {
			if _, err := s.Writer().Exec("UPDATE telemetry SET data = ? WHERE chunk = 2 AND series = ?", b, series); err != nil {
				t.Fatal(err)
			}
		}
		put(bad)
		var got []domain.Sample
		var damage []error
		for m, err := range s.Samples(t.Context(), "a") {
			if err != nil {
				damage = append(damage, err)
				continue
			}
			got = append(got, m)
		}
		equal(t, "the others", got, append(readings(0, 600), readings(1200, 1800)...))
		var e *domain.Error
		if len(damage) != 1 || !errors.As(damage[0], &e) || !errors.Is(damage[0], column.ErrDamaged) ||
			e.Msg != "The hardware samples from 60.0 s to 119.9 s of this benchmark are damaged." || !strings.Contains(e.Error(), fmt.Sprintf("chunk 2 of run 1: series %d", series)) {
			t.Errorf("errors %v", damage)
		}
		put(data)
	}
}

func TestDropTelemetryTakesChunks(t *testing.T) {
	s := openNew(t)
	aged(t, s, map[string]int{"old": 100, "gone": 100}, func(r *domain.Run) {
		if r.ID == "gone" {
			r.DeletedAt = ptr(t0())
		}
	})
	mustAppend(t, s, "old", domain.Batch{Samples: readings(0, 600)})
	mustAppend(t, s, "gone", domain.Batch{Samples: readings(0, 600)})
	foldAll(t, s)
	would, err := s.WouldFree(t.Context(), domain.RetentionRules{DropTelemetryDays: 50}, t0())
	if err != nil || would.Telemetry.Runs != 1 || would.Telemetry.Bytes < 2000 {
		t.Errorf("%+v, %v", would, err)
	}
	if n, err := s.DropTelemetry(t.Context(), t0(), 50); n != 1 || err != nil {
		t.Errorf("%d runs, %v", n, err)
	}
	if n := len(collect(t, s.Samples(t.Context(), "old"))); n != 0 {
		t.Errorf("%d are left", n)
	}
	if err := s.EraseRun(t.Context(), "gone"); err != nil {
		t.Fatal(err)
	}
	if rows, chunks := laid(t, s); rows != 0 || chunks != 0 {
		t.Errorf("%d readings and %d chunks are left", rows, chunks)
	}
}
