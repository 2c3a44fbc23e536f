package api

import (
	"encoding/json"
	"math"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

func averageKeys() []string {
	return []string{"avg_time_per_output_token", "avg_time_to_first_token", "avg_token_count", "avg_total_generation_time"}
}

// text returns one key of an answer as text.
func (a answer) text(key string) string {
	a.t.Helper()
	v, _ := decode[map[string]any](a)[key].(string)
	return v
}

func (w *world) putResults(at ...string) {
	w.t.Helper()
	var rs []domain.Result
	for i, text := range at {
		when, err := time.Parse(time.RFC3339, text)
		if err != nil {
			w.t.Fatal(err)
		}
		tokens, ttft, tpot, total := 10+i, float64(200+i), float64(25+i), float64(400+i)
		rs = append(rs, domain.Result{RequestID: "mine-" + text, TokenCount: &tokens, TimeToFirstToken: &ttft,
			TimePerOutputToken: &tpot, TotalGenerationTime: &total, Timestamp: when})
	}
	if err := w.store.UpsertResults(w.t.Context(), rs, false); err != nil {
		w.t.Fatal(err)
	}
}

func TestLegacyAverages(t *testing.T) {
	w := newWorld(t, true)
	w.putResults("2001-01-01T00:00:00Z", "2001-01-01T01:00:00Z", "2001-01-01T02:00:00Z")
	for _, path := range []string{"/results/average", "/results/average/"} {
		if got := w.get(path).want(http.StatusOK).keys(); !slices.Equal(got, averageKeys()) {
			t.Errorf("%s has keys %v", path, got)
		}
	}
	for window, want := range map[string]float64{
		"2001-01-01T00:00:00/2001-01-01T02:00:00":             11, // both ends included
		"2001-01-01T00:00:00Z/2001-01-01T01:00:00Z":           10.5,
		"2001-01-01%2000%3A00%3A00/2001-01-01%2000%3A30":      10,
		"2001-01-01T03:00:00+02:00/2001-01-01T03:00:00+02:00": 11,
		"20010101/2001W01-4T02":                               0, // an unreadable week form
		"2001-01-01/2001-01-02":                               11,
		"2001W011T01/2001-W01-1T01":                           11,
	} {
		for _, slash := range []string{"", "/"} {
			a := w.get("/results/average/" + window + slash)
			if want == 0 {
				a.problem(http.StatusBadRequest)
				continue
			}
			a.want(http.StatusOK)
			if got := decode[map[string]float64](a)["avg_token_count"]; got != want {
				t.Errorf("%s: average %v, want %v", window, got, want)
			}
		}
	}
	if got := w.get("/results/average?sample=only").want(http.StatusOK); decode[map[string]float64](got)["avg_token_count"] != 10.2 {
		t.Errorf("the seed's own five rows: %s", got.body)
	}
	if got := w.get("/results/average?sample=exclude").want(http.StatusOK); decode[map[string]float64](got)["avg_token_count"] != 11 {
		t.Errorf("without sample rows: %s", got.body)
	}
}

func TestLegacyNothingStoredIsFourNulls(t *testing.T) {
	w := newWorld(t, true)
	a := w.get("/results/average/?sample=exclude").want(http.StatusOK)
	if got := a.keys(); !slices.Equal(got, averageKeys()) {
		t.Errorf("keys %v", got)
	}
	for key, value := range decode[map[string]json.RawMessage](a) {
		if string(value) != "null" {
			t.Errorf("%s is %s", key, value)
		}
	}
}

func TestLegacyErrors(t *testing.T) {
	w := newWorld(t, true)
	for _, bad := range []string{"1717243200/1717250400", "yesterday/today", "2024-06-01/x", "x/2024-06-01", url.PathEscape("2024-06-01T25:00") + "/2024-06-02"} {
		a := w.get("/results/average/" + bad + "/")
		a.problem(http.StatusBadRequest)
		if got := a.text("error"); got != "Invalid date format. Use ISO 8601 format." {
			t.Errorf("%s: error %q", bad, got)
		}
	}
	for _, empty := range []string{"1990-01-01/1990-01-02", "2024-06-02/2024-06-01"} {
		a := w.get("/results/average/" + empty + "/")
		a.problem(http.StatusNotFound)
		if got := a.text("detail"); got != "No benchmarking results found in the specified time range." {
			t.Errorf("%s: detail %q", empty, got)
		}
	}
	for _, path := range []string{"/results/average/", "/results/average", "/results/average/2024-06-01/2024-06-02/"} {
		for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
			a := w.call(method, path, nil)
			a.problem(http.StatusMethodNotAllowed)
			if got := a.text("detail"); got != `Method "`+method+`" not allowed.` {
				t.Errorf("detail %q", got)
			}
			if got := a.header.Get("Allow"); got != "GET, HEAD, OPTIONS" {
				t.Errorf("Allow %q", got)
			}
		}
	}
	w.get("/results/average/2024-06-01/").problem(http.StatusNotFound)
}

// Without debug mode the routes answer 501 whatever the times are; our own routes work.
func TestLegacyIsNotReadyWithoutDebug(t *testing.T) {
	w := newWorld(t, false)
	w.putResults("2001-01-01T00:00:00Z")
	for _, path := range []string{"/results/average/", "/results/average", "/results/average/x/y", "/results/average/2001-01-01/2001-01-02/"} {
		a := w.get(path)
		a.problem(http.StatusNotImplemented)
		if got := a.text("detail"); got != "This feature is not ready for live yet." {
			t.Errorf("%s: detail %q", path, got)
		}
	}
	avg := w.get(base + "/results/average").want(http.StatusOK)
	want := append(averageKeys(), "count", "counts", "intervals")
	slices.Sort(want)
	if got := avg.keys(); !slices.Equal(got, want) || decode[domain.Averages](avg).Count != 1 {
		t.Errorf("averages %s", avg.body)
	}
	a := w.get(base + "/results?limit=1").want(http.StatusOK)
	row := decode[[]map[string]json.RawMessage](a)[0]
	for _, key := range []string{"request_id", "prompt_text", "generated_text", "token_count", "time_to_first_token", "time_per_output_token", "total_generation_time", "timestamp"} {
		if _, ok := row[key]; !ok {
			t.Errorf("record lacks %s", key)
		}
	}
	if a.header.Get("X-Total-Count") != "1" || a.header.Get("Link") != "" {
		t.Errorf("headers %v", a.header)
	}
	if got := w.get(base + "/results?end=2000-01-01").header.Get("X-Total-Count"); got != "0" {
		t.Errorf("%s results before the first", got)
	}
}

// An interval needs two values; the seed's own routes never show one.
func TestAveragesCarryIntervals(t *testing.T) {
	w := newWorld(t, true)
	if err := w.store.UpsertResults(t.Context(), []domain.Result{result("a", 9), result("b", 11)}, false); err != nil {
		t.Fatal(err)
	}
	got := decode[domain.Averages](w.get(base + "/results/average?sample=exclude").want(http.StatusOK))
	i := got.Intervals.TokenCount
	if i == nil || math.Abs(i[0]-(10-12.7062047)) > 1e-6 || math.Abs(i[1]-(10+12.7062047)) > 1e-6 || got.Intervals.TotalTime != nil {
		t.Errorf("intervals %+v", got.Intervals)
	}
	if keys := w.get("/results/average/").want(http.StatusOK).keys(); !slices.Equal(keys, averageKeys()) {
		t.Errorf("keys %v", keys)
	}
}

func result(id string, tokens int) domain.Result {
	return domain.Result{RequestID: id, TokenCount: &tokens, Timestamp: time.Now()}
}
