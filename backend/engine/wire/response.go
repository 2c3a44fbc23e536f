package wire

import (
	"context"
	"errors"
	"io"
	"os"
	"sync/atomic"
	"time"
)

// Response is an answer under way: its head is here, its body is read with Read. It belongs to one
// goroutine.
type Response struct {
	Status int
	Header Header
	Sent   time.Time // just before the request was written; carries a monotonic reading

	client   *Client
	conn     *conn
	timeout  time.Duration
	progress time.Time // since when nothing came
	ended    atomic.Pointer[cause]
	unwatch  func()
	closed   bool
	keep     bool // the connection may serve again, once the body is read to its end
	bodiless bool // of HEAD

	framing framing
	left    uint64 // bytes to come, of byLength
	chunks  chunks
	room    *[]byte // for the head, and for what of the body came with it
	rest    []byte  // that part of the body
	err     error   // what ended the body; io.EOF when it is complete
}

// cause is why the caller's context ended.
type cause struct{ err error }

// watch ends all reading and writing when ctx ends.
func (r *Response) watch(ctx context.Context) {
	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		// The order matters: whoever sets a later deadline looks at ended after it.
		r.ended.Store(&cause{context.Cause(ctx)})
		_ = r.conn.SetDeadline(time.Unix(1, 0))
		close(done)
	})
	r.unwatch = func() {
		if !stop() {
			<-done
		}
	}
}

// failed says why the request failed: the cause comes before an error that it brought about.
func (r *Response) failed(stage Stage, err error) *Error {
	if c := r.ended.Load(); c != nil {
		return &Error{Stage: stage, Sent: r.Sent, Ended: true, Err: c.err}
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = ErrIdle
	}
	return &Error{Stage: stage, Sent: r.Sent, Err: err}
}

// receive reads once from the connection. The deadline is not moved with each read, as that would
// cost as much as a token: when it is over, what came meanwhile decides whether it is moved on.
func (r *Response) receive(p []byte) (int, error) {
	for {
		n, err := r.conn.Read(p)
		if n > 0 || err == nil || !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
		due := r.progress.Add(r.timeout)
		if !time.Now().Before(due) {
			return 0, ErrIdle
		}
		if err := r.conn.SetReadDeadline(due); err != nil {
			return 0, err
		}
		if r.ended.Load() != nil {
			return 0, os.ErrDeadlineExceeded
		}
	}
}

// readHead reads the head and finds out how the body is cut.
func (r *Response) readHead() error {
	r.room, _ = r.client.buffers.Get().(*[]byte)
	h, rest, err := readHead(*r.room, r.receive)
	if err != nil {
		return err
	}
	framing, length, keep, err := h.framing()
	if err != nil {
		return err
	}
	r.Status, r.Header = h.status, h.fields
	r.framing, r.left, r.keep = framing, length, keep && r.keep
	if r.bodiless {
		r.framing, r.left = byLength, 0
	}
	r.progress = r.conn.sock.at
	if r.rest = rest; len(rest) == 0 {
		r.release()
	}
	if r.framing == byLength && r.left == 0 {
		r.finish()
	}
	return nil
}

// release gives the room of the head back.
func (r *Response) release() {
	if r.room != nil {
		r.client.buffers.Put(r.room)
		r.room, r.rest = nil, nil
	}
}

// Read reads the body: what is here, or else what comes next. It is io.EOF at the end that the
// framing of the answer names, and io.ErrUnexpectedEOF at any other.
func (r *Response) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for r.err == nil {
		n, err := r.more(p)
		n = r.unframe(p[:n])
		if err != nil && r.err == nil {
			r.err = err
			if errors.Is(err, io.EOF) && r.framing != untilClose {
				r.err = io.ErrUnexpectedEOF
			}
		}
		if n > 0 {
			return n, nil
		}
	}
	if errors.Is(r.err, io.EOF) {
		return 0, io.EOF
	}
	return 0, r.failed(StageBody, r.err)
}

// more returns raw bytes: those that came with the head, then those of the connection.
func (r *Response) more(p []byte) (int, error) {
	if len(r.rest) == 0 {
		return r.receive(p)
	}
	n := copy(p, r.rest)
	if r.rest = r.rest[n:]; len(r.rest) == 0 {
		r.release()
	}
	return n, nil
}

// unframe leaves the content of raw at its start and returns how much it is.
func (r *Response) unframe(raw []byte) int {
	n, used := len(raw), len(raw)
	switch r.framing {
	case untilClose:
		return n
	case byLength:
		n = int(min(uint64(n), r.left)) // #nosec G115 -- at most the length of a buffer
		r.left -= uint64(n)
		used = n
		if r.left > 0 {
			return n
		}
	case byChunks:
		var err error
		if n, used, err = r.chunks.decode(raw); err != nil {
			r.err = err
			return n
		}
		if r.chunks.state != chunkDone {
			return n
		}
	}
	// What follows the answer was not asked for: nobody knows what the next one would be.
	r.keep = r.keep && used == len(raw)
	r.finish()
	return n
}

// finish notes that the body is complete.
func (r *Response) finish() {
	r.err = io.EOF
	r.keep = r.keep && len(r.rest) == 0
}

// At is when the bytes of the last Read came off the connection.
func (r *Response) At() time.Time { return r.conn.sock.at }

// Progress says that something that counts came at the time: the time-out begins anew. It is the
// caller's to say, as a server may send comments for ever.
func (r *Response) Progress(at time.Time) { r.progress = at }

// Drain reads what is left of the body, up to limit bytes and for no longer than d, so that the
// connection can serve again.
func (r *Response) Drain(limit int64, d time.Duration) {
	if r.err != nil {
		return
	}
	r.progress, r.timeout = time.Now(), d
	_ = r.conn.SetReadDeadline(r.progress.Add(d)) // a connection that fails is not kept
	if r.ended.Load() == nil {
		_, _ = io.CopyN(io.Discard, r, limit) // as above
	}
}

// Close ends the answer. The connection is kept for the next request when the body was read to its
// end and both sides agree, else it is closed.
func (r *Response) Close() {
	if r.closed {
		return
	}
	r.closed = true
	r.unwatch()
	r.release()
	if errors.Is(r.err, io.EOF) && r.keep && r.ended.Load() == nil {
		r.client.put(r.conn)
		return
	}
	_ = r.conn.Close()
}
