//go:build simulate

package infer

import (
	"fmt"
	"math"
	"os"
	"testing"
)

// table prints lines and holds figures to their bounds, in percent.
type table struct{ t *testing.T }

func (s table) head(words string) { fmt.Fprintf(os.Stdout, "\n%s\n", words) }

func (s table) say(what string, percent float64) {
	fmt.Fprintf(os.Stdout, "  %-58s %6.1f %%\n", what, percent)
}

func (s table) hold(what string, percent, least, most float64) {
	s.t.Helper()
	verdict := "ok"
	if percent < least || percent > most {
		verdict = "NOT REACHED"
		s.t.Errorf("%s: %.1f %%, must be %.0f to %.0f", what, percent, least, most)
	}
	fmt.Fprintf(os.Stdout, "  %-58s %6.1f %%   must be %.0f to %.0f: %s\n", what, percent, least, most, verdict)
}

const sims = 2000

func TestSimulationComparisons(t *testing.T) {
	s := table{t}
	s.head("A against itself, called different (pooled requests, run means, paired t, paired exact)")
	for _, c := range []struct {
		name string
		in   order
	}{{"AAAA BBBB", oneAfterTheOther}, {"ABAB", inTurn}, {"ABBA", turningRound}, {"random in pairs", randomInPairs}} {
		f := compareOften(sims, 1, c.in, 1)
		fmt.Fprintf(os.Stdout, "  %-16s %6.1f %6.1f %6.1f %6.1f %%\n", c.name, f.percent(f.pooled), f.percent(f.runs), f.percent(f.pairedT), f.percent(f.paired))
	}
	f := compareOften(sims, 2, randomInPairs, 1)
	s.hold("paired in random order, t interval", f.percent(f.pairedT), 3, 7)
	s.hold("paired in random order, exact p", f.percent(f.paired), 3, 7)
	s.head("A true difference found, 8 pairs")
	for _, effect := range []float64{0.01, 0.02, 0.05} {
		f := compareOften(sims, 3, randomInPairs, 1+effect)
		least := 0.0
		if effect >= 0.02 {
			least = 70
		}
		s.hold(fmt.Sprintf("%.0f %%, t interval", 100*effect), f.percent(f.pairedT), least, 100)
		s.hold(fmt.Sprintf("%.0f %%, exact p", 100*effect), f.percent(f.paired), least, 100)
		s.say(fmt.Sprintf("%.0f %%, unpaired run means", 100*effect), f.percent(f.runs))
	}
}

func TestSimulationStopping(t *testing.T) {
	s := table{t}
	s.head("A against itself, repeated until the looks say stop")
	for _, c := range []struct{ least, most int }{{10, 30}, {6, 30}} {
		for _, target := range []float64{0.001, 0.01} {
			l := Looks{At: PlannedLooks(c.least, c.most), Target: target, Confidence: 0.95}
			f := stopOften(sims, 4, l)
			name := fmt.Sprintf("looks at %v, ± %v %%: ", l.At, 100*target)
			s.hold(name+"shown", f.percent(f.shown), 0, 7)
			s.hold(name+"interval beside 1", f.percent(f.outside), 0, 7)
			s.say(name+"narrow enough", f.percent(f.narrow))
			s.say("  asking after every pair from the fifth", f.percent(f.peeked))
		}
	}
}

func TestSimulationRepeats(t *testing.T) {
	s := table{t}
	s.head("Runs repeated until their mean is known to 2 %")
	for _, least := range []int{3, 5, 10} {
		for _, spread := range []float64{0.02, 0.05} {
			f := repeatOften(sims, 10, Looks{At: PlannedLooks(least, 40), Target: 0.02, Confidence: 0.95}, spread)
			name := fmt.Sprintf("%d to 40 runs that spread by %.0f %%: ", least, 100*spread)
			s.hold(name+"the interval holds", f.percent(f.holds), 95, 100)
			s.say(fmt.Sprintf("  narrow enough, after %.1f runs", float64(f.runs)/sims), f.percent(f.narrow))
		}
	}
}

func TestSimulationCoverage(t *testing.T) {
	s := table{t}
	s.head("Intervals at 95 % that hold the true figure")
	for _, c := range []struct {
		n      int
		spread float64
	}{{400, 0.03}, {1000, 0.03}, {1000, 0.5}, {50, 0.03}, {50, 0.5}} {
		f := coverOften(sims, 5, c.n, c.spread, 2000)
		name := fmt.Sprintf("n = %d, spread %v: ", c.n, c.spread)
		low := 93.0
		if c.n < 100 && c.spread > 0.1 {
			low = 0 // few skewed values: shown, not promised
		}
		s.hold(name+"mean, Student", f.percent(f.mean), low, 97)
		s.hold(name+"mean, BCa", f.percent(f.bca), low, 97)
		s.hold(name+"median", f.percent(f.p50), 93, 97)
		if c.n >= 299 {
			s.hold(name+"99th percentile", f.percent(f.p99), 93, 97)
		}
	}
}

func TestSimulationChangePoints(t *testing.T) {
	s := table{t}
	s.head("Change points, alpha 5 %, 499 permutations")
	for _, n := range []int{15, 30, 60} {
		f := changeOften(sims, 6, n, 0)
		s.hold(fmt.Sprintf("n = %d, flat: alarms", n), f.percent(f.alarms), 0, 7)
		f = changeOften(sims, 7, n, 2)
		least := 95.0
		if n < 30 {
			least = 0
		}
		s.hold(fmt.Sprintf("n = %d, a step of 2 standard deviations: found", n), f.percent(f.alarms), least, 100)
		s.say("  within 2 values of where it is", f.percent(f.met))
		s.hold("  and another one, which is not there", f.percent(f.more), 0, 7)
	}
}

func TestSimulationWarmUpAndPower(t *testing.T) {
	s := table{t}
	s.head("Others")
	s.say("warm-up of 10 in 100 values: cut from 5 to 25", 100*float64(cutOften(sims, 8))/sims)
	sd, found := pairedSpread(sims, 9, 1.02)
	want := 100 * PairedPower(sd, 0.02, runsAnArm, 0.05)
	s.say(fmt.Sprintf("power foreseen for 2 %% (spread of pairs %.2f %%)", 100*sd), want)
	s.hold("  and found", found, want-3, want+3)
	if math.IsNaN(want) {
		t.Error("no power")
	}
}
