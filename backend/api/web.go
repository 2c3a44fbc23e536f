package api

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the page of the documentation
	"encoding/base64"
	"io/fs"
	"net/http"
	"path"
	"strings"

	"github.com/gorilla/mux"
)

//go:embed docs.html
var docsPage []byte

// What a browser may do with an answer. Nothing is fetched from elsewhere, nothing is evaluated, nobody frames it.
const (
	nothingElse = "; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	dataPolicy  = "default-src 'none'" + nothingElse
	// InterfacePolicy is that of the interface. Attributes may hold styles, as the places of points in a chart do;
	// style sheets are files.
	InterfacePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; " +
		"img-src 'self' data: blob:; font-src 'self'; connect-src 'self'" + nothingElse
)

// docsPolicy lets run and look what is in the page of the documentation, by its hashes, and nothing else.
func docsPolicy() string {
	return "default-src 'none'; connect-src 'self'; script-src " + inlineHash(docsPage, "script") + "; style-src " + inlineHash(docsPage, "style") + nothingElse
}

// inlineHash is the source expression of the one element of a page with this tag.
func inlineHash(page []byte, tag string) string {
	_, rest, _ := bytes.Cut(page, []byte("<"+tag+">"))
	text, _, _ := bytes.Cut(rest, []byte("</"+tag+">"))
	sum := sha256.Sum256(text)
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// notBuilt is shown where the interface should be when the program was built without it.
const notBuilt = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Inferometer</title>
<body>
<h1>The web interface is not part of this build</h1>
<p>The REST service works: see <a href="/docs">its documentation</a>. Build the interface with <code>make build</code>.</p>
`

// pages adds what is for people: the interface, and the documentation of the REST service.
func (a *API) pages(web fs.FS) {
	get := []string{http.MethodGet}
	policy := docsPolicy()
	a.router.Path("/docs").Methods(get...).HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		writePage(w, http.StatusOK, docsPage)
	})
	a.router.MatcherFunc(outsideAPI).Methods(get...).Handler(webHandler(web))
}

// outsideAPI keeps the interface away from the paths of the contract.
func outsideAPI(r *http.Request, _ *mux.RouteMatch) bool {
	for _, own := range []string{"/api", "/results", "/metrics", "/docs", "/login"} {
		if r.URL.Path == own || strings.HasPrefix(r.URL.Path, own+"/") {
			return false
		}
	}
	return true
}

func writePage(w http.ResponseWriter, status int, page []byte) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-cache")
	w.WriteHeader(status)
	_, _ = w.Write(page) // a caller who left cannot be told anything
}

// webHandler serves the built interface. It routes by the fragment, so "/" is its one page; files
// under assets carry a hash in their name and never change.
func webHandler(web fs.FS) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		index := []byte(nil)
		if web != nil {
			index, _ = fs.ReadFile(web, "index.html") // missing: not built
		}
		name := strings.TrimPrefix(path.Clean("/"+r.URL.Path), "/")
		switch {
		case name == "" || name == "index.html":
			if index == nil {
				writePage(w, http.StatusServiceUnavailable, []byte(notBuilt))
				return
			}
			w.Header().Set("Content-Security-Policy", InterfacePolicy)
			writePage(w, http.StatusOK, index)
		case index == nil || !isFile(web, name):
			p := newProblem(http.StatusNotFound, "There is nothing at this address.")
			writeProblem(w, r, p)
		default:
			if strings.HasPrefix(name, "assets/") {
				w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
			} else {
				w.Header().Set("Cache-Control", "no-cache")
			}
			http.ServeFileFS(w, r, web, name) // #nosec G703 -- a name within the embedded files of the interface
		}
	})
}

func isFile(web fs.FS, name string) bool {
	info, err := fs.Stat(web, name)
	return err == nil && !info.IsDir()
}
