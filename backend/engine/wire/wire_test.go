package wire_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/engine/wire"
)

// server is a listener whose connections a test answers by hand.
type server struct {
	url    *url.URL
	opened atomic.Int64
	open   atomic.Int64
}

// serve starts a server; answer gets each connection, by its number from 1, with a reader over it,
// and the connection is closed when it returns.
func serve(t testing.TB, answer func(c net.Conn, r *bufio.Reader, n int)) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{url: &url.URL{Scheme: "http", Host: l.Addr().String()}}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			n := s.opened.Add(1)
			s.open.Add(1)
			all.Go(func() {
				defer s.open.Add(-1)
				defer c.Close()
				answer(c, bufio.NewReader(c), int(n))
			})
		}
	})
	t.Cleanup(func() { l.Close(); all.Wait() })
	return s
}

// each answers every request of a connection with the same bytes.
func each(answer string) func(net.Conn, *bufio.Reader, int) {
	return func(c net.Conn, r *bufio.Reader, _ int) {
		for ask(r) != nil {
			_, _ = io.WriteString(c, answer)
		}
	}
}

// ask reads one request with its body, nil at the end.
func ask(r *bufio.Reader) *http.Request {
	req, err := http.ReadRequest(r)
	if err != nil {
		return nil
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil
	}
	req.Body = io.NopCloser(strings.NewReader(string(body)))
	return req
}

func client(t testing.TB, s *server) *wire.Client {
	c := wire.New(wire.Options{Base: s.url})
	t.Cleanup(c.Close)
	return c
}

func post(body string) wire.Request {
	return wire.Request{Method: "POST", Path: "/v1/x", Header: wire.Header{{Name: "Accept", Value: "text/event-stream"}}, Body: []byte(body)}
}

// whole sends a request and reads its answer.
func whole(t *testing.T, c *wire.Client, r wire.Request) (string, *wire.Response, error) {
	t.Helper()
	res, err := c.Do(t.Context(), r)
	if err != nil {
		return "", nil, err
	}
	defer res.Close()
	body, err := io.ReadAll(res)
	return string(body), res, err
}

// until waits for a condition.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); {
		if time.Now().After(end) {
			t.Fatalf("still not: %s", what)
		}
		<-time.After(time.Millisecond)
	}
}

