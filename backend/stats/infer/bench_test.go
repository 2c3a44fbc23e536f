package infer

import (
	"slices"
	"testing"
)

// 10,000 values, 10,000 times drawn anew: at most 0.3 s of one core.
func BenchmarkBCaMean(b *testing.B) {
	values := lognormals(source(1), 10_000, 0.3)
	for b.Loop() {
		BCaMean(values, 0.95, 10_000, 1)
	}
}

// From unsorted values on: at most 5 ms.
func BenchmarkP99Interval(b *testing.B) {
	values := lognormals(source(1), 10_000, 0.3)
	for b.Loop() {
		QuantileInterval(slices.Sorted(slices.Values(values)), 0.99, 0.95)
	}
}

func BenchmarkChangePoints(b *testing.B) {
	random := source(1)
	values := make([]float64, 500)
	for i := range values {
		values[i] = 100 + random.NormFloat64()
		if i >= 300 {
			values[i]++
		}
	}
	for b.Loop() {
		ChangePoints(values, 0.05, 999, 1)
	}
}

func BenchmarkPairedRatio(b *testing.B) {
	random := source(1)
	x, y := lognormals(random, 16, 0.02), lognormals(random, 16, 0.02)
	for b.Loop() {
		if _, err := PairedRatio(x, y, 0.95); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLooks(b *testing.B) {
	random := source(1)
	values := lognormals(random, 16, 0.02)
	l := Looks{At: PlannedLooks(10, 30), Target: 0.01, Confidence: 0.95}
	for b.Loop() {
		l.Mean(values)
	}
}

func BenchmarkPairsFor(b *testing.B) {
	for b.Loop() {
		PairsFor(0.02, 0.01, 0.8, 0.05, 200)
	}
}

func BenchmarkMSER5(b *testing.B) {
	values := lognormals(source(1), 2000, 0.1)
	for b.Loop() {
		MSER5(values, 10)
	}
}

func BenchmarkTrend(b *testing.B) {
	values := lognormals(source(1), 10_000, 0.1)
	for b.Loop() {
		Trend(values)
	}
}
