package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
)

func TestNotFoundAndMethods(t *testing.T) {
	w := newWorld(t, false)
	for _, path := range []string{"/api", "/api/v1", "/api/v1/", "/api/v1/nothing", "/api/v1/health/", "/api/v2/health",
		"/api//v1/health", "/results", "/results/", "/nothing.js", "/assets", "/assets/none.js"} {
		w.get(path).problem(http.StatusNotFound)
		w.call(http.MethodOptions, "/api/v1/nothing", nil).problem(http.StatusNotFound)
	}
	for target, want := range map[string]string{
		"PUT /api/v1/benchmarks":          "GET, HEAD, OPTIONS, POST",
		"POST /api/v1/benchmarks/x":       "DELETE, GET, HEAD, OPTIONS, PATCH",
		"GET /api/v1/benchmarks/x/cancel": "OPTIONS, POST",
		"HEAD /api/v1/endpoints/x/check":  "OPTIONS, POST",
		"DELETE /api/v1/health":           "GET, HEAD, OPTIONS",
		"BREW /api/v1/settings":           "GET, HEAD, OPTIONS, PATCH",
		"POST /":                          "GET, HEAD, OPTIONS",
	} {
		method, path, _ := strings.Cut(target, " ")
		a := w.call(method, path, nil)
		if method == http.MethodHead {
			a.want(http.StatusMethodNotAllowed)
		} else if p := a.problem(http.StatusMethodNotAllowed); p.Detail != `Method "`+method+`" not allowed.` {
			t.Errorf("%s: %s", target, p.Detail)
		}
		if got := a.header.Get("Allow"); got != want {
			t.Errorf("%s: Allow %q, want %q", target, got, want)
		}
		o := w.call(http.MethodOptions, path, nil).want(http.StatusNoContent)
		if o.header.Get("Allow") != want || o.header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("OPTIONS %s: %v", path, o.header)
		}
	}
}

func TestHeadIsGetWithoutBody(t *testing.T) {
	w := newWorld(t, true)
	for _, path := range []string{"/", "/docs", "/metrics", "/results/average/", base + "/benchmarks", base + "/health",
		base + "/events", base + "/benchmarks/x", base + "/openapi.json"} {
		head := w.call(http.MethodHead, path, nil)
		if len(head.body) != 0 {
			t.Errorf("HEAD %s has a body: %s", path, head.body)
		}
		if path == base+"/events" {
			head.want(http.StatusOK)
			continue
		}
		get := w.get(path)
		if head.status != get.status || head.header.Get("Content-Type") != get.header.Get("Content-Type") {
			t.Errorf("HEAD %s: %d %s, GET %d %s", path, head.status, head.header.Get("Content-Type"), get.status, get.header.Get("Content-Type"))
		}
	}
}

// A panic becomes a 500 with an id; the cause is in the log alone.
// A caller who leaves while it waits is no fault of the program.
func TestACallerWhoLeavesIsNoFault(t *testing.T) {
	w := newWorld(t, false)
	if p := w.api.problem(fmt.Errorf("wait for a quiet machine: %w", context.Canceled)); p.Status != http.StatusServiceUnavailable || p.Detail == "" {
		t.Errorf("%+v", p)
	}
	if strings.Contains(w.log.String(), "fault") {
		t.Errorf("the log says %s", w.log)
	}
}

func TestPanicsAndFaultsAreHidden(t *testing.T) {
	w := newWorld(t, false)
	add(w.api, read("Boom", base+"/boom", "x"), func(context.Context, *none) (*body[int], error) { panic("secret cause") })
	add(w.api, read("Fault", base+"/fault", "x"), func(context.Context, *none) (*body[int], error) {
		return nil, errors.New("secret cause")
	})
	for _, path := range []string{"/boom", "/fault"} {
		a := w.get(base + path)
		p := a.problem(http.StatusInternalServerError)
		id := p.Instance[strings.LastIndex(p.Instance, ":")+1:]
		if strings.Contains(string(a.body), "secret") || id == "" || !strings.Contains(w.log.String(), id) || !strings.Contains(w.log.String(), "secret cause") {
			t.Errorf("%s: %s, log %s", path, a.body, w.log)
		}
	}
	w.settings.debug = true
	if p := w.get(base + "/fault").problem(500); !slices.Contains(p.Causes, "secret cause") {
		t.Errorf("debug mode carries the chain of causes: %+v", p)
	}
}

