//go:build acceptance

package acceptance

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// secret stands for a prompt or key in the wrong place; no answer may repeat it.
const secret = "sk-SECRET-7f3c"

// bad is one wrong call: the status it must get and the field that the answer must name.
type bad struct {
	method, path, body, contentType string
	status                          int
	names                           string
}

func badBenchmarks() []bad {
	var out []bad
	add := func(status int, names, body string) {
		out = append(out, bad{"POST", "/benchmarks", body, "", status, names})
	}
	for _, broken := range []string{`{"model_id":"` + secret, `{"a":1,}`, `{} {}`, "\ufeff{}", " ", "{\"model_id\":\"" + secret + "\xff\"}",
		`{"model_id":"\ud800"}`, strings.Repeat("[", 5000), `{'model_id':1}`, `{"prompt":NaN}`} {
		add(400, "body", broken)
	}
	add(400, "body.prompt", `{"model_id":"`+model+`","prompt":"a","prompt":"`+secret+`"}`)
	add(400, "body.load.kind", body(`"load":{"kind":"single","kind":"closed"}`))
	add(413, "body", `{"prompt":"`+strings.Repeat("x", 1<<20)+`"}`)
	for _, whole := range []string{"[1]", "null", `"` + secret + `"`, "7", "true"} {
		add(422, "body", whole)
	}
	add(422, "model_id", `{"prompt":"`+secret+`"}`)
	add(422, "body.model_id", `{"model_id":"`+secret+`","prompt":"a"}`)
	add(422, "body.model_id", `{"model_id":"","prompt":"a"}`)
	add(422, "body.model_id", `{"model_id":null,"prompt":"a"}`)
	add(409, "body.model_id", `{"model_id":"gpt2","prompt":"`+secret+`"}`)
	add(422, "body.prompt", `{"model_id":"`+model+`"}`)
	add(422, "body.prompt", `{"model_id":"`+model+`","prompt":" "}`)
	add(422, "body.dataset_id", body(`"dataset_id":"chat-en"`))
	add(422, "body.dataset_id", `{"model_id":"`+model+`","dataset_id":"`+secret+`"}`)
	add(422, "body.load.rate_per_s", body(`"load":{"kind":"poisson"}`))
	add(422, "body.load.values[2]", body(`"load":{"kind":"sweep","values":[1,2,0]}`))
	add(422, "body.stages[1].load.kind", body(`"stages":[{},{"load":{"kind":"knee"}}]`))
	add(422, "body.synthetic", body(`"synthetic":{"input_tokens":{"kind":"fixed","tokens":8}}`))
	add(422, "body.slo[0].metric", body(`"slo":[{"metric":"`+secret+`","below_ms":5}]`))
	for field, values := range map[string][]string{
		"max_tokens": {"0", "-1", "32769", "1.5", `"` + secret + `"`, "true", "1e99", "[]"}, "temperature": {"-0.1", "2.1", `"hot"`, "1e999"},
		"top_p": {"0", "1.1", `"x"`}, "use_gpu": {`"no"`, "1"}, "seed": {"-1", "99999999999999999999", "0.5"}, "task": {`"` + secret + `"`, `""`, "1"},
		"load": {`"single"`, "[]"}, "load.kind": {`"steady"`, `"` + secret + `"`}, "warmup": {"-1", "1001"}, "rest": {"{}", "5"}, "rest.seconds": {"-1", "3601"},
		"rest.below_c": {"19", "101"}, "rest.most_s": {"0", "3601"}, "repeat": {"0", `"often"`, "1.5"},
		"slo": {`{"ttft_p95":500}`}, "gpu": {"-1", "64"}, "tags": {`"a"`, "7"}, "store_text": {`"yes"`}, "engine": {`"vllm"`},
		"endpoint_id": {`"` + secret + `"`}, "max_token": {"5"}, "Max_Tokens": {"5"}, "stop.requests": {"0", "-5", `"` + secret + `"`},
		"stop.duration_s": {"0", "86401"}, "stop.request": {"5"}, "load.concurrency": {"0", "10001", "null2"}, "name": {"7", `"` + strings.Repeat("n", 201) + `"`},
	} {
		for _, v := range values {
			status, text := 422, body(`"`+field+`":`+v)
			if outer, inner, nested := strings.Cut(field, "."); nested {
				kind := ""
				if inner == "concurrency" {
					kind = `"kind":"closed",`
				}
				text = body(`"` + outer + `":{` + kind + `"` + inner + `":` + v + `}`)
			}
			names := "body." + field
			if v == "null2" {
				status, names = 400, "body"
			}
			add(status, names, text)
		}
	}
	return out
}

