package api

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

// Guard is who may call over TCP.
type Guard struct {
	// Addr is the listener's own address as host:port, with the port that was really taken.
	Addr string
	// AllowedHosts are further names for the Host header: a name goes with the listener's port, a
	// name:port stands for itself. May be nil.
	AllowedHosts func() []string
	// TLS says that the listener speaks it.
	TLS bool
	// Token lets everybody in who is not the same user of this machine. Nil: nobody else.
	Token *Token
	// Logins issues one-time links for browsers; may be nil.
	Logins *Logins
}

type inProcessKey struct{}

// InProcess marks a context as that of a call from our own window or command line; Guarded lets it
// pass.
func InProcess(ctx context.Context) context.Context {
	return context.WithValue(ctx, inProcessKey{}, true)
}

// Guarded is the chain for a TCP listener. Use it with Server, which looks up who is calling.
func (a *API) Guarded(g Guard) http.Handler {
	return headers(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Context().Value(inProcessKey{}) != nil {
			a.handler.ServeHTTP(w, r)
			return
		}
		w = &steady{w}
		p := g.checkHost(r)
		if p == nil {
			p = checkOrigin(r)
		}
		switch {
		case p != nil:
			refuse(w, r, p)
		case r.URL.Path == "/login":
			g.login(w, r)
		case g.sameUser(r):
			a.handler.ServeHTTP(w, r)
		default:
			a.withSecret(g, w, r)
		}
	}))
}

// withSecret answers those who show the token or the cookie of a login, until the token is replaced.
func (a *API) withSecret(g Guard, w http.ResponseWriter, r *http.Request) {
	ctx, done := g.Token.during(r.Context()) // before the secret is looked at, so that none slips by while it is replaced
	defer done()
	if g.knows(r) {
		a.handler.ServeHTTP(w, r.WithContext(ctx))
		return
	}
	p := a.problem(&domain.Error{Kind: domain.KindUnauthorized, Msg: "This address asks for a token.",
		Hint: "Send Authorization: Bearer with the text of the file token in the data folder, or open the login link."})
	p.header = http.Header{"Www-Authenticate": {`Bearer realm="inferometer"`}}
	refuse(w, r, p)
}

// refuse answers and closes the connection: nothing more is read of somebody who may not call.
func refuse(w http.ResponseWriter, r *http.Request, p *Problem) {
	w.Header().Set("Connection", "close")
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(refusedTimeout)) // not every writer has one
	writeProblem(w, r, p)
}

func forbidden(detail, hint string) *Problem {
	p := newProblem(http.StatusForbidden, detail)
	p.Type, p.Hint = "urn:inferometer:forbidden", hint
	return p
}

// checkHost refuses foreign names: a page of another site can make its own name point to this
// machine, but not choose the Host header.
func (g Guard) checkHost(r *http.Request) *Problem {
	ownHost, ownPort, err := net.SplitHostPort(g.Addr)
	if err != nil {
		return forbidden("The listener does not know its own address.", "")
	}
	host, port, err := net.SplitHostPort(r.Host)
	if err != nil { // no port: the default of the scheme
		host, port = strings.Trim(r.Host, "[]"), "80"
		if g.TLS {
			port = "443"
		}
	}
	if port == ownPort {
		ip, err := netip.ParseAddr(host)
		if strings.EqualFold(host, "localhost") || err == nil && (ip.IsLoopback() || ip.String() == ownHost) {
			return nil
		}
	}
	if g.AllowedHosts != nil {
		for _, allowed := range g.AllowedHosts() {
			if strings.EqualFold(allowed, r.Host) && strings.Contains(r.Host, ":") ||
				strings.EqualFold(strings.Trim(allowed, "[]"), host) && port == ownPort {
				return nil
			}
		}
	}
	return forbidden("This host name is not served here.", "Add it to the setting allowed_hosts.")
}

// checkOrigin refuses what a page of another origin sends, reads included. Following a link from
// elsewhere to the interface is no such request.
func checkOrigin(r *http.Request) *Problem {
	refused := forbidden("Requests from another origin are refused.", "")
	if http.NewCrossOriginProtection().Check(r) != nil {
		return refused
	}
	if origin := r.Header.Get("Origin"); origin != "" {
		if u, err := url.Parse(origin); err != nil || u.Host == "" || !strings.EqualFold(u.Host, r.Host) {
			return refused
		}
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
		return nil
	}
	if r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document" {
		return nil
	}
	return refused
}

