package wire_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/inferometer/inferometer/backend/engine/wire"
)

// secureServer is an https server, and the configuration that trusts it.
func secureServer(t *testing.T) (*url.URL, *tls.Config) {
	t.Helper()
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = w.Write(append([]byte(r.Proto+" "), body...))
	}))
	t.Cleanup(s.Close)
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	return u, &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	u, config := secureServer(t)
	c := wire.New(wire.Options{Base: u, TLS: config})
	t.Cleanup(c.Close)
	if n, err := c.Open(t.Context(), 3); n != 3 || err != nil {
		t.Fatalf("Open = %d, %v", n, err)
	}
	for range 5 {
		if body, _, err := whole(t, c, post("hello")); err != nil || body != "HTTP/1.1 hello" {
			t.Errorf("%q, %v", body, err)
		}
	}
	if n, err := c.Open(t.Context(), 0); n != 3 || err != nil {
		t.Errorf("%d connections are kept, %v; want the 3 that were opened", n, err)
	}
	if _, err := wire.New(wire.Options{Base: u}).Do(t.Context(), post("x")); err == nil || !strings.Contains(err.Error(), "connect: ") {
		t.Errorf("an unknown certificate: %v", err)
	}
}

// proxy is a proxy of a test: it tunnels, and answers plain requests itself.
func proxy(t *testing.T, user string) (p *url.URL, tunnels, plain *atomic.Int64) {
	tunnels, plain = new(atomic.Int64), new(atomic.Int64)
	s := serve(t, func(c net.Conn, r *bufio.Reader, _ int) {
		for req := ask(r); req != nil; req = ask(r) {
			if user != "" && req.Header.Get("Proxy-Authorization") == "" {
				_, _ = io.WriteString(c, "HTTP/1.1 407 Who\r\nContent-Length: 0\r\n\r\n")
				return
			}
			if req.Method != http.MethodConnect {
				plain.Add(1)
				answer := req.URL.String() + " for " + req.Host
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: "+strconv.Itoa(len(answer))+"\r\n\r\n"+answer)
				continue
			}
			tunnels.Add(1)
			to, err := net.Dial("tcp", req.Host)
			if err != nil {
				return
			}
			defer to.Close()
			_, _ = io.WriteString(c, "HTTP/1.1 200 Connection established\r\n\r\n")
			back := make(chan struct{})
			go func() {
				defer close(back)
				_, _ = io.Copy(c, to)
				c.Close()
			}()
			_, _ = io.Copy(to, r)
			to.Close()
			<-back
			return
		}
	})
	p = &url.URL{Scheme: "http", Host: s.url.Host}
	if user != "" {
		p.User = url.UserPassword(user, "secret")
	}
	return p, tunnels, plain
}

func TestProxy(t *testing.T) {
	t.Parallel()
	target, config := secureServer(t)
	for _, user := range []string{"", "me"} {
		p, tunnels, plain := proxy(t, user)
		through := func(*url.URL) (*url.URL, error) { return p, nil }

		c := wire.New(wire.Options{Base: target, TLS: config, Proxy: through})
		for range 2 {
			if body, _, err := whole(t, c, post("hello")); err != nil || body != "HTTP/1.1 hello" || tunnels.Load() != 1 {
				t.Errorf("https: %q, %v, %d tunnels", body, err, tunnels.Load())
			}
		}
		c.Close()

		far := &url.URL{Scheme: "http", Host: "far.example:81"}
		c = wire.New(wire.Options{Base: far, Proxy: through})
		if body, _, err := whole(t, c, post("hello")); err != nil || body != "http://far.example:81/v1/x for far.example:81" || plain.Load() != 1 {
			t.Errorf("http: %q, %v", body, err)
		}
		c.Close()
	}

	p, _, _ := proxy(t, "me")
	p.User = nil
	c := wire.New(wire.Options{Base: target, TLS: config, Proxy: func(*url.URL) (*url.URL, error) { return p, nil }})
	if _, err := c.Do(t.Context(), post("x")); err == nil || !strings.Contains(err.Error(), "407") {
		t.Errorf("without a password: %v", err)
	}
	p.Scheme = "socks5"
	if _, err := c.Do(t.Context(), post("x")); err == nil || !strings.Contains(err.Error(), "socks5") {
		t.Errorf("socks: %v", err)
	}
}