func badCalls() []bad {
	out := badBenchmarks()
	for path, names := range map[string]string{
		"/benchmarks?color=" + secret: "query.color", "/benchmarks?Limit=5": "query.Limit", "/benchmarks?limit=5&limit=6": "query.limit",
		"/benchmarks?limit=0": "query.limit", "/benchmarks?limit=501": "query.limit", "/benchmarks?limit=" + secret: "query.limit",
		"/benchmarks?cursor=" + secret: "query.cursor", "/benchmarks?status=" + secret: "query.status", "/benchmarks?start=1700000000": "query.start",
		"/benchmarks?end=" + secret: "query.end", "/benchmarks?trash=perhaps": "query.trash", "/benchmarks/x/metrics?every=" + secret: "query.every",
		"/benchmarks/x/metrics?every=-1s": "query.every", "/benchmarks/x/metrics?points=1": "query.points", "/benchmarks/x/metrics?series=" + secret: "query.series",
		"/benchmarks/x/metrics?phase=" + secret: "query.phase", "/benchmarks/x/requests?cursor=" + secret: "query.cursor", "/benchmarks/x/requests/one": "path.n",
		"/benchmarks/x/requests?stage=" + secret: "query.stage", "/benchmarks/x/requests?outcome=" + secret: "query.outcome",
		"/benchmarks/x/report?as=" + secret: "query.as", "/discovery?x=1": "query.x",
		"/benchmarks/x/requests/-1": "path.n", "/models?installed=" + secret: "query.installed", "/models?all=1": "query.all", "/datasets?x=1": "query.x",
		"/system?x=1": "query.x", "/system/telemetry?last=" + secret: "query.last", "/system/preflight?x=1": "query.x", "/system/doctor?x=1": "query.x",
		"/settings?x=1": "query.x", "/engines?x=1": "query.x", "/endpoints?x=1": "query.x", "/events?x=1": "query.x", "/health?x=1": "query.x",
		"/results?sample=" + secret: "query.sample", "/results?start=" + secret: "query.start", "/results/average?group=x": "query.group", "/openapi.json?x=1": "query.x",
	} {
		out = append(out, bad{"GET", path, "", "", 422, names})
	}
	for _, path := range []string{"/benchmarks/" + secret, "/benchmarks/00000000-0000-4000-8000-000000000000", "/benchmarks/x/metrics", "/benchmarks/x/requests",
		"/benchmarks/x/requests/0", "/datasets/" + secret, "/endpoints/" + secret, "/engines/" + secret + "/log", "/nothing", "/benchmarks/x/nothing"} {
		out = append(out, bad{"GET", path, "", "", 404, ""})
	}
	return append(out,
		bad{"GET", "/benchmarks/%ff", "", "", 0, ""}, bad{"GET", "/benchmarks/%00", "", "", 0, ""}, bad{"GET", "/benchmarks?q=%zz", "", "", 400, "query"},
		bad{"GET", "/benchmarks?q=%ff", "", "", 400, "query.q"}, bad{"GET", "/datasets/" + strings.Repeat("x", 3000), "", "", 0, ""},
		bad{"POST", "/benchmarks", body(), "text/plain", 415, "header.Content-Type"}, bad{"POST", "/benchmarks", "a=b", "application/x-www-form-urlencoded", 415, "header.Content-Type"},
		bad{"POST", "/benchmarks", body(), "application/json; charset=latin-1", 415, "header.Content-Type"}, bad{"POST", "/benchmarks", "", "", 400, "body"},
		bad{"POST", "/benchmarks?wait=" + secret, body(), "", 422, "query.wait"}, bad{"POST", "/benchmarks?wait=11m", body(), "", 422, "query.wait"},
		bad{"POST", "/benchmarks/x/cancel", "", "", 404, ""}, bad{"POST", "/benchmarks/x/rerun", "", "", 404, ""}, bad{"POST", "/benchmarks/x/cancel", `{"a":"` + secret + `"}`, "", 422, "body"},
		bad{"PATCH", "/benchmarks/x", `{"pin":true}`, "", 422, "body.pin"}, bad{"PATCH", "/benchmarks/x", `{"name":"a"}`, "", 404, ""}, bad{"DELETE", "/benchmarks/x", "", "", 404, ""},
		bad{"DELETE", "/benchmarks/x?restore=perhaps", "", "", 422, "query.restore"},
		bad{"POST", "/endpoints", `{"name":"a"}`, "", 422, "body.base_url"}, bad{"POST", "/endpoints", `{"base_url":"file:///etc/passwd"}`, "", 422, "body.base_url"},
		bad{"POST", "/endpoints", `{"base_url":"` + secret + `"}`, "", 422, "body.base_url"}, bad{"POST", "/endpoints", `{"base_url":"http://u:` + secret + `@h/v1"}`, "", 422, "body.base_url"},
		bad{"POST", "/endpoints", `{"base_url":"http://h/v1","kind":"` + secret + `"}`, "", 422, "body.kind"}, bad{"POST", "/endpoints", `{"base_url":"http://h/v1","id":"x"}`, "", 422, "body.id"},
		bad{"PATCH", "/endpoints/x", `{"name":"a"}`, "", 404, ""}, bad{"DELETE", "/endpoints/x", "", "", 404, ""}, bad{"POST", "/endpoints/x/check", "", "", 404, ""}, bad{"POST", "/endpoints/x/check", `{"model":"a"}`, "", 422, "body.model"},
		bad{"POST", "/models", `{}`, "", 422, "path"}, bad{"POST", "/models", `{"path":"/etc/passwd"}`, "", 422, "body.path"}, bad{"POST", "/models", `{"path":"/no/` + secret + `.gguf"}`, "", 422, "body.path"},
		bad{"POST", "/models/" + secret + "/download", "", "", 404, ""}, bad{"DELETE", "/models/" + secret, "", "", 404, ""},
		bad{"POST", "/datasets", `{"prompt":"a"}`, "application/x-ndjson", 422, "query.name"}, bad{"POST", "/datasets?name=a", "a", "text/plain", 415, "header.Content-Type"},
		bad{"POST", "/datasets?name=a", "{\"prompt\":\"a\"}\n{" + secret, "application/x-ndjson", 422, "body"}, bad{"POST", "/datasets?name=a", "[]", "application/json", 422, "body"},
		bad{"POST", "/datasets?name=a", "question\n" + secret + "\n", "text/csv", 422, "body"}, bad{"POST", "/datasets?name=a", "\xff\xfe", "text/csv", 422, "body"},
		bad{"POST", "/datasets?name=a", "", "", 400, "body"}, bad{"DELETE", "/datasets/x", "", "", 404, ""}, bad{"DELETE", "/datasets/chat-en", "", "", 409, ""},
		bad{"PATCH", "/settings", `{"telemetry_hz":1000}`, "", 422, "body.telemetry_hz"}, bad{"PATCH", "/settings", `{"theme":"` + secret + `"}`, "", 422, "body.theme"},
		bad{"PATCH", "/settings", `{"colour":"red"}`, "", 422, "body.colour"}, bad{"PATCH", "/settings", `{"api_addr":"` + secret + `"}`, "", 409, "body.api_addr"},
		bad{"PATCH", "/settings", `{"allowed_hosts":["*"]}`, "", 422, "body.allowed_hosts"},
		bad{"PUT", "/benchmarks", "", "", 405, ""}, bad{"DELETE", "/health", "", "", 405, ""}, bad{"POST", "/system", "", "", 405, ""}, bad{"PATCH", "/models", "", "", 405, ""},
		bad{"POST", "/comparisons", "{}", "", 422, "body.runs"}, bad{"POST", "/comparisons", `{"runs":["` + secret + `","x"]}`, "", 422, "body.runs[0]"},
		bad{"POST", "/experiments", "{}", "", 422, "body"}, bad{"POST", "/experiments", `{"arms":[]}`, "", 422, "body.arms"}, bad{"POST", "/experiments/x/cancel", "", "", 404, ""},
		bad{"POST", "/alerts/x/acknowledge", "", "", 404, ""}, bad{"DELETE", "/alerts/" + secret + "/acknowledge", "", "", 404, ""}, bad{"POST", "/builds/measure", `{"pairs":1}`, "", 422, "body.pairs"},
		bad{"DELETE", "/experiments/" + secret, "", "", 404, ""}, bad{"POST", "/import", secret, "application/octet-stream", 422, "body"}, bad{"POST", "/import?format=" + secret, "{}", "", 422, "query.format"},
		bad{"POST", "/quality", "{}", "", 422, "body"}, bad{"POST", "/quality", `{"kind":"` + secret + `","model_id":"m"}`, "", 422, "body.kind"}, bad{"POST", "/quality", `{"kind":"tasks","model_id":"` + secret + `"}`, "", 422, "body.model_id"},
		bad{"POST", "/quality", `{"kind":"tasks","model_id":"m","language":"` + secret + `"}`, "", 422, "body.language"}, bad{"POST", "/quality/x/cancel", "", "", 404, ""}, bad{"DELETE", "/quality/" + secret, "", "", 404, ""}, bad{"GET", "/quality?kind=" + secret, "", "", 422, "query.kind"},
		bad{"POST", "/import", "", "", 400, "body"}, bad{"POST", "/import", "a", "text/plain", 415, "header.Content-Type"},
	)
}

