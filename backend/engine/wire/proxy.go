package wire

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"
)

// environmentProxy takes the proxy of the environment, but never for this machine.
func environmentProxy(u *url.URL) (*url.URL, error) {
	host := u.Hostname()
	if ip := net.ParseIP(host); host == "localhost" || (ip != nil && ip.IsLoopback()) {
		return nil, nil
	}
	proxy, err := http.ProxyFromEnvironment(&http.Request{URL: u})
	if err != nil {
		return nil, fmt.Errorf("read environment: %w", err)
	}
	return proxy, nil
}

// proxyAuth is the Proxy-Authorization for a proxy's user, empty when it has none.
func proxyAuth(proxy *url.URL) string {
	if proxy.User == nil {
		return ""
	}
	password, _ := proxy.User.Password()
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(proxy.User.Username()+":"+password))
}

// secure adds what lies between the socket and HTTP: TLS to the proxy, the way through it, TLS to
// the server.
func (c *Client) secure(ctx context.Context, way net.Conn, proxy *url.URL) (net.Conn, error) {
	var err error
	if proxy != nil {
		switch proxy.Scheme {
		case "http":
		case "https":
			if way, err = handshake(ctx, way, &tls.Config{MinVersion: tls.VersionTLS12, ServerName: proxy.Hostname()}); err != nil {
				return nil, err
			}
		default:
			return nil, fmt.Errorf("the proxy's scheme %q is not supported, only http and https are", proxy.Scheme)
		}
	}
	if c.tls == nil {
		return way, nil
	}
	if proxy != nil {
		if err := c.tunnel(ctx, way, proxy); err != nil {
			return nil, fmt.Errorf("pass proxy: %w", err)
		}
	}
	return handshake(ctx, way, c.tls)
}

// tunnel asks the proxy for a way to the server (CONNECT of RFC 9110, 9.3.6).
func (c *Client) tunnel(ctx context.Context, way net.Conn, proxy *url.URL) error {
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		_ = way.SetDeadline(time.Unix(1, 0))
		close(ended)
	})
	defer func() {
		if !stop() {
			<-ended
		}
	}()
	to := address(c.base)
	ask := "CONNECT " + to + " HTTP/1.1\r\nHost: " + to + "\r\n"
	if auth := proxyAuth(proxy); auth != "" {
		ask += "Proxy-Authorization: " + auth + "\r\n"
	}
	if _, err := way.Write([]byte(ask + "\r\n")); err != nil {
		return fmt.Errorf("ask: %w", err)
	}
	h, rest, err := readHead(make([]byte, headBytes), way.Read)
	if err != nil {
		return err
	}
	if h.status != http.StatusOK {
		return fmt.Errorf("it answered HTTP %d", h.status)
	}
	if len(rest) > 0 {
		return fmt.Errorf("%w: the proxy spoke before the server", ErrMalformed)
	}
	return nil
}
