package service

import (
	"context"
	"fmt"
	"slices"

	"github.com/inferometer/inferometer/backend/compare"
	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/experiment"
)

// suiteWorkload is one of the workloads that two builds of the engine are measured with: one that writes and one
// that reads, for an update may help one of them and harm the other.
type suiteWorkload struct {
	name          string
	input, output int // tokens
	requests      int
	metric        string // that the verdict is spoken by
}

func suite() []suiteWorkload {
	return []suiteWorkload{
		{"chat", 64, 128, 3, "decode_tokens_per_second"},
		{"long prompt", 512, 16, 3, "ttft_ms"},
	}
}

// Builds lists the builds of the embedded engine with what was measured with them, and offers to measure the one
// in use where it has no runs.
func (s *Service) Builds(ctx context.Context) (domain.Builds, error) {
	out := domain.Builds{Watch: s.d.Settings.WatchBuilds(), Items: []domain.MeasuredBuild{}}
	all, err := s.engineBuilds(ctx)
	if err != nil {
		return out, err
	}
	page, err := s.d.Store.Runs(ctx, domain.RunFilter{Engine: EngineLocal, Limit: mostWatchedRuns})
	if err != nil {
		return out, err
	}
	for i, b := range all {
		m := domain.MeasuredBuild{EngineBuild: b, Chosen: i == 0}
		for _, r := range page.Items {
			if measuredWith(r, b) {
				if m.Runs++; m.LastAt == nil { // the newest come first
					m.LastAt = &r.CreatedAt
				}
			}
		}
		out.Items = append(out.Items, m)
	}
	if out.Watch != domain.WatchNever {
		out.Offer, err = s.offer(ctx, out.Items, page.Items)
	}
	return out, err
}

// engineBuilds are the builds of the embedded engine; none when there is none.
func (s *Service) engineBuilds(ctx context.Context) ([]domain.EngineBuild, error) {
	es, err := s.d.Engines.Engines(ctx)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(es, func(e domain.Engine) bool { return e.ID == EngineLocal })
	if i < 0 {
		return nil, nil
	}
	return es[i].Builds, nil
}

// measuredWith reports whether a run was measured with a build, here and to its end.
func measuredWith(r domain.Run, b domain.EngineBuild) bool {
	return r.Status == domain.StatusCompleted && r.Plan.EndpointID == nil && r.Imported == nil && r.Environment != nil && r.Environment.Engine.BinarySHA256 == b.SHA256
}

// tried reports whether a run asked for a build, however it ended or whether it waits still. An own build and that
// of PATH may be another one by now.
func tried(r domain.Run, b domain.EngineBuild) bool {
	o := r.Plan.EngineOptions
	return o != nil && or(o.Build, "") == b.ID && (r.Environment == nil || r.Environment.Engine.BinarySHA256 == b.SHA256)
}

// offer is nil unless the build in use was never tried and another has runs.
func (s *Service) offer(ctx context.Context, items []domain.MeasuredBuild, runs []domain.Run) (*domain.BuildOffer, error) {
	if len(items) < 2 || items[0].Runs > 0 || slices.ContainsFunc(runs, func(r domain.Run) bool { return tried(r, items[0].EngineBuild) }) {
		return nil, nil
	}
	old := items[0]
	for _, m := range items[1:] {
		if m.LastAt != nil && (old.LastAt == nil || m.LastAt.After(*old.LastAt)) {
			old = m
		}
	}
	if old.Runs == 0 {
		return nil, nil
	}
	model, err := s.usualModel(ctx, old.EngineBuild, runs)
	if err != nil || model == "" {
		return nil, err
	}
	return &domain.BuildOffer{Old: old.ID, New: items[0].ID, ModelID: model, Runs: len(suite()) * 2 * experiment.DefaultPairs}, nil
}

// usualModel is the installed model that was measured most with a build; empty when none is there any more.
func (s *Service) usualModel(ctx context.Context, b domain.EngineBuild, runs []domain.Run) (string, error) {
	installed, err := s.d.Library.Models(ctx, true)
	if err != nil {
		return "", err
	}
	best, most := "", 0
	for _, m := range installed {
		n := 0
		for _, r := range runs {
			if r.Model == m.ID && measuredWith(r, b) {
				n++
			}
		}
		if n > most && m.Error == "" {
			best, most = m.ID, n
		}
	}
	return best, nil
}

