package service_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine/enginetest"
)

func warned(r domain.Run) bool {
	return slices.ContainsFunc(r.Warnings, func(w domain.Warning) bool { return w.Code == "broken_template" })
}

// A run whose answers frame messages instead of answering is told, however fast they came.
func TestARunWithABrokenTemplateIsTold(t *testing.T) {
	frames := func(domain.GenRequest) string {
		return "<|im_start|>user Say hello.<|im_end|> " + strings.Repeat("and again ", 20)
	}
	in(t, options{script: enginetest.Script{Say: frames, TTFT: time.Millisecond, Gap: time.Millisecond}}, func(t *testing.T, w *world) {
		with := func(change func(*domain.BenchmarkRequest)) domain.Run {
			return w.finished(func(r *domain.BenchmarkRequest) {
				r.MaxTokens, r.Load = ptr(16), &domain.Load{Kind: domain.LoadClosed, Concurrency: ptr(4)}
				if change != nil {
					change(r)
				}
			})
		}
		r := with(nil)
		i := slices.IndexFunc(r.Validity.Checks, func(c domain.Check) bool { return c.Code == "chat_template" })
		if !warned(r) || i < 0 || *r.Validity.Checks[i].Value != 100 || r.Validity.Verdict == "valid" {
			t.Errorf("warnings %+v, validity %+v", r.Warnings, r.Validity)
		}
		if r = with(func(b *domain.BenchmarkRequest) { b.RawCompletion = ptr(true) }); warned(r) {
			t.Errorf("raw completion has no template: %+v", r.Warnings)
		}
		if r = with(func(b *domain.BenchmarkRequest) { b.StoreText = ptr(false) }); warned(r) {
			t.Errorf("no text was kept: %+v", r.Warnings)
		}
	})
	in(t, options{script: enginetest.Script{TTFT: time.Millisecond, Gap: time.Millisecond}}, func(t *testing.T, w *world) {
		if r := w.finished(func(r *domain.BenchmarkRequest) { r.MaxTokens = ptr(16) }); warned(r) {
			t.Errorf("good answers: %+v", r.Warnings)
		}
	})
}
