package store

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

func TestAlerts(t *testing.T) {
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "x.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	at := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	for i, id := range []string{"a", "b", "c"} {
		a := domain.Alert{ID: id, Kind: domain.AlertRun, CreatedAt: at.Add(time.Duration(i) * time.Hour), Series: "s", Model: "m", Percent: -20, Since: "r", Expected: &domain.Interval{1, 2}}
		if err := s.PutAlert(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	ids := func(open bool) string {
		t.Helper()
		all, err := s.Alerts(t.Context(), open)
		if err != nil {
			t.Fatal(err)
		}
		out := ""
		for _, a := range all {
			out += a.ID
		}
		return out
	}
	seen, err := s.AcknowledgeAlert(t.Context(), "b", &at)
	if err != nil || seen.AcknowledgedAt == nil || !seen.AcknowledgedAt.Equal(at) || seen.Percent != -20 || *seen.Expected != (domain.Interval{1, 2}) {
		t.Errorf("%+v %v", seen, err)
	}
	if all, open := ids(false), ids(true); all != "cba" || open != "ca" {
		t.Errorf("all %q, open %q", all, open)
	}
	// What is known better takes the old one's place, and is open again.
	if err := s.PutAlert(t.Context(), domain.Alert{ID: "b", Kind: domain.AlertLevel, CreatedAt: at, Percent: -19}); err != nil {
		t.Fatal(err)
	}
	if open := ids(true); len(open) != 3 {
		t.Errorf("open %q", open)
	}
	if back, err := s.AcknowledgeAlert(t.Context(), "b", nil); err != nil || back.AcknowledgedAt != nil || back.Kind != domain.AlertLevel {
		t.Errorf("%+v %v", back, err)
	}
	if _, err := s.AcknowledgeAlert(t.Context(), "none", &at); domain.KindOf(err) != domain.KindNotFound {
		t.Error(err)
	}
}

func TestOldAlertsGo(t *testing.T) {
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "x.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for i := range mostAlerts + 3 {
		if err := s.PutAlert(t.Context(), domain.Alert{ID: fmt.Sprint(i), Kind: domain.AlertRun, CreatedAt: time.Unix(int64(i), 0)}); err != nil {
			t.Fatal(err)
		}
	}
	all, err := s.Alerts(t.Context(), false)
	if err != nil || len(all) != mostAlerts || all[mostAlerts-1].ID != "3" {
		t.Errorf("%d %v", len(all), err)
	}
}
