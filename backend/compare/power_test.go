package compare

import (
	"math"
	"strings"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
)

// With a spread that earlier runs tell, and with the one that is assumed where none do.
func TestEstimate(t *testing.T) {
	known := Estimate([][]domain.Run{runs("a", 400, 100, 1), runs("b", 400, 50, 2)}, []float64{10, 20}, 8, 100, 2)
	if known.SpreadFrom != "runs" || known.RunsLookedAt != 800 || math.Abs(known.SpreadPercent-math.Sqrt2) > 0.05 || known.Figures != 2 || known.Total != 16 || *known.Seconds != 240 {
		t.Errorf("%+v", known)
	}
	one := Estimate([][]domain.Run{runs("a", 40, 100, 1), nil}, []float64{10, math.NaN()}, 8, 100, 2)
	if one.RunsLookedAt != 40 || one.SpreadPercent < 1.1 || one.Seconds != nil {
		t.Errorf("an arm without runs spreads like the other: %+v", one)
	}
	assumed := Estimate([][]domain.Run{runs("a", 2, 100, 1), nil}, []float64{math.NaN(), 1}, 8, 100, 2)
	if assumed.SpreadFrom != "assumed" || assumed.RunsLookedAt != 0 || assumed.Figures != 4 || !strings.Contains(assumed.Sentence, "assumed") {
		t.Errorf("%+v", assumed)
	}
	if *known.Power < *assumed.Power || *assumed.Power < 0.2 || *known.Power > 0.99 {
		t.Errorf("power %v known, %v assumed", *known.Power, *assumed.Power)
	}
	for _, o := range known.Options {
		again := Estimate([][]domain.Run{runs("a", 400, 100, 1), runs("b", 400, 50, 2)}, []float64{10, 20}, *o.Pairs, 100, 2)
		if *again.Power < o.Power || *o.Seconds != 30*float64(*o.Pairs) {
			t.Errorf("%d pairs find it in %v, not in %v", *o.Pairs, *again.Power, o.Power)
		}
	}
}

// Fewer pairs than the exact test needs find nothing, however large the difference; no effect has no power.
func TestEstimateAtTheEdges(t *testing.T) {
	few := Estimate([][]domain.Run{nil, nil}, []float64{1, 1}, 7, 100, 50) // 2 ÷ 2⁷ is above 5 % ÷ 4
	if *few.Power != 0 || *few.Options[0].Pairs != 8 {
		t.Errorf("%v, %+v", *few.Power, few.Options)
	}
	if none := Estimate([][]domain.Run{nil, nil}, []float64{1, 1}, 8, 100, 0); none.Power != nil || len(none.Options) != 0 || none.Sentence == "" {
		t.Errorf("%+v", none)
	}
	if small := Estimate([][]domain.Run{nil, nil}, []float64{1, 1}, 8, 100, 0.1); small.Options[1].Pairs != nil {
		t.Errorf("%+v", small.Options)
	}
}
