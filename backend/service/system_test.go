package service_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/service"
)

func TestSamplingRate(t *testing.T) {
	in(t, options{}, func(t *testing.T, w *world) {
		if _, err := w.svc.EditSettings(t.Context(), domain.SettingsPatch{TelemetryHz: ptr(25.0)}); err != nil || w.sampler.Stats().RateHz != 25 {
			t.Errorf("rate %v, %v", w.sampler.Stats().RateHz, err)
		}
		_, err := w.svc.EditSettings(t.Context(), domain.SettingsPatch{TelemetryHz: ptr(51.0)})
		refused(t, err, domain.KindInvalid, "body.telemetry_hz")
		id := w.start(nil).ID
		w.measuring(id)
		_, err = w.svc.EditSettings(t.Context(), domain.SettingsPatch{TelemetryHz: ptr(5.0)})
		refused(t, err, domain.KindConflict, "body.telemetry_hz")
		if _, err = w.svc.EditSettings(t.Context(), domain.SettingsPatch{Theme: ptr("dark")}); err != nil || w.settings.Theme() != "dark" {
			t.Errorf("another setting: %v", err)
		}
		if w.sampler.Stats().RateHz != 25 || w.settings.TelemetryHz() != 25 {
			t.Errorf("rate %v, setting %v; want 25", w.sampler.Stats().RateHz, w.settings.TelemetryHz())
		}
		w.wait(id)
	})
}

func checks(cs []domain.Check) map[string]domain.Check {
	m := map[string]domain.Check{}
	for _, c := range cs {
		m[c.Code] = c
	}
	return m
}

func TestPreflight(t *testing.T) {
	quiet := []domain.Sample{
		{CPUPercent: ptr(30.0), CPUCores: []float64{1, 2, 3, 4}, EngineCPUPercent: ptr(80.0), SelfCPUPercent: ptr(20.0), RAMUsedGB: ptr(2.0), SwapUsedGB: ptr(1.0)},
		{CPUPercent: ptr(30.0), CPUCores: []float64{1, 2, 3, 4}, EngineCPUPercent: ptr(80.0), SelfCPUPercent: ptr(20.0), RAMUsedGB: ptr(2.0), SwapUsedGB: ptr(1.0)},
	}
	loud := []domain.Sample{
		{CPUPercent: ptr(60.0), RAMUsedGB: ptr(7.5), SwapUsedGB: ptr(1.0)}, {CPUPercent: ptr(70.0), RAMUsedGB: ptr(7.5), SwapUsedGB: ptr(1.5)},
	}
	mobile := []domain.Sample{{CPUPercent: ptr(1.0), BatteryPowerW: ptr(12.0), ThrottledPercent: ptr(8.0), SwapInMBPS: ptr(0.0)}}
	for name, c := range map[string]struct {
		history []domain.Sample
		states  map[string]string
	}{
		"quiet":   {quiet, map[string]string{"busy_before": "ok", "free_ram": "ok", "swapping": "ok", "gpu": "unknown", "engine": "ok", "model": "ok"}},
		"loud":    {loud, map[string]string{"busy_before": "caution", "free_ram": "caution", "swapping": "caution"}},
		"mobile":  {mobile, map[string]string{"busy_before": "ok", "battery": "caution", "quota": "caution", "swapping": "ok", "powersave": "unknown"}},
		"nothing": {nil, map[string]string{"busy_before": "unknown", "free_ram": "unknown", "swapping": "unknown"}},
	} {
		in(t, options{}, func(t *testing.T, w *world) {
			w.sampler.history = c.history
			p, err := w.svc.Preflight(t.Context(), 0)
			if err != nil || !p.Ready || p.Quiet != (name == "quiet" || name == "nothing") || p.WaitedS != 0 {
				t.Fatalf("%s: %+v, %v", name, p, err)
			}
			got := checks(p.Checks)
			for code, state := range c.states {
				if got[code].State != state {
					t.Errorf("%s: %s is %+v, want %s", name, code, got[code], state)
				}
			}
			if name == "quiet" && *got["busy_before"].Value != 5 { // 30 − (80 + 20) / 4 threads
				t.Errorf("busy = %v, want 5", *got["busy_before"].Value)
			}
			w.engines.missing, w.library.models = true, nil
			p, err = w.svc.Preflight(t.Context(), 0)
			if got = checks(p.Checks); err != nil || p.Ready || got["engine"].State != "invalid" || got["model"].State != "invalid" {
				t.Errorf("nothing installed: %+v, %v", p, err)
			}
		})
	}
}

