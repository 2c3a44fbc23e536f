package api

import (
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// writeTimeout bounds one write of an answer, not the whole of it: a stream may last for ever and a wait ten
	// minutes, but a caller that does not read holds neither.
	writeTimeout = time.Minute
	// refusedTimeout bounds how long the rest of a refused request is waited for.
	refusedTimeout = 5 * time.Second
	// fullTimeout bounds how long telling somebody that there is no place may take.
	fullTimeout = time.Second
)

// steady gives every write of an answer its own deadline.
type steady struct{ http.ResponseWriter }

// Write implements http.ResponseWriter.
func (s *steady) Write(p []byte) (int, error) {
	_ = http.NewResponseController(s.ResponseWriter).SetWriteDeadline(time.Now().Add(writeTimeout)) // not every writer has one
	return s.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController.
func (s *steady) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// Limited bounds the connections of a listener. One too many is answered at once and closed: to wait for a place would
// look like a program that hangs.
func Limited(l net.Listener, most int) net.Listener { return &limited{Listener: l, most: int64(most)} }

type limited struct {
	net.Listener
	most int64
	open atomic.Int64
}

// Accept implements net.Listener.
func (l *limited) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if l.open.Add(1) <= l.most {
			return &counted{Conn: c, done: sync.OnceFunc(func() { l.open.Add(-1) })}, nil
		}
		l.open.Add(-1)
		turnAway(c)
	}
}

// turnAway never waits: an answer of this size fits into the socket's buffer.
func turnAway(c net.Conn) {
	_ = c.SetWriteDeadline(time.Now().Add(fullTimeout))
	_, _ = io.WriteString(c, "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\nRetry-After: 1\r\n\r\n")
	_ = c.Close()
}

type counted struct {
	net.Conn
	done func()
}

// Close implements net.Conn.
func (c *counted) Close() error {
	defer c.done()
	return c.Conn.Close()
}
