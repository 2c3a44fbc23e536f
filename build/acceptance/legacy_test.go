//go:build acceptance

package acceptance

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sample is one row of the seed's file.
type sample struct {
	ID     string `json:"request_id"`
	Prompt string `json:"prompt_text"`
	Text   string `json:"generated_text"`
	Tokens int    `json:"token_count"`
	TTFT   int    `json:"time_to_first_token"`
	TPOT   int    `json:"time_per_output_token"`
	Total  int    `json:"total_generation_time"`
	At     string `json:"timestamp"`
}

func samples() []sample {
	return []sample{
		{"a", "p", "g", 7, 201, 23, 401, "2024-06-01T00:00:00"},
		{"b", "p", "g", 11, 207, 29, 433, "2024-06-03T00:00:00"},
		{"c", "p", "g", 13, 239, 31, 461, "2024-06-03T12:30:15.250000"},
		{"d", "p", "g", 17, 251, 37, 487, "2024-06-05T23:59:59"},
		{"e", "p", "g", 1, 0, 0, 499, "2024-07-01T00:00:00"},
	}
}

func (p *place) sampleFile(name string, rows []sample) string {
	p.t.Helper()
	b, err := json.Marshal(map[string]any{"benchmarking_results": rows})
	must(p.t, err)
	path := filepath.Join(p.cwd, name)
	must(p.t, os.WriteFile(path, b, 0o600))
	return path
}

// means is this test's own arithmetic.
func means(rows []sample) map[string]float64 {
	var tokens, ttft, tpot, total int
	for _, r := range rows {
		tokens, ttft, tpot, total = tokens+r.Tokens, ttft+r.TTFT, tpot+r.TPOT, total+r.Total
	}
	n := float64(len(rows))
	return map[string]float64{"avg_token_count": float64(tokens) / n, "avg_time_to_first_token": float64(ttft) / n,
		"avg_time_per_output_token": float64(tpot) / n, "avg_total_generation_time": float64(total) / n}
}

const (
	debugOn     = "SUPERBENCHMARK_DEBUG=True"
	averageKeys = "avg_token_count avg_time_to_first_token avg_time_per_output_token avg_total_generation_time"
)

func (a answer) wantMeans(rows []sample) {
	a.t.Helper()
	got := a.want(http.StatusOK).object()
	got.wantKeys(a.t, a.what, averageKeys)
	for key, want := range means(rows) {
		if v, ok := got[key].(float64); !ok || math.Abs(v-want) > 1e-9 {
			a.t.Errorf("%s: %s is %v, want %.9f", a.what, key, got[key], want)
		}
	}
}

func (a answer) wantText(status int, key, text string) {
	a.t.Helper()
	if got := a.want(status).object()[key]; got != text {
		a.t.Errorf("%s: %s is %v, want %q", a.what, key, got, text)
	}
}

func sampleServer(t *testing.T, rows []sample) *server {
	p := newPlace(t)
	return p.serve(debugOn, "SUPERBENCHMARK_TEST_DATABASE="+p.sampleFile("rows.json", rows))
}

func TestSeedAverages(t *testing.T) {
	all := samples()
	s := sampleServer(t, all)
	for path, rows := range map[string][]sample{
		"": all, "/": all, "/2024-06-01/2024-07-01/": all, "/2024-06-01/2024-07-01": all,
		"/2024-06-01T00:00:01/2024-06-30/": all[1:4], "/2024-06-01/2024-06-03": all[:2],
		"/2024-06-03/2024-06-03": all[1:2], "/2024-06-03T00:00:00.000001/2024-06-03T12:30:15.250/": all[2:3],
		"/2024-06-05T23:59:59/2024-06-05T23:59:59/": all[3:4], "/2024-07-01/2030-01-01/": all[4:],
	} {
		s.get("/results/average" + path).wantMeans(rows)
	}
	head := s.do(http.MethodHead, "/results/average/", "").want(http.StatusOK)
	if len(head.body) != 0 {
		t.Errorf("HEAD answers with a body: %s", head.body)
	}
}

