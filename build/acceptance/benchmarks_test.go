//go:build acceptance

package acceptance

import (
	"bytes"
	"fmt"
	"io/fs"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

const (
	jobKeys = `job_id name model engine task status created_at started_at ended_at duration tokens_generated output
		hardware_metrics plan progress summary validity warnings environment error client bottleneck tags notes pinned sample imported experiment deleted_at`
	hardwareKeys = "cpu_usage_percent ram_usage_gb gpu_usage_percent vram_usage_gb power_w peak devices reasons samples remote"
	statsKeys    = "mean p50 p90 p95 p99 min max n intervals outliers reason"
	summaryKeys  = `ttft_ms ttfr_ms ttfv_ms itl_ms tpot_ms e2e_ms output_tokens_per_second decode_tokens_per_second
		prefill_tokens_per_second prefill_lower_bound requests_per_second requests tokens delivered_concurrency window_s
		finish_reasons error_classes server stages best_stage knee ntpot_ms itl_per_token_ms ttft_from_due_ms e2e_from_due_ms
		lateness_ms goodput asked_concurrency asked_rate_per_s arrivals_per_second length_shortfall draft clock_delta_percent
		tokens_per_chunk energy steady intervals`
	sampleKeys = `timestamp t_ms phase cpu_usage_percent cpu_cores_percent ram_usage_gb swap_usage_gb engine_cpu_percent
		engine_rss_gb self_cpu_percent gpu_usage_percent vram_usage_gb power_w gpu_temp_c gpus late_ms remote steal_percent
		iowait_percent cpu_pressure_percent memory_pressure_percent io_pressure_percent cpu_throttled_percent
		swap_in_mb_per_s swap_out_mb_per_s disk_read_mb_per_s disk_write_mb_per_s net_receive_mb_per_s
		net_send_mb_per_s engine_major_faults_per_s cpu_clock_mhz cpu_temp_c cpu_energy_j battery_power_w`
)

// TestSeedBenchmark follows the seed's own body from its acceptance to its figures.
func TestSeedBenchmark(t *testing.T) {
	s := newPlace(t).serve()
	seed := `{"model_id":"` + model + `","prompt":"Write a short poem about the sea.","task":"text-generation","max_tokens":48,"temperature":0.7,"top_p":0.9,"use_gpu":true}`
	first := s.post(api+"/benchmarks", seed).want(http.StatusAccepted)
	second := s.post(api+"/benchmarks", seed).want(http.StatusAccepted)
	job := decode[domain.Run](first)
	if at := first.header.Get("Location"); at != jobPath(job.ID) {
		t.Errorf("Location is %q", at)
	}
	for _, a := range []answer{first, second, s.get(first.header.Get("Location"))} { // queued and running
		o := a.object()
		o.wantKeys(t, a.what, jobKeys)
		o.at(t, "hardware_metrics").wantKeys(t, a.what, hardwareKeys)
		if o["summary"] != nil || o["duration"] != nil || o["output"] != nil || o["tokens_generated"] != nil || o["ended_at"] != nil {
			t.Errorf("%s: a figure is there before the run has ended: %s", a.what, a.body)
		}
	}
	phases := map[any]bool{}
	until(t, "the job has ended", func() bool {
		o := s.get(jobPath(job.ID)).want(http.StatusOK).object()
		o.wantKeys(t, "the job", jobKeys)
		if p, ok := o["progress"].(map[string]any); ok {
			phases[p["phase"]] = true
		}
		return domain.Status(o["status"].(string)).Ended()
	})
	if len(phases) < 2 {
		t.Errorf("the progress shows only the phases %v", phases)
	}
	checkJob(t, s, s.get(jobPath(job.ID)))
	other := decode[domain.Run](second).ID
	until(t, "the second job has ended", func() bool { return s.job(other).Status.Ended() })
	list := s.get(api + "/benchmarks").want(http.StatusOK)
	if jobs := decode[[]domain.Run](list); len(jobs) != 2 || jobs[0].ID != other || list.total() != 2 {
		t.Errorf("the list is not newest first: %s", list.body)
	}
}

func checkJob(t *testing.T, s *server, a answer) {
	o, r := a.object(), decode[domain.Run](a)
	if r.Status != domain.StatusCompleted || r.Task != "text-generation" || r.Model != model || r.Error != nil || r.Environment == nil || r.Validity == nil {
		t.Fatalf("the job is %s", a.body)
	}
	o.at(t, "summary").wantKeys(t, "summary", summaryKeys)
	for _, key := range []string{"ttft_ms", "itl_ms", "tpot_ms", "e2e_ms"} {
		o.at(t, "summary").at(t, key).wantKeys(t, key, statsKeys)
		if o.at(t, "summary").at(t, key)["p99"] != nil {
			t.Errorf("%s has a p99 of fewer than 100 values", key)
		}
	}
	rows := s.requests(r.ID)
	if len(rows) != 2 || rows[0].Phase != domain.PhaseWarmup || rows[1].Phase != domain.PhaseMeasure {
		t.Fatalf("the requests are %+v", rows)
	}
	m := rows[1]
	if *r.TokensGenerated != *m.OutputTokens || *m.OutputTokens != 48 || r.Output == nil || *r.Output == "" {
		t.Errorf("tokens %v, the request has %v", *r.TokensGenerated, *m.OutputTokens)
	}
	if e2e := float64(*m.LastUs) / 1e6; math.Abs(*r.DurationS-e2e) > 0.002 {
		t.Errorf("duration %v, the request took %v", *r.DurationS, e2e)
	}
	h := r.HardwareMetrics
	if h.CPUPercent == nil || *h.CPUPercent <= 0 || *h.CPUPercent > 100 || h.RAMUsedGB == nil || *h.RAMUsedGB <= 0 ||
		*h.Peak.CPUPercent < *h.CPUPercent || *h.Peak.RAMUsedGB < *h.RAMUsedGB {
		t.Errorf("hardware metrics %+v", h)
	}
	for key, v := range map[string]*float64{"gpu_usage_percent": h.GPUPercent, "vram_usage_gb": h.VRAMUsedGB} {
		if v == nil && h.Reasons[key] == "" {
			t.Errorf("%s is null without a reason", key)
		}
	}
	if used := r.Environment.Engine.GPUUsed; used != nil && !*used && !warned(r, "gpu_requested_but_unused") {
		t.Errorf("an explicit use_gpu without a GPU is not warned of: %+v", r.Warnings)
	}
}

func warned(r domain.Run, code string) bool {
	return slices.ContainsFunc(r.Warnings, func(w domain.Warning) bool { return w.Code == code && w.Message != "" && w.Level != "info" })
}

func TestWaitAndIdempotency(t *testing.T) {
	s, far := newPlace(t).serve(), newRemote(t)
	plain := "{" + far.add(s) + `,"prompt":"a","max_tokens":8}`
	a := s.post(api+"/benchmarks", plain, "Prefer", "wait=60").want(http.StatusOK)
	if decode[domain.Run](a).Status != domain.StatusCompleted || a.header.Get("Preference-Applied") == "" || a.header.Get("Location") == "" {
		t.Errorf("Prefer: wait is answered with %v %s", a.header, a.body)
	}
	s.post(api+"/benchmarks?wait=60s", plain).want(http.StatusOK)
	s.post(api+"/benchmarks?wait=1ms", plain).want(http.StatusAccepted)
	one := s.start(plain, "Idempotency-Key", "k1")
	if again := decode[domain.Run](s.post(api+"/benchmarks", plain, "Idempotency-Key", "k1")); again.ID != one.ID {
		t.Errorf("the same key starts another job")
	}
	s.post(api+"/benchmarks", "{"+far.add(s)+`,"prompt":"b"}`, "Idempotency-Key", "k1").want(http.StatusConflict)
	if n := s.get(api + "/benchmarks").total(); n != 4 {
		t.Errorf("%d jobs, want 4", n)
	}
}

// TestExactGenerations counts on the far side what a run sends, and with which values.
func TestExactGenerations(t *testing.T) {
	s, far := newPlace(t).serve(), newRemote(t)
	target := far.add(s)
	for i, c := range []struct {
		more           string
		warmup, wanted int
	}{
		{"", 1, 1}, {`,"warmup":0,"temperature":0,"top_p":1,"seed":0`, 0, 1},
		{`,"warmup":2,"stop":{"requests":5}`, 2, 5}, {`,"load":{"kind":"closed","concurrency":3},"stop":{"requests":7}`, 1, 7},
	} {
		before := len(far.asked())
		r := s.finish("{" + target + `,"prompt":"count me","max_tokens":8` + c.more + "}")
		sent := far.asked()[before:]
		if n := s.get(jobPath(r.ID, "requests")).total(); len(sent) != r.Plan.Warmup+c.wanted || n != len(sent) || r.Plan.Warmup != c.warmup {
			t.Errorf("%s: %d generations, %d requests, want %d+%d", c.more, len(sent), n, c.warmup, c.wanted)
		}
		if i == 1 {
			for key, want := range map[string]float64{"temperature": 0, "top_p": 1, "seed": 0, "max_tokens": 8} {
				if got, ok := sent[0][key].(float64); !ok || got != want {
					t.Errorf("%s was sent as %v, want %v", key, sent[0][key], want)
				}
			}
			if r.Plan.Temperature != 0 || r.Plan.TopP != 1 || r.Plan.Seed != 0 || r.Plan.Warmup != 0 {
				t.Errorf("the plan is %+v", r.Plan)
			}
		}
	}
	for _, call := range far.other {
		if call != "GET /v1/models" {
			t.Errorf("the endpoint was probed by %s", call)
		}
	}
}

// TestReadableWhileRunning holds each request to half a second between its end and its reading.
func TestReadableWhileRunning(t *testing.T) {
	s, far := newPlace(t).serve(), newRemote(t)
	r := s.start("{" + far.add(s) + `,"prompt":"a","max_tokens":8,"warmup":0,"load":{"kind":"single","think_time_ms":300},"stop":{"requests":8}}`)
	worst := time.Duration(0)
	for n := range 8 {
		var end time.Time
		until(t, "a request has ended", func() (ok bool) { end, ok = far.end(n); return ok })
		until(t, "it is readable", func() bool { return s.get(jobPath(r.ID, "requests")).total() > n })
		worst = max(worst, time.Since(end))
	}
	t.Logf("readable after %v at most", worst)
	if worst > time.Second { // half a second is the promise, the rest is for a busy machine
		t.Errorf("a request was readable only after %v", worst)
	}
}

func TestStoreText(t *testing.T) {
	for _, store := range []bool{false, true} {
		p := newPlace(t)
		s, far := p.serve(), newRemote(t)
		r := s.finish(fmt.Sprintf(`{%s,"prompt":"crimson-marker-17","max_tokens":8,"store_text":%t}`, far.add(s), store))
		if (r.Output != nil) != store || (r.Plan.Prompt != nil) != store {
			t.Errorf("store_text %t: output %v, prompt %v", store, r.Output, r.Plan.Prompt)
		}
		one := decode[domain.RequestRecord](s.get(jobPath(r.ID, "requests", "1")).want(http.StatusOK))
		if (one.Output != nil) != store || (one.Prompt != nil) != store || *one.OutputTokens != 8 {
			t.Errorf("store_text %t: the request is %+v", store, one)
		}
		if found := holds(t, p.data, "crimson-marker-17", remoteText); !store && found != "" {
			t.Errorf("store_text false: %s holds the text", found)
		}
		s.stop(os.Interrupt)
		if found := holds(t, p.data, "crimson-marker-17", remoteText); (found != "") != store {
			t.Errorf("store_text %t: the text is in %q after the end", store, found)
		}
	}
}

// holds names the first file under dir that holds one of the texts.
func holds(t *testing.T, dir string, texts ...string) (found string) {
	t.Helper()
	must(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		for _, text := range texts {
			if bytes.Contains(b, []byte(text)) {
				found = path
			}
		}
		return err
	}))
	return found
}

