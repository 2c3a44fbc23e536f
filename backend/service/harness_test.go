package service_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/inferometer/inferometer/backend/config"
	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine"
	"github.com/inferometer/inferometer/backend/engine/enginetest"
	"github.com/inferometer/inferometer/backend/service"
	"github.com/inferometer/inferometer/backend/store"
	"github.com/inferometer/inferometer/backend/stream"
)

func ptr[T any](v T) *T { return &v }

// world is a service over a real store, hub and settings, with a scripted engine and small fakes
// for what belongs to the machine. It lives in a bubble, where time is virtual.
type world struct {
	t        *testing.T
	path     string // of the database
	store    *faultyStore
	hub      *stream.Hub
	settings *config.Settings
	engine   *enginetest.Scripted
	sampler  *fakeSampler
	library  *fakeLibrary
	engines  *fakeEngines
	secrets  *fakeSecrets
	svc      *service.Service
	closed   bool
}

// options change a world before it starts.
type options struct {
	script enginetest.Script
	path   string // an earlier world's database
	env    []string
	resume bool
	deps   func(*service.Deps)
}

// bubble runs a test in a bubble of virtual time.
func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

// in runs a test on a started world.
func in(t *testing.T, o options, f func(t *testing.T, w *world)) {
	t.Helper()
	bubble(t, func(t *testing.T) { f(t, start(t, o)) })
}

func start(t *testing.T, o options) *world {
	t.Helper()
	w := build(t, o)
	if err := w.svc.Start(t.Context(), o.resume); err != nil {
		t.Fatalf("Start: %v", err)
	}
	return w
}

// build makes a world without starting it.
func build(t *testing.T, o options) *world {
	t.Helper()
	if o.path == "" {
		o.path = filepath.Join(t.TempDir(), "data", "inferometer.db")
	}
	if o.script.Gap == 0 {
		o.script.TTFT, o.script.Gap = 100*time.Millisecond, 10*time.Millisecond
	}
	st, err := store.Open(t.Context(), o.path)
	if err != nil {
		t.Fatal(err)
	}
	set, err := config.Load(t.Context(), config.Input{Environ: o.env, Stored: st})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, path: o.path, store: &faultyStore{Store: st}, hub: stream.NewHub(stream.Options{}), settings: set,
		engine: enginetest.New(o.script), sampler: &fakeSampler{}, library: newLibrary(), secrets: &fakeSecrets{kept: map[string]string{}}}
	w.engines = &fakeEngines{local: w.engine, remote: w.engine}
	d := service.Deps{Store: w.store, Sampler: w.sampler, Library: w.library, Engines: w.engines, Hub: w.hub, Secrets: w.secrets,
		Settings: set, App: func() domain.AppInfo { return domain.AppInfo{Version: "1.2.3", Commit: "abc"} },
		SigningKey: func() (ed25519.PrivateKey, error) { return ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)), nil },
		OwnAddress: func(raw string) bool { return strings.Contains(raw, "127.0.0.1:8000") }, Log: slog.New(slog.DiscardHandler)}
	if o.deps != nil {
		o.deps(&d)
	}
	w.svc = service.New(d)
	t.Cleanup(w.close)
	return w
}

// close ends a world; a test does so itself to start anew on the same database.
func (w *world) close() {
	w.t.Helper()
	if w.closed {
		return
	}
	w.closed = true
	if err := w.svc.Close(context.WithoutCancel(w.t.Context())); err != nil {
		w.t.Errorf("Close: %v", err)
	}
	w.hub.Close()
	if err := w.store.Close(); err != nil {
		w.t.Errorf("close store: %v", err)
	}
}

func seedBody() domain.BenchmarkRequest {
	return domain.BenchmarkRequest{ModelID: "tiny", Prompt: ptr("Say hello.")}
}

// start queues a benchmark of the seed's body as change makes it.
func (w *world) start(change func(*domain.BenchmarkRequest)) domain.Run {
	w.t.Helper()
	r := seedBody()
	r.MaxTokens = ptr(8)
	if change != nil {
		change(&r)
	}
	run, err := w.svc.StartBenchmark(w.t.Context(), r, "")
	if err != nil {
		w.t.Fatalf("start: %v", err)
	}
	return run
}

func (w *world) wait(id domain.RunID) domain.Run {
	w.t.Helper()
	run, err := w.svc.WaitBenchmark(w.t.Context(), id, time.Hour)
	if err != nil {
		w.t.Fatalf("wait: %v", err)
	}
	if !run.Status.Ended() {
		w.t.Fatalf("run is %s, want it to have ended", run.Status)
	}
	return run
}

func (w *world) finished(change func(*domain.BenchmarkRequest)) domain.Run {
	w.t.Helper()
	return w.wait(w.start(change).ID)
}

