package store_test

import (
	"slices"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

// Only successful measured requests count, by stage or all of them, and one without a figure is left out.
func TestFiguresOfRequests(t *testing.T) {
	s := openNew(t)
	mustCreate(t, s, newRun("a"), newRun("b"), newRun("empty"))
	var rs []domain.RequestRecord
	for n := range 6 {
		r := okRequest("a", n, t0().Add(time.Duration(n)*time.Second), 11, int64(100+n), 7, int64(1100+n))
		r.Stage = n % 2
		r.ChunkUs = []int64{int64(100 + n), int64(150 + n), int64(1100 + n)}
		rs = append(rs, r)
	}
	rs[1].Phase = domain.PhaseWarmup
	rs[2].Outcome = domain.OutcomeIncomplete
	rs[3].TTFTUs, rs[4].OutputTokens = nil, ptr(1)
	mustAppend(t, s, "a", domain.Batch{Requests: rs})
	mustAppend(t, s, "b", domain.Batch{Requests: []domain.RequestRecord{okRequest("b", 0, t0(), 3, 9_999, 1, 12_000)}})
	for _, c := range []struct {
		metric string
		stage  *int
		want   []float64
	}{
		{domain.RequestTTFT, nil, []float64{100, 104, 105}},
		{domain.RequestTTFT, ptr(0), []float64{100, 104}},
		{domain.RequestE2E, nil, []float64{1100, 1103, 1104, 1105}},
		{domain.RequestE2E, ptr(1), []float64{1103, 1105}},
		{domain.RequestTPOT, nil, []float64{100, 100}},
		{domain.RequestTPOT, ptr(7), nil},
	} {
		got, err := s.RequestValues(t.Context(), "a", c.metric, c.stage)
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(got)
		equal(t, c.metric, got, c.want)
	}
	if got, err := s.RequestValues(t.Context(), "empty", domain.RequestTTFT, nil); err != nil || got != nil {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := s.RequestValues(t.Context(), "none", domain.RequestTTFT, nil); domain.KindOf(err) != domain.KindNotFound {
		t.Errorf("%v", err)
	}
	if _, err := s.RequestValues(t.Context(), "a", "luck", nil); domain.KindOf(err) != domain.KindInvalid {
		t.Errorf("%v", err)
	}
	var times [][]int64
	for us, err := range s.ChunkTimes(t.Context(), "a", ptr(0)) {
		if err != nil {
			t.Fatal(err)
		}
		times = append(times, us)
	}
	equal(t, "chunk times", times, [][]int64{{100, 150, 1100}, {104, 154, 1104}})
	for range s.ChunkTimes(t.Context(), "a", nil) {
		break
	}
	for _, err := range s.ChunkTimes(t.Context(), "none", nil) {
		if domain.KindOf(err) != domain.KindNotFound {
			t.Errorf("%v", err)
		}
	}
}
