//go:build linux

package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/shirou/gopsutil/v3/process"
	"golang.org/x/sys/unix"

	"github.com/inferometer/inferometer/backend/bandwidth"
	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/telemetry"
)

const (
	watchFor = 15 * time.Second
	// burnFlag makes this program a child that is busy for so many percent of each tenth of a second.
	burnFlag = "burn"
	duty     = 35
	probes   = 5
)

// burn is busy for so many of each 100 ms until ctx ends.
func burn(ctx context.Context, percent int) {
	for ctx.Err() == nil {
		begin := time.Now()
		for time.Since(begin) < time.Duration(percent)*time.Millisecond {
		}
		if rest := 100*time.Millisecond - time.Since(begin); percent < 100 && rest > 0 {
			time.Sleep(rest)
		}
	}
}

// burner starts such a child, which ends at the latest after a minute.
func burner(ctx context.Context, percent int) (pid int, stop func(), err error) {
	self, err := os.Executable()
	if err != nil {
		return 0, nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	cmd := exec.CommandContext(ctx, self, "-"+burnFlag, strconv.Itoa(percent))
	if err := cmd.Start(); err != nil {
		cancel()
		return 0, nil, err
	}
	return cmd.Process.Pid, func() { cancel(); _ = cmd.Wait() }, nil
}

// watching runs a sampler of all sources for a while; during may look at each sample.
func watching(ctx context.Context, pid int, during func(domain.Sample)) domain.Telemetry {
	ctx, cancel := context.WithTimeout(ctx, watchFor)
	defer cancel()
	s := telemetry.New(telemetry.Options{})
	s.SetEnginePID(pid)
	s.Begin(time.Now(), during)
	_ = s.Run(ctx) // it ends with ctx, without an error
	return s.Stats()
}

// telemetryCost measures what ten readings a second of every source cost, beside a ticker that does
// nothing, how late they come on busy cores, how far the engine's processor use is off, and how
// steady the memory's bandwidth is measured.
func telemetryCost(ctx context.Context, _ *machine) ([]figure, error) {
	var ticker, sampler meter
	idleTicker(ctx, ticker.tick)
	watching(ctx, 0, func(domain.Sample) { sampler.tick() })
	out := []figure{
		most("sampler, all sources at 10 Hz, share of a core", "%.2f %%", 0.5, sampler.cpu()),
		most("an empty 10 Hz ticker, share of a core", "%.2f %%", told, ticker.cpu()),
		most("allocations a sample that is kept (its lists)", "%.1f", told, sampler.allocations()),
	}
	late, err := busyCores(ctx)
	if err != nil {
		return out, err
	}
	engine, err := engineError(ctx)
	if err != nil {
		return append(out, late...), err
	}
	spread, err := bandwidthSpread(ctx)
	return append(append(append(out, late...), engine...), spread...), err
}

// startUp is how many ticks pass before a meter begins: what a start costs is paid once.
const startUp = 20

// meter is what this process uses from its first tick after startUp to its last one.
type meter struct {
	ticks               int
	begun, ended        time.Time
	cpuBefore, cpuAfter time.Duration
	memBefore, memAfter runtime.MemStats
}

func (m *meter) tick() {
	switch m.ticks++; {
	case m.ticks == startUp:
		runtime.ReadMemStats(&m.memBefore)
		m.begun, m.cpuBefore = time.Now(), usedCPU()
	case m.ticks > startUp:
		m.ended, m.cpuAfter = time.Now(), usedCPU()
		if m.ticks == int(watchFor/(100*time.Millisecond))-startUp { // once: it stops the program for a moment
			runtime.ReadMemStats(&m.memAfter)
		}
	}
}

// cpu is the share of a core.
func (m *meter) cpu() float64 {
	return 100 * (m.cpuAfter - m.cpuBefore).Seconds() / m.ended.Sub(m.begun).Seconds()
}

// allocations is how many there were for each tick.
func (m *meter) allocations() float64 {
	return float64(m.memAfter.Mallocs-m.memBefore.Mallocs) / (float64(watchFor/(100*time.Millisecond)) - 2*startUp)
}

func usedCPU() time.Duration {
	var t unix.Timespec
	if unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &t) != nil {
		return 0
	}
	return time.Duration(t.Nano())
}

