package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/inferometer/inferometer/backend/api"
)

const (
	// portTries is how many ports after a taken one the window tries.
	portTries = 50
	stopGrace = 3 * time.Second
	// mostConnections are far more than screens and scripts keep, and far fewer than files a process may open.
	mostConnections = 512
)

// frontPath brings the window of this instance to the front.
const frontPath = "/api/v1/window/front"

// ListenOptions say where to listen.
type ListenOptions struct {
	Addr     string
	Fallback bool // a taken port is no error: the next free one is used, and said
}

// Listen opens the REST listener and begins to serve; Close ends it.
func (a *App) Listen(o ListenOptions) error {
	ln, note, err := listen(o)
	if err != nil {
		return err
	}
	token, err := loadToken(a.w.DataDir)
	if err != nil {
		return errors.Join(err, ln.Close())
	}
	a.token.Replace(token)
	encrypted, err := certificate(a.settings.TLSFiles())
	if err != nil {
		return errors.Join(err, ln.Close())
	}
	addr, scheme := ln.Addr().(*net.TCPAddr), "http://"
	if encrypted != nil {
		scheme = "https://"
	}
	a.addr.Store(&listening{url: scheme + shown(addr), port: addr.Port, note: note, loopback: addr.IP.IsLoopback(),
		outside: scheme + outside(addr), encrypted: encrypted != nil})
	srv := api.Server(a.api.Guarded(api.Guard{Addr: addr.String(), AllowedHosts: a.settings.AllowedHosts,
		TLS: encrypted != nil, Token: a.token, Logins: a.logins}))
	srv.TLSConfig, srv.ErrorLog = encrypted, slog.NewLogLogger(a.part("listener").Handler(), slog.LevelDebug)
	ctx, cancel := context.WithCancel(context.Background())
	srv.BaseContext = func(net.Listener) context.Context { return ctx }
	go func() {
		err := serveOn(srv, api.Limited(ln, mostConnections))
		if !errors.Is(err, http.ErrServerClosed) {
			a.serveErr <- fmt.Errorf("serve REST: %w", err)
		}
		close(a.serveErr)
	}()
	a.onClose("REST server", func() error {
		cancel() // ends event streams, which never end by themselves
		sctx, done := context.WithTimeout(context.Background(), stopGrace)
		defer done()
		err := srv.Shutdown(sctx)
		if errors.Is(err, context.DeadlineExceeded) {
			err = srv.Close()
		}
		return errors.Join(err, os.Remove(filepath.Join(a.w.DataDir, serverName)))
	})
	return writeServer(a.w.DataDir, serverInfo{URL: a.URL(), PID: os.Getpid(), Version: Version, CertSHA256: fingerprint(encrypted)})
}

func serveOn(srv *http.Server, ln net.Listener) error {
	if srv.TLSConfig != nil {
		return srv.ServeTLS(ln, "", "")
	}
	return srv.Serve(ln)
}

// listening is what is known of the open listener.
type listening struct {
	url, note string
	port      int
	loopback  bool   // nobody else can reach it
	outside   string // where others reach it
	encrypted bool   // it speaks TLS
}

// URL is the address of the REST server, empty when it is off.
func (a *App) URL() string {
	if l := a.addr.Load(); l != nil {
		return l.url
	}
	return ""
}

// listen opens the address, or with fallback the next free port after it.
func listen(o ListenOptions) (net.Listener, string, error) {
	ln, err := net.Listen("tcp", o.Addr)
	if err == nil {
		return ln, "", nil
	}
	host, port, serr := net.SplitHostPort(o.Addr)
	n, nerr := strconv.Atoi(port)
	if serr != nil || nerr != nil {
		return nil, "", fmt.Errorf("cannot listen on %s: the address must be HOST:PORT", o.Addr)
	}
	if !o.Fallback {
		return nil, "", fmt.Errorf("cannot listen on %s: %w", o.Addr, cause(err))
	}
	for next := n + 1; next <= n+portTries; next++ {
		if next == n+portTries || next > 65535 {
			next = 0 // any free one
		}
		ln, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(next)))
		if err == nil {
			return ln, fmt.Sprintf("Port %d is taken; now on %d.", n, ln.Addr().(*net.TCPAddr).Port), nil
		}
		if next == 0 {
			break
		}
	}
	return nil, "", fmt.Errorf("cannot listen on %s or any port after it: %w", o.Addr, cause(err))
}

// cause strips what the caller says anyway ("listen tcp 127.0.0.1:8000: bind: …").
func cause(err error) error {
	var sys *os.SyscallError
	if errors.As(err, &sys) {
		return sys.Err
	}
	return err
}

// outside is the address under which others reach the listener: that of this machine's first network
// when it listens on all of them.
func outside(addr *net.TCPAddr) string {
	if !addr.IP.IsUnspecified() {
		return addr.String()
	}
	addrs, _ := net.InterfaceAddrs() // none: only loopback is left
	for _, x := range addrs {
		if n, ok := x.(*net.IPNet); ok && n.IP.IsGlobalUnicast() && n.IP.To4() != nil {
			return net.JoinHostPort(n.IP.String(), strconv.Itoa(addr.Port))
		}
	}
	return shown(addr)
}

// shown is an address as a person opens it: a listener on all addresses is reached by loopback.
func shown(addr *net.TCPAddr) string {
	if addr.IP.IsUnspecified() {
		return net.JoinHostPort("127.0.0.1", strconv.Itoa(addr.Port))
	}
	return addr.String()
}

// ownAddress says whether an address is this program's own listener.
func (a *App) ownAddress(raw string) bool {
	l := a.addr.Load()
	u, err := url.Parse(raw)
	if l == nil || err != nil {
		return false
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	if port != strconv.Itoa(l.port) {
		return false
	}
	host := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	if name, err := os.Hostname(); err == nil && strings.EqualFold(host, name) {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && (ip.IsLoopback() || ip.IsUnspecified() || isOwnIP(ip))
}

// isOwnIP says whether an address belongs to this machine.
func isOwnIP(ip net.IP) bool {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	for _, x := range addrs {
		if n, ok := x.(*net.IPNet); ok && n.IP.Equal(ip) {
			return true
		}
	}
	return false
}
