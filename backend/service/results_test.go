package service_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/service"
)

func debugOn() []string { return []string{"SUPERBENCHMARK_DEBUG=True"} }

// results counts the results of a filter.
func (w *world) results(f domain.ResultFilter) int {
	w.t.Helper()
	page, err := w.svc.Results(w.t.Context(), domain.Window{}, f, 0, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	avg, err := w.svc.AverageResults(w.t.Context(), domain.Window{}, f)
	if err != nil || int(avg.Count) != page.Total {
		w.t.Fatalf("averages count %d, results %d, %v", avg.Count, page.Total, err)
	}
	if got := avg.Intervals.TotalTime != nil; got != (avg.Counts.TotalTime > 1) {
		w.t.Fatalf("%d results, but an interval of the total time: %v", avg.Counts.TotalTime, got)
	}
	return page.Total
}

func TestSampleDataFollowsDebug(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := start(t, options{})
		if n := w.results(domain.ResultFilter{}); n != 0 {
			t.Fatalf("%d results without debug mode", n)
		}
		if _, err := w.svc.EditSettings(t.Context(), domain.SettingsPatch{Debug: ptr(true)}); err != nil {
			t.Fatal(err)
		}
		all := w.results(domain.ResultFilter{})
		if all == 0 {
			t.Fatal("debug mode brought no sample results")
		}
		w.finished(nil)
		for sample, want := range map[string]int{"": all + 1, "only": all, "exclude": 1} {
			if n := w.results(domain.ResultFilter{Sample: sample}); n != want {
				t.Errorf("sample=%s: %d results, want %d", sample, n, want)
			}
		}
		_, err := w.svc.AverageResults(t.Context(), domain.Window{}, domain.ResultFilter{Sample: "some"})
		refused(t, err, domain.KindInvalid, "query.sample")
		w.close()

		w = start(t, options{path: w.path}) // stored as on: loaded again, the same
		if n := w.results(domain.ResultFilter{}); n != all+1 {
			t.Errorf("%d results after a restart, want %d", n, all+1)
		}
		if _, err := w.svc.EditSettings(t.Context(), domain.SettingsPatch{Debug: ptr(false)}); err != nil {
			t.Fatal(err)
		}
		if n := w.results(domain.ResultFilter{}); n != 1 {
			t.Errorf("%d results outside debug mode, want the run's own", n)
		}
		_, err = w.svc.Results(t.Context(), domain.Window{}, domain.ResultFilter{Sample: "only"}, 0, 0)
		refused(t, err, domain.KindInvalid, "query.sample")
	})
}

func sampleFile(t *testing.T, text string) func(*service.Deps) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "samples.json")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return func(d *service.Deps) { d.TestDatabase = name }
}

const oneSample = `{"benchmarking_results":[{"request_id":"r1","prompt_text":"p","generated_text":"g","token_count":10,
	"time_to_first_token":100,"time_per_output_token":20,"total_generation_time":280,"timestamp":"2024-06-01T12:00:00"}]}`

func TestNamedSampleFile(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := start(t, options{env: debugOn(), deps: sampleFile(t, oneSample)})
		page, err := w.svc.Results(t.Context(), domain.Window{}, domain.ResultFilter{}, 0, 0)
		if err != nil || page.Total != 1 {
			t.Fatalf("%d results, %v", page.Total, err)
		}
		r := page.Items[0]
		if r.RequestID != "r1" || *r.TokenCount != 10 || *r.TimeToFirstToken != 100 || *r.TotalGenerationTime != 280 || !r.Sample ||
			!r.Timestamp.Equal(time.Date(2024, 6, 1, 12, 0, 0, 0, time.UTC)) {
			t.Errorf("result = %+v", r)
		}
	})
}

func TestBadSampleFile(t *testing.T) {
	for _, text := range []string{"", "{", "[]", "{}", `{"benchmarking_results":[{"request_id":"a","timestamp":"yesterday"}]}`,
		`{"benchmarking_results":[{"timestamp":"2024-06-01"}]}`, `{"benchmarking_results":[{"request_id":"a","token_count":"ten"}]}`} {
		bubble(t, func(t *testing.T) {
			w := build(t, options{env: debugOn(), deps: sampleFile(t, text)})
			refused(t, w.svc.Start(t.Context(), false), domain.KindInvalid, "")
		})
		bubble(t, func(t *testing.T) { // switched on later, it changes nothing
			w := start(t, options{deps: sampleFile(t, text)})
			_, err := w.svc.EditSettings(t.Context(), domain.SettingsPatch{Debug: ptr(true), Theme: ptr("dark")})
			refused(t, err, domain.KindInvalid, "")
			if w.settings.Debug() || w.settings.Theme() == "dark" {
				t.Errorf("%q: the settings changed all the same", text)
			}
		})
	}
	bubble(t, func(t *testing.T) {
		w := build(t, options{env: debugOn(), deps: func(d *service.Deps) { d.TestDatabase = "/no/such/file.json" }})
		refused(t, w.svc.Start(t.Context(), false), domain.KindInvalid, "")
	})
}

func TestLegacyAverage(t *testing.T) {
	day := time.Date(2024, 6, 1, 0, 0, 0, 0, time.UTC)
	window := func(start, end time.Time) func() (*domain.Window, error) {
		return func() (*domain.Window, error) { return &domain.Window{Start: &start, End: &end}, nil }
	}
	in(t, options{}, func(t *testing.T, w *world) {
		_, err := w.svc.LegacyAverage(t.Context(), func() (*domain.Window, error) {
			t.Error("the window was parsed before debug mode was looked at")
			return nil, nil
		}, domain.ResultFilter{})
		refused(t, err, domain.KindNotReady, "")
	})
	bubble(t, func(t *testing.T) {
		w := start(t, options{env: debugOn(), deps: sampleFile(t, oneSample)})
		none := func() (*domain.Window, error) { return nil, nil }
		avg, err := w.svc.LegacyAverage(t.Context(), none, domain.ResultFilter{})
		if err != nil || avg.Count != 1 || *avg.TimePerToken != 20 {
			t.Errorf("all: %+v, %v", avg, err)
		}
		if avg, err = w.svc.LegacyAverage(t.Context(), none, domain.ResultFilter{Sample: "exclude"}); err != nil || avg.Count != 0 || avg.TokenCount != nil {
			t.Errorf("nothing stored: %+v, %v", avg, err)
		}
		at := day.Add(12 * time.Hour)
		if avg, err = w.svc.LegacyAverage(t.Context(), window(at, at), domain.ResultFilter{}); err != nil || avg.Count != 1 {
			t.Errorf("both ends: %+v, %v", avg, err)
		}
		_, err = w.svc.LegacyAverage(t.Context(), window(day.Add(24*time.Hour), day.Add(48*time.Hour)), domain.ResultFilter{})
		refused(t, err, domain.KindNotFound, "")
		bad := errors.New("bad date")
		if _, err = w.svc.LegacyAverage(t.Context(), func() (*domain.Window, error) { return nil, bad }, domain.ResultFilter{}); !errors.Is(err, bad) {
			t.Errorf("error = %v", err)
		}
	})
}
