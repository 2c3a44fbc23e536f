package workload

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/inferometer/inferometer/backend/domain"
)

func TestParseReads(t *testing.T) {
	cases := []struct {
		name, format, in string
		want             string // id=text/max_tokens, …
	}{
		{"prompt", "jsonl", `{"id":"a","prompt":"Hi","max_tokens":5}` + "\n", "a=Hi/5"},
		{"text and other fields", "jsonl", `{"text":"Hi","label":[1,{"x":2}]}`, "p0001=Hi"},
		{"a bare text", "jsonl", `"Hi"`, "p0001=Hi"},
		{"number as id", "jsonl", `{"id":17,"prompt":"Hi"}`, "17=Hi"},
		{"messages", "jsonl", `{"messages":[{"role":"system","content":"Be kind."},{"role":"user","content":"Hi"}]}`, "p0001=Be kind.\n\nHi"},
		{"byte order mark, CRLF, empty lines", "jsonl", "\ufeff{\"prompt\":\"A\"}\r\n\r\n{\"prompt\":\"B\"}\r\n", "p0001=A,p0002=B"},
		{"a made-up id gives way", "jsonl", `{"id":"p0002","prompt":"A"}` + "\n" + `{"prompt":"B"}`, "p0002=A,p0003=B"},
		{"json array", "json", `[{"prompt":"A"},"B"]`, "p0001=A,p0002=B"},
		{"json object", "json", `{"version":{"v":1},"prompts":[{"text":"A"}],"more":true}`, "p0001=A"},
		{"csv", "csv", "ID,Prompt,max_tokens\na,\"Hi, you\nthere\",9\nb,Yo,\n", "a=Hi, you\nthere/9,b=Yo"},
		{"csv with mark and CRLF", "CSV", "\ufefftext\r\nHi\r\n", "p0001=Hi"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			// One byte at a time: no reader may rely on whole lines.
			ps, err := Parse(c.format, iotest.OneByteReader(strings.NewReader(c.in)))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, p := range ps {
				s := p.ID + "=" + p.Text
				if p.MaxTokens != nil {
					s += fmt.Sprintf("/%d", *p.MaxTokens)
				}
				got = append(got, s)
			}
			if strings.Join(got, ",") != c.want {
				t.Errorf("got %q, want %q", strings.Join(got, ","), c.want)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	long := strings.Repeat("x", MaxPrompt+1)
	cases := []struct {
		name, format, in string
		line             int // 0: none
	}{
		{"empty", "jsonl", "", 0},
		{"empty csv", "csv", "", 0},
		{"empty json", "json", "  ", 0},
		{"only a header", "csv", "prompt\n", 0},
		{"unknown format", "parquet", "x", 0},
		{"broken JSON", "jsonl", "{\"prompt\":\"A\"}\n{\"prompt\":\n", 2},
		{"a number", "jsonl", "{\"prompt\":\"A\"}\n\n17", 3},
		{"no text", "jsonl", "{\"id\":\"a\"}", 1},
		{"blank text", "jsonl", "{\"prompt\":\" \\n\"}", 1},
		{"wrong type", "jsonl", "{\"prompt\":7}", 1},
		{"id is an object", "jsonl", "{\"id\":{},\"prompt\":\"A\"}", 1},
		{"id twice", "jsonl", "{\"id\":\"a\",\"prompt\":\"A\"}\n{\"id\":\"a\",\"prompt\":\"B\"}", 2},
		{"too many tokens", "jsonl", "{\"prompt\":\"A\",\"max_tokens\":32769}", 1},
		{"no tokens", "jsonl", "{\"prompt\":\"A\",\"max_tokens\":0}", 1},
		{"bad UTF-8", "jsonl", "{\"prompt\":\"A\"}\n{\"prompt\":\"\xff\"}", 2},
		{"bad UTF-8 in csv", "csv", "prompt\nA\n\xff\n", 3},
		{"bad UTF-8 in json", "json", "[\n\"A\",\n\"\xff\"]", 3},
		{"long prompt", "jsonl", `"` + long + `"`, 1},
		{"long line", "jsonl", "\"A\"\n\"" + strings.Repeat("x", MaxLine) + `"`, 2},
		{"long id", "jsonl", `{"id":"` + strings.Repeat("i", maxID+1) + `","prompt":"A"}`, 1},
		{"json of another shape", "json", "\"A\"", 1},
		{"json row", "json", "[\n{\"prompt\":\"A\"},\n\n{\"prompt\":[]}\n]", 4},
		{"json cut off", "json", "[\n\"A\",\n", 3},
		{"json without prompts", "json", "{\n\"x\":1}", 2},
		{"csv without a text column", "csv", "a,b\n1,2\n", 1},
		{"csv quote", "csv", "prompt\nA\n\"B\n", 3},
		{"csv columns", "csv", "id,prompt\n1,A\n2\n", 3},
		{"csv tokens", "csv", "prompt,max_tokens\nA,1\nB,many\n", 3},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse(c.format, strings.NewReader(c.in))
			var e *domain.Error
			if !errors.As(err, &e) || e.Kind != domain.KindInvalid || len(e.Fields) != 1 {
				t.Fatalf("err = %#v", err)
			}
			if c.line > 0 && !strings.HasPrefix(e.Fields[0].Message, fmt.Sprintf("line %d: ", c.line)) {
				t.Errorf("message = %q, want line %d", e.Fields[0].Message, c.line)
			}
			if strings.Contains(e.Fields[0].Message, "xxx") {
				t.Error("the message repeats what stands in the file")
			}
		})
	}
}

func TestParseLimits(t *testing.T) {
	many := strings.NewReader(strings.Repeat("\"A\"\n", MaxPrompts+1))
	if _, err := Parse("jsonl", many); domain.KindOf(err) != domain.KindInvalid || !strings.Contains(err.Error(), fmt.Sprint(MaxPrompts+1)) {
		t.Errorf("too many prompts: %v", err)
	}
	for format, start := range map[string]string{"json": "[\"A\",", "csv": "prompt\n", "jsonl": "\"A\"\n"} {
		in := &limited{r: strings.NewReader(start + strings.Repeat("\n", 200)), left: 100}
		if _, err := parse(format, in); domain.KindOf(err) != domain.KindTooLarge {
			t.Errorf("%s: %v", format, err)
		}
	}
	if _, err := Parse("jsonl", iotest.ErrReader(errors.New("gone"))); domain.KindOf(err) != domain.KindMalformed {
		t.Errorf("broken reader: %v", err)
	}
}

// FuzzParse holds what every accepted file must hold, whatever its bytes.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{"id":"a","prompt":"Hi"}`, "\"x\"\r\n{}", "[1,{\"text\":\"a\"}]", "{\"prompts\":[\"a\"]}", "prompt,id\n\"a\nb\",1\n", "\ufeff", "\xff",
	} {
		for format := range 3 {
			f.Add(format, []byte(seed))
		}
	}
	f.Fuzz(func(t *testing.T, format int, in []byte) {
		name := []string{"jsonl", "csv", "json"}[uint(format)%3]
		ps, err := Parse(name, bytes.NewReader(in))
		if err != nil {
			var e *domain.Error
			if !errors.As(err, &e) || e.Kind == domain.KindInternal {
				t.Fatalf("err = %v", err)
			}
			return
		}
		ids := map[string]bool{}
		for _, p := range ps {
			if ids[p.ID] || p.ID == "" || strings.TrimSpace(p.Text) == "" || !utf8.ValidString(p.Text) || !utf8.ValidString(p.ID) {
				t.Fatalf("prompt = %q %q", p.ID, p.Text)
			}
			ids[p.ID] = true
		}
		if len(ps) == 0 {
			t.Fatal("no prompt and no error")
		}
	})
}
