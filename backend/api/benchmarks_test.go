package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
)

func jobKeys() []string {
	return []string{"bottleneck", "client", "created_at", "deleted_at", "duration", "ended_at", "engine", "environment", "error", "experiment",
		"hardware_metrics", "imported", "job_id", "model", "name", "notes", "output", "pinned", "plan", "progress", "sample", "started_at",
		"status", "summary", "tags", "task", "tokens_generated", "validity", "warnings"}
}

func TestSeedBodyAloneIsOneWarmupAndOneMeasured(t *testing.T) {
	w := newWorld(t, false)
	a := w.call(http.MethodPost, base+"/benchmarks", seedBody(), "Prefer", "respond-async, wait=60").want(http.StatusOK)
	if got := a.header.Get("Preference-Applied"); got != "wait=60" {
		t.Errorf("Preference-Applied %q", got)
	}
	if got := a.keys(); !slices.Equal(got, jobKeys()) {
		t.Errorf("keys %v", got)
	}
	run := decode[domain.Run](a)
	if run.Status != domain.StatusCompleted || *run.Output != "Hello, world!" || *run.TokensGenerated != 4 {
		t.Fatalf("job %s", a.body)
	}
	if run.Summary == nil || run.Summary.Requests.OK != 1 || run.HardwareMetrics.CPUPercent == nil {
		t.Errorf("summary or hardware is missing: %s", a.body)
	}
	if got := a.header.Get("Location"); got != base+"/benchmarks/"+string(run.ID) {
		t.Errorf("Location %q", got)
	}
	if n := len(w.engine.asked()); n != 2 {
		t.Errorf("%d generations, want warm-up and one measured", n)
	}
	if p := run.Plan; p.MaxTokens != 128 || p.Temperature != 0.7 || p.TopP != 0.9 || !p.UseGPU || p.UseGPUExplicit || p.Warmup != 1 {
		t.Errorf("defaults %+v", p)
	}
}

func TestJobIsAcceptedAtOnceWithEveryKey(t *testing.T) {
	w := newWorld(t, false)
	release := w.engine.hold()
	defer release()
	a := w.call(http.MethodPost, base+"/benchmarks", seedBody()).want(http.StatusAccepted)
	if got := a.keys(); !slices.Equal(got, jobKeys()) {
		t.Errorf("keys %v", got)
	}
	raw := decode[map[string]json.RawMessage](a)
	for _, key := range []string{"duration", "tokens_generated", "output", "ended_at", "summary"} {
		if string(raw[key]) != "null" {
			t.Errorf("%s is %s before the end", key, raw[key])
		}
	}
	for _, key := range []string{"tags", "warnings"} {
		if string(raw[key]) != "[]" {
			t.Errorf("%s is %s", key, raw[key])
		}
	}
	job := decode[domain.Run](a)
	path := a.header.Get("Location")
	if p := w.call(http.MethodDelete, path, nil).problem(http.StatusConflict); p.Hint == "" {
		t.Error("a conflict should hint at cancel")
	}
	canceled := decode[domain.Run](w.call(http.MethodPost, path+"/cancel", nil).want(http.StatusOK))
	if canceled.Status != domain.StatusCanceled || canceled.ID != job.ID {
		t.Errorf("canceled job %+v", canceled.Status)
	}
	w.call(http.MethodPost, path+"/cancel", "{}").problem(http.StatusConflict)
	w.get(path).want(http.StatusOK)
}

func TestWaitThatEndsTooEarlyAnswers202(t *testing.T) {
	w := newWorld(t, false)
	release := w.engine.hold()
	defer release()
	a := w.call(http.MethodPost, base+"/benchmarks?wait=10ms", seedBody()).want(http.StatusAccepted)
	w.call(http.MethodPost, a.header.Get("Location")+"/cancel", nil).want(http.StatusOK)
}

