package service

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/load"
)

// Defaults of a benchmark, as the contract states them.
const (
	DefaultMaxTokens   = 128
	DefaultTemperature = 0.7
	DefaultTopP        = 0.9
	DefaultWarmup      = 1
	// EngineLocal is the id of the embedded engine.
	EngineLocal = "llama-server"
)

const (
	maxRepeat      = 1000
	minContext     = 2048
	contextReserve = 128 // chat template and unique prefix
)

// fieldErrors collects what is wrong with an input, so that all of it is told at once.
type fieldErrors []domain.FieldError

func (f *fieldErrors) add(location, format string, args ...any) {
	*f = append(*f, domain.FieldError{Location: location, Message: fmt.Sprintf(format, args...)})
}

func (f fieldErrors) err() error {
	if len(f) == 0 {
		return nil
	}
	return &domain.Error{Kind: domain.KindInvalid, Msg: "Some values are not valid.", Fields: f}
}

// unsupported answers for a value that is understood but not built.
func unsupported(location, message string) error {
	return &domain.Error{Kind: domain.KindUnsupported, Msg: "This is not supported yet.",
		Hint: message, Fields: []domain.FieldError{{Location: location, Message: message}}}
}

func or[T any](p *T, def T) T {
	if p == nil {
		return def
	}
	return *p
}

// resolve turns a request into a plan, the model it measures and the prompt. It stores nothing.
func (s *Service) resolve(ctx context.Context, r domain.BenchmarkRequest) (domain.Plan, domain.Model, string, error) {
	none := func(err error) (domain.Plan, domain.Model, string, error) {
		return domain.Plan{}, domain.Model{}, "", err
	}
	if err := refuseUnbuilt(r); err != nil {
		return none(err)
	}
	p, err := planValues(r, s.d.Settings.StoreText())
	if err != nil {
		return none(err)
	}
	model, err := s.resolveTarget(ctx, r, &p)
	if err == nil {
		err = s.checkLocal(p)
	}
	if err != nil {
		return none(err)
	}
	datasetSize := 0
	if r.DatasetID != nil {
		d, prompts, err := s.d.Store.Dataset(ctx, *r.DatasetID)
		if err != nil {
			if domain.KindOf(err) == domain.KindNotFound {
				return none(s.unknownDataset(ctx))
			}
			return none(err)
		}
		datasetSize = len(prompts)
		p.DatasetID = &d.ID
	}
	if err := fillStop(&p, datasetSize); err != nil {
		return none(err)
	}
	return p, model, or(r.Prompt, ""), nil
}

// refuseUnbuilt answers for everything the contract names but this version does not do.
func refuseUnbuilt(r domain.BenchmarkRequest) error {
	if r.Task != nil && *r.Task != domain.TaskTextGeneration {
		return unsupported("body.task", "supported tasks: "+domain.TaskTextGeneration)
	}
	if r.SLO != nil {
		return unsupported("body.slo", "service objectives are not supported yet; leave slo out")
	}
	if text, ok := r.Repeat.(string); ok && text == "auto" {
		return unsupported("body.repeat", "\"auto\" is not supported yet; give a whole number")
	}
	if kinds := []string{domain.LoadSingle, domain.LoadClosed}; r.Load != nil && !slices.Contains(kinds, r.Load.Kind) {
		return unsupported("body.load.kind", "supported load kinds: "+strings.Join(kinds, ", "))
	}
	return nil
}