// Every error of an operation is told to who listens, and one that may pass is in the log.
func TestFailuresAreHeardOf(t *testing.T) {
	w := newWorld(t, false)
	var heard []error
	w.api.failed = func(err error) { heard = append(heard, err) }
	cause := errors.New("the cause")
	add(w.api, read("Broken", base+"/broken", "x"), func(context.Context, *none) (*body[int], error) {
		return nil, &domain.Error{Kind: domain.KindUnavailable, Msg: "No.", Err: cause}
	})
	a := w.get(base + "/broken")
	a.problem(http.StatusServiceUnavailable)
	if len(heard) != 1 || !errors.Is(heard[0], cause) || strings.Contains(string(a.body), "cause") || !strings.Contains(w.log.String(), "the cause") {
		t.Errorf("heard %v, answered %s, log %s", heard, a.body, w.log)
	}
}

func TestStatusOfEveryKind(t *testing.T) {
	a := New(Options{})
	for kind, want := range map[domain.Kind]int{domain.KindMalformed: 400, domain.KindInvalid: 422, domain.KindUnauthorized: 401,
		domain.KindForbidden: 403, domain.KindNotFound: 404, domain.KindConflict: 409, domain.KindTooLarge: 413,
		domain.KindMediaType: 415, domain.KindUnsupported: 422, domain.KindEngineFailed: 502, domain.KindUnavailable: 503,
		domain.KindTimeout: 504, domain.KindNotReady: 501, domain.KindInternal: 500} {
		p := a.problem(&domain.Error{Kind: kind, Msg: "m", Hint: "h"})
		if p.Status != want || p.Type != "urn:inferometer:"+string(kind) {
			t.Errorf("%s: %+v", kind, p)
		}
		if retry := p.header.Get("Retry-After"); (retry != "") != (want == 503) {
			t.Errorf("%s: Retry-After %q", kind, retry)
		}
	}
}

func TestFillLists(t *testing.T) {
	type inner struct{ Names []string }
	type outer struct {
		Rows  []inner
		Ptr   *inner
		Map   map[string]int
		Bytes []byte
		Any   any
	}
	shared := &inner{}
	in := outer{Rows: []inner{{}, {Names: []string{"a"}}}, Ptr: shared, Any: inner{}}
	out := fillLists(in).(outer)
	if out.Rows[0].Names == nil || out.Rows[1].Names[0] != "a" || out.Ptr.Names == nil || out.Map == nil || out.Any.(inner).Names == nil {
		t.Errorf("%+v", out)
	}
	if shared.Names != nil || in.Rows[0].Names != nil || out.Bytes != nil {
		t.Error("the original was changed")
	}
	if fillLists(nil) != nil {
		t.Error("nil must stay nil")
	}
}

func TestWebInterface(t *testing.T) {
	w := newWorld(t, false)
	for _, path := range []string{"/", "/index.html"} {
		a := w.get(path).want(http.StatusOK)
		if a.header.Get("Cache-Control") != "no-cache" || !strings.Contains(string(a.body), "Inferometer") || a.header.Get("Content-Security-Policy") == "" {
			t.Errorf("%s: %v", path, a.header)
		}
	}
	if got := w.get("/assets/index-abc12.js").want(http.StatusOK).header.Get("Cache-Control"); !strings.Contains(got, "immutable") {
		t.Errorf("assets: Cache-Control %q", got)
	}
	w.get("/favicon.svg").want(http.StatusOK)
	bare := New(Options{Service: w.svc})
	rec := httptest.NewRecorder()
	bare.Handler().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/", nil))
	if rec.Code != http.StatusServiceUnavailable || !strings.Contains(rec.Body.String(), "not part of this build") {
		t.Errorf("without interface: %d %s", rec.Code, rec.Body)
	}
	docs := w.get("/docs").want(http.StatusOK)
	if strings.Contains(string(docs.body), "http://") || strings.Contains(string(docs.body), "https://") {
		t.Error("the documentation page loads something remote")
	}
}

