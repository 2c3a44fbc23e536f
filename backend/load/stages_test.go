package load

import (
	"reflect"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
)

// planOf is a plan with the load of a word.
func planOf(t *testing.T, word string, stop domain.Stop, dataset bool) domain.Plan {
	t.Helper()
	l, err := ParseWord(word)
	if err != nil {
		t.Fatal(err)
	}
	p := domain.Plan{Load: l, Stop: stop, Repeat: 1, Seed: 7}
	if dataset {
		p.DatasetID = new("set")
	}
	return p
}

func stagesOf(t *testing.T, p domain.Plan) []domain.PlanStage {
	t.Helper()
	stages, err := Stages(p)
	if err != nil {
		t.Fatal(err)
	}
	return stages
}

func TestStages(t *testing.T) {
	type want struct {
		name string
		stop domain.Stop
		min  int
	}
	for30, errors := domain.Stop{DurationS: new(30.0)}, domain.Stop{Errors: new(3)}
	cases := []struct {
		word    string
		stop    domain.Stop
		dataset bool
		want    []want
	}{
		{"single", domain.Stop{}, false, []want{{"single", requests(1), 0}}},
		{"closed:8", domain.Stop{}, false, []want{{"closed:8", requests(8), 0}}},
		{"closed:8", errors, false, []want{{"closed:8", domain.Stop{Requests: new(8), Errors: new(3)}, 0}}},
		{"closed:8", domain.Stop{}, true, []want{{"closed:8", domain.Stop{}, 0}}},
		{"closed:8", requests(50), true, []want{{"closed:8", requests(50), 0}}},
		{"poisson:5/s", domain.Stop{}, false, []want{{"poisson:5/s", for30, 0}}},
		{"poisson:5/s", domain.Stop{}, true, []want{{"poisson:5/s", domain.Stop{}, 0}}},
		{"ramp:1..8/20s", domain.Stop{}, true, []want{{"ramp:1..8/20s", domain.Stop{DurationS: new(20.0)}, 0}}},
		{"ramp:1..8/20s", domain.Stop{DurationS: new(60.0)}, false, []want{{"ramp:1..8/20s", domain.Stop{DurationS: new(60.0)}, 0}}},
		{"sweep:1,6", domain.Stop{}, false, []want{{"closed:1", requests(8), 0}, {"closed:6", requests(12), 0}}},
		{"sweep:1,6", domain.Stop{}, true, []want{{"closed:1", domain.Stop{}, 2}, {"closed:6", domain.Stop{}, 12}}},
		{"sweep:1,6", requests(5), true, []want{{"closed:1", requests(5), 0}, {"closed:6", requests(5), 0}}},
		{"sweep:1/s,2/s", errors, true, []want{{"rate:1/s", domain.Stop{DurationS: new(30.0), Errors: new(3)}, 0},
			{"rate:2/s", domain.Stop{DurationS: new(30.0), Errors: new(3)}, 0}}},
		{"knee,from=2", domain.Stop{}, false, []want{{"closed:2", requests(8), 0}}},
		{"trace", domain.Stop{}, true, []want{{"trace", domain.Stop{}, 0}}},
	}
	for _, c := range cases {
		p := planOf(t, c.word, c.stop, c.dataset)
		stages := stagesOf(t, p)
		var got []want
		for i, s := range stages {
			if s.Index != i {
				t.Errorf("%s: stage %d has index %d", c.word, i, s.Index)
			}
			got = append(got, want{s.Name, s.Stop, or(s.MinRequests, 0)})
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v\nwant %+v", c.word, got, c.want)
		}
		p.Stages = stages
		if again := stagesOf(t, p); !reflect.DeepEqual(again, stages) {
			t.Errorf("%s: resolved again: %+v", c.word, again)
		}
	}
}

