package app

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine"
	"github.com/inferometer/inferometer/backend/engine/discover"
	"github.com/inferometer/inferometer/backend/engine/llama"
	"github.com/inferometer/inferometer/backend/engine/ollama"
	"github.com/inferometer/inferometer/backend/engine/openai"
	"github.com/inferometer/inferometer/backend/library"
	"github.com/inferometer/inferometer/backend/service"
)

// logLines is how much of the engine's log is kept for the Engines screen.
const logLines = 1000

// engines makes engines for the service: managed children of the build that the library found, or
// clients of remote addresses. It remembers the newest child to show its state and log.
type engines struct {
	lib      *library.Library
	stateDir string

	mu    sync.Mutex
	local *llama.Engine
	lines []string
}

var _ service.EngineSource = (*engines)(nil)

// LocalEngine implements service.EngineSource.
func (e *engines) LocalEngine(ctx context.Context, build string) (engine.Engine, error) {
	b, err := e.lib.BuildOf(ctx, build)
	if err != nil {
		return nil, err
	}
	l := llama.New(llama.Options{Binary: b.Path, LibDir: b.LibDir, Build: b.Build, SHA256: b.SHA256,
		Source: b.Source, StateDir: e.stateDir, OnLog: e.record})
	e.mu.Lock()
	e.local, e.lines = l, nil
	e.mu.Unlock()
	return l, nil
}

// record keeps a line of the engine's log.
func (e *engines) record(line string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.lines) >= logLines {
		e.lines = slices.Delete(e.lines, 0, len(e.lines)-logLines+1)
	}
	e.lines = append(e.lines, line)
}

// EndpointEngine implements service.EngineSource.
func (e *engines) EndpointEngine(ep domain.Endpoint, key string) (engine.Engine, error) {
	switch ep.Kind {
	case openai.KindOllama:
		return ollama.New(ollama.Options{BaseURL: ep.BaseURL, APIKey: key})
	case openai.KindLlama:
		return llama.NewRemote(llama.RemoteOptions{BaseURL: ep.BaseURL, APIKey: key})
	}
	return openai.New(openai.Options{BaseURL: ep.BaseURL, APIKey: key, Kind: ep.Kind})
}

// Discover implements service.EngineSource.
func (e *engines) Discover(ctx context.Context, skip func(rawURL string) bool) ([]domain.Discovered, error) {
	return discover.Local(ctx, discover.Options{Skip: skip}), nil
}

// Engines implements service.EngineSource.
func (e *engines) Engines(ctx context.Context) ([]domain.Engine, error) {
	out := domain.Engine{ID: service.EngineLocal, Name: "llama-server", Kind: service.EngineLocal, State: "stopped"}
	if d, ok := e.lib.DownloadState(library.EngineID); ok {
		out.Download = &d
	}
	b, err := e.lib.Build(ctx)
	if err != nil {
		if domain.KindOf(err) != domain.KindConflict {
			return nil, err
		}
		out.State, out.Error = "missing", err.Error()
		return []domain.Engine{out}, nil
	}
	for _, x := range e.lib.Builds(ctx) {
		out.Builds = append(out.Builds, domain.EngineBuild{ID: x.ID, Build: x.Build, Source: x.Source, SHA256: x.SHA256})
	}
	out.Installed, out.Build, out.SHA256, out.Source, out.Path = true, b.Build, b.SHA256, b.Source, b.Path
	e.mu.Lock()
	l := e.local
	e.mu.Unlock()
	if l != nil {
		out.State, out.PID, out.Port = string(l.State()), l.PID(), l.Port()
	}
	return []domain.Engine{out}, nil
}

// EngineLog implements service.EngineSource.
func (e *engines) EngineLog(_ context.Context, id string) ([]string, error) {
	if id != service.EngineLocal {
		return nil, domain.Errorf(domain.KindNotFound, "There is no engine with this id.")
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]string{}, e.lines...), nil
}

// checkoutRoot is the folder that a checkout's set-up fills; it counts only where it exists.
func checkoutRoot(workDir string) []string {
	dir := filepath.Join(workDir, ".engine")
	if st, err := os.Stat(dir); workDir == "" || err != nil || !st.IsDir() {
		return nil
	}
	return []string{dir}
}

// modelDirs are the further folders in which models lie: those of the roots, and the one of the
// settings, which may be empty.
func modelDirs(roots []string, setting string) []string {
	var out []string
	for _, r := range roots {
		out = append(out, filepath.Join(r, "models"))
	}
	if setting != "" {
		out = append(out, setting)
	}
	return out
}
