package service

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/experiment"
	"github.com/inferometer/inferometer/backend/quality"
)

// mostQualities is how many measurements of quality a list holds.
const mostQualities = 500

// StartQuality checks, stores and queues a measurement of quality. It waits until no benchmark does: one
// engine serves one of them at a time.
func (s *Service) StartQuality(ctx context.Context, r domain.QualityRequest) (domain.Quality, error) {
	a, err := s.resolveQuality(ctx, r)
	if err != nil {
		return domain.Quality{}, err
	}
	if err := s.d.Store.PutQuality(ctx, a.q); err != nil {
		return domain.Quality{}, err
	}
	s.d.Hub.Publish(domain.EventQuality, a.q) // before the worker can publish more about it
	q := a.q                                  // the worker changes its own
	s.mu.Lock()
	s.quality.queue = append(s.quality.queue, a)
	s.mu.Unlock()
	s.nudge()
	return q, nil
}

// resolveQuality finds what a request names and fills in every default.
func (s *Service) resolveQuality(ctx context.Context, r domain.QualityRequest) (*assessment, error) {
	var bad fieldErrors
	if !slices.Contains([]domain.QualityKind{domain.QualityTasks, domain.QualityPerplexity, domain.QualityDivergence}, r.Kind) {
		bad.add("body.kind", "must be tasks, perplexity or divergence")
	}
	language := or(r.Language, quality.English)
	if language != quality.English && language != quality.Portuguese {
		bad.add("body.language", "must be en or pt-BR")
	}
	switch asked := r.ReferenceModelID != nil; {
	case r.Kind == domain.QualityDivergence && !asked:
		bad.add("body.reference_model_id", "is required for divergence")
	case r.Kind != domain.QualityDivergence && asked:
		bad.add("body.reference_model_id", "belongs to divergence alone")
	}
	if err := bad.err(); err != nil {
		return nil, err
	}
	var p domain.Plan
	m, err := s.resolveTarget(ctx, domain.BenchmarkRequest{ModelID: r.ModelID, EndpointID: r.EndpointID}, &p)
	if err != nil {
		return nil, err
	}
	if m.ID == "" {
		return nil, domain.Invalid("body.model_id", "must not be blank")
	}
	a := &assessment{model: m, done: make(chan struct{}), q: domain.Quality{ID: uuid.NewString(), Kind: r.Kind, ModelID: m.ID, ModelSHA256: m.SHA256,
		EndpointID: p.EndpointID, Language: language, Engine: p.Engine, Status: domain.StatusQueued, CreatedAt: s.d.Now().UTC().Truncate(time.Microsecond)}}
	if r.Kind == domain.QualityTasks {
		_, a.q.Pack = quality.Tasks(language)
	} else {
		_, a.q.Pack = quality.Texts(language)
	}
	return a, s.checkQuality(ctx, r, a)
}

// checkQuality refuses what the model or its engine cannot do, and finds the reference.
func (s *Service) checkQuality(ctx context.Context, r domain.QualityRequest, a *assessment) error {
	if r.Kind == domain.QualityTasks {
		if a.model.Base {
			return domain.Invalid("body.model_id", "is a base model, which follows no instructions; measure its perplexity")
		}
		return nil
	}
	if a.q.EndpointID != nil && a.q.Engine != "llama" {
		return domain.Invalid("body.kind", "needs the probabilities of tokens, which endpoints of kind "+a.q.Engine+" do not tell for a given text")
	}
	if r.Kind != domain.QualityDivergence {
		return nil
	}
	var p domain.Plan
	m, err := s.resolveTarget(ctx, domain.BenchmarkRequest{ModelID: *r.ReferenceModelID}, &p)
	if err != nil {
		return onReference(err)
	}
	if mine, its := tokenizerOf(a.model), tokenizerOf(m); mine != "" && its != "" && mine != its {
		return domain.Invalid("body.reference_model_id", "has another tokenizer; choose a model of the same one, such as a larger quant")
	}
	a.reference, a.q.ReferenceModelID, a.q.ReferenceSHA256 = m, &m.ID, m.SHA256
	return nil
}

func tokenizerOf(m domain.Model) string {
	if m.GGUF == nil {
		return ""
	}
	return m.GGUF.TokenizerSHA256
}

// onReference puts an error about a model on the field of the reference.
func onReference(err error) error {
	return elsewhere(err, func(place string) string { return strings.ReplaceAll(place, "model_id", "reference_model_id") })
}

