package service

import (
	"context"
	"sync"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

const (
	endpointLook = 1500 * time.Millisecond // how long a list of models waits for an endpoint
	endpointKept = 20 * time.Second        // how long an endpoint's answer is remembered
	bestOf       = 500                     // newest runs that count for "best measured"
)

// Models lists installed and reachable models, or with installed false the catalogue rows that are
// not installed yet.
func (s *Service) Models(ctx context.Context, installed bool) ([]domain.Model, error) {
	ms, err := s.d.Library.Models(ctx, installed)
	if err != nil {
		return nil, err
	}
	if installed {
		more, err := s.endpointModels(ctx)
		if err != nil {
			return nil, err
		}
		ms = append(ms, more...)
		if err := s.addBest(ctx, ms); err != nil {
			return nil, err
		}
	}
	if ms == nil {
		ms = []domain.Model{}
	}
	return ms, nil
}

// addBest fills in how often each model was measured and how fast it was at best.
func (s *Service) addBest(ctx context.Context, ms []domain.Model) error {
	page, err := s.d.Store.Runs(ctx, domain.RunFilter{Status: string(domain.StatusCompleted), Limit: bestOf})
	if err != nil {
		return err
	}
	for i := range ms {
		for _, r := range page.Items {
			if r.Model != ms[i].ID || or(r.Plan.EndpointID, "") != or(ms[i].EndpointID, "") {
				continue
			}
			ms[i].Runs++
			if r.Summary == nil || r.Summary.DecodeTokensPerSecond == nil {
				continue
			}
			if v := *r.Summary.DecodeTokensPerSecond; ms[i].BestTokensPS == nil || v > *ms[i].BestTokensPS {
				ms[i].BestTokensPS = &v
			}
		}
	}
	return nil
}

// reachable remembers what endpoints served a moment ago, so that a list does not ask each time.
type reachable struct {
	mu   sync.Mutex
	seen map[string]reached
}

type reached struct {
	at     time.Time
	models []domain.Model
}

// endpointModels asks every endpoint for its models, all at once; one that does not answer in time
// contributes none.
func (s *Service) endpointModels(ctx context.Context) ([]domain.Model, error) {
	es, err := s.d.Store.Endpoints(ctx)
	if err != nil {
		return nil, err
	}
	found := make([][]domain.Model, len(es))
	var wg sync.WaitGroup
	for i, e := range es {
		wg.Go(func() { found[i] = s.reachableModels(ctx, e) })
	}
	wg.Wait()
	var out []domain.Model
	for _, ms := range found {
		out = append(out, ms...)
	}
	return out, nil
}

func (s *Service) reachableModels(asked context.Context, e domain.Endpoint) []domain.Model {
	now := s.d.Now()
	s.reach.mu.Lock()
	last, ok := s.reach.seen[e.ID]
	s.reach.mu.Unlock()
	if ok && now.Sub(last.at) < endpointKept {
		return last.models
	}
	ctx, cancel := context.WithTimeout(asked, endpointLook)
	defer cancel()
	ms, err := s.askEndpoint(ctx, e)
	if asked.Err() != nil { // the caller went away, which says nothing about the endpoint
		return ms
	}
	if err != nil {
		ms = nil
	}
	s.reach.mu.Lock()
	defer s.reach.mu.Unlock()
	if s.reach.seen == nil {
		s.reach.seen = map[string]reached{}
	}
	s.reach.seen[e.ID] = reached{at: now, models: ms}
	return ms
}

// askEndpoint reads an endpoint's model list; it sends no generation.
func (s *Service) askEndpoint(ctx context.Context, e domain.Endpoint) ([]domain.Model, error) {
	eng, done, err := s.openEndpoint(ctx, e)
	if err != nil {
		return nil, err
	}
	defer done()
	ms, err := eng.Models(ctx)
	for i := range ms {
		id := e.ID
		ms[i].EndpointID, ms[i].Engine, ms[i].Installed, ms[i].Source = &id, e.Kind, true, "endpoint"
	}
	return ms, err
}

// AddModel adds a GGUF file by path.
func (s *Service) AddModel(ctx context.Context, path string) (domain.Model, error) {
	if path == "" {
		return domain.Model{}, domain.Invalid("body.path", "is required")
	}
	return s.d.Library.AddFile(ctx, path)
}

// RemoveModel forgets a model and deletes its file when it lies in the data folder.
func (s *Service) RemoveModel(ctx context.Context, id string) error {
	m, err := s.d.Library.Model(ctx, id) // which may know it by another name
	if err != nil {
		return err
	}
	s.mu.Lock()
	busy := false
	for _, j := range s.jobs {
		busy = busy || j.model.EndpointID == nil && j.model.ID == m.ID
	}
	for _, a := range s.quality.open() {
		busy = busy || a.model.EndpointID == nil && a.model.ID == m.ID || a.reference.ID == m.ID
	}
	s.mu.Unlock()
	if busy {
		return domain.Errorf(domain.KindConflict, "A benchmark of this model is running or queued.")
	}
	return s.d.Library.Remove(ctx, id)
}

// DownloadModel starts or resumes the download of a catalogue model; id "engine" gets the engine.
func (s *Service) DownloadModel(ctx context.Context, id string) (domain.Download, error) {
	return s.d.Library.Download(ctx, id)
}

// CancelDownload stops a download; what was fetched is kept for resuming.
func (s *Service) CancelDownload(ctx context.Context, id string) error {
	return s.d.Library.CancelDownload(ctx, id)
}

// Engines lists the engines of this machine.
func (s *Service) Engines(ctx context.Context) ([]domain.Engine, error) {
	return s.d.Engines.Engines(ctx)
}

// EngineLog returns the last lines of an engine's log.
func (s *Service) EngineLog(ctx context.Context, id string) ([]string, error) {
	return s.d.Engines.EngineLog(ctx, id)
}
