package remote

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
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
	body io.Reader // unpacked
	res  *wire.Response
}

var _ engine.Stamped = (*Stream)(nil)

// Read implements io.Reader.
func (s *Stream) Read(p []byte) (int, error) { return s.body.Read(p) } //nolint:wrapcheck // a reader hands on the errors of its source

// At is when the bytes of the last Read came.
func (s *Stream) At() time.Time { return s.res.At() }

// Progress says that something that counts came at the time: the time-out begins anew.
func (s *Stream) Progress(at time.Time) { s.res.Progress(at) }

// Close ends the stream. After its end mark the rest is read first, so that the connection can
// serve again.
func (s *Stream) Close(complete bool) {
	if complete {
		s.res.Drain(drainBytes, drainTime)
	}
	s.res.Close()
}

// Unwritable is the outcome of a generation whose body cannot be written because of err.
func Unwritable(err error) (domain.Usage, error) {
	now := time.Now()
	return domain.Usage{Sent: now, Closed: now},
		&engine.RequestError{Class: domain.ErrClassStream, Msg: "the request cannot be written as JSON", Err: err}
}

// Generate sends the body of a generation and has read follow its stream, to which it also tells
// what was seen of the sending. An answer that is no stream is a *engine.RequestError, which repeats
// nothing of private.
func (c *Client) Generate(ctx context.Context, path, accept string, body []byte, private string,
	read func(*Stream, *domain.Usage) error) (domain.Usage, error) {
	use := domain.Usage{Sent: time.Now()}
	s, err := c.send(ctx, path, accept, body, private, &use)
	if err == nil {
		err = read(s, &use)
		s.Close(err == nil && use.Complete)
	}
	if use.Closed.IsZero() {
		use.Closed = time.Now()
	}
	return use, err
}

// send sends the body and returns the stream of its answer.
func (c *Client) send(ctx context.Context, path, accept string, body []byte, private string, use *domain.Usage) (*Stream, error) {
	res, err := c.do(ctx, http.MethodPost, path, accept, body, c.timeout)
	if err != nil {
		var failed *wire.Error
		if errors.As(err, &failed) && !failed.Sent.IsZero() {
			use.Sent = failed.Sent
		}
		return nil, wire.Failure(err)
	}
	use.Sent, use.HTTPStatus, use.RetryAfterS = res.Sent, res.Status, res.RetryAfter()
	s, err := c.stream(res, private)
	if err != nil {
		res.Close()
		return nil, err
	}
	return s, nil
}

// stream checks status and type of an answer and unpacks its body if need be.
func (c *Client) stream(res *wire.Response, private string) (*Stream, error) {
	if res.Status != http.StatusOK {
		return nil, &engine.RequestError{Class: wire.StatusClass(res.Status), Status: res.Status, Msg: c.answerText(res, private)}
	}
	body, err := res.Content()
	if err != nil {
		return nil, wire.Failure(err)
	}
	kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if kind != "application/json" {
		return &Stream{body: body, res: res}, nil
	}
	msg := "the server sent one answer instead of a stream"
	if raw, err := io.ReadAll(io.LimitReader(body, maxErrorBody)); err == nil {
		if text := c.Safe(Message(raw), private); text != "" {
			msg = text
		}
	}
	return nil, &engine.RequestError{Class: domain.ErrClassStream, Status: res.Status, Msg: msg}
}

// StreamError is the failure of a stream that the server reported in it, or that cannot be read
// because of err.
func (c *Client) StreamError(said, private string, err error) *engine.RequestError {
	failed := &engine.RequestError{Class: domain.ErrClassStream, Status: http.StatusOK, Err: err}
	switch {
	case err != nil:
		failed.Msg = "the stream holds a part that cannot be read"
	default:
		if failed.Msg = c.Safe(said, private); failed.Msg == "" {
			failed.Msg = "the engine reported an error"
		}
	}
	return failed
}

// PrivateText is all of a request that an error may not repeat.
func PrivateText(r domain.GenRequest) string {
	text := r.Prompt
	for _, m := range r.History {
		text += "\n" + m.Content
	}
	return text
}
