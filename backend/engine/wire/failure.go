package wire

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine"
)

// Failure gives an error of Do, or of reading a body, its class: the caller's end and the time
// limits come first.
func Failure(err error) *engine.RequestError {
	var failed *Error
	if !errors.As(err, &failed) { // what reads the body refuses it, such as an event without end
		return &engine.RequestError{Class: domain.ErrClassStream, Msg: "the stream cannot be read", Err: err}
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return &engine.RequestError{Class: domain.ErrClassTimeout, Msg: "the request ran out of time", Err: failed.Err}
	case failed.Ended:
		return &engine.RequestError{Class: domain.ErrClassCanceled, Err: fmt.Errorf("canceled: %w", failed.Err)}
	case errors.Is(err, ErrIdle):
		return &engine.RequestError{Class: domain.ErrClassTimeout, Msg: "nothing came in time"}
	case errors.Is(err, ErrMalformed) && failed.Stage == StageBody:
		return &engine.RequestError{Class: domain.ErrClassStream, Msg: "the stream cannot be read", Err: failed.Err}
	case errors.Is(err, ErrMalformed):
		return &engine.RequestError{Class: domain.ErrClassHTTP, Msg: "the answer cannot be read", Err: failed.Err}
	case failed.Stage == StageBody:
		return &engine.RequestError{Class: domain.ErrClassBroken, Msg: "the stream broke", Err: failed.Err}
	}
	return &engine.RequestError{Class: domain.ErrClassConnect, Msg: "cannot reach the engine", Err: failed.Err}
}

// StatusClass is the class of an answer whose status is not 200.
func StatusClass(status int) domain.ErrorClass {
	switch status {
	case http.StatusTooManyRequests:
		return domain.ErrClassLimited
	case http.StatusServiceUnavailable:
		return domain.ErrClassOverload
	}
	return domain.ErrClassHTTP
}

// RetryAfter returns the seconds after which a 429 or 503 asks to try again (RFC 9110, 10.2.3), nil
// when it does not say. A date that has passed is 0.
func (r *Response) RetryAfter() *float64 {
	if r.Status != http.StatusTooManyRequests && r.Status != http.StatusServiceUnavailable {
		return nil
	}
	value := r.Header.Get("Retry-After")
	// Some servers send fractions; the standard knows whole seconds and dates.
	if s, err := strconv.ParseFloat(value, 64); err == nil && s >= 0 && s < 1e9 {
		return &s
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return nil
	}
	return new(max(0, time.Until(at).Seconds()))
}

// unpacked is a body behind a decompressor.
type unpacked struct {
	io.Reader
	*Response
}

// Read implements io.Reader.
func (u unpacked) Read(p []byte) (int, error) {
	n, err := u.Reader.Read(p)
	var failed *Error
	if err != nil && !errors.Is(err, io.EOF) && !errors.As(err, &failed) {
		return n, fmt.Errorf("unpack: %w", err)
	}
	return n, err
}

// Content returns the body without its compression, still with At. Compression is not asked for,
// but some gateways compress whatever comes.
func (r *Response) Content() (io.Reader, error) {
	switch packing := r.Header.Get("Content-Encoding"); strings.ToLower(packing) {
	case "", "identity":
		return r, nil
	case "gzip", "x-gzip":
		z, err := gzip.NewReader(r)
		if err != nil {
			return nil, fmt.Errorf("unpack: %w", err)
		}
		return unpacked{z, r}, nil
	default:
		return nil, fmt.Errorf("the server packs with %q unasked", packing)
	}
}
