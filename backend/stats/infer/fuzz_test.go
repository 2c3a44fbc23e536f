package infer

import (
	"encoding/binary"
	"math"
	"slices"
	"testing"
)

// numbers reads eight bytes a number; any are a float64, NaN and infinities too.
func numbers(data []byte) []float64 {
	var out []float64
	for ; len(data) >= 8 && len(out) < 64; data = data[8:] {
		out = append(out, math.Float64frombits(binary.LittleEndian.Uint64(data)))
	}
	return out
}

func bytesOf(values ...float64) []byte {
	var out []byte
	for _, v := range values {
		out = binary.LittleEndian.AppendUint64(out, math.Float64bits(v))
	}
	return out
}

// Whatever the values, nothing panics, ends or chances that are out of order never come with an ok, and
// no input is written to.
func FuzzAnyValues(f *testing.F) {
	nan, inf := math.NaN(), math.Inf(1)
	f.Add(bytesOf(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12), 0.95, 0.5)
	f.Add(bytesOf(1, nan, 3, inf, -inf, 0, 7, 8, 8, 8, 8), 0.95, 0.05)
	f.Add(bytesOf(math.MaxFloat64, -math.MaxFloat64, math.MaxFloat64, -math.MaxFloat64, 1, 2), 0.9, 0.99)
	f.Add(bytesOf(math.SmallestNonzeroFloat64, math.MaxFloat64, 1, 1e-300, 1e300, 1, 1, 2), 0.999999, 0.01)
	f.Add(bytesOf(5, 5, 5, 5, 5, 5, 5, 5, 5, 5), 0.5, 0.5)
	f.Add([]byte{}, nan, inf)
	f.Fuzz(func(t *testing.T, data []byte, confidence, q float64) {
		values := numbers(data)
		before := slices.Clone(values)
		a, b := values[:len(values)/2], values[len(values)/2:]
		for name, f := range map[string]func() (Interval, bool){
			"mean": func() (Interval, bool) { return MeanInterval(values, confidence) },
			"BCa":  func() (Interval, bool) { return BCaMean(values, confidence, 100, 1) },
			"quantile": func() (Interval, bool) {
				return QuantileInterval(slices.Sorted(slices.Values(values)), q, confidence)
			},
		} {
			if in, ok := f(); ok && !(in.Low <= in.High) {
				t.Errorf("%s: %v", name, in)
			}
		}
		for name, f := range map[string]func(a, b []float64, confidence float64) (Ratio, error){"paired": PairedRatio, "Welch": WelchRatio} {
			r, err := f(a, b, confidence)
			if err == nil && !(r.Interval.Low <= r.Ratio && r.Ratio <= r.Interval.High && chance(r.P) && r.DF > 0) {
				t.Errorf("%s: %+v", name, r)
			}
		}
		if p := SignFlipP(values); !math.IsNaN(p) && !(p > 0 && chance(p)) {
			t.Errorf("sign flips: %v", p)
		}
		checkSeries(t, values, q)
		l := Looks{At: PlannedLooks(3, 40), Target: q, Confidence: confidence}
		for n := range values {
			if d := l.Mean(values[:n]); d.Stop == GoOn != (d.Next > n) {
				t.Errorf("%d values: %+v", n, d)
			}
		}
		if d, err := l.Ratio(a, b); err == nil && (d.Stop == GoOn) != (d.Next > len(a)) {
			t.Errorf("ratio: %+v", d)
		}
		if !slices.EqualFunc(values, before, func(x, y float64) bool { return math.Float64bits(x) == math.Float64bits(y) }) {
			t.Error("the values were changed")
		}
	})
}

func checkSeries(t *testing.T, values []float64, alpha float64) {
	t.Helper()
	if o := FindOutliers(values); !math.IsNaN(o.Share) && !(o.Share >= 0 && o.Share <= 1+1e-9) || o.N() > len(values) {
		t.Errorf("outliers: %+v", o)
	}
	last := 0
	for _, c := range ChangePoints(values, alpha, 99, 1) {
		if c.Index < last+leastLevel || c.Index > len(values)-leastLevel || !(c.P > 0 && c.P <= alpha) {
			t.Errorf("change point: %+v", c)
		}
		last = c.Index
	}
	for _, least := range []int{-1, 3, 100} {
		if cut := MSER5(values, least); cut < min(max(least, 0), len(values)) || cut > len(values) {
			t.Errorf("cut %d of %d, %d at least", cut, len(values), least)
		}
	}
	if v, ok := SplitVariance([][]float64{values[:len(values)/3], values[len(values)/3:], values}); ok && !(v.Within >= 0 && v.Between >= 0) {
		t.Errorf("variance: %+v", v)
	}
	if percent, p := Trend(values); math.IsInf(percent, 0) || !math.IsNaN(p) && !chance(p) {
		t.Errorf("trend: %v %%, p %v", percent, p)
	}
	adjusted := Holm(values)
	for i, p := range values {
		if math.IsNaN(p) != math.IsNaN(adjusted[i]) || chance(p) && !(adjusted[i] >= p && adjusted[i] <= 1) && slices.IndexFunc(values, outside) < 0 {
			t.Errorf("Holm: %v of %v", adjusted[i], p)
		}
	}
}

func chance(p float64) bool { return p >= 0 && p <= 1 }

func outside(p float64) bool { return !chance(p) && !math.IsNaN(p) }

// Any plan of a comparison has a power that is a chance, or none.
func FuzzPower(f *testing.F) {
	f.Add(0.02, 0.02, 8, 0.05)
	f.Add(0.0, 0.0, 0, 0.0)
	f.Add(1e-300, 1e300, 1<<40, 1e-300)
	f.Add(math.NaN(), math.Inf(1), -1, math.NaN())
	f.Fuzz(func(t *testing.T, sd, effect float64, pairs int, alpha float64) {
		if p := PairedPower(sd, effect, pairs, alpha); !math.IsNaN(p) && !chance(p) {
			t.Errorf("power %v", p)
		}
		if n, ok := PairsFor(sd, effect, 0.8, alpha, pairs); ok && (n < 2 || n > pairs) {
			t.Errorf("%d pairs of %d", n, pairs)
		}
	})
}