func TestMetrics(t *testing.T) {
	s := newPlace(t).serve()
	r := s.finish(body(`"max_tokens":64`, `"stop":{"requests":3}`, `"use_gpu":false`, `"tags":["x"]`))
	if r.Plan.UseGPU || r.Environment.Engine.GPUUsed == nil || *r.Environment.Engine.GPUUsed || warned(r, "gpu_requested_but_unused") {
		t.Errorf("use_gpu false: %+v %+v", r.Environment.Engine, r.Warnings)
	}
	path := jobPath(r.ID, "metrics")
	all := decode[[]object](s.get(path).want(http.StatusOK))
	seen, last := map[any]bool{}, -1.0
	for _, row := range all {
		row.wantKeys(t, "a sample", sampleKeys)
		if row["t_ms"].(float64) < last {
			t.Error("samples are not in order")
		}
		last, seen[row["phase"]] = row["t_ms"].(float64), true
	}
	for _, phase := range []string{"prepare", "warmup", "measure"} {
		if !seen[phase] {
			t.Errorf("no sample lies in the phase %s", phase)
		}
	}
	if n := s.get(path + "?every=1s").want(http.StatusOK).total(); n == 0 || n >= len(all) || n > int(last/1000)+2 {
		t.Errorf("every=1s gives %d of %d samples over %.1f s", n, len(all), last/1000)
	}
	for _, of := range []string{"extremes", "means"} {
		if n := s.get(path + "?points=6&of=" + of).want(http.StatusOK).total(); n == 0 || n > 6 {
			t.Errorf("points=6 of %s gives %d samples", of, n)
		}
	}
	middle := int(500 * last)
	before, after := s.get(path+"?end_us="+strconv.Itoa(middle)).total(), s.get(path+"?start_us="+strconv.Itoa(middle+1)).total()
	if before == 0 || after == 0 || before+after != len(all) {
		t.Errorf("%d samples before the middle and %d after it, of %d", before, after, len(all))
	}
	for _, row := range decode[[]object](s.get(path + "?series=cpu_usage_percent,ram_usage_gb").want(http.StatusOK)) {
		row.wantKeys(t, "a sample of two series", "timestamp t_ms phase cpu_usage_percent ram_usage_gb")
	}
	s.get(api + "/benchmarks/00000000-0000-4000-8000-000000000000/metrics").want(http.StatusNotFound)
}

