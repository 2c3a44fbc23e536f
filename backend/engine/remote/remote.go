// Package remote is what the adapters of engines behind HTTP share: one server with its key, asked
// questions in JSON and sent generations whose answers are streams. It classes failures, and never
// puts a prompt or a key into an error.
package remote

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine/wire"
)

const (
	// DefaultTimeout is how long a stream may stay without progress, prefill included.
	DefaultTimeout = 5 * time.Minute
	// AskTimeout is enough for questions that need no work.
	AskTimeout = 20 * time.Second

	maxAnswer    = 64 << 20 // tokens of a long text are numbers in JSON
	maxErrorBody = 64 << 10 // of an error answer
	maxMessage   = 240      // of what is kept of it
)

// Options are what New needs.
type Options struct {
	BaseURL string        // http or https, with or without a last /v1: the paths here begin before it
	APIKey  string        // may be empty
	Timeout time.Duration // of a stream without progress; 0 is DefaultTimeout
	// Single says that a connection serves one request. llama-server promises to keep a connection
	// and closes it after every stream, so the next request on it would fail without being served;
	// it is also known by the name it gives.
	Single bool
	TLS    *tls.Config // for https; nil is the system's
}

// Client is one server. It is safe for concurrent use.
type Client struct {
	root    *url.URL // without a slash at its end
	key     string
	timeout time.Duration
	single  atomic.Bool
	wire    *wire.Client
}

// New checks the address; it sends nothing.
func New(o Options) (*Client, error) {
	u, err := url.Parse(strings.TrimSpace(o.BaseURL))
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, domain.Invalid("body.base_url", "must be an http or https address")
	}
	if u.User != nil {
		return nil, domain.Invalid("body.base_url", "must not hold a user name or password")
	}
	root := strings.TrimRight(u.EscapedPath(), "/")
	root = strings.TrimRight(strings.TrimSuffix(root, "/v1"), "/")
	u, err = url.Parse(u.Scheme + "://" + u.Host + root)
	if err != nil {
		return nil, domain.Invalid("body.base_url", "must be an http or https address")
	}
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	c := &Client{root: u, key: o.APIKey, timeout: o.Timeout, wire: wire.New(wire.Options{Base: u, TLS: o.TLS})}
	c.single.Store(o.Single)
	return c, nil
}

// Root is the address before /v1.
func (c *Client) Root() string { return c.root.String() }

// Open leaves n idle connections behind, so that the next n requests find them; it sends nothing.
// They serve for four seconds. A failure here only means that a connection is opened later. A server
// that serves one request a connection gets none, as each would hold one of its few threads.
func (c *Client) Open(ctx context.Context, n int) {
	if n > 0 && !c.single.Load() {
		_, _ = c.wire.Open(ctx, n) // as said above
	}
}

// Close ends idle connections. It may be called more than once.
func (c *Client) Close() { c.wire.Close() }

// StatusError is an answer other than 200.
type StatusError struct {
	Status int
	Text   string // the status, and the server's message unless it repeats what is not to be shown
}

// Error implements error.
func (e *StatusError) Error() string { return e.Text }

// StatusOf returns the HTTP status that an error of Ask is about, 0 when it is about none.
func StatusOf(err error) int {
	var s *StatusError
	if errors.As(err, &s) {
		return s.Status
	}
	return 0
}

// Question is one question in JSON.
type Question struct {
	Method, Path string
	In           any           // nil: no body
	Out          any           // nil: the answer's content does not matter
	Private      string        // a text that no error may repeat
	Timeout      time.Duration // 0: AskTimeout
}

// Ask asks a question. Its errors are *domain.Error with a hint; for a status other than 200 they
// wrap a *StatusError.
func (c *Client) Ask(ctx context.Context, q Question) error {
	if q.Timeout <= 0 {
		q.Timeout = AskTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, q.Timeout)
	defer cancel()
	var body []byte
	if q.In != nil {
		var err error
		if body, err = json.Marshal(q.In); err != nil {
			return fmt.Errorf("encode question: %w", err)
		}
	}
	res, err := c.do(ctx, q.Method, q.Path, "application/json", body, q.Timeout)
	if err != nil {
		return askError(ctx, err)
	}
	defer res.Close()
	if res.Status != http.StatusOK {
		return statusError(&StatusError{Status: res.Status, Text: c.answerText(res, q.Private)})
	}
	content, err := res.Content()
	if err != nil {
		return askError(ctx, err)
	}
	raw, err := io.ReadAll(io.LimitReader(content, maxAnswer))
	if err != nil {
		return askError(ctx, err)
	}
	if q.Out == nil {
		return nil
	}
	if err := json.Unmarshal(raw, q.Out); err != nil {
		return &domain.Error{Kind: domain.KindEngineFailed, Msg: "The endpoint's answer cannot be read.",
			Hint: "Are the address and the kind of the endpoint right?", Err: err}
	}
	return nil
}

