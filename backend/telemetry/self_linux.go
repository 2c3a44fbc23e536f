package telemetry

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// lookEvery is how often the processes that draw the window are looked for. They come at its start, and
// the search is dearer than a whole sample.
const lookEvery = 5 * time.Second

// drawerName begins the names of the processes that draw the window: WebKitWebProcess and its kin.
const drawerName = "WebKit"

// selfProcess is this program: its own process, and those that draw its window. Without the latter
// the window's own painting would look like other programs at work.
type selfProcess struct {
	own     *procProcess
	proc    string // the folder /proc, or a recorded tree
	threads childLists
	cpuOf   func(pid int) (time.Duration, bool)
	drawers map[int]*drawer
	gone    time.Duration // of drawers that have ended
	next    time.Time     // of looking again
}

// drawer is one drawing process, counted from when it was first seen.
type drawer struct{ from, last time.Duration }

// newSelfSource watches this program.
func newSelfSource() (processSource, bool) {
	return newSelfProcess("/proc", func(pid int) (time.Duration, bool) { return clockTime(clockOf(pid)) }), true
}

func newSelfProcess(proc string, cpuOf func(pid int) (time.Duration, bool)) *selfProcess {
	return &selfProcess{own: &procProcess{clock: unix.CLOCK_PROCESS_CPUTIME_ID}, proc: proc, cpuOf: cpuOf,
		threads: childLists{tasks: filepath.Join(proc, "self", "task")}, drawers: map[int]*drawer{}}
}

func (s *selfProcess) cpuTime() (time.Duration, bool) {
	sum, ok := s.own.cpuTime()
	return sum + s.drawing(time.Now()), ok
}

// drawing is what the drawing processes have used since each was first seen. It never falls.
func (s *selfProcess) drawing(now time.Time) time.Duration {
	if !now.Before(s.next) {
		s.next = now.Add(lookEvery)
		s.look()
	}
	sum := s.gone
	for pid, d := range s.drawers {
		used, ok := s.cpuOf(pid)
		if !ok {
			s.gone += d.last - d.from
			delete(s.drawers, pid)
		} else {
			d.last = used
		}
		sum += d.last - d.from
	}
	return sum
}

// look finds children that draw.
func (s *selfProcess) look() {
	s.threads.refresh()
	for tid, l := range s.threads.lists {
		data, err := l.file.read()
		if err != nil { // the thread has ended; another one may have got its number
			s.threads.drop(tid)
			continue
		}
		for len(data) > 0 {
			pid, rest, ok := nextUint(data)
			if !ok {
				break
			}
			s.meet(int(pid)) // #nosec G115 -- pids fit
			data = rest
		}
	}
}

// meet begins to count a child if it is one that draws. A child is looked at each time: its name
// changes once it runs its own program.
func (s *selfProcess) meet(pid int) {
	if s.drawers[pid] != nil {
		return
	}
	name, err := os.ReadFile(filepath.Join(s.proc, strconv.Itoa(pid), "comm")) //nolint:gosec // below /proc, or a recorded tree in tests
	if err != nil || !strings.HasPrefix(string(name), drawerName) {
		return
	}
	if used, ok := s.cpuOf(pid); ok {
		s.drawers[pid] = &drawer{from: used, last: used}
	}
}

func (s *selfProcess) rss() (uint64, bool) { return s.own.rss() }

func (s *selfProcess) majorFaults() (uint64, bool) { return s.own.majorFaults() }

func (s *selfProcess) close() {
	s.own.close()
	s.threads.close()
}