// Each answer is read to its end, however it is cut; the second number says over how many
// connections three requests go.
func TestAnswers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer, body string
		status       int
		conns        int64
		closes       bool // the server closes after an answer
	}{
		"length":            {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", "abc", 200, 1, false},
		"nothing":           {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "", 200, 1, false},
		"no content":        {"HTTP/1.1 204 No Content\r\n\r\n", "", 204, 1, false},
		"chunks":            {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1;x=\"y\"\r\nd\r\n0\r\n\r\n", "abcd", 200, 1, false},
		"trailers":          {"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\nA\r\n0123456789\r\n00\r\nX: y\r\nZ: 1\r\n\r\n", "0123456789", 200, 1, false},
		"bare line feeds":   {"HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n3\nabc\n0\n\n", "abc", 200, 1, false},
		"until close":       {"HTTP/1.1 200 OK\r\n\r\nabc", "abc", 200, 3, true},
		"HTTP/1.0":          {"HTTP/1.0 200 OK\r\n\r\nabc", "abc", 200, 3, true},
		"HTTP/1.0 kept":     {"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 3\r\n\r\nabc", "abc", 200, 1, false},
		"HTTP/1.0 not kept": {"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc", "abc", 200, 3, false},
		"said to close":     {"HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 3\r\n\r\nabc", "abc", 200, 3, false},
		"closes unsaid":     {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", "abc", 200, 3, true},
		"informational":     {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 201 Made\r\nContent-Length: 1\r\n\r\na", "a", 201, 1, false},
		"more than said":    {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nabc", "a", 200, 3, false},
		"after chunks":      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\nrest", "a", 200, 3, false},
		"length and chunks": {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", "a", 200, 3, false},
		"large head":        {"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("y", 20_000) + "\r\nContent-Length: 1\r\n\r\na", "a", 200, 1, false},
		"large body":        {"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + strings.Repeat("x", 100_000), strings.Repeat("x", 100_000), 200, 1, false},
		"error":             {"HTTP/1.1 503 Busy\r\nRetry-After: 2\r\nContent-Length: 1\r\n\r\na", "a", 503, 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, func(conn net.Conn, r *bufio.Reader, _ int) {
				for ask(r) != nil {
					_, _ = io.WriteString(conn, c.answer)
					if c.closes {
						return
					}
				}
			})
			cl := client(t, s)
			for range 3 {
				body, res, err := whole(t, cl, post("x"))
				if err != nil || body != c.body || res.Status != c.status {
					t.Fatalf("%.50q, %v, status %v; want %.50q, %d", body, err, res, c.body, c.status)
				}
				if c.closes { // its end comes a moment after the answer's
					until(t, "closed", func() bool { return s.open.Load() == 0 })
				}
			}
			if n := s.opened.Load(); n != c.conns {
				t.Errorf("%d connections for three requests, want %d", n, c.conns)
			}
		})
	}
}

// What is no answer is an error that says how far the request came.
func TestBrokenAnswers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer string
		stage  wire.Stage
		err    error
	}{
		"no answer":         {"", wire.StageHead, io.EOF},
		"half a head":       {"HTTP/1.1 200 OK\r\nContent-Le", wire.StageHead, io.ErrUnexpectedEOF},
		"no HTTP":           {"SSH-2.0-x\r\n\r\n", wire.StageHead, wire.ErrMalformed},
		"HTTP/2":            {"HTTP/2.0 200 OK\r\n\r\n", wire.StageHead, wire.ErrMalformed},
		"no status":         {"HTTP/1.1 OK\r\n\r\n", wire.StageHead, wire.ErrMalformed},
		"switch":            {"HTTP/1.1 101 Switching\r\n\r\n", wire.StageHead, wire.ErrMalformed},
		"folded":            {"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", wire.StageHead, wire.ErrMalformed},
		"endless head":      {"HTTP/1.1 200 OK\r\nA: " + strings.Repeat("b", 70_000), wire.StageHead, wire.ErrMalformed},
		"bad length":        {"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", wire.StageHead, wire.ErrMalformed},
		"two lengths":       {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", wire.StageHead, wire.ErrMalformed},
		"unknown coding":    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", wire.StageHead, wire.ErrMalformed},
		"short body":        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", wire.StageBody, io.ErrUnexpectedEOF},
		"no last chunk":     {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", wire.StageBody, io.ErrUnexpectedEOF},
		"no end of trailer": {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n", wire.StageBody, io.ErrUnexpectedEOF},
		"no size":           {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", wire.StageBody, wire.ErrMalformed},
		"endless size":      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff1\r\n", wire.StageBody, wire.ErrMalformed},
		"long chunk":        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n", wire.StageBody, wire.ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, func(conn net.Conn, r *bufio.Reader, _ int) {
				if ask(r) != nil {
					_, _ = io.WriteString(conn, c.answer)
				}
			})
			_, _, err := whole(t, client(t, s), post("x"))
			var failed *wire.Error
			if !errors.As(err, &failed) || failed.Stage != c.stage || !errors.Is(err, c.err) || failed.Sent.IsZero() || failed.Ended {
				t.Errorf("%+v, want stage %s and %v", err, c.stage, c.err)
			}
			if n := s.opened.Load(); n != 1 {
				t.Errorf("sent over %d connections", n)
			}
		})
	}
}

func TestRequestOnTheWire(t *testing.T) {
	t.Parallel()
	got := make(chan *http.Request, 1)
	s := serve(t, func(c net.Conn, r *bufio.Reader, _ int) {
		for req := ask(r); req != nil; req = ask(r) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			got <- req
		}
	})
	c := client(t, s)
	for _, closes := range []bool{false, true} {
		r := post(`{"a":1}`)
		r.Close = closes
		if _, _, err := whole(t, c, r); err != nil {
			t.Fatal(err)
		}
		req := <-got
		body, _ := io.ReadAll(req.Body)
		if req.Method != "POST" || req.URL.String() != "/v1/x" || req.Host != s.url.Host || string(body) != `{"a":1}` ||
			req.Header.Get("Accept") != "text/event-stream" || req.Close != closes || req.Header.Get("Accept-Encoding") != "" {
			t.Errorf("request = %+v, body %s", req, body)
		}
	}
	if n := s.opened.Load(); n != 2 {
		t.Errorf("%d connections, want a new one for the request that closes", n)
	}
	if _, _, err := whole(t, c, wire.Request{Method: "GET", Path: "/", Header: wire.Header{{Name: "A", Value: "b\r\nC: d"}}}); err == nil {
		t.Error("a header with a line end was sent")
	}
}

// A kept connection that the server has closed serves nothing: the request goes over a new one and
// is seen once.
func TestStaleConnection(t *testing.T) {
	t.Parallel()
	var seen atomic.Int64
	s := serve(t, func(c net.Conn, r *bufio.Reader, n int) {
		for ask(r) != nil {
			seen.Add(1)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
			if n == 1 {
				return
			}
		}
	})
	c := client(t, s)
	for range 2 {
		if body, _, err := whole(t, c, post("x")); err != nil || body != "ok" {
			t.Fatalf("%q, %v", body, err)
		}
		if s.opened.Load() == 1 {
			until(t, "closed", func() bool { return s.open.Load() == 0 })
		}
	}
	if seen.Load() != 2 || s.opened.Load() != 2 {
		t.Errorf("%d requests seen over %d connections, want 2 over 2", seen.Load(), s.opened.Load())
	}
}

// A request that was written is not written again, as the server may have begun to work on it.
func TestNothingIsSentTwice(t *testing.T) {
	t.Parallel()
	var seen atomic.Int64
	s := serve(t, func(c net.Conn, r *bufio.Reader, _ int) {
		for ask(r) != nil {
			if seen.Add(1) == 2 {
				return
			}
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		}
	})
	c := client(t, s)
	if _, _, err := whole(t, c, post("x")); err != nil {
		t.Fatal(err)
	}
	_, _, err := whole(t, c, post("x"))
	if !errors.Is(err, io.EOF) || seen.Load() != 2 {
		t.Errorf("%v after %d requests, want EOF after 2", err, seen.Load())
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	c := wire.New(wire.Options{Base: &url.URL{Scheme: "http", Host: l.Addr().String()}})
	_, err = c.Do(t.Context(), post("x"))
	var failed *wire.Error
	if !errors.As(err, &failed) || failed.Stage != wire.StageConnect || !failed.Sent.IsZero() || failed.Ended {
		t.Errorf("%+v", err)
	}
	if n, err := c.Open(t.Context(), 100); n != 0 || err == nil {
		t.Errorf("Open = %d, %v", n, err)
	}
}

// A server that refuses a large request before it has read it is heard.
func TestEarlyAnswer(t *testing.T) {
	t.Parallel()
	s := serve(t, func(c net.Conn, _ *bufio.Reader, _ int) {
		if tcp, ok := c.(*net.TCPConn); ok {
			_, _ = io.WriteString(c, "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
			_ = tcp.CloseWrite()
			_, _ = io.Copy(io.Discard, c)
		}
	})
	_, res, err := whole(t, client(t, s), post(strings.Repeat("x", 4<<20)))
	if err != nil || res.Status != 413 {
		t.Errorf("%+v, %v", res, err)
	}
}

func TestOpenAndClose(t *testing.T) {
	t.Parallel()
	s := serve(t, each("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
	c := client(t, s)
	for _, want := range []int{200, 50, 200} {
		if n, err := c.Open(t.Context(), want); err != nil || n != 200 {
			t.Errorf("Open(%d) = %d, %v, want 200 kept", want, n, err)
		}
	}
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			res, err := c.Do(t.Context(), post("x"))
			if err != nil {
				t.Error(err)
				return
			}
			res.Close()
		})
	}
	all.Wait()
	if n := s.opened.Load(); n != 200 {
		t.Errorf("%d connections were opened, want 200", n)
	}
	c.Close()
	c.Close()
	until(t, "all closed", func() bool { return s.open.Load() == 0 })
	if body, _, err := whole(t, c, post("x")); err != nil || body != "" {
		t.Errorf("after Close: %q, %v", body, err)
	}
	until(t, "all closed", func() bool { return s.open.Load() == 0 })
}

// A connection whose answer was not read to its end serves nobody else.
func TestUnreadAnswer(t *testing.T) {
	t.Parallel()
	s := serve(t, each("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"))
	c := client(t, s)
	for i := range 3 {
		res, err := c.Do(t.Context(), post("x"))
		if err != nil {
			t.Fatal(err)
		}
		if i == 1 {
			res.Drain(10, time.Second)
		}
		res.Close()
		res.Close()
	}
	if n := s.opened.Load(); n != 2 {
		t.Errorf("%d connections, want 2: only the second answer was drained", n)
	}
}

// TestStamps: bytes that came with the head have its stamp, whenever they are read.
func TestStamps(t *testing.T) {
	t.Parallel()
	more := make(chan struct{})
	s := serve(t, func(c net.Conn, r *bufio.Reader, _ int) {
		if ask(r) != nil {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na")
			<-more
			_, _ = io.WriteString(c, "b")
		}
	})
	before := time.Now()
	res, err := client(t, s).Do(t.Context(), post("x"))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Close()
	here := time.Now()
	<-time.After(30 * time.Millisecond)
	var p [10]byte
	n, err := res.Read(p[:])
	if n != 1 || err != nil || res.At().After(here) || res.Sent.Before(before) || res.At().Before(res.Sent) {
		t.Errorf("%d, %v, sent %v, at %v, head at %v", n, err, res.Sent, res.At(), here)
	}
	asked := time.Now()
	close(more)
	if n, err = res.Read(p[:]); n != 1 || err != nil || res.At().Before(asked) {
		t.Errorf("%d, %v, at %v, asked at %v", n, err, res.At(), asked)
	}
}
