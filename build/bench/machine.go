//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/inferometer/inferometer/backend/domain"
)

const (
	patience  = 5 * time.Minute // for one run
	rssEvery  = 20 * time.Millisecond
	stopGrace = 10 * time.Second
)

// machine is what the cases are measured on: the server, and how the program is started.
type machine struct {
	o      options
	root   string // where the driver was started, with .engine
	tmp    string
	server string // host:port
	cmd    *exec.Cmd
	n      int
	// compared: the case of that name has been measured.
	compared bool
}

func newMachine(ctx context.Context, o options) (*machine, error) {
	var err error
	if o.program, err = filepath.Abs(o.program); err != nil {
		return nil, fmt.Errorf("find program: %w", err)
	}
	m := &machine{o: o, server: strings.TrimPrefix(o.server, "http://")}
	if m.root, err = os.Getwd(); err != nil {
		return nil, fmt.Errorf("find folder: %w", err)
	}
	if m.tmp, err = os.MkdirTemp("", "inferometer-bench-"); err != nil {
		return nil, fmt.Errorf("make folder: %w", err)
	}
	if m.server == "" {
		if err := m.startServer(ctx); err != nil {
			m.close()
			return nil, err
		}
	}
	return m, nil
}

func (m *machine) startServer(ctx context.Context) error {
	m.cmd = exec.CommandContext(ctx, m.o.groundtruth)
	m.cmd.Cancel = func() error { return m.cmd.Process.Signal(syscall.SIGTERM) }
	m.cmd.WaitDelay = stopGrace
	address, err := startListening(m.cmd, m.o.serverCPU)
	if err != nil {
		return fmt.Errorf("start %s: %w", m.o.groundtruth, err)
	}
	m.server = strings.TrimPrefix(address, "http://")
	return nil
}

func (m *machine) close() {
	if m.cmd != nil && m.cmd.Process != nil {
		_ = m.cmd.Process.Signal(syscall.SIGTERM) // it may have ended already
		_ = m.cmd.Wait()                          // ended by a signal is what it should be
	}
	_ = os.RemoveAll(m.tmp) // temporary
}

// pinned starts a command on one core. A child takes over the cores of the thread that makes it.
func pinned(cmd *exec.Cmd, cpu int) error {
	if cpu < 0 {
		return cmd.Start()
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return fmt.Errorf("read cores: %w", err)
	}
	one.Set(cpu)
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		return fmt.Errorf("take core %d: %w", cpu, err)
	}
	err := cmd.Start()
	return errors.Join(err, unix.SchedSetaffinity(0, &before))
}

// startListening starts a command and returns the address that its first line tells.
func startListening(cmd *exec.Cmd, cpu int) (string, error) {
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	var errs bytes.Buffer
	cmd.Stderr = &errs
	if err := pinned(cmd, cpu); err != nil {
		return "", err
	}
	line, _ := bufio.NewReader(out).ReadString('\n') // an end without a line is judged below
	address, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
	if !ok {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		return "", fmt.Errorf("it does not listen: %s%s", line, errs.String())
	}
	return address, nil
}

// mono is CLOCK_MONOTONIC in ns, the clock of the server's log.
func mono() int64 {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts) // cannot fail for this clock
	return ts.Nano()
}

// folder is a new data folder.
func (m *machine) folder() (string, error) {
	m.n++
	dir := filepath.Join(m.tmp, strconv.Itoa(m.n))
	return dir, os.Mkdir(dir, 0o700)
}

func (m *machine) command(ctx context.Context, data string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, m.o.program, append(args, "--data-dir", data)...)
	cmd.Dir = m.tmp
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + m.tmp}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopGrace
	return cmd
}

// outcome is what a run of the program reported and cost.
type outcome struct {
	run     domain.Run
	started int64   // CLOCK_MONOTONIC before the process was made
	cpuS    float64 // user and system, start and end of the program included
	rssMB   float64 // highest resident memory
	data    string
}

// run calls the program's verb run and reads the body that it prints. A run that did not complete
// is no error here: the body says so.
func (m *machine) run(ctx context.Context, dir string, args ...string) (outcome, error) {
	ctx, done := context.WithTimeout(ctx, patience)
	defer done()
	data, err := m.folder()
	if err != nil {
		return outcome{}, err
	}
	cmd := m.command(ctx, data, append([]string{"run", "--json"}, args...)...)
	cmd.Dir = dir
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	o := outcome{data: data, started: mono()}
	if err := pinned(cmd, m.o.clientCPU); err != nil {
		return o, fmt.Errorf("start program: %w", err)
	}
	rss := watchRSS(cmd.Process.Pid)
	waited := cmd.Wait()
	o.rssMB = rss.stop()
	o.cpuS = (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
	if err := json.Unmarshal(out.Bytes(), &o.run); err != nil {
		return o, fmt.Errorf("run %v: %w: %s", args, waited, errs.String())
	}
	return o, nil
}

// rssWatch reads the highest resident memory of a process until it is stopped. The figure of
// wait4 is of no use: it begins with the memory of the process that made the child.
type rssWatch struct {
	done chan struct{}
	wait sync.WaitGroup
	mb   float64
}

func watchRSS(pid int) *rssWatch {
	w := &rssWatch{done: make(chan struct{})}
	w.wait.Go(func() {
		tick := time.NewTicker(rssEvery)
		defer tick.Stop()
		for {
			if mb, ok := peakRSS(pid); ok {
				w.mb = mb
			}
			select {
			case <-w.done:
				return
			case <-tick.C:
			}
		}
	})
	return w
}

func (w *rssWatch) stop() float64 {
	close(w.done)
	w.wait.Wait()
	return w.mb
}

// peakRSS is the most that a process ever held, in MB.
func peakRSS(pid int) (float64, bool) { return memoryMB(pid, "VmHWM:") }

// memoryMB is a figure of a process's memory; false when the process is gone.
func memoryMB(pid int, name string) (float64, bool) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	_, rest, found := strings.Cut(string(b), name)
	if err != nil || !found {
		return 0, false
	}
	kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
	return kb * 1024 / 1e6, err == nil
}

// call asks an address and decodes the JSON answer.
func call(ctx context.Context, method, url string, body any, into any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(b))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	b, err = io.ReadAll(res.Body)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, url, err)
	}
	if res.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("%s %s: %s %s", method, url, res.Status, b)
	}
	return json.Unmarshal(b, into)
}
