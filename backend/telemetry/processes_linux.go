package telemetry

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

// scanBudget bounds one scan of the processes, which is made while something is measured.
const scanBudget = 5 * time.Millisecond

// Processes lists the processes of this machine. A scan that does not get through in its budget goes
// on where it stopped the next time. It is used by one goroutine.
type Processes struct {
	proc string
	now  func() time.Time
	last int // pid that the scan before ended with; 0: it got through
	buf  [1024]byte
}

// NewProcesses prepares scanning; it opens nothing.
func NewProcesses() *Processes { return &Processes{proc: "/proc", now: time.Now} }

// Scan returns the processes that it got to, by pid; none where the system does not tell.
func (s *Processes) Scan() []domain.Process {
	end := s.now().Add(scanBudget)
	dir, err := os.Open(s.proc)
	if err != nil {
		return nil
	}
	names, err := dir.Readdirnames(-1)
	_ = dir.Close() // opened for reading: nothing can be lost
	if err != nil {
		return nil
	}
	pids := make([]int, 0, len(names))
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil && pid > s.last {
			pids = append(pids, pid)
		}
	}
	slices.Sort(pids)
	s.last = 0
	out := make([]domain.Process, 0, len(pids))
	for i, pid := range pids {
		if p, ok := s.read(pid); ok {
			out = append(out, p)
		}
		if i < len(pids)-1 && s.now().After(end) {
			s.last = pid
			break
		}
	}
	return out
}

func (s *Processes) read(pid int) (domain.Process, bool) {
	f, err := os.Open(filepath.Join(s.proc, strconv.Itoa(pid), "stat")) //nolint:gosec // below /proc, or a tree in tests
	if err != nil {
		return domain.Process{}, false // it has ended
	}
	n, err := f.Read(s.buf[:])
	_ = f.Close() // as above
	if err != nil {
		return domain.Process{}, false
	}
	return parseProcess(s.buf[:n])
}
