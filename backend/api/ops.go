package api

import (
	"context"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// Kind says whether an operation changes anything.
type Kind string

// The kinds of operation.
const (
	Read    Kind = "read"
	Command Kind = "command"
)

// Op is one row of the contract: an operation of the service and the route that reaches it.
type Op struct {
	Name    string // the method of service.Service, or of this package where Own is set
	Method  string
	Path    string // a template with {name} parts
	Kind    Kind
	Summary string
	Own     bool // answered by this package alone, without an operation of the service
	Hidden  bool // a second spelling of another row; not in the OpenAPI document
}

// Ops returns every row of the contract in the order of the OpenAPI document. Web interface,
// login and documentation pages are no operations and are not in it.
func Ops() []Op { return New(Options{}).ops }

const base = "/api/v1"

// read and command build rows.
func read(name, path, summary string) Op {
	return Op{Name: name, Method: http.MethodGet, Path: path, Kind: Read, Summary: summary}
}

func command(name, method, path, summary string) Op {
	return Op{Name: name, Method: method, Path: path, Kind: Command, Summary: summary}
}

// add registers a row with its handler. Every error of a handler becomes a Problem.
func add[I, O any](a *API, op Op, h func(context.Context, *I) (*O, error), more ...func(*huma.Operation)) {
	a.ops = append(a.ops, op)
	o := huma.Operation{
		OperationID: strings.ToLower(op.Name[:1]) + op.Name[1:],
		Method:      op.Method, Path: op.Path, Summary: op.Summary, Hidden: op.Hidden,
		Tags: []string{tagOf(op.Path)},
		// Body limits and deadlines are strict's part; a deadline of the framework would stay on
		// the connection and cut a caller who waits.
		MaxBodyBytes: -1, BodyReadTimeout: -1,
		Responses: map[string]*huma.Response{"default": {
			Description: "A problem",
			Content:     map[string]*huma.MediaType{problemType: {Schema: a.problemSchema}},
		}},
	}
	for _, f := range more {
		f(&o)
	}
	huma.Register(a.huma, o, func(ctx context.Context, in *I) (*O, error) {
		out, err := h(ctx, in)
		if err != nil {
			return nil, a.problem(err)
		}
		return out, nil
	})
}

// tagOf groups routes by their noun.
func tagOf(path string) string {
	parts := strings.Split(strings.TrimPrefix(strings.TrimPrefix(path, base), "/"), "/")
	return parts[0]
}

func status(code int) func(*huma.Operation) {
	return func(o *huma.Operation) { o.DefaultStatus = code }
}

// named gives an operation another id than that of its method, where a method has two routes.
func named(id string) func(*huma.Operation) {
	return func(o *huma.Operation) { o.OperationID = id }
}

func describe(text string) func(*huma.Operation) {
	return func(o *huma.Operation) { o.Description = text }
}

// body is an answer that has nothing but a body.
type body[T any] struct{ Body T }

// nothing is the answer of a command that has none: 204.
type nothing struct{}

// none is the input of an operation that takes nothing.
type none struct{}

// IDInput names one thing by its id. Parts that are embedded must be exported for the framework to
// see them.
type IDInput struct {
	ID string `path:"id" maxLength:"512" doc:"Id, percent-encoded"`
}
