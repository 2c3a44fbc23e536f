package service_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine/enginetest"
	"github.com/inferometer/inferometer/backend/service"
)

// fakeScraper gives one answer each time it is asked.
type fakeScraper struct {
	addresses []string
	answers   int
	stopped   bool
}

func (f *fakeScraper) Fresh() []domain.RemoteSample {
	f.answers++
	return []domain.RemoteSample{{Source: "gpu-1:9400", Timestamp: time.Unix(1, 0).UTC(), CPUPercent: ptr(40.0), RequestsWaiting: ptr(float64(f.answers)),
		GPUs: []domain.GPUSample{{Index: 0, UtilPct: ptr(90.0), VRAMUsedGB: ptr(10.0), PowerW: ptr(300.0)}, {Index: 1, UtilPct: ptr(70.0), VRAMUsedGB: ptr(8.0), PowerW: ptr(250.0)}}}}
}

func (f *fakeScraper) Stop() { f.stopped = true }

func withScraper(f *fakeScraper) options {
	return options{script: enginetest.Script{ModelList: []domain.Model{{ID: "remote", Name: "remote"}}}, deps: func(d *service.Deps) {
		d.Scrape = func(_ context.Context, addresses []string) service.Scraper {
			f.addresses = addresses
			return f
		}
		d.ScrapeOnce = func(_ context.Context, addresses []string) []domain.RemoteSample {
			return []domain.RemoteSample{f.Fresh()[0], {Source: "gone:9100", Error: "Connection refused."}}[:len(addresses)]
		}
	}}
}

func TestRunKeepsWhatOtherMachinesTell(t *testing.T) {
	f := &fakeScraper{}
	in(t, withScraper(f), func(t *testing.T, w *world) {
		e, err := w.svc.AddEndpoint(t.Context(), domain.EndpointInput{BaseURL: ptr("http://box:8080"), MetricsURLs: &[]string{" http://gpu-1:9400 ", "http://box:8080/metrics"}})
		if err != nil || !slices.Equal(e.MetricsURLs, []string{"http://gpu-1:9400/metrics", "http://box:8080/metrics"}) {
			t.Fatalf("%+v, %v", e, err)
		}
		run := w.finished(func(r *domain.BenchmarkRequest) { r.ModelID, r.EndpointID = "remote", &e.ID })
		if run.Status != domain.StatusCompleted || !f.stopped || !slices.Equal(f.addresses, e.MetricsURLs) {
			t.Fatalf("%s, stopped %v, asked %q", run.Status, f.stopped, f.addresses)
		}
		if len(run.HardwareMetrics.Remote) != 1 {
			t.Fatalf("%+v", run.HardwareMetrics.Remote)
		}
		m := run.HardwareMetrics.Remote[0]
		if m.Source != "gpu-1:9400" || m.Answers == 0 || *m.CPUPercent != 40 || *m.GPUPercent != 80 || *m.VRAMUsedGB != 18 || *m.PowerW != 550 || len(m.Devices) != 2 {
			t.Errorf("%+v", m)
		}
		all, err := w.svc.BenchmarkMetrics(t.Context(), run.ID, service.MetricsQuery{})
		if err != nil || len(all) == 0 || len(all[0].Remote) != 1 || *all[0].Remote[0].GPUs[1].PowerW != 250 {
			t.Fatalf("%+v, %v", all, err)
		}
		// Readings that are left out hand their answers to those that stay.
		for _, q := range []service.MetricsQuery{{Every: time.Hour}, {Points: 2}} {
			thinned, err := w.svc.BenchmarkMetrics(t.Context(), run.ID, q)
			answers := 0
			for _, s := range thinned {
				answers += len(s.Remote)
			}
			if err != nil || len(thinned) >= len(all) || answers != len(all) {
				t.Errorf("%+v: %d answers in %d of %d readings, %v", q, answers, len(thinned), len(all), err)
			}
		}
		w.finished(nil) // a run of this machine asks nobody
		if got, _ := w.sampler.Latest(); got.Remote != nil {
			t.Errorf("%+v", got.Remote)
		}
	})
}

func TestCheckTellsOfMetrics(t *testing.T) {
	in(t, withScraper(&fakeScraper{}), func(t *testing.T, w *world) {
		e, err := w.svc.AddEndpoint(t.Context(), domain.EndpointInput{BaseURL: ptr("http://box:8080"), MetricsURLs: &[]string{"http://gpu-1:9400", "http://gone:9100"}})
		if err != nil {
			t.Fatal(err)
		}
		c, err := w.svc.CheckEndpoint(t.Context(), e.ID, domain.EndpointCheckInput{})
		if err != nil || !c.OK || len(c.Checks) < 3 {
			t.Fatalf("%+v, %v", c, err)
		}
		if p := c.Checks[1]; p.Code != "metrics" || p.State != "ok" || p.Detail != "gpu-1:9400 gives CPU, 2 GPU(s), requests." {
			t.Errorf("%+v", p)
		}
		if p := c.Checks[2]; p.State != "failed" || !strings.Contains(p.Detail, "Connection refused.") {
			t.Errorf("%+v", p)
		}
		for _, raw := range []string{"", "box:80", "ftp://box", "http://u:p@box/metrics", "http://box:0/metrics", "http://127.0.0.1:8000/metrics"} {
			_, err := w.svc.EditEndpoint(t.Context(), e.ID, domain.EndpointInput{MetricsURLs: &[]string{"http://a", raw}})
			refused(t, err, domain.KindInvalid, "body.metrics_urls[1]")
		}
		if e, err = w.svc.EditEndpoint(t.Context(), e.ID, domain.EndpointInput{MetricsURLs: &[]string{}}); err != nil || len(e.MetricsURLs) != 0 {
			t.Errorf("%+v, %v", e, err)
		}
	})
}
