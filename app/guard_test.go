package app

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func tokenIn(t *testing.T, dir string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, tokenName))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(b))
}

// asks makes a call with a token over a client of its own and returns the status.
func asks(t *testing.T, c *http.Client, method, url, token string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body)
	return res.StatusCode
}

// Bound beyond loopback everybody is asked, the same user too, and told that nothing is encrypted.
func TestBeyondLoopbackAndRotation(t *testing.T) {
	dir := t.TempDir()
	p := serveWith(t, dir, nil, "--addr", "0.0.0.0:0")
	if errs := p.err.String(); !strings.Contains(errs, "/login?token=") || !strings.Contains(errs, "--tls-cert") {
		t.Errorf("standard error says %q", errs)
	}
	health := p.url + "/api/v1/health"
	old := tokenIn(t, dir)
	c := &http.Client{}
	for token, want := range map[string]int{"": 401, "x": 401, old: 200} {
		if got := asks(t, c, http.MethodGet, health, token); got != want {
			t.Errorf("token %q: %d", token, got)
		}
	}
	code, out, errs := verb(t, dir, "token", "rotate")
	next := tokenIn(t, dir)
	if code != 0 || next == old || len(next) < fewestTokenChars || strings.Contains(out+errs, next) {
		t.Fatalf("rotate ended with %d, %q %q", code, out, errs)
	}
	if info, err := os.Stat(filepath.Join(dir, tokenName)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("token file %v %v", info, err)
	}
	for token, want := range map[string]int{old: 401, next: 200} {
		if got := asks(t, c, http.MethodGet, health, token); got != want {
			t.Errorf("after rotation: token %q: %d, want %d", token, got, want)
		}
	}
	if code, _, errs := verb(t, dir, "list"); code != 0 {
		t.Errorf("our own verbs do not know the new token: %s", errs)
	}
}

// selfSigned writes a certificate and its key, and returns the paths and the certificate.
func selfSigned(t *testing.T) (cert, key string, x *x509.Certificate) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "bench.lan"}, DNSNames: []string{"bench.lan"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	x, err = x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key, x
}

func TestTLSWithAGivenCertificate(t *testing.T) {
	cert, key, x := selfSigned(t)
	dir := t.TempDir()
	p := serveWith(t, dir, []string{"INFEROMETER_ALLOWED_HOSTS=bench.lan"}, "--addr", "0.0.0.0:0", "--tls-cert", cert, "--tls-key", key)
	if !strings.HasPrefix(p.url, "https://127.0.0.1:") || strings.Contains(p.err.String(), "--tls-cert") {
		t.Fatalf("address %s, standard error %q", p.url, p.err)
	}
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(p.url, "https://"))
	roots := x509.NewCertPool()
	roots.AddCert(x)
	dial := func(r *http.Transport) *http.Transport {
		r.ForceAttemptHTTP2 = true
		return r
	}
	c := &http.Client{Transport: dial(&http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "bench.lan", MinVersion: tls.VersionTLS12}})}
	defer c.CloseIdleConnections()
	token := tokenIn(t, dir)
	if got := asks(t, c, http.MethodGet, p.url+"/api/v1/health", token); got != 200 {
		t.Errorf("with token over TLS: %d", got)
	}
	if got := asks(t, c, http.MethodGet, p.url+"/api/v1/health", ""); got != 401 {
		t.Errorf("without token over TLS: %d", got)
	}
	if got := asks(t, &http.Client{}, http.MethodGet, "http://127.0.0.1:"+port+"/api/v1/health", token); got != 400 {
		t.Errorf("plain http: %d", got)
	}
	old := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "bench.lan", MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}}}
	if res, err := old.Get(p.url + "/api/v1/health"); err == nil {
		res.Body.Close()
		t.Error("TLS 1.1 is spoken")
	}
	// Our own verbs know the certificate by server.json, though its name is another one.
	if code, _, errs := verb(t, dir, "list"); code != 0 {
		t.Errorf("list over TLS: %s", errs)
	}
	_, _, stranger := selfSigned(t)
	if err := onlyCertificate(certSum(stranger)).VerifyConnection(tls.ConnectionState{PeerCertificates: []*x509.Certificate{x}}); err == nil {
		t.Error("another certificate is trusted")
	}
}

func TestWrongCertificatesAreToldAtOnce(t *testing.T) {
	cert, key, _ := selfSigned(t)
	_, other, _ := selfSigned(t)
	for name, flags := range map[string][]string{
		"no key":       {"--tls-cert", cert},
		"no file":      {"--tls-cert", cert + ".gone", "--tls-key", key},
		"another key":  {"--tls-cert", cert, "--tls-key", other},
		"key for both": {"--tls-cert", key, "--tls-key", key},
	} {
		code, out, errs := verb(t, t.TempDir(), append([]string{"serve", "--addr", "127.0.0.1:0"}, flags...)...)
		if code != 1 || out != "" || strings.Count(errs, "\n") != 1 || !strings.Contains(errs, "certificate") {
			t.Errorf("%s: %d %q %q", name, code, out, errs)
		}
	}
}

// A person may put a token of their own into the file; one that others could read is closed to them.
func TestTokenFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, tokenName)
	own := strings.Repeat("k", fewestTokenChars)
	if err := os.WriteFile(path, []byte(own+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	got, err := loadToken(dir)
	info, serr := os.Stat(path)
	if err != nil || serr != nil || got != own || info.Mode().Perm() != 0o600 {
		t.Errorf("token %q %v, file %v %v", got, err, info.Mode(), serr)
	}
	if err := os.WriteFile(path, []byte("short\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := loadToken(dir); err != nil || got == "short" || got != tokenIn(t, dir) {
		t.Errorf("a short token became %q %v", got, err)
	}
}
