//go:build acceptance

package acceptance

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

// TestTruth compares the client's figure with the engine's own clock for the same run.
func TestTruth(t *testing.T) {
	p := newPlace(t)
	out := p.cli("run", "--quick", "--json").want(t, 0)
	var r domain.Run
	must(t, json.Unmarshal([]byte(out.out), &r))
	if n := strings.Count(strings.TrimSpace(out.out), "\n"); n != 0 || out.err == "" {
		t.Errorf("standard output has %d more lines than the body; standard error: %q", n, out.err)
	}
	client, server := *r.Summary.DecodeTokensPerSecond, *r.Summary.Server.DecodeTokensPerSecond
	off := math.Abs(client/server - 1)
	t.Logf("decode %.2f tokens/s, by the engine's own clock %.2f: %.2f %% off", client, server, 100*off)
	if off > 0.03 {
		t.Errorf("the client's figure is %.1f %% off the engine's", 100*off)
	}
	if r.Summary.Requests.OK != 5 || *r.TokensGenerated == 0 || r.Status != domain.StatusCompleted {
		t.Errorf("the quick check is %+v", r.Summary.Requests)
	}
}

func TestRunSummary(t *testing.T) {
	p := newPlace(t)
	out := p.cli("run", "--model", model, "--prompt", "Say hello.", "--max-tokens", "16", "--name", "Mine").want(t, 0)
	for _, words := range []string{"Mine", "completed", "Decode speed", "Time to first token", "Requests", "CPU", "RAM", "tok/s", "Validity"} {
		if !strings.Contains(out.out, words) {
			t.Errorf("the summary lacks %q:\n%s", words, out.out)
		}
	}
	for _, args := range [][]string{
		{"run", "--model", "gpt-9", "--prompt", "a"}, {"run", "--model", "gpt2", "--prompt", "a"}, {"run", "--prompt", "a"},
		{"run", "--model", model}, {"run", "--model", model, "--prompt", "a", "--load", "poisson:many"}, {"run", "--model", model, "--prompt", "a", "--temperature", "9"},
		{"run", "--model", model, "--prompt", "a", "--endpoint", "nowhere"},
	} {
		r := p.cli(args...)
		if r.code == 0 || r.out != "" || strings.TrimSpace(r.err) == "" || strings.Contains(r.err, "goroutine") {
			t.Errorf("%v: exit %d, out %q, err %q", args, r.code, r.out, r.err)
		}
	}
}

// TestInterruptedRun presses Ctrl-C in the middle of a run.
func TestInterruptedRun(t *testing.T) {
	p := newPlace(t)
	c := p.command(nil, "run", "--model", model, "--prompt", "Tell a long story.", "--max-tokens", "64", "--requests", "200", "--json")
	errs, err := c.StderrPipe()
	must(t, err)
	var out bytes.Buffer
	c.Stdout = &out
	must(t, c.Start())
	in := bufio.NewScanner(errs)
	for in.Scan() && !strings.HasPrefix(in.Text(), "measure") {
	}
	alive := (&server{place: p, cmd: c}).engines()
	begin := time.Now()
	must(t, c.Process.Signal(os.Interrupt))
	_, _ = io.Copy(io.Discard, errs) // to its end, so that nothing blocks
	_ = c.Wait()                     // the state is read below
	t.Logf("Ctrl-C to the end: %v", time.Since(begin))
	if c.ProcessState.ExitCode() <= 0 || time.Since(begin) > 10*time.Second || len(alive) != 1 {
		t.Errorf("exit %d after %v, engines %v", c.ProcessState.ExitCode(), time.Since(begin), alive)
	}
	gone(t, alive)
	var r domain.Run
	must(t, json.Unmarshal(out.Bytes(), &r))
	if r.Status != domain.StatusCanceled || r.Environment == nil {
		t.Errorf("the run is %s", r.Status)
	}
}
