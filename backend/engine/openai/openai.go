// Package openai speaks to any OpenAI-compatible endpoint: vLLM, SGLang, LM Studio, Ollama,
// llama-server, a gateway. It streams one generation per call and reports what came, with arrival
// stamps. It never retries, never follows a redirect, never sends a generation of its own accord,
// and never puts a prompt or a key into an error.
package openai

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine"
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
}

// Engine is one endpoint; it implements engine.Engine and is safe for concurrent use.
type Engine struct {
	base    *url.URL
	key     string
	kind    string
	timeout time.Duration
	client  *http.Client
	// single: a connection serves one request. llama-server promises to keep a connection and
	// closes it after every stream, so the next request on it would fail without being served.
	single atomic.Bool
}

var _ engine.Engine = (*Engine)(nil)

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
	e := &Engine{base: u, key: o.APIKey, kind: o.Kind, timeout: o.Timeout, client: newClient()}
	e.single.Store(o.Kind == KindLlama)
	return e, nil
}

// Prepare asks for the list of models and nothing else, over as many connections as the spec has
// slots, so that the first requests of a run find them open.
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
	e.open(ctx, s.Slots)
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
	e.client.CloseIdleConnections()
	return nil
}

// maxOpen bounds how many connections Prepare opens ahead.
const maxOpen = 256

// open leaves n idle connections behind. Each answer is held until all have come, as a connection
// that is given back early would serve the next one too. A failure here only means that a
// connection is opened later.
func (e *Engine) open(ctx context.Context, n int) {
	n = min(n, maxOpen)
	if n < 2 || e.single.Load() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	var all, done sync.WaitGroup
	all.Add(n)
	for range n {
		done.Go(func() {
			res, err := e.get(ctx, "/models")
			all.Done()
			if err != nil {
				return
			}
			all.Wait()
			drain(res.Body)
			res.Body.Close()
		})
	}
	done.Wait()
}

// models reads GET /models.
func (e *Engine) models(ctx context.Context) ([]modelEntry, error) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	res, err := e.get(ctx, "/models")
	if err != nil {
		return nil, probeError(ctx, err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, probeStatus(res.StatusCode, e.answerText(res, ""))
	}
	list, err := readModels(res.Body)
	if err != nil {
		return nil, &domain.Error{Kind: domain.KindEngineFailed, Msg: "The endpoint's list of models cannot be read.",
			Hint: "The address usually ends in /v1.", Err: err}
	}
	return list, nil
}

// get sends one GET below the base address.
func (e *Engine) get(ctx context.Context, path string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, e.base.String()+path, nil)
	if err != nil {
		return nil, fmt.Errorf("build request: %w", err)
	}
	return e.do(req)
}

// do sends a request with the key, over a connection of its own where the server needs that.
func (e *Engine) do(req *http.Request) (*http.Response, error) {
	e.authorize(req)
	req.Close = e.single.Load()
	res, err := e.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("send request: %w", err)
	}
	if strings.HasPrefix(res.Header.Get("Server"), "llama.cpp") {
		e.single.Store(true)
	}
	return res, nil
}

// authorize adds the key, if there is one.
func (e *Engine) authorize(req *http.Request) {
	if e.key != "" {
		req.Header.Set("Authorization", "Bearer "+e.key)
	}
}
