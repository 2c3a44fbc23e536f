package api

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
)

// secret stands for what a caller may have typed by mistake; no answer may repeat it.
const secret = "sk-SECRET-7f3c"

type badInput struct {
	name, method, path string
	body               string // "" none
	contentType        string // "" application/json when there is a body, "-" none
	status             int
	location           string
}

func badBodies() []badInput {
	const post = http.MethodPost
	benchmarks := base + "/benchmarks"
	with := func(extra string) string { return `{"model_id":"tiny","prompt":"` + secret + `",` + extra + `}` }
	return []badInput{
		{"broken JSON", post, benchmarks, `{"model_id":"` + secret, "", 400, "body"},
		{"a comma too many", post, benchmarks, `{"model_id":"tiny",}`, "", 400, "body"},
		{"two values", post, benchmarks, `{} {}`, "", 400, "body"},
		{"a byte order mark", post, benchmarks, "\ufeff{}", "", 400, "body"},
		{"bad UTF-8", post, benchmarks, "{\"model_id\":\"" + secret + "\xff\"}", "", 400, "body"},
		{"half a surrogate pair", post, benchmarks, `{"model_id":"tiny","prompt":"\ud800 ` + secret + `"}`, "", 400, "body"},
		{"low surrogate alone", post, benchmarks, `{"model_id":"tiny","prompt":"\udc00"}`, "", 400, "body"},
		{"duplicate key", post, benchmarks, `{"model_id":"tiny","prompt":"a","prompt":"` + secret + `"}`, "", 400, "body.prompt"},
		{"duplicate key inside", post, benchmarks, with(`"load":{"kind":"single","kind":"closed"}`), "", 400, "body.load.kind"},
		{"too deep", post, benchmarks, with(`"repeat":` + strings.Repeat("[", 70) + strings.Repeat("]", 70)), "", 400, "body"},
		{"empty body", post, benchmarks, " ", "", 400, "body"},
		{"no body", post, benchmarks, "", "", 400, "body"},
		{"too large", post, benchmarks, `{"prompt":"` + strings.Repeat("x", 1<<20) + `"}`, "", 413, "body"},
		{"no content type", post, benchmarks, with(`"seed":1`), "-", 415, "header.Content-Type"},
		{"a form", post, benchmarks, "model_id=tiny", "application/x-www-form-urlencoded", 415, "header.Content-Type"},
		{"another charset", post, benchmarks, with(`"seed":1`), "application/json; charset=latin-1", 415, "header.Content-Type"},
		{"text/plain", post, benchmarks, with(`"seed":1`), "text/plain", 415, "header.Content-Type"},
		{"an array", post, benchmarks, `[1]`, "", 422, "body"},
		{"null", post, benchmarks, `null`, "", 422, "body"},
		{"no model", post, benchmarks, `{"prompt":"` + secret + `"}`, "", 422, "body"},
		{"empty model", post, benchmarks, `{"model_id":"","prompt":"a"}`, "", 422, "body.model_id"},
		{"unknown model", post, benchmarks, `{"model_id":"` + secret + `","prompt":"a"}`, "", 422, "body.model_id"},
		{"model not installed", post, benchmarks, `{"model_id":"big","prompt":"` + secret + `"}`, "", 409, "body.model_id"},
		{"neither prompt nor dataset", post, benchmarks, `{"model_id":"tiny"}`, "", 422, "body.prompt"},
		{"prompt and dataset", post, benchmarks, with(`"dataset_id":"x"`), "", 422, "body.dataset_id"},
		{"unknown dataset", post, benchmarks, `{"model_id":"tiny","dataset_id":"` + secret + `"}`, "", 422, "body.dataset_id"},
		{"unknown field", post, benchmarks, with(`"max_token":5`), "", 422, "body.max_token"},
		{"a key in another case", post, benchmarks, with(`"Max_Tokens":5`), "", 422, "body.Max_Tokens"},
		{"unknown field inside", post, benchmarks, with(`"stop":{"request":5}`), "", 422, "body.stop.request"},
		{"text for a number", post, benchmarks, with(`"max_tokens":"` + secret + `"`), "", 422, "body.max_tokens"},
		{"number for text", post, benchmarks, `{"model_id":7,"prompt":"a"}`, "", 422, "body.model_id"},
		{"text for a boolean", post, benchmarks, with(`"use_gpu":"no"`), "", 422, "body.use_gpu"},
		{"fraction for a whole number", post, benchmarks, with(`"max_tokens":1.5`), "", 422, "body.max_tokens"},
		{"fraction with an exponent for a whole number", post, benchmarks, with(`"max_tokens":125e-1`), "", 422, "body.max_tokens"},
		{"beyond any number", post, benchmarks, with(`"temperature":1e999`), "", 422, "body.temperature"},
		{"beyond any whole number", post, benchmarks, with(`"seed":99999999999999999999`), "", 422, "body.seed"},
		{"max_tokens 0", post, benchmarks, with(`"max_tokens":0`), "", 422, "body.max_tokens"},
		{"max_tokens 32769", post, benchmarks, with(`"max_tokens":32769`), "", 422, "body.max_tokens"},
		{"temperature -0.1", post, benchmarks, with(`"temperature":-0.1`), "", 422, "body.temperature"},
		{"temperature 2.1", post, benchmarks, with(`"temperature":2.1`), "", 422, "body.temperature"},
		{"top_p 0", post, benchmarks, with(`"top_p":0`), "", 422, "body.top_p"},
		{"top_p 1.1", post, benchmarks, with(`"top_p":1.1`), "", 422, "body.top_p"},
		{"negative seed", post, benchmarks, with(`"seed":-1`), "", 422, "body.seed"},
		{"unsupported task", post, benchmarks, with(`"task":"` + secret + `"`), "", 422, "body.task"},
		{"load of no kind", post, benchmarks, with(`"load":{"kind":"` + secret + `"}`), "", 422, "body.load.kind"},
		{"load that lacks its rate", post, benchmarks, with(`"load":{"kind":"poisson"}`), "", 422, "body.load.rate_per_s"},
		{"load with a foreign field", post, benchmarks, with(`"load":{"kind":"closed","concurrency":2,"cv":2}`), "", 422, "body.load.cv"},
		{"load with an unknown field", post, benchmarks, with(`"load":{"kind":"closed","users":2}`), "", 422, "body.load.users"},
		{"sweep over nothing", post, benchmarks, with(`"load":{"kind":"sweep","values":[1,2,0]}`), "", 422, "body.load.values[2]"},
		{"sweep over a word", post, benchmarks, with(`"load":{"kind":"sweep","values":[1,"two"]}`), "", 422, "body.load.values[1]"},
		{"knee of a wrong objective", post, benchmarks, with(`"load":{"kind":"knee","objective":{"metric":"` + secret + `","below_ms":5}}`), "", 422, "body.load.objective.metric"},
		{"sweep within a stage", post, benchmarks, with(`"stages":[{},{"load":{"kind":"sweep","values":[1,2]}}]`), "", 422, "body.stages[1].load.kind"},
		{"stage with an unknown field", post, benchmarks, with(`"stages":[{"depth":5}]`), "", 422, "body.stages[0].depth"},
		{"stage at a depth below nothing", post, benchmarks, with(`"stages":[{"depth_tokens":0},{"depth_tokens":-1}]`), "", 422, "body.stages[1].depth_tokens"},
		{"load and stages", post, benchmarks, with(`"load":{"kind":"sweep","values":[1,2]},"stages":[{}]`), "", 422, "body.stages[0].load.kind"},
		{"made prompts beside a prompt", post, benchmarks, with(`"synthetic":{"input_tokens":{"kind":"fixed","tokens":5}}`), "", 422, "body.synthetic"},
		{"made prompts without a length", post, benchmarks, `{"model_id":"tiny","synthetic":{"input_tokens":{"kind":"fixed"}}}`, "", 422, "body.synthetic.input_tokens.tokens"},
		{"made prompts of another kind", post, benchmarks, `{"model_id":"tiny","synthetic":{"input_tokens":{"kind":"` + secret + `"}}}`, "", 422, "body.synthetic.input_tokens.kind"},
		{"trace without times", post, benchmarks, with(`"load":{"kind":"trace"}`), "", 422, "body.dataset_id"},
		{"slo of an unknown metric", post, benchmarks, with(`"slo":[{"metric":"ttft","below_ms":5},{"metric":"` + secret + `","below_ms":5}]`), "", 422, "body.slo[1].metric"},
		{"slo that is no word", post, benchmarks, with(`"slo":"ttft<1s,` + secret + `"`), "", 422, "body.slo[1]"},
		{"slo that is a number", post, benchmarks, with(`"slo":5`), "", 422, "body.slo"},
		{"prompt cache neither on nor off", post, benchmarks, with(`"prompt_cache":"` + secret + `"`), "", 422, "body.prompt_cache"},
		{"cooldown -1", post, benchmarks, with(`"cooldown":-1`), "", 422, "body.cooldown"},
		{"load without kind", post, benchmarks, with(`"load":{}`), "", 422, "body.load"},
		{"concurrency 0", post, benchmarks, with(`"load":{"kind":"closed","concurrency":0}`), "", 422, "body.load.concurrency"},
		{"stop requests 0", post, benchmarks, with(`"stop":{"requests":0}`), "", 422, "body.stop.requests"},
		{"stop duration 0", post, benchmarks, with(`"stop":{"duration_s":0}`), "", 422, "body.stop.duration_s"},
		{"repeat in words", post, benchmarks, with(`"repeat":"often"`), "", 422, "body.repeat"},
		{"slo", post, benchmarks, with(`"slo":{"ttft_p95":500}`), "", 422, "body.slo"},
		{"warmup -1", post, benchmarks, with(`"warmup":-1`), "", 422, "body.warmup"},
		{"too many tags", post, benchmarks, with(`"tags":[` + strings.Repeat(`"a",`, 32) + `"a"]`), "", 422, "body.tags"},
		{"a tag that is a number", post, benchmarks, with(`"tags":["a",1]`), "", 422, "body.tags[1]"},
	}
}

