//go:build acceptance

package acceptance

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

// These tests spoil runs of the finished program on purpose and read back what it says of them.

// check is what a run says under a code.
func check(t *testing.T, r domain.Run, code string) domain.Check {
	t.Helper()
	for _, c := range r.Validity.Checks {
		if c.Code == code {
			return c
		}
	}
	t.Fatalf("there is no check %s in %+v", code, r.Validity)
	return domain.Check{}
}

// wantFlag holds that a check is not in order and shows what was seen beside its limit.
func wantFlag(t *testing.T, r domain.Run, code string) domain.Check {
	t.Helper()
	c := check(t, r, code)
	if c.State != "caution" && c.State != "invalid" || c.Value == nil || c.Limit == nil || *c.Value <= *c.Limit || c.Detail == "" {
		t.Errorf("%s: %+v", code, c)
	}
	if r.Validity.Verdict == "valid" {
		t.Errorf("%s does not colour the run: %s", code, r.Validity.Verdict)
	}
	return c
}

func warningOf(r domain.Run, code string) (message string, ok bool) {
	for _, w := range r.Warnings {
		if w.Code == code {
			return w.Message, true
		}
	}
	return "", false
}

// burner is a program of another name that uses a whole core until the test ends.
func burner(t *testing.T) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "cpuburner")
	must(t, os.WriteFile(path, []byte("#!/bin/sh\nwhile :; do :; done\n"), 0o700)) //nolint:gosec // it is to be run
	c := exec.CommandContext(t.Context(), path)
	must(t, c.Start())
	t.Cleanup(func() {
		_ = c.Process.Kill() // it may have been ended with the test
		_ = c.Wait()         // killed, as wanted
	})
}

// TestForeignWorkIsFoundAndNamed burns a core from before a run of the embedded engine until its end.
func TestForeignWorkIsFoundAndNamed(t *testing.T) {
	s := newPlace(t).serve()
	burner(t)
	until(t, "the burner was seen for three seconds", func() bool {
		samples := decode[[]domain.Sample](s.get(api + "/system/telemetry?last=5s").want(http.StatusOK))
		return len(samples) > 0 && samples[len(samples)-1].Timestamp.Sub(samples[0].Timestamp) > 4*time.Second
	})
	r := s.finish(body(`"max_tokens":64`, `"stop":{"duration_s":5}`, `"warmup":0`))
	wantFlag(t, r, "contended")
	wantFlag(t, r, "busy_before")
	named := slices.ContainsFunc(r.Validity.Interference, func(x domain.Interference) bool {
		return x.Process == "cpuburner" && x.CPUPercent > 20
	})
	if message, ok := warningOf(r, "contended"); !named || !ok || !strings.Contains(message, "cpuburner") {
		t.Errorf("the culprit is not named: %+v, %q", r.Validity.Interference, message)
	}
}

// scripted is an endpoint whose answers are made by one function: it gets the number of the request and
// says how long one token takes, how many there are, why they end and how much of the prompt was cached.
func scripted(t *testing.T, script func(n int) (gap time.Duration, tokens int, finish string, cached int)) *remote {
	t.Helper()
	var count atomic.Int64
	r := &remote{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if !strings.HasSuffix(req.URL.Path, "/chat/completions") {
			r.answer(w, req)
			return
		}
		gap, tokens, finish, cached := script(int(count.Add(1)))
		w.Header().Set("Content-Type", "text/event-stream")
		tick := time.NewTicker(gap)
		defer tick.Stop()
		for range tokens {
			<-tick.C
			fmt.Fprint(w, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"word \"}}]}\n\n")
			w.(http.Flusher).Flush()
		}
		fmt.Fprintf(w, "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":%q}]}\n\n"+
			"data: {\"choices\":[],\"usage\":{\"prompt_tokens\":200,\"completion_tokens\":%d,\"prompt_tokens_details\":{\"cached_tokens\":%d}}}\n\ndata: [DONE]\n\n",
			finish, tokens, cached)
	}))
	t.Cleanup(r.Close)
	return r
}