func TestPreflightWaits(t *testing.T) {
	in(t, options{}, func(t *testing.T, w *world) {
		_, err := w.svc.Preflight(t.Context(), time.Hour)
		refused(t, err, domain.KindInvalid, "query.wait_s")
		w.sampler.look([]domain.Sample{{CPUPercent: ptr(80.0)}})
		if p, err := w.svc.Preflight(t.Context(), 2*time.Second); err != nil || p.Quiet || !p.Ready || p.WaitedS != 2 {
			t.Errorf("never quiet: %+v, %v", p, err)
		}
		go func() {
			pass(1200 * time.Millisecond)
			w.sampler.look([]domain.Sample{{CPUPercent: ptr(2.0)}})
		}()
		if p, err := w.svc.Preflight(t.Context(), 30*time.Second); err != nil || !p.Quiet || p.WaitedS != 1.5 {
			t.Errorf("quiet after a while: %+v, %v", p, err)
		}
		w.sampler.look([]domain.Sample{{CPUPercent: ptr(80.0)}})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if p, err := w.svc.Preflight(ctx, time.Minute); err == nil {
			t.Errorf("nobody waits for %+v", p)
		}
	})
}

// The readings from before a run lie on its clock before zero, and only the idle phase shows them.
func TestReadingsFromBeforeARun(t *testing.T) {
	in(t, options{}, func(t *testing.T, w *world) {
		now := time.Now()
		w.sampler.look([]domain.Sample{{Timestamp: now.Add(-time.Second), Phase: domain.PhaseIdle}, // before another run: not at rest
			{Timestamp: now.Add(-900 * time.Millisecond), Phase: domain.PhaseMeasure},
			{Timestamp: now.Add(-500 * time.Millisecond), Phase: domain.PhaseIdle, CPUPercent: ptr(40.0)},
			{Timestamp: now.Add(-400 * time.Millisecond), Phase: domain.PhaseIdle, CPUPercent: ptr(40.0)}})
		run := w.finished(nil)
		before, err := w.svc.BenchmarkMetrics(t.Context(), run.ID, service.MetricsQuery{Phase: domain.PhaseIdle})
		if err != nil || len(before) != 2 || before[0].TMs >= 0 || before[0].TMs < -3000 {
			t.Errorf("before = %+v, %v", before, err)
		}
		all, err := w.svc.BenchmarkMetrics(t.Context(), run.ID, service.MetricsQuery{})
		if err != nil || len(all) == 0 || all[0].TMs < 0 {
			t.Errorf("all = %+v, %v", all, err)
		}
		if c := checks(run.Validity.Checks)["busy_before"]; c.State != "caution" {
			t.Errorf("busy before = %+v", c)
		}
	})
}

