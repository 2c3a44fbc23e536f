package llama_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine"
	"github.com/inferometer/inferometer/backend/engine/enginetest"
	"github.com/inferometer/inferometer/backend/engine/llama"
)

func testSpec() domain.EngineSpec {
	return domain.EngineSpec{
		Model: domain.Model{ID: "x", Path: "/home/someone/models/x.gguf", SHA256: "abc"}, Slots: 8, Context: 256,
	}
}

// newFake returns an engine whose binary is a fake that does the given things.
func newFake(t *testing.T, does string, change ...func(*llama.Options)) *llama.Engine {
	t.Helper()
	o := llama.Options{Binary: os.Args[0], SHA256: "def", Source: "test", StateDir: t.TempDir(), Env: []string{roleVar + "=serve," + does}}
	for _, c := range change {
		c(&o)
	}
	e := llama.New(o)
	t.Cleanup(func() {
		if err := e.Close(context.Background()); err != nil {
			t.Errorf("Close: %v", err)
		}
		if left, _ := filepath.Glob(filepath.Join(o.StateDir, "*")); len(left) != 0 {
			t.Errorf("notes left: %v", left)
		}
	})
	return e
}

func prepare(t *testing.T, e *llama.Engine) domain.EngineInfo {
	t.Helper()
	info, err := e.Prepare(t.Context(), testSpec())
	if err != nil {
		t.Fatalf("Prepare: %v\n%s", err, strings.Join(e.LogTail(), "\n"))
	}
	return info
}

// alive reports whether a process exists and is not just waiting to be collected.
func alive(pid int) bool {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	text := string(raw)
	rest := strings.Fields(text[strings.LastIndex(text, ")")+1:])
	return rest[0] != "Z" && rest[0] != "X"
}

// eventually polls until the condition holds, at most ten seconds.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(10 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not within ten seconds: %s", what)
		}
	}
}

func TestSuite(t *testing.T) {
	t.Parallel()
	enginetest.Suite(t, enginetest.Subject{
		New:  func(t *testing.T) engine.Engine { return newFake(t, "") },
		Spec: testSpec(), Good: "m", Status: "mstatus-500", MidError: "merror-event", NoEnd: "mno-end",
	})
}

