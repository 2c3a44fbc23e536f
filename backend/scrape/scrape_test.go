package scrape

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

func pageOf(t *testing.T, at time.Time, files ...string) page {
	t.Helper()
	var text strings.Builder
	for _, name := range files {
		b, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		text.Write(b)
	}
	p, err := read(strings.NewReader(text.String()), at, families())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func near(t *testing.T, what string, got *float64, want float64) {
	t.Helper()
	if got == nil || math.Abs(*got-want) > 1e-9*math.Max(1, math.Abs(want)) {
		t.Errorf("%s is %v, want %v", what, show(got), want)
	}
}

func show(v *float64) string {
	if v == nil {
		return "nothing"
	}
	return fmt.Sprint(*v)
}

func TestReadings(t *testing.T) {
	begin := time.Unix(1000, 0)
	before := pageOf(t, begin, "node.txt", "dcgm.txt", "vllm.txt")
	now := pageOf(t, begin.Add(2*time.Second), "node.txt", "dcgm.txt", "vllm.txt")
	// Two seconds later: core 0 was busy for 1.5 of 2 s, core 1 for none, 300 tokens were written.
	now.cpu["0"] = cpuTime{idle: now.cpu["0"].idle + .5, all: now.cpu["0"].all + 2}
	now.cpu["1"] = cpuTime{idle: now.cpu["1"].idle + 2, all: now.cpu["1"].all + 2}
	*now.written += 300
	*now.prompted += 64
	var s domain.RemoteSample
	now.sample(&s, before)
	near(t, "CPU", s.CPUPercent, 37.5)
	near(t, "RAM", s.RAMUsedGB, 16)
	near(t, "RAM in all", s.RAMTotalGB, 64)
	near(t, "running", s.RequestsRunning, 5)
	near(t, "waiting", s.RequestsWaiting, 7)
	near(t, "cache", s.KVCachePercent, 75)
	near(t, "written", s.OutputTokensPerSecond, 150)
	near(t, "prompts", s.PromptTokensPerSecond, 32)
	if len(s.GPUs) != 2 || s.GPUs[1].Index != 1 {
		t.Fatalf("GPUs %+v", s.GPUs)
	}
	near(t, "GPU", s.GPUs[0].UtilPct, 98)
	near(t, "memory bus", s.GPUs[0].MemUtilPct, 55)
	near(t, "VRAM", s.GPUs[0].VRAMUsedGB, 12.582912)
	near(t, "power", s.GPUs[0].PowerW, 68.244)
	near(t, "energy", s.GPUs[0].EnergyJ, 15152422.938)
	near(t, "clock", s.GPUs[0].ClockMHz, 1590)
	near(t, "an idle GPU", s.GPUs[1].UtilPct, 0)
	if g := s.GPUs[1]; g.EnergyJ != nil || g.VRAMUsedGB != nil || g.TempC != nil {
		t.Errorf("what is not told is not there: %+v", g)
	}
}

func TestRatesNeedTwoAnswersOfOneServer(t *testing.T) {
	begin := time.Unix(1000, 0)
	p := pageOf(t, begin, "node.txt", "vllm.txt")
	var first domain.RemoteSample
	p.sample(&first, page{})
	if first.CPUPercent != nil || first.OutputTokensPerSecond != nil || first.RequestsRunning == nil {
		t.Errorf("first answer: CPU %s, tokens %s", show(first.CPUPercent), show(first.OutputTokensPerSecond))
	}
	again := pageOf(t, begin.Add(time.Second), "node.txt", "vllm.txt")
	*again.written = 10 // the server began anew
	var s domain.RemoteSample
	again.sample(&s, p)
	if s.OutputTokensPerSecond != nil || s.CPUPercent != nil {
		t.Errorf("after a new start: tokens %s, CPU %s", show(s.OutputTokensPerSecond), show(s.CPUPercent))
	}
}

func TestParse(t *testing.T) {
	for name, c := range map[string]struct {
		text   string
		values []float64
		fails  string
	}{
		"plain":            {"a 1\na 2.5e3 1700000000\n", []float64{1, 2500}, ""},
		"labels":           {`a{x="1",y="2"} 3` + "\n" + `a{ x = "1" , } 4`, []float64{3, 4}, ""},
		"escapes":          {`a{x="}\"\\\n"} 5`, []float64{5}, ""},
		"comments, others": {"# TYPE a gauge\n\nb{x=\"1\"} 9\na 1\r\n# EOF\n", []float64{1}, ""},
		"not a number":     {"a NaN\na +Inf\n", []float64{math.NaN(), math.Inf(1)}, ""},
		"exemplar":         {`a{x="1"} 2 # {id="q"} 1`, []float64{2}, ""},
		"empty":            {"", nil, ""},
		"no value":         {"a\n", nil, "line 1"},
		"no value either":  {"a{x=\"1\"}\n", nil, "line 1"},
		"word as value":    {"a one\n", nil, "line 1"},
		"unfinished label": {`a{x="1} 2`, nil, "line 1"},
		"unquoted label":   {"a 1\na{x=1} 2\n", nil, "line 2"},
		"HTML":             {"<html><body>Hello</body></html>", nil, "line 1"},
		"endless line":     {"a{x=\"" + strings.Repeat("y", mostLine), nil, "token too long"},
		"too much":         {strings.Repeat("b 1\n", mostBytes/4+1), nil, "larger than 8 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			var got []float64
			err := parse(strings.NewReader(c.text), func(name string) bool { return name == "a" }, func(s series) { got = append(got, s.value) })
			if c.fails == "" && err != nil || c.fails != "" && (err == nil || !strings.Contains(err.Error(), c.fails)) {
				t.Fatalf("error %v, want %q", err, c.fails)
			}
			if err == nil && fmt.Sprint(got) != fmt.Sprint(c.values) {
				t.Errorf("%v, want %v", got, c.values)
			}
		})
	}
}

