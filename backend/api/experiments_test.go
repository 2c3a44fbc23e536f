package api

import (
	"net/http"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

func TestExperimentsOverREST(t *testing.T) {
	w := newWorld(t, false)
	arm := func(tokens int) map[string]any {
		b := seedBody()
		b["max_tokens"] = tokens
		return map[string]any{"benchmark": b}
	}
	a := w.call(http.MethodPost, base+"/experiments", map[string]any{"arms": []any{arm(4), arm(8)}, "pairs": 2}).want(http.StatusAccepted)
	e := decode[domain.Experiment](a)
	path := base + "/experiments/" + e.ID
	if a.header.Get("Location") != path || e.Total != 4 || e.MinEffectPercent != 2 {
		t.Errorf("%+v at %s", e, a.header.Get("Location"))
	}
	for _, r := range e.Runs {
		if _, err := w.svc.WaitBenchmark(t.Context(), r.ID, time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	e = decode[domain.Experiment](w.get(path).want(http.StatusOK))
	if e.Status != domain.StatusCompleted || e.Comparison == nil || e.Comparison.Metrics[0].Values[1].Effect.Verdict != "too_few" {
		t.Errorf("%+v", e)
	}
	if all := decode[[]domain.Experiment](w.get(base + "/experiments").want(http.StatusOK)); len(all) != 1 || all[0].Comparison != nil {
		t.Errorf("%+v", all)
	}
	w.call(http.MethodPost, path+"/cancel", nil).problem(http.StatusConflict)
	ids := []domain.RunID{e.Runs[0].ID, e.Runs[1].ID}
	c := decode[domain.Comparison](w.call(http.MethodPost, base+"/comparisons", map[string]any{"runs": ids}).want(http.StatusOK))
	if len(c.Sides) != 2 || !c.Paired {
		t.Errorf("%+v", c)
	}
	if p := w.call(http.MethodPost, base+"/comparisons", map[string]any{"runs": ids[:1]}).problem(http.StatusUnprocessableEntity); !p.names("body.runs") {
		t.Errorf("%+v", p)
	}
	if p := w.call(http.MethodPost, base+"/experiments", map[string]any{"arms": []any{arm(4)}}).problem(http.StatusUnprocessableEntity); !p.names("body.arms") {
		t.Errorf("%+v", p)
	}
	if p := w.call(http.MethodPost, base+"/experiments", map[string]any{"arms": []any{arm(4), arm(0)}}).problem(http.StatusUnprocessableEntity); !p.names("body.arms[1].benchmark.max_tokens") {
		t.Errorf("%+v", p)
	}
	x := decode[domain.ExperimentEstimate](w.call(http.MethodPost, base+"/estimates", map[string]any{"arms": []any{arm(4), arm(8)}}).want(http.StatusOK))
	if x.Pairs != 8 || x.Total != 16 || x.Power == nil || x.Sentence == "" {
		t.Errorf("%+v", x)
	}
	if p := w.call(http.MethodPost, base+"/estimates", map[string]any{"arms": []any{arm(4), arm(0)}}).problem(http.StatusUnprocessableEntity); !p.names("body.arms[1].benchmark.max_tokens") {
		t.Errorf("%+v", p)
	}
	both := string(ids[0] + "," + ids[1])
	if ds := decode[[]domain.Distribution](w.get(base + "/distributions?metric=decode_tokens_per_second&runs=" + both).want(http.StatusOK)); len(ds) != 2 || ds[1].N == 0 || len(ds[1].Values) != ds[1].N {
		t.Errorf("%+v", ds)
	}
	if p := w.get(base + "/distributions?runs=" + both + ",none").problem(http.StatusUnprocessableEntity); !p.names("query.runs[2]") {
		t.Errorf("%+v", p)
	}
	if ts := decode[[]domain.Trend](w.get(base + "/trends?metric=ttft_ms&model=tiny").want(http.StatusOK)); len(ts) != 2 || len(ts[0].Points) != 2 || ts[0].Metric != "ttft_ms" {
		t.Errorf("%+v", ts)
	}
	if p := w.get(base + "/trends?metric=luck").problem(http.StatusUnprocessableEntity); !p.names("query.metric") {
		t.Errorf("%+v", p)
	}
	w.call(http.MethodDelete, path, nil).want(http.StatusNoContent)
	w.get(path).problem(http.StatusNotFound)
}

// Values of a sweep may be numbers and words; what is wrong is told by its place.
func TestSweepOverREST(t *testing.T) {
	w := newWorld(t, false)
	sweep := func(values string) string {
		return `{"kind":"sweep","benchmark":{"model_id":"tiny","prompt":"a","max_tokens":4},"sweep":{"repeats":2,"axes":[{"setting":"threads","values":` + values + `},{"setting":"flash_attention","values":["on","off"]}]}}`
	}
	e := decode[domain.Experiment](w.call(http.MethodPost, base+"/experiments", sweep("[1,2]")).want(http.StatusAccepted))
	if e.Total != 4 || e.Most != 8 || e.Sweep == nil || len(e.Sweep.Cells) != 4 || *e.Sweep.Cells[1].Settings.FlashAttention != "off" || e.Design.Sweep.Axes[0].Values[1] != 2.0 {
		t.Errorf("%+v", e)
	}
	w.call(http.MethodPost, base+"/experiments/"+e.ID+"/cancel", nil).want(http.StatusOK)
	for values, place := range map[string]string{`[0]`: "body.sweep.axes[0].values[0]", `[1,1]`: "body.sweep.axes[0].values[1]", `["two"]`: "body.sweep.axes[0].values[0]", `[]`: "body.sweep.axes[0].values",
		`[null]`: "body.sweep.axes[0].values[0]", `null`: "body.sweep.axes[0].values", `[[1]]`: "body.sweep.axes[0].values[0]", `[5000000000]`: "body.sweep.axes[0].values[0]"} {
		if p := w.call(http.MethodPost, base+"/experiments", sweep(values)).problem(http.StatusUnprocessableEntity); !p.names(place) {
			t.Errorf("%s: %+v", values, p)
		}
	}
}

// A tune and a capacity experiment over REST: started, followed to their end, and refused with the place of the mistake.
func TestTuneAndCapacityOverREST(t *testing.T) {
	w := newWorld(t, false)
	b := seedBody()
	b["max_tokens"] = 2
	started := func(body map[string]any) domain.Experiment {
		e := decode[domain.Experiment](w.call(http.MethodPost, base+"/experiments", body).want(http.StatusAccepted))
		if _, err := w.svc.WaitBenchmark(t.Context(), e.Runs[0].ID, time.Minute); err != nil {
			t.Fatal(err)
		}
		w.call(http.MethodPost, base+"/experiments/"+e.ID+"/cancel", nil)
		return decode[domain.Experiment](w.get(base + "/experiments/" + e.ID).want(http.StatusOK))
	}
	e := started(map[string]any{"kind": "tune", "benchmark": b, "tune": map[string]any{"values": map[string]any{"flash_attention": []string{"on"}}, "pairs": 6}})
	if e.Tune == nil || len(e.Tune.Rounds) != 1 || len(e.Tune.Rounds[0].Candidates) != 2 || e.Most != 2+12 || e.Tune.Verdict != "" {
		t.Errorf("%+v", e)
	}
	limits := []any{map[string]any{"metric": "ttft", "below_ms": 60_000}}
	e = started(map[string]any{"kind": "capacity", "benchmark": b, "capacity": map[string]any{"max_users": 2, "requests": 5, "repeats": 2,
		"personas": []any{map[string]any{"key": "chat", "objectives": limits}}}})
	if e.Capacity == nil || *e.Capacity.Personas[0].Users != 1 || e.Capacity.Personas[0].Points[0].Met != 5 {
		t.Errorf("%+v", e)
	}
	if all := decode[[]domain.Persona](w.get(base + "/personas").want(http.StatusOK)); len(all) != 4 || len(all[0].Objectives) != 2 {
		t.Errorf("%+v", all)
	}
	for field, body := range map[string]map[string]any{
		"body.tune.settings[0]":         {"kind": "tune", "benchmark": b, "tune": map[string]any{"settings": []string{"luck"}}},
		"body.tune.values.threads":      {"kind": "tune", "benchmark": b, "tune": map[string]any{"values": map[string]any{"threads": []int{}}}},
		"body.capacity.personas[1].key": {"kind": "capacity", "benchmark": b, "capacity": map[string]any{"personas": []any{map[string]any{"key": "chat"}, map[string]any{"key": "chat"}}}},
		"body.capacity.max_users":       {"kind": "capacity", "benchmark": b, "capacity": map[string]any{"max_users": 0}},
		"body.benchmark":                {"kind": "capacity"},
	} {
		if p := w.call(http.MethodPost, base+"/experiments", body).problem(http.StatusUnprocessableEntity); !p.names(field) {
			t.Errorf("%s: %+v", field, p)
		}
	}
}