func TestListFilters(t *testing.T) {
	s, far := newPlace(t).serve(), newRemote(t)
	target := far.add(s)
	var ids []domain.RunID
	for i := range 5 {
		ids = append(ids, s.finish(fmt.Sprintf(`{%s,"dataset_id":"chat-en","stop":{"requests":1},"warmup":0,"name":"run %d","tags":["t%d","all"]}`, target, i, i%2)).ID)
	}
	slices.Reverse(ids)
	var got []domain.RunID
	for path := api + "/benchmarks?limit=2"; path != ""; {
		a := s.get(path).want(http.StatusOK)
		rows := decode[[]domain.Run](a)
		if len(rows) > 2 || a.total() != 5 {
			t.Fatalf("%s gives %d rows of %d", path, len(rows), a.total())
		}
		for _, r := range rows {
			got = append(got, r.ID)
		}
		path = a.next()
	}
	if !slices.Equal(got, ids) {
		t.Errorf("the pages hold %v, want %v", got, ids)
	}
	mid := s.job(ids[2]).CreatedAt.Format(time.RFC3339Nano)
	for query, want := range map[string]int{
		"status=completed": 5, "status=failed": 0, "model=far": 5, "model=" + model: 0, "engine=openai": 5, "engine=llama-server": 0,
		"task=text-generation": 5, "dataset=chat-en": 5, "dataset=code-en": 0, "tag=t0": 3, "tag=t1": 2, "tag=none": 0, "q=%22run+3%22": 1, "q=nowhere": 0,
		"start=" + mid: 3, "end=" + mid: 3, "start=" + mid + "&end=" + mid: 1, "tag=t1&q=%22run+3%22&status=completed": 1,
	} {
		if n := s.get(api + "/benchmarks?" + query).want(http.StatusOK).total(); n != want {
			t.Errorf("%s gives %d, want %d", query, n, want)
		}
	}
	s.do("PATCH", jobPath(ids[0]), `{"name":"new","tags":["z"],"notes":"n","pinned":true}`).want(http.StatusOK)
	if r := s.job(ids[0]); r.Name != "new" || r.Notes != "n" || !r.Pinned || !slices.Equal(r.Tags, []string{"z"}) {
		t.Errorf("edited to %+v", r)
	}
	s.do("DELETE", jobPath(ids[0]), "").want(http.StatusNoContent)
	if n, trash := s.get(api+"/benchmarks").total(), s.get(api+"/benchmarks?trash=true").total(); n != 4 || trash != 1 {
		t.Errorf("after deletion: %d listed, %d in the trash", n, trash)
	}
	s.do("DELETE", jobPath(ids[0])+"?restore", "").want(http.StatusNoContent)
	if n := s.get(api + "/benchmarks").total(); n != 5 {
		t.Errorf("%d after restoring", n)
	}
}

