package api

import (
	"context"
	"net/http"
	"net/url"

	"github.com/inferometer/inferometer/backend/domain"
)

func (a *API) viewRoutes() {
	path := base + "/views"
	add(a, read("Facets", base+"/facets", "Count jobs by model, engine, dataset, tag and status"), a.facets,
		describe("Takes the filters of the list of jobs. Each count holds within all filters but its own."))
	add(a, read("Views", path, "Saved views of the results"), a.views)
	add(a, command("AddView", http.MethodPost, path, "Keep filters, order and columns as a view"), a.addView, status(http.StatusCreated))
	add(a, command("EditView", http.MethodPatch, path+"/{id}", "Change a view"), a.editView)
	add(a, command("RemoveView", http.MethodDelete, path+"/{id}", "Remove a view"), a.removeView, status(http.StatusNoContent))
}

func (a *API) facets(ctx context.Context, in *RunFilterInput) (*body[domain.Facets], error) {
	f, err := in.filter()
	if err != nil {
		return nil, err
	}
	out, err := a.svc.Facets(ctx, f)
	return &body[domain.Facets]{out}, err
}

func (a *API) views(ctx context.Context, _ *none) (*list[domain.SavedView], error) {
	return whole(a.svc.Views(ctx))
}

type addViewInput struct{ Body domain.ViewInput }

func (a *API) addView(ctx context.Context, in *addViewInput) (*created[domain.SavedView], error) {
	v, err := a.svc.AddView(ctx, in.Body)
	return &created[domain.SavedView]{Location: base + "/views/" + url.PathEscape(v.ID), Body: v}, err
}

type editViewInput struct {
	IDInput
	Body domain.ViewInput
}

func (a *API) editView(ctx context.Context, in *editViewInput) (*body[domain.SavedView], error) {
	v, err := a.svc.EditView(ctx, in.ID, in.Body)
	return &body[domain.SavedView]{v}, err
}

func (a *API) removeView(ctx context.Context, in *IDInput) (*nothing, error) {
	return nil, a.svc.RemoveView(ctx, in.ID)
}