func TestSystemRoutes(t *testing.T) {
	w := newWorld(t, false)
	h := w.get(base + "/health").want(http.StatusOK)
	if !slices.Equal(h.keys(), []string{"reasons", "status", "uptime_s", "version"}) || h.text("status") != "ok" || h.text("version") != "1.2.3" {
		t.Errorf("health %s", h.body)
	}
	if s := decode[domain.System](w.get(base + "/system").want(200)); s.Hostname != "test" || s.App.Version != "1.2.3" {
		t.Errorf("system %+v", s)
	}
	if s := decode[[]domain.Sample](w.get(base + "/system/telemetry?last=10s").want(200)); len(s) != 1 {
		t.Errorf("telemetry %+v", s)
	}
	if p := decode[domain.Preflight](w.get(base + "/system/preflight").want(200)); len(p.Checks) == 0 {
		t.Errorf("preflight %+v", p)
	}
	if p := decode[domain.Preflight](w.get(base + "/system/preflight?wait_s=0.1").want(200)); !p.Quiet && p.WaitedS < 0.1 {
		t.Errorf("preflight after a wait %+v", p)
	}
	if d := decode[domain.DoctorReport](w.get(base + "/system/doctor").want(200)); len(d.Checks) == 0 {
		t.Errorf("doctor %+v", d)
	}
	m := string(w.get("/metrics").want(200).body)
	if !strings.Contains(m, "inferometer_cpu_usage_percent 12.5\n") || strings.Contains(m, "gpu_") || !strings.Contains(m, "inferometer_benchmark_active 0\n") {
		t.Errorf("metrics %s", m)
	}
	s := decode[domain.Settings](w.call(http.MethodPatch, base+"/settings", `{"theme":"dark"}`).want(200))
	if len(s.Items) == 0 || w.settings.theme != "dark" {
		t.Errorf("settings %+v", s)
	}
	w.get(base + "/settings").want(200)
	w.call(http.MethodPatch, base+"/settings", `{"debug":true}`).problem(409)
	w.gone = true
	if err := w.store.Close(); err != nil {
		t.Fatal(err)
	}
	if h := w.get(base + "/health").want(http.StatusServiceUnavailable); len(decode[domain.Health](h).Reasons) == 0 {
		t.Errorf("health without store %s", h.body)
	}
}

func TestLibraryRoutes(t *testing.T) {
	w := newWorld(t, false)
	if ms := decode[[]domain.Model](w.get(base + "/models").want(200)); len(ms) != 2 || ms[0].ID != "tiny" {
		t.Errorf("models %+v", ms)
	}
	if ms := decode[[]domain.Model](w.get(base + "/models?installed=false").want(200)); len(ms) != 1 || ms[0].ID != "big" {
		t.Errorf("catalogue %+v", ms)
	}
	w.call(http.MethodPost, base+"/models", `{"path":"/x/new.gguf"}`).want(201)
	if d := decode[domain.Download](w.call(http.MethodPost, base+"/models/org%2Fname%3AQ4_K_M/download", nil).want(202)); d.ID != "org/name:Q4_K_M" {
		t.Errorf("download %+v", d)
	}
	w.call(http.MethodPost, base+"/models/engine/download", nil).want(202)
	w.call(http.MethodPost, base+"/models/engine/download/cancel", nil).want(204)
	w.call(http.MethodDelete, base+"/models/org%2Fname:Q4_K_M/download", nil).want(204)
	w.call(http.MethodPost, base+"/models/big/download/cancel", nil).problem(404)
	w.call(http.MethodDelete, base+"/models/org%2Fname%3AQ4_K_M", nil).want(204)
	w.call(http.MethodDelete, base+"/models/org%2Fname%3AQ4_K_M", nil).problem(404)
	if es := decode[[]domain.Engine](w.get(base + "/engines").want(200)); es[0].ID != "llama-server" {
		t.Errorf("engines %+v", es)
	}
	if lines := decode[[]string](w.get(base + "/engines/llama-server/log").want(200)); len(lines) != 2 {
		t.Errorf("log %v", lines)
	}
	w.get(base + "/engines/none/log").problem(404)
}