func TestStagesOfAList(t *testing.T) {
	p := planOf(t, "closed:2", requests(4), false)
	p.Stages = []domain.PlanStage{
		{DepthTokens: new(0)},
		{DepthTokens: new(4096), Stop: domain.Stop{Errors: new(1)}},
		{Name: "burst", Load: domain.Load{Kind: "gamma", RatePerS: new(5.0)}, Stop: domain.Stop{DurationS: new(9.0)}},
	}
	s := stagesOf(t, p)
	if s[0].Name != "closed:2 @0" || s[1].Name != "closed:2 @4096" || s[2].Name != "burst" {
		t.Errorf("names %s, %s, %s", s[0].Name, s[1].Name, s[2].Name)
	}
	if !reflect.DeepEqual(s[1].Stop, domain.Stop{Requests: new(4), Errors: new(1)}) || *s[0].Load.Concurrency != 2 {
		t.Errorf("inherited %+v", s[1])
	}
	if !reflect.DeepEqual(s[2].Stop, domain.Stop{DurationS: new(9.0)}) || *s[2].Load.CV != DefaultCV || *s[2].Load.MaxInFlight != DefaultMaxInFlight {
		t.Errorf("own %+v", s[2])
	}
}

func TestDefaultsAreShown(t *testing.T) {
	if l := stagesOf(t, planOf(t, "closed:256", domain.Stop{}, false))[0].Load; l.SpreadMs != nil {
		t.Errorf("256 users are spread over %d ms", *l.SpreadMs)
	}
	if l := stagesOf(t, planOf(t, "sweep:300", domain.Stop{}, false))[0].Load; or(l.SpreadMs, 0) != 300 {
		t.Errorf("300 users are spread over %v", l.SpreadMs)
	}
	if l := stagesOf(t, planOf(t, "closed:300,spread=0", domain.Stop{}, false))[0].Load; *l.SpreadMs != 0 {
		t.Errorf("a spread of 0 became %d", *l.SpreadMs)
	}
}

func TestExpect(t *testing.T) {
	cases := []struct {
		word     string
		stop     domain.Stop
		dataset  bool
		requests *int
		seconds  *float64
	}{
		{"single", domain.Stop{}, false, new(1), nil},
		{"closed:4", domain.Stop{}, true, new(12), nil},
		{"closed:4", domain.Stop{DurationS: new(5.0)}, true, nil, new(5.0)},
		{"closed:4", domain.Stop{Tokens: new(5)}, true, nil, nil},
		{"sweep:2", domain.Stop{}, true, new(12), nil},
		{"sweep:9", domain.Stop{}, true, new(18), nil},
		{"rate:4/s", domain.Stop{}, false, new(120), new(30.0)},
		{"rate:4/s", domain.Stop{}, true, new(12), new(2.75)},
		{"rate:4/s", requests(5), false, new(5), new(1.0)},
		{"rate:4/s", domain.Stop{Requests: new(5), DurationS: new(30.0)}, false, new(5), new(1.0)},
		{"rate:4/s", domain.Stop{Requests: new(500), DurationS: new(30.0)}, false, new(120), new(30.0)},
		{"poisson:4/s", domain.Stop{DurationS: new(10.0)}, false, new(40), new(10.0)},
		{"ramp:2/s..4/s/10s", domain.Stop{}, false, new(30), new(10.0)},
		{"ramp:1..4/10s", domain.Stop{}, false, nil, new(10.0)},
		{"trace", domain.Stop{}, true, new(12), nil},
		{"trace", requests(50), true, new(12), nil},
		{"trace", requests(5), true, new(5), nil},
	}
	for _, c := range cases {
		stages := stagesOf(t, planOf(t, c.word, c.stop, c.dataset))
		Expect(stages, 12)
		if s := stages[0]; !reflect.DeepEqual(s.ExpectedRequests, c.requests) || !reflect.DeepEqual(s.ExpectedS, c.seconds) {
			t.Errorf("%s %+v: %d requests, %g s", c.word, c.stop, or(s.ExpectedRequests, -1), or(s.ExpectedS, -1))
		}
	}
}

// What is expected of arrivals without chance is what the pacer sends.
func TestExpectedIsSent(t *testing.T) {
	for _, word := range []string{"rate:3/s", "rate:0.3/s", "ramp:1/s..7/s/9s"} {
		stages := stagesOf(t, planOf(t, word, domain.Stop{DurationS: new(11.3)}, false))
		Expect(stages, 1)
		p, err := For(stages[0], 1, nil)
		if err != nil {
			t.Fatal(err)
		}
		sent := 0
		for _, ok := p.Due(sent); ok; _, ok = p.Due(sent) {
			sent++
		}
		if *stages[0].ExpectedRequests != sent {
			t.Errorf("%s: %d expected, %d sent", word, *stages[0].ExpectedRequests, sent)
		}
	}
}