func TestBadInput(t *testing.T) {
	s := newPlace(t).serve()
	stored := func() [4]int {
		return [4]int{s.get(api + "/benchmarks").total(), s.get(api + "/datasets").total(), s.get(api + "/endpoints").total(), s.get(api + "/benchmarks?trash=true").total()}
	}
	before, settings := stored(), string(s.get(api+"/settings").body)
	for _, c := range badCalls() {
		var headers []string
		if c.contentType != "" {
			headers = []string{"Content-Type", c.contentType}
		}
		a := s.do(c.method, api+c.path, c.body, headers...)
		a.what += " " + c.body[:min(len(c.body), 90)]
		problem(t, a, c)
	}
	if now := stored(); now != before {
		t.Errorf("stored before: %v, now: %v", before, now)
	}
	if now := string(s.get(api + "/settings").body); now != settings {
		t.Errorf("the settings changed to %s", now)
	}
	if log, _ := os.ReadFile(filepath.Join(s.data, "logs", "inferometer.log")); strings.Contains(string(log), secret) {
		t.Error("the log holds a value of the caller") // without a log there is nothing to hold it
	}
}

// problem checks one error answer; status 0 means any of 400, 404 and 422.
func problem(t *testing.T, a answer, c bad) {
	t.Helper()
	if c.status != 0 && a.status != c.status || a.status < 400 || a.status >= 500 {
		t.Errorf("%s: status %d, want %d: %s", a.what, a.status, c.status, a.body)
		return
	}
	if ct := a.header.Get("Content-Type"); ct != "application/problem+json" {
		t.Errorf("%s: Content-Type %q", a.what, ct)
		return
	}
	o := a.object()
	for _, key := range []string{"type", "title", "status", "detail", "instance", "hint", "errors"} {
		if _, ok := o[key]; !ok {
			t.Errorf("%s: the key %s is missing: %s", a.what, key, a.body)
		}
	}
	fields, _ := o["errors"].([]any)
	named := c.names == ""
	for _, f := range fields {
		f := object(f.(map[string]any))
		location, _ := f["location"].(string)
		message, _ := f["message"].(string)
		named = named || location == c.names || strings.HasPrefix(location, c.names+"[") || strings.HasPrefix(location, c.names+".") || strings.Contains(message, c.names)
	}
	if !named {
		t.Errorf("%s: %s is not named: %s", a.what, c.names, a.body)
	}
	delete(o, "instance") // the path, which the caller chose
	for k, v := range o {
		if text, _ := v.(string); strings.Contains(text, secret) {
			t.Errorf("%s: %s repeats the value", a.what, k)
		}
	}
	if raw := string(a.body); strings.Contains(raw, secret) && !strings.Contains(c.path, secret) {
		t.Errorf("%s: the answer repeats the value: %s", a.what, raw)
	}
	if a.status == http.StatusMethodNotAllowed && a.header.Get("Allow") == "" {
		t.Errorf("%s: there is no Allow", a.what)
	}
}
