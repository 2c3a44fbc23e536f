package service

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/inferometer/inferometer/backend/domain"
)

// checkTimeout bounds the call that asks an endpoint for its models.
const checkTimeout = 10 * time.Second

// Endpoints lists the endpoints.
func (s *Service) Endpoints(ctx context.Context) ([]domain.Endpoint, error) {
	return s.d.Store.Endpoints(ctx)
}

// Endpoint returns one endpoint.
func (s *Service) Endpoint(ctx context.Context, id string) (domain.Endpoint, error) {
	e, err := s.d.Store.Endpoint(ctx, id)
	if domain.KindOf(err) == domain.KindNotFound {
		return e, &domain.Error{Kind: domain.KindNotFound, Msg: "There is no endpoint with this id.", Err: err}
	}
	return e, err
}

// AddEndpoint stores a new endpoint; the program's own address is refused.
func (s *Service) AddEndpoint(ctx context.Context, in domain.EndpointInput) (domain.Endpoint, error) {
	if in.BaseURL == nil {
		return domain.Endpoint{}, domain.Invalid("body.base_url", "is required")
	}
	e := domain.Endpoint{ID: uuid.NewString(), Kind: "openai", CreatedAt: s.d.Now().UTC().Truncate(time.Microsecond)}
	return s.putEndpoint(ctx, e, in)
}

// EditEndpoint changes an endpoint.
func (s *Service) EditEndpoint(ctx context.Context, id string, in domain.EndpointInput) (domain.Endpoint, error) {
	e, err := s.Endpoint(ctx, id)
	if err != nil {
		return e, err
	}
	return s.putEndpoint(ctx, e, in)
}

// putEndpoint checks and stores; a key goes to the secret store alone. An empty key removes it.
func (s *Service) putEndpoint(ctx context.Context, e domain.Endpoint, in domain.EndpointInput) (domain.Endpoint, error) {
	var bad fieldErrors
	if in.Kind != nil {
		e.Kind = *in.Kind
		if !slices.Contains([]string{"openai", "ollama", "llama"}, e.Kind) {
			bad.add("body.kind", "must be openai, ollama or llama")
		}
	}
	if in.BaseURL != nil {
		base, problem := s.baseURL(*in.BaseURL)
		if problem != "" {
			bad.add("body.base_url", "%s", problem)
		}
		e.BaseURL = base
	}
	e.Name = strings.TrimSpace(or(in.Name, e.Name))
	checkLabels("body.name", e.Name, 100, &bad)
	if err := bad.err(); err != nil {
		return domain.Endpoint{}, err
	}
	if e.Name == "" {
		e.Name = strings.TrimPrefix(strings.TrimPrefix(e.BaseURL, "http://"), "https://")
	}
	if in.APIKey != nil {
		if err := s.setKey(&e, strings.TrimSpace(*in.APIKey)); err != nil {
			return domain.Endpoint{}, err
		}
	}
	if err := s.d.Store.PutEndpoint(ctx, e); err != nil {
		return domain.Endpoint{}, err
	}
	s.reach.mu.Lock()
	delete(s.reach.seen, e.ID)
	s.reach.mu.Unlock()
	return e, nil
}

func (s *Service) setKey(e *domain.Endpoint, key string) error {
	if key == "" {
		e.HasKey, e.KeyFrom = false, ""
		return s.d.Secrets.Delete(e.ID)
	}
	from, err := s.d.Secrets.Set(e.ID, key)
	if err != nil {
		return &domain.Error{Kind: domain.KindInvalid, Msg: "The key cannot be kept.", Err: err,
			Fields: []domain.FieldError{{Location: "body.api_key", Message: "cannot be kept; env:NAME reads it from the environment"}}}
	}
	e.HasKey, e.KeyFrom = true, from
	return nil
}

// baseURL brings an address into the form http(s)://host[:port]/v1 and says what is wrong with it.
func (s *Service) baseURL(raw string) (base, problem string) {
	u, err := url.Parse(strings.TrimSpace(raw))
	switch {
	case err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "":
		return "", "must be an http or https address such as http://127.0.0.1:8080/v1"
	case u.User != nil:
		return "", "must not hold a name or password; use api_key"
	case u.RawQuery != "" || u.Fragment != "":
		return "", "must not have a query or fragment"
	case s.d.OwnAddress(u.String()):
		return "", "is this program's own address"
	}
	u.Path = strings.TrimRight(u.Path, "/")
	if u.Path == "" {
		u.Path = "/v1"
	}
	return u.String(), ""
}

// RemoveEndpoint deletes an endpoint and its key.
func (s *Service) RemoveEndpoint(ctx context.Context, id string) error {
	if _, err := s.Endpoint(ctx, id); err != nil {
		return err
	}
	if err := s.d.Secrets.Delete(id); err != nil {
		s.d.Log.Warn("Cannot delete the key of an endpoint", "endpointId", id, "error", err)
	}
	return s.d.Store.DeleteEndpoint(ctx, id)
}

// CheckEndpoint asks an endpoint for its models; it sends no generation.
func (s *Service) CheckEndpoint(ctx context.Context, id string) (domain.EndpointCheck, error) {
	e, err := s.Endpoint(ctx, id)
	if err != nil {
		return domain.EndpointCheck{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	ms, took, err := s.askEndpoint(ctx, e)
	if err != nil {
		return domain.EndpointCheck{Models: []string{}, Message: userMessage(err)}, nil
	}
	latency := float64(took.Microseconds()) / 1000
	out := domain.EndpointCheck{OK: true, LatencyMs: &latency, Models: []string{}, Message: "The endpoint answers."}
	for _, m := range ms {
		out.Models = append(out.Models, m.ID)
	}
	return out, nil
}
