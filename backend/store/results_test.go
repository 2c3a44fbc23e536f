package store_test

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/store"
)

func averages(t *testing.T, s *store.Store, w domain.Window, f domain.ResultFilter) domain.Averages {
	t.Helper()
	a, err := s.Averages(t.Context(), w, f)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func seedResults() []domain.Result {
	var rs []domain.Result
	for i, v := range [][4]float64{{10, 200, 30, 500}, {12, 250, 25, 550}, {8, 180, 20, 340}} {
		rs = append(rs, domain.Result{RequestID: fmt.Sprint("seed-", i), PromptText: ptr("p"), GeneratedText: ptr("g"),
			TokenCount: ptr(int(v[0])), TimeToFirstToken: &v[1], TimePerOutputToken: &v[2], TotalGenerationTime: &v[3],
			Timestamp: t0().Add(time.Duration(i) * time.Hour), Sample: true})
	}
	return rs
}

func TestAveragesOfNothing(t *testing.T) {
	equal(t, "averages", averages(t, openNew(t), domain.Window{}, domain.ResultFilter{}), domain.Averages{})
}

func TestAveragesOfSeedRows(t *testing.T) {
	s := openNew(t)
	for range 2 { // twice changes nothing
		if err := s.UpsertResults(t.Context(), seedResults(), true); err != nil {
			t.Fatal(err)
		}
	}
	a := averages(t, s, domain.Window{}, domain.ResultFilter{})
	if *a.TokenCount != 10 || *a.TimeToFirstToken != 210 || *a.TimePerToken != 25 || *a.TotalTime != 1390.0/3 || a.Count != 3 {
		t.Errorf("got %v %v %v %v of %d", *a.TokenCount, *a.TimeToFirstToken, *a.TimePerToken, *a.TotalTime, a.Count)
	}
	bounds := []struct {
		start, end time.Duration
		want       int64
	}{
		{0, 2 * time.Hour, 3}, {0, time.Hour, 2}, {time.Hour, time.Hour, 1}, {time.Nanosecond, time.Hour, 1},
		{time.Hour, time.Hour + 999, 1}, {3 * time.Hour, 4 * time.Hour, 0}, {time.Hour, 0, 0},
	}
	for _, b := range bounds {
		w := domain.Window{Start: ptr(t0().Add(b.start)), End: ptr(t0().Add(b.end))}
		if got := averages(t, s, w, domain.ResultFilter{}).Count; got != b.want {
			t.Errorf("%v to %v counts %d, want %d", b.start, b.end, got, b.want)
		}
	}
}

// TestAveragesAreExact compares with rational arithmetic over random rows, with missing metrics.
func TestAveragesAreExact(t *testing.T) {
	s := openNew(t)
	mustCreate(t, s, newRun("a"))
	r := rand.New(rand.NewPCG(1, 2))
	sum, count := [4]*big.Int{new(big.Int), new(big.Int), new(big.Int), new(big.Int)}, [4]int64{}
	var qs []domain.RequestRecord
	for n := range 500 {
		q := okRequest("a", n, t0(), r.IntN(5000), r.Int64N(1e9), r.Int64N(1e9), r.Int64N(1e11))
		if r.IntN(3) == 0 {
			q.TPOTUs = nil
		}
		if r.IntN(9) == 0 {
			q.OutputTokens = nil
		}
		for i, v := range []*int64{nil, q.TTFTUs, q.TPOTUs, q.LastUs} {
			if i == 0 && q.OutputTokens != nil {
				v = ptr(int64(*q.OutputTokens))
			}
			if v != nil {
				sum[i].Add(sum[i], big.NewInt(*v))
				count[i]++
			}
		}
		qs = append(qs, q)
	}
	mustAppend(t, s, "a", domain.Batch{Requests: qs})
	a := averages(t, s, domain.Window{}, domain.ResultFilter{})
	got := []*float64{a.TokenCount, a.TimeToFirstToken, a.TimePerToken, a.TotalTime}
	for i, scale := range []int64{1, 1000, 1000, 1000} {
		want, _ := new(big.Rat).SetFrac(sum[i], big.NewInt(count[i]*scale)).Float64()
		if *got[i] != want {
			t.Errorf("metric %d: got %v, want %v", i, *got[i], want)
		}
	}
	squares := []float64{a.Squares.TokenCount, a.Squares.TimeToFirstToken, a.Squares.TimePerToken, a.Squares.TotalTime}
	for i, values := range values(qs) {
		var want float64
		for _, v := range values {
			want += (v - *got[i]) * (v - *got[i])
		}
		if diff := math.Abs(squares[i] - want); diff > 1e-9*want {
			t.Errorf("metric %d: squares %v, want %v", i, squares[i], want)
		}
	}
	if a.Count != 500 || a.Counts.TokenCount != count[0] || a.Counts.TimeToFirstToken != 500 || a.Counts.TimePerToken != count[2] || a.Counts.TotalTime != 500 {
		t.Errorf("counts %+v", a)
	}
}

// values lists the four metrics of requests in the units of the averages.
func values(qs []domain.RequestRecord) (out [4][]float64) {
	for _, q := range qs {
		if q.OutputTokens != nil {
			out[0] = append(out[0], float64(*q.OutputTokens))
		}
		for i, us := range []*int64{q.TTFTUs, q.TPOTUs, q.LastUs} {
			if us != nil {
				out[i+1] = append(out[i+1], float64(*us)/1e3)
			}
		}
	}
	return out
}

// Long times that hardly differ: their squares leave the range of integers, and one pass over
// them would leave no digits of the difference.
func TestSquaresOfLongTimesKeepTheirDigits(t *testing.T) {
	const day = 86_400_000_000
	s := openNew(t)
	mustCreate(t, s, newRun("a"))
	mustAppend(t, s, "a", domain.Batch{Requests: []domain.RequestRecord{
		okRequest("a", 0, t0(), 10, 1, 1, 30*day), okRequest("a", 1, t0(), 14, 1, 1, 30*day+2000)}})
	a := averages(t, s, domain.Window{}, domain.ResultFilter{})
	if a.Squares.TotalTime != 2 || a.Squares.TokenCount != 8 || a.Squares.TimeToFirstToken != 0 {
		t.Errorf("squares %+v", a.Squares)
	}
}

func TestResultsOnlyCountWhatTheyShould(t *testing.T) {
	s := openNew(t)
	a, trashed, sample, other := newRun("a"), newRun("trashed"), newRun("sample"), newRun("other")
	trashed.DeletedAt, sample.Sample = ptr(t0()), true
	a.Tags, a.Plan.DatasetID = []string{"x", `q"uote`}, ptr("ds")
	other.Model, other.Engine = "m2", "openai"
	mustCreate(t, s, a, trashed, sample, other)
	for i, id := range []domain.RunID{"trashed", "sample", "other"} {
		mustAppend(t, s, id, domain.Batch{Requests: []domain.RequestRecord{okRequest(string(id), 0, t0().Add(time.Duration(i)*time.Second), 1, 1, 1, 1)}})
	}
	good := okRequest("a", 0, t0().Add(time.Minute), 7, 1, 1, 1)
	warm, bad := okRequest("a", 1, t0(), 1, 1, 1, 1), okRequest("a", 2, t0(), 1, 1, 1, 1)
	warm.Phase, bad.Outcome = domain.PhaseWarmup, domain.OutcomeIncomplete
	mustAppend(t, s, "a", domain.Batch{Requests: []domain.RequestRecord{good, warm, bad}})
	if err := s.UpsertResults(t.Context(), seedResults()[:1], true); err != nil {
		t.Fatal(err)
	}
	if err := s.UpsertResults(t.Context(), []domain.Result{{RequestID: "imported", Timestamp: t0().Add(time.Hour)}}, false); err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		f    domain.ResultFilter
		want string // newest first
	}{
		{domain.ResultFilter{}, "imported a-0 other-0 sample-0 seed-0"},
		{domain.ResultFilter{Sample: "only"}, "sample-0 seed-0"},
		{domain.ResultFilter{Sample: "exclude"}, "imported a-0 other-0"},
		{domain.ResultFilter{Model: "m", Sample: "exclude"}, "a-0"},
		{domain.ResultFilter{Engine: "openai"}, "other-0"},
		{domain.ResultFilter{Dataset: "ds"}, "a-0"},
		{domain.ResultFilter{Tag: `q"uote`}, "a-0"},
		{domain.ResultFilter{Tag: "none"}, ""},
	}
	for _, c := range cases {
		page, err := s.Results(t.Context(), domain.Window{}, c.f, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, r := range page.Items {
			ids = append(ids, r.RequestID)
		}
		if got := strings.Join(ids, " "); got != c.want || page.Total != len(ids) {
			t.Errorf("%+v: %d: %q, want %q", c.f, page.Total, got, c.want)
		}
		if n := averages(t, s, domain.Window{}, c.f).Count; n != int64(page.Total) {
			t.Errorf("%+v: averages count %d, results %d", c.f, n, page.Total)
		}
	}
}

func TestResultsRoundTripAndPages(t *testing.T) {
	s := openNew(t)
	want := seedResults()
	if err := s.UpsertResults(t.Context(), want, true); err != nil {
		t.Fatal(err)
	}
	want[1].GeneratedText, want[1].TokenCount, want[1].TimeToFirstToken = ptr("new"), nil, ptr(0.125)
	if err := s.UpsertResults(t.Context(), want[1:2], true); err != nil {
		t.Fatal(err)
	}
	slices.Reverse(want)
	all, err := s.Results(t.Context(), domain.Window{}, domain.ResultFilter{}, 10, 0)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "results", all.Items, want)
	page, err := s.Results(t.Context(), domain.Window{}, domain.ResultFilter{}, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "second page", page.Items, want[1:2])

	run := newRun("a")
	mustCreate(t, s, run)
	q := okRequest("a", 0, t0(), 4, 1500, 250, 9000)
	q.Prompt = ptr("hello")
	mustAppend(t, s, "a", domain.Batch{Requests: []domain.RequestRecord{q}})
	page, err = s.Results(t.Context(), domain.Window{}, domain.ResultFilter{Sample: "exclude"}, 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "of a run", page.Items, []domain.Result{{RequestID: "a-0", PromptText: ptr("hello"), TokenCount: ptr(4), TimeToFirstToken: ptr(1.5),
		TimePerOutputToken: ptr(0.25), TotalGenerationTime: ptr(9.0), Timestamp: t0(), JobID: ptr(domain.RunID("a")), Model: "m"}})

	stolen := []domain.Result{{RequestID: "free", Timestamp: t0()}, {RequestID: "a-0", Timestamp: t0()}}
	wantKind(t, "overwrite a measured request", s.UpsertResults(t.Context(), stolen, true), domain.KindConflict)
	if got := averages(t, s, domain.Window{}, domain.ResultFilter{}).Count; got != 4 {
		t.Errorf("a refused batch left %d results", got)
	}
}

