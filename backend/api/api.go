// Package api is the REST face of the service: routes, strict reading of input, one form of error,
// server-sent events, the OpenAPI document, and the guard that stands before the TCP listener. The
// same handler serves the window in process. It holds no rule of the product: every route calls one
// operation of service.Service.
package api

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humamux"
	"github.com/gorilla/mux"

	"github.com/inferometer/inferometer/backend/service"
)

// Options are what New needs. Only Service is required for serving.
type Options struct {
	Service *service.Service
	Web     fs.FS // the built web interface; nil or without index.html: not built
	Log     *slog.Logger
	Version string
	Debug   func() bool // debug mode: problem bodies carry the chain of causes; nil: never
	Failed  func(error) // hears of every error of an operation; nil: nobody
	Front   func() bool // brings the window of this process to the front, false without one; nil: never
	// RotateToken makes a new token and ends what the old one let in; nil: there is none.
	RotateToken func() error
}

// API is the handler and its contract.
type API struct {
	svc    *service.Service
	log    *slog.Logger
	debug  func() bool
	failed func(error)
	front  func() bool
	rotate func() error

	router        *mux.Router
	huma          huma.API
	schemas       huma.Registry
	problemSchema *huma.Schema
	ops           []Op
	spec          []byte
	handler       http.Handler
}

// New builds the handler. It starts nothing.
func New(o Options) *API {
	a := &API{svc: o.Service, log: o.Log, debug: o.Debug, failed: o.Failed, front: o.Front, rotate: o.RotateToken}
	if a.log == nil {
		a.log = slog.New(slog.DiscardHandler)
	}
	a.router = mux.NewRouter().UseEncodedPath().SkipClean(true)
	a.router.Use(decodeVars)
	a.router.NotFoundHandler = http.HandlerFunc(a.notFound)
	a.router.MethodNotAllowedHandler = http.HandlerFunc(a.methodNotAllowed)
	a.huma = humamux.New(a.router, humaConfig(o.Version, a.transform))
	a.schemas = a.huma.OpenAPI().Components.Schemas
	a.problemSchema = schemaOf[Problem](a.schemas)
	a.huma.UseMiddleware(a.strict)
	a.routes()
	a.spec = a.buildSpec()
	a.pages(o.Web)
	a.handler = a.recovered(headers(headAsGet(a.options(a.router))))
	return a
}

func (a *API) routes() {
	a.benchmarkRoutes()
	a.viewRoutes()
	a.storageRoutes()
	a.transferRoutes()
	a.experimentRoutes()
	a.qualityRoutes()
	a.alertRoutes()
	a.buildRoutes()
	a.recordRoutes()
	a.resultRoutes()
	a.legacyRoutes()
	a.modelRoutes()
	a.endpointRoutes()
	a.datasetRoutes()
	a.systemRoutes()
	a.eventRoutes()
}

// Handler is the bare chain: for calls from our own window and command line, in process.
func (a *API) Handler() http.Handler { return a.handler }

func humaConfig(version string, transform huma.Transformer) huma.Config {
	if version == "" {
		version = "dev"
	}
	c := huma.DefaultConfig("Inferometer", version)
	c.Info.Description = "Benchmarks language models. Times are milliseconds or carry their unit in the name; GB is 10^9 bytes; null means not measured."
	c.OpenAPIPath, c.DocsPath, c.SchemasPath = "", "", ""
	c.CreateHooks = nil // no $schema key and no link to it in answers
	c.Transformers = []huma.Transformer{transform}
	return c
}

// transform is the last step before an answer is written: the framework's own errors take our
// form, and no list is null.
func (a *API) transform(ctx huma.Context, _ string, v any) (any, error) {
	if e, ok := v.(*huma.ErrorModel); ok {
		v = fromHuma(e)
	}
	if p, ok := v.(*Problem); ok {
		if p.Instance == "" {
			u := ctx.URL()
			p.Instance = u.Path
		}
		return p, nil
	}
	return fillLists(v), nil
}