// Qualities lists measurements of quality, newest first, without their records.
func (s *Service) Qualities(ctx context.Context, f domain.QualityFilter) ([]domain.Quality, error) {
	if f.Limit <= 0 || f.Limit > mostQualities {
		f.Limit = mostQualities
	}
	qs, err := s.d.Store.Qualities(ctx, f)
	for i := range qs {
		s.addQualityProgress(&qs[i])
	}
	return qs, err
}

// Quality returns one measurement with its records as they are graded now.
func (s *Service) Quality(ctx context.Context, id string) (domain.QualityDetail, error) {
	q, err := s.d.Store.Quality(ctx, id)
	if err != nil {
		return domain.QualityDetail{}, err
	}
	records, err := s.d.Store.QualityRecords(ctx, id)
	if err != nil {
		return domain.QualityDetail{}, err
	}
	s.addQualityProgress(&q)
	d := domain.QualityDetail{Quality: q, Answers: []domain.QualityAnswer{}, Texts: []domain.QualityText{}}
	if q.Kind == domain.QualityTasks {
		d.Answers = quality.Answers(q.Language, records)
	} else {
		d.Texts = quality.TextFigures(q.Language, records)
	}
	return d, nil
}

func (s *Service) addQualityProgress(q *domain.Quality) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.quality.active; a != nil && a.q.ID == q.ID && !q.Status.Ended() {
		q.Progress = copyOf(a.progress)
	}
}

func copyOf[T any](p *T) *T {
	if p == nil {
		return nil
	}
	v := *p
	return &v
}

// CancelQuality stops a measurement that waits or runs; what it had measured is kept.
func (s *Service) CancelQuality(ctx context.Context, id string) (domain.Quality, error) {
	q, err := s.d.Store.Quality(ctx, id)
	if err != nil {
		return q, err
	}
	if q.Status.Ended() {
		return q, domain.Errorf(domain.KindConflict, "This measurement has already ended (%s).", q.Status)
	}
	s.mu.Lock()
	i := slices.IndexFunc(s.quality.queue, func(a *assessment) bool { return a.q.ID == id })
	if i >= 0 {
		s.quality.queue = slices.Delete(s.quality.queue, i, i+1)
	}
	active := s.quality.active
	if active != nil && active.q.ID == id {
		active.cancel(errCanceled)
	} else {
		active = nil
	}
	s.mu.Unlock()
	if i >= 0 {
		q.Status, q.EndedAt = domain.StatusCanceled, new(s.d.Now().UTC())
		if err := s.d.Store.PutQuality(ctx, q); err != nil {
			return q, err
		}
		s.d.Hub.Publish(domain.EventQuality, q)
		return q, nil
	}
	if active != nil {
		timer := time.NewTimer(cancelWait)
		defer timer.Stop()
		select {
		case <-active.done:
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	return s.d.Store.Quality(context.WithoutCancel(ctx), id)
}

// RemoveQuality forgets a measurement that has ended, with its records.
func (s *Service) RemoveQuality(ctx context.Context, id string) error {
	q, err := s.d.Store.Quality(ctx, id)
	if err != nil {
		return err
	}
	if !q.Status.Ended() {
		return &domain.Error{Kind: domain.KindConflict, Msg: "This measurement has not ended yet.", Hint: "Cancel it first."}
	}
	return s.d.Store.DeleteQuality(ctx, id)
}

// addQuality gives the cells of a sweep over models the share of tasks that each model got right, in percent, by the newest
// measurement of each. All are of the same questions: those of the newest.
func (s *Service) addQuality(ctx context.Context, e *domain.Experiment) error {
	endpoint := or(e.Arms[0].Benchmark.EndpointID, "")
	qs, err := s.d.Store.Qualities(ctx, domain.QualityFilter{Kind: string(domain.QualityTasks), Endpoint: endpoint, Status: string(domain.StatusCompleted), Limit: mostQualities})
	if err != nil {
		return err
	}
	of, pack, language := map[string]float64{}, "", ""
	for _, q := range qs { // newest first
		if or(q.EndpointID, "") != endpoint || q.Summary == nil || q.Summary.Tasks == nil || q.Summary.Tasks.Percent == nil ||
			!slices.ContainsFunc(e.Arms, func(a domain.Arm) bool { return a.Benchmark.ModelID == q.ModelID }) {
			continue
		}
		if pack == "" {
			pack, language = q.Pack, q.Language
		}
		if _, known := of[q.ModelID]; !known && q.Pack == pack && q.Language == language {
			of[q.ModelID] = *q.Summary.Tasks.Percent
		}
	}
	experiment.AddQuality(e, of)
	return nil
}
