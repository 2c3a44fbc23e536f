//go:build acceptance

package acceptance

import (
	"encoding/json"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
)

// TestVerbsAgainstServer holds each verb's --json to the body that the route gives.
func TestVerbsAgainstServer(t *testing.T) {
	s, far := newPlace(t).serve(), newRemote(t)
	far.add(s)
	run := s.cli("run", "--model", "far", "--endpoint", far.URL+"/v1", "--prompt", "a", "--max-tokens", "8", "--json").want(t, 0)
	var r domain.Run
	must(t, json.Unmarshal([]byte(run.out), &r))
	same := func(out, path string) {
		t.Helper()
		if want := string(s.get(path).want(http.StatusOK).body); strings.TrimSpace(out) != strings.TrimSpace(want) {
			t.Errorf("the verb prints\n%s\n%s answers\n%s", out, path, want)
		}
	}
	same(run.out, jobPath(r.ID))
	id, e := string(r.ID), decode[[]domain.Endpoint](s.get(api + "/endpoints"))[0].ID
	for verb, path := range map[string]string{
		"list": "/benchmarks?limit=20", "list --status completed --limit 3": "/benchmarks?limit=3&status=completed", "show " + id: "/benchmarks/" + id,
		"models": "/models?installed=true", "models --catalogue": "/models?installed=false", "datasets": "/datasets", "endpoints": "/endpoints", "settings": "/settings",
	} {
		same(s.cli(append(strings.Fields(verb), "--json")...).want(t, 0).out, api+path)
		if human := s.cli(strings.Fields(verb)...).want(t, 0); strings.TrimSpace(human.out) == "" || strings.HasPrefix(human.out, "[") {
			t.Errorf("%s prints for people: %q", verb, human.out)
		}
	}
	if out := s.cli("doctor", "--json"); !json.Valid([]byte(out.out)) || !strings.Contains(out.out, `"checks"`) {
		t.Errorf("doctor --json prints %q", out.out)
	}
	if out := s.cli("doctor").want(t, 0).out; !strings.Contains(out, "database") || strings.Contains(out, s.data) {
		t.Errorf("doctor prints %q", out)
	}
	if out := s.cli("endpoints", "check", e).want(t, 0).out; !strings.Contains(out, "far") {
		t.Errorf("endpoints check prints %q", out)
	}
	again := s.cli("rerun", id, "--json").want(t, 0)
	var second domain.Run
	must(t, json.Unmarshal([]byte(again.out), &second))
	if second.ID == r.ID || second.Plan.Seed != r.Plan.Seed || second.Status != domain.StatusCompleted {
		t.Errorf("rerun gives %s", again.out)
	}
	s.cli("rm", id).want(t, 0)
	if n := s.get(api + "/benchmarks").total(); n != 1 {
		t.Errorf("after rm %d runs are listed", n)
	}
	s.cli("rm", "--restore", id).want(t, 0)
	waiting := s.start(`{"model_id":"far","endpoint_id":"` + e + `","prompt":"a","stop":{"requests":100000}}`)
	s.cli("cancel", string(waiting.ID)).want(t, 0)
	until(t, "it is canceled", func() bool { return s.job(waiting.ID).Status == domain.StatusCanceled })
	s.cli("endpoints", "rm", e).want(t, 0)
	s.get(api + "/endpoints/" + e).want(http.StatusNotFound)
}

// TestVerbsAlone runs the verbs without an instance that holds the data folder.
func TestVerbsAlone(t *testing.T) {
	p, far := newPlace(t), newRemote(t)
	if out := p.cli("version").want(t, 0).out; !strings.HasPrefix(out, "inferometer ") {
		t.Errorf("version prints %q", out)
	}
	added := p.cli("endpoints", "add", far.URL+"/v1", "--name", "far", "--json").want(t, 0)
	var e domain.Endpoint
	must(t, json.Unmarshal([]byte(added.out), &e))
	if e.Name != "far" || e.BaseURL != far.URL+"/v1" {
		t.Errorf("added %s", added.out)
	}
	p.cli("settings", "theme=dark", "telemetry_hz=5").want(t, 0)
	if out := p.cli("settings").want(t, 0).out; !strings.Contains(out, "dark") || !strings.Contains(out, "stored") {
		t.Errorf("settings prints\n%s", out)
	}
	file := filepath.Join(p.cwd, "mine.jsonl")
	must(t, os.WriteFile(file, []byte("{\"prompt\":\"one\"}\n"), 0o600))
	p.cli("datasets", "add", file).want(t, 0)
	if out := p.cli("datasets").want(t, 0).out; !strings.Contains(out, "mine") {
		t.Errorf("datasets prints\n%s", out)
	}
	for _, file := range []string{"inferometer.db", "token"} {
		st, err := os.Stat(filepath.Join(p.data, file))
		must(t, err)
		if st.Mode().Perm() != 0o600 {
			t.Errorf("%s has the mode %v", file, st.Mode())
		}
	}
	if st, err := os.Stat(p.data); err != nil || st.Mode().Perm() != 0o700 {
		t.Errorf("the data folder: %v %v", st.Mode(), err)
	}
	for _, args := range []string{"show nothing", "cancel nothing", "rerun nothing", "rm nothing", "endpoints check nothing", "endpoints rm nothing", "settings theme=pink", "models rm nothing"} {
		if r := p.cli(strings.Fields(args)...); r.code != 1 || strings.TrimSpace(r.err) == "" || r.out != "" {
			t.Errorf("%s: exit %d, out %q, err %q", args, r.code, r.out, r.err)
		}
	}
	for _, args := range []string{"nonsense", "run --nonsense", "list --limit", "show", "list extra", "run --max-tokens many"} {
		if r := p.cli(strings.Fields(args)...); r.code != 2 || strings.TrimSpace(r.err) == "" || r.out != "" {
			t.Errorf("%s: exit %d, want 2, out %q, err %q", args, r.code, r.out, r.err)
		}
	}
}

