// Package engine says what an engine is: a place that generates text and tells when each piece
// arrived. Adapters live in sub-packages, one per kind; each must pass enginetest.Suite. The
// package never decides what is sent or when.
package engine

import (
	"context"

	"github.com/inferometer/inferometer/backend/domain"
)

// Engine generates text. Implementations are safe for concurrent Generate calls.
type Engine interface {
	// Prepare starts or probes the engine so that Generate can be called, and returns what is
	// really in force. It is idempotent for an equal spec and sends no generation.
	Prepare(ctx context.Context, s domain.EngineSpec) (domain.EngineInfo, error)
	// Generate sends one request, never retries, and hands each chunk to sink on the calling
	// goroutine as its bytes arrive. The usage is valid, as far as it came, on error too.
	Generate(ctx context.Context, r domain.GenRequest, sink func(domain.Chunk)) (domain.Usage, error)
	// Models lists what the engine can serve.
	Models(ctx context.Context) ([]domain.Model, error)
	// Close ends the engine; no process of it is left behind.
	Close(ctx context.Context) error
}

// Tokenizer counts in the model's own tokens; an engine that can do so after Prepare implements it.
// Asking it is no generation.
type Tokenizer interface {
	// Tokenize returns the tokens of text alone, without a leading or closing special token.
	Tokenize(ctx context.Context, text string) ([]int, error)
}

// Scorer is an engine that can tell, after Prepare, how likely a given text is; not every one can.
type Scorer interface {
	// Score goes through a text token by token and hands each to sink with its exact log-probability given
	// the tokens before it, and with the likeliest ones there. A first token that nothing stands before is
	// left out. An error of sink ends it.
	Score(ctx context.Context, r domain.ScoreRequest, sink func(domain.TokenScore) error) error
}

// Opener is an engine that can open connections ahead; an engine whose server takes several requests
// over one implements it.
type Opener interface {
	// Open sees to it that the next n requests, begun within four seconds, find open connections.
	// It sends nothing; a failure only means that a connection is opened later.
	Open(ctx context.Context, n int)
}

// RequestError is a failed generation with its class; adapters return it from Generate.
type RequestError struct {
	Class  domain.ErrorClass
	Status int // HTTP status, 0 when none came
	Msg    string
	Err    error
}

// Error implements error.
func (e *RequestError) Error() string {
	if e.Err != nil && e.Msg != "" {
		return e.Msg + ": " + e.Err.Error()
	}
	if e.Err != nil {
		return e.Err.Error()
	}
	return e.Msg
}

// Unwrap returns the cause.
func (e *RequestError) Unwrap() error { return e.Err }
