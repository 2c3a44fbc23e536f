package app

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/inferometer/inferometer/app/cli"
	"github.com/inferometer/inferometer/backend/api"
	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine/enginetest"
)

// verbsOf names the command line that does each operation. Reads that only screens need have REST
// alone.
func verbsOf() map[string][]string {
	return map[string][]string{
		"StartBenchmark": {"run"}, "CancelBenchmark": {"cancel"}, "RerunBenchmark": {"rerun"},
		"EditBenchmark": {"edit"}, "DeleteBenchmark": {"rm"}, "Benchmarks": {"list"}, "Benchmark": {"show"},
		"BenchmarkMetrics": {"metrics"}, "AverageResults": {"averages"}, "System": {"system"},
		"Models": {"models"}, "AddModel": {"models", "add"}, "RemoveModel": {"models", "rm"},
		"DownloadModel": {"models", "download"}, "CancelDownload": {"models", "cancel"},
		"AddEndpoint": {"endpoints", "add"}, "EditEndpoint": {"endpoints", "edit"},
		"RemoveEndpoint": {"endpoints", "rm"}, "CheckEndpoint": {"endpoints", "check"},
		"AddDataset": {"datasets", "add"}, "RemoveDataset": {"datasets", "rm"}, "EditSettings": {"settings"},
		"MeasureBandwidth": {"bandwidth"}, "AddView": {"views", "add"}, "EditView": {"views", "edit"}, "RemoveView": {"views", "rm"},
		"EraseBenchmark": {"trash", "rm"}, "EmptyTrash": {"trash", "empty"}, "CompactStorage": {"storage", "compact"},
		"CancelStorageTask": {"storage", "stop"}, "MoveStorage": {"storage", "move"}, "CancelMove": {"storage", "stay"}, "RemoveOldData": {"storage", "remove-old"},
		"ApplyRetention": {"storage", "tidy"}, "AddBackup": {"storage", "backup"}, "RemoveBackup": {"storage", "rm"},
		"RestoreBackup": {"storage", "restore"}, "CancelRestore": {"storage", "keep"}, "Import": {"import"}, "Export": {"export"},
		"Compare": {"compare"}, "StartExperiment": {"ab"}, "EstimateExperiment": {"ab"}, "CancelExperiment": {"experiments", "cancel"}, "ResumeExperiment": {"experiments", "resume"}, "RemoveExperiment": {"experiments", "rm"},
		"StartQuality": {"quality", "measure"}, "CancelQuality": {"quality", "cancel"}, "RemoveQuality": {"quality", "rm"}, "MeasureBuild": {"builds", "measure"},
		"DismissRecovery": {"storage", "dismiss"}, "Predictions": {"predict"},
		"AcknowledgeAlert": {"alerts", "ack"}, "ReopenAlert": {"alerts", "reopen"},
	}
}

// mainReads are the reads that every face has.
func mainReads() []string {
	return []string{"Benchmarks", "Benchmark", "AverageResults", "BenchmarkMetrics", "System", "Models"}
}

func TestEveryOperationHasItsFaces(t *testing.T) {
	root := cli.New(&host{}, cli.IO{})
	bridge := reflect.TypeFor[*Bridge]()
	verbs, reads := verbsOf(), mainReads()
	for _, op := range api.Ops() {
		if op.Own || (op.Kind == api.Read && !slices.Contains(reads, op.Name)) {
			continue
		}
		if _, ok := bridge.MethodByName(op.Name); !ok {
			t.Errorf("%s has no bound method", op.Name)
		}
		words := verbs[op.Name]
		c, rest, err := root.Find(words)
		if len(words) == 0 || err != nil || len(rest) > 0 || c.Name() != words[len(words)-1] {
			t.Errorf("%s has no verb %q", op.Name, strings.Join(words, " "))
		}
	}
}

func TestEveryBoundMethodIsAnOperation(t *testing.T) {
	own := []string{"OpenFile", "OpenFolder", "Reveal", "SavePicture"} // what only a window can do
	names := map[string]bool{}
	for _, op := range api.Ops() {
		names[op.Name] = true
	}
	bridge := reflect.TypeFor[*Bridge]()
	for i := range bridge.NumMethod() {
		if m := bridge.Method(i).Name; !names[m] && !slices.Contains(own, m) {
			t.Errorf("the bound method %s is no operation", m)
		}
	}
}

// faces is one program seen from its three faces.
type faces struct {
	p      *program
	dir    string
	bridge *Bridge
}

func newFaces(t *testing.T) *faces {
	t.Helper()
	dir := t.TempDir()
	p := serve(t, dir)
	// The window's methods need the handler in process: a client of the served one stands for it,
	// since both are chains over the same handler.
	return &faces{p: p, dir: dir, bridge: newBridge(forward(p.url), api.Ops(), nil)}
}