func idleTicker(ctx context.Context, each func()) {
	ctx, cancel := context.WithTimeout(ctx, watchFor)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			each()
		}
	}
}

// busyCores samples while as many processes as there are cores are busy all the time.
func busyCores(ctx context.Context) ([]figure, error) {
	for range runtime.NumCPU() {
		_, stop, err := burner(ctx, 100)
		if err != nil {
			return nil, err
		}
		defer stop()
	}
	t := watching(ctx, 0, func(domain.Sample) {})
	p99 := math.Inf(1)
	if t.LateP99Ms != nil {
		p99 = *t.LateP99Ms
	}
	return []figure{
		most("missed readings at 10 Hz, every core busy", "%.2f %%", 1, 100*float64(t.Missed)/float64(max(t.Ticks+t.Missed, 1))),
		most("lateness of the slowest hundredth, every core busy", "%.1f ms", 15, p99),
	}, nil
}

// engineError holds the sampler's figure of a process that is busy for part of the time against its
// processor clock, read beside each sample, and gopsutil's figure against the same.
func engineError(ctx context.Context) ([]figure, error) {
	pid, stop, err := burner(ctx, duty)
	if err != nil {
		return nil, err
	}
	defer stop()
	p, err := process.NewProcess(int32(pid))
	if err != nil {
		return nil, fmt.Errorf("watch a process: %w", err)
	}
	var mu sync.Mutex
	var ours, theirs []float64
	var at time.Time
	var exact, ticks float64
	watching(ctx, pid, func(s domain.Sample) {
		mu.Lock()
		defer mu.Unlock()
		now, used, seen := time.Now(), clockOf(pid), 0.0
		if times, err := p.Times(); err == nil {
			seen = times.User + times.System
		}
		if window := now.Sub(at).Seconds(); !at.IsZero() && window > .05 && s.EngineCPUPercent != nil {
			truth := 100 * (used - exact) / window
			ours = append(ours, math.Abs(*s.EngineCPUPercent-truth))
			theirs = append(theirs, math.Abs(100*(seen-ticks)/window-truth))
		}
		at, exact, ticks = now, used, seen
	})
	return []figure{
		most("engine's CPU error over 100 ms, median", "%.2f points", 0.5, quantile(ours, .5)),
		most("engine's CPU error over 100 ms, p95", "%.2f points", told, quantile(ours, .95)),
		most("the same by gopsutil, p95", "%.1f points", told, quantile(theirs, .95)),
	}, nil
}

// clockOf is the processor time of a process in seconds, by its own clock (see clock_getcpuclockid(3)).
func clockOf(pid int) float64 {
	var t unix.Timespec
	if unix.ClockGettime(int32((^pid)<<3|2), &t) != nil {
		return math.NaN()
	}
	return float64(t.Nano()) / 1e9
}

// quantile is the nearest rank of what is a number; infinite without any.
func quantile(values []float64, q float64) float64 {
	values = slices.DeleteFunc(slices.Clone(values), math.IsNaN)
	if len(values) == 0 {
		return math.Inf(1)
	}
	slices.Sort(values)
	return values[min(int(q*float64(len(values))), len(values)-1)]
}

// bandwidthSpread repeats the measurement of the memory's bandwidth.
func bandwidthSpread(ctx context.Context) ([]figure, error) {
	var got []float64
	for range probes {
		b, err := bandwidth.Read(ctx, 4<<30, max(1, runtime.NumCPU()/2), func(float64) {})
		if err != nil {
			return nil, fmt.Errorf("measure bandwidth: %w", err)
		}
		got = append(got, b.GBPerS)
	}
	middle := quantile(got, .5)
	return []figure{
		most("spread of five measurements of the bandwidth", "%.1f %%", 5, 100*(slices.Max(got)-slices.Min(got))/middle),
		most("bandwidth of reading, median", "%.1f GB/s", told, middle),
	}, nil
}