// planValues checks every value that stands alone and fills the defaults in.
func planValues(r domain.BenchmarkRequest, storeText bool) (domain.Plan, error) {
	var bad fieldErrors
	p := domain.Plan{
		Task: domain.TaskTextGeneration, MaxTokens: or(r.MaxTokens, DefaultMaxTokens),
		Temperature: or(r.Temperature, DefaultTemperature), TopP: or(r.TopP, DefaultTopP),
		UseGPU: or(r.UseGPU, true), UseGPUExplicit: r.UseGPU != nil, GPU: r.GPU,
		Warmup: or(r.Warmup, DefaultWarmup), StoreText: or(r.StoreText, storeText),
		Load: domain.Load{Kind: domain.LoadSingle}, Repeat: 1, DatasetID: r.DatasetID,
		Phases: []domain.Phase{domain.PhasePrepare, domain.PhaseSettle, domain.PhaseWarmup,
			domain.PhaseMeasure, domain.PhaseDrain, domain.PhaseStop},
	}
	if r.Seed != nil {
		p.Seed = *r.Seed
	} else {
		p.Seed = int64(rand.Uint32())
	}
	checkPrompt(r, &bad)
	checkRange(&bad, "body.max_tokens", float64(p.MaxTokens), 1, 32768)
	checkRange(&bad, "body.temperature", p.Temperature, 0, 2)
	if !(p.TopP > 0 && p.TopP <= 1) {
		bad.add("body.top_p", "must be above 0 and at most 1")
	}
	checkRange(&bad, "body.seed", float64(p.Seed), 0, math.MaxUint32)
	checkRange(&bad, "body.warmup", float64(p.Warmup), 0, 1000)
	if p.GPU != nil {
		checkRange(&bad, "body.gpu", float64(*p.GPU), 0, 63)
	}
	if r.Repeat != nil {
		n, ok := wholeNumber(r.Repeat)
		if !ok || n < 1 || n > maxRepeat {
			bad.add("body.repeat", "must be a whole number from 1 to %d", maxRepeat)
		}
		p.Repeat = n
	}
	if r.Load != nil {
		p.Load = *r.Load
	}
	if r.Stop != nil {
		p.Stop = *r.Stop
	}
	bad = append(bad, load.Check(p)...)
	checkLabels("body.name", or(r.Name, ""), 200, &bad)
	checkLabels("body.notes", or(r.Notes, ""), 20000, &bad)
	checkTags(r.Tags, &bad)
	return p, bad.err()
}

func checkPrompt(r domain.BenchmarkRequest, bad *fieldErrors) {
	if strings.TrimSpace(r.ModelID) == "" {
		bad.add("body.model_id", "is required")
	}
	switch {
	case r.Prompt != nil && r.DatasetID != nil:
		bad.add("body.dataset_id", "give either prompt or dataset_id, not both")
	case r.Prompt == nil && r.DatasetID == nil:
		bad.add("body.prompt", "give a prompt or a dataset_id")
	case r.Prompt != nil && strings.TrimSpace(*r.Prompt) == "":
		bad.add("body.prompt", "must not be empty")
	case r.DatasetID != nil && *r.DatasetID == "":
		bad.add("body.dataset_id", "must not be empty")
	}
}

func checkRange(bad *fieldErrors, location string, v, lo, hi float64) {
	if !(v >= lo && v <= hi) { // also false for NaN
		bad.add(location, "must be %g to %.0f", lo, hi)
	}
}

func checkLabels(location, text string, most int, bad *fieldErrors) {
	if utf8.RuneCountInString(text) > most {
		bad.add(location, "must have at most %d characters", most)
	}
}

func checkTags(tags []string, bad *fieldErrors) {
	if len(tags) > 32 {
		bad.add("body.tags", "must have at most 32 entries")
	}
	for i, t := range tags {
		if strings.TrimSpace(t) == "" || utf8.RuneCountInString(t) > 64 {
			bad.add(fmt.Sprintf("body.tags[%d]", i), "must have 1 to 64 characters")
		}
	}
}