func TestModelsAndDatasets(t *testing.T) {
	s := newPlace(t).serve()
	models := decode[[]object](s.get(api + "/models").want(http.StatusOK))
	if len(models) != 1 || models[0]["id"] != model || models[0]["name"] == "" || models[0]["engine"] != "llama-server" || models[0]["installed"] != true {
		t.Errorf("the models are %v", models)
	}
	offered := decode[[]object](s.get(api + "/models?installed=false").want(http.StatusOK))
	if !slices.ContainsFunc(offered, func(m object) bool { return m["id"] == "gpt2" && m["installed"] == false }) {
		t.Errorf("gpt2 is not in the catalogue: %v", offered)
	}
	for _, d := range decode[[]object](s.get(api + "/datasets").want(http.StatusOK)) {
		if n, ok := d["prompts"].(float64); !ok || n < 1 || d["id"] == "" || d["name"] == "" || d["builtin"] != true {
			t.Errorf("the dataset is %v", d)
		}
	}
	a := s.post(api+"/benchmarks", `{"model_id":"gpt2","prompt":"a"}`).want(http.StatusConflict)
	if !strings.Contains(string(a.body), "/models/gpt2/download") {
		t.Errorf("the download is not offered: %s", a.body)
	}
	a = s.post(api+"/benchmarks", `{"model_id":"gpt-9","prompt":"a"}`).want(http.StatusUnprocessableEntity)
	if !strings.Contains(string(a.body), model) {
		t.Errorf("what is installed is not listed: %s", a.body)
	}
	added := s.post(api+"/datasets?name=mine", "{\"prompt\":\"one\"}\n{\"prompt\":\"two\"}\n", "Content-Type", "application/x-ndjson").want(http.StatusCreated)
	id := added.object()["id"].(string)
	if d := s.get(api + "/datasets/" + id).want(http.StatusOK).object(); d["prompts"] != 2.0 {
		t.Errorf("the dataset added is %v", d)
	}
	s.do("DELETE", api+"/datasets/"+id, "").want(http.StatusNoContent)
	s.get(api + "/datasets/" + id).want(http.StatusNotFound)
	if h := s.get(api + "/health").want(http.StatusOK).object(); h["status"] != "ok" || h["version"] == "" {
		t.Errorf("health is %v", h)
	}
}
