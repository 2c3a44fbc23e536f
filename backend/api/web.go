package api

import (
	_ "embed"
	"io/fs"
	"net/http"
	"path"
	"strings"

	"github.com/gorilla/mux"
)

//go:embed docs.html
var docsPage []byte

// notBuilt is shown where the interface should be when the program was built without it.
const notBuilt = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Inferometer</title>
<body style="font:16px system-ui;max-width:40em;margin:4em auto;padding:0 1em">
<h1>The web interface is not part of this build</h1>
<p>The REST service works: see <a href="/docs">its documentation</a>. Build the interface with <code>make build</code>.</p>
`

// pages adds what is for people: the interface, and the documentation of the REST service.
func (a *API) pages(web fs.FS) {
	get := []string{http.MethodGet}
	a.router.Path("/docs").Methods(get...).HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'none'; connect-src 'self'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'")
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
	h.Set("X-Content-Type-Options", "nosniff")
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
			h := w.Header()
			h.Set("Content-Security-Policy", "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; object-src 'none'")
			h.Set("Referrer-Policy", "no-referrer")
			writePage(w, http.StatusOK, index)
		case index == nil || !isFile(web, name):
			p := newProblem(http.StatusNotFound, "There is nothing at this address.")
			writeProblem(w, r, p)
		default:
			w.Header().Set("X-Content-Type-Options", "nosniff")
			if strings.HasPrefix(name, "assets/") {
				w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
			} else {
				w.Header().Set("Cache-Control", "no-cache")
			}
			http.ServeFileFS(w, r, web, name)
		}
	})
}

func isFile(web fs.FS, name string) bool {
	info, err := fs.Stat(web, name)
	return err == nil && !info.IsDir()
}
