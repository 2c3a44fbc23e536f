package store_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/store"
)

func pageCounts(t *testing.T, s *store.Store) (free, pages int) {
	t.Helper()
	if err := s.Writer().QueryRow("SELECT * FROM pragma_freelist_count, pragma_page_count").Scan(&free, &pages); err != nil {
		t.Fatal(err)
	}
	return free, pages
}

func TestRunRoundTrip(t *testing.T) {
	s := openNew(t)
	want := filled[domain.Run](1)
	want.Environment.Engine.BinaryPath = "" // never stored: it is a path of this machine
	mustCreate(t, s, want)
	got, err := s.Run(t.Context(), want.ID)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "created", got, want)
	next := filled[domain.Run](2)
	next.ID, next.Environment.Engine.BinaryPath = want.ID, ""
	if err := s.UpdateRun(t.Context(), next); err != nil {
		t.Fatal(err)
	}
	if got, err = s.Run(t.Context(), want.ID); err != nil {
		t.Fatal(err)
	}
	equal(t, "updated", got, next)
	bare := domain.Run{ID: "bare", CreatedAt: time.Time{}}
	mustCreate(t, s, bare)
	if got, err = s.Run(t.Context(), "bare"); err != nil {
		t.Fatal(err)
	}
	equal(t, "bare", got, bare)
}

func TestRunErrors(t *testing.T) {
	s := openNew(t)
	mustCreate(t, s, newRun("a"))
	wantKind(t, "create twice", s.CreateRun(t.Context(), newRun("a")), domain.KindConflict)
	wantKind(t, "update none", s.UpdateRun(t.Context(), newRun("b")), domain.KindNotFound)
	wantKind(t, "append to none", s.AppendRun(t.Context(), "b", domain.Batch{}), domain.KindNotFound)
	_, err := s.Run(t.Context(), "b")
	wantKind(t, "run", err, domain.KindNotFound)
	_, err = s.Requests(t.Context(), "b", domain.RequestFilter{})
	wantKind(t, "requests", err, domain.KindNotFound)
	_, err = s.Request(t.Context(), "a", 7)
	wantKind(t, "request", err, domain.KindNotFound)
	_, err = s.Phases(t.Context(), "b")
	wantKind(t, "phases", err, domain.KindNotFound)
	for _, err := range s.Records(t.Context(), "b") {
		wantKind(t, "records", err, domain.KindNotFound)
	}
	for _, err := range s.Samples(t.Context(), "b") {
		wantKind(t, "samples", err, domain.KindNotFound)
	}
}

func TestRecordRoundTrip(t *testing.T) {
	s := openNew(t)
	mustCreate(t, s, newRun("a"))
	var want []domain.RequestRecord
	for n := range 70 { // more than two pages of Records
		q := filled[domain.RequestRecord](uint64(n))
		q.N = n
		want = append(want, q)
	}
	want[1] = domain.RequestRecord{N: 1, RequestID: "bare", StartedAt: t0()}
	mustAppend(t, s, "a", domain.Batch{Requests: want[40:]})
	mustAppend(t, s, "a", domain.Batch{Requests: want[:40]})
	equal(t, "records", collect(t, s.Records(t.Context(), "a")), want)
	q, err := s.Request(t.Context(), "a", 5)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "request", q, want[5])

	page, err := s.Requests(t.Context(), "a", domain.RequestFilter{Limit: 10, Offset: 65})
	if err != nil || page.Total != 70 || len(page.Items) != 5 {
		t.Fatalf("page of %d of %d, %v", len(page.Items), page.Total, err)
	}
	lean := want[65]
	lean.Prompt, lean.Output, lean.ChunkUs, lean.ChunkKinds, lean.ChunkTokens = nil, nil, nil, nil, nil
	equal(t, "lean", page.Items[0], lean)
}