func TestPrepareInfo(t *testing.T) {
	t.Parallel()
	var notes []string
	e := newFake(t, "")
	s := testSpec()
	s.UseGPU = true
	s.Progress = func(note string, _ *float64) { notes = append(notes, note) }
	if e.State() != llama.StateStopped || e.PID() != 0 || e.Port() != 0 {
		t.Errorf("before: %s, %d, %d", e.State(), e.PID(), e.Port())
	}
	info, err := e.Prepare(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if e.State() != llama.StateReady || e.PID() != info.PID || e.Port() == 0 {
		t.Errorf("after: %s, %d, %d", e.State(), e.PID(), e.Port())
	}
	if info.Kind != "llama-server" || info.Build != "b1-fake" || info.Slots != 8 || info.ContextTokens != 256 || info.Threads < 1 ||
		info.BinarySHA256 != "def" || info.ModelSHA256 != "abc" || !info.CacheOff || !info.ExactLength || info.Source != "test" {
		t.Errorf("info = %+v", info)
	}
	if info.LoadMs == nil || *info.LoadMs < float64(slowLoad.Milliseconds()) {
		t.Errorf("load = %v ms, the fake takes %v", info.LoadMs, slowLoad)
	}
	if info.GPUUsed == nil || *info.GPUUsed || info.GPUReason != "this engine build has no usable GPU device" {
		t.Errorf("GPU used = %v, %q", info.GPUUsed, info.GPUReason)
	}
	if !slices.Contains(notes, "Loading the model") || notes[len(notes)-1] != "Ready" {
		t.Errorf("notes = %v", notes)
	}
	args := strings.Join(info.Args, " ")
	if !strings.HasPrefix(args, "-m x.gguf --host 127.0.0.1 -t ") || strings.Contains(args, "someone") ||
		!strings.Contains(args, "-c 2048 -np 8 -ngl 0 -dev none --metrics --cache-ram 0 --no-ui --offline --port ") {
		t.Errorf("args = %s", args)
	}
	key := ""
	env, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", info.PID))
	if err != nil {
		t.Fatal(err)
	}
	for _, kv := range strings.Split(string(env), "\x00") {
		if v, ok := strings.CutPrefix(kv, "LLAMA_API_KEY="); ok {
			key = v
		}
	}
	command, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", info.PID))
	if err != nil || len(key) < 32 || strings.Contains(string(command), key) || strings.Contains(strings.Join(e.LogTail(), "\n"), key) {
		t.Errorf("the key (%d characters) is in the command line or the log: %v", len(key), err)
	}
	if !slices.Contains(e.LogTail(), "key: ***") {
		t.Errorf("log = %v", e.LogTail())
	}
}

func TestGPUReadBack(t *testing.T) {
	t.Parallel()
	e := newFake(t, "gpu")
	s := testSpec()
	s.UseGPU, s.GPU = true, new(0)
	info, err := e.Prepare(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if info.GPULayers == nil || *info.GPULayers != 31 || *info.Layers != 31 {
		t.Errorf("layers %v of %v", info.GPULayers, info.Layers)
	}
	if info.GPUUsed == nil || !*info.GPUUsed || !strings.Contains(strings.Join(info.Args, " "), "-ngl 999 -dev Fake0 -lv 4") {
		t.Errorf("GPU used = %v, %q, args %v", info.GPUUsed, info.GPUReason, info.Args)
	}
}

func TestTimings(t *testing.T) {
	t.Parallel()
	e := newFake(t, "")
	prepare(t, e)
	g := enginetest.Generate(t.Context(), e, enginetest.Request("m", 5))
	enginetest.CheckGood(t, g, 5)
	if want := (domain.ServerTimings{PromptTokens: 7, PromptMs: 12.5, PredictedTokens: 5, PredictedMs: 34.25}); g.Usage.Server == nil || *g.Usage.Server != want {
		t.Errorf("timings = %+v, want %+v", g.Usage.Server, want)
	}
}

func TestPrepareOtherSpecRestarts(t *testing.T) {
	t.Parallel()
	e := newFake(t, "")
	first := prepare(t, e)
	s := testSpec()
	s.Slots = 2
	info, err := e.Prepare(t.Context(), s)
	if err != nil || info.PID == first.PID || alive(first.PID) || !alive(info.PID) {
		t.Errorf("second child %d, first %d: %v", info.PID, first.PID, err)
	}
}

func TestCrashWhileGenerating(t *testing.T) {
	t.Parallel()
	e := newFake(t, "")
	info := prepare(t, e)
	g := enginetest.Generate(t.Context(), e, enginetest.Request("mcrash", 8))
	failed := enginetest.CheckFailed(t, g, domain.ErrClassEngine)
	var cause *domain.Error
	if !errors.As(failed, &cause) || cause.Kind != domain.KindEngineFailed || !strings.Contains(cause.Msg, "exited (code 42)") ||
		!strings.Contains(cause.LogTail, "out of memory") || !strings.Contains(cause.Hint, "memory") {
		t.Errorf("cause = %+v", cause)
	}
	if len(g.Content()) != 4 {
		t.Errorf("%d chunks before the crash, want 4", len(g.Content()))
	}
	if e.State() != llama.StateFailed || e.PID() != 0 || alive(info.PID) {
		t.Errorf("state %s, pid %d", e.State(), e.PID())
	}
	// Requests after the crash say the same, and Prepare starts anew.
	enginetest.CheckFailed(t, enginetest.Generate(t.Context(), e, enginetest.Request("m", 1)), domain.ErrClassEngine)
	prepare(t, e)
	enginetest.CheckGood(t, enginetest.Generate(t.Context(), e, enginetest.Request("m", 2)), 2)
}

func TestStartFailures(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		does, says, hint, tail string
		kind                   domain.Kind
		change                 func(*llama.Options)
	}{
		"crash":     {"crash-start", "exited (code 3)", "not enough memory", "failed to allocate", domain.KindEngineFailed, nil},
		"illegal":   {"illegal", "illegal instruction", "CPU instructions", "", domain.KindEngineFailed, nil},
		"no binary": {"", "cannot be run", "Reinstall", "", domain.KindEngineFailed, func(o *llama.Options) { o.Binary = "/nowhere/llama-server" }},
		"not ready": {"never-ready", "not ready after 1s", "overloaded", "args:", domain.KindTimeout, func(o *llama.Options) { o.StartTimeout = time.Second }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newFake(t, c.does, func(o *llama.Options) {
				if c.change != nil {
					c.change(o)
				}
			})
			_, err := e.Prepare(t.Context(), testSpec())
			var failed *domain.Error
			if !errors.As(err, &failed) || failed.Kind != c.kind || !strings.Contains(failed.Msg, c.says) ||
				!strings.Contains(failed.Hint, c.hint) || !strings.Contains(failed.LogTail, c.tail) {
				t.Errorf("error = %+v", failed)
			}
			if e.PID() != 0 {
				t.Errorf("a child is left: %d", e.PID())
			}
		})
	}
}

func TestCancelAndCloseWhileLoading(t *testing.T) {
	t.Parallel()
	for name, breakOff := range map[string]func(*llama.Engine, context.CancelFunc){
		"cancel": func(_ *llama.Engine, cancel context.CancelFunc) { cancel() },
		"close":  func(e *llama.Engine, _ context.CancelFunc) { e.Close(context.Background()) },
	} {
		e := newFake(t, "never-ready")
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			_, err := e.Prepare(ctx, testSpec())
			done <- err
		}()
		eventually(t, "the child starts", func() bool { return e.PID() != 0 })
		pid := e.PID()
		breakOff(e, cancel)
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("%s: Prepare = %v, want canceled", name, err)
		}
		if alive(pid) {
			t.Errorf("%s: the child lives on", name)
		}
		cancel()
	}
}