func TestEndpointRoutes(t *testing.T) {
	w := newWorld(t, false)
	a := w.call(http.MethodPost, base+"/endpoints", `{"name":"Mine","base_url":"http://127.0.0.1:9","api_key":"`+secret+`"}`).want(201)
	e := decode[domain.Endpoint](a)
	path := a.header.Get("Location")
	if path != base+"/endpoints/"+e.ID || e.BaseURL != "http://127.0.0.1:9/v1" || !e.HasKey {
		t.Errorf("endpoint %+v at %s", e, path)
	}
	if got := decode[domain.Endpoint](w.call(http.MethodPatch, path, `{"name":"Yours"}`).want(200)); got.Name != "Yours" || !got.HasKey {
		t.Errorf("edited %+v", got)
	}
	if c := decode[domain.EndpointCheck](w.call(http.MethodPost, path+"/check", nil).want(200)); !c.OK || !slices.Equal(c.Models, []string{"remote"}) {
		t.Errorf("check %+v", c)
	}
	if len(w.engine.asked()) == 0 {
		t.Error("a check without a body generates")
	}
	sent := len(w.engine.asked())
	c := decode[domain.EndpointCheck](w.call(http.MethodPost, path+"/check", `{"generate":false}`).want(200))
	if !c.OK || c.Checks[0].Code != "reachable" || len(w.engine.asked()) != sent {
		t.Errorf("check without generations %+v", c)
	}
	w.call(http.MethodPost, path+"/check", `{"model_id":"other"}`).problem(422)
	found := decode[[]domain.Discovered](w.get(base + "/discovery").want(200))
	if len(found) != 1 || found[0].EndpointID == nil || *found[0].EndpointID != e.ID {
		t.Errorf("found %+v", found)
	}
	list := w.get(base + "/endpoints").want(200)
	if strings.Contains(string(list.body), secret) || list.header.Get("X-Total-Count") != "1" {
		t.Errorf("list %s", list.body)
	}
	w.get(path).want(200)
	w.call(http.MethodDelete, path, nil).want(204)
	w.get(path).problem(404)
	w.call(http.MethodDelete, path, nil).problem(404)
	w.call(http.MethodPost, path+"/check", nil).problem(404)
}

func TestDatasetRoutes(t *testing.T) {
	w := newWorld(t, false)
	before := decode[[]domain.Dataset](w.get(base + "/datasets").want(200))
	if len(before) == 0 || !before[0].Builtin || before[0].Prompts == 0 {
		t.Fatalf("built-in datasets %+v", before)
	}
	for ct, text := range map[string]string{
		"application/x-ndjson":            "{\"prompt\":\"one\"}\n{\"prompt\":\"two\"}\n",
		"text/csv; charset=utf-8":         "prompt\none\ntwo\n",
		"application/json":                `[{"prompt":"one"},{"prompt":"two"}]`,
		"application/json; charset=UTF-8": `[{"prompt":"one"},{"prompt":"two"}]`,
	} {
		a := w.call(http.MethodPost, base+"/datasets?name=My+set", text, "Content-Type", ct).want(201)
		d := decode[domain.Dataset](a)
		if d.Prompts != 2 || a.header.Get("Location") != base+"/datasets/"+d.ID {
			t.Errorf("%s: %+v", ct, d)
		}
		one := decode[domain.DatasetDetail](w.get(base + "/datasets/" + d.ID).want(200))
		if len(one.Preview) != 2 || one.Preview[0].Text != "one" {
			t.Errorf("%s: %+v", ct, one)
		}
		w.call(http.MethodDelete, base+"/datasets/"+d.ID, nil).want(204)
		w.get(base + "/datasets/" + d.ID).problem(404)
	}
	w.call(http.MethodDelete, base+"/datasets/"+before[0].ID, nil).problem(409)
	look := w.call(http.MethodPost, base+"/datasets?preview", "prompt\none\n", "Content-Type", "text/csv").want(200)
	if d := decode[domain.DatasetImport](look); d.Stored || d.Prompts != 1 || d.Format != "csv" || len(d.Preview) != 1 || look.header.Get("Location") != "" {
		t.Errorf("preview %+v", d)
	}
	if now := decode[[]domain.Dataset](w.get(base + "/datasets").want(200)); len(now) != len(before) {
		t.Errorf("a preview was stored: %+v", now)
	}
	const mixed = "{\"prompt\":\"one\"}\n{\"prompt\":1}\n{\"prompt\":\"two\"}\n"
	w.call(http.MethodPost, base+"/datasets?name=Mixed", mixed, "Content-Type", "application/x-ndjson").problem(422)
	if d := decode[domain.DatasetImport](w.call(http.MethodPost, base+"/datasets?name=Mixed&skip_bad", mixed, "Content-Type", "application/x-ndjson").want(201)); !d.Stored || d.Prompts != 2 || len(d.Rejected) != 1 || d.Rejected[0].Line != 2 {
		t.Errorf("import without its bad line %+v", d)
	}
	// A stream may be larger than the JSON of a command.
	large := "{\"prompt\":\"" + strings.Repeat("x", 1000) + "\"}\n"
	w.call(http.MethodPost, base+"/datasets?name=Large", strings.Repeat(large, 2000), "Content-Type", "application/x-ndjson").want(201)
}
