package infer

import (
	"math"
	"math/rand/v2"
	"testing"
)

// The first four are of R. G. Newcombe, "Two-sided Confidence Intervals for the Single Proportion", Statistics in
// Medicine 17 (1998), 857-872, table I, method 3; the others are the formula worked out apart.
func TestShareInterval(t *testing.T) {
	for _, c := range []struct {
		k, n      int
		low, high float64
	}{{81, 263, 0.2553, 0.3662}, {15, 148, 0.0624, 0.1605}, {0, 20, 0, 0.1611}, {1, 29, 0.0061, 0.1718},
		{31, 40, 0.6250, 0.8768}, {40, 40, 0.9124, 1}} {
		got, ok := ShareInterval(c.k, c.n, 0.95)
		if !ok || math.Abs(got.Low-c.low) > 5e-5 || math.Abs(got.High-c.high) > 5e-5 {
			t.Errorf("%d of %d: %v, want %g to %g", c.k, c.n, got, c.low, c.high)
		}
	}
	for _, c := range [][2]int{{0, 0}, {-1, 4}, {5, 4}} {
		if _, ok := ShareInterval(c[0], c[1], 0.95); ok {
			t.Errorf("%d of %d is no share", c[0], c[1])
		}
	}
}

// With clusters of one value each it is the ordinary t interval.
func TestClusterMeanOfSingleValuesIsTheMean(t *testing.T) {
	values, ones := []float64{3, 5, 4, 9, 2}, []float64{1, 1, 1, 1, 1}
	m, got, ok := ClusterMean(values, ones, 0.95)
	want, _ := MeanInterval(values, 0.95)
	if !ok || math.Abs(m-4.6) > 1e-12 || math.Abs(got.Low-want.Low) > 1e-9 || math.Abs(got.High-want.High) > 1e-9 {
		t.Errorf("%g %v, want 4.6 %v", m, got, want)
	}
	if m, _, ok := ClusterMean([]float64{6}, []float64{3}, 0.95); ok || m != 2 {
		t.Errorf("one cluster: %g %v", m, ok)
	}
	if m, _, ok := ClusterMean(nil, nil, 0.95); ok || !math.IsNaN(m) {
		t.Errorf("nothing: %g %v", m, ok)
	}
}

// Values of one cluster that are alike count as one: the interval over clusters holds the true mean in
// about 95 of 100 cases, and one over all values in far fewer.
func TestClusterMeanCoverage(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, stream))
	const rounds, clusters, size = 2000, 8, 50
	held, naive := 0, 0
	for range rounds {
		sums, sizes, all := make([]float64, clusters), make([]float64, clusters), []float64{}
		for c := range sums {
			level := rng.NormFloat64()
			for range size {
				v := level + rng.NormFloat64()
				sums[c], sizes[c], all = sums[c]+v, sizes[c]+1, append(all, v)
			}
		}
		if _, in, ok := ClusterMean(sums, sizes, 0.95); ok && in.Low <= 0 && in.High >= 0 {
			held++
		}
		if in, ok := MeanInterval(all, 0.95); ok && in.Low <= 0 && in.High >= 0 {
			naive++
		}
	}
	if share := float64(held) / rounds; share < 0.93 || share > 0.97 {
		t.Errorf("holds the mean in %.1f %%, want 95", share*100)
	}
	if naive > rounds/2 {
		t.Errorf("all values as independent hold it in %d of %d, so the test shows nothing", naive, rounds)
	}
}
