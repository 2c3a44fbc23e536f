package api

import (
	"context"
	"net/http"

	"github.com/inferometer/inferometer/backend/domain"
)

func (a *API) buildRoutes() {
	path := base + "/builds"
	add(a, read("Builds", path, "Builds of the embedded engine, and whether one wants to be measured"), a.builds,
		describe("A benchmark measures with the chosen build unless engine_options.build names another. The offer is there while the chosen build has no jobs and another has."))
	add(a, command("MeasureBuild", http.MethodPost, path+"/measure", "Measure a build against another over the standard suite"), a.measureBuild, status(http.StatusAccepted),
		describe("Starts an experiment for each workload of the suite, one that writes and one with a long prompt, in turns and in random order. Without a body it is what "+
			"GET builds offers. Each experiment tells its verdict as an alert of the kind build."))
}

func (a *API) builds(ctx context.Context, _ *none) (*body[domain.Builds], error) {
	out, err := a.svc.Builds(ctx)
	return &body[domain.Builds]{out}, err
}

type buildInput struct{ Body *domain.BuildRequest }

func (a *API) measureBuild(ctx context.Context, in *buildInput) (*body[[]domain.Experiment], error) {
	r := domain.BuildRequest{}
	if in.Body != nil {
		r = *in.Body
	}
	out, err := a.svc.MeasureBuild(ctx, r)
	return &body[[]domain.Experiment]{out}, err
}
