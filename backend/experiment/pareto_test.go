package experiment

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestFront(t *testing.T) {
	nan := math.NaN()
	got := front([]point{{3, 1}, {2, 2}, {1, 3}, {1, 1}, {2, 2}, {2, nan}, {2.005, 0.5}}, 0.01)
	if !slices.Equal(got, []bool{true, true, true, false, false, false, false}) {
		t.Errorf("%v", got)
	}
	// A lead too small to matter keeps nobody on it; the first objective decides.
	if got := front([]point{{3, 1}, {2.999, 1.005}}, 0.01); !slices.Equal(got, []bool{true, false}) {
		t.Errorf("%v", got)
	}
	if got := front([]point{{}, {}}, 0.01); slices.Contains(got, true) {
		t.Errorf("without objectives: %v", got)
	}
}

// Whatever the points: none on the front beats another, the best in the first objective is on it, and each that is not
// has one on it that it leads in nothing that matters.
func TestFrontOfAnyPoints(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for range 2000 {
		points := make([]point, 1+random.IntN(12))
		for i := range points {
			points[i] = make(point, 3)
			for k := range points[i] {
				points[i][k] = math.Round(20*random.Float64()) / 100
			}
		}
		tolerance := []float64{0, 0.02, 0.05}[random.IntN(3)]
		on := front(points, tolerance)
		if !slices.Contains(on, true) {
			t.Fatalf("an empty front of %v", points)
		}
		for i, p := range points {
			witness := false
			for j, q := range points {
				if on[i] && on[j] && beats(q, p) {
					t.Fatalf("%v is on the front beside %v", p, q)
				}
				witness = witness || on[j] && asGood(q, p, tolerance)
			}
			if !on[i] && !witness {
				t.Fatalf("%v was dropped from %v by none", p, points)
			}
		}
		if tolerance > 0 {
			continue
		}
		// With weights on all objectives the highest score is on the exact front.
		score := scores(points, []float64{1, 2, 3})
		if i := slices.Index(score, slices.Max(score)); slices.ContainsFunc(points, func(q point) bool { return beats(q, points[i]) }) {
			t.Fatalf("the pick %v of %v is beaten", points[i], points)
		}
	}
}

func TestScores(t *testing.T) {
	l := math.Log
	got := scores([]point{{l(100), -l(8)}, {l(50), -l(4)}, {l(90), math.NaN()}}, []float64{1, 1})
	if math.Abs(got[0]-math.Sqrt(0.5)) > 1e-9 || math.Abs(got[1]-math.Sqrt(0.5)) > 1e-9 || !math.IsNaN(got[2]) {
		t.Errorf("%v", got)
	}
	if got := scores([]point{{l(100), -l(8)}, {l(50), -l(4)}}, []float64{3, 1}); !(got[0] > got[1]) || math.Abs(got[0]-math.Pow(0.5, 0.25)) > 1e-9 {
		t.Errorf("%v", got)
	}
	if got := scores([]point{{1}}, []float64{0}); !math.IsNaN(got[0]) {
		t.Errorf("without weights %v", got)
	}
}
