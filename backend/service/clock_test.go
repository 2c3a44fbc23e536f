package service_test

import (
	"math"
	"sync/atomic"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine/enginetest"
	"github.com/inferometer/inferometer/backend/service"
)

// TestJumpOfTheWallClock sets the clock forth and back in mid-run: no duration may know of it.
func TestJumpOfTheWallClock(t *testing.T) {
	for name, jump := range map[string]time.Duration{"forth": 3 * time.Hour, "back": -3 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			var offset atomic.Int64
			o := options{script: enginetest.Script{TTFT: 100 * time.Millisecond, Gap: 10 * time.Millisecond},
				deps: func(d *service.Deps) {
					d.Now = func() time.Time { return time.Now().Round(0).Add(time.Duration(offset.Load())) }
				}}
			in(t, o, func(t *testing.T, w *world) {
				measure := func(jump time.Duration) domain.Run {
					run := w.start(func(r *domain.BenchmarkRequest) { r.Stop = &domain.Stop{Requests: ptr(20)} })
					w.measuring(run.ID)
					pass(500 * time.Millisecond)
					offset.Store(int64(jump))
					return w.wait(run.ID)
				}
				still, jumped := measure(0), measure(jump)
				a, b := still.Summary, jumped.Summary
				if jumped.Status != domain.StatusCompleted || b.Requests.OK != 20 {
					t.Fatalf("the run is %s, %+v", jumped.Status, b.Requests)
				}
				for name, pair := range map[string][2]*float64{
					"duration": {still.DurationS, jumped.DurationS}, "TTFT": {a.TTFTMs.P50, b.TTFTMs.P50}, "end to end": {a.E2EMs.Max, b.E2EMs.Max},
					"throughput": {a.OutputTokensPerSecond, b.OutputTokensPerSecond}, "window": {a.WindowS, b.WindowS},
				} {
					if pair[0] == nil || pair[1] == nil || math.Abs(*pair[0]-*pair[1]) > 1e-3**pair[0] {
						t.Errorf("%s: %v without a jump, %v with one", name, pair[0], pair[1])
					}
				}
			})
		})
	}
}