func badOtherBodies() []badInput {
	const post = http.MethodPost
	benchmarks := base + "/benchmarks"
	with := func(extra string) string { return `{"model_id":"tiny","prompt":"` + secret + `",` + extra + `}` }
	return []badInput{
		{"unknown endpoint", post, benchmarks, with(`"endpoint_id":"` + secret + `"`), "", 422, "body.endpoint_id"},
		{"foreign engine", post, benchmarks, with(`"engine":"vllm"`), "", 422, "body.engine"},
		{"bad wait", post, benchmarks + "?wait=" + secret, with(`"seed":1`), "", 422, "query.wait"},
		{"wait too long", post, benchmarks + "?wait=11m", with(`"seed":1`), "", 422, "query.wait"},
		{"body where none belongs", post, benchmarks + "/x/cancel", `{"a":"` + secret + `"}`, "", 422, "body"},
		{"body of another type where none belongs", post, benchmarks + "/x/rerun", "x", "text/plain", 415, "header.Content-Type"},
		{"patch with an unknown field", http.MethodPatch, benchmarks + "/x", `{"pin":true}`, "", 422, "body.pin"},
		{"patch of a fixed field", http.MethodPatch, benchmarks + "/x", `{"status":"completed"}`, "", 422, "body.status"},
		{"whole number that no float holds", post, benchmarks, with(`"seed":1e300`), "", 422, "body.seed"},
		{"null for a required field", post, benchmarks, `{"model_id":null,"prompt":"a"}`, "", 422, "body.model_id"},
		{"null inside", post, benchmarks, with(`"stop":{"requests":null}`), "", 422, "body.stop.requests"},
		{"null in a list", post, benchmarks, with(`"tags":[null]`), "", 422, "body.tags[0]"},
		{"patch with null", http.MethodPatch, benchmarks + "/x", `{"tags":null}`, "", 422, "body.tags"},
		{"settings with null", http.MethodPatch, base + "/settings", `{"currency":null}`, "", 422, "body.currency"},
		{"check with null", post, base + "/endpoints/x/check", `null`, "", 422, "body"},
		{"endpoint without address", post, base + "/endpoints", `{"name":"a"}`, "", 422, "body.base_url"},
		{"endpoint with file address", post, base + "/endpoints", `{"base_url":"file:///etc/passwd"}`, "", 422, "body.base_url"},
		{"endpoint with a password", post, base + "/endpoints", `{"base_url":"http://u:` + secret + `@h/v1"}`, "", 422, "body.base_url"},
		{"endpoint of our own", post, base + "/endpoints", `{"base_url":"http://127.0.0.1:8000/v1"}`, "", 422, "body.base_url"},
		{"endpoint of another kind", post, base + "/endpoints", `{"base_url":"http://h/v1","kind":"` + secret + `"}`, "", 422, "body.kind"},
		{"endpoint that sets its id", post, base + "/endpoints", `{"base_url":"http://h/v1","id":"x"}`, "", 422, "body.id"},
		{"model file without path", post, base + "/models", `{}`, "", 422, "body"},
		{"model file of another kind", post, base + "/models", `{"path":"/etc/passwd"}`, "", 422, "body.path"},
		{"settings of another type", http.MethodPatch, base + "/settings", `{"telemetry_hz":"fast"}`, "", 422, "body.telemetry_hz"},
		{"settings out of range", http.MethodPatch, base + "/settings", `{"telemetry_hz":1000}`, "", 422, "body.telemetry_hz"},
		{"settings with an unknown key", http.MethodPatch, base + "/settings", `{"colour":"red"}`, "", 422, "body.colour"},
		{"settings with a bad word", http.MethodPatch, base + "/settings", `{"theme":"` + secret + `"}`, "", 422, "body.theme"},
		{"dataset as a form", post, base + "/datasets?name=a", "a=b", "application/x-www-form-urlencoded", 415, "header.Content-Type"},
		{"dataset without name", post, base + "/datasets", "{}", "application/x-ndjson", 422, "query.name"},
		{"dataset with a broken line", post, base + "/datasets?name=a", "{\"prompt\":\"a\"}\n{" + secret, "application/x-ndjson", 422, "body"},
		{"empty dataset", post, base + "/datasets?name=a", "[]", "application/json", 422, "body"},
		{"dataset of another layout", post, base + "/datasets?name=a&format=" + secret, "x", "text/csv", 422, "query.format"},
		{"dataset with a preview that is no boolean", post, base + "/datasets?name=a&preview=" + secret, "x", "text/csv", 422, "query.preview"},
		{"check with an unknown field", post, base + "/endpoints/x/check", `{"model":"` + secret + `"}`, "", 422, "body.model"},
		{"check of a number", post, base + "/endpoints/x/check", `{"model_id":1}`, "", 422, "body.model_id"},
		{"dataset without a body", post, base + "/datasets?name=a", "", "", 400, "body"},
	}
}

