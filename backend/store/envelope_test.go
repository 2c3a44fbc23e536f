package store_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/store/column"
)

func allSamples() domain.SampleFilter {
	return domain.SampleFilter{FromUs: math.MinInt64, ToUs: math.MaxInt64}
}

// sensors are some of the values of a sample, by a name.
func sensors(m domain.Sample) map[string]*float64 {
	out := map[string]*float64{"cpu": m.CPUPercent, "ram": m.RAMUsedGB, "swap": m.SwapUsedGB, "temp": m.CPUTempC, "late": &m.LateMs}
	for i, v := range m.CPUCores {
		out[fmt.Sprint("core", i)] = &v
	}
	for _, g := range m.GPUs {
		for k, v := range g.Gauges() {
			out[fmt.Sprint("gpu", g.Index, " ", k)] = *v
		}
	}
	return out
}

// bounds are the lowest and the highest value of each sensor.
func bounds(ms []domain.Sample) map[string][2]float64 {
	out := map[string][2]float64{}
	for _, m := range ms {
		for name, v := range sensors(m) {
			if v == nil {
				continue
			}
			b, known := out[name]
			if !known {
				b = [2]float64{*v, *v}
			}
			out[name] = [2]float64{min(b[0], *v), max(b[1], *v)}
		}
	}
	return out
}

// TestEnvelope holds each stretch of an answer against the samples themselves.
func TestEnvelope(t *testing.T) {
	s := openNew(t)
	id := running(t, s, "a")
	all := readings(0, 2500) // four chunks and a tail
	all[1234].CPUPercent, all[1777].GPUs[0].UtilPct = ptr(100.0), ptr(250.0)
	all[1500].GPUs[0].LimitReasons = []string{"power_cap", "idle"}
	all[300].Phase = domain.PhaseSettle
	mustAppend(t, s, id, domain.Batch{Samples: all})
	if rows, chunks := laid(t, s); rows != 100 || chunks != 4 {
		t.Fatalf("%d samples beside %d chunks", rows, chunks)
	}
	for _, points := range []int{2, 3, 100, 1000} {
		got, err := s.SampleEnvelope(t.Context(), id, allSamples(), points)
		if err != nil || len(got) > points || len(got) < points*2/3 {
			t.Fatalf("%d samples for %d points, %v", len(got), points, err)
		}
		remote := 0
		for i := 0; i < len(got); i += 2 {
			in := slices.DeleteFunc(slices.Clone(all), func(m domain.Sample) bool { return m.TUs < got[i].TUs || m.TUs > got[i+1].TUs })
			equal(t, fmt.Sprint("bounds of stretch ", i), bounds(got[i:i+2]), bounds(in))
			for k, m := range []domain.Sample{in[0], in[len(in)-1]} {
				if g := got[i+k]; g.TUs != m.TUs || g.TMs != m.TMs || !g.Timestamp.Equal(m.Timestamp) || g.Phase != m.Phase {
					t.Errorf("sample %d is from %v %v, want %v %v", i+k, g.Timestamp, g.Phase, m.Timestamp, m.Phase)
				}
			}
			capped := slices.ContainsFunc(in, func(m domain.Sample) bool { return m.TUs == all[1500].TUs })
			if slices.Contains(got[i].GPUs[0].LimitReasons, "power_cap") != capped || !slices.Contains(got[i+1].GPUs[0].LimitReasons, "idle") || got[i].GPUs[1].LimitReasons == nil {
				t.Errorf("stretch %d: limits %v", i, got[i].GPUs)
			}
			remote += len(got[i].Remote) + len(got[i+1].Remote)
		}
		if remote != 250 {
			t.Errorf("%d answers of 250 with %d points", remote, points)
		}
	}
}

// TestMeans holds each stretch against the mean of its samples.
func TestMeans(t *testing.T) {
	s := openNew(t)
	id := running(t, s, "a")
	all := readings(0, 1500)
	mustAppend(t, s, id, domain.Batch{Samples: all})
	f := allSamples()
	f.Means = true
	got, err := s.SampleEnvelope(t.Context(), id, f, 100)
	if err != nil || len(got) != 100 {
		t.Fatalf("%d samples, %v", len(got), err)
	}
	remote := 0
	for i, g := range got {
		in := all[15*i : 15*i+15]
		var cpu, swap, core, n float64
		for _, m := range in {
			cpu, core = cpu+*m.CPUPercent/15, core+m.CPUCores[1]/15
			if m.SwapUsedGB != nil {
				swap, n = swap+*m.SwapUsedGB, n+1
			}
		}
		if g.TUs != in[0].TUs || math.Abs(*g.CPUPercent-cpu) > 1e-9 || math.Abs(g.CPUCores[1]-core) > 1e-9 || *g.SwapUsedGB != swap/n || g.GPUs[1].Index != 3 {
			t.Errorf("stretch %d: %+v", i, g)
		}
		remote += len(g.Remote)
	}
	if remote != 150 {
		t.Errorf("%d answers of 150", remote)
	}
	if got, err = s.SampleEnvelope(t.Context(), id, f, 1500); err != nil {
		t.Fatal(err)
	}
	equal(t, "no more samples than points", got, all)
}

