package openai

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine/wire"
)

const (
	probeTimeout = 20 * time.Second
	maxAnswer    = 8 << 20  // of a list of models
	maxErrorBody = 64 << 10 // of an error answer
	maxMessage   = 240      // of what is kept of it
)

// modelEntry is one model of GET /models, with the context length under the names that servers use.
type modelEntry struct {
	ID          string `json:"id"`
	MaxModelLen int    `json:"max_model_len"`
	Meta        *struct {
		NCtx int `json:"n_ctx"`
	} `json:"meta"`
}

// context returns the tokens per request that the server allows, 0 when it does not say.
func (m modelEntry) context() int {
	if m.Meta != nil && m.Meta.NCtx > 0 {
		return m.Meta.NCtx
	}
	return m.MaxModelLen
}

// readModels decodes a list of models; null and an empty list are the same.
func readModels(r io.Reader) ([]modelEntry, error) {
	var list struct {
		Data *[]modelEntry `json:"data"`
	}
	if err := json.NewDecoder(io.LimitReader(r, maxAnswer)).Decode(&list); err != nil {
		return nil, fmt.Errorf("decode models: %w", err)
	}
	if list.Data == nil {
		return []modelEntry{}, nil
	}
	return *list.Data, nil
}

// probeError says in a person's words why the endpoint could not be asked.
func probeError(ctx context.Context, err error) error {
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("ask endpoint: %w", context.Canceled)
	}
	if ctx.Err() != nil {
		return &domain.Error{Kind: domain.KindTimeout, Msg: "The endpoint does not answer.", Err: err}
	}
	return &domain.Error{Kind: domain.KindUnavailable, Msg: "The endpoint cannot be reached.",
		Hint: "Is the server running, and are host and port right?", Err: err}
}

// probeStatus turns a status other than 200 of GET /models into an error with a hint.
func probeStatus(status int, text string) error {
	e := &domain.Error{Kind: domain.KindEngineFailed, Msg: "The endpoint answered " + text + "."}
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		e.Hint = "Set the endpoint's API key."
	case status == http.StatusNotFound || status == http.StatusMethodNotAllowed:
		e.Hint = "The address usually ends in /v1."
	case status >= 300 && status < 400:
		e.Hint = "The address redirects elsewhere; enter the final address."
	}
	return e
}

// answerText is a short text for an error answer: the status, and the server's message unless it
// repeats the prompt or the key.
func (e *Engine) answerText(res *wire.Response, r domain.GenRequest) string {
	status := fmt.Sprintf("HTTP %d", res.Status)
	if t := http.StatusText(res.Status); t != "" {
		status += " " + t
	}
	from, err := res.Content()
	if err != nil {
		return status
	}
	body, err := io.ReadAll(io.LimitReader(from, maxErrorBody))
	if err != nil && len(body) == 0 {
		return status
	}
	if msg := e.safe(errorMessage(body), r); msg != "" {
		return status + ": " + msg
	}
	return status
}

// errorMessage finds the message in the shapes that servers give errors; empty when there is none.
func errorMessage(body []byte) string {
	var shape struct {
		Error   json.RawMessage `json:"error"`
		Message string          `json:"message"`
		Detail  json.RawMessage `json:"detail"`
	}
	if json.Unmarshal(body, &shape) != nil {
		return ""
	}
	for _, raw := range []json.RawMessage{shape.Error, shape.Detail} {
		var text string
		if json.Unmarshal(raw, &text) == nil && text != "" {
			return text
		}
		var inner struct {
			Message string `json:"message"`
		}
		if json.Unmarshal(raw, &inner) == nil && inner.Message != "" {
			return inner.Message
		}
	}
	return shape.Message
}

// safe shortens a server's message to one line, and withholds it whole when it repeats a part of
// what was said to it, or the key: errors are stored and shown where prompts may not be.
func (e *Engine) safe(msg string, r domain.GenRequest) string {
	msg = strings.Join(strings.Fields(msg), " ")
	if e.key != "" && strings.Contains(msg, e.key) {
		return ""
	}
	if len(msg) > maxMessage {
		msg = strings.ToValidUTF8(msg[:maxMessage], "") + "…"
	}
	for _, said := range append(slices.Clip(r.History), domain.Message{Content: r.Prompt}) {
		if repeats(msg, strings.Join(strings.Fields(said.Content), " ")) {
			return ""
		}
	}
	return msg
}

// repeats reports whether a message holds twenty bytes of a text, or the whole of a shorter one.
func repeats(msg, text string) bool {
	window := min(20, len(text))
	for i := 0; window > 0 && i+window <= len(msg); i++ {
		if strings.Contains(text, msg[i:i+window]) {
			return true
		}
	}
	return false
}
