package api

import (
	"context"
	"io"
	"mime"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/service"
)

func (a *API) transferRoutes() {
	add(a, command("Import", http.MethodPost, base+"/import", "Take in a file of another tool, or of this program"), a.importFile,
		status(http.StatusCreated), importBody, alsoOK[domain.ImportResult](a, "Everything in the file was here already"),
		describe("Known are the results of vLLM bench serve, GuideLLM, AIPerf, llama-benchy, genai-bench and llama-bench, tables and "+
			"lists of single results, and what this program exports. What a file is, is found out by its content, whatever its type says. "+
			"Each run of a file becomes a job that is marked as imported."))
	add(a, read("Export", base+"/export", "Runs as a file"), a.export, exportBody,
		describe("jsonl and bundle hold every raw record and can be imported again; a bundle is a zip archive that is signed as a whole. "+
			"csv has one line a request, sqlite is a database, html a report of one file. Without ids it is everything but the trash. The answer is streamed."))
}

// exportBody documents the forms of an export.
func exportBody(o *huma.Operation) {
	o.Responses["200"] = &huma.Response{Description: "The file", Content: map[string]*huma.MediaType{
		"application/x-ndjson": {}, "text/csv": {}, "application/vnd.sqlite3": {}, "application/zip": {}, "text/html": {},
	}}
}

type exportInput struct {
	Format string   `query:"format" required:"true" enum:"jsonl,csv,sqlite,bundle,html" doc:"Layout of the file"`
	IDs    []string `query:"ids" maxItems:"1000" doc:"Ids of jobs, with commas between them; a report needs 1 to 50"`
}

func (a *API) export(ctx context.Context, in *exportInput) (*huma.StreamResponse, error) {
	q := service.ExportQuery{Format: in.Format}
	for _, id := range in.IDs {
		q.IDs = append(q.IDs, domain.RunID(id))
	}
	out, err := a.svc.Export(ctx, q)
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		hc.SetHeader("Content-Type", out.Type)
		hc.SetHeader("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": out.Name}))
		if err := out.Write(hc.Context(), hc.BodyWriter()); err != nil {
			a.log.Error("An export broke off", "format", in.Format, "error", err)
			panic(http.ErrAbortHandler) // a caller must not take half of a file for the whole
		}
	}}, nil
}

// importBody documents the forms of a file. None has a schema: the framework would read it into memory.
func importBody(o *huma.Operation) {
	o.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
		"application/octet-stream": {}, "application/json": {}, "application/x-ndjson": {}, "text/csv": {}, "application/zip": {}, "application/sql": {},
	}}
}

type importInput struct {
	File   string `query:"file" maxLength:"255" doc:"Name of the file, to be shown with the run"`
	Model  string `query:"model" maxLength:"512" doc:"Which model was measured, where the file does not say"`
	Format string `query:"format" maxLength:"40" doc:"Layout of the file; default: found out" example:"vllm"`

	body io.Reader
}

// Resolve implements huma.Resolver: it takes the body as it streams in.
func (in *importInput) Resolve(ctx huma.Context) []error {
	if ctx.Header("Content-Type") != "" { // strict has checked it; without one there is no body
		in.body = ctx.BodyReader()
	}
	return nil
}

type transferOutput struct {
	Status int
	Body   domain.ImportResult
}

func (a *API) importFile(ctx context.Context, in *importInput) (*transferOutput, error) {
	if in.body == nil {
		return nil, malformed("body", "is missing")
	}
	r, err := a.svc.Import(ctx, service.ImportUpload{File: in.File, Model: in.Model, Format: in.Format, Body: in.body})
	if err != nil {
		return nil, err
	}
	if len(r.Runs) == 0 && r.Results == 0 {
		return &transferOutput{Status: http.StatusOK, Body: r}, nil
	}
	return &transferOutput{Status: http.StatusCreated, Body: r}, nil
}