// An explicit zero or false is respected: a default stands in only for what is absent.
func TestExplicitZerosAreRespected(t *testing.T) {
	w := newWorld(t, false)
	body := seedBody()
	body["temperature"], body["use_gpu"], body["warmup"], body["store_text"], body["seed"] = 0, false, 0, false, 0
	run := w.finished(body)
	p := run.Plan
	if p.Temperature != 0 || p.UseGPU || !p.UseGPUExplicit || p.Warmup != 0 || p.StoreText || p.Seed != 0 || p.Prompt != nil {
		t.Errorf("plan %+v", p)
	}
	if n := len(w.engine.asked()); n != 1 {
		t.Errorf("%d generations without warm-up", n)
	}
	body = seedBody()
	body["temperature"], body["use_gpu"], body["tags"] = nil, nil, nil // null is absent
	if p := w.finished(body).Plan; p.Temperature != 0.7 || !p.UseGPU || p.UseGPUExplicit {
		t.Errorf("plan of nulls %+v", p)
	}
}

func TestIdempotencyKey(t *testing.T) {
	w := newWorld(t, false)
	post := func(body map[string]any) answer {
		return w.call(http.MethodPost, base+"/benchmarks?wait=60s", body, "Idempotency-Key", "k1")
	}
	first := decode[domain.Run](post(seedBody()).want(http.StatusOK))
	again := decode[domain.Run](post(seedBody()).want(http.StatusOK))
	if first.ID != again.ID {
		t.Error("the same key started two jobs")
	}
	other := seedBody()
	other["max_tokens"] = 7
	post(other).problem(http.StatusConflict)
}

func TestBenchmarkLists(t *testing.T) {
	w := newWorld(t, false)
	var ids []domain.RunID
	for i := range 3 {
		body := seedBody()
		body["name"], body["tags"] = fmt.Sprintf("run %d", i), []string{"nightly"}
		ids = append(ids, w.finished(body).ID)
	}
	slices.Reverse(ids)
	var seen []domain.RunID
	next := base + "/benchmarks?limit=2&tag=nightly"
	for next != "" {
		a := w.get(next).want(http.StatusOK)
		if got := a.header.Get("X-Total-Count"); got != "3" {
			t.Errorf("X-Total-Count %s", got)
		}
		for _, r := range decode[[]domain.Run](a) {
			seen = append(seen, r.ID)
		}
		next = nextLink(t, a)
	}
	if !slices.Equal(seen, ids) {
		t.Errorf("pages %v, want %v", seen, ids)
	}
	for query, want := range map[string]string{"status=completed": "3", "status=failed": "0", "model=tiny": "3",
		"model=big": "0", "tag=none": "0", "q=%22run+1%22": "1", "end=2001-01-01": "0", "start=2001-01-01T00:00:00Z": "3",
		"task=text-generation": "3", "engine=llama-server": "3", "trash": "0"} {
		if got := w.get(base + "/benchmarks?" + query).want(http.StatusOK).header.Get("X-Total-Count"); got != want {
			t.Errorf("%s: %s jobs, want %s", query, got, want)
		}
	}
	if got := string(w.get(base + "/benchmarks?status=failed").body); strings.TrimSpace(got) != "[]" {
		t.Errorf("an empty list is %s", got)
	}
}

func nextLink(t *testing.T, a answer) string {
	t.Helper()
	link := a.header.Get("Link")
	if link == "" {
		return ""
	}
	m := regexp.MustCompile(`^<(/[^>]+)>; rel="next"$`).FindStringSubmatch(link)
	if m == nil {
		t.Fatalf("Link %q", link)
	}
	return m[1]
}

