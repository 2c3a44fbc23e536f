package service

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/load"
)

// Defaults of a benchmark, as the contract states them.
const (
	DefaultMaxTokens   = 128
	DefaultTemperature = 0.7
	DefaultTopP        = 0.9
	DefaultWarmup      = 1
	DefaultMostRestS   = 300.0
	// MaxRepeat is the most repetitions of a benchmark.
	MaxRepeat = 1000
	// EngineLocal is the id of the embedded engine.
	EngineLocal = "llama-server"
)

const (
	mostRestS      = 3600.0
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

// elsewhere puts the fields of an error at other places, for a request that holds the one that was checked.
func elsewhere(err error, place func(string) string) error {
	var e *domain.Error
	if !errors.As(err, &e) {
		return err
	}
	told := *e
	told.Fields = slices.Clone(e.Fields)
	for i := range told.Fields {
		told.Fields[i].Location = place(told.Fields[i].Location)
	}
	return &told
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
	if err != nil {
		return none(err)
	}
	var prompts []domain.Prompt
	if r.DatasetID != nil {
		d, all, err := s.d.Store.Dataset(ctx, *r.DatasetID)
		if err != nil {
			if domain.KindOf(err) == domain.KindNotFound {
				return none(s.unknownDataset(ctx))
			}
			return none(err)
		}
		p.DatasetID, prompts = &d.ID, all
	}
	fillKnee(&p)
	if err := fillStages(&p, prompts); err != nil {
		return none(err)
	}
	if err := s.checkLocal(p, model); err != nil {
		return none(err)
	}
	if err := s.checkBuild(ctx, p); err != nil {
		return none(err)
	}
	return p, model, or(r.Prompt, ""), nil
}

// refuseUnbuilt answers for everything the contract names but this version does not do.
func refuseUnbuilt(r domain.BenchmarkRequest) error {
	if r.Task != nil && *r.Task != domain.TaskTextGeneration {
		return unsupported("body.task", "supported tasks: "+domain.TaskTextGeneration)
	}
	if kinds := load.Kinds(); r.Load != nil && !slices.Contains(kinds, r.Load.Kind) {
		return unsupported("body.load.kind", "supported load kinds: "+strings.Join(kinds, ", "))
	}
	return nil
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
	p.ModelID, p.Raw = m.ID, or(r.RawCompletion, m.Base)
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

// fillStages resolves the stages with every default filled in, and tells what to expect of them.
func fillStages(p *domain.Plan, prompts []domain.Prompt) error {
	if uses(*p, domain.LoadTrace) && !timed(prompts) {
		return domain.Invalid("body.dataset_id", "its prompts have no times, which a trace needs; import a file of format trace")
	}
	stages, err := load.Stages(*p)
	if err != nil {
		return err
	}
	load.Expect(stages, requestsIn(prompts))
	for i := range stages {
		expectTrace(&stages[i], prompts)
		if stop := &stages[i].Stop; stop.Requests == nil && stop.DurationS == nil && stop.Tokens == nil {
			stop.Requests = stages[i].ExpectedRequests // one pass, made visible
		}
	}
	if len(stages) == 1 && p.Load.Kind != domain.LoadKnee {
		p.Stop = stages[0].Stop
	}
	p.Stages = stages
	if p.Load.Kind == domain.LoadKnee { // what it adds depends on what it finds
		p.ExpectedRequests, p.ExpectedS = nil, nil
		return nil
	}
	requests, length := new(0), new(0.0)
	for _, stage := range stages {
		requests = plus(requests, stage.ExpectedRequests, p.Repeat)
		length = plus(length, stage.ExpectedS, p.Repeat)
	}
	if length != nil && p.Rest != nil {
		length = new(*length + *p.Rest.Seconds*float64(len(stages)*p.Repeat-1))
	}
	p.ExpectedRequests, p.ExpectedS = requests, length
	return nil
}

// expectTrace tells how long the arrivals of a trace take; its times stand in the dataset.
func expectTrace(stage *domain.PlanStage, prompts []domain.Prompt) {
	if stage.Load.Kind != domain.LoadTrace || stage.ExpectedRequests == nil {
		return
	}
	last := min(*stage.ExpectedRequests, len(prompts)) - 1
	length := (*prompts[last].AtMs - *prompts[0].AtMs) / 1000 / or(stage.Load.Speed, load.DefaultSpeed)
	if stage.ExpectedS == nil || length < *stage.ExpectedS {
		stage.ExpectedS = &length
	}
}

// uses reports whether a load of this kind occurs in the plan.
func uses(p domain.Plan, kind string) bool {
	return p.Load.Kind == kind || slices.ContainsFunc(p.Stages, func(s domain.PlanStage) bool { return s.Load.Kind == kind })
}

func timed(prompts []domain.Prompt) bool {
	return !slices.ContainsFunc(prompts, func(p domain.Prompt) bool { return p.AtMs == nil })
}

// requestsIn counts the requests of one pass: a conversation has one for each of its turns.
func requestsIn(prompts []domain.Prompt) int {
	n := 0
	for _, p := range prompts {
		n += 1 + len(p.Turns)
	}
	return n
}

// plus adds a figure so many times; nil when one of them is not known.
func plus[T int | float64](sum, figure *T, times int) *T {
	if sum == nil || figure == nil {
		return nil
	}
	return new(*sum + *figure*T(times))
}

var errClosing = errors.New("the program is closing")
