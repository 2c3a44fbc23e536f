package load

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
)

func fieldsOf(err error) []domain.FieldError {
	var e *domain.Error
	if !errors.As(err, &e) || len(e.Fields) == 0 {
		return []domain.FieldError{{}}
	}
	return e.Fields
}

func TestParseObjectives(t *testing.T) {
	ttft := domain.Objective{Metric: "ttft", BelowMs: 500}
	tpot := domain.Objective{Metric: "tpot", Percentile: new(95.0), BelowMs: 50}
	cases := map[string][]domain.Objective{
		`null`:                               nil,
		`"ttft<500ms"`:                       {ttft},
		`"ttft<0.5s, tpot_p95<50ms"`:         {ttft, tpot},
		`["ttft<500ms","tpot_p95<50ms"]`:     {ttft, tpot},
		`[{"metric":"ttft","below_ms":500}]`: {ttft},
		`["ttft<500ms",{"metric":"tpot","percentile":95,"below_ms":50}]`: {ttft, tpot},
		`{"ttft_ms":500,"tpot_p95_ms":50}`:                               {tpot, ttft},
		`[]`:                                                             {},
	}
	for text, want := range cases {
		var v any
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			t.Fatal(err)
		}
		got, err := ParseObjectives(v)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s = %+v, %v", text, got, err)
		}
	}
	if got, err := ParseObjectives([]domain.Objective{tpot}); err != nil || len(got) != 1 {
		t.Errorf("typed: %v, %v", got, err)
	}
	if got, err := ParseObjectives([]string{"ttft<500ms"}); err != nil || len(got) != 1 {
		t.Errorf("words: %v, %v", got, err)
	}
}

func TestObjectivesRefused(t *testing.T) {
	cases := map[string]string{
		`""`:                   "body.slo[0]",
		`5`:                    "body.slo",
		`"ttft<500"`:           "body.slo[0]",
		`"ttft>500ms"`:         "body.slo[0]",
		`"ttft<500ms,x<5ms"`:   "body.slo[1]",
		`"ttft_p0<5ms"`:        "body.slo[0]",
		`"ttft<0ms"`:           "body.slo[0]",
		`[5]`:                  "body.slo[0]",
		`[{"metric":"ttft"}]`:  "body.slo[0].below_ms",
		`{"ttft":500}`:         "body.slo",
		`{"ttft_ms":"500"}`:    "body.slo",
		`{"ttft_p95_ms":-1}`:   "body.slo",
		`{"speed_p95_ms":500}`: "body.slo",
		`[{"metric":"ttft","below_ms":5,"above_ms":1}]`:       "body.slo[0]",
		`[{"metric":"speed","below_ms":5}]`:                   "body.slo[0].metric",
		`[{"metric":"ttft","below_ms":5,"percentile":100.5}]`: "body.slo[0].percentile",
	}
	for text, want := range cases {
		var v any
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			t.Fatal(err)
		}
		got, err := ParseObjectives(v)
		if domain.KindOf(err) != domain.KindInvalid || fieldsOf(err)[0].Location != want {
			t.Errorf("%s = %+v, %+v; want an error at %s", text, got, err, want)
		}
	}
}

func FuzzParseObjectives(f *testing.F) {
	for _, word := range []string{"ttft<500ms", "tpot_p99.9<0.05s,e2e<2s", "itl_p50<1ms"} {
		f.Add(word)
	}
	f.Fuzz(func(t *testing.T, word string) {
		objectives, err := ParseObjectives(word)
		if err != nil {
			return
		}
		for _, o := range objectives {
			again, err := ParseObjectives(objectiveWord(o))
			if err != nil || !reflect.DeepEqual(again, []domain.Objective{o}) {
				t.Fatalf("%q → %q → %+v, %v", word, objectiveWord(o), again, err)
			}
		}
	})
}

func TestParseLengths(t *testing.T) {
	cases := map[string]domain.Lengths{
		"512":                               {Kind: "fixed", Tokens: new(512)},
		"fixed:512":                         {Kind: "fixed", Tokens: new(512)},
		"uniform:128..512":                  {Kind: "uniform", Min: new(128), Max: new(512)},
		"normal:512,64":                     {Kind: "normal", Mean: new(512.0), StdDev: new(64.0)},
		"normal:512,0":                      {Kind: "normal", Mean: new(512.0), StdDev: new(0.0)},
		"lognormal:512,128,min=16,max=1024": {Kind: "lognormal", Mean: new(512.0), StdDev: new(128.0), Min: new(16), Max: new(1024)},
		"histogram:128=3,512=0.5":           {Kind: "histogram", Bins: []domain.LengthBin{{Tokens: 128, Weight: 3}, {Tokens: 512, Weight: 0.5}}},
	}
	for word, want := range cases {
		if got, err := ParseLengths(word); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s = %+v, %v", word, got, err)
		}
	}
	for _, word := range []string{"", "0", "x", "1048577", "uniform:5", "uniform:9..5", "normal:5", "normal:5,-1", "normal:0,1",
		"normal:5,1,low=3", "normal:5,1,min=9,max=5", "histogram:", "histogram:5", "histogram:5=0", "zipf:5"} {
		if got, err := ParseLengths(word); domain.KindOf(err) != domain.KindInvalid {
			t.Errorf("%q = %+v, %v", word, got, err)
		}
	}
}

func FuzzParseLengths(f *testing.F) {
	for _, word := range []string{"512", "uniform:1..2", "normal:5,1,min=2", "histogram:1=2,3=4"} {
		f.Add(word)
	}
	f.Fuzz(func(t *testing.T, word string) {
		l, err := ParseLengths(word)
		if err != nil {
			return
		}
		for _, n := range []*int{l.Tokens, l.Min, l.Max} {
			if n != nil && (*n < 1 || *n > mostTokens) {
				t.Fatalf("%q gives %d tokens", word, *n)
			}
		}
		if l.Mean != nil && (*l.Mean <= 0 || *l.StdDev < 0) {
			t.Fatalf("%q gives mean %g, deviation %g", word, *l.Mean, *l.StdDev)
		}
	})
}
