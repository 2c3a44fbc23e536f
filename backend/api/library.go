package api

import (
	"cmp"
	"context"
	"io"
	"mime"
	"net/http"
	"net/url"

	"github.com/danielgtaylor/huma/v2"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/service"
)

func (a *API) modelRoutes() {
	add(a, read("Models", base+"/models", "Installed and reachable models, or the rest of the catalogue"), a.models)
	add(a, command("AddModel", http.MethodPost, base+"/models", "Add a GGUF file of this machine"), a.addModel,
		status(http.StatusCreated))
	add(a, command("RemoveModel", http.MethodDelete, base+"/models/{id}", "Forget a model; its file goes too when it lies in the data folder"), a.removeModel,
		status(http.StatusNoContent))
	add(a, command("DownloadModel", http.MethodPost, base+"/models/{id}/download", "Start or resume a download; id engine gets the engine"), a.downloadModel,
		status(http.StatusAccepted))
	add(a, command("CancelDownload", http.MethodPost, base+"/models/{id}/download/cancel", "Stop a download, keeping what came"), a.cancelDownload,
		status(http.StatusNoContent))
	again := command("CancelDownload", http.MethodDelete, base+"/models/{id}/download", "Stop a download, keeping what came; the same as cancel")
	add(a, again, a.cancelDownload, status(http.StatusNoContent), named("removeDownload"))
	add(a, read("Predictions", base+"/predictions", "What models would give on this machine, one request at a time"), a.predictions,
		describe("Learnt from this machine's own runs: time of a token = overhead + bytes read ÷ speed of reading. Every speed has the range that should hold the "+
			"true one in 95 of 100 cases; score says how many such predictions held, each made without the runs of its own file and depth. Nothing is stored."))
	add(a, read("Engines", base+"/engines", "Engines of this machine"), a.engines)
	add(a, read("EngineLog", base+"/engines/{id}/log", "The last lines of an engine's log"), a.engineLog)
}

type modelsInput struct {
	Installed bool `query:"installed" default:"true" doc:"false: catalogue models that are not installed yet"`
}

func (a *API) models(ctx context.Context, in *modelsInput) (*list[domain.Model], error) {
	return whole(a.svc.Models(ctx, in.Installed))
}

type predictionsInput struct {
	ModelID      string  `query:"model_id" maxLength:"512" doc:"Default: every model of this machine and of the catalogue"`
	Context      int     `query:"context_tokens" default:"512" minimum:"0" maximum:"1048576" doc:"Tokens of context that each written token looks back on"`
	Quantization string  `query:"quantization" doc:"Of the weights, in place of the file's own"`
	Bandwidth    float64 `query:"bandwidth_gbs" minimum:"1" maximum:"100000" doc:"GB/s of another machine's memory; default: this one's"`
}

func (a *API) predictions(ctx context.Context, in *predictionsInput) (*body[domain.Predictions], error) {
	q := domain.PredictionQuery{ModelID: in.ModelID, ContextTokens: in.Context, Quantization: in.Quantization}
	if in.Bandwidth != 0 {
		q.BandwidthGBPS = &in.Bandwidth
	}
	p, err := a.svc.Predictions(ctx, q)
	return &body[domain.Predictions]{p}, err
}

type modelFile struct {
	Path string `json:"path" minLength:"1" maxLength:"4096" doc:"Absolute path of a .gguf file on this machine"`
}

type addModelInput struct{ Body modelFile }

// created is the answer to a POST that made something.
type created[T any] struct {
	Location string `header:"Location"`
	Body     T
}

func (a *API) addModel(ctx context.Context, in *addModelInput) (*created[domain.Model], error) {
	m, err := a.svc.AddModel(ctx, in.Body.Path)
	return &created[domain.Model]{Location: base + "/models", Body: m}, err
}

func (a *API) removeModel(ctx context.Context, in *IDInput) (*nothing, error) {
	return nil, a.svc.RemoveModel(ctx, in.ID)
}

func (a *API) downloadModel(ctx context.Context, in *IDInput) (*body[domain.Download], error) {
	d, err := a.svc.DownloadModel(ctx, in.ID)
	return &body[domain.Download]{d}, err
}

func (a *API) cancelDownload(ctx context.Context, in *IDInput) (*nothing, error) {
	return nil, a.svc.CancelDownload(ctx, in.ID)
}

func (a *API) engines(ctx context.Context, _ *none) (*list[domain.Engine], error) {
	return whole(a.svc.Engines(ctx))
}

func (a *API) engineLog(ctx context.Context, in *IDInput) (*list[string], error) {
	return whole(a.svc.EngineLog(ctx, in.ID))
}

func (a *API) endpointRoutes() {
	path := base + "/endpoints"
	add(a, read("Endpoints", path, "Endpoints"), a.endpoints)
	add(a, command("AddEndpoint", http.MethodPost, path, "Add an endpoint"), a.addEndpoint, status(http.StatusCreated))
	add(a, read("Endpoint", path+"/{id}", "One endpoint"), a.endpoint)
	add(a, command("EditEndpoint", http.MethodPatch, path+"/{id}", "Change an endpoint"), a.editEndpoint)
	add(a, command("RemoveEndpoint", http.MethodDelete, path+"/{id}", "Remove an endpoint and its key"), a.removeEndpoint,
		status(http.StatusNoContent))
	add(a, command("CheckEndpoint", http.MethodPost, path+"/{id}/check", "Find out what an endpoint can do"), a.checkEndpoint,
		describe("It lists the models and, unless generate is false, sends a few short generations. The body may be left out."))
	add(a, read("DiscoverEndpoints", base+"/discovery", "Servers at the usual ports of this machine"), a.discoverEndpoints,
		describe("Sends no generation, never leaves this machine and never asks this program itself."))
}

