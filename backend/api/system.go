package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/inferometer/inferometer/backend/domain"
)

func (a *API) systemRoutes() {
	add(a, read("Health", base+"/health", "Whether store and server are well"), a.health, unwell(a))
	add(a, read("System", base+"/system", "Machine, sensors and program"), a.system)
	add(a, read("SystemTelemetry", base+"/system/telemetry", "The newest hardware samples, outside a run too"), a.systemTelemetry)
	add(a, command("MeasureBandwidth", http.MethodPost, base+"/system/bandwidth", "Measure how fast memory is read"), a.measureBandwidth,
		describe("It takes one to two seconds; closing the request cancels it. Refused (409) while a benchmark runs or other programs use the processor. The body may be left out."))
	add(a, read("Preflight", base+"/system/preflight", "What would spoil a run now"), a.preflight)
	add(a, read("Doctor", base+"/system/doctor", "Check the installation"), a.doctor)
	add(a, read("Log", base+"/log", "The newest records of the program's log, newest first"), a.logRecords)
	add(a, read("Support", base+"/support", "A zip file with what a report about the program needs"), a.support, zipFile,
		describe("Version, machine, settings, storage and log. It holds no prompt, output, key, path or name of a person."))
	add(a, read("Settings", base+"/settings", "Every setting with its origin"), a.settings)
	add(a, command("EditSettings", http.MethodPatch, base+"/settings", "Change stored settings"), a.editSettings)
	own := command("FrontWindow", http.MethodPost, base+"/window/front", "Bring the window of this instance to the front")
	own.Own = true
	add(a, own, a.frontWindow, describe("A second start uses it. window is false when this instance shows none."))
	own = command("RotateToken", http.MethodPost, base+"/token/rotate", "Make a new token")
	own.Own = true
	add(a, own, a.rotateToken, status(http.StatusNoContent),
		describe("The old token and every login of a browser end at once, and with them what they hold open. The new token stands in the file token of the data folder; no answer holds it."))
	own = read("OpenAPI", base+"/openapi.json", "This document")
	own.Own = true
	add(a, own, a.openAPI)
	own = read("Metrics", "/metrics", "The newest sample for Prometheus")
	own.Own = true
	add(a, own, a.prometheus, plain)
}

// unwell documents that health has the same body under 503.
func unwell(a *API) func(*huma.Operation) {
	return func(o *huma.Operation) {
		o.Responses["503"] = &huma.Response{Description: "Something is wrong; reasons says what",
			Content: map[string]*huma.MediaType{"application/json": {Schema: schemaOf[domain.Health](a.schemas)}}}
	}
}

type healthOutput struct {
	Status int
	Body   domain.Health
}

func (a *API) health(ctx context.Context, _ *none) (*healthOutput, error) {
	h := a.svc.Health(ctx)
	out := &healthOutput{Status: http.StatusOK, Body: h}
	if h.Status != "ok" {
		out.Status = http.StatusServiceUnavailable
	}
	return out, nil
}

func (a *API) system(ctx context.Context, _ *none) (*body[domain.System], error) {
	s, err := a.svc.System(ctx)
	return &body[domain.System]{s}, err
}

type telemetryInput struct {
	Last string `query:"last" default:"60s" maxLength:"16" doc:"How far back, at most 1h; before the last ten minutes one sample a second, the mean of its readings" example:"60s"`
}

func (a *API) systemTelemetry(ctx context.Context, in *telemetryInput) (*list[domain.Sample], error) {
	d, err := time.ParseDuration(in.Last)
	if err != nil || d <= 0 || d > time.Hour {
		return nil, domain.Invalid("query.last", "must be a duration up to 1h, such as 60s")
	}
	return whole(a.svc.SystemTelemetry(ctx, d))
}

type bandwidthInput struct{ Body *domain.BandwidthRequest }

func (a *API) measureBandwidth(ctx context.Context, in *bandwidthInput) (*body[domain.Bandwidth], error) {
	var how domain.BandwidthRequest
	if in.Body != nil {
		how = *in.Body
	}
	b, err := a.svc.MeasureBandwidth(ctx, how)
	return &body[domain.Bandwidth]{b}, err
}

type preflightInput struct {
	WaitS float64 `query:"wait_s" minimum:"0" maximum:"300" doc:"Wait so many seconds for a quiet machine: the answer comes as soon as no check is caution or invalid" example:"30"`
}

func (a *API) preflight(ctx context.Context, in *preflightInput) (*body[domain.Preflight], error) {
	p, err := a.svc.Preflight(ctx, time.Duration(in.WaitS*float64(time.Second)))
	return &body[domain.Preflight]{p}, err
}

func (a *API) doctor(ctx context.Context, _ *none) (*body[domain.DoctorReport], error) {
	d, err := a.svc.Doctor(ctx)
	return &body[domain.DoctorReport]{d}, err
}

type logInput struct {
	Level string `query:"level" default:"info" enum:"debug,info,warn,error" doc:"The least level"`
	Limit int    `query:"limit" default:"200" minimum:"1" maximum:"1000"`
}

func (a *API) logRecords(ctx context.Context, in *logInput) (*list[domain.LogRecord], error) {
	return whole(a.svc.Log(ctx, in.Level, in.Limit))
}

// fileOutput is an answer to be saved as a file.
type fileOutput struct {
	ContentType string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	Body        []byte
}

func (a *API) support(ctx context.Context, _ *none) (*fileOutput, error) {
	b, err := a.svc.Support(ctx)
	return &fileOutput{"application/zip", `attachment; filename="inferometer-support.zip"`, b}, err
}

func zipFile(o *huma.Operation) {
	o.Responses["200"] = &huma.Response{Description: "The file", Content: map[string]*huma.MediaType{
		"application/zip": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}}}
}

func (a *API) settings(ctx context.Context, _ *none) (*body[domain.Settings], error) {
	s, err := a.svc.Settings(ctx)
	return &body[domain.Settings]{s}, err
}

type settingsInput struct{ Body domain.SettingsPatch }

func (a *API) editSettings(ctx context.Context, in *settingsInput) (*body[domain.Settings], error) {
	s, err := a.svc.EditSettings(ctx, in.Body)
	return &body[domain.Settings]{s}, err
}

// windowAnswer says whether there is a window.
type windowAnswer struct {
	Window bool `json:"window"`
}

func (a *API) frontWindow(context.Context, *none) (*body[windowAnswer], error) {
	return &body[windowAnswer]{windowAnswer{a.front != nil && a.front()}}, nil
}

func (a *API) rotateToken(context.Context, *none) (*nothing, error) {
	if a.rotate == nil {
		return nil, domain.Errorf(domain.KindConflict, "This program has no token.")
	}
	return nil, a.rotate()
}

// rawOutput is an answer whose bytes are ready.
type rawOutput struct {
	ContentType string `header:"Content-Type"`
	Body        []byte
}

func (a *API) openAPI(context.Context, *none) (*rawOutput, error) {
	return &rawOutput{"application/openapi+json", a.spec}, nil
}

func plain(o *huma.Operation) {
	o.Responses["200"] = &huma.Response{Description: "Prometheus text",
		Content: map[string]*huma.MediaType{"text/plain": {Schema: &huma.Schema{Type: huma.TypeString}}}}
}
