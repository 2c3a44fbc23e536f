package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

// An alert is printed with its exact figures.
func TestPrintAlerts(t *testing.T) {
	p, seen := 0.0001, time.Now()
	a := domain.Alert{ID: "id-1", Kind: domain.AlertRun, Model: "m", Metric: "ttft_ms", Unit: "ms", Verdict: "worse", Before: 100, After: 125, Percent: 25, Expected: &domain.Interval{90, 111}, P: &p,
		RunsBefore: 8, RunsAfter: 1, Differs: []domain.Difference{{Key: "gpu_driver", Values: []string{"570", ""}}}}
	level := a
	level.Kind, level.Interval, level.Expected, level.Since, level.RunsAfter, level.AcknowledgedAt = domain.AlertLevel, &domain.Interval{20, 30}, nil, "job", 4, &seen
	build := a
	build.Kind, build.Verdict, build.Expected, build.RunsAfter = domain.AlertBuild, "no_difference", nil, 8
	var out strings.Builder
	if err := printAlerts(&out, []domain.Alert{a, level, build}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"worse by +25.0 %, from 100.0 to 125.0 ms, expected 90.00 … 111.0, p = 0.0001; one run against 8", "gpu_driver: 570 → " + missing,
		"worse by +25.0 %, from 100.0 to 125.0 ms, 95 % interval +20.0 to +30.0 %, p = 0.0001; 4 runs against 8, since job", "id-1  acknowledged",
		"no difference, +25.0 %, from 100.0 to 125.0 ms, p = 0.0001; 8 pairs of builds",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("there is no %q in\n%s", want, out.String())
		}
	}
	out.Reset()
	if _ = printAlerts(&out, nil); !strings.Contains(out.String(), "Nothing") {
		t.Errorf("%q", out.String())
	}
}