func badQueries() []badInput {
	const get = http.MethodGet
	var rows []badInput
	for _, row := range []struct{ target, location string }{
		{"/benchmarks?color=" + secret, "query.color"}, {"/benchmarks?Limit=5", "query.Limit"},
		{"/benchmarks?limit=5&limit=6", "query.limit"}, {"/benchmarks?limit=", "query.limit"},
		{"/benchmarks?limit=" + secret, "query.limit"}, {"/benchmarks?limit=0", "query.limit"},
		{"/benchmarks?limit=501", "query.limit"}, {"/benchmarks?limit=-1", "query.limit"},
		{"/benchmarks?cursor=" + secret, "query.cursor"}, {"/benchmarks?status=" + secret, "query.status"},
		{"/benchmarks?start=1700000000", "query.start"}, {"/benchmarks?end=" + secret, "query.end"},
		{"/benchmarks?trash=perhaps", "query.trash"}, {"/benchmarks/x?verbose=1", "query.verbose"},
		{"/benchmarks/x/metrics?every=" + secret, "query.every"}, {"/benchmarks/x/metrics?every=-1s", "query.every"},
		{"/benchmarks/x/metrics?points=1", "query.points"}, {"/benchmarks/x/metrics?limit=0", "query.limit"}, {"/benchmarks/x/metrics?limit=36001", "query.limit"}, {"/benchmarks/x/metrics?points=1e3", "query.points"},
		{"/benchmarks/x/metrics?start_us=1.5", "query.start_us"}, {"/benchmarks/x/metrics?end_us=123456789012345678", "query.end_us"},
		{"/benchmarks/x/metrics?start_us=2&end_us=1", "query.end_us"},
		{"/benchmarks/x/metrics?series=cpu_usage_percent," + secret, "query.series"},
		{"/benchmarks/x/metrics?phase=" + secret, "query.phase"}, {"/benchmarks/x/requests?cursor=" + secret, "query.cursor"},
		{"/benchmarks/x/requests?stage=" + secret, "query.stage"}, {"/benchmarks/x/requests?stage=-1", "query.stage"},
		{"/benchmarks/x/requests?phase=prepare", "query.phase"}, {"/benchmarks/x/requests?outcome=" + secret, "query.outcome"},
		{"/benchmarks/x/report?as=" + secret, "query.as"}, {"/discovery?ports=1", "query.ports"},
		{"/benchmarks/x/requests/one", "path.n"}, {"/benchmarks/x/requests/-1", "path.n"},
		{"/models?installed=" + secret, "query.installed"}, {"/models?all=1", "query.all"}, {"/datasets?limit=1", "query.limit"},
		{"/system/telemetry?last=" + secret, "query.last"}, {"/system/telemetry?last=61m", "query.last"}, {"/system/preflight?wait_s=301", "query.wait_s"},
		{"/results?sample=" + secret, "query.sample"}, {"/results?start=yesterday", "query.start"},
		{"/results/average?group=model", "query.group"}, {"/health?x=1", "query.x"}, {"/events?since=1", "query.since"},
		{"/openapi.json?x=1", "query.x"},
	} {
		rows = append(rows, badInput{row.target, get, base + row.target, "", "", 422, row.location})
	}
	for _, row := range []struct{ target, location string }{
		{"/benchmarks?limit=%zz", "query"}, {"/benchmarks?q=%ff", "query.q"}, {"/benchmarks?q=a%00b", "query.q"},
		{"/benchmarks?a;b", "query"}, {"/endpoints/%ff", "path.id"}, {"/endpoints/a%00", "path.id"},
	} {
		rows = append(rows, badInput{row.target, get, base + row.target, "", "", 400, row.location})
	}
	return append(rows, badInput{"seed route with a foreign query", get, "/results/average/?start=2024-01-01", "", "", 422, "query.start"},
		badInput{"seed route with a bad sample", get, "/results/average?sample=" + secret, "", "", 422, "query.sample"})
}