// do sends one request below the root.
func (c *Client) do(ctx context.Context, method, path, accept string, body []byte, timeout time.Duration) (*wire.Response, error) {
	h := wire.Header{{Name: "User-Agent", Value: "inferometer"}, {Name: "Accept", Value: accept}}
	if body != nil {
		h = append(h, wire.Field{Name: "Content-Type", Value: "application/json"})
	}
	if c.key != "" {
		h = append(h, wire.Field{Name: "Authorization", Value: "Bearer " + c.key})
	}
	single := c.single.Load()
	res, err := c.wire.Do(ctx, wire.Request{Method: method, Path: c.root.EscapedPath() + path, Header: h, Body: body,
		Timeout: timeout, Close: single})
	if err != nil {
		return nil, fmt.Errorf("send request: %w", err)
	}
	if !single && strings.HasPrefix(res.Header.Get("Server"), "llama.cpp") {
		c.single.Store(true)
	}
	return res, nil
}

// askError says in a person's words why the endpoint could not be asked.
func askError(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return fmt.Errorf("ask endpoint: %w", context.Canceled)
	}
	if ctx.Err() != nil || errors.Is(err, wire.ErrIdle) {
		return &domain.Error{Kind: domain.KindTimeout, Msg: "The endpoint does not answer.", Err: err}
	}
	return &domain.Error{Kind: domain.KindUnavailable, Msg: "The endpoint cannot be reached.",
		Hint: "Is the server running, and are host and port right?", Err: err}
}

// statusError adds what to do about a status.
func statusError(s *StatusError) error {
	e := &domain.Error{Kind: domain.KindEngineFailed, Msg: "The endpoint answered " + strings.TrimSuffix(s.Text, ".") + ".", Err: s}
	switch {
	case s.Status == http.StatusUnauthorized || s.Status == http.StatusForbidden:
		e.Hint = "Set the endpoint's API key."
	case s.Status == http.StatusNotFound || s.Status == http.StatusMethodNotAllowed:
		e.Hint = "Are the address and the kind of the endpoint right?"
	case s.Status >= 300 && s.Status < 400:
		e.Hint = "The address redirects elsewhere; enter the final address."
	}
	return e
}

// answerText is a short text for an error answer: the status, and the server's message unless it
// repeats a private text or the key.
func (c *Client) answerText(res *wire.Response, private string) string {
	status := fmt.Sprintf("HTTP %d", res.Status)
	if t := http.StatusText(res.Status); t != "" {
		status += " " + t
	}
	content, err := res.Content()
	if err != nil {
		return status
	}
	body, err := io.ReadAll(io.LimitReader(content, maxErrorBody))
	if err != nil && len(body) == 0 {
		return status
	}
	if msg := c.Safe(Message(body), private); msg != "" {
		return status + ": " + msg
	}
	return status
}

// Message finds the words of an error in the shapes that servers give it; empty when there are none.
func Message(body []byte) string {
	var shape struct {
		Error   json.RawMessage `json:"error"`
		Message string          `json:"message"`
		Detail  json.RawMessage `json:"detail"`
	}
	if json.Unmarshal(bytes.TrimSpace(body), &shape) != nil {
		return ""
	}
	for _, raw := range []json.RawMessage{shape.Error, shape.Detail} {
		var text string
		if json.Unmarshal(raw, &text) == nil && text != "" {
			return text
		}
		var inner struct {
			Message string `json:"message"`
		}
		if json.Unmarshal(raw, &inner) == nil && inner.Message != "" {
			return inner.Message
		}
	}
	return shape.Message
}

// Safe shortens a server's message to one line, and withholds it whole when it repeats the key or
// a part of the private text: errors are stored and shown where prompts may not be.
func (c *Client) Safe(msg, private string) string {
	msg = strings.Join(strings.Fields(msg), " ")
	if c.key != "" && strings.Contains(msg, c.key) {
		return ""
	}
	if len(msg) > maxMessage {
		msg = strings.ToValidUTF8(msg[:maxMessage], "") + "…"
	}
	private = strings.Join(strings.Fields(private), " ")
	window := min(20, len(private))
	for i := 0; window > 0 && i+window <= len(msg); i++ {
		if strings.Contains(private, msg[i:i+window]) {
			return ""
		}
	}
	return msg
}