// decodeVars undoes the percent-encoding of path parameters: ids may hold slashes and colons.
func decodeVars(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		vars := mux.Vars(r)
		for k, v := range vars {
			plain, err := url.PathUnescape(v)
			if err != nil || !utf8.ValidString(plain) || strings.ContainsRune(plain, 0) {
				writeProblem(w, r, malformed("path."+k, "is not valid UTF-8 text"))
				return
			}
			vars[k] = plain
		}
		next.ServeHTTP(w, r)
	})
}

func (a *API) notFound(w http.ResponseWriter, r *http.Request) {
	p := newProblem(http.StatusNotFound, "There is nothing at this address.")
	p.Hint = "GET " + base + "/openapi.json lists every route."
	writeProblem(w, r, p)
}

func (a *API) methodNotAllowed(w http.ResponseWriter, r *http.Request) {
	method := r.Method
	if orig, ok := r.Context().Value(headKey{}).(string); ok {
		method = orig
	}
	p := newProblem(http.StatusMethodNotAllowed, `Method "`+printable(method)+`" not allowed.`)
	p.header = http.Header{"Allow": {strings.Join(a.allowed(r), ", ")}}
	writeProblem(w, r, p)
}

// allowed lists the methods of a path, empty when there is none.
func (a *API) allowed(r *http.Request) []string {
	var methods []string
	for _, m := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		probe := r.Clone(r.Context())
		probe.Method = m
		var match mux.RouteMatch
		if !a.router.Match(probe, &match) || match.MatchErr != nil {
			continue
		}
		methods = append(methods, m)
		if m == http.MethodGet {
			methods = append(methods, http.MethodHead)
		}
	}
	if len(methods) == 0 {
		return nil
	}
	return sorted(append(methods, http.MethodOptions))
}

// options answers OPTIONS with what a path allows. There is no cross-origin permission in it.
func (a *API) options(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodOptions {
			next.ServeHTTP(w, r)
			return
		}
		methods := a.allowed(r)
		if methods == nil {
			a.notFound(w, r)
			return
		}
		w.Header().Set("Allow", strings.Join(methods, ", "))
		w.WriteHeader(http.StatusNoContent)
	})
}

// headers says that answers are never kept and never guessed at, and that a browser shows them nowhere else and runs
// nothing in them. Pages say what they need instead.
func headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Content-Security-Policy", dataPolicy)
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

type headKey struct{}

// headAsGet answers HEAD with what GET would, without the body.
func headAsGet(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodHead {
			next.ServeHTTP(w, r)
			return
		}
		get := r.WithContext(context.WithValue(r.Context(), headKey{}, r.Method))
		get.Method = http.MethodGet
		next.ServeHTTP(bodiless{w}, get)
	})
}

func isHead(ctx context.Context) bool { return ctx.Value(headKey{}) != nil }

type bodiless struct{ http.ResponseWriter }

func (b bodiless) Write(p []byte) (int, error) { return len(p), nil }

func (b bodiless) Unwrap() http.ResponseWriter { return b.ResponseWriter }

// recovered turns a panic into a 500 with an id. Once an answer has begun it can only be cut.
func (a *API) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t := &tracker{ResponseWriter: w}
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(v)
			}
			p := a.fault(panicError{v})
			if !t.begun {
				writeProblem(w, r, p)
			}
		}()
		next.ServeHTTP(t, r)
	})
}

// tracker knows whether an answer has begun.
type tracker struct {
	http.ResponseWriter
	begun bool
}

func (t *tracker) WriteHeader(code int) {
	t.begun = true
	t.ResponseWriter.WriteHeader(code)
}

func (t *tracker) Write(p []byte) (int, error) {
	t.begun = true
	return t.ResponseWriter.Write(p)
}

func (t *tracker) Unwrap() http.ResponseWriter { return t.ResponseWriter }

func newID() string {
	var b [6]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}
