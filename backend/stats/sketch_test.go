package stats

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// The quantiles of a sketch are those of the values themselves to 0.4 %.
func TestSketch(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 5))
	var s Sketch
	var all []float64
	for range 50_000 {
		v := int64(math.Exp(9 + 2*r.NormFloat64()))
		s.Add(v)
		all = append(all, float64(v))
	}
	slices.Sort(all)
	got := s.Quantiles(200)
	if s.N() != len(all) || got[0] != all[0] || got[199] != all[len(all)-1] {
		t.Errorf("n %d, from %v to %v", s.N(), got[0], got[199])
	}
	for i, v := range got {
		want := all[int(math.Round(float64(i)/199*float64(len(all)-1)))]
		if math.Abs(v-want) > 0.004*want+0.5 {
			t.Errorf("quantile %d: %v for %v", i, v, want)
		}
	}
	if !slices.IsSorted(got) {
		t.Error("quantiles fall")
	}
}

func TestSketchOfFewValues(t *testing.T) {
	var s Sketch
	if s.Quantiles(200) != nil {
		t.Error("quantiles of nothing")
	}
	for _, v := range []int64{math.MaxInt64, -5, 255, 256, 257} {
		s.Add(v)
	}
	if got := s.Quantiles(5); !slices.Equal(got[:4], []float64{0, 255, 256.5, 256.5}) || got[4] != math.MaxInt64 {
		t.Errorf("%v", got)
	}
	if got := Quantiles([]float64{1, 2, 3}, 200); !slices.Equal(got, []float64{1, 2, 3}) {
		t.Errorf("%v", got)
	}
	if got := Quantiles([]float64{4}, 9); !slices.Equal(got, []float64{4}) {
		t.Errorf("%v", got)
	}
	if got := Quantiles(nil, 9); len(got) != 0 {
		t.Errorf("%v", got)
	}
}
