//go:build acceptance

package acceptance

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
)

// TestSweepIsMeasuredStageByStage posts a sweep and holds plan, records, summary and report together.
func TestSweepIsMeasuredStageByStage(t *testing.T) {
	s, far := newPlace(t).serve(), newRemote(t)
	r := s.finish("{" + far.add(s) + `,"prompt":"a","max_tokens":8,"load":{"kind":"sweep","values":[1,3]},"stop":{"requests":6},"slo":"ttft<10s,e2e_p90<1ms"}`)
	if len(r.Plan.Stages) != 2 || len(r.Summary.Stages) != 2 || r.Summary.Requests.OK != 12 || *r.Plan.ExpectedRequests != 12 {
		t.Fatalf("plan %+v, summary %+v", r.Plan.Stages, r.Summary)
	}
	for i, users := range []int{1, 3} {
		x := r.Summary.Stages[i]
		if x.Concurrency != users || x.State != "done" || x.Summary.Requests.OK != 6 || *x.Summary.AskedConcurrency != users || len(x.Objectives) != 2 ||
			!x.Objectives[0].Met || x.Objectives[1].Met || x.Summary.Goodput.Met != 0 {
			t.Errorf("stage %d: %+v", i, x)
		}
		a := s.get(fmt.Sprintf("%s?stage=%d&outcome=ok&phase=measure", jobPath(r.ID, "requests"), i)).want(http.StatusOK)
		for _, q := range decode[[]domain.RequestRecord](a) {
			if q.Stage != i || q.MaxTokens != 8 || q.DueUs != nil || q.HTTPStatus != http.StatusOK {
				t.Errorf("stage %d holds %+v", i, q)
			}
		}
		if a.total() != 6 {
			t.Errorf("stage %d has %d requests", i, a.total())
		}
	}
	if warm := s.get(jobPath(r.ID, "requests") + "?phase=warmup").total(); len(far.asked()) != 12+warm {
		t.Errorf("the endpoint saw %d generations, with %d warm-ups", len(far.asked()), warm)
	}
	var marks []string
	for _, p := range decode[[]domain.PhaseChange](s.get(jobPath(r.ID, "phases")).want(http.StatusOK)) {
		if p.Stage != nil {
			marks = append(marks, p.Stage.Name)
		}
	}
	if !slices.Equal(marks, []string{"closed:1", "closed:3"}) || r.Client == nil {
		t.Errorf("stages began as %v, client %+v", marks, r.Client)
	}
	report := decode[domain.RunReport](s.get(jobPath(r.ID, "report") + "?as=vllm").want(http.StatusOK))
	if len(report.Lenses) != 1 || !slices.ContainsFunc(report.Lenses[0].Rows, func(x domain.LensRow) bool { return x.Key == "completed" && *x.Value == 12 }) {
		t.Errorf("report %+v", report.Lenses)
	}
	if out := s.cli("show", string(r.ID)).want(t, 0).out; !strings.Contains(out, "STAGE") || !strings.Contains(out, "closed:3") {
		t.Errorf("show prints\n%s", out)
	}
	if out := s.cli("show", string(r.ID), "--as", "aiperf").want(t, 0).out; !strings.Contains(out, "AIPERF") {
		t.Errorf("show --as prints\n%s", out)
	}
}

// TestOpenLoopCountsFromTheDueTime holds arrivals against the rate that was asked for.
func TestOpenLoopCountsFromTheDueTime(t *testing.T) {
	s, far := newPlace(t).serve(), newRemote(t)
	r := s.finish("{" + far.add(s) + `,"prompt":"a","max_tokens":8,"load":{"kind":"rate","rate_per_s":50,"max_in_flight":64},"stop":{"requests":20},"warmup":0}`)
	f := r.Summary.Figures
	if f.AskedRatePerS == nil || *f.AskedRatePerS != 50 || f.LatenessMs.N != 20 || f.DueTTFTMs.N != 20 || *f.DueTTFTMs.P50 < *f.TTFTMs.P50 {
		t.Errorf("figures %+v", f)
	}
	var due []int64
	for _, q := range s.requests(r.ID) {
		if q.DueUs == nil || q.SentUs < *q.DueUs {
			t.Fatalf("request %+v", q)
		}
		due = append(due, *q.DueUs)
	}
	slices.Sort(due)
	for i := range due[1:] {
		if gap := due[i+1] - due[i]; gap < 19_900 || gap > 20_100 {
			t.Errorf("arrivals %d µs apart, want 20000", gap)
		}
	}
}

