//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

const mostRequest = 64 << 20

// conn is one connection; it answers one request at a time.
type conn struct {
	fd  int
	in  []byte  // read and not yet understood
	out []byte  // what the socket did not take
	st  *stream // the answer under way
}

func (s *server) accept() {
	for {
		fd, _, err := unix.Accept4(s.listen, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		if err != nil {
			return // none left; one that broke before it was taken is the client's affair
		}
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1) // sends are late without it, which the log of a client shows
		c := &conn{fd: fd}
		if s.watch(fd, unix.EPOLL_CTL_ADD, unix.EPOLLIN) != nil {
			_ = unix.Close(fd)
			continue
		}
		s.conns[fd] = c
	}
}

// ready reads and writes what a connection lets.
func (s *server) ready(c *conn, events uint32) {
	if events&unix.EPOLLOUT != 0 && !s.flush(c) {
		return
	}
	if events&(unix.EPOLLIN|unix.EPOLLHUP|unix.EPOLLERR) == 0 {
		return
	}
	n, err := unix.Read(c.fd, s.in)
	if err == unix.EAGAIN || err == unix.EINTR {
		return
	}
	if err != nil || n == 0 || len(c.in)+n > mostRequest {
		s.drop(c, false)
		return
	}
	at := now()
	c.in = append(c.in, s.in[:n]...)
	for c.st == nil && s.conns[c.fd] == c && s.request(c, at) {
		at = now()
	}
}

// drop closes a connection, with a reset when asked to.
func (s *server) drop(c *conn, reset bool) {
	if reset {
		_ = unix.SetsockoptLinger(c.fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1}) // a plain close is told as one by the client
	}
	_ = unix.Close(c.fd)
	delete(s.conns, c.fd)
	if st := c.st; st != nil {
		s.end(st, "client_gone")
		s.admit()
	}
}

// write sends bytes, or keeps what the socket does not take until it does.
func (s *server) write(c *conn, b []byte) {
	if len(c.out) == 0 {
		n, err := unix.Write(c.fd, b)
		if err != nil && err != unix.EAGAIN && err != unix.EINTR {
			return // the read side finds out and drops the connection
		}
		b = b[max(n, 0):]
		if len(b) == 0 {
			return
		}
		_ = s.watch(c.fd, unix.EPOLL_CTL_MOD, unix.EPOLLIN|unix.EPOLLOUT) // the descriptor is watched, so it cannot fail
	}
	if c.st != nil {
		c.st.rec.Blocked++
	}
	c.out = append(c.out, b...)
}

// flush goes on with what was kept; false when the connection has been closed.
func (s *server) flush(c *conn) bool {
	n, err := unix.Write(c.fd, c.out)
	if err != nil && err != unix.EAGAIN && err != unix.EINTR {
		s.drop(c, false)
		return false
	}
	c.out = c.out[max(n, 0):]
	if len(c.out) > 0 {
		return true
	}
	_ = s.watch(c.fd, unix.EPOLL_CTL_MOD, unix.EPOLLIN) // as in write
	return true
}

// request takes one whole request off the input and answers it; false when none is there.
func (s *server) request(c *conn, at int64) bool {
	end := bytes.Index(c.in, []byte("\r\n\r\n"))
	if end < 0 {
		return false
	}
	lines := strings.Split(string(c.in[:end]), "\r\n")
	verb := strings.Fields(lines[0])
	size := 0
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ":")
		if strings.EqualFold(name, "content-length") {
			size, _ = strconv.Atoi(strings.TrimSpace(value)) // what is no number reads as none
		}
	}
	if len(verb) != 3 || size < 0 {
		s.drop(c, false)
		return false
	}
	if len(c.in) < end+4+size {
		return false
	}
	body := c.in[end+4 : end+4+size]
	s.route(c, verb[0], verb[1], body, at)
	c.in = append(c.in[:0], c.in[end+4+size:]...)
	return true
}

func (s *server) route(c *conn, method, target string, body []byte, at int64) {
	u, err := url.ParseRequestURI(target)
	if err != nil {
		s.reply(c, http.StatusBadRequest, 0, "text/plain", []byte("bad address\n"))
		return
	}
	switch u.Path {
	case "/v1/chat/completions", "/v1/completions":
		s.complete(c, u.Path, body, at)
	case "/v1/models":
		s.answer(c, map[string]any{"object": "list", "data": []any{map[string]any{"id": "mock", "object": "model", "owned_by": "groundtruth"}}})
	case "/_mock/config":
		s.configure(c, method, u.Query().Get("base") == "default", body)
	case "/_mock/summary":
		s.answer(c, s.summary())
	case "/_mock/log":
		var out bytes.Buffer
		enc := json.NewEncoder(&out)
		for _, r := range s.log {
			_ = enc.Encode(r) // numbers and words into memory
		}
		s.reply(c, http.StatusOK, 0, "application/x-ndjson", out.Bytes())
	case "/_mock/freeze":
		ms, _ := strconv.ParseFloat(u.Query().Get("ms"), 64) // what is no number freezes nothing
		s.answer(c, map[string]any{"frozen_ms": ms})
		for until := now() + int64(ms*1e6); now() < until; {
			ts := unix.NsecToTimespec(until - now())
			_ = unix.Nanosleep(&ts, nil) // a signal only wakes it too early
		}
	default:
		s.reply(c, http.StatusNotFound, 0, "text/plain", []byte("no such path\n"))
	}
}

// configure changes the named settings, forgets the log and collects garbage.
func (s *server) configure(c *conn, method string, anew bool, body []byte) {
	if method == http.MethodPost {
		set := *s.set
		if anew {
			set = defaults()
		}
		err := json.Unmarshal(body, &set)
		if err == nil {
			err = set.check()
		}
		if err != nil {
			s.reply(c, http.StatusBadRequest, 0, "text/plain", []byte(err.Error()+"\n"))
			return
		}
		s.set, s.log, s.peak = &set, nil, s.active
		runtime.GC()
	}
	s.answer(c, *s.set)
}

func (s *server) answer(c *conn, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		s.reply(c, http.StatusInternalServerError, 0, "text/plain", []byte(err.Error()+"\n"))
		return
	}
	s.reply(c, http.StatusOK, 0, "application/json", b)
}

func (s *server) reply(c *conn, status, retryAfterS int, kind string, body []byte) {
	b := fmt.Appendf(nil, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n", status, http.StatusText(status), kind, len(body))
	if retryAfterS > 0 {
		b = fmt.Appendf(b, "Retry-After: %d\r\n", retryAfterS)
	}
	s.write(c, append(append(b, "\r\n"...), body...))
}