func TestRequestsAreNarrowed(t *testing.T) {
	s := openNew(t)
	mustCreate(t, s, newRun("a"))
	var qs []domain.RequestRecord
	for n, q := range []domain.RequestRecord{
		{Phase: domain.PhaseWarmup, Outcome: domain.OutcomeOK},
		{Phase: domain.PhaseMeasure, Outcome: domain.OutcomeOK},
		{Phase: domain.PhaseMeasure, Outcome: domain.OutcomeError},
		{Phase: domain.PhaseMeasure, Outcome: domain.OutcomeDropped, Stage: 1},
		{Phase: domain.PhaseMeasure, Outcome: domain.OutcomeOK, Stage: 1},
		{Phase: domain.PhaseCooldown, Outcome: domain.OutcomeOK, Stage: 1},
	} {
		q.N, q.RequestID, q.StartedAt, q.OutputTokens = n, fmt.Sprint(n), t0(), ptr(10+n)
		qs = append(qs, q)
	}
	mustAppend(t, s, "a", domain.Batch{Requests: qs})
	for _, c := range []struct {
		f    domain.RequestFilter
		want []int
	}{
		{domain.RequestFilter{}, []int{0, 1, 2, 3, 4, 5}},
		{domain.RequestFilter{Stage: ptr(0)}, []int{1, 2}},
		{domain.RequestFilter{Stage: ptr(1), Phase: domain.PhaseMeasure}, []int{3, 4}},
		{domain.RequestFilter{Stage: ptr(2)}, nil},
		{domain.RequestFilter{Phase: domain.PhaseWarmup}, []int{0}},
		{domain.RequestFilter{Outcome: domain.OutcomeOK, Offset: 1}, []int{1, 4, 5}},
	} {
		page, err := s.Requests(t.Context(), "a", c.f)
		var got []int
		for _, q := range page.Items {
			got = append(got, q.N)
		}
		if err != nil || !slices.Equal(got, c.want) || page.Total != len(c.want)+c.f.Offset {
			t.Errorf("%+v: %v of %d, %v; want %v", c.f, got, page.Total, err, c.want)
		}
	}
	// The averages count what was measured and succeeded, nothing else.
	a, err := s.Averages(t.Context(), domain.Window{}, domain.ResultFilter{})
	if err != nil || a.Count != 2 || *a.TokenCount != 12.5 {
		t.Errorf("averages %+v, %v", a, err)
	}
}

func TestRecordsAllowsWorkInside(t *testing.T) {
	s := openNew(t)
	mustCreate(t, s, newRun("a"))
	for n := range 3 {
		mustAppend(t, s, "a", domain.Batch{Requests: []domain.RequestRecord{okRequest("a", n, t0(), 1, 1, 1, 1)}})
	}
	var inner func(depth int) int
	inner = func(depth int) int { // deeper than the pool of readers
		n := 1
		for _, err := range s.Records(t.Context(), "a") {
			if err != nil {
				t.Fatal(err)
			}
			if depth < 8 {
				n += inner(depth + 1)
			}
			break
		}
		return n
	}
	if got := inner(0); got != 9 {
		t.Errorf("depth %d", got)
	}
}

func TestAppendIsOneTransaction(t *testing.T) {
	s := openNew(t)
	mustCreate(t, s, newRun("a"))
	q := okRequest("a", 0, t0(), 1, 1, 1, 1)
	if err := s.AppendRun(t.Context(), "a", domain.Batch{Requests: []domain.RequestRecord{q, q}, Samples: make([]domain.Sample, 1)}); err == nil {
		t.Fatal("the same request twice was taken")
	}
	if page, err := s.Requests(t.Context(), "a", domain.RequestFilter{}); err != nil || page.Total != 0 {
		t.Errorf("%d requests are left, %v", page.Total, err)
	}
}

// TestTextOfAnyBytes: a model may answer with anything.
func TestTextOfAnyBytes(t *testing.T) {
	s := openNew(t)
	mustCreate(t, s, newRun("a"))
	for n, text := range []string{"", "\x00 in \x00 between\x00", "\xff\xfe no UTF-8", "'; DROP TABLE run; --", "\U0001F600\r\n"} {
		q := okRequest("a", n, t0(), 1, 1, 1, 1)
		q.Prompt, q.Output = &text, &text
		mustAppend(t, s, "a", domain.Batch{Requests: []domain.RequestRecord{q}})
		got, err := s.Request(t.Context(), "a", n)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, fmt.Sprintf("%q", text), got, q)
	}
}

