// Package llama speaks to llama-server: to one that it runs as a managed child process, and to one
// that someone else runs. Of the child it owns the whole life: flags, port, key, health, log, end.
// It never leaves a process behind and never downloads anything.
package llama

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine"
)

// State is where the child process stands.
type State string

// The states of the child process.
const (
	StateStopped  State = "stopped"
	StateStarting State = "starting"
	StateReady    State = "ready"
	StateStopping State = "stopping"
	StateFailed   State = "failed" // it ended without being asked to, or never became ready
)

// The times that bound the life of a child.
const (
	// DefaultStartTimeout is generous: an overloaded machine takes a minute for a small model.
	DefaultStartTimeout = 5 * time.Minute
	// DefaultGrace is how long the child may take to end by itself before it is killed.
	DefaultGrace = 5 * time.Second
	// crashWait is how long a broken stream waits for news of the process's end.
	crashWait = 500 * time.Millisecond
	// abortEvery is how often Close asks a Prepare to give up.
	abortEvery = 20 * time.Millisecond
)

// Options are what New needs.
type Options struct {
	Binary   string // path of llama-server
	LibDir   string // where its libraries lie; empty: the system's places alone
	Build    string // e.g. b10434; empty: what the server says
	SHA256   string // of the binary
	Source   string // where the binary came from, in words
	StateDir string // where a note about the running child is kept, for ReapOrphans; empty: none
	OnLog    func(line string)

	StartTimeout time.Duration // 0: DefaultStartTimeout
	Grace        time.Duration // 0: DefaultGrace
	Env          []string      // added to the child's environment
}

// Engine is one managed llama-server; it implements engine.Engine.
type Engine struct {
	opts Options
	log  *logRing
	// turn is held by whoever changes the child: Prepare or Close.
	turn chan struct{}

	mu     sync.Mutex
	child  *child
	spec   domain.EngineSpec
	info   domain.EngineInfo
	client *face
	abort  context.CancelFunc // of a Prepare under way
}

var (
	_ engine.Engine    = (*Engine)(nil)
	_ engine.Tokenizer = (*Engine)(nil)
)

// New returns an engine whose child is not started yet.
func New(o Options) *Engine {
	if o.StartTimeout <= 0 {
		o.StartTimeout = DefaultStartTimeout
	}
	if o.Grace <= 0 {
		o.Grace = DefaultGrace
	}
	return &Engine{opts: o, log: newLogRing(o.OnLog), turn: make(chan struct{}, 1)}
}

// State returns where the child stands.
func (e *Engine) State() State {
	if c := e.current(); c != nil {
		return c.state()
	}
	return StateStopped
}

// LogTail returns the last lines that the child wrote, oldest first.
func (e *Engine) LogTail() []string { return e.log.lines() }

// PID returns the process id of the child, 0 when none runs.
func (e *Engine) PID() int {
	if c := e.current(); c != nil && !c.gone() {
		return c.pid
	}
	return 0
}

// Port returns the loopback port of the child, 0 when none runs.
func (e *Engine) Port() int {
	if c := e.current(); c != nil && !c.gone() {
		return c.port
	}
	return 0
}

func (e *Engine) current() *child {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.child
}

// Prepare starts the child with the spec's model and waits until it answers. With an equal spec
// and a child that is ready it does nothing; with another spec the old child is ended first. When
// it fails, or ctx ends, no child is left.
func (e *Engine) Prepare(ctx context.Context, s domain.EngineSpec) (domain.EngineInfo, error) {
	select {
	case e.turn <- struct{}{}:
	case <-ctx.Done():
		return domain.EngineInfo{}, fmt.Errorf("prepare engine: %w", context.Cause(ctx))
	}
	defer func() { <-e.turn }()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()

	e.mu.Lock()
	if e.child != nil && e.child.state() == StateReady && sameSpec(e.spec, s) {
		defer e.mu.Unlock()
		return e.info, nil
	}
	old := e.child
	e.abort = cancel
	e.mu.Unlock()
	if old != nil {
		old.end(ctx)
	}
	return e.start(ctx, s)
}

// start makes a new child ready.
func (e *Engine) start(ctx context.Context, s domain.EngineSpec) (domain.EngineInfo, error) {
	note := s.Progress
	if note == nil {
		note = func(string, *float64) {}
	}
	note("Starting llama-server", nil)
	probe, err := e.probe(ctx, s.UseGPU)
	if err != nil {
		return domain.EngineInfo{}, err
	}
	set, err := settle(s, probe)
	if err != nil {
		return domain.EngineInfo{}, err
	}
	c, err := e.spawn(set)
	if err != nil {
		return domain.EngineInfo{}, err
	}
	e.mu.Lock()
	e.child, e.client = c, nil
	e.mu.Unlock()
	info, client, err := e.await(ctx, c, set, s, note)
	if err != nil {
		c.end(context.WithoutCancel(ctx))
		return domain.EngineInfo{}, err
	}
	e.mu.Lock()
	e.spec, e.info, e.client = s, info, client
	e.mu.Unlock()
	return info, nil
}

