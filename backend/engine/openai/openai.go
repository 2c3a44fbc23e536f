// Package openai speaks to any OpenAI-compatible endpoint: vLLM, SGLang, LM Studio, Ollama,
// llama-server, a gateway. It streams one generation per call and reports what came, with arrival
// stamps. It never retries, never follows a redirect, never sends a generation of its own accord,
// and never puts a prompt or a key into an error.
package openai

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine"
	"github.com/inferometer/inferometer/backend/engine/wire"
)

// The kinds of endpoint. They share one dialect and differ in what may be added to a request.
const (
	KindOpenAI = "openai"
	KindOllama = "ollama" // its OpenAI-compatible /v1
	KindLlama  = "llama"  // llama-server: the prompt cache can be off, the length enforced
)

// DefaultTimeout is how long a stream may stay without an event, prefill included.
const DefaultTimeout = 5 * time.Minute

// Options are what New needs.
type Options struct {
	BaseURL string // with the version, usually ending in /v1; a trailing slash does no harm
	APIKey  string // may be empty
	Kind    string // empty: KindOpenAI
	// Timeout is how long a stream may stay without an event; 0 is DefaultTimeout.
	Timeout time.Duration
	// TLS is the configuration for https; nil is the system's.
	TLS *tls.Config
}

// Engine is one endpoint; it implements engine.Engine and is safe for concurrent use.
type Engine struct {
	base    *url.URL
	key     string
	kind    string
	timeout time.Duration
	wire    *wire.Client
	gets    wire.Header // of questions, the key among them
	posts   wire.Header // of generations
	// single: a connection serves one request. llama-server promises to keep a connection and
	// closes it after every stream, so the next request on it would fail without being served.
	single atomic.Bool
}

var (
	_ engine.Engine = (*Engine)(nil)
	_ engine.Opener = (*Engine)(nil)
)

// New checks the address; it sends nothing.
func New(o Options) (*Engine, error) {
	u, err := url.Parse(strings.TrimSpace(o.BaseURL))
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, domain.Invalid("body.base_url", "must be an http or https address")
	}
	if u.User != nil {
		return nil, domain.Invalid("body.base_url", "must not hold a user name or password")
	}
	u.RawQuery, u.Fragment = "", ""
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), ""
	if o.Kind == "" {
		o.Kind = KindOpenAI
	}
	if o.Kind != KindOpenAI && o.Kind != KindOllama && o.Kind != KindLlama {
		return nil, domain.Invalid("body.kind", "must be openai, ollama or llama")
	}
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	e := &Engine{base: u, key: o.APIKey, kind: o.Kind, timeout: o.Timeout, wire: wire.New(wire.Options{Base: u, TLS: o.TLS})}
	e.gets = wire.Header{{Name: "User-Agent", Value: "inferometer"}}
	if o.APIKey != "" {
		e.gets = append(e.gets, wire.Field{Name: "Authorization", Value: "Bearer " + o.APIKey})
	}
	e.posts = append(slices.Clip(e.gets), wire.Field{Name: "Content-Type", Value: "application/json"},
		wire.Field{Name: "Accept", Value: "text/event-stream"})
	e.single.Store(o.Kind == KindLlama)
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
		Kind: e.kind, Source: e.base.String(), Args: []string{}, Slots: s.Slots,
		ModelSHA256: s.Model.SHA256, GPUReason: "not verifiable at an endpoint",
		ExactLength: e.kind == KindLlama, CacheOff: e.kind == KindLlama,
	}
	for _, m := range models {
		if m.ID == s.Model.ID || m.ID == s.Model.Name {
			info.ContextTokens = m.context()
		}
	}
	n := s.Slots
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
	e.wire.Close()
	return nil
}

// Open leaves n idle connections behind, so that the next n requests find them; it sends nothing.
// They serve for four seconds, so it belongs just before a burst of requests. A failure here only
// means that a connection is opened later. A server that serves one request a connection gets none,
// as each would hold one of its few threads.
func (e *Engine) Open(ctx context.Context, n int) {
	if n < 1 || e.single.Load() {
		return
	}
	_, _ = e.wire.Open(ctx, n) // as said above
}

// models reads GET /models.
func (e *Engine) models(ctx context.Context) ([]modelEntry, error) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	res, err := e.get(ctx, "/models")
	if err != nil {
		return nil, probeError(ctx, err)
	}
	defer res.Close()
	if res.Status != http.StatusOK {
		return nil, probeStatus(res.Status, e.answerText(res, domain.GenRequest{}))
	}
	body, err := res.Content()
	if err != nil {
		return nil, probeError(ctx, err)
	}
	list, err := readModels(body)
	if err != nil {
		return nil, &domain.Error{Kind: domain.KindEngineFailed, Msg: "The endpoint's list of models cannot be read.",
			Hint: "The address usually ends in /v1.", Err: err}
	}
	res.Drain(maxErrorBody, drainTime)
	return list, nil
}

// get sends one GET below the base address.
func (e *Engine) get(ctx context.Context, path string) (*wire.Response, error) {
	return e.do(ctx, wire.Request{Method: http.MethodGet, Path: e.base.EscapedPath() + path, Header: e.gets, Timeout: probeTimeout})
}

// do sends a request, over a connection of its own where the server needs that.
func (e *Engine) do(ctx context.Context, r wire.Request) (*wire.Response, error) {
	r.Close = e.single.Load()
	res, err := e.wire.Do(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("send request: %w", err)
	}
	if !r.Close && strings.HasPrefix(res.Header.Get("Server"), "llama.cpp") {
		e.single.Store(true)
	}
	return res, nil
}
