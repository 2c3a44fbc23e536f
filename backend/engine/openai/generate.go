package openai

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine"
	"github.com/inferometer/inferometer/backend/engine/remote"
	"github.com/inferometer/inferometer/backend/engine/wire"
)

type streamOptions struct {
	IncludeUsage bool `json:"include_usage"`
}

// requestBody carries every sampling value explicitly: a server's defaults must not decide a run.
type requestBody struct {
	Model         string           `json:"model,omitempty"`
	Messages      []domain.Message `json:"messages,omitempty"`
	Prompt        *string          `json:"prompt,omitempty"`
	MaxTokens     int              `json:"max_tokens"`
	Temperature   float64          `json:"temperature"`
	TopP          float64          `json:"top_p"`
	Seed          int64            `json:"seed"`
	Stream        bool             `json:"stream"`
	StreamOptions streamOptions    `json:"stream_options"`
	CachePrompt   *bool            `json:"cache_prompt,omitempty"` // llama-server only
	IgnoreEOS     *bool            `json:"ignore_eos,omitempty"`   // llama-server only
}

// body returns the path and the JSON of a request.
func (e *Engine) body(r domain.GenRequest) (string, []byte, error) {
	b := requestBody{
		Model: r.Model, MaxTokens: r.MaxTokens, Temperature: r.Temperature, TopP: r.TopP,
		Seed: r.Seed, Stream: true, StreamOptions: streamOptions{IncludeUsage: true},
	}
	path := "/chat/completions"
	if r.Raw {
		path = "/completions"
		b.Prompt = &r.Prompt
	} else {
		b.Messages = append(slices.Clip(r.History), domain.Message{Role: "user", Content: r.Prompt})
	}
	if e.kind == KindLlama {
		b.CachePrompt = &r.CachePrompt
		if r.ExactLength {
			b.IgnoreEOS = &r.ExactLength
		}
	}
	raw, err := json.Marshal(b)
	return path, raw, err
}

// Generate sends one request. Usage.Sent is read when the connection is there and the request is
// about to be written, so opening a connection is not part of any figure; where none came about it
// is the time of the call.
//
// The end marks are "[DONE]", or a finish reason followed by a clean end of the body. Without
// either the error is nil and Usage.Complete false: an incomplete answer, never a success. A
// connection that breaks, or an error event, before "[DONE]" is a RequestError, also after a finish
// reason, as usage may be lost.
func (e *Engine) Generate(ctx context.Context, r domain.GenRequest, sink func(domain.Chunk)) (domain.Usage, error) {
	path, body, err := e.body(r)
	if err != nil {
		return remote.Unwritable(err)
	}
	private := remote.PrivateText(r)
	return e.remote.Generate(ctx, e.version+path, "text/event-stream", body, private, func(s *remote.Stream, use *domain.Usage) error {
		return e.readStream(s, private, use, sink)
	})
}

// readStream reads events until the end mark, the end of the body or an error.
func (e *Engine) readStream(stream *remote.Stream, private string, use *domain.Usage, sink func(domain.Chunk)) error {
	events := engine.NewSSEReader(stream)
	d := decoder{use: use, sink: sink}
	for {
		ev, err := events.Next()
		if errors.Is(err, io.EOF) {
			use.Complete = use.FinishReason != ""
			return nil
		}
		if err != nil {
			return wire.Failure(err)
		}
		stream.Progress(ev.At)
		if use.FirstByte.IsZero() {
			use.FirstByte = ev.At
		}
		if string(bytes.TrimSpace(ev.Data)) == "[DONE]" {
			use.Complete, use.Closed = true, ev.At
			return nil
		}
		if err := d.event(ev); err != nil {
			use.Closed = ev.At
			var failed *serverError
			if errors.As(err, &failed) {
				return e.remote.StreamError(failed.msg, private, nil)
			}
			return e.remote.StreamError("", private, err)
		}
	}
}
