package api

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine"
	"github.com/inferometer/inferometer/backend/service"
	"github.com/inferometer/inferometer/backend/store"
	"github.com/inferometer/inferometer/backend/stream"
)

// world is a real service over a real store, with a scripted engine and small fakes around it.
type world struct {
	t        *testing.T
	api      *API
	svc      *service.Service
	store    *store.Store
	hub      *stream.Hub
	engine   *scriptedEngine
	sampler  *fakeSampler
	library  *fakeLibrary
	settings *fakeSettings
	secrets  *fakeSecrets
	log      *lockedBuffer
	gone     bool // the test closed the store by itself
}

func newWorld(t *testing.T, debug bool) *world {
	t.Helper()
	st, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "inferometer.db"))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, store: st, hub: stream.NewHub(stream.Options{}), engine: &scriptedEngine{}, sampler: &fakeSampler{},
		library: &fakeLibrary{}, settings: &fakeSettings{debug: debug}, secrets: &fakeSecrets{kept: map[string]string{}},
		log: &lockedBuffer{}}
	w.library.models = []domain.Model{
		{ID: "tiny", Name: "Tiny", Engine: "llama-server", Installed: true, Source: "catalogue", Path: "/models/tiny.gguf"},
		{ID: "org/name:Q4_K_M", Name: "Slashed", Engine: "llama-server", Installed: true, Source: "file"},
		{ID: "big", Name: "Big", Engine: "llama-server", Source: "catalogue"},
	}
	w.svc = service.New(service.Deps{Store: st, Sampler: w.sampler, Library: w.library, Engines: w, Hub: w.hub,
		Secrets: w.secrets, Settings: w.settings, Now: time.Now,
		App:        func() domain.AppInfo { return domain.AppInfo{Version: "1.2.3"} },
		SigningKey: func() (ed25519.PrivateKey, error) { return ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)), nil },
		ReadMemory: func(_ context.Context, _ int64, threads int, done func(float64)) (domain.Bandwidth, error) {
			done(1)
			return domain.Bandwidth{GBPerS: 25, Rounds: []float64{25}, Threads: threads, Bytes: 1 << 29}, nil
		},
		OwnAddress: func(raw string) bool { return strings.Contains(raw, "127.0.0.1:8000") }})
	if err := w.svc.Start(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.svc.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
		w.hub.Close()
		if err := st.Close(); err != nil && !w.gone {
			t.Error(err)
		}
	})
	web := fstest.MapFS{
		"index.html":            {Data: []byte("<!doctype html><title>Inferometer</title>")},
		"favicon.svg":           {Data: []byte("<svg/>")},
		"assets/index-abc12.js": {Data: []byte("export {}")},
	}
	w.api = New(Options{Service: w.svc, Web: web, Version: "1.2.3", Debug: w.settings.Debug,
		Log: slog.New(slog.NewTextHandler(w.log, nil))})
	return w
}

// answer is what came back.
type answer struct {
	t      *testing.T
	status int
	header http.Header
	body   []byte
}

// call sends one request in process; a body that is not nil goes out as JSON.
func (w *world) call(method, target string, body any, header ...string) answer {
	w.t.Helper()
	var r io.Reader
	if text, ok := body.(string); ok {
		r = strings.NewReader(text)
	} else if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			w.t.Fatal(err)
		}
		r = bytes.NewReader(b)
	}
	req := httptest.NewRequestWithContext(w.t.Context(), method, target, r)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	w.api.Handler().ServeHTTP(rec, req)
	return answer{w.t, rec.Code, rec.Header(), rec.Body.Bytes()}
}

func (w *world) get(target string, header ...string) answer {
	w.t.Helper()
	return w.call(http.MethodGet, target, nil, header...)
}

func (a answer) want(status int) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("status %d, want %d: %s", a.status, status, a.body)
	}
	return a
}

func decode[T any](a answer) T {
	a.t.Helper()
	var v T
	if err := json.Unmarshal(a.body, &v); err != nil {
		a.t.Fatalf("decode %s: %v", a.body, err)
	}
	return v
}

// keys returns the sorted keys of a JSON object.
func (a answer) keys() []string {
	a.t.Helper()
	return sortedKeys(decode[map[string]json.RawMessage](a))
}

// problem checks that the answer is a whole problem and returns it.
func (a answer) problem(status int) Problem {
	a.t.Helper()
	a.want(status)
	if ct := a.header.Get("Content-Type"); ct != problemType {
		a.t.Fatalf("content type %q: %s", ct, a.body)
	}
	for _, key := range []string{"type", "title", "status", "detail", "instance", "hint", "errors"} {
		if !slices.Contains(a.keys(), key) {
			a.t.Fatalf("problem lacks %s: %s", key, a.body)
		}
	}
	p := decode[Problem](a)
	if p.Status != status || p.Title == "" || p.Detail == "" || p.Errors == nil {
		a.t.Fatalf("problem is not whole: %s", a.body)
	}
	return p
}