func (a *API) endpoints(ctx context.Context, _ *none) (*list[domain.Endpoint], error) {
	return whole(a.svc.Endpoints(ctx))
}

type addEndpointInput struct{ Body domain.EndpointInput }

func (a *API) addEndpoint(ctx context.Context, in *addEndpointInput) (*created[domain.Endpoint], error) {
	e, err := a.svc.AddEndpoint(ctx, in.Body)
	return &created[domain.Endpoint]{Location: base + "/endpoints/" + url.PathEscape(e.ID), Body: e}, err
}

func (a *API) endpoint(ctx context.Context, in *IDInput) (*body[domain.Endpoint], error) {
	e, err := a.svc.Endpoint(ctx, in.ID)
	return &body[domain.Endpoint]{e}, err
}

type editEndpointInput struct {
	IDInput
	Body domain.EndpointInput
}

func (a *API) editEndpoint(ctx context.Context, in *editEndpointInput) (*body[domain.Endpoint], error) {
	e, err := a.svc.EditEndpoint(ctx, in.ID, in.Body)
	return &body[domain.Endpoint]{e}, err
}

func (a *API) removeEndpoint(ctx context.Context, in *IDInput) (*nothing, error) {
	return nil, a.svc.RemoveEndpoint(ctx, in.ID)
}

type checkInput struct {
	IDInput
	Body *domain.EndpointCheckInput
}

func (a *API) checkEndpoint(ctx context.Context, in *checkInput) (*body[domain.EndpointCheck], error) {
	var how domain.EndpointCheckInput
	if in.Body != nil {
		how = *in.Body
	}
	c, err := a.svc.CheckEndpoint(ctx, in.ID, how)
	return &body[domain.EndpointCheck]{c}, err
}

func (a *API) discoverEndpoints(ctx context.Context, _ *none) (*list[domain.Discovered], error) {
	return whole(a.svc.DiscoverEndpoints(ctx))
}

func (a *API) datasetRoutes() {
	path := base + "/datasets"
	add(a, read("Datasets", path, "Datasets"), a.datasets)
	add(a, command("AddDataset", http.MethodPost, path, "Import a dataset"), a.addDataset, status(http.StatusCreated),
		uploadBody, alsoOK[domain.DatasetImport](a, "A preview: nothing was stored"),
		describe("One prompt a line as NDJSON, a CSV table with a header, or a JSON array; format names another layout. "+
			"The body is streamed. A bad line refuses the whole, unless skip_bad leaves such lines out; every one is told with its number."))
	add(a, read("Dataset", path+"/{id}", "One dataset with its first prompts"), a.dataset)
	add(a, command("RemoveDataset", http.MethodDelete, path+"/{id}", "Delete an imported dataset"), a.removeDataset,
		status(http.StatusNoContent))
}

// uploadBody documents the three forms of a dataset. None has a schema: the framework would read
// the body into memory.
func uploadBody(o *huma.Operation) {
	o.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
		"application/x-ndjson": {}, "text/csv": {}, "application/json": {},
	}}
}

func (a *API) datasets(ctx context.Context, _ *none) (*list[domain.Dataset], error) {
	return whole(a.svc.Datasets(ctx))
}

type uploadInput struct {
	Name    string `query:"name" maxLength:"100" doc:"Name of the dataset; a preview needs none"`
	Format  string `query:"format" enum:"auto,jsonl,csv,json,sharegpt,messages,trace" doc:"Layout of the file; default: found out"`
	Preview bool   `query:"preview" doc:"Only say what an import would find"`
	SkipBad bool   `query:"skip_bad" doc:"Leave bad lines out instead of refusing the whole"`

	byType string // the layout that the content type stands for; auto where there are several
	body   io.Reader
}

// Resolve implements huma.Resolver: it takes the body as it streams in.
func (in *uploadInput) Resolve(ctx huma.Context) []error {
	ct, _, _ := mime.ParseMediaType(ctx.Header("Content-Type")) // strict has checked it
	in.byType = map[string]string{"application/x-ndjson": "auto", "text/csv": "csv", "application/json": "auto"}[ct]
	in.body = ctx.BodyReader()
	return nil
}

// importOutput is an import; Status is 200 for a preview.
type importOutput struct {
	Status   int
	Location string `header:"Location"`
	Body     domain.DatasetImport
}

func (a *API) addDataset(ctx context.Context, in *uploadInput) (*importOutput, error) {
	if in.byType == "" {
		return nil, malformed("body", "is missing")
	}
	d, err := a.svc.AddDataset(ctx, service.DatasetUpload{Name: in.Name, Format: cmp.Or(in.Format, in.byType), Body: in.body,
		Preview: in.Preview, SkipBad: in.SkipBad})
	if err != nil || in.Preview {
		return &importOutput{Status: http.StatusOK, Body: d}, err
	}
	return &importOutput{Status: http.StatusCreated, Location: base + "/datasets/" + url.PathEscape(d.ID), Body: d}, nil
}

func (a *API) dataset(ctx context.Context, in *IDInput) (*body[domain.DatasetDetail], error) {
	d, err := a.svc.Dataset(ctx, in.ID)
	return &body[domain.DatasetDetail]{d}, err
}

func (a *API) removeDataset(ctx context.Context, in *IDInput) (*nothing, error) {
	return nil, a.svc.RemoveDataset(ctx, in.ID)
}
