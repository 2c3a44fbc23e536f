package cli

import (
	"bytes"
	"strings"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
)

func TestQualityInWords(t *testing.T) {
	ref := "large"
	d := domain.QualityDetail{Quality: domain.Quality{ID: "q", Kind: domain.QualityTasks, ModelID: "m", Language: "en", Status: domain.StatusCompleted}}
	print := func() string {
		t.Helper()
		var b bytes.Buffer
		if err := printQuality(&b, d); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	tasks := domain.TaskScore{Right: 31, Asked: 40, Failed: 1, Percent: new(77.5), Interval: &domain.Interval{62.5, 87.68}, Verdict: "scored",
		Groups: []domain.TaskGroup{{Name: "json", Right: 2, Asked: 3}}}
	d.Summary = &domain.QualitySummary{Tasks: &tasks}
	d.Answers = []domain.QualityAnswer{{Task: "en-01", Expected: "83", Answer: "It is\n83", Right: true}, {Task: "en-02", Expected: "156", Answer: "\x1b[31m" + strings.Repeat("x", 90)}}
	for _, want := range []string{"31 of 40 (78 %, 62–88 %)", "json           2 of 3", "Failed requests, which do not count: 1", "right  83        It is 83", "wrong  156", "x…"} {
		if out := print(); !strings.Contains(out, want) || strings.Contains(out, "\x1b") {
			t.Errorf("without %q:\n%s", want, out)
		}
	}
	tasks.Verdict, tasks.Broken = "broken", []domain.SignSeen{{Code: "template_tokens", Answers: 40, Of: 40, Example: "<|im_start|>user"}}
	if out := print(); !strings.Contains(out, "broken: 31 of 40") || !strings.Contains(out, "template tokens in 40 of 40 answers: <|im_start|>user") {
		t.Errorf("broken:\n%s", out)
	}
	d.ReferenceModelID, d.Answers = &ref, nil
	d.Summary = &domain.QualitySummary{Divergence: &domain.Divergence{KL: 0.00449, KLInterval: &domain.Interval{0.004, 0.005}, SameTop: 94.2, PerplexityRatio: 1.001, Covered: 81.9, Positions: 1062, Texts: 8}}
	for _, want := range []string{"against large", "KL ≥ 0.004490 nats, same top token 94.2 %", "81.9 % of the reference's probability", "1062 positions of 8 texts"} {
		if out := print(); !strings.Contains(out, want) {
			t.Errorf("without %q:\n%s", want, out)
		}
	}
	d.Summary = &domain.QualitySummary{Perplexity: &domain.Perplexity{Value: 46.154, Interval: &domain.Interval{36.77, 57.93}, BitsPerByte: 1.17, Tokens: 1062, Texts: 8}}
	d.Texts = []domain.QualityText{{Text: "en-tides", Tokens: 135, Perplexity: 28.56}}
	if out := print(); !strings.Contains(out, "perplexity 46.15 (36.77 … 57.93)") || !strings.Contains(out, "1.170 bits a byte") || !strings.Contains(out, "en-tides  135     28.56") {
		t.Errorf("perplexity:\n%s", out)
	}
	d.Summary, d.Error = nil, &domain.RunError{Message: "No engine is installed."}
	if out := print(); !strings.Contains(out, "No engine is installed.") {
		t.Errorf("failed:\n%s", out)
	}
}
