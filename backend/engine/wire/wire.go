// Package wire is a small HTTP/1.1 client for measuring. A request is one write and its answer is
// read on the calling goroutine, with no goroutine, lock or copy in between, so that its stamps are
// those of the socket: Response.Sent is read just before the write, Response.At just after the read
// that brought the bytes. Connections exist before a request is stamped: opening one is never part
// of a figure. It asks for no compression, follows no redirect, and sends nothing twice.
package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// DefaultTimeout is how long an answer may stay without progress where a request does not say.
	DefaultTimeout = 5 * time.Minute
	// keepFor is below the five seconds after which common servers close an idle connection: a
	// request written into a closing connection would fail through no fault of the server.
	keepFor     = 4 * time.Second
	dialTimeout = 15 * time.Second
	// dialsAtOnce bounds how many connections are being opened: more would overrun the queue of a
	// server that accepts slowly, and cost a second each until they are tried again.
	dialsAtOnce = 64
	mostOpen    = 10_000
)

// The reasons of an Error that are not those of the system.
var (
	// ErrIdle says that nothing came in time.
	ErrIdle = errors.New("nothing came in time")
	// ErrMalformed says that the answer is no HTTP/1 answer.
	ErrMalformed = errors.New("malformed HTTP answer")
)

// Stage says how far a request came.
type Stage string

// The stages of a request.
const (
	StageConnect Stage = "connect" // no connection came about, nothing was sent
	StageSend    Stage = "send"    // the request could not be written
	StageHead    Stage = "head"    // no answer came, or not its whole head
	StageBody    Stage = "body"    // the answer broke within its body
)

// Error is a request that failed below HTTP.
type Error struct {
	Stage Stage
	Sent  time.Time // as Response.Sent; zero when nothing was sent
	Ended bool      // the caller's context ended it, with Err as its cause
	Err   error
}

