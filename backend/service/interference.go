package service

import (
	"cmp"
	"context"
	"os"
	"slices"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/stats"
)

const (
	contendedPct  = 5.0 // of the machine, by others, in the last second
	watchEvery    = time.Second
	scanEvery     = 2 * time.Second
	scanForget    = 10 * time.Second // an older reading of a process says nothing of now
	mostIntruders = 5
	leastIntruder = 2.0 // percent of a core
)

// intruders finds out which processes take the processor while a run is contended. One goroutine
// uses it.
type intruders struct {
	start   time.Time
	scanned time.Time // zero: never
	open    bool      // the last scan was the first of a contended stretch: another one has to close it
	seen    map[int]sighting
	taken   map[int]*intruder
}

// sighting is what a process had used when it was last seen.
type sighting struct {
	at     time.Time
	cpuS   float64
	parent int
}

// intruder is what a process took during contended stretches.
type intruder struct {
	domain.Interference
	cpuS, spanS float64
}

// watchOthers scans the processes while the run is contended, until stop, which waits and tells who
// took most. Without a way to scan there is nothing to tell.
func (s *Service) watchOthers(ctx context.Context, start time.Time) (stop func() []domain.Interference) {
	if s.d.Processes == nil {
		return func() []domain.Interference { return nil }
	}
	in := &intruders{start: start, seen: map[int]sighting{}, taken: map[int]*intruder{}}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(watchEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				s.lookForOthers(in)
			}
		}
	}()
	return func() []domain.Interference {
		cancel()
		<-done
		if in.open { // the run has ended, so that nothing is disturbed any more
			in.take(s.d.Now(), s.d.Processes())
		}
		return in.worst()
	}
}

// lookForOthers scans when the last second was contended, or to close a stretch that was.
func (s *Service) lookForOthers(in *intruders) {
	now := s.d.Now()
	if now.Sub(in.scanned) < scanEvery {
		return
	}
	recent := s.d.Sampler.History(watchEvery)
	others := stats.ForeignCPU(slices.DeleteFunc(recent, func(x domain.Sample) bool { return x.Phase != domain.PhaseMeasure }))
	if contended := others != nil && *others > contendedPct; !contended && !in.open {
		return
	}
	fresh := now.Sub(in.scanned) > scanForget
	in.scanned, in.open = now, fresh
	in.take(now, s.d.Processes())
}

// take counts what each process used since it was seen last.
func (in *intruders) take(now time.Time, processes []domain.Process) {
	before := make(map[int]sighting, len(processes))
	for _, p := range processes {
		if old, ok := in.seen[p.PID]; ok {
			before[p.PID] = old
		}
		in.seen[p.PID] = sighting{at: now, cpuS: p.CPUS, parent: p.Parent}
	}
	own := os.Getpid()
	for _, p := range processes {
		old, ok := before[p.PID]
		span := now.Sub(old.at)
		if used := p.CPUS - old.cpuS; ok && span <= scanForget && used > 0 && !in.descends(p.PID, own) {
			in.add(p, used, old.at, span)
		}
	}
}

func (in *intruders) add(p domain.Process, used float64, since time.Time, span time.Duration) {
	x := in.taken[p.PID]
	if x == nil {
		x = &intruder{Interference: domain.Interference{PID: p.PID, FromUs: since.Sub(in.start).Microseconds()}}
		in.taken[p.PID] = x
	}
	x.Process, x.ToUs = p.Name, (since.Add(span)).Sub(in.start).Microseconds()
	x.cpuS, x.spanS = x.cpuS+used, x.spanS+span.Seconds()
}

// descends reports whether a process is this program or comes from it: the engine does, and so do
// those that draw the window.
func (in *intruders) descends(pid, from int) bool {
	for range 64 { // a chain of parents that runs in a circle is none
		if pid == from {
			return true
		}
		p, ok := in.seen[pid]
		if !ok || pid <= 1 {
			return false
		}
		pid = p.parent
	}
	return false
}

// worst are those that took most, the worst first.
func (in *intruders) worst() []domain.Interference {
	var list []*intruder
	for _, x := range in.taken {
		if x.CPUPercent = 100 * x.cpuS / x.spanS; x.CPUPercent >= leastIntruder {
			list = append(list, x)
		}
	}
	slices.SortFunc(list, func(a, b *intruder) int {
		return cmp.Or(cmp.Compare(b.cpuS, a.cpuS), cmp.Compare(a.PID, b.PID))
	})
	out := make([]domain.Interference, 0, mostIntruders)
	for _, x := range list[:min(mostIntruders, len(list))] {
		out = append(out, x.Interference)
	}
	return out
}
