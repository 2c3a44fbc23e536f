//go:build linux

package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/store"
)

const (
	sensorsKept   = 60
	hourOfSamples = 36_000    // at ten a second
	longSamples   = 1_000_000 // 28 hours
	chartPoints   = 2000
	readRounds    = 21
	samplesAtOnce = 100
)

// keptSamples measures what an hour of sixty sensors takes on disk, and how long a million of their values
// take to become a chart: thirty sensors of that hour, and one sensor of more than a day.
func keptSamples(ctx context.Context, m *machine) ([]figure, error) {
	dir, err := os.MkdirTemp(m.tmp, "samples")
	if err != nil {
		return nil, fmt.Errorf("make a folder: %w", err)
	}
	defer os.RemoveAll(dir)
	s, err := store.Open(ctx, filepath.Join(dir, "inferometer.db"))
	if err != nil {
		return nil, err
	}
	defer s.Close()
	empty, err := s.Compact(ctx, nil)
	if err != nil {
		return nil, err
	}
	before := cpuTime()
	if err := kept(ctx, s, "hour", hourOfSamples, newSensors().sample); err != nil {
		return nil, err
	}
	perSample := us(cpuTime()-before) / hourOfSamples
	full, err := s.Compact(ctx, nil)
	if err != nil {
		return nil, err
	}
	hour, sizes, err := charted(ctx, s, "hour", "gpus")
	if err != nil {
		return nil, err
	}
	if err := kept(ctx, s, "long", longSamples, newSensors().little); err != nil {
		return nil, err
	}
	day, _, err := charted(ctx, s, "long", "cpu_usage_percent")
	return []figure{
		most(fmt.Sprintf("an hour of %d sensors at 10 Hz on disk", sensorsKept), "%.2f MB", 4, float64(full.AfterBytes-empty.AfterBytes)/1e6),
		most("CPU of such a sample, from arrival to chunk", "%.0f µs", told, perSample),
		most("p50 of a million values of 30 sensors as a chart", "%.1f ms", 50, quantile(hour, .5)),
		most("p50 of a million values of one sensor as a chart", "%.1f ms", 50, quantile(day, .5)),
		most("samples of that chart", "%.0f", chartPoints, sizes),
	}, err
}

// kept stores so many samples of a run that ends, and folds what is left.
func kept(ctx context.Context, s *store.Store, id domain.RunID, n int, sample func(i int) domain.Sample) error {
	if err := s.CreateRun(ctx, domain.Run{ID: id, Status: domain.StatusCompleted, CreatedAt: firstResult()}); err != nil {
		return err
	}
	for i := 0; i < n; i += samplesAtOnce {
		var b domain.Batch
		for k := i; k < min(i+samplesAtOnce, n); k++ {
			b.Samples = append(b.Samples, sample(k))
		}
		if err := s.AppendRun(ctx, id, b); err != nil {
			return err
		}
	}
	for more := true; more; {
		var err error
		if more, err = s.FoldTelemetry(ctx); err != nil {
			return err
		}
	}
	return nil
}

// charted asks for a chart again and again: the times in ms, and how many samples it has.
func charted(ctx context.Context, s *store.Store, id domain.RunID, key string) (walls []float64, samples float64, err error) {
	f := domain.SampleFilter{FromUs: 0, ToUs: math.MaxInt64, Series: []string{key}}
	for range readRounds {
		begin := time.Now()
		ms, err := s.SampleEnvelope(ctx, id, f, chartPoints)
		if err != nil {
			return nil, 0, err
		}
		walls, samples = append(walls, us(time.Since(begin))/1e3), float64(len(ms))
	}
	return walls, samples, nil
}

// sensors plays a machine with eight cores and two GPUs under load, by the resolution that its sensors have:
// shares of ticks, pages, whole percents, mW, steps of a clock, and quotients of two clocks in ns.
type sensors struct {
	r     *rand.Rand
	pages float64 // of memory in use
	gpus  [2]struct{ use, milliwatts, temp, millijoules float64 }
}

func newSensors() *sensors { return &sensors{r: rand.New(rand.NewPCG(7, 7)), pages: 3e6} }

