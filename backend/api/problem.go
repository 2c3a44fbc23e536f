package api

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/inferometer/inferometer/backend/domain"
)

const problemType = "application/problem+json"

// Problem is the body of every error: RFC 9457 with a hint and the fields at fault. It never
// repeats a value that the caller sent, which may hold a prompt or a key.
type Problem struct {
	Type     string              `json:"type" doc:"about:blank, or urn:inferometer:KIND"`
	Title    string              `json:"title" doc:"The HTTP status in words"`
	Status   int                 `json:"status"`
	Detail   string              `json:"detail" doc:"One sentence for a person"`
	Instance string              `json:"instance" doc:"The path that was asked; for an internal fault an id that the log holds too"`
	Hint     string              `json:"hint" doc:"What to do about it; may be empty"`
	Errors   []domain.FieldError `json:"errors" doc:"The fields at fault"`
	// Legacy is the text under the key that a client of the seed's average route reads.
	Legacy string   `json:"error,omitempty" doc:"The seed's text for an unreadable time"`
	Causes []string `json:"causes,omitempty" doc:"The chain of causes; in debug mode only"`

	header http.Header
}

// Error implements error.
func (p *Problem) Error() string { return p.Detail }

// GetStatus implements huma.StatusError.
func (p *Problem) GetStatus() int { return p.Status }

// GetHeaders implements huma.HeadersError.
func (p *Problem) GetHeaders() http.Header { return p.header }

// ContentType implements huma.ContentTypeFilter.
func (p *Problem) ContentType(string) string { return problemType }

// statusOf is the one table of kinds and statuses.
func statusOf(k domain.Kind) int {
	switch k {
	case domain.KindMalformed:
		return http.StatusBadRequest
	case domain.KindInvalid, domain.KindUnsupported:
		return http.StatusUnprocessableEntity
	case domain.KindUnauthorized:
		return http.StatusUnauthorized
	case domain.KindForbidden:
		return http.StatusForbidden
	case domain.KindNotFound:
		return http.StatusNotFound
	case domain.KindConflict:
		return http.StatusConflict
	case domain.KindTooLarge:
		return http.StatusRequestEntityTooLarge
	case domain.KindMediaType:
		return http.StatusUnsupportedMediaType
	case domain.KindEngineFailed:
		return http.StatusBadGateway
	case domain.KindUnavailable:
		return http.StatusServiceUnavailable
	case domain.KindTimeout:
		return http.StatusGatewayTimeout
	case domain.KindNotReady:
		return http.StatusNotImplemented
	}
	return http.StatusInternalServerError
}

func newProblem(status int, detail string, fields ...domain.FieldError) *Problem {
	if fields == nil {
		fields = []domain.FieldError{}
	}
	return &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status,
		Detail: detail, Errors: fields}
}

// problem turns an error of an operation into the body that the caller sees. The cause of an
// internal fault goes to the log under an id; the caller gets the id alone.
func (a *API) problem(err error) *Problem {
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	if a.failed != nil {
		a.failed(err)
	}
	var e *domain.Error
	if !errors.As(err, &e) || statusOf(e.Kind) == http.StatusInternalServerError {
		if errors.Is(err, context.Canceled) { // the caller has left, or the program closes: no fault of it
			return newProblem(http.StatusServiceUnavailable, "This was not done: the request was given up, or the program is closing.")
		}
		return a.fault(err)
	}
	p = newProblem(statusOf(e.Kind), e.Msg, e.Fields...)
	p.Type, p.Hint = "urn:inferometer:"+string(e.Kind), e.Hint
	if e.Kind == domain.KindUnavailable {
		p.header = http.Header{"Retry-After": {"5"}}
		a.log.Warn("An operation was not possible", slog.Any("error", err))
	}
	p.Causes = a.causes(err)
	return p
}

// fault logs an internal fault and answers with its id.
func (a *API) fault(err error) *Problem {
	id := newID()
	a.log.Error("Internal fault", slog.String("id", id), slog.Any("error", err))
	p := newProblem(http.StatusInternalServerError, "Something went wrong inside Inferometer.")
	p.Type, p.Instance = "urn:inferometer:internal", "urn:inferometer:fault:"+id
	p.Hint = "The log holds the cause under the id " + id + "."
	p.Causes = a.causes(err)
	return p
}

func (a *API) causes(err error) []string {
	if a.debug == nil || !a.debug() {
		return nil
	}
	var chain []string
	for ; err != nil; err = errors.Unwrap(err) {
		chain = append(chain, err.Error())
	}
	return chain
}

// fromHuma turns what the framework found wrong into our body, without the values it holds.
func fromHuma(e *huma.ErrorModel) *Problem {
	p := newProblem(e.Status, "Some values are not valid.")
	if e.Status == http.StatusBadRequest {
		p.Detail = "The request cannot be read."
	}
	for _, d := range e.Errors {
		message := d.Message
		if strings.HasPrefix(message, "json:") {
			message = "has the wrong type"
		}
		p.Errors = append(p.Errors, domain.FieldError{Location: d.Location, Message: message})
	}
	if len(p.Errors) == 0 {
		p.Errors = append(p.Errors, domain.FieldError{Location: "body", Message: e.Detail})
	}
	return p
}

// writeProblem is the one writer of errors outside the framework's own path.
func writeProblem(w http.ResponseWriter, r *http.Request, p *Problem) {
	if p.Instance == "" {
		p.Instance = r.URL.Path
	}
	for k, v := range p.header {
		w.Header()[k] = v
	}
	w.Header().Set("Content-Type", problemType)
	w.WriteHeader(p.Status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(p) // the status is sent; a caller who left cannot be told anything
}
