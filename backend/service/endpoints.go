package service

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine"
)

const (
	// checkTimeout bounds the call that asks an endpoint for its models.
	checkTimeout = 10 * time.Second
	// probeTimeout bounds a whole check with its generations; a cold server loads its model first.
	probeTimeout = 2 * time.Minute
	// mostNameChars is the length of an endpoint's name, also of one that is made of its address.
	mostNameChars = 100
)

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
	if in.MetricsURLs != nil {
		e.MetricsURLs = s.metricsURLs(*in.MetricsURLs, &bad)
	}
	e.Name = strings.TrimSpace(or(in.Name, e.Name))
	checkLabels("body.name", e.Name, mostNameChars, &bad)
	if err := bad.err(); err != nil {
		return domain.Endpoint{}, err
	}
	if e.Name == "" {
		e.Name = strings.TrimPrefix(strings.TrimPrefix(e.BaseURL, "http://"), "https://")
		if r := []rune(e.Name); len(r) > mostNameChars {
			e.Name = string(r[:mostNameChars-1]) + "…"
		}
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
	case !hasPort(u):
		return "", "the port must be 1 to 65535"
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

// hasPort reports whether an address names no port or one that there can be.
func hasPort(u *url.URL) bool {
	n, err := strconv.ParseUint(u.Port(), 10, 16)
	return u.Port() == "" || (err == nil && n > 0)
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

// openEndpoint returns a client of an endpoint with its key; done gives its connections back.
func (s *Service) openEndpoint(ctx context.Context, e domain.Endpoint) (eng engine.Engine, done func(), err error) {
	key, err := s.d.Secrets.Get(e.ID)
	if err != nil {
		return nil, nil, err
	}
	if eng, err = s.d.Engines.EndpointEngine(e, key); err != nil {
		return nil, nil, err
	}
	return eng, func() {
		if err := eng.Close(context.WithoutCancel(ctx)); err != nil {
			s.d.Log.Debug("Cannot close an endpoint's connections", "endpointId", e.ID, "error", err)
		}
	}, nil
}

// CheckEndpoint asks an endpoint for its models and finds out by a few short generations what else
// it can do. While a benchmark runs it generates nothing, which would disturb the figures.
func (s *Service) CheckEndpoint(ctx context.Context, id string, in domain.EndpointCheckInput) (domain.EndpointCheck, error) {
	out := domain.EndpointCheck{Models: []string{}}
	e, err := s.Endpoint(ctx, id)
	if err != nil {
		return out, err
	}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	eng, done, err := s.openEndpoint(ctx, e)
	if err != nil {
		return unreachable(out, err), nil
	}
	defer done()
	models, took, err := listModels(ctx, eng)
	if err != nil {
		return unreachable(out, err), nil
	}
	ms := float64(took.Microseconds()) / 1000
	out.OK, out.LatencyMs, out.Models, out.Message = true, &ms, models, "The endpoint answers."
	out.Checks = []domain.EndpointProbe{{Code: "reachable", State: "ok",
		Detail: fmt.Sprintf("Listed %d models in %.0f ms.", len(models), ms)}}
	out.Checks = append(out.Checks, s.checkMetrics(ctx, e)...)
	if !or(in.Generate, true) {
		return out, nil
	}
	if out.Model, err = modelToTry(in.ModelID, models); err != nil {
		return out, err
	}
	if s.measuring() {
		out.Model, out.Message = "", "The endpoint answers. Nothing was generated, because a benchmark is running."
		return out, nil
	}
	if out.Model == "" {
		out.Message = "The endpoint answers, but lists no model. Name one to find out what it can do."
		return out, nil
	}
	out.Checks = append(out.Checks, engine.Check(ctx, guarded{eng, s.d.Log}, out.Model)...)
	for _, c := range out.Checks {
		if c.State == "failed" && c.Code != "metrics" { // an engine can be measured without them
			out.OK, out.Message = false, c.Detail
			break
		}
	}
	return out, nil
}

// unreachable is the answer about an endpoint that did not even list its models.
func unreachable(out domain.EndpointCheck, err error) domain.EndpointCheck {
	out.Message = userMessage(err)
	out.Checks = []domain.EndpointProbe{{Code: "reachable", State: "failed", Detail: out.Message}}
	return out
}

// listModels returns the ids of the models that an engine serves, and how long it took to say so.
func listModels(ctx context.Context, eng engine.Engine) ([]string, time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	begin := time.Now()
	ms, err := eng.Models(ctx)
	took := time.Since(begin)
	ids := make([]string, 0, len(ms))
	for _, m := range ms {
		ids = append(ids, m.ID)
	}
	return ids, took, err
}

// modelToTry is the asked model, which must be among those listed, or the first of them.
func modelToTry(asked *string, listed []string) (string, error) {
	switch {
	case asked != nil && len(listed) > 0 && !slices.Contains(listed, *asked):
		return "", domain.Invalid("body.model_id", "is not served by this endpoint")
	case asked != nil:
		return *asked, nil
	case len(listed) > 0:
		return listed[0], nil
	}
	return "", nil
}

// DiscoverEndpoints looks for servers at the usual ports of this machine, never at its own. Those
// that are registered already carry their id.
func (s *Service) DiscoverEndpoints(ctx context.Context) ([]domain.Discovered, error) {
	found, err := s.d.Engines.Discover(ctx, s.d.OwnAddress)
	if err != nil {
		return nil, fmt.Errorf("look for servers: %w", err)
	}
	known, err := s.d.Store.Endpoints(ctx)
	if err != nil {
		return nil, err
	}
	for i := range found {
		for _, e := range known {
			if sameAddress(e.BaseURL, found[i].BaseURL) {
				id := e.ID
				found[i].EndpointID = &id
			}
		}
	}
	return found, nil
}

// sameAddress compares two base URLs, whichever of the names of this machine they use and whether
// or not they end in /v1.
func sameAddress(a, b string) bool {
	plain := func(raw string) string {
		u, err := url.Parse(raw)
		if err != nil {
			return raw
		}
		host := u.Hostname()
		if host == "localhost" || host == "::1" {
			host = "127.0.0.1"
		}
		return u.Scheme + "://" + net.JoinHostPort(host, u.Port()) + strings.TrimSuffix(strings.TrimRight(u.Path, "/"), "/v1")
	}
	return plain(a) == plain(b)
}
