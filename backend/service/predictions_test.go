package service_test

import (
	"strings"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine/enginetest"
	"github.com/inferometer/inferometer/backend/service"
)

// What a model would give is learnt from the stored runs, and each is held against the others.
func TestPredictions(t *testing.T) {
	in(t, options{script: enginetest.Script{Tokens: 16, TTFT: 20 * time.Millisecond, Gap: 10 * time.Millisecond}}, func(t *testing.T, w *world) {
		w.library.models[0].GGUF = &domain.GGUFInfo{Quantization: "Q8_0", BitsPerWeight: 8.5, ContextLength: 4096, BytesPerToken: ptr(int64(1e9)), KVBytesPerToken: ptr(int64(1000))}
		q := domain.PredictionQuery{ContextTokens: 512}
		none, err := w.svc.Predictions(t.Context(), q)
		if err != nil || none.Fit != nil || none.Reason == "" || len(none.Items) != 5 || none.Items[0].Decode != nil || none.Items[0].DecodeReason != none.Reason {
			t.Fatalf("without a run: %+v, %v", none, err)
		}
		for _, size := range []int64{1e9, 2e9} {
			run := w.finished(func(r *domain.BenchmarkRequest) { r.MaxTokens = ptr(16) })
			run.Environment.Model = &domain.GGUFInfo{Quantization: "Q8_0", BitsPerWeight: 8.5, BytesPerToken: &size}
			run.Environment.Engine.GPUUsed = ptr(false)
			run.Validity.Verdict = "valid"
			if err := w.store.UpdateRun(t.Context(), run); err != nil {
				t.Fatal(err)
			}
		}
		got, err := w.svc.Predictions(t.Context(), q)
		if err != nil || got.Fit == nil || got.Fit.Runs != 2 || got.Fit.Models != 2 || got.Score.Total != 2 || got.Reason != "" {
			t.Fatalf("%+v, %v", got, err)
		}
		tiny := got.Items[0]
		if d := tiny.Decode; d == nil || d.Low > 100 || d.High < 100 || d.Value < 60 || d.Value > 150 || tiny.Measured == nil {
			t.Errorf("%+v", tiny)
		}
		if large := got.Items[2]; large.Decode != nil || !strings.HasPrefix(large.DecodeReason, "How much of this model") {
			t.Errorf("%+v", large)
		}
		q.ModelID = "tiny"
		if got, err := w.svc.Predictions(t.Context(), q); err != nil || len(got.Items) != 1 || got.Items[0].ModelID != "tiny" {
			t.Errorf("%+v, %v", got.Items, err)
		}
	})
}

func TestPredictionsRefuse(t *testing.T) {
	in(t, options{}, func(t *testing.T, w *world) {
		for field, q := range map[string]domain.PredictionQuery{
			"query.context_tokens": {ContextTokens: -1}, "query.quantization": {Quantization: "Q9"}, "query.bandwidth_gbs": {BandwidthGBPS: ptr(0.5)},
		} {
			_, err := w.svc.Predictions(t.Context(), q)
			refused(t, err, domain.KindInvalid, field)
		}
		_, err := w.svc.Predictions(t.Context(), domain.PredictionQuery{ModelID: "nowhere"})
		if domain.KindOf(err) != domain.KindNotFound {
			t.Errorf("%v", err)
		}
		if all := service.Quantizations(); len(all) < 20 || all[len(all)-1] != "F32" {
			t.Errorf("%v", all)
		}
	})
}