func TestRunsFilters(t *testing.T) {
	s := openNew(t)
	var all []domain.Run
	for i := range 6 {
		r := newRun(fmt.Sprint("r", i))
		r.CreatedAt = t0().Add(time.Duration(i/2) * time.Second) // pairs share a time
		all = append(all, r)
	}
	all[0].Status, all[0].Notes = domain.StatusFailed, "100% ÁRVORE_x"
	all[1].Model, all[1].Plan.DatasetID = "Qwen", ptr("ds")
	all[2].Tags, all[2].Engine = []string{"Nightly", "b"}, "openai"
	all[3].Sample, all[4].DeletedAt = true, ptr(t0())
	all[5].Task = "other"
	mustCreate(t, s, all...)
	cases := []struct {
		f    domain.RunFilter
		want string
	}{
		{domain.RunFilter{}, "r5 r2 r1 r0"},
		{domain.RunFilter{IncludeSample: true}, "r5 r3 r2 r1 r0"},
		{domain.RunFilter{Trash: true}, "r4"},
		{domain.RunFilter{Status: "failed"}, "r0"},
		{domain.RunFilter{Model: "Qwen"}, "r1"},
		{domain.RunFilter{Dataset: "ds"}, "r1"},
		{domain.RunFilter{Engine: "openai"}, "r2"},
		{domain.RunFilter{Task: "other"}, "r5"},
		{domain.RunFilter{Tag: "Nightly"}, "r2"},
		{domain.RunFilter{Tag: "nightly"}, ""},
		{domain.RunFilter{Query: "NIGHT"}, "r2"},
		{domain.RunFilter{Query: "qwEN"}, "r1"},
		{domain.RunFilter{Query: "árvore_"}, "r0"},
		{domain.RunFilter{Query: "100%"}, "r0"},
		{domain.RunFilter{Query: "r%e"}, ""},
		{domain.RunFilter{Query: "RUN R"}, "r5 r2 r1 r0"},
		{domain.RunFilter{Start: ptr(t0().Add(time.Second))}, "r5 r2"},
		{domain.RunFilter{End: ptr(t0())}, "r1 r0"},
		{domain.RunFilter{Start: ptr(t0().Add(time.Second)), End: ptr(t0().Add(time.Second))}, "r2"},
	}
	for _, c := range cases {
		for _, limit := range []int{0, 1, 2} {
			f, ids := c.f, []string{}
			f.Limit = limit
			for {
				page, err := s.Runs(t.Context(), f)
				if err != nil {
					t.Fatal(err)
				}
				for _, r := range page.Items {
					ids = append(ids, string(r.ID))
				}
				if want := len(strings.Fields(c.want)); page.Total != want {
					t.Errorf("%+v: total %d, want %d", c.f, page.Total, want)
				}
				if f.Cursor = page.Next; f.Cursor == "" {
					break
				}
			}
			if got := strings.Join(ids, " "); got != c.want {
				t.Errorf("%+v, pages of %d: %q, want %q", c.f, limit, got, c.want)
			}
		}
	}
	for _, bad := range []string{"x", "!!", "1", "1_", "01_2", "1_2_3", "1_2 ", "+1_2", "1 2"} {
		_, err := s.Runs(t.Context(), domain.RunFilter{Cursor: bad})
		wantKind(t, "cursor "+bad, err, domain.KindInvalid)
	}
}
