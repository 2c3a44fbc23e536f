package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/inferometer/inferometer/backend/domain"
)

func (a *API) resultRoutes() {
	add(a, read("AverageResults", base+"/results/average", "Averages over successful results"), a.averageResults,
		describe("Times in ms. Each average is the exact quotient of integer sums; counts says over how many results. Intervals are 95 % t intervals of the means over requests: they take requests as independent and say nothing of how runs differ; null below two values."))
	add(a, read("Results", base+"/results", "The records behind the averages, newest first"), a.results)
}

// ResultInput narrows averages and records.
type ResultInput struct {
	Start   string `query:"start" maxLength:"64" doc:"From this time on; ISO 8601"`
	End     string `query:"end" maxLength:"64" doc:"Up to and with this time; ISO 8601"`
	Model   string `query:"model" maxLength:"512"`
	Engine  string `query:"engine" maxLength:"64"`
	Dataset string `query:"dataset" maxLength:"128"`
	Tag     string `query:"tag" maxLength:"100"`
	Sample  string `query:"sample" enum:"only,exclude" doc:"Demonstration data of debug mode alone, or never"`
}

func (in *ResultInput) filter() domain.ResultFilter {
	return domain.ResultFilter{Model: in.Model, Engine: in.Engine, Dataset: in.Dataset, Tag: in.Tag, Sample: in.Sample}
}

func (a *API) averageResults(ctx context.Context, in *ResultInput) (*body[domain.Averages], error) {
	w, err := windowOf(in.Start, in.End)
	if err != nil {
		return nil, err
	}
	avg, err := a.svc.AverageResults(ctx, w, in.filter())
	return &body[domain.Averages]{avg}, err
}

type resultsInput struct {
	PageInput
	ResultInput
}

func (a *API) results(ctx context.Context, in *resultsInput) (*list[domain.Result], error) {
	w, err := windowOf(in.Start, in.End)
	if err != nil {
		return nil, err
	}
	offset, err := in.offset()
	if err != nil {
		return nil, err
	}
	page, err := a.svc.Results(ctx, w, in.filter(), in.Limit, offset)
	if err != nil {
		return nil, err
	}
	return byOffset(&in.PageInput, page, offset), nil
}

// The texts of the seed's routes, which its clients may compare.
const (
	legacyBadTime  = "Invalid date format. Use ISO 8601 format."
	legacyNothing  = "No benchmarking results found in the specified time range."
	legacyNotReady = "This feature is not ready for live yet."
)

func (a *API) legacyRoutes() {
	all := read("LegacyAverage", "/results/average/", "The seed's averages over everything")
	window := read("LegacyAverage", "/results/average/{start}/{end}/", "The seed's averages over a window, both ends included")
	second := func(op Op) Op {
		op.Path, op.Hidden = op.Path[:len(op.Path)-1], true
		return op
	}
	add(a, all, a.legacyAll)
	add(a, second(all), a.legacyAll)
	add(a, window, a.legacyWindow, named("legacyAverageWindow"))
	add(a, second(window), a.legacyWindow, named("legacyAverageWindow"))
}

// LegacyInput is the query of the seed routes.
type LegacyInput struct {
	Sample string `query:"sample" enum:"only,exclude" doc:"Demonstration data alone, or never"`
}

type legacyWindowInput struct {
	LegacyInput
	Start string `path:"start" doc:"ISO 8601; without a zone it is UTC"`
	End   string `path:"end" doc:"ISO 8601; without a zone it is UTC"`
}

// LegacyAverages are the four keys of the seed.
type LegacyAverages struct {
	TokenCount       *float64 `json:"avg_token_count"`
	TimeToFirstToken *float64 `json:"avg_time_to_first_token" doc:"ms"`
	TimePerToken     *float64 `json:"avg_time_per_output_token" doc:"ms"`
	TotalTime        *float64 `json:"avg_total_generation_time" doc:"ms"`
}

func (a *API) legacyAll(ctx context.Context, in *LegacyInput) (*body[LegacyAverages], error) {
	return a.legacy(ctx, in, func() (*domain.Window, error) { return nil, nil })
}

func (a *API) legacyWindow(ctx context.Context, in *legacyWindowInput) (*body[LegacyAverages], error) {
	return a.legacy(ctx, &in.LegacyInput, func() (*domain.Window, error) {
		start, err := ParseTime(in.Start)
		if err != nil {
			return nil, badTime("path.start", err)
		}
		end, err := ParseTime(in.End)
		if err != nil {
			return nil, badTime("path.end", err)
		}
		return &domain.Window{Start: &start, End: &end}, nil
	})
}

func badTime(location string, err error) error {
	return &domain.Error{Kind: domain.KindMalformed, Msg: legacyBadTime, Err: err,
		Fields: []domain.FieldError{{Location: location, Message: "must be an ISO 8601 time"}}}
}

func (a *API) legacy(ctx context.Context, in *LegacyInput, parse func() (*domain.Window, error)) (*body[LegacyAverages], error) {
	avg, err := a.svc.LegacyAverage(ctx, parse, domain.ResultFilter{Sample: in.Sample})
	if err != nil {
		return nil, a.legacyProblem(err)
	}
	return &body[LegacyAverages]{LegacyAverages{avg.TokenCount, avg.TimeToFirstToken, avg.TimePerToken, avg.TotalTime}}, nil
}

// legacyProblem is a problem whose texts are the seed's own.
func (a *API) legacyProblem(err error) error {
	var e *domain.Error
	if !errors.As(err, &e) {
		return err
	}
	p := a.problem(err)
	switch p.Status {
	case http.StatusBadRequest:
		p.Detail, p.Legacy = legacyBadTime, legacyBadTime
	case http.StatusNotFound:
		p.Detail = legacyNothing
	case http.StatusNotImplemented:
		p.Detail = legacyNotReady
	}
	return p
}
