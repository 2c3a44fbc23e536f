package stats

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
)

// writing is a run of requests, one after the other, whose decode speed at second t is speed(t), with
// noise of 3 %.
func writing(seconds float64, speed func(t float64) float64) set {
	rnd := rand.New(rand.NewPCG(5, 6))
	var s set
	for us := int64(0); float64(us) < seconds*1e6; {
		r := &domain.RequestRecord{Phase: domain.PhaseMeasure, Outcome: domain.OutcomeOK, SentUs: us, ChunkUs: []int64{300_000}}
		for range 100 {
			last := r.ChunkUs[len(r.ChunkUs)-1]
			r.ChunkUs = append(r.ChunkUs, last+int64(1e6/speed(float64(us+last)/1e6)*(1+.03*rnd.NormFloat64())))
		}
		us += r.ChunkUs[len(r.ChunkUs)-1]
		s.add(r)
	}
	return s
}

func TestSteadySpeed(t *testing.T) {
	one := []part{{}}
	for name, c := range map[string]struct {
		set         set
		parts       []part
		none        bool
		burst, held float64
		at          float64 // s; −1: not reached
		says        string
	}{
		"holds":         {set: writing(120, func(float64) float64 { return 50 }), burst: 50, held: 50, at: 0, says: "held its speed: 50"},
		"falls":         {set: writing(180, func(s float64) float64 { return 50 - 9*math.Min(1, math.Max(0, s-30)/10) }), burst: 50, held: 41, at: 40, says: "(18 % less) from"},
		"keeps falling": {set: writing(120, func(s float64) float64 { return 60 - s/4 }), burst: 58.7, held: 34, at: -1, says: "No steady speed was reached"},
		"gets faster":   {set: writing(120, func(s float64) float64 { return 40 + 10*math.Min(1, s/15) }), burst: 43, held: 50, at: 15, says: "held its speed: 50"},
		"short":         {set: writing(50, func(float64) float64 { return 50 }), none: true},
		"stages":        {set: writing(120, func(float64) float64 { return 50 }), parts: []part{{}, {}}, none: true},
		"nothing":       {none: true},
	} {
		t.Run(name, func(t *testing.T) {
			if c.parts == nil {
				c.parts = one
			}
			got := steadySpeed(c.parts, c.set)
			if c.none {
				if got != nil {
					t.Errorf("%+v", got)
				}
				return
			}
			if got == nil || math.Abs(got.BurstTokensPerSecond-c.burst) > .05*c.burst || math.Abs(got.SustainedTokensPerSecond-c.held) > .05*c.held || !strings.Contains(got.Sentence, c.says) {
				t.Fatalf("%+v", got)
			}
			if got.Reached != (c.at >= 0) || got.Reached && (math.Abs(*got.TimeToSteadyS-c.at) > 10 || got.SteadyFromUs == nil) {
				t.Errorf("%+v, from %v", got, *got.TimeToSteadyS)
			}
		})
	}
}

func TestMSER(t *testing.T) {
	for name, c := range map[string]struct {
		values []float64
		want   int
	}{
		"warm-up": {[]float64{9, 7, 5, 5.1, 5, 4.9, 5, 5.1}, 2}, "even": {[]float64{3, 3, 3, 3}, 0}, "one": {[]float64{3}, 0}, "none": {nil, 0},
	} {
		if got := mser(c.values); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}