// cleanTags trims, and drops repetitions while keeping the order.
func cleanTags(tags []string) []string {
	out := make([]string, 0, len(tags))
	for _, t := range tags {
		if t = strings.TrimSpace(t); !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	return out
}

// wholeNumber reads what a JSON decoder makes of a number.
func wholeNumber(v any) (int, bool) {
	switch n := v.(type) {
	case int:
		return n, true
	case float64:
		return int(n), n == math.Trunc(n) && math.Abs(n) < 1e9
	}
	return 0, false
}

// resolveTarget finds engine, endpoint and model, and fills them into the plan.
func (s *Service) resolveTarget(ctx context.Context, r domain.BenchmarkRequest, p *domain.Plan) (domain.Model, error) {
	p.ModelID = strings.TrimSpace(r.ModelID)
	p.Engine = EngineLocal
	if r.EndpointID != nil {
		e, err := s.d.Store.Endpoint(ctx, *r.EndpointID)
		if err != nil {
			if domain.KindOf(err) == domain.KindNotFound {
				return domain.Model{}, domain.Invalid("body.endpoint_id", "there is no such endpoint")
			}
			return domain.Model{}, err
		}
		p.Engine, p.EndpointID = e.Kind, &e.ID
		if r.Engine != nil && *r.Engine != e.Kind {
			return domain.Model{}, domain.Invalid("body.engine", "the endpoint is of kind "+e.Kind)
		}
		return domain.Model{ID: p.ModelID, Name: p.ModelID, Engine: e.Kind, EndpointID: &e.ID,
			Installed: true, Source: "endpoint"}, nil
	}
	if r.Engine != nil && *r.Engine != EngineLocal {
		return domain.Model{}, unsupported("body.engine",
			"without endpoint_id the engine is "+EngineLocal)
	}
	m, err := s.d.Library.Model(ctx, p.ModelID)
	if err != nil {
		return domain.Model{}, s.unknownModel(ctx, err)
	}
	if !m.Installed {
		return domain.Model{}, &domain.Error{Kind: domain.KindConflict,
			Msg:    fmt.Sprintf("The model %s is in the catalogue but not on this machine.", m.ID),
			Hint:   fmt.Sprintf("Download it with POST /api/v1/models/%s/download, then start again.", m.ID),
			Fields: []domain.FieldError{{Location: "body.model_id", Message: "is not installed yet"}}}
	}
	if m.Error != "" {
		return domain.Model{}, &domain.Error{Kind: domain.KindConflict, Msg: m.Error,
			Fields: []domain.FieldError{{Location: "body.model_id", Message: "cannot be loaded"}}}
	}
	p.ModelID, p.Raw = m.ID, m.Base
	return m, nil
}

// unknownModel turns "not found" into an error on the field that lists what is there.
func (s *Service) unknownModel(ctx context.Context, err error) error {
	if domain.KindOf(err) != domain.KindNotFound {
		return err
	}
	var names []string
	if ms, err := s.d.Library.Models(ctx, true); err == nil {
		for _, m := range ms {
			names = append(names, m.ID)
		}
	}
	hint := "No model is installed yet; see GET /api/v1/models?installed=false."
	if len(names) > 0 {
		hint = "Installed models: " + strings.Join(names, ", ") +
			". The catalogue is at GET /api/v1/models?installed=false."
	}
	return &domain.Error{Kind: domain.KindInvalid, Msg: "There is no such model here.", Hint: hint,
		Fields: []domain.FieldError{{Location: "body.model_id", Message: "is not a known model"}}}
}

func (s *Service) unknownDataset(ctx context.Context) error {
	var names []string
	if ds, err := s.d.Store.Datasets(ctx); err == nil {
		for _, d := range ds {
			names = append(names, d.ID)
		}
	}
	return &domain.Error{Kind: domain.KindInvalid, Msg: "There is no such dataset here.",
		Hint:   "Datasets: " + strings.Join(names, ", ") + ".",
		Fields: []domain.FieldError{{Location: "body.dataset_id", Message: "is not a known dataset"}}}
}

// fillStop resolves the stages, gives a plan without limits its default ones, and tells what to expect.
func fillStop(p *domain.Plan, datasetSize int) error {
	stages, err := load.Stages(*p)
	if err != nil {
		return err
	}
	load.Expect(stages, datasetSize)
	p.Stages = stages
	if len(stages) == 1 {
		p.Stop = stages[0].Stop
		if p.DatasetID != nil && p.Stop.DurationS == nil && p.Stop.Tokens == nil {
			p.Stop.Requests = stages[0].ExpectedRequests
		}
	}
	requests, length := new(0), new(0.0)
	for _, stage := range stages {
		requests = plus(requests, stage.ExpectedRequests, p.Repeat)
		length = plus(length, stage.ExpectedS, p.Repeat)
	}
	p.ExpectedRequests, p.ExpectedS = requests, length
	return nil
}

// plus adds a figure so many times; nil when one of them is not known.
func plus[T int | float64](sum, figure *T, times int) *T {
	if sum == nil || figure == nil {
		return nil
	}
	return new(*sum + *figure*T(times))
}

// engineSpec says what the engine must be ready for. The context holds the longest prompt (three
// bytes a token is a safe guess for text) and the output, in powers of two, within the model's own.
func engineSpec(p domain.Plan, m domain.Model, prompts []domain.Prompt) domain.EngineSpec {
	longest := 0
	for _, pr := range prompts {
		longest = max(longest, len(pr.Text)/3+or(pr.MaxTokens, p.MaxTokens))
	}
	need, context := longest+contextReserve, minContext
	for context < need {
		context *= 2
	}
	if m.GGUF != nil && m.GGUF.ContextLength > 0 {
		context = min(context, m.GGUF.ContextLength)
	}
	return domain.EngineSpec{Model: m, Slots: or(p.Load.Concurrency, 1), Context: context,
		UseGPU: p.UseGPU, GPU: p.GPU}
}

var errClosing = errors.New("the program is closing")
