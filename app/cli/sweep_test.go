package cli

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
)

func TestAxesOfASweep(t *testing.T) {
	got, err := axesOf([]string{"threads=1..12", "cache_type_k=f16, q8_0", "concurrency=1,8"})
	if err != nil {
		t.Fatal(err)
	}
	text, _ := json.Marshal(got)
	if want := `[{"setting":"threads","values":[1,2,4,8,12]},{"setting":"cache_type_k","values":["f16","q8_0"]},{"setting":"concurrency","values":[1,8]}]`; string(text) != want {
		t.Errorf("%s, wanted %s", text, want)
	}
	for _, words := range [][]string{nil, {"threads"}, {"threads="}} {
		if _, err := axesOf(words); err == nil {
			t.Errorf("%v was read", words)
		}
	}
}

// The table begins with the best cell, and says what failed and what was left out.
func TestPrintSweep(t *testing.T) {
	cell := func(threads int, verdict string, mean, ratio float64) domain.SweepCell {
		return domain.SweepCell{Settings: domain.SweepSettings{Threads: &threads}, Status: domain.StatusCompleted, Verdict: verdict, Ratio: &ratio,
			Values: []domain.SweepValue{{Mean: &mean, N: 3}}, Front: verdict == "best"}
	}
	failed := domain.SweepCell{Status: domain.StatusFailed, Reason: "out of memory", Verdict: "none", Values: []domain.SweepValue{{}}}
	x := domain.Experiment{Arms: []domain.Arm{{Name: "threads 1"}, {Name: "threads 2"}, {Name: "threads 9"}}, Sweep: &domain.SweepResult{Metric: "decode_tokens_per_second",
		Metrics: []domain.SweepMetric{{Key: "decode_tokens_per_second", Unit: "tok/s", Better: "higher"}}, Cells: []domain.SweepCell{cell(1, "worse", 10, 0.5), cell(2, "best", 20, 1), failed},
		Best: new(1), Pick: new(1), Sentence: "threads 2 is best.", LeftOut: []domain.SweepSkip{{Settings: domain.SweepSettings{CacheTypeV: new("q8_0")}, Reason: "No."}}}}
	var out strings.Builder
	if err := printSweep(&out, x); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	for i, want := range map[int]string{0: "threads 2 is best.", 4: "threads 2", 5: "threads 1", 6: "threads 9", 7: "threads 9 failed: out of memory", 8: "Left out: cache_type_v=q8_0: No."} {
		if i >= len(lines) || !strings.HasPrefix(lines[i], want) {
			t.Errorf("line %d is not %q in\n%s", i, want, out.String())
		}
	}
	if !strings.Contains(lines[4], "front, pick") || !strings.Contains(lines[6], "failed") {
		t.Error(out.String())
	}
}