// exporter serves a text over HTTP and tells of each call.
func exporter(t *testing.T, answer http.HandlerFunc) (address string, calls chan struct{}) {
	t.Helper()
	calls = make(chan struct{}, 16)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer(w, r)
		calls <- struct{}{}
	}))
	t.Cleanup(srv.Close)
	return srv.URL + "/metrics", calls
}

func TestScraperFollowsAnExporter(t *testing.T) {
	n := 0.0
	address, calls := exporter(t, func(w http.ResponseWriter, _ *http.Request) {
		n++
		fmt.Fprintf(w, "llamacpp:requests_processing %g\nllamacpp:tokens_predicted_total %g\n", n, 1000*n)
	})
	s := Start(t.Context(), []string{address})
	<-calls
	<-calls // the second call comes after the first answer was kept
	s.Stop()
	got := s.Fresh()
	if len(got) == 0 || got[0].Error != "" || got[0].Source == "" || strings.Contains(got[0].Source, "/") {
		t.Fatalf("%+v", got)
	}
	near(t, "running", got[0].RequestsRunning, 1)
	if again := s.Fresh(); again != nil {
		t.Errorf("told twice: %+v", again)
	}
}

func TestFailuresSayWhy(t *testing.T) {
	closed := httptest.NewServer(nil)
	closed.Close()
	serve := func(h http.HandlerFunc) string { a, _ := exporter(t, h); return a }
	for name, c := range map[string]struct{ address, want string }{
		"gone":     {closed.URL, "refused"},
		"broken":   {serve(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", 500) }), "HTTP 500"},
		"redirect": {serve(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) }), "HTTP 302"},
		"garbage":  {serve(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "\x00\x01{{{") }), "Line 1"},
		"page": {serve(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprint(w, "<html>")
		}), "web page"},
		"unknown": {serve(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "go_goroutines 5\n") }), "None of its metrics"},
		"hangs":   {serve(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }), "no answer within 2 s"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &Scraper{client: newClient(), known: families()}
			got, after := s.ask(context.Background(), c.address, page{})
			if !strings.Contains(got.Error, c.want) || strings.Contains(got.Error, "http://") {
				t.Errorf("error %q, want %q", got.Error, c.want)
			}
			if got.CPUPercent != nil || got.RequestsRunning != nil || !after.empty() {
				t.Errorf("readings after a failure: %+v", got)
			}
		})
	}
}

func TestCheckGivesRates(t *testing.T) {
	n := 0.0
	address, _ := exporter(t, func(w http.ResponseWriter, _ *http.Request) {
		n++
		fmt.Fprintf(w, "vllm:generation_tokens_total{engine=\"0\"} %g\n", 1000*n)
	})
	got := Check(t.Context(), []string{address, "http://127.0.0.1:1/metrics"})
	if len(got) != 2 || got[0].OutputTokensPerSecond == nil || *got[0].OutputTokensPerSecond > 1001 || got[1].Error == "" {
		t.Errorf("%+v", got)
	}
}

func TestSourceHidesSecrets(t *testing.T) {
	for address, want := range map[string]string{
		"http://gpu-1:9400/metrics": "gpu-1:9400", "https://u:p@gpu-1/m?key=s": "gpu-1/m", "http://[::1]:9100": "[::1]:9100",
	} {
		if got := Source(address); got != want {
			t.Errorf("%s is %s, want %s", address, got, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, name := range []string{"node.txt", "dcgm.txt", "vllm.txt"} {
		b, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`DCGM_FI_DEV_GPU_UTIL{gpu="-1"} NaN`))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := read(strings.NewReader(string(b)), time.Unix(1, 0), families())
		if err != nil {
			return
		}
		var s domain.RemoteSample
		p.sample(&s, page{})
		for _, v := range []*float64{s.CPUPercent, s.RAMUsedGB, s.RequestsRunning, s.KVCachePercent, s.OutputTokensPerSecond} {
			if v != nil && math.IsNaN(*v) {
				t.Fatalf("no number in %+v", s)
			}
		}
	})
}
