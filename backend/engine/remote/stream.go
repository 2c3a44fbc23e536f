package remote

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine"
	"github.com/inferometer/inferometer/backend/engine/wire"
)

const (
	// drainTime is how long a stream may take to close after its end mark; then its connection is
	// given up.
	drainTime  = 50 * time.Millisecond
	drainBytes = 64 << 10
)

// Stream is the body of a streamed answer. It belongs to one goroutine; Close must be called.
type Stream struct {
	io.Reader // unpacked
	res       *wire.Response
}

// At is when the bytes of the last Read came.
func (s *Stream) At() time.Time { return s.res.At() }

// Progress says that something that counts came: the time-out begins anew.
func (s *Stream) Progress() { s.res.Progress(s.res.At()) }

// Close ends the stream. After its end mark the rest is read first, so that the connection can
// serve again.
func (s *Stream) Close(complete bool) {
	if complete {
		s.res.Drain(drainBytes, drainTime)
	}
	s.res.Close()
}

// Generate sends the body of a generation and returns its stream, filling in what use says of the
// sending. An answer that is no stream is a *engine.RequestError; private is what it may not repeat.
func (c *Client) Generate(ctx context.Context, path, accept string, body []byte, private string, use *domain.Usage) (*Stream, error) {
	use.Sent = time.Now()
	res, err := c.do(ctx, http.MethodPost, path, accept, body, c.timeout)
	if err != nil {
		var failed *wire.Error
		if errors.As(err, &failed) && !failed.Sent.IsZero() {
			use.Sent = failed.Sent
		}
		return nil, c.Classify(ctx, err)
	}
	use.Sent, use.HTTPStatus = res.Sent, res.Status
	s, err := c.stream(res, private)
	if err != nil {
		use.RetryAfterS = retryAfter(res)
		res.Close()
		return nil, err
	}
	return s, nil
}

// stream checks status and type of an answer and unpacks its body if need be.
func (c *Client) stream(res *wire.Response, private string) (*Stream, error) {
	if res.Status != http.StatusOK {
		class := domain.ErrClassHTTP
		switch res.Status {
		case http.StatusTooManyRequests:
			class = domain.ErrClassLimited
		case http.StatusServiceUnavailable:
			class = domain.ErrClassOverload
		}
		return nil, &engine.RequestError{Class: class, Status: res.Status, Msg: c.answerText(res, private)}
	}
	s := &Stream{Reader: res, res: res}
	// Compression was not asked for, but some gateways compress whatever comes.
	if strings.EqualFold(res.Header.Get("Content-Encoding"), "gzip") {
		z, err := gzip.NewReader(res)
		if err != nil {
			return nil, &engine.RequestError{Class: domain.ErrClassStream, Status: res.Status, Msg: "the compressed stream cannot be read", Err: err}
		}
		s.Reader = z
	}
	kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if kind != "application/json" {
		return s, nil
	}
	msg := "the server sent one answer instead of a stream"
	if raw, err := io.ReadAll(io.LimitReader(s, maxErrorBody)); err == nil {
		if text := c.Safe(Message(raw), private); text != "" {
			msg = text
		}
	}
	return nil, &engine.RequestError{Class: domain.ErrClassStream, Status: res.Status, Msg: msg}
}

// retryAfter reads the header of that name in seconds, nil when it is absent or a date.
func retryAfter(res *wire.Response) *float64 {
	s, err := strconv.ParseUint(res.Header.Get("Retry-After"), 10, 31)
	if err != nil {
		return nil
	}
	return new(float64(s))
}

// Classify gives a transport error its class: the caller's cancel and the time limits come first.
func (c *Client) Classify(ctx context.Context, err error) error {
	cause := context.Cause(ctx)
	var failed *wire.Error
	switch {
	case errors.Is(cause, context.DeadlineExceeded):
		return &engine.RequestError{Class: domain.ErrClassTimeout, Msg: "the request ran out of time", Err: cause}
	case cause != nil:
		return &engine.RequestError{Class: domain.ErrClassCanceled, Err: fmt.Errorf("canceled: %w", cause)}
	case errors.Is(err, wire.ErrIdle):
		return &engine.RequestError{Class: domain.ErrClassTimeout, Msg: "nothing came in time"}
	case errors.Is(err, engine.ErrEventTooLarge):
		return &engine.RequestError{Class: domain.ErrClassStream, Msg: "the stream holds too large a part", Err: err}
	case errors.As(err, &failed) && failed.Stage != wire.StageBody:
		return &engine.RequestError{Class: domain.ErrClassConnect, Msg: "cannot reach the engine", Err: err}
	}
	return &engine.RequestError{Class: domain.ErrClassBroken, Msg: "the stream broke", Err: err}
}