// Every row answers with a problem that names the field, repeats no value and stores nothing.
func TestBadInput(t *testing.T) {
	w := newWorld(t, true)
	for _, row := range slices.Concat(badBodies(), badOtherBodies(), badQueries()) {
		t.Run(row.name, func(t *testing.T) {
			w := *w
			w.t = t
			var sent any
			var header []string
			if row.body != "" {
				sent = row.body
			}
			switch row.contentType {
			case "":
			case "-":
				header = []string{"Content-Type", ""}
			default:
				header = []string{"Content-Type", row.contentType}
			}
			a := w.call(row.method, row.path, sent, header...)
			p := a.problem(row.status)
			if !p.names(row.location) {
				t.Errorf("does not name %s: %s", row.location, a.body)
			}
			if strings.Contains(string(a.body), secret) {
				t.Errorf("repeats the value: %s", a.body)
			}
		})
	}
	if strings.Contains(w.log.String(), secret) {
		t.Error("the log repeats a value")
	}
	for _, path := range []string{"/benchmarks", "/endpoints", "/benchmarks?trash"} {
		if got := w.get(base + path).want(http.StatusOK).header.Get("X-Total-Count"); got != "0" {
			t.Errorf("%s holds %s rows after bad input", path, got)
		}
	}
	for _, d := range decode[[]domain.Dataset](w.get(base + "/datasets").want(http.StatusOK)) {
		if !d.Builtin {
			t.Errorf("dataset %s was stored", d.ID)
		}
	}
	if n := len(w.engine.asked()); n != 0 {
		t.Errorf("%d generations were sent", n)
	}
}