// TestFilesBecomeWorkloads imports a trace and conversations by the command line and sends them.
func TestFilesBecomeWorkloads(t *testing.T) {
	s, far := newPlace(t).serve(), newRemote(t)
	far.add(s)
	file := func(name, text string) string {
		path := filepath.Join(s.cwd, name)
		must(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	trace := file("trace.jsonl", `{"timestamp":0,"prompt":"first","max_tokens":8}`+"\n"+`{"timestamp":120,"prompt":"second","max_tokens":8}`+"\n")
	run := s.cli("run", "--model", "far", "--endpoint", far.URL+"/v1", "--load", "trace:"+trace, "--warmup", "0", "--json").want(t, 0)
	var r domain.Run
	must(t, json.Unmarshal([]byte(run.out), &r))
	if r.Summary.Requests.OK != 2 || r.Plan.DatasetID == nil {
		t.Errorf("trace: %s", run.out)
	}
	qs := s.requests(r.ID)
	if len(qs) != 2 || *qs[1].DueUs-*qs[0].DueUs != 120_000 || !strings.Contains(fmt.Sprint(far.asked()[0]["messages"]), "first") {
		t.Errorf("trace sent %+v", qs)
	}

	talk := file("talk.json", `[{"id":"a","conversations":[{"from":"human","value":"hello there"},{"from":"gpt","value":"hi"},{"from":"human","value":"and now"}]},
		{"id":"b","conversations":[{"from":"gpt","value":"hi"}]}]`)
	look := s.cli("datasets", "add", talk, "--preview").want(t, 0)
	if !strings.Contains(look.out, "sharegpt") || !strings.Contains(look.out, "line 2") || !strings.Contains(look.out, "█") {
		t.Errorf("preview prints\n%s", look.out)
	}
	s.cli("datasets", "add", talk).want(t, 1)
	s.cli("datasets", "add", talk, "--skip-bad").want(t, 0)
	before := len(far.asked())
	s.cli("run", "--model", "far", "--endpoint", far.URL+"/v1", "--dataset", "talk", "--warmup", "0").want(t, 0)
	sent := far.asked()[before:]
	if len(sent) != 2 || len(sent[0]["messages"].([]any)) != 1 || len(sent[1]["messages"].([]any)) != 3 ||
		!strings.Contains(fmt.Sprint(sent[1]["messages"]), remoteText) {
		t.Errorf("the second turn must carry the answer to the first: %v", sent)
	}
}

// TestMadePromptsAreExact counts made prompts in the tokens of the real model.
func TestMadePromptsAreExact(t *testing.T) {
	s := newPlace(t).serve()
	r := s.finish(`{"model_id":"` + model + `","synthetic":{"input_tokens":{"kind":"uniform","min":20,"max":60},"output_tokens":{"kind":"fixed","tokens":4}},
		"raw_completion":true,"prompt_cache":"on","seed":7,"warmup":0,"stop":{"requests":4}}`)
	var lengths []int
	for _, q := range s.requests(r.ID) {
		lengths = append(lengths, *q.PromptTokens)
		if *q.PromptTokens < 20 || *q.PromptTokens > 60 || *q.OutputTokens != 4 {
			t.Errorf("request of %d and %d tokens", *q.PromptTokens, *q.OutputTokens)
		}
	}
	again := s.finish(`{"model_id":"` + model + `","synthetic":{"input_tokens":{"kind":"uniform","min":20,"max":60},"output_tokens":{"kind":"fixed","tokens":4}},
		"raw_completion":true,"prompt_cache":"on","seed":7,"warmup":0,"stop":{"requests":4}}`)
	for i, q := range s.requests(again.ID) {
		first := decode[domain.RequestRecord](s.get(jobPath(r.ID, "requests", fmt.Sprint(i))).want(http.StatusOK))
		if *q.PromptTokens != lengths[i] || q.PromptHash != first.PromptHash {
			t.Errorf("the same seed gave another prompt %d", i)
		}
	}
}

// TestEndpointsAreFoundOutAbout checks an endpoint over every face and looks for servers.
func TestEndpointsAreFoundOutAbout(t *testing.T) {
	s, far := newPlace(t).serve(), newRemote(t)
	far.add(s)
	id := decode[[]domain.Endpoint](s.get(api + "/endpoints"))[0].ID
	c := decode[domain.EndpointCheck](s.post(api+"/endpoints/"+id+"/check", `{"generate":false}`).want(http.StatusOK))
	if !c.OK || len(c.Checks) != 1 || len(far.asked()) != 0 {
		t.Errorf("a list of models: %+v", c)
	}
	c = decode[domain.EndpointCheck](s.post(api+"/endpoints/"+id+"/check", "").want(http.StatusOK))
	states := map[string]string{}
	for _, p := range c.Checks {
		states[p.Code] = p.State
	}
	if c.Model != "far" || states["streaming"] != "ok" || states["usage"] != "ok" || len(states) != 7 || len(far.asked()) > 4 {
		t.Errorf("check %+v after %d generations", c, len(far.asked()))
	}
	for _, d := range decode[[]domain.Discovered](s.get(api + "/discovery").want(http.StatusOK)) {
		if strings.HasPrefix(s.url, d.BaseURL) || d.Kind == "" {
			t.Errorf("found %+v", d)
		}
	}
	s.cli("endpoints", "discover").want(t, 0)
}

// TestRepetitionsRestBetween measures one stage three times with a pause without load before the second
// and the third; no figure holds the pauses.
func TestRepetitionsRestBetween(t *testing.T) {
	s, far := newPlace(t).serve(), newRemote(t)
	r := s.finish("{" + far.add(s) + `,"prompt":"a","max_tokens":8,"stop":{"requests":3},"repeat":3,"rest":{"seconds":0.6}}`)
	if len(r.Summary.Stages) != 1 || r.Summary.Stages[0].State != "done" || r.Summary.Requests.OK != 9 || *r.Plan.Rest.Seconds != 0.6 {
		t.Fatalf("plan %+v, summary %+v", r.Plan.Rest, r.Summary)
	}
	phases := decode[[]domain.PhaseChange](s.get(jobPath(r.ID, "phases")).want(http.StatusOK))
	measured, rests := 0.0, 0
	for i, p := range phases[:len(phases)-1] {
		took := float64(phases[i+1].TUs-p.TUs) / 1e6
		switch p.Phase {
		case domain.PhaseMeasure:
			measured += took
		case domain.PhaseRest:
			if rests++; took < 0.6 {
				t.Errorf("rest %d took %.2f s", rests, took)
			}
			for _, q := range s.requests(r.ID) {
				if q.SentUs >= p.TUs && q.SentUs < phases[i+1].TUs {
					t.Errorf("request %d was sent in a rest", q.N)
				}
			}
		}
	}
	if w := *r.Summary.WindowS; rests != 2 || w > measured {
		t.Errorf("%d rests, window %.3f s, measured for %.3f s", rests, w, measured)
	}
}
