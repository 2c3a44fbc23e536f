package llama

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine/openai"
	"github.com/inferometer/inferometer/backend/engine/remote"
)

// face is a running llama-server as its clients see it, a child of ours or not. Raw prompts go to
// its own /completion, which counts the tokens of each event. Chats go to its OpenAI-compatible
// address: only there does the server tell reasoning from visible text, and it applies the model's
// template in the same request, where /apply-template would cost a second one.
type face struct {
	native *remote.Client
	chat   *openai.Engine
}

// newFace checks the address, with or without /v1; it sends nothing.
func newFace(baseURL, key string, timeout time.Duration) (*face, error) {
	native, err := remote.New(remote.Options{BaseURL: baseURL, APIKey: key, Timeout: timeout, Single: true})
	if err != nil {
		return nil, err
	}
	chat, err := openai.New(openai.Options{BaseURL: native.Root() + "/v1", APIKey: key, Kind: openai.KindLlama, Timeout: timeout})
	if err != nil {
		return nil, fmt.Errorf("build client: %w", err)
	}
	return &face{native: native, chat: chat}, nil
}

// props is the part of GET /props that matters.
type props struct {
	BuildInfo  string `json:"build_info"`
	TotalSlots int    `json:"total_slots"`
	ModelPath  string `json:"model_path"`
	Settings   struct {
		NCtx int `json:"n_ctx"` // of one slot
	} `json:"default_generation_settings"`
}

// props asks the server what it runs with. It needs the key, so it also proves that a server on the
// port of our child is that child.
func (f *face) props(ctx context.Context) (props, error) {
	var p props
	err := f.native.Ask(ctx, remote.Question{Method: http.MethodGet, Path: "/props", Out: &p})
	return p, err
}

// tokenize returns the tokens of a text alone.
func (f *face) tokenize(ctx context.Context, text string) ([]int, error) {
	return f.tokens(ctx, text, false)
}

// tokens is tokenize, if special with what the model wants before and after a text.
func (f *face) tokens(ctx context.Context, text string, special bool) ([]int, error) {
	var said struct {
		Tokens []int `json:"tokens"`
	}
	err := f.native.Ask(ctx, remote.Question{Method: http.MethodPost, Path: "/tokenize", Private: text,
		In: map[string]any{"content": text, "add_special": special}, Out: &said})
	if err != nil {
		return nil, err
	}
	return said.Tokens, nil
}

// generate sends one request.
func (f *face) generate(ctx context.Context, r domain.GenRequest, sink func(domain.Chunk)) (domain.Usage, error) {
	if r.Raw {
		return f.complete(ctx, r, sink)
	}
	return f.chat.Generate(ctx, r, sink)
}

func (f *face) close(ctx context.Context) error {
	f.native.Close()
	return f.chat.Close(ctx)
}
