// Package ollama speaks to an Ollama server by its own API, which tells more than its
// OpenAI-compatible one: the server's own timings, whether the model lies on the GPU, how long it
// took to load. It loads the model before the clock, streams one generation per call, and leaves
// the server as it found it. It never pulls a model and never retries.
package ollama

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine"
	"github.com/inferometer/inferometer/backend/engine/remote"
)

// Kind is the kind of endpoint.
const Kind = "ollama"

// keepAlive keeps the model in memory between the requests of a run, whatever the server's own
// setting: loading it again would count as time to first token.
const keepAlive = "30m"

// mostAhead bounds how many connections Prepare opens: an open load has many slots and may need few.
const mostAhead = 256

// Options are what New needs.
type Options struct {
	BaseURL string // with or without /v1
	APIKey  string // of a gateway before it; may be empty
	// Timeout is how long a stream may stay without a line, and loading may take; 0 is five minutes.
	Timeout time.Duration
}

// Engine is one Ollama server; it implements engine.Engine and is safe for concurrent use.
type Engine struct {
	remote  *remote.Client
	timeout time.Duration

	mu    sync.Mutex
	model string      // the one that was prepared; empty: none
	set   settings    // that it was loaded with
	found *keptBefore // how the model was kept before Prepare; nil when nothing is to be restored
}

var (
	_ engine.Engine = (*Engine)(nil)
	_ engine.Opener = (*Engine)(nil)
)

// New checks the address; it sends nothing.
func New(o Options) (*Engine, error) {
	if o.Timeout <= 0 {
		o.Timeout = remote.DefaultTimeout
	}
	c, err := remote.New(remote.Options{BaseURL: o.BaseURL, APIKey: o.APIKey, Timeout: o.Timeout})
	if err != nil {
		return nil, err
	}
	return &Engine{remote: c, timeout: o.Timeout}, nil
}

// tag is one model that was pulled.
type tag struct {
	Name    string `json:"name"`
	Size    int64  `json:"size"`
	Details struct {
		Format       string `json:"format"`
		Family       string `json:"family"`
		Quantization string `json:"quantization_level"`
	} `json:"details"`
}

// tags lists what was pulled.
func (e *Engine) tags(ctx context.Context) ([]tag, error) {
	var list struct {
		Models []tag `json:"models"`
	}
	if err := e.remote.Ask(ctx, remote.Question{Method: http.MethodGet, Path: "/api/tags", Out: &list}); err != nil {
		return nil, err
	}
	return list.Models, nil
}

// Models lists what was pulled.
func (e *Engine) Models(ctx context.Context) ([]domain.Model, error) {
	list, err := e.tags(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]domain.Model, 0, len(list))
	for _, t := range list {
		if t.Name == "" {
			continue
		}
		m := domain.Model{ID: t.Name, Name: t.Name, Engine: Kind, Installed: true, Source: "endpoint"}
		if t.Size > 0 {
			m.SizeBytes = &t.Size
		}
		out = append(out, m)
	}
	return out, nil
}

// sameName reports whether two names mean one model: a missing tag means latest.
func sameName(a, b string) bool {
	return strings.EqualFold(strings.TrimSuffix(a, ":latest"), strings.TrimSuffix(b, ":latest"))
}

// Open implements engine.Opener.
func (e *Engine) Open(ctx context.Context, n int) { e.remote.Open(ctx, n) }

// Close gives the model back to the server as it was found: out of memory when it was not in it,
// else for as long as it would have stayed. A server that has gone meanwhile needs nothing.
func (e *Engine) Close(ctx context.Context) error {
	e.restore(ctx)
	e.remote.Close()
	return nil
}

// restore brings back how the prepared model was kept.
func (e *Engine) restore(ctx context.Context) {
	e.mu.Lock()
	model, found, set := e.model, e.found, e.set
	e.model, e.found = "", nil
	e.mu.Unlock()
	if found != nil {
		_ = e.keep(ctx, model, set, found.seconds(time.Now()), remote.AskTimeout) // see Close
	}
}
