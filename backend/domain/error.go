package domain

import (
	"errors"
	"fmt"
)

// Kind classes an error by what the caller can do about it; the HTTP face maps it to a status.
type Kind string

// The kinds of error; api/problem.go holds the table of their HTTP statuses.
const (
	KindMalformed    Kind = "malformed"     // 400: the input cannot be read at all
	KindInvalid      Kind = "invalid"       // 422: readable, but a value is out of range or unknown
	KindUnauthorized Kind = "unauthorized"  // 401
	KindForbidden    Kind = "forbidden"     // 403
	KindNotFound     Kind = "not_found"     // 404
	KindConflict     Kind = "conflict"      // 409
	KindTooLarge     Kind = "too_large"     // 413
	KindMediaType    Kind = "media_type"    // 415
	KindUnsupported  Kind = "unsupported"   // 422: understood, but not built or not possible here
	KindEngineFailed Kind = "engine_failed" // 502
	KindUnavailable  Kind = "unavailable"   // 503
	KindTimeout      Kind = "timeout"       // 504
	KindNotReady     Kind = "not_ready"     // 501: switched off by configuration
	KindInternal     Kind = "internal"      // 500: a fault of ours; the cause goes to the log only
)

// FieldError names one field of the input and says what is wrong with it. Location follows
// problem+json: "body.max_tokens", "query.limit", "path.job_id". Message never repeats the value,
// which may hold a prompt or a key.
type FieldError struct {
	Location string `json:"location"`
	Message  string `json:"message"`
}

// Error is what every service operation returns when it fails.
type Error struct {
	Kind   Kind
	Msg    string       // one sentence for a person
	Hint   string       // what to do about it; may be empty
	Fields []FieldError // the fields at fault; may be empty
	Err    error        // the cause; shown only in the log and in debug mode
	// LogTail holds the last lines of the engine's log when the engine is what failed.
	LogTail string
}

// Error implements error.
func (e *Error) Error() string {
	if e.Err != nil {
		return e.Msg + ": " + e.Err.Error()
	}
	return e.Msg
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Errorf builds an Error without a cause.
func Errorf(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Msg: fmt.Sprintf(format, args...)}
}

// Invalid builds a KindInvalid error about one field of the body, for example
// Invalid("body.max_tokens", "must be 1 to 32768").
func Invalid(location, message string) *Error {
	return &Error{Kind: KindInvalid, Msg: "Some values are not valid.",
		Fields: []FieldError{{Location: location, Message: message}}}
}

// KindOf returns the kind of err, KindInternal when it is not one of ours.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return KindInternal
}
