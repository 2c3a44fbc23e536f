package api

import (
	"context"
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

// serve puts the guarded chain behind a real listener and returns its address.
func (w *world) serve(g Guard) string {
	w.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	if g.Addr == "" {
		g.Addr = l.Addr().String()
	}
	srv := Server(w.api.Guarded(g))
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	w.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(w.t.Context()), 10*time.Second)
		defer cancel()
		if err := srv.Shutdown(ctx); err != nil {
			w.t.Errorf("shutdown: %v", err)
		}
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			w.t.Error(err)
		}
	})
	return l.Addr().String()
}

func fetch(t *testing.T, method, url string, header ...string) (int, string, *http.Response) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		if header[i] == "Host" {
			req.Host = header[i+1]
		} else {
			req.Header.Set(header[i], header[i+1])
		}
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b), res
}

func TestGuardHostAndOrigin(t *testing.T) {
	w := newWorld(t, false)
	addr := w.serve(Guard{AllowedHosts: func() []string { return []string{"bench.lan", "proxy.example:443"} }, Token: NewToken("t0ken")})
	_, port, _ := net.SplitHostPort(addr)
	auth := []string{"Authorization", "Bearer t0ken"}
	for host, want := range map[string]int{
		"127.0.0.1:" + port: 200, "localhost:" + port: 200, "LOCALHOST:" + port: 200, "[::1]:" + port: 200, "127.9.9.9:" + port: 200,
		"bench.lan:" + port: 200, "proxy.example:443": 200,
		"evil.example": 403, "evil.example:" + port: 403, "127.0.0.1": 403, "127.0.0.1:1": 403, "bench.lan:1": 403, "bench.lan": 403,
		"proxy.example": 403, "proxy.example:" + port: 403, "localhost.evil.example:" + port: 403, "10.0.0.1:" + port: 403,
	} {
		status, text, _ := fetch(t, http.MethodGet, "http://"+addr+base+"/health", append(auth, "Host", host)...)
		if status != want {
			t.Errorf("Host %s: %d, want %d: %s", host, status, want, text)
		}
	}
	own := "http://" + addr
	for _, row := range []struct {
		method string
		header []string
		want   int
	}{
		{http.MethodGet, []string{"Origin", own}, 200},
		{http.MethodGet, []string{"Origin", "http://evil.example"}, 403},
		{http.MethodGet, []string{"Origin", "null"}, 403},
		{http.MethodPost, []string{"Origin", "null"}, 403},
		{http.MethodPost, []string{"Origin", "http://evil.example"}, 403},
		{http.MethodPost, []string{"Origin", own}, 405},
		{http.MethodPost, []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{http.MethodPost, []string{"Sec-Fetch-Site", "same-origin"}, 405},
		{http.MethodGet, []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors"}, 403},
		{http.MethodGet, []string{"Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "cors"}, 403},
		{http.MethodGet, []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, 200},
		{http.MethodGet, []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe"}, 403},
		{http.MethodPost, []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, 403},
	} {
		status, text, res := fetch(t, row.method, own+base+"/health", append(auth, row.header...)...)
		if status != row.want {
			t.Errorf("%s %v: %d, want %d: %s", row.method, row.header, status, row.want, text)
		}
		if res.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Error("a permission for other origins was given")
		}
	}
}

func TestGuardSameUserNeedsNoToken(t *testing.T) {
	w := newWorld(t, false)
	addr := w.serve(Guard{Token: NewToken("t0ken")})
	if status, text, _ := fetch(t, http.MethodGet, "http://"+addr+base+"/health"); status != 200 {
		t.Fatalf("the same user is refused: %d %s", status, text)
	}
}

// A listener that is not bound to loopback asks everybody.
func TestGuardToken(t *testing.T) {
	w := newWorld(t, false)
	_, port, _ := net.SplitHostPort(w.serve(Guard{}))
	if port == "" {
		t.Fatal("no port")
	}
	g := Guard{Addr: "192.0.2.1:8000", Token: NewToken("t0ken"), Logins: NewLogins()}
	h := w.api.Guarded(g)
	ask := func(header ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, "http://127.0.0.1:8000"+base+"/health", nil)
		for i := 0; i+1 < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		return rec
	}
	for text, want := range map[string]int{"": 401, "Bearer t0ken": 200, "bearer  t0ken": 200, "Bearer t0kem": 401, "Bearer": 401,
		"Bearer ": 401, "Basic t0ken": 401, "Bearer t0ken2": 401} {
		if rec := ask("Authorization", text); rec.Code != want {
			t.Errorf("%q: %d, want %d", text, rec.Code, want)
		}
	}
	if got := ask().Header().Get("Www-Authenticate"); !strings.HasPrefix(got, "Bearer") {
		t.Errorf("WWW-Authenticate %q", got)
	}
	if rec := ask("Cookie", sessionCookie+"=guess"); rec.Code != 401 {
		t.Errorf("a guessed cookie: %d", rec.Code)
	}
	h = w.api.Guarded(Guard{Addr: "192.0.2.1:8000"})
	if rec := ask("Authorization", "Bearer "); rec.Code != 401 {
		t.Errorf("an empty token lets in: %d", rec.Code)
	}
	r := httptest.NewRequest(http.MethodGet, "http://wails"+base+"/health", nil)
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r.WithContext(InProcess(t.Context())))
	if rec.Code != 200 {
		t.Errorf("a call of our own window: %d", rec.Code)
	}
}

func TestLoginLinkWorksOnce(t *testing.T) {
	w := newWorld(t, false)
	logins := NewLogins()
	now := time.Now()
	logins.now = func() time.Time { return now }
	g := Guard{Addr: "192.0.2.1:8000", Token: NewToken("t0ken"), Logins: logins}
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		r.Host = "127.0.0.1:8000" // the guard believes in another listener, so that nobody is the same user
		w.api.Guarded(g).ServeHTTP(rw, r)
	}))
	defer srv.Close()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar}
	status := func(c *http.Client, url string) int {
		t.Helper()
		res, err := c.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		for _, c := range res.Cookies() {
			if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode {
				t.Errorf("cookie %+v", c)
			}
		}
		return res.StatusCode
	}
	link := logins.Link(srv.URL + "/")
	if got := status(browser, srv.URL+"/"); got != 401 {
		t.Errorf("before login: %d", got)
	}
	if got := status(browser, link); got != 200 {
		t.Errorf("login: %d", got)
	}
	if got := status(browser, srv.URL+base+"/health"); got != 200 {
		t.Errorf("with cookie: %d", got)
	}
	if got := status(http.DefaultClient, link); got != 401 {
		t.Errorf("the link worked twice: %d", got)
	}
	late := logins.Link(srv.URL)
	now = now.Add(linkLife + time.Second)
	if got := status(http.DefaultClient, late); got != 401 {
		t.Errorf("an old link: %d", got)
	}
	now = now.Add(sessionLife)
	if got := status(browser, srv.URL+base+"/health"); got != 401 {
		t.Errorf("an old session: %d", got)
	}
}

// A host that passes names loopback, the listener itself or an allowed name, with the listener's port.
func FuzzHost(f *testing.F) {
	for _, s := range []string{"127.0.0.1:8000", "[::1]:8000", "localhost:8000", "bench.lan:8000", "evil.example", "127.0.0.1.evil.example:8000", "[::ffff:127.0.0.1]:8000", "", ":8000", "[", "a:b:c"} {
		f.Add(s)
	}
	g := Guard{Addr: "127.0.0.1:8000", AllowedHosts: func() []string { return []string{"bench.lan"} }}
	f.Fuzz(func(t *testing.T, host string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host = host
		if g.checkHost(r) != nil {
			return
		}
		name, port, err := net.SplitHostPort(host)
		ip := net.ParseIP(name)
		if err != nil || port != "8000" || !strings.EqualFold(name, "localhost") && !strings.EqualFold(name, "bench.lan") && (ip == nil || !ip.IsLoopback()) {
			t.Errorf("%q passes: %v", host, err)
		}
	})
}