// TestServersThatSpoilARun has an endpoint answer from its cache, stop early and slow down.
func TestServersThatSpoilARun(t *testing.T) {
	const whole = 8
	s := newPlace(t).serve()
	run := func(t *testing.T, r *remote, requests int) domain.Run {
		return s.finish(fmt.Sprintf(`{%s,"prompt":"a","max_tokens":%d,"stop":{"requests":%d},"warmup":0}`, r.add(s), whole, requests))
	}
	t.Run("cached prompt", func(t *testing.T) {
		r := run(t, scripted(t, func(int) (time.Duration, int, string, int) { return time.Millisecond, whole, "length", 150 }), 10)
		if message, ok := warningOf(r, "prompt_cache_hit"); !ok || !strings.Contains(message, "75 %") {
			t.Errorf("the cache was not noticed: %+v", r.Warnings)
		}
		wantFlag(t, r, "prompt_cache")
	})
	t.Run("early stop", func(t *testing.T) {
		r := run(t, scripted(t, func(n int) (time.Duration, int, string, int) {
			if n%2 == 0 {
				return time.Millisecond, 3, "stop", 0
			}
			return time.Millisecond, whole, "length", 0
		}), 10)
		if message, ok := warningOf(r, "length_shortfall"); !ok || !strings.Contains(message, "5 of 10") {
			t.Errorf("the early stop was not noticed: %+v", r.Warnings)
		}
	})
	t.Run("slow-down", func(t *testing.T) {
		r := run(t, scripted(t, func(n int) (time.Duration, int, string, int) {
			return time.Duration(4+n/4) * time.Millisecond, whole, "length", 0
		}), 60)
		wantFlag(t, r, "unstable")
	})
	t.Run("none of it", func(t *testing.T) {
		r := run(t, scripted(t, func(int) (time.Duration, int, string, int) { return 5 * time.Millisecond, whole, "length", 0 }), 30)
		for _, code := range []string{"prompt_cache_hit", "length_shortfall"} {
			if message, ok := warningOf(r, code); ok {
				t.Errorf("%s without a cause: %s", code, message)
			}
		}
	})
}

// TestQuotaHoldsTheEngineBack starts the program in a control group that grants half a core. Where the
// system gives no control group, the reading is held by the fixtures of the telemetry alone.
func TestQuotaHoldsTheEngineBack(t *testing.T) {
	group, ok := halfACore(t)
	if !ok {
		t.Log("this system gives the tests no control group of their own")
		return
	}
	p := newPlace(t)
	p.group = group
	s := p.serve()
	r := s.finish(body(`"max_tokens":64`, `"stop":{"duration_s":3}`, `"warmup":0`))
	wantFlag(t, r, "quota")
	if q := r.Environment.Extra["cgroup_cpus"]; q != "0.50" {
		t.Errorf("the environment says a quota of %q", q)
	}
}

// halfACore makes a control group of its own, of either version.
func halfACore(t *testing.T) (group string, ok bool) {
	t.Helper()
	for _, c := range []struct{ root, file, limit, period string }{
		{"/sys/fs/cgroup", "cpu.max", "50000 100000", ""},
		{"/sys/fs/cgroup/cpu", "cpu.cfs_quota_us", "50000", "100000"},
	} {
		dir := filepath.Join(c.root, fmt.Sprintf("inferometer-test-%d", os.Getpid()))
		if os.Mkdir(dir, 0o755) != nil { //nolint:gosec // the kernel's own tree
			continue
		}
		t.Cleanup(func() { until(t, "the control group is empty", func() bool { return os.Remove(dir) == nil }) })
		if c.period != "" {
			_ = os.WriteFile(filepath.Join(dir, "cpu.cfs_period_us"), []byte(c.period), 0o600) // it is the default
		}
		if _, err := os.Stat(filepath.Join(dir, c.file)); err == nil && os.WriteFile(filepath.Join(dir, c.file), []byte(c.limit), 0o600) == nil {
			return dir, true
		}
	}
	return "", false
}
