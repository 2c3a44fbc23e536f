package infer

import (
	"math"
	"testing"
)

// The quantiles of t are those of printed tables: t(0.975, 4) = 2.7764, t(0.995, 9) = 3.2498.
func TestPredict(t *testing.T) {
	in, p, ok := Predict([]float64{9, 10, 11, 10, 10}, 10+2.7764*math.Sqrt(0.5*1.2), 0.95)
	if !ok {
		t.Fatal("refused")
	}
	near(t, "low", in.Low, 10-2.7764*math.Sqrt(0.5*1.2), 1e-4)
	near(t, "high", in.High, 10+2.7764*math.Sqrt(0.5*1.2), 1e-4)
	near(t, "p at the end", p, 0.05, 1e-3)
	ten := []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	in, p, ok = Predict(ten, 5.5, 0.99)
	if half := 3.2498 * math.Sqrt(82.5/9*1.1); !ok || p != 1 || math.Abs(in.High-(5.5+half)) > 1e-3 {
		t.Errorf("%v %v", in, p)
	}
	for _, bad := range [][]float64{nil, {1}, {2, 2, 2}, {1, math.NaN()}, {1, math.Inf(1)}} {
		if _, _, ok := Predict(bad, 1, 0.95); ok {
			t.Errorf("%v gave an interval", bad)
		}
	}
	if _, _, ok := Predict(ten, math.NaN(), 0.95); ok {
		t.Error("a value that is none was judged")
	}
}

// The next value lies within as often as is said.
func TestPredictionsHold(t *testing.T) {
	random := source(5)
	for _, n := range []int{5, 20} {
		in, low := 0, 0
		const times = 4000
		for range times {
			values := lognormals(random, n+1, 0.02)
			i, p, ok := Predict(values[:n], values[n], 0.95)
			if ok && values[n] >= i.Low && values[n] <= i.High {
				in++
			}
			if p < 0.01 {
				low++
			}
		}
		if share := 100 * float64(in) / times; share < 94 || share > 96 {
			t.Errorf("n = %d: %.1f %% within", n, share)
		}
		if share := 100 * float64(low) / times; share < 0.5 || share > 1.6 {
			t.Errorf("n = %d: p below 1 %% in %.2f %%", n, share)
		}
	}
}
