package api

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// elsewhere serves the guarded chain as a listener does that is not bound to loopback: nobody is the same user.
func (w *world) elsewhere(g Guard) string {
	w.t.Helper()
	g.Addr = "192.0.2.1:8000"
	guarded := w.api.Guarded(g)
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		r.Host = "127.0.0.1:8000"
		guarded.ServeHTTP(rw, r)
	}))
	w.t.Cleanup(srv.Close)
	return srv.URL
}

// A new token ends everything the old one let in: itself, links, cookies, and streams that are open.
func TestANewTokenEndsTheOldOnesWork(t *testing.T) {
	w := newWorld(t, false)
	g := Guard{Token: NewToken("old"), Logins: NewLogins()}
	url := w.elsewhere(g)
	auth := func(token string) []string { return []string{"Authorization", "Bearer " + token} }
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar}
	open := func(url string) int {
		t.Helper()
		res, err := browser.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		return res.StatusCode
	}
	if got := open(g.Logins.Link(url)); got != 200 {
		t.Fatalf("login: %d", got)
	}
	link := g.Logins.Link(url)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+base+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer old")
	stream, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Body.Close()
	lines := bufio.NewReader(stream.Body)
	if text, err := lines.ReadString('\n'); err != nil || !strings.HasPrefix(text, "retry:") {
		t.Fatalf("stream %q %v", text, err)
	}

	g.Token.Replace("new")
	g.Logins.Forget()
	if _, err := io.ReadAll(lines); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("the open stream: %v", err) // it has ended, or this waits for ever
	}
	for name, row := range map[string]struct {
		header []string
		want   int
	}{"old": {auth("old"), 401}, "new": {auth("new"), 200}, "none": {nil, 401}} {
		if status, text, _ := fetch(t, http.MethodGet, url+base+"/health", row.header...); status != row.want {
			t.Errorf("%s token: %d %s", name, status, text)
		}
	}
	if got := open(url + base + "/health"); got != 401 {
		t.Errorf("the cookie of an old login: %d", got)
	}
	if got := open(link); got != 401 {
		t.Errorf("an old link: %d", got)
	}
}

func TestRotateTokenRoute(t *testing.T) {
	w := newWorld(t, false)
	n := 0
	var fails error
	w.api.rotate = func() error { n++; return fails }
	w.call(http.MethodPost, base+"/token/rotate", nil).want(http.StatusNoContent)
	fails = errors.New("the disk is full")
	w.call(http.MethodPost, base+"/token/rotate", nil).problem(http.StatusInternalServerError)
	if n != 2 {
		t.Errorf("rotated %d times", n)
	}
}

// A refused caller is not waited for: neither for a body it promised nor for its next request.
func TestRefusedConnectionsEnd(t *testing.T) {
	w := newWorld(t, false)
	addr := w.serve(Guard{Token: NewToken("t0ken")})
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "POST "+base+"/benchmarks HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 1000\r\n\r\n{"); err != nil {
		t.Fatal(err)
	}
	_ = c.SetReadDeadline(time.Now().Add(30 * time.Second))
	b, err := io.ReadAll(c)
	if err != nil || !strings.HasPrefix(string(b), "HTTP/1.1 403 ") || !strings.Contains(string(b), "Connection: close") {
		t.Errorf("%v: %s", err, b)
	}
}

func TestHeadersAreLimited(t *testing.T) {
	w := newWorld(t, false)
	addr := w.serve(Guard{})
	if status, _, _ := fetch(t, http.MethodGet, "http://"+addr+base+"/health", "X-Large", strings.Repeat("x", 80<<10)); status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("a header of 80 KiB: %d", status)
	}
	if s := Server(nil); s.ReadHeaderTimeout <= 0 || s.IdleTimeout <= 0 || s.MaxHeaderBytes > 64<<10 || s.WriteTimeout != 0 {
		t.Errorf("limits %+v", s)
	}
}

