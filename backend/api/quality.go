package api

import (
	"context"
	"net/http"
	"net/url"

	"github.com/inferometer/inferometer/backend/domain"
)

func (a *API) qualityRoutes() {
	path := base + "/quality"
	add(a, read("Qualities", path, "Measurements of quality, newest first"), a.qualities,
		describe("How good the answers of models are, beside how fast they come. Records are with the single measurement."))
	add(a, command("StartQuality", http.MethodPost, path, "Measure how good a model's answers are"), a.startQuality, status(http.StatusAccepted),
		describe("Queued behind the benchmarks that wait: one engine serves one of them at a time. tasks asks 40 questions with one right answer and tells a "+
			"broken chat template as broken; perplexity needs the probabilities of a llama-server; divergence scores a reference too."))
	add(a, read("Quality", path+"/{id}", "One measurement with its answers or texts"), a.quality)
	add(a, command("CancelQuality", http.MethodPost, path+"/{id}/cancel", "Stop a measurement of quality; what was measured is kept"), a.cancelQuality)
	add(a, command("RemoveQuality", http.MethodDelete, path+"/{id}", "Forget a measurement of quality that has ended"), a.removeQuality, status(http.StatusNoContent))
}

type qualitiesInput struct {
	Kind     string `query:"kind" enum:"tasks,perplexity,divergence" doc:"Only this kind"`
	Model    string `query:"model" maxLength:"512" doc:"Only of this model id"`
	Endpoint string `query:"endpoint" maxLength:"64" doc:"Only of this endpoint"`
	Language string `query:"language" enum:"en,pt-BR" doc:"Only in this language"`
	Status   string `query:"status" enum:"queued,running,completed,failed,canceled,interrupted" doc:"Only those with this status"`
	Limit    int    `query:"limit" default:"100" minimum:"1" maximum:"500"`
}

func (a *API) qualities(ctx context.Context, in *qualitiesInput) (*list[domain.Quality], error) {
	return whole(a.svc.Qualities(ctx, domain.QualityFilter{Kind: in.Kind, Model: in.Model, Endpoint: in.Endpoint, Language: in.Language, Status: in.Status, Limit: in.Limit}))
}

type qualityInput struct{ Body domain.QualityRequest }

func (a *API) startQuality(ctx context.Context, in *qualityInput) (*created[domain.Quality], error) {
	q, err := a.svc.StartQuality(ctx, in.Body)
	return &created[domain.Quality]{Location: base + "/quality/" + url.PathEscape(q.ID), Body: q}, err
}

func (a *API) quality(ctx context.Context, in *IDInput) (*body[domain.QualityDetail], error) {
	q, err := a.svc.Quality(ctx, in.ID)
	return &body[domain.QualityDetail]{q}, err
}

func (a *API) cancelQuality(ctx context.Context, in *IDInput) (*body[domain.Quality], error) {
	q, err := a.svc.CancelQuality(ctx, in.ID)
	return &body[domain.Quality]{q}, err
}

func (a *API) removeQuality(ctx context.Context, in *IDInput) (*nothing, error) {
	return nil, a.svc.RemoveQuality(ctx, in.ID)
}
