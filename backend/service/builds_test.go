package service_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine"
	"github.com/inferometer/inferometer/backend/engine/enginetest"
)

// built is an engine of a build.
type built struct {
	*enginetest.Scripted
	build string
}

func (b built) Prepare(ctx context.Context, spec domain.EngineSpec) (domain.EngineInfo, error) {
	info, err := b.Scripted.Prepare(ctx, spec)
	info.Build, info.BinarySHA256 = b.build, "sha of "+b.build
	return info, err
}

// update gives a world two builds, of which the new one is chosen and takes so long for a token.
func (w *world) update(gap time.Duration) {
	make := func(build string, gap time.Duration) built {
		return built{enginetest.New(enginetest.Script{TTFT: 100 * time.Millisecond, Gap: gap}), build}
	}
	was, is := make("b1", 10*time.Millisecond), make("b2", gap)
	w.engines.set(is, nil)
	w.engines.mu.Lock()
	defer w.engines.mu.Unlock()
	w.engines.byBuild = map[string]engine.Engine{"b1-cpu": was, "b2-cpu": is}
	w.engines.builds = []domain.EngineBuild{{ID: "b2-cpu", Build: "b2", SHA256: "sha of b2"}, {ID: "b1-cpu", Build: "b1", SHA256: "sha of b1"}}
}

func (w *world) builds() domain.Builds {
	w.t.Helper()
	b, err := w.svc.Builds(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return b
}

// A new build without runs is offered to be measured against the one before; the verdicts are told as alerts.
func TestMeasureBuild(t *testing.T) {
	in(t, options{}, func(t *testing.T, w *world) {
		if b := w.builds(); len(b.Items) != 0 || b.Offer != nil || b.Watch != domain.WatchAsk {
			t.Errorf("%+v", b)
		}
		w.update(12 * time.Millisecond)
		if b := w.builds(); len(b.Items) != 2 || !b.Items[0].Chosen || b.Offer != nil { // nothing was measured yet
			t.Errorf("%+v", b)
		}
		_, err := w.svc.MeasureBuild(t.Context(), domain.BuildRequest{})
		refused(t, err, domain.KindInvalid, "body.old")
		refused(t, err, domain.KindInvalid, "body.model_id")
		old := w.finished(func(r *domain.BenchmarkRequest) { r.EngineOptions = &domain.EngineOptions{Build: ptr("b1-cpu")} })
		if old.Environment.Engine.Build != "b1" {
			t.Fatalf("measured with %q", old.Environment.Engine.Build)
		}
		b := w.builds()
		if o := b.Offer; o == nil || *o != (domain.BuildOffer{Old: "b1-cpu", New: "b2-cpu", ModelID: "tiny", Runs: 32}) || b.Items[1].Runs != 1 || b.Items[1].LastAt == nil {
			t.Fatalf("%+v", b)
		}
		for field, r := range map[string]domain.BuildRequest{"body.old": {Old: ptr("b9")}, "body.new": {New: ptr("b1-cpu")}, "body.pairs": {Pairs: ptr(1)}} {
			_, err := w.svc.MeasureBuild(t.Context(), r)
			refused(t, err, domain.KindInvalid, field)
		}
		es, err := w.svc.MeasureBuild(t.Context(), domain.BuildRequest{})
		if err != nil || len(es) != 2 || es[0].Kind != "build" || es[0].Name != "b2 against b1, chat" || es[0].Arms[0].Name != "b1" {
			t.Fatalf("%+v %v", es, err)
		}
		if b := w.builds(); b.Offer != nil { // it is being measured
			t.Errorf("%+v", b)
		}
		for _, e := range es {
			if done := w.ended(e.ID); done.Status != domain.StatusCompleted {
				t.Fatalf("%+v", done)
			}
		}
		w.wait(w.finished(nil).ID) // and with it what follows the last run of the experiment
		var told []domain.Alert
		all, err := w.svc.Alerts(t.Context(), true)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range all {
			if a.Kind == domain.AlertBuild {
				told = append(told, a)
			}
		}
		slices.SortFunc(told, func(a, b domain.Alert) int { return strings.Compare(a.Metric, b.Metric) })
		if len(told) != 2 {
			t.Fatalf("%+v", told)
		}
		chat, long := told[0], told[1]
		if chat.Metric != "decode_tokens_per_second" || chat.Verdict != "worse" || chat.Percent > -16 || chat.Percent < -17.5 || *chat.Experiment != es[0].ID ||
			chat.RunsAfter != 8 || chat.Interval == nil || !slices.Equal(chat.Differs[0].Values, []string{"b1", "b2"}) || chat.Since == "" {
			t.Errorf("%+v", chat)
		}
		if long.Metric != "ttft_ms" || long.Verdict != "equivalent" {
			t.Errorf("%+v", long)
		}
		if b := w.builds(); b.Offer != nil || b.Items[0].Runs == 0 {
			t.Errorf("%+v", b)
		}
		_, err = w.svc.StartBenchmark(t.Context(), domain.BenchmarkRequest{ModelID: "tiny", Prompt: ptr("x"), EngineOptions: &domain.EngineOptions{Build: ptr("b9")}}, "")
		refused(t, err, domain.KindInvalid, "body.engine_options.build")
	})
}

// With watch_builds always the new build is measured by itself at the next start, once; with never it is not even offered.
func TestWatchBuilds(t *testing.T) {
	in(t, options{}, func(t *testing.T, w *world) {
		w.update(10 * time.Millisecond)
		w.finished(func(r *domain.BenchmarkRequest) { r.EngineOptions = &domain.EngineOptions{Build: ptr("b1-cpu")} })
		if _, err := w.svc.EditSettings(t.Context(), domain.SettingsPatch{WatchBuilds: ptr("never")}); err != nil || w.builds().Offer != nil {
			t.Errorf("%v", err)
		}
		if _, err := w.svc.EditSettings(t.Context(), domain.SettingsPatch{WatchBuilds: ptr("always")}); err != nil {
			t.Fatal(err)
		}
		w.close()
		again := build(t, options{path: w.path})
		again.update(10 * time.Millisecond)
		if err := again.svc.Start(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		es, err := again.svc.Experiments(t.Context())
		if err != nil || len(es) != 2 || es[0].Kind != "build" {
			t.Fatalf("%+v %v", es, err)
		}
		for _, e := range es {
			again.ended(e.ID)
		}
	})
}