// A caller that does not read an answer does not hold it for ever; a stream lives on between its events.
func TestAnswersThatNobodyReads(t *testing.T) {
	var deadlines []time.Time
	rw := &recorded{ResponseWriter: httptest.NewRecorder(), set: func(d time.Time) { deadlines = append(deadlines, d) }}
	s := &steady{rw}
	if _, err := s.Write([]byte("a")); err != nil {
		t.Fatal(err)
	}
	if len(deadlines) != 1 || time.Until(deadlines[0]) > writeTimeout || time.Until(deadlines[0]) < writeTimeout/2 {
		t.Errorf("deadlines %v", deadlines)
	}
	if s.Unwrap() != http.ResponseWriter(rw) {
		t.Error("flushing does not reach the writer")
	}
}

type recorded struct {
	http.ResponseWriter
	set func(time.Time)
}

func (r *recorded) SetWriteDeadline(t time.Time) error { r.set(t); return nil }

// Beyond the limit a connection is told so and closed; a place that is given back is taken again.
func TestConnectionsAreLimited(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	limited := Limited(l, 2)
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }), ReadHeaderTimeout: time.Minute}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(limited) }()
	defer func() {
		_ = srv.Close()
		<-done
	}()
	ask := func() (net.Conn, string) {
		t.Helper()
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_ = c.SetDeadline(time.Now().Add(30 * time.Second))
		_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n") // one that is full does not read it
		line, _ := bufio.NewReader(c).ReadString('\n')
		return c, strings.TrimSpace(line)
	}
	first, a := ask()
	second, b := ask()
	third, c := ask()
	defer second.Close()
	defer third.Close()
	if a != "HTTP/1.1 204 No Content" || b != a || c != "HTTP/1.1 503 Service Unavailable" {
		t.Fatalf("answers %q, %q, %q", a, b, c)
	}
	first.Close()
	for end := time.Now().Add(30 * time.Second); ; { // the server has to notice
		c, line := ask()
		c.Close()
		if line == a {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("a free place is not taken: %q", line)
		}
	}
}

func TestCookieOverTLSIsSecure(t *testing.T) {
	w := newWorld(t, false)
	g := Guard{Addr: "192.0.2.1:8000", Logins: NewLogins()}
	for _, secure := range []bool{false, true} {
		r := httptest.NewRequest(http.MethodGet, g.Logins.Link("http://127.0.0.1:8000"), nil)
		if secure {
			r.TLS = &tls.ConnectionState{}
		}
		rec := httptest.NewRecorder()
		w.api.Guarded(g).ServeHTTP(rec, r.WithContext(context.Background()))
		cookies := rec.Result().Cookies()
		if rec.Code != 200 || len(cookies) != 1 || cookies[0].Secure != secure {
			t.Errorf("over TLS %v: %d %+v", secure, rec.Code, cookies)
		}
	}
	if p := (Guard{Addr: "127.0.0.1:443", TLS: true}).checkHost(httptest.NewRequest(http.MethodGet, "https://localhost/", nil)); p != nil {
		t.Errorf("the usual port of https is not known: %+v", p)
	}
}

// Every answer, whoever gives it, keeps browsers from guessing, framing and running what is in it.
func TestHeadersOfEveryAnswer(t *testing.T) {
	w := newWorld(t, true)
	addr := "http://" + w.serve(Guard{Logins: NewLogins()})
	for _, path := range []string{"/", "/docs", "/login?token=x", "/assets/app.js", "/nothing", base + "/health", base + "/nothing", base + "/benchmarks?x=1", "/metrics", "/results/average/"} {
		_, _, res := fetch(t, http.MethodGet, addr+path)
		policy := res.Header.Get("Content-Security-Policy")
		if res.Header.Get("X-Content-Type-Options") != "nosniff" || res.Header.Get("Cross-Origin-Resource-Policy") != "same-origin" ||
			res.Header.Get("X-Frame-Options") != "DENY" {
			t.Errorf("%s: headers %v", path, res.Header)
		}
		if !strings.HasPrefix(policy, "default-src 'none'") || !strings.Contains(policy, "frame-ancestors 'none'") {
			t.Errorf("%s: policy %q", path, policy)
		}
		for _, weak := range []string{"unsafe-eval", "script-src 'unsafe-inline'", "http:", "https:", "*", "style-src 'unsafe-inline'"} {
			if strings.Contains(policy, weak) {
				t.Errorf("%s: policy %q allows %s", path, policy, weak)
			}
		}
	}
	_, _, res := fetch(t, http.MethodGet, addr+base+"/health", "Host", "evil.example")
	if res.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Error("a refusal may be guessed at")
	}
}