// forward is a handler that answers with what the served program answers.
func forward(base string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		req, err := http.NewRequestWithContext(r.Context(), r.Method, base+r.URL.RequestURI(), r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		req.Header = r.Header.Clone()
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer res.Body.Close()
		w.WriteHeader(res.StatusCode)
		var body json.RawMessage
		if json.NewDecoder(res.Body).Decode(&body) == nil {
			_, _ = w.Write(body)
		}
	})
}

// shape lists the keys of a JSON object with the types of their values, at every depth.
func shape(t *testing.T, text string) map[string]string {
	t.Helper()
	out := map[string]string{}
	var walk func(path string, v any)
	walk = func(path string, v any) {
		switch x := v.(type) {
		case map[string]any:
			for k, e := range x {
				walk(path+"."+k, e)
			}
		case []any:
			out[path] = "list"
		case nil:
			out[path] = "null"
		default:
			out[path] = fmt.Sprintf("%T", x)
		}
	}
	walk("", decode[any](t, text))
	return out
}

func TestTheSeedsBodyIsAnsweredAlikeByEveryFace(t *testing.T) {
	server := enginetest.NewServer(t)
	f := newFaces(t)
	id := f.p.endpoint(server.BaseURL())
	body := fmt.Sprintf(`{"model_id":"m","endpoint_id":%q,"prompt":"Why is the sky blue?","task":"text-generation",`+
		`"max_tokens":6,"temperature":0.7,"top_p":0.9,"use_gpu":true,"seed":7}`, id)

	code, rest := f.p.rest(http.MethodPost, "/api/v1/benchmarks", body)
	if code != http.StatusAccepted {
		t.Fatalf("REST answered %d: %s", code, rest)
	}
	bound := decode[Answer](t, f.bridge.StartBenchmark(body, ""))
	if bound.Status != http.StatusAccepted {
		t.Fatalf("the bound method answered %d: %s", bound.Status, bound.Body)
	}
	exit, line, errs := verb(t, f.dir, "run", "--json", "--model", "m", "--endpoint", server.BaseURL(),
		"--prompt", "Why is the sky blue?", "--max-tokens", "6", "--temperature", "0.7", "--top-p", "0.9", "--seed", "7")
	if exit != 0 {
		t.Fatalf("the command line ended with %d: %s", exit, errs)
	}
	done := func(text string) string {
		r := decode[domain.Run](t, text)
		f.p.await(r.ID, func(r domain.Run) bool { return r.Status == domain.StatusCompleted })
		_, body := f.p.rest(http.MethodGet, "/api/v1/benchmarks/"+string(r.ID), "")
		return body
	}
	a, b, c := done(rest), done(string(bound.Body)), line
	want := shape(t, a)
	for name, text := range map[string]string{"bound": b, "command line": c} {
		got := shape(t, text)
		// The command line says "use_gpu" only where a flag gives it.
		if !maps.Equal(want, got) {
			t.Errorf("%s: the job differs:\n%v\n%v", name, want, got)
		}
	}
	for _, text := range []string{a, b, c} {
		r := decode[domain.Run](t, text)
		if *r.TokensGenerated != 6 || r.Plan.Seed != 7 || r.Summary.Requests.OK != 1 || r.Plan.MaxTokens != 6 {
			t.Errorf("plan or figures differ: %s", text)
		}
	}
	_, _, bodies := server.Seen()
	if len(bodies) != 6 { // a warm-up and a measured one each
		t.Errorf("the server saw %d generations, want 6", len(bodies))
	}
}

func TestErrorsAreAlikeOnEveryFace(t *testing.T) {
	f := newFaces(t)
	const body = `{"model_id":"nope","prompt":"x","max_tokens":0}`
	code, rest := f.p.rest(http.MethodPost, "/api/v1/benchmarks", body)
	bound := decode[Answer](t, f.bridge.StartBenchmark(body, ""))
	exit, _, errs := verb(t, f.dir, "run", "--model", "nope", "--prompt", "x", "--max-tokens", "0")
	if code != http.StatusUnprocessableEntity || bound.Status != code || exit != 1 {
		t.Fatalf("REST %d, bound %d, command line %d: %s", code, bound.Status, exit, errs)
	}
	p, q := decode[cli.Problem](t, rest), decode[cli.Problem](t, string(bound.Body))
	if !reflect.DeepEqual(p, q) {
		t.Errorf("REST and bound differ:\n%+v\n%+v", p, q)
	}
	if !strings.Contains(errs, strings.TrimPrefix(p.Errors[0].Location, "body.")) || !strings.Contains(errs, p.Errors[0].Message) {
		t.Errorf("the command line says %q, REST %+v", errs, p)
	}
	for name, pair := range map[string][2]string{
		"cancel": {f.bridge.CancelBenchmark("00000000-0000-4000-8000-000000000000"), "cancel"},
		"rerun":  {f.bridge.RerunBenchmark("00000000-0000-4000-8000-000000000000"), "rerun"},
		"delete": {f.bridge.DeleteBenchmark("00000000-0000-4000-8000-000000000000", false), "rm"},
		"get":    {f.bridge.Benchmark("00000000-0000-4000-8000-000000000000"), "show"},
	} {
		exit, _, errs := verb(t, f.dir, pair[1], "00000000-0000-4000-8000-000000000000")
		if a := decode[Answer](t, pair[0]); a.Status != http.StatusNotFound || exit != 1 || !strings.Contains(errs, "no benchmark") {
			t.Errorf("%s: bound %d, command line %d %q", name, a.Status, exit, errs)
		}
	}
}