func oneLine(t *testing.T, r result) {
	t.Helper()
	if text := strings.TrimSpace(r.err); r.code != 1 || r.out != "" || text == "" || strings.Contains(text, "\n") {
		t.Errorf("exit %d, out %q, err %q; want 1 and one line", r.code, r.out, r.err)
	}
}

func TestSecondInstance(t *testing.T) {
	s := newPlace(t).serve()
	oneLine(t, s.cli("serve", "--addr", "127.0.0.1:0"))
	if st, err := os.Stat(filepath.Join(s.data, "server.json")); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("server.json: %v %v", st, err)
	}
	b, err := os.ReadFile(filepath.Join(s.data, "server.json"))
	must(t, err)
	var o object
	must(t, json.Unmarshal(b, &o))
	o.wantKeys(t, "server.json", "url pid version")
	if o["url"] != s.url || o["pid"] != float64(s.cmd.Process.Pid) {
		t.Errorf("server.json is %v", o)
	}
	s.stop(os.Interrupt)
	if _, err := os.Stat(filepath.Join(s.data, "server.json")); !os.IsNotExist(err) {
		t.Errorf("server.json is still there: %v", err)
	}
	must(t, os.WriteFile(filepath.Join(s.data, "server.json"), []byte(`{"url":"http://127.0.0.1:1","pid":1,"version":"0"}`), 0o600))
	s.cli("list").want(t, 0) // a stale file misleads nobody
}

func TestTakenPort(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	p := newPlace(t)
	oneLine(t, p.cli("serve", "--addr", l.Addr().String()))
	oneLine(t, p.cli("serve", "--addr", "nonsense"))
}

// TestNoVerbWithoutDisplay: the program says so and serves.
func TestNoVerbWithoutDisplay(t *testing.T) {
	s := newPlace(t).serveArgs([]string{"INFEROMETER_API_ADDR=127.0.0.1:0"})
	s.get(api + "/health").want(http.StatusOK)
	if a := s.get("/").want(http.StatusOK); !strings.Contains(a.header.Get("Content-Type"), "text/html") {
		t.Errorf("/ answers %v", a.header)
	}
	s.stop(os.Interrupt)
	if text := s.stderr.String(); !strings.Contains(text, "serving") {
		t.Errorf("it says %q", text)
	}
}

func TestSettingsPrecedence(t *testing.T) {
	p := newPlace(t)
	check := func(s *server, value bool, origin string) {
		t.Helper()
		for _, x := range decode[domain.Settings](s.get(api + "/settings")).Items {
			if x.Key == "debug" && (x.Value != value || x.Origin != origin || x.Locked != (origin != "default" && origin != "stored")) {
				t.Errorf("debug is %+v, want %v from %s", x, value, origin)
			}
		}
		want := map[bool]int{true: http.StatusOK, false: http.StatusNotImplemented}[value]
		s.get("/results/average/").want(want)
	}
	s := p.serve()
	check(s, false, "default")
	s.do("PATCH", api+"/settings", `{"debug":true}`).want(http.StatusOK)
	check(s, true, "stored")
	s.stop(os.Interrupt)
	s = p.serve()
	check(s, true, "stored")
	s.stop(os.Interrupt)
	must(t, os.WriteFile(filepath.Join(p.cwd, ".env"), []byte("SUPERBENCHMARK_DEBUG=False\n"), 0o600))
	s = p.serve()
	check(s, false, "dotenv")
	s.stop(os.Interrupt)
	s = p.serve(debugOn)
	check(s, true, "env")
	s.do("PATCH", api+"/settings", `{"debug":false}`).want(http.StatusConflict)
	s.stop(os.Interrupt)
	check(p.serveArgs([]string{debugOn}, "serve", "--addr", "127.0.0.1:0", "--debug=false"), false, "flag")
}
