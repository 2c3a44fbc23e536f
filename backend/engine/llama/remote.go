package llama

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine"
	"github.com/inferometer/inferometer/backend/engine/remote"
)

// RemoteOptions are what NewRemote needs.
type RemoteOptions struct {
	BaseURL string // with or without /v1
	APIKey  string // may be empty
	// Timeout is how long a stream may stay without an event; 0 is five minutes.
	Timeout time.Duration
}

// Remote is a llama-server that someone else runs; it implements engine.Engine and
// engine.Tokenizer, and is safe for concurrent use.
type Remote struct{ face *face }

var (
	_ engine.Engine    = (*Remote)(nil)
	_ engine.Tokenizer = (*Remote)(nil)
)

// NewRemote checks the address; it sends nothing.
func NewRemote(o RemoteOptions) (*Remote, error) {
	f, err := newFace(o.BaseURL, o.APIKey, o.Timeout)
	if err != nil {
		return nil, err
	}
	return &Remote{face: f}, nil
}

// Prepare asks the server what it runs with. The slots it returns are those of the server: with
// more users than that, requests wait there.
func (r *Remote) Prepare(ctx context.Context, s domain.EngineSpec) (domain.EngineInfo, error) {
	note := s.Progress
	if note == nil {
		note = func(string, *float64) {}
	}
	note("Asking llama-server", nil)
	p, err := r.face.props(ctx)
	if remote.StatusOf(err) == http.StatusServiceUnavailable {
		return domain.EngineInfo{}, &domain.Error{Kind: domain.KindUnavailable, Msg: "llama-server is still loading its model.",
			Hint: "Try again when it is ready.", Err: err}
	}
	if err != nil {
		return domain.EngineInfo{}, err
	}
	info := domain.EngineInfo{Kind: "llama", Version: p.BuildInfo, Source: r.face.native.Root(), Args: []string{},
		Slots: s.Slots, ContextTokens: p.Settings.NCtx, ModelSHA256: s.Model.SHA256,
		GPUReason: "not verifiable at an endpoint", ExactLength: true, CacheOff: true, Tokenizer: true}
	if p.TotalSlots > 0 {
		info.Slots = p.TotalSlots
	}
	if info.Slots < s.Slots {
		note(fmt.Sprintf("The server has %d slots for %d users: requests will wait there", info.Slots, s.Slots), nil)
	}
	return info, nil
}

// Generate sends one request.
func (r *Remote) Generate(ctx context.Context, req domain.GenRequest, sink func(domain.Chunk)) (domain.Usage, error) {
	return r.face.generate(ctx, req, sink)
}

// Tokenize implements engine.Tokenizer.
func (r *Remote) Tokenize(ctx context.Context, text string) ([]int, error) {
	return r.face.tokenize(ctx, text)
}

// Models lists what the server serves.
func (r *Remote) Models(ctx context.Context) ([]domain.Model, error) { return r.face.chat.Models(ctx) }

// Close ends idle connections; the server goes on.
func (r *Remote) Close(ctx context.Context) error { return r.face.close(ctx) }