func (p Problem) names(location string) bool {
	return slices.ContainsFunc(p.Errors, func(f domain.FieldError) bool { return f.Location == location })
}

// finished starts a benchmark and returns it when it has ended.
func (w *world) finished(body map[string]any) domain.Run {
	w.t.Helper()
	return decode[domain.Run](w.call(http.MethodPost, base+"/benchmarks?wait=60s", body).want(http.StatusOK))
}

func seedBody() map[string]any { return map[string]any{"model_id": "tiny", "prompt": "Say hello."} }

// world implements service.EngineSource.
func (w *world) LocalEngine(context.Context, string) (engine.Engine, error) { return w.engine, nil }

func (w *world) EndpointEngine(domain.Endpoint, string) (engine.Engine, error) { return w.engine, nil }

func (w *world) Engines(context.Context) ([]domain.Engine, error) {
	return []domain.Engine{{ID: "llama-server", Name: "llama.cpp", State: "stopped", Installed: true, Build: "b1"}}, nil
}

func (w *world) Discover(context.Context, func(string) bool) ([]domain.Discovered, error) {
	return []domain.Discovered{{BaseURL: "http://localhost:9", Kind: "openai", Name: "A server", Models: []string{"remote"}}}, nil
}

func (w *world) EngineLog(_ context.Context, id string) ([]string, error) {
	if id != "llama-server" {
		return nil, domain.Errorf(domain.KindNotFound, "There is no such engine.")
	}
	return []string{"line one", "line two"}, nil
}

// scriptedEngine answers every request with the same four pieces. With a gate, each generation
// waits for it.
type scriptedEngine struct {
	mu    sync.Mutex
	gate  chan struct{}
	calls []domain.GenRequest
}

func (e *scriptedEngine) hold() (release func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	gate := make(chan struct{})
	e.gate = gate
	return sync.OnceFunc(func() { close(gate) })
}

func (e *scriptedEngine) asked() []domain.GenRequest {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.calls)
}

func (e *scriptedEngine) Prepare(context.Context, domain.EngineSpec) (domain.EngineInfo, error) {
	used := false
	return domain.EngineInfo{Kind: "llama-server", Build: "b1", GPUUsed: &used, Slots: 1, ContextTokens: 2048}, nil
}

func (e *scriptedEngine) Generate(ctx context.Context, r domain.GenRequest, sink func(domain.Chunk)) (domain.Usage, error) {
	e.mu.Lock()
	e.calls = append(e.calls, r)
	gate := e.gate
	e.mu.Unlock()
	u := domain.Usage{Sent: time.Now()}
	if gate != nil {
		select {
		case <-gate:
		case <-ctx.Done():
			u.Closed = time.Now()
			return u, &engine.RequestError{Class: domain.ErrClassCanceled, Err: ctx.Err()}
		}
	}
	pieces := []string{"Hello", ", ", "world", "!"}
	for i, text := range pieces {
		at := u.Sent.Add(time.Duration(20+5*i) * time.Millisecond)
		if i == 0 {
			u.FirstByte = at
		}
		sink(domain.Chunk{At: at, Kind: domain.ChunkText, Text: text})
		u.Closed = at
	}
	prompt, output := 3, len(pieces)
	u.PromptTokens, u.OutputTokens, u.FinishReason, u.Complete = &prompt, &output, "stop", true
	return u, nil
}

func (e *scriptedEngine) Models(context.Context) ([]domain.Model, error) {
	return []domain.Model{{ID: "remote", Name: "remote"}}, nil
}

func (e *scriptedEngine) Close(context.Context) error { return nil }

// fakeSampler gives one reading at the begin of a run and at each edge of a phase.
type fakeSampler struct {
	mu    sync.Mutex
	start time.Time
	phase domain.Phase
	sink  func(domain.Sample)
	quiet bool // nobody uses the processor
}

func (f *fakeSampler) reading() domain.Sample {
	cpu, ram := 12.5, 3.25
	if f.quiet {
		cpu = 1
	}
	s := domain.Sample{Timestamp: time.Now().UTC(), Phase: f.phase, CPUPercent: &cpu, RAMUsedGB: &ram}
	if !f.start.IsZero() {
		s.TUs = time.Since(f.start).Microseconds()
		s.TMs = float64(s.TUs) / 1000
	}
	return s
}

func (f *fakeSampler) Begin(start time.Time, sink func(domain.Sample)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.start, f.sink = start, sink
	sink(f.reading())
}

func (f *fakeSampler) SetPhase(p domain.Phase) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.phase = p
	if f.sink != nil {
		f.sink(f.reading())
	}
}