// Typed clients send null for what they do not give, and some write whole numbers with a point.
func TestSpellingsOfABenchmark(t *testing.T) {
	w := newWorld(t, false)
	a := w.call(http.MethodPost, base+"/benchmarks", `{"model_id":"tiny","prompt":"a","dataset_id":null,"load":null,"seed":null,
		"tags":null,"slo":null,"repeat":null,"max_tokens":2.0,"warmup":1e0,"stop":{"requests":1.0},"name":"<b>&"}`).want(http.StatusAccepted)
	run := decode[domain.Run](a)
	if run.Plan.MaxTokens != 2 || run.Plan.Warmup != 1 || *run.Plan.Stop.Requests != 1 || run.Plan.DatasetID != nil || run.Name != "<b>&" {
		t.Errorf("plan %+v of %q", run.Plan, run.Name)
	}
	const arm = `{"benchmark":{"model_id":"tiny","prompt":"a","seed":null,"stop":null}}`
	w.call(http.MethodPost, base+"/experiments", `{"arms":[`+arm+`,`+arm+`],"pairs":2}`).want(http.StatusAccepted)
}

func TestSeveralFaultsAreToldAtOnce(t *testing.T) {
	w := newWorld(t, false)
	p := w.call(http.MethodPost, base+"/benchmarks", `{"model_id":"tiny","prompt":"a","max_tokens":0,"top_p":2,"seed":-1}`).problem(422)
	for _, location := range []string{"body.max_tokens", "body.top_p", "body.seed"} {
		if !p.names(location) {
			t.Errorf("does not name %s: %+v", location, p.Errors)
		}
	}
}

func FuzzDecodeStrict(f *testing.F) {
	for _, row := range badBodies() {
		f.Add([]byte(row.body))
	}
	f.Add([]byte(`{"a":[1,{"b":"\ud83d\ude00"}],"c":null}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		v, p := decodeStrict(body)
		if p == nil {
			return
		}
		if v != nil || p.Status != http.StatusBadRequest || len(p.Errors) != 1 {
			t.Fatalf("%v, %+v", v, p)
		}
	})
}
