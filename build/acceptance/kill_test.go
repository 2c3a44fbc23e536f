//go:build acceptance

package acceptance

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

// long is a run that is still under way whenever it is killed.
func long() string { return body(`"max_tokens":64`, `"warmup":8`, `"stop":{"requests":100}`) }

func (s *server) awaitPhase(id domain.RunID, phase domain.Phase) {
	s.t.Helper()
	until(s.t, "the run is in "+string(phase), func() bool {
		p := s.job(id).Progress
		return p != nil && p.Phase == phase
	})
}

// serves tells the engine's server from a short look at its devices.
func (p process) serves() bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", p.pid))
	return err == nil && bytes.Contains(b, []byte("\x00--port\x00"))
}

// moments are those at which a run is killed; each waits for its own.
func moments() map[string]func(*server, domain.RunID) {
	return map[string]func(*server, domain.RunID){
		"loading": func(s *server, _ domain.RunID) {
			until(s.t, "the engine has started", func() bool { return slices.ContainsFunc(s.engines(), process.serves) })
		},
		"warming up": func(s *server, id domain.RunID) {
			until(s.t, "a warm-up has ended", func() bool { return len(s.requests(id)) > 0 })
		},
		"measuring": func(s *server, id domain.RunID) {
			until(s.t, "a measured request has ended", func() bool {
				rows := s.requests(id)
				return len(rows) > 0 && rows[len(rows)-1].Phase == domain.PhaseMeasure
			})
		},
	}
}

func TestKilledProgram(t *testing.T) {
	for name, await := range moments() {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			s := p.serve()
			r := s.start(long())
			await(s, r.ID)
			before := s.requests(r.ID)
			engines := s.engines() // while loading, what asks the engine for its devices too
			if len(engines) == 0 {
				t.Error("no engine runs")
			}
			s.stop(syscall.SIGKILL)
			gone(t, engines)
			s = p.serve()
			if left := s.engines(); len(left) != 0 {
				t.Errorf("engines run after the restart: %v", left)
			}
			now := s.job(r.ID)
			if now.Status != domain.StatusInterrupted || now.EndedAt == nil {
				t.Errorf("the run is %s, ended %v", now.Status, now.EndedAt)
			}
			if after := s.requests(r.ID); len(after) < len(before) {
				t.Errorf("%d finished requests are readable, %d were", len(after), len(before))
			}
			if n := s.get(jobPath(r.ID, "metrics")).want(http.StatusOK).total(); n == 0 && len(before) > 0 {
				t.Error("no sample is readable")
			}
			if r := s.finish(body(`"max_tokens":8`)); r.TokensGenerated == nil || *r.TokensGenerated != 8 {
				t.Errorf("the next run has %v tokens", r.TokensGenerated)
			}
		})
	}
}

func TestKilledEngine(t *testing.T) {
	s := newPlace(t).serve()
	for name, await := range moments() {
		r := s.start(long())
		await(s, r.ID)
		for _, e := range s.engines() {
			must(t, syscall.Kill(e.pid, syscall.SIGKILL))
		}
		until(t, "the run has ended", func() bool { return s.job(r.ID).Status.Ended() })
		if e := s.job(r.ID).Error; s.job(r.ID).Status != domain.StatusFailed || e == nil || e.Message == "" || (name != "loading" && strings.TrimSpace(e.LogTail) == "") {
			t.Errorf("killed while %s: the run is %s, error %+v", name, s.job(r.ID).Status, e)
		}
	}
	s.finish(body(`"max_tokens":8`))
}

func TestTerminatedProgram(t *testing.T) {
	p := newPlace(t)
	s := p.serve()
	r := s.start(long())
	s.awaitPhase(r.ID, domain.PhaseMeasure)
	engines := s.engines()
	took := s.stop(syscall.SIGTERM)
	t.Logf("SIGTERM in mid-run to the end: %v", took)
	if took > 10*time.Second || len(engines) != 1 {
		t.Errorf("it took %v; engines: %v", took, engines)
	}
	for _, e := range engines {
		if e.alive() {
			t.Errorf("the engine outlived the program")
		}
	}
	if code := s.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit %d: %s", code, s.stderr)
	}
	if now := p.serve().job(r.ID); !now.Status.Ended() || now.Status == domain.StatusCompleted {
		t.Errorf("the run is %s", now.Status)
	}
}

// TestQueueSurvives leaves a job queued over a restart; it needs a click or --resume to go on.
func TestQueueSurvives(t *testing.T) {
	p := newPlace(t)
	s := p.serve()
	first := s.start(long())
	queued := s.start(body(`"max_tokens":8`))
	s.awaitPhase(first.ID, domain.PhaseMeasure)
	s.stop(syscall.SIGTERM)
	s = p.serve()
	if now := s.job(queued.ID); now.Status != domain.StatusQueued {
		t.Fatalf("after a restart the queued job is %s", now.Status)
	}
	s.stop(syscall.SIGTERM)
	s = p.serveArgs(nil, "serve", "--addr", "127.0.0.1:0", "--resume")
	until(t, "the queued job has ended", func() bool { return s.job(queued.ID).Status.Ended() })
	if now := s.job(queued.ID); now.Status != domain.StatusCompleted {
		t.Errorf("resumed, the job is %s: %+v", now.Status, now.Error)
	}
}
