package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
)

func ptr[T any](v T) *T { return &v }

// fakeHost is a Host whose instance is a handler.
type fakeHost struct {
	handler http.Handler
	served  *ServeOptions
}

type handlerTrip struct{ h http.Handler }

func (h handlerTrip) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	h.h.ServeHTTP(w, r)
	return w.Result(), nil
}

func (f *fakeHost) Connect(context.Context, Options) (*Client, func() error, error) {
	return &Client{Base: "http://test", HTTP: handlerTrip{f.handler}}, func() error { return nil }, nil
}
func (f *fakeHost) Serve(_ context.Context, o ServeOptions) error { f.served = &o; return nil }
func (f *fakeHost) Window(context.Context, Options) error         { return nil }
func (f *fakeHost) Setup(context.Context, SetupOptions) error     { return nil }
func (f *fakeHost) Version() string                               { return "inferometer test" }

// line runs one command line against a handler.
func line(t *testing.T, h *fakeHost, args ...string) (out string, err error) {
	t.Helper()
	var o bytes.Buffer
	root := New(h, IO{Out: &o, Err: io.Discard, In: strings.NewReader("")})
	root.SetArgs(args)
	err = root.ExecuteContext(t.Context())
	return o.String(), err
}

// recorder answers every call alike and keeps the last body.
func recorder(answer any, body *map[string]any) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/v1/events" {
			return
		}
		if r.Body != nil && r.Method != http.MethodGet {
			*body = map[string]any{}
			_ = json.NewDecoder(r.Body).Decode(body)
		}
		_ = json.NewEncoder(w).Encode(answer)
	})
}

func TestRunSendsOnlyWhatWasGiven(t *testing.T) {
	const auto = `{"kind":"repeat","name":"N","seed":4,"benchmark":{"model_id":"m","prompt":"p","slo":"ttft<1s"}}`
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--model", "m", "--prompt", "p"}, `{"model_id":"m","prompt":"p"}`},
		{[]string{"--model", "m", "--prompt", "p", "--temperature", "0", "--warmup", "0", "--no-gpu", "--seed", "0"},
			`{"model_id":"m","prompt":"p","temperature":0,"warmup":0,"use_gpu":false,"seed":0}`},
		{[]string{"--model", "m", "--dataset", "chat-en", "--load", "closed:4", "--duration", "30s", "--tag", "a,b", "--tag", "c"},
			`{"model_id":"m","dataset_id":"chat-en","load":{"kind":"closed","concurrency":4},"stop":{"duration_s":30},"tags":["a","b","c"]}`},
		{[]string{"--model", "m", "--prompt", "p", "--repeat", "auto", "--slo", "ttft<1s", "--name", "N", "--seed", "4"}, auto},
		{[]string{"--model", "m", "--prompt", "p", "--repeat", "3", "--max-tokens", "9", "--top-p", "1", "--requests", "2"},
			`{"model_id":"m","prompt":"p","repeat":3,"max_tokens":9,"top_p":1,"stop":{"requests":2}}`},
	} {
		var body map[string]any
		h := &fakeHost{handler: recorder(domain.Run{ID: "x", Status: domain.StatusCompleted}, &body)}
		if _, err := line(t, h, append([]string{"run"}, c.args...)...); err != nil {
			t.Errorf("run %v: %v", c.args, err)
		}
		var want map[string]any
		if err := json.Unmarshal([]byte(c.want), &want); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(body, want) {
			t.Errorf("run %v sends\n%v, want\n%v", c.args, body, want)
		}
	}
}

// A pause of an experiment is one between its runs.
func TestExperimentsSendWhatWasGiven(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"repeat", "--model", "m", "--prompt", "p", "--rest", "30s", "--target", "1", "--min-runs", "5", "--max-runs", "9", "--budget", "1m", "--metric", "ttft_ms"},
			`{"kind":"repeat","benchmark":{"model_id":"m","prompt":"p"},"rest":{"seconds":30},"repeat":{"target_percent":1,"min_runs":5,"max_runs":9,"budget_s":60,"metric":"ttft_ms"}}`},
		{[]string{"ab", "--model", "m", "--prompt", "p", "--rest-below", "50", "--arm", "threads=1", "--arm", "two: threads=2", "--pairs", "6"},
			`{"arms":[{"name":"threads=1","benchmark":{"model_id":"m","prompt":"p","engine_options":{"threads":1}}},{"name":"two","benchmark":{"model_id":"m","prompt":"p","engine_options":{"threads":2}}}],"pairs":6,"rest":{"seconds":0,"below_c":50}}`},
	} {
		var body map[string]any
		h := &fakeHost{handler: recorder(domain.Experiment{ID: "x", Status: domain.StatusCompleted}, &body)}
		if _, err := line(t, h, c.args...); err != nil {
			t.Errorf("%v: %v", c.args, err)
		}
		var want map[string]any
		if err := json.Unmarshal([]byte(c.want), &want); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(body, want) {
			t.Errorf("%v sends\n%v, want\n%v", c.args, body, want)
		}
	}
}

