package api

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/inferometer/inferometer/backend/domain"
)

func (a *API) experimentRoutes() {
	path := base + "/experiments"
	add(a, command("Compare", http.MethodPost, base+"/comparisons", "Hold stored jobs against one another"), a.compare,
		describe("Each job is one value, never its requests. Intervals are of 95 % over jobs; ratios are side ÷ baseline, by Welch's t on logarithms, or "+
			"by paired ratios where all jobs are of one experiment. A verdict needs three jobs a side, or six pairs. Nothing is stored."))
	add(a, read("Distributions", base+"/distributions", "How a figure spreads over the requests of each of some jobs"), a.distributions,
		describe("The quantiles at even steps of the probability, computed from the raw records; a job without the figure has none. They show what single "+
			"requests saw, and are no ground for a verdict: the requests of one job share its luck."))
	add(a, read("Trends", base+"/trends", "One figure over time, and where it moved to another level"), a.trends,
		describe("One series for each model with the same settings on the same machine; builds, drivers and the system may change within it, and each "+
			"change of the level says what of them changed there. Changes are found by permutation of the largest t, so that a flat history gives an alarm in five of 100 cases. Takes the filters of the list of jobs; the newest 2,000 are looked at."))
	add(a, read("Experiments", path, "Experiments, newest first"), a.experiments)
	add(a, command("StartExperiment", http.MethodPost, path, "Plan jobs that belong together and measure them"), a.startExperiment, status(http.StatusAccepted),
		describe("ab queues one job for each arm in each block, in random order; the arms of a block get the same prompts. Eight pairs find a "+
			"difference of 2 % in three of four cases on a quiet machine. repeat measures one benchmark until the mean over jobs is known well "+
			"enough; it decides at planned numbers of jobs alone, so that all its intervals together hold 95 %. "+
			"sweep measures every combination of settings, block by block, and says which is best and which cannot be told from it; docs/sweeps.md. "+
			"tune looks for settings of the embedded engine that beat the default ones, by successive halving, and holds the last ones against these "+
			"in pairs of their own; docs/tuning.md. capacity looks for the most users of whom enough requests meet the objectives of a persona; "+
			"docs/capacity.md."))
	add(a, read("Personas", base+"/personas", "The kinds of users that capacity knows, with their objectives"), a.personas)
	add(a, command("EstimateExperiment", http.MethodPost, base+"/estimates", "What an experiment would find, and how long it would take"), a.estimateExperiment,
		describe("Takes the body that would start it, and starts nothing. The spread of a pair comes from jobs that were measured before with the settings of "+
			"the arms; without any it is assumed, and said to be. The power is that of the paired t test at the level that the correction over figures leaves."))
	add(a, read("Experiment", path+"/{id}", "One experiment with its comparison so far"), a.experiment)
	add(a, command("CancelExperiment", http.MethodPost, path+"/{id}/cancel", "Stop an experiment; what was measured is kept"), a.cancelExperiment)
	add(a, command("ResumeExperiment", http.MethodPost, path+"/{id}/resume", "Go on with an experiment that was stopped or failed"), a.resumeExperiment,
		describe("What failed or was canceled is measured again, then what had not been measured."))
	add(a, command("RemoveExperiment", http.MethodDelete, path+"/{id}", "Forget an experiment; its jobs stay"), a.removeExperiment, status(http.StatusNoContent))
}

type compareInput struct{ Body domain.ComparisonRequest }

func (a *API) compare(ctx context.Context, in *compareInput) (*body[domain.Comparison], error) {
	c, err := a.svc.Compare(ctx, in.Body)
	return &body[domain.Comparison]{c}, err
}

type distributionsInput struct {
	Runs   string `query:"runs" required:"true" minLength:"1" maxLength:"7000" doc:"Comma-separated ids of 1 to 100 jobs with figures"`
	Metric string `query:"metric" default:"ttft_ms" enum:"ttft_ms,itl_ms,tpot_ms,decode_tokens_per_second,e2e_ms"`
	Load   string `query:"load" maxLength:"200" doc:"The name of a stage; default: the stage that each job is spoken of by"`
	Points int    `query:"points" default:"200" minimum:"2" maximum:"200" doc:"At most so many quantiles"`
}

func (a *API) distributions(ctx context.Context, in *distributionsInput) (*list[domain.Distribution], error) {
	q := domain.DistributionQuery{Metric: in.Metric, Load: in.Load, Points: in.Points}
	for id := range strings.SplitSeq(in.Runs, ",") {
		q.Runs = append(q.Runs, domain.RunID(strings.TrimSpace(id)))
	}
	return whole(a.svc.Distributions(ctx, q))
}

func (a *API) experiments(ctx context.Context, _ *none) (*list[domain.Experiment], error) {
	return whole(a.svc.Experiments(ctx))
}

func (a *API) personas(context.Context, *none) (*list[domain.Persona], error) {
	return whole(a.svc.Personas(), nil)
}

type trendsInput struct {
	RunFilterInput
	Metric string `query:"metric" default:"decode_tokens_per_second" maxLength:"40" doc:"Which figure, as comparisons name them"`
}

func (a *API) trends(ctx context.Context, in *trendsInput) (*list[domain.Trend], error) {
	f, err := in.filter()
	if err != nil {
		return nil, err
	}
	return whole(a.svc.Trends(ctx, f, in.Metric))
}

type experimentInput struct{ Body domain.ExperimentRequest }

func (a *API) startExperiment(ctx context.Context, in *experimentInput) (*created[domain.Experiment], error) {
	e, err := a.svc.StartExperiment(ctx, in.Body)
	return &created[domain.Experiment]{Location: base + "/experiments/" + url.PathEscape(e.ID), Body: e}, err
}

func (a *API) estimateExperiment(ctx context.Context, in *experimentInput) (*body[domain.ExperimentEstimate], error) {
	e, err := a.svc.EstimateExperiment(ctx, in.Body)
	return &body[domain.ExperimentEstimate]{e}, err
}

func (a *API) experiment(ctx context.Context, in *IDInput) (*body[domain.Experiment], error) {
	e, err := a.svc.Experiment(ctx, in.ID)
	return &body[domain.Experiment]{e}, err
}

func (a *API) cancelExperiment(ctx context.Context, in *IDInput) (*body[domain.Experiment], error) {
	e, err := a.svc.CancelExperiment(ctx, in.ID)
	return &body[domain.Experiment]{e}, err
}

func (a *API) resumeExperiment(ctx context.Context, in *IDInput) (*body[domain.Experiment], error) {
	e, err := a.svc.ResumeExperiment(ctx, in.ID)
	return &body[domain.Experiment]{e}, err
}

func (a *API) removeExperiment(ctx context.Context, in *IDInput) (*nothing, error) {
	return nil, a.svc.RemoveExperiment(ctx, in.ID)
}
