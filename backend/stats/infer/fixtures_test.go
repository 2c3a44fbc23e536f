package infer

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"testing"
)

// fixtures is what SciPy says; testdata/make.py wrote it.
type fixtures struct {
	Mean, BCA []struct {
		Values     []float64
		Confidence float64
		Interval   [2]float64
	}
	Quantile []struct {
		N             int
		Q, Confidence float64
		Ranks         []int
		EqualTails    [2]*int `json:"equal_tails"`
	}
	Paired, Welch []struct {
		A, B                 []float64
		Confidence           float64
		Ratio, Low, High, DF float64
		P                    *float64
		TP                   float64 `json:"t_p"`
	}
	Power []struct {
		SD, Effect, Alpha, Power float64
		Pairs                    int
	}
	Trend []struct {
		Values     []float64
		Percent, P float64
	}
	Variance []struct {
		Runs            [][]float64
		Within, Between float64
	}
}

func readFixtures(t *testing.T) fixtures {
	t.Helper()
	data, err := os.ReadFile("testdata/fixtures.json")
	if err != nil {
		t.Fatal(err)
	}
	var f fixtures
	if err := json.Unmarshal(data, &f); err != nil {
		t.Fatal(err)
	}
	return f
}

// near fails when got is farther from want than the tolerance, as a share of want.
func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance*math.Abs(want)) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func TestMeanIntervalAgainstSciPy(t *testing.T) {
	cases := readFixtures(t).Mean
	if len(cases) < 10 {
		t.Fatalf("%d cases", len(cases))
	}
	for _, c := range cases {
		in, ok := MeanInterval(c.Values, c.Confidence)
		if !ok {
			t.Errorf("n = %d: none", len(c.Values))
		}
		near(t, "low", in.Low, c.Interval[0], 1e-9)
		near(t, "high", in.High, c.Interval[1], 1e-9)
	}
}

// SciPy leaves each value out in turn and draws from another generator; the ends must agree within 1 % of
// the width all the same. As many resamples are taken as make chance small beside that.
func TestBCaMeanAgainstSciPy(t *testing.T) {
	cases := readFixtures(t).BCA
	if len(cases) < 6 {
		t.Fatalf("%d cases", len(cases))
	}
	for _, c := range cases {
		in, ok := BCaMean(c.Values, c.Confidence, 100_000, 1)
		if !ok {
			t.Fatalf("n = %d: none", len(c.Values))
		}
		width := c.Interval[1] - c.Interval[0]
		low, high := (in.Low-c.Interval[0])/width, (in.High-c.Interval[1])/width
		t.Logf("n = %d, %.0f %%: ends %+.2f %% and %+.2f %% of the width away", len(c.Values), 100*c.Confidence, 100*low, 100*high)
		if math.Abs(low) > 0.01 || math.Abs(high) > 0.01 {
			t.Errorf("n = %d, %v: %v, want %v", len(c.Values), c.Confidence, in, c.Interval)
		}
	}
}

func TestQuantileRanksAreExact(t *testing.T) {
	none, shorter := 0, 0
	cases := readFixtures(t).Quantile
	for _, c := range cases {
		low, high, ok := quantileRanks(c.N, c.Q, c.Confidence)
		if ok != (c.Ranks != nil) || ok && (low != c.Ranks[0] || high != c.Ranks[1]) {
			t.Errorf("n %d, q %v, %v: ranks %d and %d (%v), want %v", c.N, c.Q, c.Confidence, low, high, ok, c.Ranks)
		}
		if !ok {
			none++
		}
		// SciPy's own interval leaves half the error on each side: it never is the closer one.
		if c.EqualTails[0] == nil || c.EqualTails[1] == nil {
			continue
		}
		switch span := *c.EqualTails[1] - *c.EqualTails[0]; {
		case !ok || high-low > span:
			t.Errorf("n %d, q %v, %v: ranks %d and %d are farther apart than SciPy's %d", c.N, c.Q, c.Confidence, low, high, span)
		case high-low < span:
			shorter++
		}
	}
	if len(cases) < 100 || none < 20 || shorter < 20 {
		t.Errorf("of %d cases %d had no interval, %d a shorter one than SciPy", len(cases), none, shorter)
	}
}

func TestPairedRatioAgainstSciPy(t *testing.T) {
	for _, c := range readFixtures(t).Paired {
		r, err := PairedRatio(c.A, c.B, c.Confidence)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "ratio", r.Ratio, c.Ratio, 1e-12)
		near(t, "low", r.Interval.Low, c.Low, 1e-9)
		near(t, "high", r.Interval.High, c.High, 1e-9)
		want := c.TP
		if len(c.A) <= mostFlips {
			want = *c.P
		}
		near(t, "p", r.P, want, 1e-9)
		if r.N != len(c.A) || r.M != len(c.A) || r.DF != float64(len(c.A)-1) {
			t.Errorf("counts of %d pairs: %+v", len(c.A), r)
		}
	}
}

func TestWelchRatioAgainstSciPy(t *testing.T) {
	for _, c := range readFixtures(t).Welch {
		r, err := WelchRatio(c.A, c.B, c.Confidence)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "ratio", r.Ratio, c.Ratio, 1e-12)
		near(t, "low", r.Interval.Low, c.Low, 1e-9)
		near(t, "high", r.Interval.High, c.High, 1e-9)
		near(t, "p", r.P, *c.P, 1e-9)
		near(t, "degrees of freedom", r.DF, c.DF, 1e-9)
		if r.N != len(c.A) || r.M != len(c.B) {
			t.Errorf("counts: %+v", r)
		}
	}
}

func TestPairedPowerAgainstSciPy(t *testing.T) {
	for _, c := range readFixtures(t).Power {
		if got := PairedPower(c.SD, c.Effect, c.Pairs, c.Alpha); !(math.Abs(got-c.Power) < 1e-9) {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

func TestTrendAgainstSciPy(t *testing.T) {
	for _, c := range readFixtures(t).Trend {
		percent, p := Trend(c.Values)
		near(t, "slope", percent, c.Percent, 1e-9)
		near(t, "p", p, c.P, 1e-9)
	}
}

func TestSplitVarianceAgainstSciPy(t *testing.T) {
	var between []float64
	for _, c := range readFixtures(t).Variance {
		v, ok := SplitVariance(c.Runs)
		if !ok || v.Runs != len(c.Runs) {
			t.Fatalf("%+v", v)
		}
		near(t, "within", v.Within, c.Within, 1e-12)
		near(t, "between", v.Between, c.Between, 1e-9)
		between = append(between, v.Between)
	}
	if len(between) != 3 || !slices.Contains(between, 0) {
		t.Errorf("no case without a part between runs: %v", between)
	}
}