// sameSpec reports whether a child started for a also serves b.
func sameSpec(a, b domain.EngineSpec) bool {
	return a.Model.Path == b.Model.Path && a.Model.SHA256 == b.Model.SHA256 && a.Slots == b.Slots &&
		a.Context == b.Context && a.Threads == b.Threads && a.UseGPU == b.UseGPU &&
		(a.GPU == nil) == (b.GPU == nil) && (a.GPU == nil || *a.GPU == *b.GPU)
}

// Generate sends one request to the child. When the child ends meanwhile, the error is of class
// engine and says how it ended.
func (e *Engine) Generate(ctx context.Context, r domain.GenRequest, sink func(domain.Chunk)) (domain.Usage, error) {
	e.mu.Lock()
	c, client := e.child, e.client
	e.mu.Unlock()
	if c == nil || client == nil {
		now := time.Now()
		return domain.Usage{Sent: now, Closed: now},
			&engine.RequestError{Class: domain.ErrClassEngine, Msg: "llama-server is not running"}
	}
	use, err := client.generate(ctx, r, sink)
	return use, e.explain(ctx, c, err)
}

// explain turns a broken connection into the reason for it when the child has ended.
func (e *Engine) explain(ctx context.Context, c *child, err error) error {
	var failed *engine.RequestError
	if !errors.As(err, &failed) || failed.Err == nil ||
		(failed.Class != domain.ErrClassConnect && failed.Class != domain.ErrClassBroken && failed.Class != domain.ErrClassStream) {
		return err
	}
	wait := time.NewTimer(crashWait)
	defer wait.Stop()
	select {
	case <-c.done:
	case <-wait.C:
		return err
	case <-ctx.Done():
		return err
	}
	return &engine.RequestError{Class: domain.ErrClassEngine, Err: e.failure(c, "while it generated")}
}

// Tokenize implements engine.Tokenizer.
func (e *Engine) Tokenize(ctx context.Context, text string) ([]int, error) {
	e.mu.Lock()
	client := e.client
	e.mu.Unlock()
	if client == nil {
		return nil, &domain.Error{Kind: domain.KindUnavailable, Msg: "llama-server is not running."}
	}
	return client.tokenize(ctx, text)
}

// Models returns the model that the child serves, none when it is not running.
func (e *Engine) Models(ctx context.Context) ([]domain.Model, error) {
	e.mu.Lock()
	client := e.client
	e.mu.Unlock()
	if client == nil {
		return []domain.Model{}, nil
	}
	return client.chat.Models(ctx)
}

// Close ends the child and all processes it started, and returns when they are gone. A Prepare
// under way is broken off. When ctx ends first the child is killed at once. Closing again is no
// error.
func (e *Engine) Close(ctx context.Context) error {
	e.takeTurn()
	defer func() { <-e.turn }()
	e.mu.Lock()
	c, client := e.child, e.client
	e.client = nil
	e.mu.Unlock()
	if client != nil {
		// Idle connections would keep the server's threads busy.
		if err := client.close(ctx); err != nil {
			return fmt.Errorf("close connections: %w", err)
		}
	}
	if c != nil {
		c.end(ctx)
	}
	return nil
}

// takeTurn breaks off whatever Prepare holds the turn and takes it. It asks again, as a Prepare may
// have the turn and not have said yet how to break it off.
func (e *Engine) takeTurn() {
	again := time.NewTicker(abortEvery)
	defer again.Stop()
	for {
		e.mu.Lock()
		abort := e.abort
		e.mu.Unlock()
		if abort != nil {
			abort()
		}
		select {
		case e.turn <- struct{}{}:
			return
		case <-again.C:
		}
	}
}

// failure says how a child ended, with the tail of its log.
func (e *Engine) failure(c *child, when string) error {
	tail := e.log.lines()
	text, hint := c.exit.describe(), hintFor(tail, c.exit)
	return &domain.Error{Kind: domain.KindEngineFailed, Msg: fmt.Sprintf("llama-server %s %s.", text, when),
		Hint: hint, LogTail: joinTail(tail, tailLines), Err: errEnded}
}

var errEnded = errors.New("the engine's process has ended")

// tailLines is how much of the log goes into an error.
const tailLines = 40

// clean returns args with the model's path cut to its file name: paths hold names of people.
func clean(args []string, path, base string) []string {
	out := slices.Clone(args)
	for i := range out {
		if out[i] == path {
			out[i] = base
		}
	}
	return out
}
