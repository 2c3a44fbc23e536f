package infer

import (
	"math"
	"slices"
	"testing"
)

func TestFindOutliers(t *testing.T) {
	values := []float64{10, 11, 12, 13, 14, 15, 16, 17, 18} // quartiles 12 and 16
	if got := FindOutliers(values); got != (Outliers{}) {
		t.Errorf("even values: %+v", got)
	}
	values = append(values, 25, 100, 1, -50, math.NaN(), math.Inf(1))
	got := FindOutliers(values) // quartiles 11 and 17: fences at 2 and 26, and at -7 and 35
	want := Outliers{MildLow: 1, SevereLow: 1, SevereHigh: 1}
	share, severe := got.Share, got.SevereShare
	got.Share, got.SevereShare = 0, 0
	if got != want || got.N() != 3 {
		t.Errorf("%+v, want %+v", got, want)
	}
	kept := values[:13]
	m, squares := meanAndSquares(kept)
	near(t, "share", share, (sq(100-m)+sq(1-m)+sq(-50-m))/squares, 1e-12)
	near(t, "share of the severe", severe, (sq(100-m)+sq(-50-m))/squares, 1e-12)
	if got := FindOutliers([]float64{1, 1, 100}); got != (Outliers{}) {
		t.Errorf("three values: %+v", got)
	}
}

// By ratio the fences follow a long tail, and reach as far down in proportion as up.
func TestFindOutliersByRatio(t *testing.T) {
	got := FindOutliersByRatio([]float64{10, 20, 40, 80, 160, 320, 640, 10_000})
	if plain := FindOutliers([]float64{10, 20, 40, 80, 160, 320, 640, 10_000}); got.N() != 0 || plain.SevereHigh != 1 {
		t.Errorf("values that double: %+v, plain %+v", got, plain)
	}
	got = FindOutliersByRatio([]float64{10, 11, 12, 13, 14, 15, 16, 17, 18, 200, 0.1})
	if got.SevereHigh != 1 || got.SevereLow != 1 || got.SevereShare != got.Share {
		t.Errorf("%+v", got)
	}
	values := []float64{-50, 10, 11, 12, 13, 14, 15, 16, 17, 18, 0}
	if got := FindOutliersByRatio(values); got != FindOutliers(values) {
		t.Errorf("with values that have no logarithm: %+v", got)
	}
}

func TestChangePointsFindsEachLevel(t *testing.T) {
	random := source(11)
	var values []float64
	for _, level := range []float64{100, 90, 110} {
		for range 20 {
			values = append(values, level+random.NormFloat64())
		}
	}
	values = slices.Insert(values, 5, math.NaN()) // a run without a figure keeps its place
	got := ChangePoints(values, 0.05, 999, 1)
	if len(got) != 2 || got[0].Index != 21 || got[1].Index != 41 {
		t.Fatalf("%+v", got)
	}
	near(t, "first level", got[0].Before, 100, 0.01)
	near(t, "second level", got[0].After, 90, 0.01)
	near(t, "third level", got[1].After, 110, 0.01)
	if got[0].After != got[1].Before || got[0].P != 0.001 || got[1].P != 0.001 {
		t.Errorf("%+v", got)
	}
	if again := ChangePoints(values, 0.05, 999, 1); !slices.Equal(got, again) {
		t.Errorf("the same seed finds %+v, then %+v", got, again)
	}
}

// Whoever watches a history asks after every run, so a slow run is always seen first as the newest. One
// is an outlier and must seldom be an alarm (means alone give one each time in a long series); three are a
// level.
func TestChangePointsAtTheEnd(t *testing.T) {
	const series = 200
	for _, n := range []int{20, 40, 150} {
		one, three := 0, 0
		for seed := range uint64(series) {
			random := source(seed)
			values := make([]float64, n)
			for i := range values {
				values[i] = 100 + random.NormFloat64()
			}
			values[n-1] -= 20
			if len(ChangePoints(values, 0.05, 199, 1)) > 0 {
				one++
			}
			values[n-2], values[n-3] = values[n-2]-20, values[n-3]-20
			if slices.ContainsFunc(ChangePoints(values, 0.05, 199, 1), func(c ChangePoint) bool { return c.Index >= n-4 && c.Index <= n-2 }) {
				three++
			}
		}
		t.Logf("n = %d: alarms after one slow run %.1f %%, after three %.1f %%", n, 100.0*float64(one)/series, 100.0*float64(three)/series)
		if one > series*14/100 || three < series*95/100 {
			t.Errorf("n = %d: of %d series %d with one slow run and %d with three", n, series, one, three)
		}
	}
}