// sameUser reports whether the caller is the same user of this machine. Once the listener is bound elsewhere nobody is:
// a proxy on this machine would make everybody so.
func (g Guard) sameUser(r *http.Request) bool {
	host, _, err := net.SplitHostPort(g.Addr)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return (err == nil && ip.IsLoopback() || host == "localhost") && sameUser(r.Context())
}

// knows reports whether the caller shows token or cookie.
func (g Guard) knows(r *http.Request) bool {
	scheme, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "Bearer") && g.Token.is(strings.TrimSpace(secret)) {
		return true
	}
	c, err := r.Cookie(sessionCookie)
	return err == nil && g.Logins != nil && g.Logins.session(c.Value)
}

const (
	sessionCookie = "inferometer_session"
	linkLife      = 10 * time.Minute
	sessionLife   = 30 * 24 * time.Hour
)

// Logins issues one-time codes and keeps the sessions they opened, in memory alone.
type Logins struct {
	mu       sync.Mutex
	now      func() time.Time
	codes    map[[sha256.Size]byte]time.Time // until when
	sessions map[[sha256.Size]byte]time.Time
}

// NewLogins returns an empty set.
func NewLogins() *Logins {
	return &Logins{now: time.Now, codes: map[[sha256.Size]byte]time.Time{}, sessions: map[[sha256.Size]byte]time.Time{}}
}

// Link returns a login address under a base URL such as http://127.0.0.1:8000; it works once.
func (l *Logins) Link(baseURL string) string {
	return strings.TrimSuffix(baseURL, "/") + "/login?token=" + l.issue(l.codes, linkLife)
}

// issue makes a secret and remembers its hash for a while.
func (l *Logins) issue(set map[[sha256.Size]byte]time.Time, life time.Duration) string {
	var b [24]byte
	_, _ = rand.Read(b[:]) // never fails
	secret := base64.RawURLEncoding.EncodeToString(b[:])
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	for k, until := range set {
		if now.After(until) {
			delete(set, k)
		}
	}
	set[sha256.Sum256([]byte(secret))] = now.Add(life)
	return secret
}

// open trades a code for a session; a code works once.
func (l *Logins) open(code string) (string, bool) {
	sum := sha256.Sum256([]byte(code))
	l.mu.Lock()
	until, ok := l.codes[sum]
	delete(l.codes, sum)
	l.mu.Unlock()
	if !ok || l.now().After(until) {
		return "", false
	}
	return l.issue(l.sessions, sessionLife), true
}

// Forget ends every session and spoils every link.
func (l *Logins) Forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.codes)
	clear(l.sessions)
}

func (l *Logins) session(secret string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	until, ok := l.sessions[sha256.Sum256([]byte(secret))]
	return ok && !l.now().After(until)
}

// login sets the cookie and moves on by a page of our own: after a redirect from elsewhere a
// browser would hold a SameSite=Strict cookie back.
func (g Guard) login(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		p := newProblem(http.StatusMethodNotAllowed, `Method "`+printable(r.Method)+`" not allowed.`)
		p.header = http.Header{"Allow": {http.MethodGet}}
		writeProblem(w, r, p)
		return
	}
	var session string
	ok := false
	if g.Logins != nil {
		session, ok = g.Logins.open(r.URL.Query().Get("token"))
	}
	if !ok {
		p := newProblem(http.StatusUnauthorized, "This login link was used before or is too old.")
		p.Hint = "Ask Inferometer for a new one."
		writeProblem(w, r, p)
		return
	}
	http.SetCookie(w, &http.Cookie{Name: sessionCookie, Value: session, Path: "/", HttpOnly: true, // #nosec G124 -- Secure exactly where the connection is
		Secure: r.TLS != nil, SameSite: http.SameSiteStrictMode, MaxAge: int(sessionLife / time.Second)})
	writePage(w, http.StatusOK, []byte(`<!doctype html><meta charset="utf-8"><title>Inferometer</title>`+
		`<meta http-equiv="refresh" content="0;url=/"><p><a href="/">Go on to Inferometer</a></p>`))
}