func TestRunWithoutAModelIsRefusedHere(t *testing.T) {
	var body map[string]any
	_, err := line(t, &fakeHost{handler: recorder(nil, &body)}, "run", "--prompt", "p")
	if err == nil || !strings.Contains(err.Error(), "--model") || body != nil {
		t.Errorf("run without a model: %v, sent %v", err, body)
	}
}

func TestAProblemIsPrintedWithItsFields(t *testing.T) {
	h := &fakeHost{handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnprocessableEntity)
		_, _ = io.WriteString(w, `{"status":422,"detail":"Some values are not valid.","hint":"Try 1.","errors":[{"location":"body.max_tokens","message":"must be 1 to 32768"}]}`)
	})}
	_, err := line(t, h, "show", "x")
	if err == nil || err.Error() != "Some values are not valid.\n  max_tokens: must be 1 to 32768\n  Try 1." {
		t.Errorf("show: %v", err)
	}
}

func TestServeFlagsFixSettings(t *testing.T) {
	h := &fakeHost{}
	if _, err := line(t, h, "serve", "--addr", "127.0.0.1:0", "--debug", "--data-dir", "d", "--resume"); err != nil {
		t.Fatal(err)
	}
	want := &ServeOptions{Options: Options{DataDir: "d", Settings: map[string]string{"api_addr": "127.0.0.1:0", "debug": "True"}}, Resume: true}
	if !reflect.DeepEqual(h.served, want) {
		t.Errorf("serve got %+v, want %+v", h.served, want)
	}
}

func TestProgressLine(t *testing.T) {
	for _, c := range []struct {
		in   domain.Progress
		want string
	}{
		{domain.Progress{Phase: domain.PhasePrepare, Note: "Loading the model"}, "prepare  Loading the model"},
		{domain.Progress{Phase: domain.PhaseMeasure, Done: 3, Total: ptr(5), TokensPerSecond: ptr(69.14), TTFTMs: ptr(130.4), LeftS: ptr(72.0), Errors: 1},
			"measure  3 of 5 requests · 69.1 tok/s · TTFT 130 ms · 1 failed · about 1:12 left"},
		{domain.Progress{Phase: domain.PhaseMeasure, Done: 3}, "measure  3 requests"},
		{domain.Progress{Phase: domain.PhaseMeasure, Done: 30, Total: ptr(90), LeftS: ptr(5.0),
			Stage: &domain.StageProgress{Index: 1, Count: ptr(4), Name: "closed:8", Done: 3, Total: ptr(16)}},
			"measure  stage 2 of 4 closed:8 · 3 of 16 requests · about 0:05 left"},
		{domain.Progress{Phase: domain.PhaseMeasure, Stage: &domain.StageProgress{Index: 2, Name: "poisson:4/s", Done: 7, LeftS: ptr(61.0), Dropped: 2}},
			"measure  stage 3 poisson:4/s · 7 requests · 2 dropped · about 1:01 left in this stage"},
		{domain.Progress{Phase: domain.PhaseMeasure, Done: 1, Stage: &domain.StageProgress{Count: ptr(1), Name: "single", Done: 1}},
			"measure  1 requests"},
	} {
		if got := progressLine(c.in); got != c.want {
			t.Errorf("progressLine = %q, want %q", got, c.want)
		}
	}
}

func TestFiguresHaveThreeDigits(t *testing.T) {
	for v, want := range map[float64]string{8.214: "8.21 ms", 40.84: "40.8 ms", 547.6: "548 ms"} {
		if got := ms(v); got != want {
			t.Errorf("ms(%v) = %q, want %q", v, got, want)
		}
	}
	if got := opt(nil, ms); got != "–" {
		t.Errorf("a missing figure is %q", got)
	}
}

func TestTheSummarySaysWhatIsMissing(t *testing.T) {
	var b bytes.Buffer
	run := domain.Run{ID: "id", Model: "m", Status: domain.StatusCompleted, Summary: &domain.Summary{
		Figures: domain.Figures{PrefillTokensPerSecond: ptr(900.0), PrefillLowerBound: true}},
		HardwareMetrics: domain.HardwareMetrics{Reasons: map[string]string{"gpu_usage_percent": "no driver"}}}
	if err := printRun(&b, run); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"at least 900.0 tok/s", "no driver", "–"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the summary lacks %q:\n%s", want, b.String())
		}
	}
}

func TestTheSummaryTellsTheEnergy(t *testing.T) {
	var b strings.Builder
	run := domain.Run{ID: "id", Model: "m", Summary: &domain.Summary{Figures: domain.Figures{Energy: &domain.Energy{Scopes: []domain.EnergyScope{
		{Scope: domain.ScopeGPUBoard, Method: domain.EnergyByCounter, GrossJ: ptr(2500.0), MeanW: ptr(318.0), JPerToken: ptr(2.61),
			NetJPerToken: ptr(2.41), Cost: ptr(0.00042), Currency: "EUR", CO2G: ptr(0.28)},
		{Scope: domain.ScopeCPUPackage, Reason: "Not permitted."}}}}}}
	if err := printRun(&b, run); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"2.61 J/token", "net 2.41 J/token · 2.5 kJ · 318 W mean · by counter · 0.0004 EUR · 0.28 g CO2", "Energy, CPU package", "–", "Not permitted."} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is missing in\n%s", want, b.String())
		}
	}
}