func TestChangePointsHasNothingToSay(t *testing.T) {
	step := []float64{1, 1, 1, 1, 1, 1, 5, 5, 5, 5, 5, 5}
	if got := ChangePoints(step, 0.05, 999, 1); len(got) != 1 || got[0].Index != 6 || got[0].Before != 1 || got[0].After != 5 {
		t.Errorf("a step without noise: %+v", got)
	}
	for name, got := range map[string][]ChangePoint{
		"no values":        ChangePoints(nil, 0.05, 999, 1),
		"three values":     ChangePoints([]float64{1, 5, 5}, 0.05, 999, 1),
		"equal values":     ChangePoints(make([]float64, 50), 0.05, 999, 1),
		"no permutations":  ChangePoints(step, 0.05, 0, 1),
		"too few":          ChangePoints(step, 0.05, 18, 1),
		"alpha 0":          ChangePoints(step, 0, 999, 1),
		"alpha NaN":        ChangePoints(step, math.NaN(), 999, 1),
		"only NaN":         ChangePoints([]float64{math.NaN(), math.NaN(), math.NaN(), math.NaN(), math.NaN()}, 0.05, 999, 1),
		"too large to sum": ChangePoints([]float64{-math.MaxFloat64, math.MaxFloat64, -math.MaxFloat64, math.MaxFloat64}, 0.05, 99, 1),
	} {
		if len(got) != 0 {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestMSER5(t *testing.T) {
	random := source(2)
	values := make([]float64, 200)
	for i := range values {
		values[i] = 1000 + random.NormFloat64()
		if i < 40 {
			values[i] -= 2 * float64(40-i)
		}
	}
	if cut := MSER5(values, 0); cut < 25 || cut > 50 || cut%5 != 0 {
		t.Errorf("warm-up of 40: cut %d", cut)
	}
	if cut := MSER5(values, 52); cut < 52 || cut > 100 || (cut-52)%5 != 0 {
		t.Errorf("52 at least: cut %d", cut)
	}
	steady := slices.Repeat([]float64{3, 4, 5, 4, 3}, 20)
	if cut := MSER5(steady, 0); cut != 0 {
		t.Errorf("steady from the start: cut %d", cut)
	}
	rising := make([]float64, 100)
	for i := range rising {
		rising[i] = 1e9 + float64(i) // far from 0
	}
	if cut := MSER5(rising, 0); cut <= 50 {
		t.Errorf("never steady: cut %d is not past the middle", cut)
	}
	for i := 40; i < 45; i++ {
		values[i] = math.NaN()
	}
	values[0], values[100] = math.NaN(), math.Inf(1)
	if cut := MSER5(values, 0); cut < 25 || cut > 50 {
		t.Errorf("with gaps: cut %d", cut)
	}
	for _, c := range []struct {
		values []float64
		least  int
		want   int
	}{{nil, 3, 0}, {[]float64{1, 2}, 5, 2}, {[]float64{1, 2, 3}, -1, 0}, {[]float64{math.NaN(), math.NaN()}, 1, 1}} {
		if cut := MSER5(c.values, c.least); cut != c.want {
			t.Errorf("%v, %d at least: cut %d, want %d", c.values, c.least, cut, c.want)
		}
	}
}

func TestSplitVarianceAdvises(t *testing.T) {
	random := source(8)
	runs := func(n, requests int, between, within float64) [][]float64 {
		out := make([][]float64, n)
		for i := range out {
			level := 100 + between*random.NormFloat64()
			for range requests {
				out[i] = append(out[i], level+within*random.NormFloat64())
			}
		}
		return out
	}
	for _, c := range []struct {
		name string
		runs [][]float64
		want string
	}{
		{"runs differ", runs(12, 50, 3, 3), MoreRuns},
		{"requests differ", runs(12, 50, 0.05, 3), MoreRequests},
		{"two runs", runs(2, 50, 3, 3), ""},
		{"no spread", [][]float64{{1, 1}, {1, 1}, {1, 1}}, ""},
		{"as much of each", [][]float64{{1, 3}, {2, 4}, {4, 6}}, ""},
	} {
		v, ok := SplitVariance(c.runs)
		if !ok || v.Advice != c.want || v.Runs != len(c.runs) {
			t.Errorf("%s: %+v, %v", c.name, v, ok)
		}
	}
	v, ok := SplitVariance(append(runs(200, 40, 2, 5), nil, []float64{math.NaN()}))
	if !ok || math.Abs(v.Between-4) > 0.8 || math.Abs(v.Within-25) > 1 || v.Runs != 200 {
		t.Errorf("variances 4 and 25: %+v", v)
	}
	for _, r := range [][][]float64{nil, {{1, 2, 3}}, {{1}, {2}, {3}}, {{-math.MaxFloat64, math.MaxFloat64}, {0, 1}}} {
		if v, ok := SplitVariance(r); ok {
			t.Errorf("%v: %+v", r, v)
		}
	}
}

// medianSlope is the median slope by making all pairs.
func medianSlope(values []float64, at []int) float64 {
	var all []float64
	for j := range values {
		for i := range j {
			all = append(all, (values[j]-values[i])/float64(at[j]-at[i]))
		}
	}
	slices.Sort(all)
	return quantile(all, 0.5)
}

func TestTheilSenAgainstAllPairs(t *testing.T) {
	random := source(6)
	for n := 2; n < 80; n++ {
		values, at := make([]float64, n), make([]int, n)
		last := 0
		for i := range values {
			last += 1 + random.IntN(3)
			at[i], values[i] = last, 100+0.1*float64(i)+random.NormFloat64()
			if n%3 == 0 {
				values[i] = math.Round(values[i]) // with ties
			}
		}
		if got, want := theilSen(values, at), medianSlope(values, at); math.Abs(got-want) > 1e-9 {
			t.Errorf("n = %d: %v, want %v", n, got, want)
		}
	}
}

func TestTrend(t *testing.T) {
	// Three in order: of 6 orders two are as clear.
	if percent, p := Trend([]float64{99, 100, 101}); math.Abs(percent-2) > 1e-9 || math.Abs(p-2.0/6) > 1e-12 {
		t.Errorf("three values: %v %%, p %v", percent, p)
	}
	// A gap keeps its place: one more step a value, the same slope over more of them.
	if percent, _ := Trend([]float64{99, math.NaN(), 101}); !math.IsNaN(percent) {
		t.Errorf("two values: %v", percent)
	}
	if percent, _ := Trend([]float64{98, 99, math.NaN(), 101, 102}); math.Abs(percent-4) > 1e-9 {
		t.Errorf("with a gap: %v", percent)
	}
	if percent, p := Trend([]float64{5, 5, 5, 5}); percent != 0 || p != 1 {
		t.Errorf("equal values: %v %%, p %v", percent, p)
	}
	if percent, p := Trend([]float64{-1, 0, 1}); !math.IsNaN(percent) || math.IsNaN(p) {
		t.Errorf("around 0: %v %%, p %v", percent, p)
	}
	long := make([]float64, 20_000)
	random := source(9)
	for i := range long {
		long[i] = 100 + 5*float64(i)/float64(len(long)) + random.NormFloat64()
	}
	if percent, p := Trend(long); math.Abs(percent-4.9) > 0.3 || p > 1e-9 {
		t.Errorf("5 in 100: %v %%, p %v", percent, p)
	}
}
