package service

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

const (
	probeWait    = time.Second // the machine is watched so long before its memory is read
	busyLimitPct = 10.0        // of the machine, by others
)

// MeasureBandwidth reads memory as fast as so many threads can and remembers the figure for this
// machine. It is refused where it would disturb a benchmark or be disturbed; while it runs, queued
// benchmarks wait.
func (s *Service) MeasureBandwidth(ctx context.Context, r domain.BandwidthRequest) (domain.Bandwidth, error) {
	sys := s.d.Sampler.System()
	threads := or(r.Threads, engineThreads(sys))
	if threads < 1 || threads > max(1, sys.CPUThreads) {
		return domain.Bandwidth{}, domain.Invalid("body.threads", fmt.Sprintf("must be 1–%d on this machine", max(1, sys.CPUThreads)))
	}
	if err := s.beginProbe(); err != nil {
		return domain.Bandwidth{}, err
	}
	defer s.endProbe()
	if err := s.settleHistory(ctx); err != nil {
		return domain.Bandwidth{}, err
	}
	recent := s.d.Sampler.History(preflightWindow)
	if err := busyMachine(recent); err != nil {
		return domain.Bandwidth{}, err
	}
	free := sys.RAMTotalGB
	if used := meanOf(recent, func(x domain.Sample) *float64 { return x.RAMUsedGB }); used != nil {
		free -= *used
	}
	begun := s.d.Now()
	note := func(share float64) {
		s.d.Hub.Publish(domain.EventBandwidth, domain.BandwidthEvent{Fraction: share, Note: "Reading memory"})
	}
	note(0)
	b, err := s.d.ReadMemory(ctx, int64(free*1e9), threads, note)
	if err != nil {
		return domain.Bandwidth{}, fmt.Errorf("measure memory bandwidth: %w", err)
	}
	b.MeasuredAt = s.d.Now().UTC()
	if err := busyMachine(s.d.Sampler.History(b.MeasuredAt.Sub(begun))); err != nil {
		return domain.Bandwidth{}, err
	}
	text, err := json.Marshal(b)
	if err == nil {
		err = s.d.Store.SetKV(ctx, bandwidthKey(machineOf(sys), threads), string(text))
	}
	if err != nil {
		return domain.Bandwidth{}, fmt.Errorf("keep memory bandwidth: %w", err)
	}
	return b, nil
}

// settleHistory waits until the sampler has readings that tell whether the machine is busy: a program
// that has just started has none yet.
func (s *Service) settleHistory(ctx context.Context) error {
	if h := s.d.Sampler.History(preflightWindow); len(h) > 1 && h[len(h)-1].Timestamp.Sub(h[0].Timestamp) >= probeWait/2 {
		return nil
	}
	select {
	case <-time.After(probeWait):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// others is what other programs used of the machine in the last second. The reading of the whole
// machine is over that second, that of this program over the time since the reading before; so the
// latter are averaged over the same second.
func others(recent []domain.Sample) *float64 {
	if len(recent) == 0 {
		return nil
	}
	last := recent[len(recent)-1]
	own := meanOf(recent, func(x domain.Sample) *float64 {
		if last.Timestamp.Sub(x.Timestamp) >= time.Second {
			return nil
		}
		return new(or(x.EngineCPUPercent, 0) + or(x.SelfCPUPercent, 0))
	})
	if last.CPUPercent == nil || len(last.CPUCores) == 0 {
		return last.CPUPercent
	}
	return new(max(*last.CPUPercent-*own/float64(len(last.CPUCores)), 0))
}

// busyMachine refuses a figure that others would make too low.
func busyMachine(recent []domain.Sample) error {
	busy := others(recent)
	if busy == nil || *busy <= busyLimitPct {
		return nil
	}
	return &domain.Error{Kind: domain.KindConflict,
		Msg:  fmt.Sprintf("Other programs use %.0f %% of the processor; the figure would be too low.", *busy),
		Hint: "Close them, or wait until they are done, and measure again."}
}

// beginProbe keeps benchmarks from starting; endProbe lets them.
func (s *Service) beginProbe() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.probing:
		return &domain.Error{Kind: domain.KindConflict, Msg: "The memory bandwidth is being measured already.", Hint: "Wait a few seconds."}
	case s.busy() || len(s.queue)+len(s.quality.queue) > 0:
		return &domain.Error{Kind: domain.KindConflict, Msg: "The memory bandwidth cannot be measured while a benchmark runs.",
			Hint: "Wait for it to end, or cancel it."}
	}
	s.probing = true
	s.giveWay()
	return nil
}

func (s *Service) endProbe() {
	s.mu.Lock()
	s.probing = false
	s.mu.Unlock()
	s.nudge()
}

// engineThreads is how many threads the embedded engine decodes with.
func engineThreads(sys domain.System) int { return max(1, sys.CPUCores-1) }

// machine is what a figure of the memory belongs to: unlike the environment of a run it knows no
// engine, so that a new build of the engine does not ask for a new measurement.
type machine struct {
	Arch, CPU, Virtual string
	Threads            int
	RAMGB              float64
}

func machineOf(sys domain.System) machine {
	return machine{sys.Arch, sys.CPUModel, sys.Virtual, sys.CPUThreads, math.Round(sys.RAMTotalGB)}
}

func bandwidthKey(m machine, threads int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%+v", m))
	return "bandwidth/" + hex.EncodeToString(sum[:8]) + "/" + strconv.Itoa(threads)
}

// bandwidth is the figure that was measured with so many threads; nil before.
func (s *Service) bandwidth(ctx context.Context, m machine, threads int) *domain.Bandwidth {
	text, ok, err := s.d.Store.GetKV(ctx, bandwidthKey(m, threads))
	var b domain.Bandwidth
	if err == nil && ok {
		err = json.Unmarshal([]byte(text), &b)
	}
	if err != nil {
		s.d.Log.Warn("Cannot read the memory bandwidth", "error", err)
	}
	if err != nil || !ok {
		return nil
	}
	return &b
}

// lateBandwidth fills in a figure that was measured after a run on this machine.
func (s *Service) lateBandwidth(ctx context.Context, r *domain.Run) {
	e, sys := r.Environment, s.d.Sampler.System()
	if e == nil || e.Bandwidth != nil || r.Plan.EndpointID != nil {
		return
	}
	then := machine{e.Arch, e.CPUModel, e.Virtual, e.CPUThreads, math.Round(e.RAMTotalGB)}
	if then != machineOf(sys) {
		return
	}
	with := *e // the stored run keeps what was known then
	with.Bandwidth = s.bandwidth(ctx, then, e.Engine.Threads)
	r.Environment = &with
}

// withPeaks adds to each GPU what its memory can deliver at most.
func withPeaks(gpus []domain.GPUInfo) []domain.GPUInfo {
	out := slices.Clone(gpus)
	for i := range out {
		out[i].MemPeakGBPerS = out[i].TheoreticalPeak()
	}
	return out
}