func TestEditDeleteRestoreRerun(t *testing.T) {
	w := newWorld(t, false)
	run := w.finished(seedBody())
	path := base + "/benchmarks/" + string(run.ID)
	edited := decode[domain.Run](w.call(http.MethodPatch, path,
		map[string]any{"name": "First", "tags": []string{"a"}, "notes": "n", "pinned": true}).want(http.StatusOK))
	if edited.Name != "First" || !slices.Equal(edited.Tags, []string{"a"}) || edited.Notes != "n" || !edited.Pinned {
		t.Errorf("edited %+v", edited)
	}
	kept := decode[domain.Run](w.call(http.MethodPatch, path, map[string]any{"pinned": false}).want(http.StatusOK))
	if kept.Name != "First" || kept.Pinned {
		t.Errorf("absent fields must stay: %+v", kept)
	}
	if a := w.call(http.MethodDelete, path, nil).want(http.StatusNoContent); len(a.body) > 0 {
		t.Errorf("204 with a body: %s", a.body)
	}
	if got := decode[[]domain.Run](w.get(base + "/benchmarks")); len(got) != 0 {
		t.Error("a deleted job is still listed")
	}
	if got := decode[[]domain.Run](w.get(base + "/benchmarks?trash=true")); len(got) != 1 {
		t.Error("the trash does not hold it")
	}
	w.call(http.MethodDelete, path+"?restore", nil).want(http.StatusNoContent)
	if got := decode[[]domain.Run](w.get(base + "/benchmarks")); len(got) != 1 {
		t.Error("the job did not come back")
	}
	a := w.call(http.MethodPost, path+"/rerun", nil).want(http.StatusAccepted)
	again := decode[domain.Run](a)
	if again.ID == run.ID || again.Plan.Seed != run.Plan.Seed || a.header.Get("Location") == "" {
		t.Errorf("rerun %+v of %+v", again, run)
	}
	if _, err := w.svc.WaitBenchmark(t.Context(), again.ID, maxWait); err != nil {
		t.Error(err)
	}
	upper := strings.ToUpper(string(run.ID))
	w.get(base + "/benchmarks/" + upper).want(http.StatusOK)
}

// partOfSamples asks for the samples of a job from just after its start up to one of them.
func partOfSamples(t *testing.T, w *world, path string, end int64) {
	t.Helper()
	for _, query := range []string{"", "&points=1000", "&points=1000&of=means", "&points=2"} {
		part := decode[[]domain.Sample](w.get(fmt.Sprintf("%s/metrics?start_us=1&end_us=%d%s", path, end, query)).want(http.StatusOK))
		if len(part) == 0 || part[0].TMs < .001 || part[len(part)-1].TMs != float64(end)/1000 || query == "&points=2" && len(part) > 2 {
			t.Errorf("%d samples from %v to %v with %s", len(part), part[0].TMs, part[len(part)-1].TMs, query)
		}
	}
}

// pagedSamples follows the links from page to page, which hold all samples once.
func pagedSamples(t *testing.T, w *world, path string, all []map[string]any) {
	t.Helper()
	var got []map[string]any
	for next := path + "/metrics?limit=2"; next != ""; {
		a := w.get(next).want(http.StatusOK)
		page := decode[[]map[string]any](a)
		if len(page) == 0 || len(page) > 2 || a.header.Get("X-Total-Count") != strconv.Itoa(len(page)) || len(got) > len(all) {
			t.Fatalf("%s has %d samples, after %d of %d", next, len(page), len(got), len(all))
		}
		got = append(got, page...)
		next, _, _ = strings.Cut(strings.TrimPrefix(a.header.Get("Link"), "<"), ">")
	}
	if !reflect.DeepEqual(got, all) {
		t.Errorf("the pages hold %d samples of %d", len(got), len(all))
	}
	if a := w.get(path + "/metrics?limit=2&points=3"); a.header.Get("Link") != "" {
		t.Errorf("points lead on to %s", a.header.Get("Link"))
	}
}

