package cli

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
)

func TestPredictTellsARangeOrWhyNot(t *testing.T) {
	answer := domain.Predictions{ContextTokens: 4096, Fit: &domain.PredictionFit{Device: "CPU", Sentence: "A token takes 1 ms."},
		Score: domain.PredictionScore{Sentence: "1 of 1 predictions held; the median error is 4 %.",
			Runs: []domain.PredictionCheck{{JobID: "run1", Model: "m", ContextTokens: 90, Predicted: domain.PredictedSpeed{Value: 20, Low: 15, High: 25}, Measured: 21, Held: true}}},
		Items: []domain.Prediction{{ModelID: "m", Quantization: "Q8_0", Decode: &domain.PredictedSpeed{Value: 30, Low: 27, High: 33.5}, Measured: new(29.0)},
			{ModelID: "n", DecodeReason: "It takes 80.0 GB and the memory has 64.0 GB."}}}
	var asked string
	h := &fakeHost{handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.RawQuery
		if err := json.NewEncoder(w).Encode(answer); err != nil {
			t.Error(err)
		}
	})}
	out, err := line(t, h, "predict", "m", "--context", "4096", "--quantization", "Q8_0", "--bandwidth", "90", "--runs")
	if err != nil || asked != "bandwidth_gbs=90&context_tokens=4096&model_id=m&quantization=Q8_0" {
		t.Fatalf("asked %q, %v", asked, err)
	}
	for _, want := range []string{"30.0 tok/s  27.0–33.5", "29.0 tok/s", "It takes 80.0 GB", "At 4096 tokens of context, on CPU. A token takes 1 ms.",
		"1 of 1 predictions held", "run1", "15.0–25.0", "held"} {
		if !strings.Contains(out, want) {
			t.Errorf("%s\nlacks %q", out, want)
		}
	}
	answer.Fit, answer.Reason = nil, "No run tells yet."
	if out, err := line(t, h, "predict"); err != nil || out != "No run tells yet.\n" || asked != "context_tokens=512" {
		t.Errorf("%q, asked %q, %v", out, asked, err)
	}
}

// The summary has the interval beside the figure, and what the stages did over time.
func TestShowTellsHowWellARunIsKnown(t *testing.T) {
	f := domain.Figures{TTFTMs: domain.Stats{P50: new(50.0), N: 30, Intervals: &domain.StatsIntervals{P50: &domain.Interval{48.04, 52.5}}},
		DecodeTokensPerSecond: new(20.0), Intervals: &domain.FigureIntervals{Decode: &domain.Interval{19, 21}}}
	run := domain.Run{ID: "x", Status: domain.StatusCompleted, Summary: &domain.Summary{Figures: f,
		Stages: []domain.Stage{{Course: &domain.Course{Sentences: []string{"No warm-up and no drift were found over 30 requests."}}}}}}
	var body map[string]any
	out, err := line(t, &fakeHost{handler: recorder(run, &body)}, "show", "x")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"95 % 48.0–52.5 ms · p95 –", "95 % 19.0–21.0 tok/s · engine's own", "\nOver time:\n  No warm-up and no drift were found over 30 requests.\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("%s\nlacks %q", out, want)
		}
	}
}
