package ollama

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine/remote"
	"github.com/inferometer/inferometer/backend/engine/wire"
)

// requestBody carries every sampling value explicitly: a model's own defaults must not decide a run.
type requestBody struct {
	Model     string           `json:"model"`
	Messages  []domain.Message `json:"messages,omitempty"`
	Prompt    *string          `json:"prompt,omitempty"`
	Raw       bool             `json:"raw,omitempty"`
	Stream    bool             `json:"stream"`
	KeepAlive string           `json:"keep_alive,omitempty"`
	// A prompt too long for the context shall fail, not be cut in silence, and an answer shall end
	// at the context's end, not go on after a part of it was forgotten.
	Truncate bool    `json:"truncate"`
	Shift    bool    `json:"shift"`
	Options  options `json:"options"`
}

type options struct {
	settings
	Predict     int     `json:"num_predict"`
	Temperature float64 `json:"temperature"`
	TopP        float64 `json:"top_p"`
	Seed        int64   `json:"seed"`
}

// body returns the path and the JSON of a request. Another model than the prepared one is asked for
// with the server's own settings, as nobody brings those back.
func (e *Engine) body(r domain.GenRequest) (string, []byte, error) {
	b := requestBody{Model: r.Model, Stream: true,
		Options: options{Predict: r.MaxTokens, Temperature: r.Temperature, TopP: r.TopP, Seed: r.Seed}}
	e.mu.Lock()
	if b.Model == "" {
		b.Model = e.model
	}
	if e.model != "" && sameName(b.Model, e.model) {
		b.Options.settings, b.KeepAlive = e.set, keepAlive
	}
	e.mu.Unlock()
	path := "/api/chat"
	if r.Raw {
		path, b.Raw, b.Prompt = "/api/generate", true, &r.Prompt
	} else {
		b.Messages = append(append(b.Messages, r.History...), domain.Message{Role: "user", Content: r.Prompt})
	}
	raw, err := json.Marshal(b)
	return path, raw, err
}

// Generate sends one request and hands each chunk to sink as it arrives. The end mark is the line
// that says done; a stream that ends without it is incomplete, with a nil error. The length cannot
// be enforced and the prompt cache not be switched off: the server offers neither.
func (e *Engine) Generate(ctx context.Context, r domain.GenRequest, sink func(domain.Chunk)) (domain.Usage, error) {
	path, body, err := e.body(r)
	if err != nil {
		return remote.Unwritable(err)
	}
	private := remote.PrivateText(r)
	return e.remote.Generate(ctx, path, "application/x-ndjson", body, private, func(s *remote.Stream, use *domain.Usage) error {
		return e.read(s, private, use, sink)
	})
}

// read reads lines until the end mark, the end of the body or an error.
func (e *Engine) read(stream *remote.Stream, private string, use *domain.Usage, sink func(domain.Chunk)) error {
	lines := newLineReader(stream)
	for !use.Complete {
		data, at, err := lines.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return wire.Failure(err)
		}
		stream.Progress(at)
		if use.FirstByte.IsZero() {
			use.FirstByte = at
		}
		if err := e.line(data, at, private, use, sink); err != nil {
			use.Closed = at
			return err
		}
		if use.Complete {
			use.Closed = at
		}
	}
	return nil
}

// line handles one line of a stream.
func (e *Engine) line(data []byte, at time.Time, private string, use *domain.Usage, sink func(domain.Chunk)) error {
	l, err := readLine(data)
	if err != nil || l.failed != "" {
		return e.remote.StreamError(l.failed, private, err)
	}
	l.hand(at, sink)
	if l.done {
		l.finish(use)
	}
	return nil
}
