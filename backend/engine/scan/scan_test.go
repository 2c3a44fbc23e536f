package scan_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/inferometer/inferometer/backend/engine/scan"
)

// read follows the layout {"a":TEXT,"n":INT} with an optional "b":TEXT between.
func read(data []byte) (a, b string, n int, ok bool) {
	l := scan.Of(data)
	l.Literal(`{"a":`)
	a = l.Text()
	if l.Maybe(`,"b":`) {
		b = l.Text()
	}
	l.Literal(`,"n":`)
	n = l.Int()
	l.Literal("}")
	return a, b, n, l.End()
}

func TestLine(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`{"a":"x","n":7}`:                       "x,,7",
		" {\"a\":\"\",\"n\":0}\r\n":             ",,0",
		`{"a":"\u003cb\u003e \"q\" \\","n":12}`: `<b> "q" \,,12`,
		`{"a":"é🙂","b":"two","n":123456789}`:    "é🙂,two,123456789",
		`{"a":"x","n":1234567890}`:              "", `{"a":"x","n":01}`: "", `{"a":"x","n":-1}`: "", `{"a":"x","n":}`: "",
		`{"a":"x","n":7} x`: "", `{"a":"x"`: "", `{"a":"x\","n":7}`: "", `{"a":x,"n":7}`: "", `{"a":"\q","n":7}`: "",
		"{\"a\":\"\n\",\"n\":7}": "", "{\"a\":\"\xff\",\"n\":7}": "", ``: "", `{"A":"x","n":7}`: "",
	} {
		a, b, n, ok := read([]byte(in))
		got := ""
		if ok {
			got = fmt.Sprintf("%s,%s,%d", a, b, n)
		}
		if got != want {
			t.Errorf("%s: %q, want %q", in, got, want)
		}
	}
}

func TestSkip(t *testing.T) {
	t.Parallel()
	l := scan.Of([]byte(`"a\"b"end`))
	l.Skip()
	l.Literal("end")
	if !l.End() {
		t.Error("a text was not passed over")
	}
	if l.Skip(); l.End() {
		t.Error("nothing was passed over")
	}
}

// FuzzLine: what is accepted is JSON and means the same to encoding/json.
func FuzzLine(f *testing.F) {
	for _, s := range []string{`{"a":"x","n":7}`, `{"a":"\u003c","b":"\ud83d\ude42","n":0}`, `{"a":"\ud800","n":1}`, `{"a":"x\`, `{"a":""`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		a, b, n, ok := read(data)
		if !ok {
			return
		}
		var want struct {
			A string `json:"a"`
			B string `json:"b"`
			N int    `json:"n"`
		}
		if err := json.Unmarshal(data, &want); err != nil || want.A != a || want.B != b || want.N != n {
			t.Errorf("%q: read %q %q %d, JSON says %+v, %v", data, a, b, n, want, err)
		}
	})
}