// Error implements error.
func (e *Error) Error() string { return string(e.Stage) + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Options are what New needs.
type Options struct {
	Base *url.URL // http or https; only scheme and host count
	// TLS is the configuration for https; nil is the system's.
	TLS *tls.Config
	// Proxy names the proxy for an address, nil where there is none. The zero value takes that of
	// the environment, but never for this machine.
	Proxy func(*url.URL) (*url.URL, error)
}

// Client sends requests to one host. It is safe for concurrent use.
type Client struct {
	base    *url.URL
	tls     *tls.Config // nil for http
	proxy   func(*url.URL) (*url.URL, error)
	dials   chan struct{}
	buffers sync.Pool // *[]byte, for heads of answers

	mu     sync.Mutex
	kept   []*conn // idle connections, the newest last
	closed bool
}

// New returns a client that has no connection yet.
func New(o Options) *Client {
	c := &Client{base: o.Base, proxy: o.Proxy, dials: make(chan struct{}, dialsAtOnce)}
	c.buffers.New = func() any { return new(make([]byte, headBytes)) }
	if c.proxy == nil {
		c.proxy = environmentProxy
	}
	if o.Base.Scheme == "https" {
		c.tls = &tls.Config{MinVersion: tls.VersionTLS12}
		if o.TLS != nil {
			c.tls = o.TLS.Clone()
		}
		c.tls.NextProtos = []string{"http/1.1"}
		if c.tls.ServerName == "" {
			c.tls.ServerName = o.Base.Hostname()
		}
	}
	return c
}

// Field is one header field.
type Field struct{ Name, Value string }

// Header are the fields of a head in their order.
type Header []Field

// Get returns the first value of a field, empty when there is none.
func (h Header) Get(name string) string {
	for _, f := range h {
		if strings.EqualFold(f.Name, name) {
			return f.Value
		}
	}
	return ""
}

// Request is what Do sends. Host, Content-Length and Connection are added by it.
type Request struct {
	Method string
	Path   string // escaped, from the root, with its query
	Header Header
	Body   []byte
	// Timeout is how long the answer may stay without progress; 0 is DefaultTimeout.
	Timeout time.Duration
	// Close says that the connection is new and serves no other request.
	Close bool
}

// Do sends a request and returns as soon as the head of its answer is here; Close must be called on
// the answer. The end of ctx also ends the reading of the body. A request is written again, over a
// new connection, only when not one byte of it left over a kept one. Errors are of type *Error and
// wrap the cause of ctx when that ended it.
func (c *Client) Do(ctx context.Context, r Request) (*Response, error) {
	if r.Timeout <= 0 {
		r.Timeout = DefaultTimeout
	}
	msg, err := c.message(r)
	if err != nil {
		return nil, &Error{Stage: StageSend, Err: err}
	}
	fresh := r.Close
	for {
		k, err := c.take(ctx, fresh)
		if err != nil {
			return nil, &Error{Stage: StageConnect, Ended: ctx.Err() != nil, Err: err}
		}
		res, again, err := c.send(ctx, k, msg, r)
		if again {
			fresh = true
			continue
		}
		return res, err
	}
}

// send writes the request in one piece and reads the head of the answer.
func (c *Client) send(ctx context.Context, k *conn, msg []byte, r Request) (res *Response, again bool, err error) {
	res = &Response{client: c, conn: k, timeout: r.Timeout, keep: !r.Close, bodiless: r.Method == http.MethodHead}
	res.watch(ctx)
	stage := StageSend
	_ = k.SetDeadline(time.Now().Add(r.Timeout)) // it fails only on a closed connection, as the write then does
	res.Sent = time.Now()
	n, err := k.Write(msg)
	if err != nil && n == 0 && !k.idle.IsZero() && !errors.Is(err, os.ErrDeadlineExceeded) {
		res.Close()
		return nil, true, nil
	}
	res.progress = res.Sent
	if err == nil || (n > 0 && !errors.Is(err, os.ErrDeadlineExceeded)) {
		// A server may refuse a request before it has read all of it.
		headErr := res.readHead()
		if headErr == nil {
			res.keep = res.keep && err == nil
			return res, false, nil
		}
		if err == nil {
			stage, err = StageHead, headErr
		}
	}
	failed := res.failed(stage, err)
	res.Close()
	return nil, false, failed
}

// message is the request as bytes, head and body together.
func (c *Client) message(r Request) ([]byte, error) {
	proxy, err := c.proxy(c.base)
	if err != nil {
		return nil, fmt.Errorf("find proxy: %w", err)
	}
	b := make([]byte, 0, 512+len(r.Path)+len(r.Body))
	b = append(append(b, r.Method...), ' ')
	if proxy != nil && c.tls == nil { // an HTTP proxy wants to know where to
		b = append(append(b, "http://"...), c.base.Host...)
		if auth := proxyAuth(proxy); auth != "" {
			r.Header = append(r.Header[:len(r.Header):len(r.Header)], Field{"Proxy-Authorization", auth})
		}
	}
	b = append(append(b, r.Path...), " HTTP/1.1\r\nHost: "...)
	b = append(append(b, c.base.Host...), "\r\n"...)
	for _, f := range r.Header {
		if strings.ContainsAny(f.Name+f.Value, "\r\n\x00") {
			return nil, fmt.Errorf("header %s holds a line end", strings.ToValidUTF8(f.Name, ""))
		}
		b = append(append(b, f.Name...), ": "...)
		b = append(append(b, f.Value...), "\r\n"...)
	}
	if r.Close {
		b = append(b, "Connection: close\r\n"...)
	}
	if len(r.Body) > 0 || r.Method == http.MethodPost {
		b = append(b, "Content-Length: "...)
		b = append(strconv.AppendInt(b, int64(len(r.Body)), 10), "\r\n"...)
	}
	b = append(b, "\r\n"...)
	return append(b, r.Body...), nil
}

// Close ends the idle connections; those in use are closed when their answers are. It may be called
// more than once.
func (c *Client) Close() {
	c.mu.Lock()
	kept := c.kept
	c.kept, c.closed = nil, true
	c.mu.Unlock()
	for _, k := range kept {
		_ = k.Close()
	}
}

// address is where to connect to for a URL.
func address(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = "80"
		if u.Scheme == "https" {
			port = "443"
		}
	}
	return net.JoinHostPort(u.Hostname(), port)
}
