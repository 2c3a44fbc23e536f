package infer

import (
	"math"
	"testing"
)

// By hand: between ranks 2 and 9 the median lies unless 0, 1, 9 or 10 of ten are below, in 22 of 1024 cases;
// ranks 2 and 8 miss it in 67.
func TestQuantileIntervalOfTenValues(t *testing.T) {
	sorted := []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	if in, ok := QuantileInterval(sorted, 0.5, 0.95); !ok || in != (Interval{2, 9}) {
		t.Errorf("median: %v %v", in, ok)
	}
}

// An interval of a 99th percentile needs values beyond it: (1 - 0.99^n) must reach the confidence.
func TestSmallestSamplesForAnInterval(t *testing.T) {
	for _, c := range []struct {
		q, confidence float64
		n             int
	}{{0.5, 0.95, 6}, {0.99, 0.95, 299}, {0.9, 0.95, 29}, {0.99, 0.9, 230}} {
		_, _, below := quantileRanks(c.n-1, c.q, c.confidence)
		_, _, at := quantileRanks(c.n, c.q, c.confidence)
		if below || !at {
			t.Errorf("q %v at %v: n = %d %v, n = %d %v", c.q, c.confidence, c.n-1, below, c.n, at)
		}
	}
}

func TestIntervalsRefuseWhatTheyCannotSay(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	good := []float64{1, 2, 3, 4, 5, 6, 7}
	for _, c := range []struct {
		name       string
		values     []float64
		confidence float64
	}{
		{"no values", nil, 0.95}, {"one value", []float64{1}, 0.95}, {"NaN", []float64{nan, 1, 2, 3, 4, 5, 6, 7}, 0.95},
		{"infinity", []float64{1, 2, 3, 4, 5, 6, inf}, 0.95}, {"confidence 0", good, 0}, {"confidence 1", good, 1}, {"confidence NaN", good, nan},
	} {
		if _, ok := QuantileInterval(c.values, 0.5, c.confidence); ok {
			t.Errorf("%s: an interval of the median", c.name)
		}
		if _, ok := MeanInterval(c.values, c.confidence); ok {
			t.Errorf("%s: an interval of the mean", c.name)
		}
		if _, ok := BCaMean(c.values, c.confidence, 1000, 1); ok {
			t.Errorf("%s: a bootstrap interval", c.name)
		}
	}
	if _, ok := QuantileInterval(good, 1, 0.95); ok {
		t.Error("an interval of the maximum")
	}
	if _, ok := BCaMean(good, 0.95, 99, 1); ok {
		t.Error("an interval of 99 resamples")
	}
	if _, ok := MeanInterval([]float64{-math.MaxFloat64, math.MaxFloat64}, 0.95); ok {
		t.Error("an interval wider than numbers go")
	}
}

// Equal values have an interval without width, not one of rounding.
func TestIntervalsOfEqualValues(t *testing.T) {
	values := []float64{0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1}
	want := Interval{0.1, 0.1}
	if in, ok := MeanInterval(values, 0.95); !ok || in != want {
		t.Errorf("Student: %v %v", in, ok)
	}
	if in, ok := BCaMean(values, 0.95, 1000, 1); !ok || in != want {
		t.Errorf("BCa: %v %v", in, ok)
	}
	if in, ok := QuantileInterval(values, 0.5, 0.95); !ok || in != want {
		t.Errorf("median: %v %v", in, ok)
	}
}

func TestBCaMeanFollowsItsSeedAndTheSkew(t *testing.T) {
	values := lognormals(source(3), 60, 1)
	first, ok := BCaMean(values, 0.95, 10_000, 5)
	again, _ := BCaMean(values, 0.95, 10_000, 5)
	other, _ := BCaMean(values, 0.95, 10_000, 6)
	if !ok || first != again || first == other {
		t.Errorf("seed 5: %v and %v; seed 6: %v", first, again, other)
	}
	m := mean(values)
	if first.High-m < 1.2*(m-first.Low) {
		t.Errorf("%v around %v does not reach farther on the long side", first, m)
	}
}
