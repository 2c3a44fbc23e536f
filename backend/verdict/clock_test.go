package verdict

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
)

// throttled is a run of 120 s whose clock and decode speed fall by 18 % after onset, with noise.
func throttled(onset int64, temp float64) *bed {
	b, rnd := good(), rand.New(rand.NewPCG(1, 2))
	b.samples = nil
	level := func(us int64) float64 {
		if us >= onset {
			return 0.82
		}
		return 1
	}
	for us := int64(0); us < 120_000_000; us += 100_000 {
		heat := 70.0
		if us >= onset {
			heat = temp
		}
		b.samples = append(b.samples, domain.Sample{TUs: us, Phase: domain.PhaseMeasure, CPUTempC: &heat,
			CPUClockMHz: new(4000 * level(us) * (1 + 0.02*rnd.NormFloat64()))})
	}
	for us, n := int64(0), 0; us < 118_000_000; n++ {
		q := domain.RequestRecord{N: n, Phase: domain.PhaseMeasure, Outcome: domain.OutcomeOK, SentUs: us, ChunkUs: []int64{200_000}}
		for range 100 {
			gap := int64(50_000 / level(us+q.ChunkUs[len(q.ChunkUs)-1]) * (1 + 0.05*rnd.NormFloat64()))
			q.ChunkUs = append(q.ChunkUs, q.ChunkUs[len(q.ChunkUs)-1]+gap)
		}
		b.requests, us = append(b.requests, q), us+q.ChunkUs[len(q.ChunkUs)-1]
	}
	return b
}

func TestThrottleIsFoundWithItsOnset(t *testing.T) {
	const onset = 74_000_000
	got := throttled(onset, 96).judge()
	said(t, portuguese(t), got)
	if got.Limit != domain.LimitThermal || !strings.Contains(got.Sentence, "Heat held the clock down: decoding lost 18 % of its speed after 74 s") {
		t.Fatalf("%+v", got)
	}
	e := got.Evidence[0]
	if e.FromUs == nil || *e.FromUs < onset-2_000_000 || *e.FromUs > onset+2_000_000 || *e.ToUs != 119_900_000 {
		t.Errorf("from %v to %v", *e.FromUs, *e.ToUs)
	}
	if got.Unit != "tok/s" || *got.Share < 0.8 || *got.Share > 0.84 {
		t.Errorf("share %v of %v %s", *got.Share, *got.Ceiling, got.Unit)
	}
}

// A clock that falls on a cool machine is said, but no cause is made up for it.
func TestNoCauseWithoutAReading(t *testing.T) {
	got := throttled(30_000_000, 55).judge()
	said(t, portuguese(t), got)
	if got.Limit == domain.LimitThermal {
		t.Fatalf("%+v", got)
	}
	for _, f := range got.NotJudged {
		if f.About == domain.LimitThermal && strings.Contains(f.Claim, "The clock fell from 4") && strings.HasSuffix(f.Claim, "No reading shows why.") {
			return
		}
	}
	t.Errorf("the fall is not told: %+v", got.NotJudged)
}

func TestAPowerLimitCountsByWhatItCosts(t *testing.T) {
	b := throttled(60_000_000, 70)
	b.env().Engine.GPUUsed, b.env().GPUs = new(true), []domain.GPUInfo{{}}
	b.each(func(x *domain.Sample) { x.GPUs = []domain.GPUSample{{LimitReasons: []string{}}} })
	b.name("power_cap", 60_000_000)
	got := b.judge()
	said(t, portuguese(t), got)
	if got.Limit != domain.LimitPower || !strings.Contains(got.Sentence, "The power limit held the clock down: decoding lost 18 % of its speed after 60 s") {
		t.Errorf("%+v", got)
	}
}

func TestFindFall(t *testing.T) {
	flat := func(n int, v func(i int) float64) []point {
		ps := make([]point, n)
		for i := range ps {
			ps[i] = point{int64(i) * 100_000, v(i)}
		}
		return ps
	}
	rnd := rand.New(rand.NewPCG(3, 4))
	for name, c := range map[string]struct {
		ps []point
		at int64 // −1: no fall
	}{
		"steady":        {flat(600, func(int) float64 { return 3000 }), -1},
		"noise":         {flat(600, func(int) float64 { return 3000 + 100*rnd.NormFloat64() }), -1},
		"within noise":  {flat(600, func(i int) float64 { return 3000 - float64(i/300)*200 + 200*rnd.NormFloat64() }), -1},
		"rises":         {flat(600, func(i int) float64 { return 3000 + float64(i/300)*500 }), -1},
		"small":         {flat(600, func(i int) float64 { return 3000 - float64(i/300)*100 }), -1},
		"falls":         {flat(600, func(i int) float64 { return 3000 - float64(i/200)*250 }), 20_000_000},
		"a short dip":   {flat(600, func(i int) float64 { return 3000 - 900*float64(btoi(i >= 300 && i < 310)) }), -1},
		"too few":       {flat(15, func(i int) float64 { return 3000 - float64(i/8)*900 }), -1},
		"falls at once": {flat(600, func(i int) float64 { return 3000 - 900*float64(btoi(i > 2)) }), -1},
		"nothing":       {nil, -1},
	} {
		f, ok := findFall(c.ps)
		if ok != (c.at >= 0) || ok && f.us != c.at {
			t.Errorf("%s: %+v, %v; want at %d", name, f, ok, c.at)
		}
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// A request beside the measured ones, and one of another stage, do not count.
func TestDecodeSpeed(t *testing.T) {
	q := func(phase domain.Phase, stage int, sent int64) domain.RequestRecord {
		return domain.RequestRecord{Phase: phase, Stage: stage, Outcome: domain.OutcomeOK, SentUs: sent, ChunkUs: []int64{0, 100_000, 200_000}}
	}
	packed := q(domain.PhaseMeasure, 0, 1_000_000)
	packed.ChunkTokens = []int{1, 2, 2}
	s := scene{requests: []domain.RequestRecord{q(domain.PhaseMeasure, 0, 0), packed, q(domain.PhaseWarmup, 0, 0), q(domain.PhaseMeasure, 1, 0)}}
	for name, c := range map[string]struct {
		from, to int64
		want     float64
	}{"all": {0, 2_000_000, 15}, "first": {0, 1_000_000, 10}, "packed": {1_000_000, 2_000_000, 20}, "none": {3_000_000, 4_000_000, 0}} {
		if got := s.decodeSpeed(c.from, c.to); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
