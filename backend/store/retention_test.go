package store_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/store"
)

const day = 24 * time.Hour

// aged makes runs that ended so many days before t0, each with a text of 1,000 letters and ten readings.
func aged(t *testing.T, s *store.Store, days map[string]int, change func(*domain.Run)) {
	t.Helper()
	for id, n := range days {
		r := newRun(id)
		end := t0().Add(-time.Duration(n) * day)
		r.EndedAt, r.Plan.Prompt, r.Output = &end, ptr("secret"), ptr("answer")
		change(&r)
		mustCreate(t, s, r)
		b := domain.Batch{Requests: []domain.RequestRecord{withTexts(id, 0, strings.Repeat("x", 600), strings.Repeat("y", 400))}}
		for i := range 10 {
			b.Samples = append(b.Samples, domain.Sample{Timestamp: end, TUs: int64(i), Phase: domain.PhaseMeasure, CPUPercent: ptr(1.5)})
		}
		mustAppend(t, s, r.ID, b)
	}
}

func TestRetention(t *testing.T) {
	s := openNew(t)
	aged(t, s, map[string]int{"old": 100, "older": 200, "new": 1, "pinned": 100}, func(r *domain.Run) { r.Pinned = r.ID == "pinned" })
	aged(t, s, map[string]int{"gone": 100, "gone lately": 100}, func(r *domain.Run) {
		r.DeletedAt = ptr(t0().Add(-40 * day))
		if r.ID != "gone" {
			r.DeletedAt = ptr(t0().Add(-2 * day))
		}
	})
	index(t, s)
	rules := domain.RetentionRules{TrashDays: 30, DropTextsDays: 90, DropTelemetryDays: 150}
	would, err := s.WouldFree(t.Context(), rules, t0())
	if err != nil || would.Trash.Runs != 1 || would.Texts != (domain.RetentionPart{Runs: 2, Bytes: 2000}) || would.Telemetry.Runs != 1 || would.Telemetry.Bytes < 300 {
		t.Errorf("%+v, %v", would, err)
	}
	off, err := s.WouldFree(t.Context(), domain.RetentionRules{}, t0())
	if err != nil || off != (domain.Retention{}) {
		t.Errorf("without rules %+v, %v", off, err)
	}
	for what, want := range map[string]struct {
		drop func() (int, error)
		runs int
	}{
		"texts":     {func() (int, error) { return s.DropTexts(t.Context(), t0(), rules.DropTextsDays) }, 2},
		"telemetry": {func() (int, error) { return s.DropTelemetry(t.Context(), t0(), rules.DropTelemetryDays) }, 1},
	} {
		if n, err := want.drop(); n != want.runs || err != nil {
			t.Errorf("%s: %d runs, %v", what, n, err)
		}
		if n, err := want.drop(); n != 0 || err != nil {
			t.Errorf("%s a second time: %d runs, %v", what, n, err)
		}
	}
	for id, want := range map[domain.RunID]string{"old": "false 10", "older": "false 0", "new": "true 10", "pinned": "true 10", "gone": "true 10"} {
		q, err := s.Request(t.Context(), id, 0)
		if err != nil {
			t.Fatal(err)
		}
		r, _ := s.Run(t.Context(), id)
		got := fmt.Sprint(q.Prompt != nil, " ", len(collect(t, s.Samples(t.Context(), id))))
		if got != want || (r.Plan.Prompt != nil) != (q.Prompt != nil) || (r.Output != nil) != (q.Output != nil) || *q.OutputTokens != 3 {
			t.Errorf("%s has text and readings %s, want %s; %+v", id, got, want, r.Plan.Prompt)
		}
	}
	if _, err := s.Writer().Exec("INSERT INTO search_request(search_request, rank) VALUES('integrity-check', 1)"); err != nil {
		t.Error(err)
	}
	wantKind(t, "erase what is not in the trash", s.EraseRun(t.Context(), "new"), domain.KindNotFound)
	if err := s.EraseRun(t.Context(), "gone"); err != nil {
		t.Error(err)
	}
	_, err = s.Run(t.Context(), "gone")
	wantKind(t, "read", err, domain.KindNotFound)
}
