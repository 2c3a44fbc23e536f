package load

import (
	"reflect"
	"strings"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
)

func rateOf(kind string, rate float64) domain.Load { return domain.Load{Kind: kind, RatePerS: &rate} }

func TestWords(t *testing.T) {
	rate := new(domain.OverRate)
	cases := map[string]domain.Load{
		"single":               {Kind: "single"},
		"single,think=250ms":   {Kind: "single", ThinkTimeMs: new(250)},
		"closed:16":            {Kind: "closed", Concurrency: new(16)},
		"rate:5/s":             rateOf("rate", 5),
		"poisson:0.25/s":       rateOf("poisson", 0.25),
		"gamma:5/s,cv=2":       {Kind: "gamma", RatePerS: new(5.0), CV: new(2.0)},
		"rate:5/s,max=64":      {Kind: "rate", RatePerS: new(5.0), MaxInFlight: new(64)},
		"ramp:1..64/30s":       {Kind: "ramp", From: new(1.0), To: new(64.0), RampS: new(30.0)},
		"ramp:1/s..20/s/60s":   {Kind: "ramp", From: new(1.0), To: new(20.0), RampS: new(60.0), Over: rate},
		"sweep:1,2,4,8":        {Kind: "sweep", Values: []float64{1, 2, 4, 8}},
		"sweep:1/s,2.5/s":      {Kind: "sweep", Values: []float64{1, 2.5}, Over: rate},
		"knee":                 {Kind: "knee"},
		"knee:ttft_p95<500ms":  {Kind: "knee", Objective: &domain.Objective{Metric: "ttft", Percentile: new(95.0), BelowMs: 500}},
		"knee,over=rate,to=50": {Kind: "knee", Over: rate, To: new(50.0)},
		"trace":                {Kind: "trace"},
		"trace,speed=2,max=8":  {Kind: "trace", Speed: new(2.0), MaxInFlight: new(8)},
		"knee:e2e<2000ms,from=2,to=64,think=100ms,spread=0ms": {Kind: "knee", From: new(2.0), To: new(64.0), ThinkTimeMs: new(100),
			SpreadMs: new(0), Objective: &domain.Objective{Metric: "e2e", BelowMs: 2000}},
	}
	for word, want := range cases {
		got, err := ParseWord(word)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("ParseWord(%s) = %+v, %v", word, got, err)
		}
		if back := Word(want); back != word {
			t.Errorf("Word = %s, want %s", back, word)
		}
	}
}

func TestWordsOfOtherForm(t *testing.T) {
	cases := map[string]string{
		"sweep:1..64":               "sweep:1,2,4,8,16,32,64",
		"sweep:3..20":               "sweep:3,6,12,20",
		"sweep:1/s..4/s":            "sweep:1/s,2/s,4/s",
		" closed:08 ":               "closed:8",
		"knee:ttft<0.5s":            "knee:ttft<500ms",
		"closed:4,think=1.5s":       "closed:4,think=1500ms",
		"knee,over=concurrency":     "knee",
		"sweep:1,2,over=rate":       "sweep:1/s,2/s",
		"closed:4,think=0,spread=0": "closed:4,think=0ms,spread=0ms",
	}
	for word, want := range cases {
		l, err := ParseWord(word)
		if err != nil || Word(l) != want {
			t.Errorf("%s → %s, %v; want %s", word, Word(l), err, want)
		}
	}
}

func TestWordsRefused(t *testing.T) {
	for _, word := range []string{
		"", "closed", "closed:", "closed:many", "closed,16", "closed:0", "closed:10001", "closed:1e3", "closed:-1", "single:2",
		"single,", "rate:5", "rate:0/s", "rate:Inf/s", "rate:5/s,cv=2", "gamma:5/s,cv=11", "ramp:1..64", "ramp:1..64/30",
		"ramp:64..1/30s", "ramp:1/s..64/30s", "ramp:1.5..64/30s", "sweep:", "sweep:1,2/s", "sweep:8..1", "sweep:1,,2",
		"knee:ttft", "knee:speed<5ms", "knee:ttft<5", "knee:ttft_p101<5ms", "knee,from=8,to=8", "trace:x", "trace,speed=0",
		"closed:4,think=1h", "closed:4,think=1us", "closed:4,pause=1s", "closed:4,max=2", "burst:5/s",
		"sweep:" + strings.Repeat("1,", 64) + "1", strings.Repeat("x", 3000),
	} {
		l, err := ParseWord(word)
		if domain.KindOf(err) != domain.KindInvalid {
			t.Errorf("%.40s = %+v, %v", word, l, err)
		} else if len(word) > 100 && strings.Contains(fieldsOf(err)[0].Message, word) {
			t.Errorf("the refusal of %.40s repeats it", word)
		}
	}
}

func TestTraceFile(t *testing.T) {
	cases := []struct {
		word, file, rest string
		ok               bool
	}{
		{"trace:day.jsonl", "day.jsonl", "trace", true},
		{"trace:/a b/c,d=e.csv,speed=2,max=8", "/a b/c,d=e.csv", "trace,max=8,speed=2", true},
		{"trace:", "", "trace", false},
		{"trace", "", "trace", false},
		{"closed:4", "", "closed:4", false},
	}
	for _, c := range cases {
		file, rest, ok := TraceFile(c.word)
		if file != c.file || rest != c.rest || ok != c.ok {
			t.Errorf("%s: %s, %s, %v", c.word, file, rest, ok)
		}
		if _, err := ParseWord(rest); ok && err != nil {
			t.Errorf("%s leaves %s: %v", c.word, rest, err)
		}
	}
}

// What is read is valid, and written and read again it stays the same.
func FuzzParseWord(f *testing.F) {
	for _, word := range []string{"single", "closed:16", "rate:5/s", "gamma:5/s,cv=2", "ramp:1/s..20/s/60s", "sweep:1..64",
		"sweep:1,2,think=5ms", "knee:ttft_p95<0.5s,from=2", "knee,over=rate", "trace,speed=2", "closed:4,spread=0"} {
		f.Add(word)
	}
	f.Fuzz(func(t *testing.T, word string) {
		l, err := ParseWord(word)
		if err != nil {
			return
		}
		if bad := checkLoad("body.load", l); len(bad) > 0 {
			t.Fatalf("%q is not valid: %v", word, bad)
		}
		again, err := ParseWord(Word(l))
		if err != nil || !reflect.DeepEqual(l, again) {
			t.Fatalf("%q → %q → %+v, %v", word, Word(l), again, err)
		}
	})
}
