package app

import (
	"fmt"
	"io"
	"net/http"
	"sync"

	"github.com/inferometer/inferometer/backend/api"
)

// inProcess is an http.RoundTripper that calls a handler of this process. Answers stream, so that
// live events reach the command line as they happen.
type inProcess struct{ handler http.Handler }

// RoundTrip implements http.RoundTripper. The answer is returned when the handler has written its
// header; the handler's goroutine ends when it returns, or at its next write after the caller has
// closed the body.
func (t inProcess) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(api.InProcess(req.Context()))
	req.RequestURI = req.URL.RequestURI()
	req.RemoteAddr = "in-process"
	if req.Body == nil {
		req.Body = http.NoBody
	}
	pr, pw := io.Pipe()
	w := &pipeWriter{header: http.Header{}, pipe: pw, ready: make(chan struct{})}
	go func() {
		defer func() {
			// A goroutine of its own has nobody else to catch a panic of the handler.
			if p := recover(); p != nil {
				w.WriteHeader(http.StatusInternalServerError)
				_ = pw.CloseWithError(fmt.Errorf("the handler panicked: %v", p)) // never fails
			}
		}()
		t.handler.ServeHTTP(w, req)
		w.WriteHeader(http.StatusOK)
		_ = pw.Close() // never fails
	}()
	select {
	case <-w.ready:
	case <-req.Context().Done():
		_ = pr.Close() // never fails
		return nil, req.Context().Err()
	}
	return &http.Response{StatusCode: w.status, Status: http.StatusText(w.status), Proto: "HTTP/1.1",
		ProtoMajor: 1, ProtoMinor: 1, Header: w.sent, Body: pr, ContentLength: -1, Request: req}, nil
}

// pipeWriter is the http.ResponseWriter of inProcess.
type pipeWriter struct {
	header, sent http.Header
	pipe         *io.PipeWriter
	status       int
	once         sync.Once
	ready        chan struct{}
}

// Header implements http.ResponseWriter.
func (w *pipeWriter) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter; only the first call counts.
func (w *pipeWriter) WriteHeader(status int) {
	w.once.Do(func() {
		w.status, w.sent = status, w.header.Clone()
		close(w.ready)
	})
}

// Write implements http.ResponseWriter.
func (w *pipeWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.pipe.Write(p)
}

// Flush implements http.Flusher: a pipe holds nothing back.
func (w *pipeWriter) Flush() { w.WriteHeader(http.StatusOK) }
