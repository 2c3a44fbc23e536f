package service

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/inferometer/inferometer/backend/domain"
)

// mostMetrics is how many metrics addresses an endpoint may have.
const mostMetrics = 16

// watchRemote reads the metrics addresses of a plan's endpoint, so that the readings of its machines
// stand beside those of this one; done ends that.
func (s *Service) watchRemote(ctx context.Context, p domain.Plan) (done func(), err error) {
	if p.EndpointID == nil || s.d.Scrape == nil {
		return func() {}, nil
	}
	e, err := s.d.Store.Endpoint(ctx, *p.EndpointID)
	if err != nil {
		return nil, fmt.Errorf("read endpoint: %w", err)
	}
	if len(e.MetricsURLs) == 0 {
		return func() {}, nil
	}
	scraper := s.d.Scrape(ctx, e.MetricsURLs)
	s.d.Sampler.SetRemote(scraper.Fresh)
	return func() {
		s.d.Sampler.SetRemote(nil)
		scraper.Stop()
	}, nil
}

// checkMetrics says of each metrics address what it gives, or why nothing.
func (s *Service) checkMetrics(ctx context.Context, e domain.Endpoint) []domain.EndpointProbe {
	if len(e.MetricsURLs) == 0 || s.d.ScrapeOnce == nil {
		return nil
	}
	var out []domain.EndpointProbe
	for _, r := range s.d.ScrapeOnce(ctx, e.MetricsURLs) {
		probe := domain.EndpointProbe{Code: "metrics", State: "ok", Detail: r.Source + " gives " + offers(r) + "."}
		if r.Error != "" {
			probe.State, probe.Detail = "failed", "The metrics of "+r.Source+" cannot be read. "+r.Error
		}
		out = append(out, probe)
	}
	return out
}

// offers lists what an address tells.
func offers(r domain.RemoteSample) string {
	var all []string
	for _, one := range []struct {
		name  string
		there bool
	}{
		{"CPU", r.CPUPercent != nil}, {"memory", r.RAMUsedGB != nil}, {fmt.Sprintf("%d GPU(s)", len(r.GPUs)), len(r.GPUs) > 0},
		{"requests", r.RequestsRunning != nil || r.RequestsWaiting != nil}, {"context cache", r.KVCachePercent != nil},
		{"tokens", r.OutputTokensPerSecond != nil || r.PromptTokensPerSecond != nil},
	} {
		if one.there {
			all = append(all, one.name)
		}
	}
	return strings.Join(all, ", ")
}

// metricsURLs checks the metrics addresses of an endpoint.
func (s *Service) metricsURLs(raw []string, bad *fieldErrors) []string {
	if len(raw) > mostMetrics {
		bad.add("body.metrics_urls", "must be at most %d addresses", mostMetrics)
		return nil
	}
	out := []string{}
	for i, text := range raw {
		u, err := url.Parse(strings.TrimSpace(text))
		field := fmt.Sprintf("body.metrics_urls[%d]", i)
		switch {
		case err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" || len(text) > 2048:
			bad.add(field, "must be an http or https address such as http://gpu-1:9400/metrics")
			continue
		case !hasPort(u):
			bad.add(field, "the port must be 1 to 65535")
			continue
		case u.User != nil:
			bad.add(field, "must not hold a name or password")
			continue
		case s.d.OwnAddress(u.String()):
			bad.add(field, "is this program's own address")
			continue
		}
		if u.Path == "" || u.Path == "/" {
			u.Path = "/metrics"
		}
		u.Fragment = ""
		out = append(out, u.String())
	}
	return out
}
