package infer

import (
	"math"
	"slices"
	"testing"
)

func TestPlannedLooks(t *testing.T) {
	for _, c := range []struct {
		least, most int
		want        []int
	}{
		{10, 30, []int{10, 17, 30}}, {5, 30, []int{5, 9, 17, 30}}, {3, 100, []int{3, 7, 17, 42, 100}}, {5, 10, []int{5, 10}},
		{2, 3, []int{2, 3}}, {8, 8, []int{8}}, {8, 3, []int{8}}, {0, 0, []int{2}}, {-5, 4, []int{2, 4}}, {5, 6, []int{5, 6}},
	} {
		if got := PlannedLooks(c.least, c.most); !slices.Equal(got, c.want) {
			t.Errorf("%d to %d: %v, want %v", c.least, c.most, got, c.want)
		}
	}
	if got := LookAlpha(3, 0.06); got != 0.02 {
		t.Errorf("3 looks: %v", got)
	}
	if got := LookAlpha(0, 0.05); got != 0.05 {
		t.Errorf("no looks: %v", got)
	}
}

// upTo is n values around 100 that lie so far to each side.
func upTo(n int, away float64) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = 100 + away*float64(1-2*(i%2))
	}
	return out
}

func TestLooksAtAMean(t *testing.T) {
	l := Looks{At: []int{4, 8, 16}, Target: 0.02, Confidence: 0.95}
	for _, c := range []struct {
		name string
		n    int
		away float64
		stop Stop
		next int
	}{
		{"one value", 1, 1, GoOn, 4},
		{"narrow, but no look is due", 3, 0, GoOn, 4},
		{"narrow at the first look", 4, 0.5, NarrowEnough, 0},
		{"wide at the first look", 4, 1.5, GoOn, 8},
		{"between the looks", 7, 0.1, GoOn, 8},
		{"narrow at the second look", 8, 1, NarrowEnough, 0},
		{"hopeless", 8, 20, NoUse, 0},
		{"hopeless, between the looks", 7, 20, GoOn, 8},
		{"wide at the last look", 16, 4, NoUse, 0},
		{"beyond the last look", 17, 4, NoUse, 0},
		{"narrow beyond the last look", 20, 1, NarrowEnough, 0},
	} {
		d := l.Mean(upTo(c.n, c.away))
		if d.Stop != c.stop || d.Next != c.next {
			t.Errorf("%s: %+v", c.name, d)
		}
		if in, ok := MeanInterval(upTo(c.n, c.away), 1-0.05/3); ok && (math.Abs(in.Low-d.Interval.Low) > 1e-9 || d.Interval.Low > d.Interval.High) {
			t.Errorf("%s: %v is not at the level of a look, %v", c.name, d.Interval, in)
		}
	}
}

// What is said to be needed does it, and one less does not.
func TestLooksSayWhatIsNeeded(t *testing.T) {
	for _, confidence := range []float64{0.5, 0.95, 0.999} {
		l := Looks{At: []int{4, 8, 16}, Target: 0.02, Confidence: confidence}
		for _, away := range []float64{0.01, 0.3, 1, 2, 4, 30} {
			n, spread := l.Mean(upTo(8, away)).Needed, away*math.Sqrt(8.0/7)/100
			if n < 2 || l.halfWidth(spread, n) > 0.02 || n > 2 && l.halfWidth(spread, n-1) <= 0.02 {
				t.Errorf("± %v at %v: %d", away, confidence, n)
			}
		}
	}
	if d := (Looks{At: []int{4}, Target: 1e-9, Confidence: 0.95}).Mean(upTo(3, 30)); d.Needed != 0 {
		t.Errorf("out of reach: %+v", d)
	}
}

func TestLooksWithoutAFigure(t *testing.T) {
	l := Looks{At: []int{2, 4}, Target: 0.02, Confidence: 0.95}
	for _, c := range []struct {
		name   string
		values []float64
		stop   Stop
	}{
		{"none", nil, GoOn}, {"NaN", []float64{1, math.NaN()}, GoOn}, {"NaN at the end", []float64{1, math.NaN(), 1, 1}, NoUse},
		{"a mean of 0", []float64{-1, 1}, GoOn},
	} {
		if d := l.Mean(c.values); d.Stop != c.stop {
			t.Errorf("%s: %+v", c.name, d)
		}
	}
	if d := (Looks{Target: 0.02, Confidence: 0.95}).Mean([]float64{1, 2}); d.Stop != NoUse {
		t.Errorf("no looks planned: %+v", d)
	}
	if d, err := l.Ratio(nil, nil); err != nil || d.Stop != GoOn || d.Next != 2 {
		t.Errorf("no pairs: %+v, %v", d, err)
	}
	if _, err := l.Ratio([]float64{1, 2}, []float64{1}); err == nil {
		t.Error("a pair without its half is no error")
	}
}

func TestLooksAtARatio(t *testing.T) {
	l := Looks{At: []int{8, 16}, Target: 0.02, Confidence: 0.95}
	times := func(values []float64, by float64) []float64 {
		out := slices.Clone(values)
		for i := range out {
			out[i] *= by
		}
		return out
	}
	noise := func(n int, away float64) []float64 { return times(upTo(n, away), 1) }
	for _, c := range []struct {
		name string
		a, b []float64
		stop Stop
	}{
		{"the same, narrow", upTo(8, 3), times(upTo(8, 3), 1.0001), Shown}, // each pair alike: shown, however small
		{"no difference, narrow", upTo(8, 0), noise(8, 1), NarrowEnough},
		{"no difference, wide", upTo(8, 0), noise(8, 4), GoOn},
		{"a difference between the looks", upTo(9, 0), times(noise(9, 4), 1.2), GoOn},
		{"a difference, wide", upTo(8, 0), times(noise(8, 4), 1.2), Shown},
		{"no difference, still wide", upTo(16, 0), noise(16, 6), NoUse},
	} {
		d, err := l.Ratio(c.a, c.b)
		if err != nil || d.Stop != c.stop {
			t.Errorf("%s: %+v, %v", c.name, d, err)
		}
	}
}
