package stats

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/quick"
)

func TestQuantileKnownValues(t *testing.T) {
	// The values of R's quantile(x, type = 7).
	x := []float64{1, 2, 4, 8, 16}
	for q, want := range map[float64]float64{0: 1, 0.25: 2, 0.5: 4, 0.9: 12.8, 0.95: 14.4, 1: 16, -1: 1, 2: 16} {
		if got := Quantile(x, q); math.Abs(got-want) > 1e-12 {
			t.Errorf("Quantile(%v) = %v, want %v", q, got, want)
		}
	}
	if !math.IsNaN(Quantile(nil, 0.5)) {
		t.Error("the quantile of nothing must be NaN")
	}
}

// TestQuantileAgainstSortedSlice holds what any quantile of a sorted slice must hold.
func TestQuantileAgainstSortedSlice(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		x := make([]float64, 1+rng.IntN(300))
		for i := range x {
			x[i] = math.Round(rng.NormFloat64()*50) / 4 // ties occur
		}
		slices.Sort(x)
		last := math.Inf(-1)
		for i := range 101 {
			q := float64(i) / 100
			got := Quantile(x, q)
			rank := q * float64(len(x)-1)
			low, high := x[int(math.Floor(rank))], x[int(math.Ceil(rank))]
			if got < low-1e-9 || got > high+1e-9 {
				t.Fatalf("quantile %v = %v lies outside its neighbours %v and %v", q, got, low, high)
			}
			if got < last-1e-9 {
				t.Fatalf("quantile %v = %v falls below %v", q, got, last)
			}
			last = got
		}
		for i := range x { // at whole ranks it is the value itself
			if len(x) > 1 {
				if got := Quantile(x, float64(i)/float64(len(x)-1)); math.Abs(got-x[i]) > 1e-9 {
					t.Fatalf("rank %d of %d = %v, want %v", i, len(x), got, x[i])
				}
			}
		}
	}
}

func TestOfAgreesWithSortedSlice(t *testing.T) {
	check := func(raw []int32) bool {
		x := make([]float64, len(raw))
		sum := 0.0
		for i, v := range raw {
			x[i] = float64(v)
			sum += x[i]
		}
		s := Of(slices.Clone(x))
		if len(x) == 0 {
			return s.N == 0 && s.Mean == nil && s.P50 == nil && s.Max == nil
		}
		slices.Sort(x)
		return s.N == len(x) && *s.Min == x[0] && *s.Max == x[len(x)-1] && *s.P50 == Quantile(x, 0.5) &&
			math.Abs(*s.Mean-sum/float64(len(x))) <= 1e-3 && *Median(x) == *s.P50 &&
			*s.P50 <= *s.P90 && *s.P90 <= *s.P95 && (s.P99 == nil) == (len(x) < 100)
	}
	if err := quick.Check(check, &quick.Config{MaxCount: 500}); err != nil {
		t.Error(err)
	}
}

func TestP99NeedsAHundred(t *testing.T) {
	for n, want := range map[int]bool{99: false, 100: true} {
		if got := Of(make([]float64, n)).P99 != nil; got != want {
			t.Errorf("n = %d: p99 shown %v", n, got)
		}
	}
}

func TestMedianLeavesItsInput(t *testing.T) {
	x := []float64{3, 1, 2}
	if *Median(x) != 2 || !slices.Equal(x, []float64{3, 1, 2}) || Median(nil) != nil {
		t.Errorf("x = %v", x)
	}
}
