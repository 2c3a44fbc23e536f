package infer

import "testing"

// The simulations in short; `make simulate` runs them in full. Their seeds are fixed, so they pass or
// fail alike everywhere.

func TestPairsInRandomOrderKeepTheirErrorRate(t *testing.T) {
	same := compareOften(600, 1, randomInPairs, 1)
	t.Logf("A against itself: pooled %.1f %%, paired t %.1f %%, exact %.1f %%", same.percent(same.pooled), same.percent(same.pairedT), same.percent(same.paired))
	for name, n := range map[string]int{"t": same.pairedT, "exact": same.paired} {
		if p := same.percent(n); p < 3 || p > 7 {
			t.Errorf("false alarms, %s: %.1f %%", name, p)
		}
	}
	// What the noise does to a test that takes requests for independent: else it proves nothing.
	if p := same.percent(same.pooled); p < 35 {
		t.Errorf("pooled requests give %.1f %% false alarms only: the machine is too quiet", p)
	}
}

func TestEightPairsFindTwoPercent(t *testing.T) {
	sd, percent := pairedSpread(600, 2, 1.02)
	foreseen := 100 * PairedPower(sd, 0.02, runsAnArm, 0.05)
	t.Logf("found %.1f %%, foreseen %.1f %%", percent, foreseen)
	if percent < 70 || percent < foreseen-6 || percent > foreseen+6 {
		t.Errorf("found in %.1f %%, foreseen in %.1f %%", percent, foreseen)
	}
}

func TestPlannedLooksKeepTheirErrorRate(t *testing.T) {
	l := Looks{At: PlannedLooks(10, 30), Target: 0.01, Confidence: 0.95}
	f := stopOften(250, 1, l)
	t.Logf("shown %.1f %%, beside 1 %.1f %%, narrow enough %.1f %%, peeking %.1f %%", f.percent(f.shown), f.percent(f.outside), f.percent(f.narrow), f.percent(f.peeked))
	if f.percent(f.shown) > 7 || f.percent(f.outside) > 7 || f.percent(f.narrow) < 50 || f.percent(f.peeked) < 15 {
		t.Errorf("of %d: %+v", f.sims, f)
	}
}

func TestRepeatsStopWhereTheyAreRight(t *testing.T) {
	f := repeatOften(300, 1, Looks{At: PlannedLooks(3, 40), Target: 0.02, Confidence: 0.95}, 0.03)
	t.Logf("holds %.1f %%, narrow enough %.1f %%, after %d runs", f.percent(f.holds), f.percent(f.narrow), f.runs/f.sims)
	if f.percent(f.holds) < 95 || f.percent(f.narrow) < 80 {
		t.Errorf("of %d: %+v", f.sims, f)
	}
}

func TestIntervalsHoldTheTrueFigure(t *testing.T) {
	for _, c := range []struct {
		n      int
		spread float64
	}{{400, 0.03}, {1000, 0.5}} {
		f := coverOften(600, 2, c.n, c.spread, 200)
		t.Logf("n = %d: median %.1f %%, p99 %.1f %%, mean %.1f %%, BCa %.1f %%", c.n, f.percent(f.p50), f.percent(f.p99), f.percent(f.mean), f.percent(f.bca))
		for name, n := range map[string]int{"median": f.p50, "99th percentile": f.p99, "mean": f.mean, "mean, BCa": f.bca} {
			if p := f.percent(n); p < 93 || p > 97 {
				t.Errorf("n = %d, %s: %.1f %%", c.n, name, p)
			}
		}
	}
}

func TestChangePointsKeepTheirErrorRate(t *testing.T) {
	for _, n := range []int{15, 30, 60} {
		flat, step := changeOften(400, 1, n, 0), changeOften(400, 2, n, 2)
		t.Logf("n = %d: alarms %.1f %%, found %.1f %%, in place %.1f %%, another %.1f %%", n,
			flat.percent(flat.alarms), step.percent(step.alarms), step.percent(step.met), step.percent(step.more))
		if flat.percent(flat.alarms) > 7 || n >= 30 && (step.percent(step.alarms) < 95 || step.percent(step.met) < 85) || step.percent(step.more) > 7 {
			t.Errorf("n = %d: flat %+v, with a step %+v", n, flat, step)
		}
	}
}