func TestCloseKillsStubbornGroup(t *testing.T) {
	t.Parallel()
	e := newFake(t, "ignore-term,grandchild", func(o *llama.Options) { o.Grace = 100 * time.Millisecond })
	info := prepare(t, e)
	grandchild := 0
	for _, line := range e.LogTail() {
		if _, err := fmt.Sscanf(line, "grandchild: %d", &grandchild); err == nil {
			break
		}
	}
	if grandchild == 0 || !alive(grandchild) {
		t.Fatalf("no grandchild in %v", e.LogTail())
	}
	begun := time.Now()
	if err := e.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if d := time.Since(begun); d < 100*time.Millisecond || d > 8*time.Second {
		t.Errorf("Close took %v, the grace is 100 ms", d)
	}
	eventually(t, "the whole group is gone", func() bool { return !alive(info.PID) && !alive(grandchild) })
	if e.State() != llama.StateStopped {
		t.Errorf("state = %s", e.State())
	}
}

// TestGrandchildOfCrashedChild: what a crashed child started is ended too, and a log held open by
// it does not hang anything.
func TestGrandchildOfCrashedChild(t *testing.T) {
	t.Parallel()
	e := newFake(t, "grandchild")
	info := prepare(t, e)
	grandchild := 0
	for _, line := range e.LogTail() {
		if _, err := fmt.Sscanf(line, "grandchild: %d", &grandchild); err == nil {
			break
		}
	}
	if err := syscall.Kill(info.PID, syscall.SIGKILL); err != nil || grandchild == 0 {
		t.Fatal(err, grandchild)
	}
	eventually(t, "the engine has failed", func() bool { return e.State() == llama.StateFailed })
	eventually(t, "the grandchild is gone", func() bool { return !alive(grandchild) })
}

func TestCloseWithEndedContextKillsAtOnce(t *testing.T) {
	t.Parallel()
	e := newFake(t, "ignore-term", func(o *llama.Options) { o.Grace = time.Hour })
	info := prepare(t, e)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := e.Close(ctx); err != nil || alive(info.PID) {
		t.Errorf("Close = %v, alive %v", err, alive(info.PID))
	}
}

// startParent runs a program that prepares an engine; it returns both process ids.
func startParent(t *testing.T, does, state string) (parent *exec.Cmd, pid int) {
	t.Helper()
	parent = exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), parentVar+"="+does, stateVar+"="+state)
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		t.Fatal("the parent says nothing")
	}
	if _, err := fmt.Sscanf(lines.Text(), "engine: %d", &pid); err != nil {
		t.Fatalf("the parent says %q", lines.Text())
	}
	t.Cleanup(func() {
		if alive(pid) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	})
	return parent, pid
}

func kill9(t *testing.T, parent *exec.Cmd) {
	t.Helper()
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait() // "signal: killed"
}

func TestChildDiesWithParent(t *testing.T) {
	t.Parallel()
	parent, pid := startParent(t, "serve", t.TempDir())
	if !alive(pid) {
		t.Fatal("no child")
	}
	kill9(t, parent)
	eventually(t, "the child is gone after its parent was killed", func() bool { return !alive(pid) })
}

func TestReapOrphans(t *testing.T) {
	t.Parallel()
	state := t.TempDir()
	parent, pid := startParent(t, "serve,no-death-signal", state)
	if got, err := llama.ReapOrphans(state); err != nil || len(got) != 0 || !alive(pid) {
		t.Fatalf("reaped %v of a living parent: %v", got, err)
	}
	kill9(t, parent)
	if !alive(pid) {
		t.Fatal("the orphan is gone already, so nothing is tested")
	}
	got, err := llama.ReapOrphans(state)
	if err != nil || !slices.Equal(got, []int{pid}) {
		t.Errorf("reaped %v, want %d: %v", got, pid, err)
	}
	eventually(t, "the orphan is gone", func() bool { return !alive(pid) })
	if left, _ := filepath.Glob(filepath.Join(state, "*")); len(left) != 0 {
		t.Errorf("notes left: %v", left)
	}
}

// TestReapSparesOthers: a process is not ended when one thing of its note does not fit.
func TestReapSparesOthers(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(map[string]any){
		"other start":  func(n map[string]any) { n["start"] = "x/1" },
		"other binary": func(n map[string]any) { n["binary"] = "/usr/bin/llama-server" },
		"no start":     func(n map[string]any) { n["start"] = "" },
	} {
		state := t.TempDir()
		parent, pid := startParent(t, "serve,no-death-signal", state)
		path := filepath.Join(state, fmt.Sprintf("engine-%d.json", pid))
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		n := map[string]any{}
		if err := json.Unmarshal(raw, &n); err != nil {
			t.Fatal(err)
		}
		change(n)
		if raw, err = json.Marshal(n); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		kill9(t, parent)
		if got, err := llama.ReapOrphans(state); err != nil || len(got) != 0 || !alive(pid) {
			t.Errorf("%s: reaped %v: %v", name, got, err)
		}
	}
	if got, err := llama.ReapOrphans(filepath.Join(t.TempDir(), "none")); err != nil || len(got) != 0 {
		t.Errorf("no folder: %v, %v", got, err)
	}
}