func TestEnvelopeNarrowed(t *testing.T) {
	s := openNew(t)
	id := running(t, s, "a")
	all := readings(-20, 2000)
	for i := range all {
		if i < 220 {
			all[i].Phase = domain.PhaseSettle
		}
	}
	mustAppend(t, s, id, domain.Batch{Samples: all})
	for _, c := range []struct {
		what   string
		f      domain.SampleFilter
		points int
		want   []domain.Sample // nil: only the bounds are looked at
		of     []domain.Sample
	}{
		{"fewer than points", domain.SampleFilter{FromUs: 0, ToUs: 9_900_000}, 100, all[20:120], nil},
		{"none", domain.SampleFilter{FromUs: 1e12, ToUs: 2e12}, 100, []domain.Sample{}, nil},
		{"the wrong way round", domain.SampleFilter{FromUs: 5, ToUs: 4}, 100, []domain.Sample{}, nil},
		{"no such phase", domain.SampleFilter{FromUs: math.MinInt64, ToUs: math.MaxInt64, Phase: "stop"}, 100, []domain.Sample{}, nil},
		{"a phase", domain.SampleFilter{FromUs: math.MinInt64, ToUs: math.MaxInt64, Phase: domain.PhaseSettle}, 100, nil, all[:220]},
		{"a phase from 0", domain.SampleFilter{FromUs: 0, ToUs: math.MaxInt64, Phase: domain.PhaseSettle}, 100, nil, all[20:220]},
		{"a range", domain.SampleFilter{FromUs: 30_000_000, ToUs: 150_000_000}, 100, nil, all[320:1521]},
		{"the end", domain.SampleFilter{FromUs: 160_000_000, ToUs: math.MaxInt64}, 100, nil, all[1620:]},
	} {
		got, err := s.SampleEnvelope(t.Context(), id, c.f, c.points)
		if err != nil {
			t.Fatal(err)
		}
		if c.want != nil {
			equal(t, c.what, got, c.want)
			continue
		}
		equal(t, c.what, bounds(got), bounds(c.of))
		if len(got) > c.points || len(got) < c.points*9/10 || got[0].TUs != c.of[0].TUs || got[len(got)-1].TUs != c.of[len(c.of)-1].TUs {
			t.Errorf("%s: %d samples from %d to %d", c.what, len(got), got[0].TUs, got[len(got)-1].TUs)
		}
	}
	f := domain.SampleFilter{FromUs: 0, ToUs: 99_900_000, EveryUs: 10_000_000}
	if got, err := s.SampleEnvelope(t.Context(), id, f, 2000); err != nil || len(got) != 20 {
		t.Errorf("%d samples, two for each of ten stretches, %v", len(got), err)
	}
	_, err := s.SampleEnvelope(t.Context(), "none", allSamples(), 10)
	wantKind(t, "no run", err, domain.KindNotFound)
}

// TestEnvelopeOfSeries: only what is asked for is there, and each key is understood.
func TestEnvelopeOfSeries(t *testing.T) {
	s := openNew(t)
	id := running(t, s, "a")
	mustAppend(t, s, id, domain.Batch{Samples: readings(0, 700)})
	for key, value := range map[string]func(m domain.Sample) bool{
		"cpu_usage_percent": func(m domain.Sample) bool { return m.CPUPercent != nil },
		"swap_usage_gb":     func(m domain.Sample) bool { return m.SwapUsedGB != nil },
		"cpu_temp_c":        func(m domain.Sample) bool { return m.CPUTempC != nil },
		"late_ms":           func(m domain.Sample) bool { return m.LateMs > 0 },
		"cpu_cores_percent": func(m domain.Sample) bool { return len(m.CPUCores) == 2 },
		"gpus":              func(m domain.Sample) bool { return len(m.GPUs) == 2 && m.GPUs[1].Index == 3 },
		"remote":            func(m domain.Sample) bool { return m.Remote != nil },
	} {
		f := allSamples()
		f.Series = []string{key}
		got, err := s.SampleEnvelope(t.Context(), id, f, 50)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(got, value) || got[3].Phase != domain.PhaseMeasure || got[3].Timestamp.IsZero() {
			t.Errorf("%s is not there: %+v", key, got[3])
		}
		for other, m := range map[string]bool{"cpu_usage_percent": got[4].CPUPercent != nil, "gpus": len(got[4].GPUs) > 0, "remote": got[4].Remote != nil, "ram": got[4].RAMUsedGB != nil} {
			if m && other != key {
				t.Errorf("%s is there beside %s", other, key)
			}
		}
	}
}