// MeasureBuild measures a build of the engine against another over the standard suite: an experiment for each
// workload, in turns and in random order. Each tells its verdict as an alert when it has ended.
func (s *Service) MeasureBuild(ctx context.Context, r domain.BuildRequest) ([]domain.Experiment, error) {
	have, err := s.Builds(ctx)
	if err != nil {
		return nil, err
	}
	offer := or(have.Offer, domain.BuildOffer{})
	if len(have.Items) > 0 && offer.New == "" {
		offer.New = have.Items[0].ID
	}
	r.Old, r.New, r.ModelID = new(or(r.Old, offer.Old)), new(or(r.New, offer.New)), new(or(r.ModelID, offer.ModelID))
	if err := s.checkBuilds(r, have.Items); err != nil {
		return nil, err
	}
	out := []domain.Experiment{}
	for _, w := range suite() {
		e, err := s.beginExperiment(ctx, w.request(r, have.Items), domain.ExperimentBuild)
		if err != nil {
			return out, err
		}
		out = append(out, e)
	}
	return out, nil
}

func (s *Service) checkBuilds(r domain.BuildRequest, items []domain.MeasuredBuild) error {
	var bad fieldErrors
	for name, id := range map[string]string{"old": *r.Old, "new": *r.New} {
		switch {
		case id == "":
			bad.add("body."+name, "is required: there is no build that it follows from")
		case buildNamed(items, id) == "":
			bad.add("body."+name, "there is no such build; GET builds lists them")
		}
	}
	if *r.Old == *r.New && *r.Old != "" {
		bad.add("body.new", "must be another build than old")
	}
	if *r.ModelID == "" {
		bad.add("body.model_id", "is required: nothing was measured that it follows from")
	}
	checkRange(&bad, "body.pairs", float64(or(r.Pairs, experiment.DefaultPairs)), 2, experiment.MostPairs)
	return bad.err()
}

// buildNamed is how a build is spoken of: by its number, and its id where two have the same.
func buildNamed(items []domain.MeasuredBuild, id string) string {
	name, twins := "", 0
	for _, m := range items {
		if m.ID == id {
			name = m.Build
		}
	}
	for _, m := range items {
		if m.Build == name {
			twins++
		}
	}
	if twins > 1 || name == "" && twins > 0 {
		return id
	}
	return name
}

// request is the experiment of one workload.
func (w suiteWorkload) request(r domain.BuildRequest, items []domain.MeasuredBuild) domain.ExperimentRequest {
	arm := func(id string) domain.ArmInput {
		return domain.ArmInput{Name: new(buildNamed(items, id)), Benchmark: domain.BenchmarkRequest{
			ModelID: *r.ModelID, MaxTokens: &w.output, Temperature: new(0.0), EngineOptions: &domain.EngineOptions{Build: &id},
			Synthetic: &domain.Synthetic{InputTokens: domain.Lengths{Kind: "fixed", Tokens: &w.input}},
			Stop:      &domain.Stop{Requests: &w.requests}, Tags: []string{"build watch"},
		}}
	}
	name := fmt.Sprintf("%s against %s, %s", buildNamed(items, *r.New), buildNamed(items, *r.Old), w.name)
	return domain.ExperimentRequest{Name: &name, Arms: []domain.ArmInput{arm(*r.Old), arm(*r.New)}, Pairs: r.Pairs}
}

// checkBuild refuses a build of the engine that is not on this machine.
func (s *Service) checkBuild(ctx context.Context, p domain.Plan) error {
	o := p.EngineOptions
	if o == nil || o.Build == nil || p.EndpointID != nil {
		return nil
	}
	all, err := s.engineBuilds(ctx)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(all, func(b domain.EngineBuild) bool { return b.ID == *o.Build }) {
		return domain.Invalid("body.engine_options.build", "there is no such build; GET builds lists them")
	}
	return nil
}

// watchExperiment tells the verdict on a build when the last run of its experiment has ended.
func (s *Service) watchExperiment(ctx context.Context, id string) {
	e, err := s.d.Store.Experiment(ctx, id)
	if err == nil && e.Kind != domain.ExperimentBuild { // before all its runs are read, between two of them
		return
	}
	if err == nil {
		e, err = s.Experiment(ctx, id)
	}
	if err != nil {
		s.d.Log.Warn("Cannot look at an experiment", "experiment", id, "error", err)
		return
	}
	if !e.Status.Ended() {
		return
	}
	metric := suite()[0].metric
	for _, w := range suite() {
		if in := e.Arms[0].Benchmark.Synthetic; in != nil && *in.InputTokens.Tokens == w.input {
			metric = w.metric
		}
	}
	if a, ok := compare.BuildAlert(e, metric); ok {
		s.raise(ctx, a)
	}
}

// watchBuild measures a new build by itself where the settings say so.
func (s *Service) watchBuild(ctx context.Context) {
	if s.d.Settings.WatchBuilds() != domain.WatchAlways {
		return
	}
	have, err := s.Builds(ctx)
	if err == nil && have.Offer != nil {
		_, err = s.MeasureBuild(ctx, domain.BuildRequest{})
	}
	if err != nil && ctx.Err() == nil {
		s.d.Log.Warn("Cannot measure the new build of the engine", "error", err)
	}
}