func TestSeedTimeForms(t *testing.T) {
	all := samples()
	s := sampleServer(t, all)
	forms := map[string]int{ // form: the one row that lies at that moment
		"2024-06-03": 1, "20240603": 1, "2024W23": 1, "2024-W23": 1, "2024-W23-1": 1, "2024W231": 1,
		"2024-06-03T00": 1, "2024-06-03T00:00": 1, "2024-06-03T00:00:00": 1, "2024-06-03 00:00:00": 1,
		"20240603T000000": 1, "20240603T00:00:00": 1, "2024-06-03T0000": 1, "2024-06-03x00:00": 1,
		"2024-06-03T00:00:00Z": 1, "2024-06-03T02:00:00+02:00": 1, "2024-06-02T22:00:00-02:00": 1,
		"2024-06-03T02:00+0200": 1, "2024-06-03T02+02": 1, "2024-06-03T05:30:00.000+05:30": 1,
		"2024-06-03T12:30:15.25": 2, "2024-06-03T12:30:15,250": 2, "2024-06-03 12:30:15.250000": 2,
		"20240603T123015.250": 2, "2024-06-03T12:30:15.250000000": 2, "2024-W23-1T14:30:15.25+02:00": 2,
		"2024-W23-3T23:59:59": 3, "20240605T235959Z": 3, "2024-06-06T01:59:59+02:00": 3, "2024W27": 4,
	}
	for form, row := range forms {
		encoded := url.PathEscape(form)
		s.get("/results/average/" + encoded + "/" + encoded + "/").wantMeans(all[row : row+1])
		every := ""
		for _, b := range []byte(form) {
			every += fmt.Sprintf("%%%02X", b)
		}
		s.get("/results/average/" + every + "/" + every).wantMeans(all[row : row+1])
	}
	for _, form := range []string{"1717372800", "now", "2024-13-01", "2024-02-30", "2024-6-3", "24-06-03", "2024-06",
		"2024-155", "2024W23-1", "2024-W54", "2024-W23-8", "2024-06-03T", "2024-06-03T25:00", "2024-06-03T1:00",
		"2024-06-03T00:00:00z", "2024-06-03T12:30:15+25:00", "2024-06-03T24:00", "2024-06-03T23:59:60", "0000-01-01", "２０２４-06-03"} {
		const text = "Invalid date format. Use ISO 8601 format."
		bad := url.PathEscape(form)
		s.get("/results/average/"+bad+"/2024-07-01/").wantText(http.StatusBadRequest, "error", text)
		s.get("/results/average/2024-06-01/"+bad).wantText(http.StatusBadRequest, "error", text)
	}
}

func TestSeedRefusals(t *testing.T) {
	s := sampleServer(t, samples())
	const nothing = "No benchmarking results found in the specified time range."
	s.get("/results/average/2020-01-01/2020-12-31/").wantText(http.StatusNotFound, "detail", nothing)
	s.get("/results/average/2024-07-01/2024-06-01/").wantText(http.StatusNotFound, "detail", nothing)
	s.get("/results/average/2024-06-01/2024-07-01/?sample=exclude").wantText(http.StatusNotFound, "detail", nothing)
	for _, path := range []string{"/results/average/", "/results/average", "/results/average/2024-06-01/2024-07-01/", "/results/average/2024-06-01/2024-07-01"} {
		for _, method := range []string{"POST", "PUT", "PATCH", "DELETE"} {
			a := s.do(method, path, "")
			a.wantText(http.StatusMethodNotAllowed, "detail", `Method "`+method+`" not allowed.`)
			if !strings.Contains(a.header.Get("Allow"), "GET") {
				t.Errorf("%s: Allow is %q", a.what, a.header.Get("Allow"))
			}
		}
	}
	port := s.url[strings.LastIndex(s.url, ":"):]
	for _, host := range []string{"evil.example", "evil.example" + port, "127.0.0.1:1", "127.0.0.1.evil.example" + port} {
		if a := s.get("/results/average/", "Host", host); a.status != http.StatusForbidden && a.status != http.StatusMisdirectedRequest {
			t.Errorf("Host %s: status %d", host, a.status)
		}
	}
	s.get("/results/average/", "Host", "localhost"+port).want(http.StatusOK)
	s.post(api+"/benchmarks", body(), "Origin", "http://evil.example").want(http.StatusForbidden)
	if cors := s.get(api+"/health", "Origin", "http://evil.example").header.Get("Access-Control-Allow-Origin"); cors != "" {
		t.Errorf("CORS allows %s", cors)
	}
}