// TestEnvelopeOfLittle: a value that only one of two samples has stays where it was.
func TestEnvelopeOfLittle(t *testing.T) {
	s := openNew(t)
	mustCreate(t, s, newRun("a"))
	all := readings(0, 6)
	all[0].CPUPercent, all[3].CPUPercent = nil, nil
	mustAppend(t, s, "a", domain.Batch{Samples: all})
	f := allSamples()
	f.Series = []string{"cpu_usage_percent"}
	got, err := s.SampleEnvelope(t.Context(), "a", f, 5) // stretches of three samples
	if err != nil || len(got) != 4 {
		t.Fatalf("%v, %v", got, err)
	}
	f.ToUs = 300_000
	got, err = s.SampleEnvelope(t.Context(), "a", f, 3)
	if err != nil || len(got) != 2 || *got[0].CPUPercent != *all[1].CPUPercent || *got[1].CPUPercent != *all[2].CPUPercent {
		t.Errorf("%+v, %v", got, err)
	}
	f.ToUs = math.MaxInt64
	got, err = s.SampleEnvelope(t.Context(), "a", f, 4) // of 0 to 2 and 3 to 5
	if err != nil || len(got) != 4 || *got[2].CPUPercent != *all[4].CPUPercent {
		t.Errorf("%+v, %v", got, err)
	}
	mustAppend(t, s, "a", domain.Batch{Samples: []domain.Sample{{TUs: 9_000_000, LateMs: 1}, {TUs: 10_000_000, LateMs: 2, PowerW: ptr(5.0)}}})
	f = domain.SampleFilter{FromUs: 0, ToUs: math.MaxInt64}
	got, err = s.SampleEnvelope(t.Context(), "a", f, 7) // two of them have a stretch each, or one
	if err != nil {
		t.Fatal(err)
	}
	if last := got[len(got)-1]; last.PowerW == nil || *last.PowerW != 5 || got[len(got)-2].PowerW != nil {
		t.Errorf("%+v", got[len(got)-2:])
	}
}

func TestEnvelopeOfDamaged(t *testing.T) {
	s := openNew(t)
	mustCreate(t, s, newRun("a"))
	mustAppend(t, s, "a", domain.Batch{Samples: readings(0, 1800)})
	if _, err := s.Writer().Exec("UPDATE telemetry SET data = x'0102' WHERE chunk = 2 AND series = 16"); err != nil {
		t.Fatal(err)
	}
	f := allSamples()
	_, err := s.SampleEnvelope(t.Context(), "a", f, 100)
	if !errors.Is(err, column.ErrDamaged) || domain.KindOf(err) != domain.KindUnavailable {
		t.Errorf("%v", err)
	}
	for what, f := range map[string]domain.SampleFilter{
		"before": {FromUs: 0, ToUs: 59_900_000}, "after": {FromUs: 120_000_000, ToUs: math.MaxInt64},
		"another sensor": {FromUs: 0, ToUs: math.MaxInt64, Series: []string{"ram_usage_gb"}},
	} {
		if got, err := s.SampleEnvelope(t.Context(), "a", f, 100); err != nil || len(got) < 90 {
			t.Errorf("%s: %d samples, %v", what, len(got), err)
		}
	}
	if _, err := s.Writer().Exec("DELETE FROM telemetry WHERE chunk = 2 AND series = 1"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.SampleEnvelope(t.Context(), "a", domain.SampleFilter{FromUs: 0, ToUs: math.MaxInt64, Series: []string{"ram_usage_gb"}}, 100); !errors.Is(err, column.ErrDamaged) {
		t.Errorf("without the clock: %v", err)
	}
}
