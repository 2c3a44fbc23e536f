//go:build acceptance

package acceptance

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

// wait lets real time pass.
func wait(d time.Duration) { <-time.After(d) }

// TestHungEngine stops the engine's process in mid-run: the program answers on, and a cancel ends the run
// within seconds, with what was measured, and leaves no process.
func TestHungEngine(t *testing.T) {
	s := newPlace(t).serve()
	r := s.start(long())
	moments()["measuring"](s, r.ID)
	engines := s.engines()
	for _, e := range engines {
		must(t, syscall.Kill(e.pid, syscall.SIGSTOP))
	}
	measured := len(s.requests(r.ID))
	wait(time.Second)
	if now := s.job(r.ID); now.Status != domain.StatusRunning {
		t.Errorf("the run is %s", now.Status)
	}
	begin := time.Now()
	s.post(jobPath(r.ID, "cancel"), "").want(http.StatusOK)
	until(t, "the run has ended", func() bool { return s.job(r.ID).Status.Ended() })
	t.Logf("canceled over a hung engine in %v", time.Since(begin))
	if now := s.job(r.ID); now.Status != domain.StatusCanceled || len(s.requests(r.ID)) < measured {
		t.Errorf("the run is %s with %d of %d requests", now.Status, len(s.requests(r.ID)), measured)
	}
	gone(t, engines)
	s.finish(body(`"max_tokens":8`))
}

// TestSleepAndResume stops the whole program in mid-run, as a machine that sleeps does: the run goes on
// afterwards, counts the time, and says that its readings have a hole.
func TestSleepAndResume(t *testing.T) {
	const asleep = 3 * time.Second
	far := newRemote(t)
	s := newPlace(t).serve()
	r := s.start(`{` + far.add(s) + `,"prompt":"x","max_tokens":8,"warmup":0,"stop":{"requests":300}}`)
	until(t, "some requests have ended", func() bool { return len(s.requests(r.ID)) > 20 })
	must(t, s.cmd.Process.Signal(syscall.SIGSTOP))
	wait(asleep)
	must(t, s.cmd.Process.Signal(syscall.SIGCONT))
	until(t, "the run has ended", func() bool { return s.job(r.ID).Status.Ended() })
	now := s.job(r.ID)
	if now.Status != domain.StatusCompleted || now.Summary.Requests.OK != 300 {
		t.Fatalf("the run is %s, %+v", now.Status, now.Error)
	}
	if now.DurationS == nil || *now.DurationS < asleep.Seconds() {
		t.Errorf("the run took %v s, %v of them asleep", now.DurationS, asleep)
	}
	i := slices.IndexFunc(now.Validity.Checks, func(c domain.Check) bool { return c.Code == "telemetry" })
	if i < 0 || now.Validity.Checks[i].State != "caution" {
		t.Errorf("nothing says that the readings have a hole: %+v", now.Validity)
	}
}

// TestReadOnlyDataFolder runs the program as a user who may not write there.
func TestReadOnlyDataFolder(t *testing.T) {
	const nobody = 65534
	p := newPlace(t)
	must(t, os.Mkdir(p.data, 0o500))
	c := p.command(nil, "serve", "--addr", "127.0.0.1:0")
	if os.Geteuid() == 0 { // no mode of a folder holds the administrator back
		program := filepath.Join(p.cwd, "inferometer")
		text, err := os.ReadFile(binary(t))
		must(t, err)
		must(t, os.WriteFile(program, text, 0o755)) //nolint:gosec // another user has to run it
		for dir := p.cwd; strings.HasPrefix(dir, os.TempDir()+"/"); dir = filepath.Dir(dir) {
			must(t, os.Chmod(dir, 0o755)) //nolint:gosec // as above
		}
		c.Path, c.Args[0] = program, program
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		for dir := filepath.Dir(p.data); strings.HasPrefix(dir, os.TempDir()+"/"); dir = filepath.Dir(dir) {
			must(t, os.Chmod(dir, 0o755)) //nolint:gosec // as above
		}
		must(t, os.Chown(p.data, nobody, nobody))
	}
	out, err := c.CombinedOutput()
	if c.ProcessState.ExitCode() != 1 || !strings.Contains(string(out), "cannot be written") || !strings.Contains(string(out), "--data-dir") {
		t.Errorf("%v: %s", err, out)
	}
}

// TestDamagedDatabase cuts the database of the finished program in half: it starts all the same, from its backup.
func TestDamagedDatabase(t *testing.T) {
	p := newPlace(t)
	far := newRemote(t)
	s := p.serve()
	run := s.finish(`{` + far.add(s) + `,"prompt":"x","max_tokens":8,"warmup":0}`)
	s.post(api+"/storage/backups", "").want(http.StatusCreated)
	s.stop(syscall.SIGTERM)
	db := filepath.Join(p.data, "inferometer.db")
	fi, err := os.Stat(db)
	must(t, err)
	must(t, os.Truncate(db, fi.Size()/2))
	s = p.serve()
	state := decode[domain.System](s.get(api + "/system").want(http.StatusOK)).App.Database
	if state.Recovery == nil || state.Recovery.RestoredFrom == "" || s.job(run.ID).Status != domain.StatusCompleted {
		t.Fatalf("%+v", state)
	}
	aside, err := os.Stat(filepath.Join(p.data, state.Recovery.Quarantined))
	must(t, err)
	if aside.Size() != fi.Size()/2 {
		t.Errorf("%d bytes of %d were set aside", aside.Size(), fi.Size()/2)
	}
	s.stop(syscall.SIGTERM)
	if !strings.Contains(s.stderr.String(), fmt.Sprint("The backup ", state.Recovery.RestoredFrom, " took its place.")) {
		t.Errorf("it says %q", s.stderr)
	}
}
