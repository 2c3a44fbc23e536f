package infer

import (
	"math"
	"math/rand/v2"
	"testing"
)

func nan() float64 { return math.NaN() }

// measured are rows of blocks of a machine that drifts, each arm so many times as slow as 1.
func measured(random *rand.Rand, blocks int, ratios []float64) [][]float64 {
	m := newMachine(random)
	rows := make([][]float64, blocks)
	for b := range rows {
		rows[b] = make([]float64, len(ratios))
		for _, arm := range random.Perm(len(ratios)) {
			rows[b][arm] = mean(m.run(ratios[arm]))
		}
	}
	return rows
}

// With every arm in every block it is the two-way analysis of variance: the ratio of geometric means, and for two arms
// the paired t.
func TestBlocksOfTwoArmsArePairs(t *testing.T) {
	rows := measured(source(3), 8, []float64{1, 1.03})
	b, ok := NewBlocks(rows, 0.95)
	if !ok {
		t.Fatal("no blocks")
	}
	var x, y []float64
	for _, r := range rows {
		x, y = append(x, r[0]), append(y, r[1])
	}
	want, err := PairedRatio(x, y, 0.95)
	got, _ := b.Ratio(0, 1)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "ratio", got.Ratio, want.Ratio, 1e-9)
	near(t, "low", got.Interval.Low, want.Interval.Low, 1e-9)
	near(t, "high", got.Interval.High, want.Interval.High, 1e-9)
	if got.DF != 7 {
		t.Errorf("%+v", got)
	}
}

// Arms that never shared a block are held against one another through the one that both met.
func TestBlocksThatAreNotComplete(t *testing.T) {
	rows := [][]float64{{10, 20, nan()}, {11, 22, nan()}, {nan(), 40, 80}, {nan(), 44, 88}, {nan(), nan(), 7}}
	b, ok := NewBlocks(rows, 0.95)
	if !ok {
		t.Fatal("no blocks")
	}
	r, ok := b.Ratio(0, 2)
	if !ok || math.Abs(r.Ratio-4) > 1e-9 || r.P > 0.001 {
		t.Errorf("%+v", r)
	}
	if _, df, ok := BlockSpread(rows); !ok || df != 8-4-3+1 {
		t.Errorf("df %v", df)
	}
	apart, _ := NewBlocks([][]float64{{10, 20, nan(), nan()}, {nan(), nan(), 3, 4}}, 0.95)
	if _, ok := apart.Ratio(0, 3); ok {
		t.Error("arms that do not hang together were held against one another")
	}
	if r, ok := apart.Ratio(2, 3); !ok || !math.IsNaN(r.P) || math.Abs(r.Ratio-4.0/3) > 1e-9 {
		t.Errorf("one block: %+v", r)
	}
}

func TestBlocksWithoutSpread(t *testing.T) {
	b, _ := NewBlocks([][]float64{{5, 5, 6}, {7, 7, 8.4}}, 0.95)
	if r, _ := b.Ratio(0, 1); r.P != 1 {
		t.Errorf("the same: %+v", r)
	}
	if r, _ := b.Ratio(0, 2); r.P > 1e-6 {
		t.Errorf("not the same: %+v", r)
	}
	for _, rows := range [][][]float64{nil, {{}}, {{1}}, {{1, nan()}, {nan(), 2}}, {{-1, 0, 3}}} {
		if _, ok := NewBlocks(rows, 0.95); ok {
			t.Errorf("%v gave something", rows)
		}
	}
}

// Eight settings that are all the same: at most one sweep in twenty calls any of them worse than the best. A setting that
// is 5 % slower is found as such.
func TestBlocksFalseAlarms(t *testing.T) {
	const sims = 400
	random := source(11)
	alarms, found := 0, 0
	for range sims {
		alarms += one(calledWorse(measured(random, 3, []float64{1, 1, 1, 1, 1, 1, 1, 1})) > 0)
		found += one(calledWorse(measured(random, 3, []float64{1, 1.06, 1, 1, 1, 1, 1, 1})) > 0)
	}
	if percent := 100 * float64(alarms) / sims; percent > 7 {
		t.Errorf("%.1f %% of sweeps without a difference found one", percent)
	}
	if percent := 100 * float64(found) / sims; percent < 70 {
		t.Errorf("6 %% was found in %.1f %%", percent)
	}
}

func calledWorse(rows [][]float64) int {
	b, ok := NewBlocks(rows, 0.95)
	if !ok {
		return 0
	}
	best := 0
	for i := range rows[0] {
		if b.Level(i) < b.Level(best) {
			best = i
		}
	}
	n := 0
	for i := range rows[0] {
		if r, ok := b.Ratio(best, i); ok && i != best {
			n += one(r.P < 0.05)
		}
	}
	return n
}

// With one block nothing tells the spread; with more, the interval of a mean holds the true value as often as it says,
// though there are three runs an arm alone.
func TestBlockSpread(t *testing.T) {
	if _, _, ok := BlockSpread([][]float64{{1, 2, 3}}); ok {
		t.Error("one block told a spread")
	}
	const sims, arms, blocks = 400, 6, 3
	random := source(12)
	held := 0
	for range sims {
		rows := make([][]float64, blocks)
		var first []float64
		for b := range rows {
			rows[b] = lognormals(random, arms, 0.05)
			first = append(first, rows[b][0])
		}
		sd, df, ok := BlockSpread(rows)
		if !ok || df != (arms-1)*(blocks-1) {
			t.Fatalf("sd %v df %v", sd, df)
		}
		in := SpreadInterval(mean(first), blocks, sd, df, 0.95)
		held += one(in.Low <= 1 && 1 <= in.High)
	}
	if percent := 100 * float64(held) / sims; percent < 92 || percent > 98 {
		t.Errorf("%.1f %% of intervals hold the true mean", percent)
	}
}
