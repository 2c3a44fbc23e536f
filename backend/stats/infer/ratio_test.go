package infer

import (
	"math"
	"strings"
	"testing"
)

func TestPairedRatioIsTheSameBothWays(t *testing.T) {
	a, b := []float64{100, 110, 105, 98, 120, 101}, []float64{103, 112, 109, 99, 125, 104}
	r, err := PairedRatio(a, b, 0.95)
	if err != nil {
		t.Fatal(err)
	}
	back, err := PairedRatio(b, a, 0.95)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "ratio", back.Ratio, 1/r.Ratio, 1e-12)
	near(t, "low", back.Interval.Low, 1/r.Interval.High, 1e-12)
	near(t, "high", back.Interval.High, 1/r.Interval.Low, 1e-12)
	// All six pairs went one way: 2 of 64 ways to give signs are as clear.
	if r.P != 2.0/64 || back.P != r.P {
		t.Errorf("p %v and %v", r.P, back.P)
	}
}

// A drift that both arms of a pair share does not show.
func TestPairsCancelWhatTheyShare(t *testing.T) {
	a, b := []float64{100, 90, 80, 70, 60, 50}, []float64{102, 91.7, 81.7, 71.3, 61.3, 51}
	paired, err := PairedRatio(a, b, 0.95)
	if err != nil {
		t.Fatal(err)
	}
	unpaired, err := WelchRatio(a, b, 0.95)
	if err != nil {
		t.Fatal(err)
	}
	if paired.Interval.Low <= 1 || unpaired.Interval.Low >= 1 {
		t.Errorf("paired %+v, unpaired %+v", paired, unpaired)
	}
}

func TestRatiosWithoutSpread(t *testing.T) {
	five, ten := []float64{5, 5, 5}, []float64{10, 10, 10}
	for name, f := range map[string]func(a, b []float64, confidence float64) (Ratio, error){"paired": PairedRatio, "Welch": WelchRatio} {
		r, err := f(five, ten, 0.95)
		if err != nil || math.Abs(r.Ratio-2) > 1e-12 || r.Interval.Low != r.Ratio || r.Interval.High != r.Ratio {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
		if r, err = f(five, five, 0.95); err != nil || r.Ratio != 1 || r.P != 1 {
			t.Errorf("%s of the same: %+v, %v", name, r, err)
		}
	}
}

func TestRatiosSayWhatIsWrong(t *testing.T) {
	good := []float64{1, 2, 3}
	for _, c := range []struct {
		a, b       []float64
		confidence float64
		want       string
	}{
		{good, []float64{1, 2}, 0.95, "a has 3, b has 2"},
		{[]float64{1}, []float64{1}, 0.95, "a has 1"},
		{good, nil, 0.95, "b has 0"},
		{good, []float64{1, 0, 3}, 0.95, "value 2 of b is 0"},
		{[]float64{1, 2, -4}, good, 0.95, "value 3 of a is -4"},
		{good, []float64{math.NaN(), 1, 3}, 0.95, "value 1 of b is NaN"},
		{good, []float64{1, math.Inf(1), 3}, 0.95, "value 2 of b is +Inf"},
		{good, good, 95, "confidence must lie between 0 and 1, not 95"},
	} {
		_, err := PairedRatio(c.a, c.b, c.confidence)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v and %v: %v, want %q", c.a, c.b, err, c.want)
		}
		if len(c.a) == 3 && len(c.b) == 2 {
			continue // need not be as many
		}
		if _, err := WelchRatio(c.a, c.b, c.confidence); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Welch, %v and %v: %v, want %q", c.a, c.b, err, c.want)
		}
	}
}