func TestDoctorTellsNoSecret(t *testing.T) {
	const key = "sk-very-secret-key"
	in(t, options{}, func(t *testing.T, w *world) {
		if _, err := w.svc.AddEndpoint(t.Context(), domain.EndpointInput{BaseURL: ptr("http://box/v1"), APIKey: ptr(key)}); err != nil {
			t.Fatal(err)
		}
		w.finished(nil)
		rep, err := w.svc.Doctor(t.Context())
		if err != nil || !rep.OK || !strings.Contains(rep.Text, "Inferometer 1.2.3") || !strings.Contains(rep.Text, "/sys/class/powercap") {
			t.Fatalf("report = %+v, %v", rep, err)
		}
		for _, cause := range []error{errors.New("open /home/ana/x: no"), errors.New(`open C:\Users\ana\x: no`), errors.New(`open "~/ana/x": no`),
			&domain.Error{Kind: domain.KindConflict, Msg: "The engine (/opt/ana/llama-server) cannot run."}, errors.New(`open \\ana\share: no`)} {
			w.engines.enginesOf = cause
			if rep, err = w.svc.Doctor(t.Context()); err != nil || rep.OK {
				t.Errorf("%v: %+v, %v", cause, rep, err)
			}
			for _, hidden := range []string{key, "Say hello.", "ana", w.path} {
				if strings.Contains(rep.Text, hidden) {
					t.Errorf("the report holds %q:\n%s", hidden, rep.Text)
				}
			}
		}
		broken := errors.New("disk gone")
		w.store.pingErr.Store(&broken)
		if rep, err = w.svc.Doctor(t.Context()); err != nil || rep.OK || checks(rep.Checks)["database"].State != "invalid" {
			t.Errorf("no database: %+v, %v", rep, err)
		}
		if h := w.svc.Health(t.Context()); h.Status != "unwell" || len(h.Reasons) != 1 || strings.Contains(h.Reasons[0], "disk gone") {
			t.Errorf("health = %+v", h)
		}
	})
}

func TestSystem(t *testing.T) {
	in(t, options{}, func(t *testing.T, w *world) {
		pass(90 * time.Second)
		if h := w.svc.Health(t.Context()); h.Status != "ok" || h.Version != "1.2.3" || h.UptimeS != 90 {
			t.Errorf("health = %+v", h)
		}
		sys, err := w.svc.System(t.Context())
		if err != nil || sys.App.Version != "1.2.3" || sys.App.DatabaseBytes == 0 || sys.App.Debug {
			t.Errorf("system = %+v, %v", sys.App, err)
		}
		for _, last := range []time.Duration{-1, 2 * time.Hour} {
			_, err = w.svc.SystemTelemetry(t.Context(), last)
			refused(t, err, domain.KindInvalid, "query.last")
		}
	})
}

func TestMetrics(t *testing.T) {
	in(t, options{}, func(t *testing.T, w *world) {
		id := w.finished(nil).ID
		batch := domain.Batch{}
		for i := range 1000 {
			cpu := 50.0
			if i == 500 {
				cpu = 99 // a peak that thinning must keep
			}
			batch.Samples = append(batch.Samples, domain.Sample{TUs: int64(i)*100_000 + 60_000_000, Timestamp: time.Now(), Phase: domain.PhaseIdle, CPUPercent: &cpu})
		}
		if err := w.store.AppendRun(t.Context(), id, batch); err != nil {
			t.Fatal(err)
		}
		get := func(q service.MetricsQuery) []domain.Sample {
			out, err := w.svc.BenchmarkMetrics(t.Context(), id, q)
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		if n := len(get(service.MetricsQuery{Phase: domain.PhaseIdle})); n != 1000 {
			t.Errorf("%d idle samples", n)
		}
		if n := len(get(service.MetricsQuery{Phase: domain.PhaseIdle, Every: time.Second})); n != 100 {
			t.Errorf("%d samples at one a second, want 100", n)
		}
		thin := get(service.MetricsQuery{Phase: domain.PhaseIdle, Points: 100})
		peak := 0.0
		for _, x := range thin {
			peak = max(peak, *x.CPUPercent)
		}
		if len(thin) > 100 || peak != 99 {
			t.Errorf("%d samples with a peak of %v", len(thin), peak)
		}
		ps, err := w.svc.BenchmarkPhases(t.Context(), id)
		if err != nil || len(ps) != 6 {
			t.Errorf("phases = %v, %v", ps, err)
		}
		_, err = w.svc.BenchmarkMetrics(t.Context(), "none", service.MetricsQuery{})
		refused(t, err, domain.KindNotFound, "")
		_, err = w.svc.BenchmarkRequest(t.Context(), id, 99)
		refused(t, err, domain.KindNotFound, "")
	})
}
