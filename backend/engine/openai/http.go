package openai

import (
	"context"
	"errors"
	"net/http"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine/remote"
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

// models reads GET /models; null and an empty list are the same.
func (e *Engine) models(ctx context.Context) ([]modelEntry, error) {
	var list struct {
		Data []modelEntry `json:"data"`
	}
	err := e.remote.Ask(ctx, remote.Question{Method: http.MethodGet, Path: e.version + "/models", Out: &list})
	var failed *domain.Error
	if errors.As(err, &failed) && failed.Kind == domain.KindEngineFailed {
		switch remote.StatusOf(err) {
		case 0, http.StatusNotFound, http.StatusMethodNotAllowed: // 0: it answered, but no list
			failed.Hint = "The address usually ends in /v1."
		}
	}
	return list.Data, err
}