// shares of ticks that a few more or less of have passed.
func (s *sensors) ticks(mean, of int) *float64 {
	all := of + s.r.IntN(3) - 1
	return new(100 * float64(min(max(mean+s.r.IntN(9)-4, 0), all)) / float64(all))
}

// quotient of two times by a clock in ns.
func (s *sensors) quotient(mean float64) *float64 {
	return new(100 * math.Round(1e8*mean*(1+.05*s.r.NormFloat64())) / math.Round(1e8+5e4*s.r.NormFloat64()))
}

// seldom has a value now and then, and else 0.
func (s *sensors) seldom(share, most float64) *float64 {
	if s.r.Float64() > share {
		return new(0.0)
	}
	return new(most * s.r.Float64())
}

func (s *sensors) little(i int) domain.Sample {
	t := int64(i)*100_000 + s.r.Int64N(300)
	return domain.Sample{TUs: t, Timestamp: firstResult().Add(time.Duration(t) * time.Microsecond), Phase: domain.PhaseMeasure,
		CPUPercent: s.ticks(40, 160), LateMs: float64(s.r.IntN(200_000)) / 1e6}
}

func (s *sensors) sample(i int) domain.Sample {
	m := s.little(i)
	s.pages += math.Round(20 * s.r.NormFloat64())
	m.RAMUsedGB, m.SwapUsedGB, m.EngineRSSGB = new(s.pages*4096/1e9), new(0.0), new((s.pages-1e6)*4096/1e9)
	m.EngineCPUPercent, m.SelfCPUPercent = s.quotient(3.1), s.quotient(.004)
	for range 8 {
		m.CPUCores = append(m.CPUCores, *s.ticks(40, 100))
	}
	m.StealPercent, m.IOWaitPercent, m.CPUPressurePercent = s.ticks(0, 800), s.ticks(1, 800), s.quotient(.12)
	m.MemPressurePercent, m.IOPressurePercent, m.ThrottledPercent = new(0.0), s.seldom(.3, 4), new(0.0)
	m.DiskReadMBPS, m.DiskWriteMBPS, m.NetRxMBPS, m.NetTxMBPS = s.seldom(.05, 900), s.seldom(.3, 40), s.seldom(.1, 1), s.seldom(.1, 1)
	m.CPUClockMHz, m.CPUTempC, m.CPUEnergyJ = new(3000+math.Round(60*s.r.NormFloat64())), new(61+math.Round(s.r.NormFloat64())), new(float64(i)*8.5+math.Round(1e4*s.r.Float64())/1e6)
	var use, watts float64
	for k := range s.gpus {
		g := &s.gpus[k]
		g.use = min(max(g.use+math.Round(4*s.r.NormFloat64()), 60), 100)
		g.milliwatts = 280_000 + 600*g.use + math.Round(2500*s.r.NormFloat64())
		g.millijoules += math.Round(g.milliwatts / 10)
		g.temp = 66 + math.Round(.4*s.r.NormFloat64())
		use, watts = use+g.use/2, watts+g.milliwatts*(1/1e3)
		m.GPUs = append(m.GPUs, domain.GPUSample{Index: k, UtilPct: new(g.use), MemUtilPct: new(math.Round(g.use * .8)), VRAMUsedGB: new(41.5),
			PowerW: new(g.milliwatts / 1e3), TempC: new(g.temp), ClockMHz: new(1980 - 15*float64(s.r.IntN(4))), MemClockMHz: new(2619.0), FanPct: new(0.0),
			PowerNowW: new((g.milliwatts + math.Round(4000*s.r.NormFloat64())) / 1e3), EnergyJ: new(g.millijoules / 1e3),
			PCIeRxMBPS: s.seldom(.8, 40), PCIeTxMBPS: s.seldom(.8, 40), EngineUtilPct: new(g.use), EngineVRAMGB: new(41.25), LimitReasons: []string{"power_cap"}})
	}
	m.GPUPercent, m.VRAMUsedGB, m.PowerW, m.GPUTempC = &use, new(83.0), &watts, new(max(s.gpus[0].temp, s.gpus[1].temp))
	return m
}
