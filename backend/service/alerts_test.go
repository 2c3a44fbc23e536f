package service_test

import (
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine/enginetest"
)

// pace makes the next runs write a token at such distances.
func (w *world) pace(gap time.Duration) {
	w.engines.set(enginetest.New(enginetest.Script{TTFT: 100 * time.Millisecond, Gap: gap}), nil)
}

// A run that is much slower than those before it is told of at once, with its figures; when the next ones are
// as slow, as a level. What was told is not told again.
func TestAlerts(t *testing.T) {
	in(t, options{}, func(t *testing.T, w *world) {
		alerts := func(open bool) []domain.Alert {
			t.Helper()
			all, err := w.svc.Alerts(t.Context(), open)
			if err != nil {
				t.Fatal(err)
			}
			return all
		}
		events := w.hub.Subscribe(t.Context(), "")
		gaps := []int{10_000, 10_040, 9_980, 10_010, 9_990, 10_030, 9_970, 10_020}
		for _, us := range gaps {
			w.pace(time.Duration(us) * time.Microsecond)
			w.finished(nil)
		}
		if a := alerts(false); len(a) != 0 {
			t.Fatalf("a flat history: %+v", a)
		}
		w.pace(12500 * time.Microsecond)
		slow := w.finished(nil)
		all := alerts(true)
		if len(all) != 1 {
			t.Fatalf("%+v", all)
		}
		a := all[0]
		if a.Kind != domain.AlertRun || a.Since != slow.ID || a.Run != slow.ID || a.Metric != "decode_tokens_per_second" || a.Verdict != "worse" ||
			a.RunsBefore != 8 || a.Percent > -19 || a.Percent < -21 || a.Model != "tiny" || a.CreatedAt.IsZero() || a.Differs == nil {
			t.Errorf("%+v", a)
		}
		seen, err := w.svc.AcknowledgeAlert(t.Context(), a.ID)
		if err != nil || seen.AcknowledgedAt == nil || len(alerts(true)) != 0 {
			t.Errorf("%+v %v", seen, err)
		}
		if back, err := w.svc.ReopenAlert(t.Context(), a.ID); err != nil || back.AcknowledgedAt != nil || len(alerts(true)) != 1 {
			t.Errorf("%+v %v", back, err)
		}
		_, err = w.svc.AcknowledgeAlert(t.Context(), "none")
		refused(t, err, domain.KindNotFound, "")
		for _, us := range []int{12_530, 12_470, 12_510, 12_490, 12_540, 12_505} {
			w.pace(time.Duration(us) * time.Microsecond)
			w.finished(nil)
		}
		all = alerts(false)
		if len(all) != 1 || all[0].ID != a.ID || all[0].Kind != domain.AlertLevel || all[0].Since != slow.ID || all[0].Interval == nil || all[0].AcknowledgedAt != nil {
			t.Fatalf("%+v", all)
		}
		n := 0
		for len(events) > 0 {
			if e := <-events; e.Kind == domain.EventAlert {
				n++
			}
		}
		if n != 4 { // raised, acknowledged, reopened, known better
			t.Errorf("%d events", n)
		}
	})
}