func TestRecordsOfAJob(t *testing.T) {
	w := newWorld(t, false)
	body := seedBody()
	body["stop"] = map[string]any{"requests": 3}
	run := w.finished(body)
	path := base + "/benchmarks/" + string(run.ID)

	var n []int
	next := path + "/requests?limit=2"
	for next != "" {
		a := w.get(next).want(http.StatusOK)
		if a.header.Get("X-Total-Count") != "4" {
			t.Errorf("X-Total-Count %s, want warm-up and 3", a.header.Get("X-Total-Count"))
		}
		for _, r := range decode[[]domain.RequestRecord](a) {
			n = append(n, r.N)
			if r.Prompt != nil || r.ChunkUs != nil {
				t.Error("a list must not hold text and chunks")
			}
		}
		next = nextLink(t, a)
	}
	if !slices.Equal(n, []int{0, 1, 2, 3}) {
		t.Errorf("requests %v", n)
	}
	for query, want := range map[string]string{"phase=warmup": "1", "stage=0": "3", "stage=0&outcome=error": "0", "outcome=ok&phase=measure": "3", "stage=7": "0"} {
		if got := w.get(path + "/requests?" + query).want(http.StatusOK).header.Get("X-Total-Count"); got != want {
			t.Errorf("%s: %s requests, want %s", query, got, want)
		}
	}
	report := decode[domain.RunReport](w.get(path + "/report").want(http.StatusOK))
	if report.Run.ID != run.ID || len(report.Lenses) != 5 {
		t.Errorf("report %+v", report)
	}
	report = decode[domain.RunReport](w.get(path + "/report?as=vllm").want(http.StatusOK))
	if len(report.Lenses) != 1 || report.Lenses[0].Tool != "vllm" || len(report.Lenses[0].Rows) == 0 {
		t.Errorf("report as vllm %+v", report.Lenses)
	}
	w.get(path+"/report", "Accept", "text/html").problem(http.StatusNotAcceptable)
	w.get(path+"/report", "Accept", "text/html, */*;q=0.8").want(http.StatusOK)
	one := decode[domain.RequestRecord](w.get(path + "/requests/1").want(http.StatusOK))
	if *one.Output != "Hello, world!" || *one.Prompt == "" || len(one.ChunkUs) != 4 || *one.TTFTUs != 20_000 {
		t.Errorf("request %+v", one)
	}
	w.get(path + "/requests/99").problem(http.StatusNotFound)

	phases := decode[[]domain.PhaseChange](w.get(path + "/phases").want(http.StatusOK))
	if len(phases) < 3 || phases[0].Phase != domain.PhasePrepare {
		t.Errorf("phases %+v", phases)
	}
	w.get(path + "/metrics?phase=idle").want(http.StatusOK)
	samples := decode[[]map[string]any](w.get(path + "/metrics").want(http.StatusOK))
	pagedSamples(t, w, path, samples)
	if len(samples) == 0 {
		t.Fatal("no samples")
	}
	for _, key := range []string{"timestamp", "t_ms", "phase", "cpu_usage_percent", "ram_usage_gb", "gpu_usage_percent", "vram_usage_gb"} {
		if _, ok := samples[0][key]; !ok {
			t.Errorf("sample lacks %s", key)
		}
	}
	if samples[0]["gpu_usage_percent"] != nil {
		t.Error("a missing sensor must be null")
	}
	few := decode[[]map[string]any](w.get(path + "/metrics?series=cpu_usage_percent,gpus&every=1ms&points=2000").want(http.StatusOK))
	if got := sortedKeys(few[0]); !slices.Equal(got, []string{"cpu_usage_percent", "gpus", "phase", "t_ms", "timestamp"}) {
		t.Errorf("series gave %v", got)
	}
	partOfSamples(t, w, path, int64(samples[len(samples)/2]["t_ms"].(float64)*1000))
	for _, s := range decode[[]domain.Sample](w.get(path + "/metrics?phase=measure").want(http.StatusOK)) {
		if s.Phase != domain.PhaseMeasure {
			t.Errorf("sample of %s", s.Phase)
		}
	}
	for _, sub := range []string{"", "/metrics", "/phases", "/requests", "/requests/0", "/report"} {
		w.get(base + "/benchmarks/00000000-0000-4000-8000-000000000000" + sub).problem(http.StatusNotFound)
	}
}
