// Package openai speaks to any OpenAI-compatible endpoint: vLLM, SGLang, LM Studio, Ollama,
// llama-server, a gateway. It streams one generation per call and reports what came, with arrival
// stamps. It never retries, never follows a redirect, never sends a generation of its own accord,
// and never puts a prompt or a key into an error.
package openai

import (
	"context"
	"crypto/tls"
	"net/url"
	"strings"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine"
	"github.com/inferometer/inferometer/backend/engine/remote"
)

// The kinds of endpoint. They share one dialect and differ in what may be added to a request.
const (
	KindOpenAI = "openai"
	KindOllama = "ollama" // its OpenAI-compatible /v1
	KindLlama  = "llama"  // llama-server: the prompt cache can be off, the length enforced
)

// mostAhead bounds how many connections Prepare opens: an open load has many slots and may need few.
// Whoever knows how many requests come asks Open.
const mostAhead = 256

// Options are what New needs.
type Options struct {
	BaseURL string // with the version, usually ending in /v1; a trailing slash does no harm
	APIKey  string // may be empty
	Kind    string // empty: KindOpenAI
	// Timeout is how long a stream may stay without an event; 0 is remote.DefaultTimeout.
	Timeout time.Duration
	// TLS is the configuration for https; nil is the system's.
	TLS *tls.Config
}

// Engine is one endpoint; it implements engine.Engine and is safe for concurrent use.
type Engine struct {
	remote  *remote.Client
	version string // what the address ends in after the remote's root: /v1 or nothing
	kind    string
}

var (
	_ engine.Engine = (*Engine)(nil)
	_ engine.Opener = (*Engine)(nil)
)

// New checks the address; it sends nothing.
func New(o Options) (*Engine, error) {
	if o.Kind == "" {
		o.Kind = KindOpenAI
	}
	if o.Kind != KindOpenAI && o.Kind != KindOllama && o.Kind != KindLlama {
		return nil, domain.Invalid("body.kind", "must be openai, ollama or llama")
	}
	c, err := remote.New(remote.Options{BaseURL: o.BaseURL, APIKey: o.APIKey, Timeout: o.Timeout, Single: o.Kind == KindLlama, TLS: o.TLS})
	if err != nil {
		return nil, err
	}
	e := &Engine{remote: c, kind: o.Kind}
	if u, err := url.Parse(strings.TrimSpace(o.BaseURL)); err == nil && strings.HasSuffix(strings.TrimRight(u.Path, "/"), "/v1") {
		e.version = "/v1"
	}
	return e, nil
}

// Prepare asks for the list of models and nothing else, and opens as many connections as the spec
// has slots.
func (e *Engine) Prepare(ctx context.Context, s domain.EngineSpec) (domain.EngineInfo, error) {
	if s.Progress != nil {
		s.Progress("Asking the endpoint", nil)
	}
	models, err := e.models(ctx)
	if err != nil {
		return domain.EngineInfo{}, err
	}
	info := domain.EngineInfo{
		Kind: e.kind, Source: e.remote.Root() + e.version, Args: []string{}, Slots: s.Slots,
		ModelSHA256: s.Model.SHA256, GPUReason: "not verifiable at an endpoint",
		ExactLength: e.kind == KindLlama, CacheOff: e.kind == KindLlama,
	}
	for _, m := range models {
		if m.ID == s.Model.ID || m.ID == s.Model.Name {
			info.ContextTokens = m.context()
		}
	}
	n := min(s.Slots, mostAhead)
	if s.Requests > 0 {
		n = min(n, s.Requests)
	}
	e.Open(ctx, n)
	return info, nil
}

// Models lists what the endpoint serves.
func (e *Engine) Models(ctx context.Context) ([]domain.Model, error) {
	list, err := e.models(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]domain.Model, 0, len(list))
	for _, m := range list {
		out = append(out, domain.Model{ID: m.ID, Name: m.ID, Engine: e.kind, Installed: true, Source: "endpoint"})
	}
	return out, nil
}

// Close ends idle connections. It may be called more than once.
func (e *Engine) Close(context.Context) error {
	e.remote.Close()
	return nil
}

// Open implements engine.Opener.
func (e *Engine) Open(ctx context.Context, n int) { e.remote.Open(ctx, n) }