func TestSignFlipP(t *testing.T) {
	for _, c := range []struct {
		logs []float64
		want float64
	}{
		{[]float64{0.3}, 1},
		{[]float64{1, 1, 1, 1, 1, 1}, 2.0 / 64},
		{[]float64{-1, -1, -1, -1, -1, -1}, 2.0 / 64},
		{[]float64{0, 0, 0}, 1},
		{[]float64{1, 1, 1, -1}, 10.0 / 16}, // sums of ±4 once each and ±2 four times each
		// Of 0.1, 0.2 and 0.3 the sum 0 comes by two ways that rounding tells apart.
		{[]float64{0.1, 0.2, -0.3}, 1},
	} {
		if got := SignFlipP(c.logs); got != c.want {
			t.Errorf("%v: %v, want %v", c.logs, got, c.want)
		}
	}
	for _, logs := range [][]float64{nil, make([]float64, 17), {1, math.NaN()}, {1, math.Inf(1)}} {
		if got := SignFlipP(logs); !math.IsNaN(got) {
			t.Errorf("%v: %v", logs, got)
		}
	}
}

// By hand: sorted 0.005, 0.01, 0.03 and 0.04 times 4, 3, 2 and 1, and none below the one before.
func TestHolm(t *testing.T) {
	got := Holm([]float64{0.01, 0.04, math.NaN(), 0.03, 0.005})
	for i, want := range []float64{0.03, 0.06, math.NaN(), 0.06, 0.02} {
		if math.IsNaN(want) != math.IsNaN(got[i]) || math.Abs(got[i]-want) > 1e-15 {
			t.Errorf("test %d: %v, want %v", i, got[i], want)
		}
	}
	if got := Holm([]float64{0.5, 0.6}); got[0] != 1 || got[1] != 1 {
		t.Errorf("above 1: %v", got)
	}
	if got := Holm(nil); len(got) != 0 {
		t.Errorf("no tests: %v", got)
	}
}

func TestPairsFor(t *testing.T) {
	n, ok := PairsFor(0.0187, 0.02, 0.8, 0.05, 100)
	if !ok || PairedPower(0.0187, 0.02, n, 0.05) < 0.8 || PairedPower(0.0187, 0.02, n-1, 0.05) >= 0.8 {
		t.Errorf("%d pairs, %v", n, ok)
	}
	// However clear the effect, 5 pairs cannot reach 5 % by flipping signs.
	if n, ok := PairsFor(0.001, 0.5, 0.8, 0.05, 100); !ok || n != 6 {
		t.Errorf("clear effect: %d, %v", n, ok)
	}
	if n, ok := PairsFor(0.001, 0.5, 0.8, 0.0125, 100); !ok || n != 8 {
		t.Errorf("clear effect at 1.25 %%: %d, %v", n, ok)
	}
	for _, c := range []struct {
		sd, effect, power, alpha float64
		most                     int
	}{{0.05, 0.001, 0.8, 0.05, 100}, {0.001, 0.5, 0.8, 0.05, 5}, {0.02, 0, 0.8, 0.05, 100}, {0.02, -1, 0.8, 0.05, 100},
		{math.NaN(), 0.02, 0.8, 0.05, 100}, {0.02, 0.02, 1, 0.05, 100}, {0.02, 0.02, 0.8, 0, 100}} {
		if n, ok := PairsFor(c.sd, c.effect, c.power, c.alpha, c.most); ok {
			t.Errorf("%+v: %d pairs", c, n)
		}
	}
}

func TestPairedPowerAtItsEdges(t *testing.T) {
	for _, c := range []struct {
		sd, effect float64
		pairs      int
		want       float64
	}{{0.02, 0, 8, 0.05}, {0, 0.02, 8, 1}, {0.02, 0.02, 1, 0}, {0.02, 5, 100_000, 1}} {
		if got := PairedPower(c.sd, c.effect, c.pairs, 0.05); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%+v: %v", c, got)
		}
	}
	// Half as fast is as easy to find as twice as fast.
	near(t, "one half", PairedPower(0.5, -0.5, 6, 0.05), PairedPower(0.5, 1, 6, 0.05), 1e-12)
	for _, got := range []float64{PairedPower(-1, 0.02, 8, 0.05), PairedPower(0.02, -1, 8, 0.05), PairedPower(0.02, 0.02, 8, 1)} {
		if !math.IsNaN(got) {
			t.Errorf("nonsense has power %v", got)
		}
	}
}
