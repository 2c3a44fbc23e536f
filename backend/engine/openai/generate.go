package openai

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/http/httptrace"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine"
)

// drainTime is how long a stream may take to close after its end mark; then its connection is
// given up.
const drainTime = 50 * time.Millisecond

// errIdle is the cause of a stream that stayed without an event for too long.
var errIdle = errors.New("nothing came in time")

type message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

type streamOptions struct {
	IncludeUsage bool `json:"include_usage"`
}

// requestBody carries every sampling value explicitly: a server's defaults must not decide a run.
type requestBody struct {
	Model         string        `json:"model,omitempty"`
	Messages      []message     `json:"messages,omitempty"`
	Prompt        *string       `json:"prompt,omitempty"`
	MaxTokens     int           `json:"max_tokens"`
	Temperature   float64       `json:"temperature"`
	TopP          float64       `json:"top_p"`
	Seed          int64         `json:"seed"`
	Stream        bool          `json:"stream"`
	StreamOptions streamOptions `json:"stream_options"`
	CachePrompt   *bool         `json:"cache_prompt,omitempty"` // llama-server only
	IgnoreEOS     *bool         `json:"ignore_eos,omitempty"`   // llama-server only
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
		b.Messages = []message{{Role: "user", Content: r.Prompt}}
	}
	if e.kind == KindLlama {
		b.CachePrompt = new(bool)
		if r.ExactLength {
			b.IgnoreEOS = &r.ExactLength
		}
	}
	raw, err := json.Marshal(b)
	return path, raw, err
}

// Generate sends one request and hands each chunk to sink as it arrives. Usage.Sent is read when
// the connection is ready and the first byte is about to be written, so opening a connection is
// not part of any figure; where no connection came about it is the time of the call. The transport
// may write a request again only when not one byte of it was sent.
//
// The end marks are "[DONE]", or a finish reason followed by a clean end of the body. Without
// either the error is nil and Usage.Complete false: an incomplete answer, never a success. A
// connection that breaks, or an error event, before "[DONE]" is a RequestError of class stream,
// also after a finish reason, as usage may be lost.
func (e *Engine) Generate(ctx context.Context, r domain.GenRequest, sink func(domain.Chunk)) (domain.Usage, error) {
	use := domain.Usage{Sent: time.Now()}
	path, raw, err := e.body(r)
	if err != nil {
		use.Closed = time.Now()
		return use, &engine.RequestError{Class: domain.ErrClassStream, Msg: "the request cannot be written as JSON", Err: err}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	idle := time.AfterFunc(e.timeout, func() { cancel(errIdle) })
	defer idle.Stop()

	// GotConn runs on this goroutine.
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { use.Sent = time.Now() },
	})
	req, err := http.NewRequestWithContext(traced, http.MethodPost, e.base.String()+path, bytes.NewReader(raw))
	if err != nil {
		use.Closed = time.Now()
		return use, &engine.RequestError{Class: domain.ErrClassConnect, Err: err}
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "text/event-stream")

	res, err := e.do(req)
	if err != nil {
		use.Closed = time.Now()
		return use, classify(ctx, domain.ErrClassConnect, "cannot reach the engine", err)
	}
	defer res.Body.Close()
	body, err := e.streamBody(res, r.Prompt)
	if err == nil {
		err = e.readStream(ctx, body, r.Prompt, idle, &use, sink)
	}
	if use.Closed.IsZero() {
		use.Closed = time.Now()
	}
	if err == nil && use.Complete {
		idle.Reset(drainTime)
		drain(body)
	}
	return use, err
}

// streamBody checks status and type of an answer and returns its body, unpacked if need be.
func (e *Engine) streamBody(res *http.Response, prompt string) (io.Reader, error) {
	if res.StatusCode != http.StatusOK {
		return nil, &engine.RequestError{Class: domain.ErrClassHTTP, Status: res.StatusCode, Msg: e.answerText(res, prompt)}
	}
	body := io.Reader(res.Body)
	// Compression was not asked for, but some gateways compress whatever comes.
	if res.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(res.Body)
		if err != nil {
			return nil, &engine.RequestError{Class: domain.ErrClassStream, Msg: "the compressed stream cannot be read", Err: err}
		}
		body = z
	}
	kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if kind != "application/json" {
		return body, nil
	}
	text := "the server sent one answer instead of a stream"
	if raw, err := io.ReadAll(io.LimitReader(body, maxErrorBody)); err == nil {
		if msg := e.safe(errorMessage(raw), prompt); msg != "" {
			text = msg
		}
	}
	return nil, &engine.RequestError{Class: domain.ErrClassStream, Status: res.StatusCode, Msg: text}
}

// readStream reads events until the end mark, the end of the body or an error.
func (e *Engine) readStream(ctx context.Context, body io.Reader, prompt string, idle *time.Timer,
	use *domain.Usage, sink func(domain.Chunk)) error {
	events := engine.NewSSEReader(body)
	d := decoder{use: use, sink: sink}
	for {
		ev, err := events.Next()
		if errors.Is(err, io.EOF) {
			use.Complete = use.FinishReason != ""
			return nil
		}
		if err != nil {
			return classify(ctx, domain.ErrClassStream, "the stream broke", err)
		}
		idle.Reset(e.timeout)
		if use.FirstByte.IsZero() {
			use.FirstByte = ev.At
		}
		if bytes.Equal(bytes.TrimSpace(ev.Data), []byte("[DONE]")) {
			use.Complete, use.Closed = true, ev.At
			return nil
		}
		if err := d.event(ev); err != nil {
			use.Closed = ev.At
			var failed *serverError
			if errors.As(err, &failed) {
				return &engine.RequestError{Class: domain.ErrClassStream, Msg: orElse(e.safe(failed.msg, prompt), "the engine reported an error")}
			}
			return &engine.RequestError{Class: domain.ErrClassStream, Msg: "the stream holds an event that cannot be read", Err: err}
		}
	}
}

// classify gives a transport error its class: the caller's cancel and our time limit come first.
func classify(ctx context.Context, class domain.ErrorClass, msg string, err error) error {
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, errIdle):
		return &engine.RequestError{Class: domain.ErrClassTimeout, Msg: "nothing came in time"}
	case errors.Is(cause, context.DeadlineExceeded):
		return &engine.RequestError{Class: domain.ErrClassTimeout, Msg: "the request ran out of time", Err: cause}
	case cause != nil:
		return &engine.RequestError{Class: domain.ErrClassCanceled, Err: fmt.Errorf("canceled: %w", cause)}
	}
	return &engine.RequestError{Class: class, Msg: msg, Err: err}
}

// orElse returns s, or other when s is empty.
func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