func TestCanceledAppendLeavesNothing(t *testing.T) {
	s := openNew(t)
	mustCreate(t, s, newRun("a"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := s.AppendRun(ctx, "a", domain.Batch{Requests: []domain.RequestRecord{okRequest("a", 0, t0(), 1, 1, 1, 1)}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if page, err := s.Requests(t.Context(), "a", domain.RequestFilter{}); err != nil || page.Total != 0 {
		t.Errorf("%d requests, %v", page.Total, err)
	}
	mustAppend(t, s, "a", domain.Batch{Requests: []domain.RequestRecord{okRequest("a", 0, t0(), 1, 1, 1, 1)}})
}

func TestSampleRoundTrip(t *testing.T) {
	s := openNew(t)
	mustCreate(t, s, newRun("a"), newRun("b"))
	var want []domain.Sample
	for i := range 2500 {
		m := filled[domain.Sample](uint64(i))
		for g, field := range m.Gauges() {
			if domain.Gauge(g) != domain.GaugeCPUEnergy {
				**field = math.Round(**field) // of small numbers, four bytes hold the whole ones exactly
			}
		}
		for i := range m.GPUs {
			for _, field := range m.GPUs[i].Gauges() {
				**field = math.Round(**field)
			}
		}
		m.TUs = int64(i/2) * 100_000 // pairs share a time, also across pages
		m.TMs = float64(m.TUs) / 1000
		want = append(want, m)
	}
	want[7] = domain.Sample{Timestamp: t0(), TUs: want[7].TUs, TMs: want[7].TMs, CPUCores: []float64{}, GPUs: []domain.GPUSample{}}
	mustAppend(t, s, "a", domain.Batch{Samples: want[:999]})
	mustAppend(t, s, "b", domain.Batch{Samples: want[:5]})
	mustAppend(t, s, "a", domain.Batch{Samples: want[999:]})
	equal(t, "samples", collect(t, s.Samples(t.Context(), "a")), want)

	mustAppend(t, s, "b", domain.Batch{Samples: []domain.Sample{{TUs: 1e12, CPUPercent: ptr(math.NaN())}}})
	last := collect(t, s.Samples(t.Context(), "b"))[5]
	if last.CPUPercent != nil {
		t.Errorf("not a number came back as %v, not as missing", *last.CPUPercent)
	}
}

func TestPhases(t *testing.T) {
	s := openNew(t)
	mustCreate(t, s, newRun("a"), newRun("b"))
	want := []domain.PhaseChange{{Phase: domain.PhasePrepare, At: t0()}, {Phase: domain.PhaseMeasure, TUs: 5, At: t0().Add(5 * time.Microsecond)}}
	mustAppend(t, s, "a", domain.Batch{Phases: want[1:]})
	mustAppend(t, s, "a", domain.Batch{Phases: want[:1]})
	got, err := s.Phases(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "phases", got, want)
	if got, err = s.Phases(t.Context(), "b"); err != nil || got == nil || len(got) != 0 {
		t.Errorf("no phases: %v, %v", got, err)
	}
}

func TestDamagedChunksAreSeen(t *testing.T) {
	s := openNew(t)
	mustCreate(t, s, newRun("a"))
	q := okRequest("a", 0, t0(), 3, 1, 1, 1)
	q.ChunkUs = []int64{10, 20, 30}
	mustAppend(t, s, "a", domain.Batch{Requests: []domain.RequestRecord{q}})
	if _, err := s.Writer().Exec("UPDATE request_detail SET chunks = unhex(replace(hex(chunks), '14', '15'))"); err != nil {
		t.Fatal(err)
	}
	got, err := s.Request(t.Context(), "a", 0)
	if err == nil {
		t.Fatalf("a flipped bit passes: %v", got.ChunkUs)
	}
	if e := refusalOf(t, err); e.Kind != domain.KindUnavailable || e.Msg != "The token times of a request are damaged." {
		t.Errorf("%+v", e)
	}
	if page, err := s.Requests(t.Context(), "a", domain.RequestFilter{}); err != nil || *page.Items[0].TTFTUs != 1 {
		t.Errorf("the figures cannot be read: %v", err)
	}
}

func TestLibraryRoundTrip(t *testing.T) {
	s := openNew(t)
	d := filled[domain.Dataset](1)
	ps := []domain.Prompt{{ID: "1", Text: "one"}, {ID: "2", Text: "two", MaxTokens: ptr(5)}}
	for range 2 { // the second replaces the first
		if err := s.PutDataset(t.Context(), d, ps); err != nil {
			t.Fatal(err)
		}
	}
	d.Prompts = 2
	got, gotPs, err := s.Dataset(t.Context(), d.ID)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "dataset", got, d)
	equal(t, "prompts", gotPs, ps)
	ds, err := s.Datasets(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "datasets", ds, []domain.Dataset{d})
	if err := s.DeleteDataset(t.Context(), d.ID); err != nil {
		t.Fatal(err)
	}
	wantKind(t, "delete again", s.DeleteDataset(t.Context(), d.ID), domain.KindNotFound)
	_, _, err = s.Dataset(t.Context(), d.ID)
	wantKind(t, "get", err, domain.KindNotFound)

	e := filled[domain.Endpoint](2)
	for i := range 2 {
		e.Name = fmt.Sprint("name ", i)
		if err := s.PutEndpoint(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	es, err := s.Endpoints(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "endpoints", es, []domain.Endpoint{e})
	one, err := s.Endpoint(t.Context(), e.ID)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "endpoint", one, e)
	if err := s.DeleteEndpoint(t.Context(), e.ID); err != nil {
		t.Fatal(err)
	}
	wantKind(t, "delete endpoint again", s.DeleteEndpoint(t.Context(), e.ID), domain.KindNotFound)
	_, err = s.Endpoint(t.Context(), e.ID)
	wantKind(t, "get endpoint", err, domain.KindNotFound)
}

func TestKV(t *testing.T) {
	s := openNew(t)
	if _, ok, err := s.GetKV(t.Context(), "k"); ok || err != nil {
		t.Errorf("missing key: %v, %v", ok, err)
	}
	for _, v := range []string{"1", `{"a":2}`} {
		if err := s.SetKV(t.Context(), "k", v); err != nil {
			t.Fatal(err)
		}
		if got, ok, err := s.GetKV(t.Context(), "k"); got != v || !ok || err != nil {
			t.Errorf("got %q, %v, %v", got, ok, err)
		}
	}
}
