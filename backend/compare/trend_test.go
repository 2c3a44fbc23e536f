package compare

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

// history is n runs a day apart around a speed, with a step to another from run at on.
func history(n, at int, speed, then float64, seed uint64) []domain.Run {
	random := rand.New(rand.NewPCG(seed, 3))
	var out []domain.Run
	for i := range n {
		level, build := speed, "b1"
		if i >= at {
			level, build = then, "b2"
		}
		v := level * math.Exp(0.01*random.NormFloat64())
		r := run("h", v, 5000/v, func(r *domain.Run) {
			r.Environment.Engine.Build = build
			r.CreatedAt = time.Date(2026, 1, 1+i, 0, 0, 0, 0, time.UTC)
		})
		out = append(out, r)
	}
	return out
}

func TestTrends(t *testing.T) {
	runs := history(20, 12, 100, 80, 1)
	other := run("other", 50, 100, func(r *domain.Run) { r.Plan.MaxTokens = 5 })
	bad := run("bad", 1, 1, func(r *domain.Run) { r.Validity = &domain.Validity{Verdict: "invalid"} })
	for key, direction := range map[string]string{"decode_tokens_per_second": "worse", "ttft_ms": "worse"} {
		ts := Trends(append(append(runs, other), bad), key)
		if len(ts) != 1 || len(ts[0].Points) != 20 || len(ts[0].Changes) != 1 {
			t.Fatalf("%s: %+v", key, ts)
		}
		c := ts[0].Changes[0]
		if c.Run != runs[12].ID || c.Direction != direction || c.BuildBefore != "b1" || c.BuildAfter != "b2" || c.P > 0.05 || math.Abs(math.Abs(c.Percent)-22) > 4 {
			t.Errorf("%s: %+v", key, c)
		}
	}
	if ts := Trends(history(20, 20, 100, 0, 2), "decode_tokens_per_second"); len(ts[0].Changes) != 0 {
		t.Errorf("a flat history has %+v", ts[0].Changes)
	}
	if Trends(runs, "unknown") != nil || len(Trends(nil, "ttft_ms")) != 0 {
		t.Error("something out of nothing")
	}
}