func (w *world) stored(id domain.RunID) domain.Run {
	w.t.Helper()
	run, err := w.svc.Benchmark(w.t.Context(), id)
	if err != nil {
		w.t.Fatalf("read: %v", err)
	}
	return run
}

// measuring advances time until the run is in its measured phase.
func (w *world) measuring(id domain.RunID) {
	w.t.Helper()
	for range 10_000 {
		if p := w.stored(id).Progress; p != nil && p.Phase == domain.PhaseMeasure {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	w.t.Fatal("the run never measured")
}

// pass lets virtual time pass.
func pass(d time.Duration) { time.Sleep(d) }

// refused checks the kind of an error and, unless location is empty, that it names the field.
func refused(t *testing.T, err error, kind domain.Kind, location string) {
	t.Helper()
	_ = refusal(t, err, kind, location)
}

// refusal is refused for tests that look at more of the error.
func refusal(t *testing.T, err error, kind domain.Kind, location string) *domain.Error {
	t.Helper()
	var e *domain.Error
	if !errors.As(err, &e) || e.Kind != kind {
		t.Fatalf("error = %v, want kind %s", err, kind)
	}
	if location != "" && !slices.ContainsFunc(e.Fields, func(f domain.FieldError) bool { return f.Location == location }) {
		t.Fatalf("error names %v, want %s", e.Fields, location)
	}
	return e
}

// faultyStore is the real store with failures on demand.
type faultyStore struct {
	*store.Store
	appendErr, updateErr, pingErr atomic.Pointer[error]
	check                         func(ctx context.Context) error // nil: that of the store
	compact                       func(ctx context.Context, tell func(done, total int64)) (domain.Compacted, error)
}

func (s *faultyStore) Compact(ctx context.Context, tell func(done, total int64)) (domain.Compacted, error) {
	if s.compact != nil {
		return s.compact(ctx, tell)
	}
	return s.Store.Compact(ctx, tell)
}

func (s *faultyStore) Check(ctx context.Context) error {
	if s.check != nil {
		return s.check(ctx)
	}
	return s.Store.Check(ctx)
}

func fault(p *atomic.Pointer[error]) error {
	if e := p.Load(); e != nil {
		return *e
	}
	return nil
}

func (s *faultyStore) AppendRun(ctx context.Context, id domain.RunID, b domain.Batch) error {
	if err := fault(&s.appendErr); err != nil {
		return err
	}
	return s.Store.AppendRun(ctx, id, b)
}

func (s *faultyStore) UpdateRun(ctx context.Context, r domain.Run) error {
	if err := fault(&s.updateErr); err != nil {
		return err
	}
	return s.Store.UpdateRun(ctx, r)
}

func (s *faultyStore) Ping(ctx context.Context) error {
	if err := fault(&s.pingErr); err != nil {
		return err
	}
	return s.Store.Ping(ctx)
}

// fakeEngines hands out the engines that a test sets.
type fakeEngines struct {
	mu        sync.Mutex
	local     engine.Engine
	localErr  error
	remote    engine.Engine
	keys      []string // that EndpointEngine was given
	missing   bool
	enginesOf error
	found     []domain.Discovered
	skip      func(string) bool // that Discover was given
	byBuild   map[string]engine.Engine
	builds    []domain.EngineBuild
}

func (f *fakeEngines) LocalEngine(_ context.Context, build string) (engine.Engine, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if e := f.byBuild[build]; e != nil {
		return e, nil
	}
	return f.local, f.localErr
}

func (f *fakeEngines) EndpointEngine(_ domain.Endpoint, key string) (engine.Engine, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.keys = append(f.keys, key)
	return f.remote, nil
}

func (f *fakeEngines) Engines(context.Context) ([]domain.Engine, error) {
	if f.enginesOf != nil {
		return nil, f.enginesOf
	}
	return []domain.Engine{{ID: "llama-server", Name: "llama.cpp", Build: "b1", Installed: !f.missing, Path: "/home/ana/secret/llama-server", Builds: f.builds}}, nil
}

func (f *fakeEngines) Discover(_ context.Context, skip func(string) bool) ([]domain.Discovered, error) {
	f.skip = skip
	return f.found, nil
}

func (f *fakeEngines) EngineLog(context.Context, string) ([]string, error) {
	return []string{"one", "two"}, nil
}

// set changes what the next run gets.
func (f *fakeEngines) set(e engine.Engine, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.local, f.localErr = e, err
}

// fakeSecrets keeps keys in memory.
type fakeSecrets struct {
	mu   sync.Mutex
	kept map[string]string
	err  error
}

func (f *fakeSecrets) Set(id, secret string) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return "", f.err
	}
	f.kept[id] = secret
	return "file", nil
}

func (f *fakeSecrets) Get(id string) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.kept[id], f.err
}

func (f *fakeSecrets) Delete(id string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.kept, id)
	return nil
}

func (f *fakeSecrets) has(id string) (string, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	v, ok := f.kept[id]
	return v, ok
}