func TestSeedNothingStored(t *testing.T) {
	s := sampleServer(t, []sample{})
	for _, path := range []string{"/results/average", "/results/average/"} {
		o := s.get(path).want(http.StatusOK).object()
		o.wantKeys(t, path, averageKeys)
		for k, v := range o {
			if v != nil {
				t.Errorf("%s: %s is %v", path, k, v)
			}
		}
	}
}

func TestSampleRows(t *testing.T) {
	p, all := newPlace(t), samples()
	named := "SUPERBENCHMARK_TEST_DATABASE=" + p.sampleFile("rows.json", all)
	count := func(s *server) int { return s.get(api + "/results").want(http.StatusOK).total() }
	for range 2 { // starting twice changes nothing
		s := p.serve(debugOn, named)
		s.get("/results/average/").wantMeans(all)
		if n := count(s); n != len(all) {
			t.Errorf("%d results, want %d", n, len(all))
		}
		s.stop(os.Interrupt)
	}
	all[0].Tokens, all[0].At = 70, "2024-06-02T00:00:00"
	s := p.serve(debugOn, "SUPERBENCHMARK_TEST_DATABASE="+p.sampleFile("rows.json", all)) // upserted by request_id
	s.get("/results/average/").wantMeans(all)
	s.get("/results/average/2024-06-02/2024-06-02").wantMeans(all[:1])
	first := decode[[]object](s.get(api + "/results?sample=only&limit=1").want(http.StatusOK))[0]
	for key, want := range map[string]any{"request_id": "e", "prompt_text": "p", "generated_text": "g", "token_count": 1.0,
		"time_to_first_token": 0.0, "time_per_output_token": 0.0, "total_generation_time": 499.0, "sample": true} {
		if first[key] != want {
			t.Errorf("the record's %s is %v, want %v", key, first[key], want)
		}
	}
	s.stop(os.Interrupt)

	for _, debug := range []string{"", "SUPERBENCHMARK_DEBUG=False", "SUPERBENCHMARK_DEBUG=true", "SUPERBENCHMARK_DEBUG=1"} {
		s := p.serve(debug, named)
		for _, path := range []string{"", "/", "/2024-06-01/2024-07-01/", "/no/time/", "/2024-07-01/2024-06-01"} {
			s.get("/results/average"+path).wantText(http.StatusNotImplemented, "detail", "This feature is not ready for live yet.")
		}
		if o := s.get(api + "/results/average").want(http.StatusOK).object(); o["count"] != 0.0 || o["avg_token_count"] != nil {
			t.Errorf("%s: sample rows count in %v", debug, o)
		}
		if n := count(s) + s.get(api+"/benchmarks").total() + s.get(api+"/benchmarks?sample=true").total(); n != 0 {
			t.Errorf("%s: %d sample rows are visible", debug, n)
		}
		s.stop(os.Interrupt)
	}
}

func TestSampleRowsFromElsewhere(t *testing.T) {
	p := newPlace(t)
	s := p.serve(debugOn) // the built-in ones
	if n := s.get(api + "/results").total(); n == 0 {
		t.Error("there is no built-in sample row")
	}
	s.stop(os.Interrupt)
	p = newPlace(t)
	p.sampleFile("test_database.json", samples()[:2]) // the one of the working directory
	s = p.serve(debugOn)
	s.get("/results/average/").wantMeans(samples()[:2])
	detail := s.get("/results/average/x/y").object()
	if causes, ok := detail["causes"].([]any); !ok || len(causes) == 0 {
		t.Errorf("debug mode does not show the causes: %v", detail)
	}
}
