package llama

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

// pipeWait is how long the log may stay open after the child ended, should another process have
// inherited it.
const pipeWait = 2 * time.Second

// child is one run of llama-server. Its keeper goroutine starts the process, alone changes its
// state, and ends when the process and its group are gone.
type child struct {
	pid   int
	port  int
	key   string
	args  []string // without secrets
	begun time.Time

	now     atomic.Value  // State
	healthy chan struct{} // a message: it answers
	ready   chan struct{} // closed when the state is ready
	stop    chan struct{} // closed: end it
	kill    chan struct{} // closed: end it at once
	done    chan struct{} // closed when it is gone; exit is valid then
	exit    exitStatus
	onStop  sync.Once
	onKill  sync.Once
	grace   time.Duration
	log     *logRing
}

func (c *child) state() State { return c.now.Load().(State) }

// gone reports whether the process has ended.
func (c *child) gone() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// end asks the child to end, kills it when ctx ends first, and returns when it is gone.
func (c *child) end(ctx context.Context) {
	c.onStop.Do(func() { close(c.stop) })
	select {
	case <-c.done:
		return
	case <-ctx.Done():
	}
	c.onKill.Do(func() { close(c.kill) })
	<-c.done
}

// spawn starts llama-server with a free port and a fresh key.
func (e *Engine) spawn(set setup) (*child, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	secret := make([]byte, 24)
	_, _ = rand.Read(secret) // never fails
	c := &child{
		port: port, key: hex.EncodeToString(secret), grace: e.opts.Grace, log: e.log,
		healthy: make(chan struct{}), ready: make(chan struct{}), stop: make(chan struct{}), kill: make(chan struct{}), done: make(chan struct{}),
	}
	c.args = append(append(c.args, set.args...), "--port", strconv.Itoa(port))
	c.now.Store(StateStarting)
	e.log.begin(c.key)
	cmd := exec.Command(e.opts.Binary, c.args...) // #nosec G204 -- the engine that the person installed or named, without a shell
	cmd.Env = childEnv(os.Environ(), e.opts.LibDir, c.key, e.opts.Env)
	cmd.Stdout, cmd.Stderr = io.Writer(e.log), io.Writer(e.log)
	cmd.WaitDelay = pipeWait
	started := make(chan error, 1)
	go c.keep(cmd, e.opts.StateDir, started)
	if err := <-started; err != nil {
		return nil, &domain.Error{Kind: domain.KindEngineFailed, Msg: "llama-server cannot be started.",
			Hint: "Reinstall the engine or choose another llama-server.", Err: err}
	}
	return c, nil
}

// keep is the keeper: it owns the process from start to end. It stays on one thread of its own, as
// the kernel ends the child when the thread that started it ends, not when the program does; the
// thread is never given back, so it dies with this goroutine, after the child.
func (c *child) keep(cmd *exec.Cmd, stateDir string, started chan<- error) {
	runtime.LockOSThread()
	defer close(c.done)
	c.begun = time.Now()
	prepareGroup(cmd)
	if err := cmd.Start(); err != nil {
		c.now.Store(StateFailed)
		started <- fmt.Errorf("start process: %w", err)
		return
	}
	c.pid = cmd.Process.Pid
	note, err := writeNote(stateDir, c.pid, cmd.Path)
	if err != nil {
		// Without the note a crash of ours could leave the child behind, so do not go on.
		killGroup(c.pid)
		_ = cmd.Wait() // it was killed
		c.now.Store(StateFailed)
		started <- err
		return
	}
	defer removeNote(note)
	started <- nil
	waited := make(chan error, 1)
	go func() { waited <- cmd.Wait() }()
	c.watch(waited, cmd)
}

// watch is the keeper's loop from a started process to its end.
func (c *child) watch(waited <-chan error, cmd *exec.Cmd) {
	stop, kill := c.stop, c.kill
	var grace <-chan time.Time
	asked := false
	for {
		select {
		case <-c.healthy:
			if c.state() == StateStarting {
				c.now.Store(StateReady)
				close(c.ready)
			}
		case <-stop:
			stop, asked = nil, true
			c.now.Store(StateStopping)
			stopGroup(c.pid)
			timer := time.NewTimer(c.grace)
			defer timer.Stop()
			grace = timer.C
		case <-grace:
			grace = nil
			killGroup(c.pid)
		case <-kill:
			kill, grace = nil, nil
			killGroup(c.pid)
		case err := <-waited:
			// What the child started may outlive it.
			killGroup(c.pid)
			awaitGroupGone(c.pid)
			c.log.flush()
			c.exit = exitOf(cmd.ProcessState, err)
			if asked {
				c.now.Store(StateStopped)
			} else {
				c.now.Store(StateFailed)
			}
			return
		}
	}
}

// freePort finds a free loopback port. Another program can take it before the child does; then
// the child ends at once and says so.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find free port: %w", err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		return 0, fmt.Errorf("release port: %w", err)
	}
	return port, nil
}

// exitStatus is how a process ended.
type exitStatus struct {
	code   int
	signal string // name of the signal that ended it; empty: none
	ill    bool   // it ran an instruction that this CPU lacks
	err    error
}

// exitOf reads the end of a process.
func exitOf(p *os.ProcessState, err error) exitStatus {
	x := exitStatus{code: -1}
	if p == nil {
		x.err = err
		return x
	}
	x.code = p.ExitCode()
	x.signal, x.ill = signalOf(p)
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) && !errors.Is(err, exec.ErrWaitDelay) {
		x.err = err
	}
	return x
}

// describe says it in words that follow the program's name.
func (x exitStatus) describe() string {
	switch {
	case x.signal != "":
		return "was ended by a signal (" + x.signal + ")"
	case x.err != nil:
		return "ended (" + x.err.Error() + ")"
	}
	return fmt.Sprintf("exited (code %d)", x.code)
}

// hintFor tells from the end and the log what to do, where that is known.
func hintFor(tail []string, x exitStatus) string {
	if x.ill {
		return "This engine build needs CPU instructions that this machine lacks; install another build."
	}
	text := strings.ToLower(joinTail(tail, tailLines))
	for _, known := range []struct{ sign, hint string }{
		{"out of memory", "There is not enough memory: choose a smaller model, a shorter context or fewer users."},
		{"failed to allocate", "There is not enough memory: choose a smaller model, a shorter context or fewer users."},
		{"invalid magic", "The model file is damaged or not a GGUF file; download it again."},
		{"unknown model architecture", "This engine build is too old for the model; install a newer one."},
		{"error while loading shared libraries", "The engine's libraries are missing; install it again."},
		{"glibc", "This engine build needs a newer system; install another build."},
		{"address already in use", "Another program took the port; try again."},
		{"couldn't bind", "Another program took the port; try again."},
		{"failed to load model", "The model cannot be loaded; see the engine's log."},
	} {
		if strings.Contains(text, known.sign) {
			return known.hint
		}
	}
	return "See the engine's log."
}