func (f *fakeSampler) SetEnginePID(int) {}

func (f *fakeSampler) End() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.start, f.sink, f.phase = time.Time{}, nil, domain.PhaseIdle
}

func (f *fakeSampler) Latest() (domain.Sample, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.reading(), true
}

func (f *fakeSampler) History(time.Duration) []domain.Sample {
	s, _ := f.Latest()
	return []domain.Sample{s}
}

func (f *fakeSampler) System() domain.System {
	return domain.System{Hostname: "test", OS: "Test OS", CPUThreads: 2, RAMTotalGB: 8, GPUReason: "No GPU was found."}
}

func (f *fakeSampler) SetRemote(func() []domain.RemoteSample) {}
func (f *fakeSampler) SetRate(float64)                        {}

func (f *fakeSampler) Stats() domain.Telemetry { return domain.Telemetry{RateHz: 10} }

// fakeLibrary keeps a list of models.
type fakeLibrary struct {
	mu        sync.Mutex
	models    []domain.Model
	downloads []string
}

func (f *fakeLibrary) Models(_ context.Context, installed bool) ([]domain.Model, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []domain.Model
	for _, m := range f.models {
		if m.Installed == installed {
			out = append(out, m)
		}
	}
	return out, nil
}

func (f *fakeLibrary) Model(_ context.Context, id string) (domain.Model, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if i := slices.IndexFunc(f.models, func(m domain.Model) bool { return m.ID == id }); i >= 0 {
		return f.models[i], nil
	}
	return domain.Model{}, domain.Errorf(domain.KindNotFound, "There is no such model.")
}

func (f *fakeLibrary) SHA256(context.Context, string) (string, error) { return "feed", nil }

func (f *fakeLibrary) AddFile(_ context.Context, path string) (domain.Model, error) {
	if !strings.HasSuffix(path, ".gguf") {
		return domain.Model{}, domain.Invalid("body.path", "must be a .gguf file")
	}
	m := domain.Model{ID: filepath.Base(path), Name: filepath.Base(path), Installed: true, Source: "file", Path: path}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.models = append(f.models, m)
	return m, nil
}

func (f *fakeLibrary) Remove(ctx context.Context, id string) error {
	if _, err := f.Model(ctx, id); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.models = slices.DeleteFunc(f.models, func(m domain.Model) bool { return m.ID == id })
	return nil
}

func (f *fakeLibrary) Download(ctx context.Context, id string) (domain.Download, error) {
	if _, err := f.Model(ctx, id); err != nil && id != "engine" {
		return domain.Download{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.downloads = append(f.downloads, id)
	return domain.Download{ID: id, State: "queued"}, nil
}

func (f *fakeLibrary) CancelDownload(_ context.Context, id string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := slices.Index(f.downloads, id)
	if i < 0 {
		return domain.Errorf(domain.KindNotFound, "There is no such download.")
	}
	f.downloads = slices.Delete(f.downloads, i, i+1)
	return nil
}

type fakeSettings struct {
	mu    sync.Mutex
	debug bool
	theme string
	hosts []string
}

func (f *fakeSettings) Settings() domain.Settings {
	f.mu.Lock()
	defer f.mu.Unlock()
	return domain.Settings{Items: []domain.Setting{{Key: "theme", Value: f.theme, Origin: "stored"},
		{Key: "debug", Value: f.debug, Origin: "env", Locked: true}}}
}

func (f *fakeSettings) Apply(_ context.Context, p domain.SettingsPatch) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if p.Debug != nil {
		return domain.Errorf(domain.KindConflict, "This setting is fixed by the environment.")
	}
	if p.Theme != nil {
		if !slices.Contains([]string{"system", "dark", "light"}, *p.Theme) {
			return domain.Invalid("body.theme", "must be system, dark or light")
		}
		f.theme = *p.Theme
	}
	return nil
}

func (f *fakeSettings) Debug() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.debug
}

func (f *fakeSettings) StoreText() bool { return true }

func (f *fakeSettings) EnergyPrices() domain.EnergyPrices { return domain.EnergyPrices{} }

func (*fakeSettings) BackupKeep() int { return 3 }

func (*fakeSettings) WatchBuilds() string { return domain.WatchAsk }

func (f *fakeSettings) Retention() domain.RetentionRules { return domain.RetentionRules{TrashDays: 30} }

func (f *fakeSettings) AllowedHosts() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.hosts)
}

type fakeSecrets struct {
	mu   sync.Mutex
	kept map[string]string
}

func (f *fakeSecrets) Set(id, secret string) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.kept[id] = secret
	return "file", nil
}

func (f *fakeSecrets) Get(id string) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.kept[id], nil
}

func (f *fakeSecrets) Delete(id string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.kept, id)
	return nil
}

// lockedBuffer is a log that tests can read.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
