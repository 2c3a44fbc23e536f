package infer_test

import (
	"math"
	"testing"

	"github.com/inferometer/inferometer/backend/stats/infer"
)

// The ends of Wilson's interval as statsmodels and published tables have them.
func TestTrialsInterval(t *testing.T) {
	for _, c := range []struct {
		trials    infer.Trials
		spread    float64
		low, high float64
	}{
		{infer.Trials{Met: 8, N: 10}, 1, 0.490162, 0.943318},
		{infer.Trials{Met: 95, N: 100}, 1, 0.888250, 0.978459},
		{infer.Trials{Met: 10, N: 10}, 1, 0.722467, 1},
		{infer.Trials{Met: 0, N: 10}, 1, 0, 0.277533},
		{infer.Trials{Met: 16, N: 20}, 2, 0.490162, 0.943318}, // worth half of them
	} {
		in, ok := infer.TrialsInterval(c.trials, c.spread, 0.95)
		if !ok || math.Abs(in.Low-c.low) > 1e-5 || math.Abs(in.High-c.high) > 1e-5 {
			t.Errorf("%+v: %+v, %v", c, in, ok)
		}
	}
	for _, bad := range []infer.Trials{{}, {Met: 2, N: 1}, {Met: -1, N: 1}} {
		if _, ok := infer.TrialsInterval(bad, 1, 0.95); ok {
			t.Errorf("%+v has an interval", bad)
		}
	}
	if _, ok := infer.TrialsInterval(infer.Trials{Met: 1, N: 2}, 0.5, 0.95); ok {
		t.Error("a spread below 1")
	}
}

// By hand: shares 0.9 and 0.7 of 20 around 0.8 have χ² = 2·(2²/3.2) = 2.5 with one degree of freedom.
func TestSpread(t *testing.T) {
	if s, df := infer.Spread([][]infer.Trials{{{18, 20}, {14, 20}}, {{20, 20}, {20, 20}}, {{3, 5}}}); math.Abs(s-2.5) > 1e-12 || df != 1 {
		t.Errorf("%v, %d", s, df)
	}
	if s, df := infer.Spread([][]infer.Trials{{{16, 20}, {16, 20}}}); s != 1 || df != 1 {
		t.Errorf("%v, %d", s, df)
	}
	if s, df := infer.Spread(nil); s != 1 || df != 0 {
		t.Errorf("%v, %d", s, df)
	}
}
