//go:build acceptance

package acceptance

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"testing"
	"time"
)

// The goals; a test fails at three times as much only, for the machine may be busy.
const (
	startGoal = 300 * time.Millisecond
	idleGoal  = 40.0 // MB
	slack     = 3
)

func TestFootprint(t *testing.T) {
	p := newPlace(t)
	p.serve().stop(os.Interrupt) // the first start makes the database
	best := time.Hour
	var s *server
	for range 3 {
		if s != nil {
			s.stop(os.Interrupt)
		}
		begin := time.Now()
		s = p.serve()
		s.get(api + "/health").want(http.StatusOK)
		best = min(best, time.Since(begin))
	}
	<-time.After(5 * time.Second) // idle is what is measured
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	must(t, err)
	m := regexp.MustCompile(`VmRSS:\s+(\d+) kB`).FindSubmatch(b)
	kb, err := strconv.ParseFloat(string(m[1]), 64)
	must(t, err)
	mb := kb * 1024 / 1e6
	t.Logf("start to first answer %v (goal %v); idle %.1f MB (goal %.0f MB)", best, startGoal, mb, idleGoal)
	if best > slack*startGoal || mb > slack*idleGoal {
		t.Errorf("too much: %v, %.1f MB", best, mb)
	}
}