func TestReadsAreAlikeOnEveryFace(t *testing.T) {
	f := newFaces(t)
	for name, c := range map[string]struct {
		bound string
		path  string
		verb  []string
	}{
		"list":     {f.bridge.Benchmarks("limit=20"), "/api/v1/benchmarks?limit=20", []string{"list", "--json"}},
		"averages": {f.bridge.AverageResults(""), "/api/v1/results/average", []string{"averages", "--json"}},
		"models":   {f.bridge.Models("installed=true"), "/api/v1/models?installed=true", []string{"models", "--json"}},
	} {
		_, rest := f.p.rest(http.MethodGet, c.path, "")
		exit, line, errs := verb(t, f.dir, c.verb...)
		bound := string(decode[Answer](t, c.bound).Body)
		if exit != 0 || !sameJSON(t, rest, bound) || !sameJSON(t, rest, line) {
			t.Errorf("%s differs:\nREST  %s\nbound %s\nline  %s %s", name, rest, bound, line, errs)
		}
	}
}

func TestImportsAndChecksAreAlikeOnEveryFace(t *testing.T) {
	server := enginetest.NewServer(t)
	f := newFaces(t)
	id := f.p.endpoint(server.BaseURL())
	alike := func(what string, texts ...string) {
		t.Helper()
		for _, text := range texts[1:] {
			if want, got := shape(t, texts[0]), shape(t, text); len(got) < 5 || !maps.Equal(want, got) {
				t.Errorf("%s differs:\n%v\n%v", what, want, got)
			}
		}
	}
	_, rest := f.p.rest(http.MethodPost, "/api/v1/endpoints/"+id+"/check", `{"generate":false}`)
	bound := string(decode[Answer](t, f.bridge.CheckEndpoint(id, `{"generate":false}`)).Body)
	_, line, errs := verb(t, f.dir, "endpoints", "check", id, "--list-only", "--json")
	alike("a check "+errs, rest, bound, line)

	file := filepath.Join(t.TempDir(), "mine.jsonl")
	const text = "{\"prompt\":\"one\"}\n{\"prompt\":2}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	bound = string(decode[Answer](t, f.bridge.AddDataset("name=mine&preview=true", "application/x-ndjson", text)).Body)
	_, line, errs = verb(t, f.dir, "datasets", "add", file, "--preview", "--json")
	alike("a preview "+errs, bound, line)
	refused := decode[Answer](t, f.bridge.AddDataset("name=mine", "application/x-ndjson", text))
	exit, _, errs := verb(t, f.dir, "datasets", "add", file)
	if refused.Status != http.StatusUnprocessableEntity || exit != 1 || !strings.Contains(errs, "line 2") || !strings.Contains(string(refused.Body), "line 2") {
		t.Errorf("a bad line: bound %d %s, command line %d %q", refused.Status, refused.Body, exit, errs)
	}
	exit, _, errs = verb(t, f.dir, "datasets", "add", file, "--skip-bad")
	again := decode[Answer](t, f.bridge.AddDataset("name=mine&skip_bad", "application/x-ndjson", text))
	if exit != 0 || again.Status != http.StatusCreated || !strings.Contains(string(again.Body), `"mine-2"`) {
		t.Errorf("left out: command line %d %q, bound %d %s", exit, errs, again.Status, again.Body)
	}
}

func sameJSON(t *testing.T, a, b string) bool {
	t.Helper()
	return reflect.DeepEqual(decode[any](t, a), decode[any](t, b))
}

func TestABoundMethodSurvivesAPanic(t *testing.T) {
	b := newBridge(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("boom") }), api.Ops(), nil)
	if a := decode[Answer](t, b.System()); a.Status < http.StatusInternalServerError {
		t.Errorf("a panicking handler answered %d", a.Status)
	}
	if a := decode[Answer](t, newBridge(nil, nil, nil).System()); a.Status != http.StatusInternalServerError {
		t.Errorf("a method without its operation answered %d", a.Status)
	}
}
