package workload

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/inferometer/inferometer/backend/domain"
)

// show writes a prompt as id=role:history|text/max_tokens@at_ms#input_tokens+answer>turn.
func show(p domain.Prompt) string {
	s := p.ID + "="
	for _, m := range p.History {
		s += m.Role + ":" + m.Content + "|"
	}
	s += p.Text
	if p.MaxTokens != nil {
		s += fmt.Sprintf("/%d", *p.MaxTokens)
	}
	if p.AtMs != nil {
		s += fmt.Sprintf("@%g", *p.AtMs)
	}
	if p.InputTokens != nil {
		s += fmt.Sprintf("#%d", *p.InputTokens)
	}
	for _, t := range p.Turns {
		s += "+" + t.Answer + ">" + t.Text
	}
	return s
}

func showAll(ps []domain.Prompt) string {
	var all []string
	for _, p := range ps {
		all = append(all, show(p))
	}
	return strings.Join(all, ",")
}

func TestImportReads(t *testing.T) {
	const share = `{"id":"c","conversations":[{"from":"system","value":"S"},{"from":"human","value":"A"},{"from":"gpt","value":"B"},{"from":"human","value":"C"},{"from":"gpt","value":"D"}]}`
	cases := []struct {
		name, format, found, in string // found: the format that auto finds; empty when it cannot
		want                    string
	}{
		{"prompt", "jsonl", "jsonl", `{"id":"a","prompt":"Hi","max_tokens":5}` + "\n", "a=Hi/5"},
		{"text and other fields", "jsonl", "jsonl", `{"text":"Hi","label":[1,{"x":2}],"timestamp":"noon","body":7}`, "p0001=Hi"},
		{"a bare text", "jsonl", "jsonl", `"Hi"`, "p0001=Hi"},
		{"number as id", "jsonl", "jsonl", `{"id":17,"prompt":"Hi"}`, "17=Hi"},
		{"messages beside a prompt", "jsonl", "", `{"prompt":"Hi","messages":7}`, "p0001=Hi"},
		{"messages in jsonl", "jsonl", "", `{"messages":[{"role":"user","content":"Hi"}]}`, "p0001=Hi"},
		{"byte order mark, CRLF, empty lines", "jsonl", "jsonl", "\ufeff{\"prompt\":\"A\"}\r\n\r\n{\"prompt\":\"B\"}\r\n", "p0001=A,p0002=B"},
		{"a made-up id gives way", "jsonl", "jsonl", `{"id":"p0002","prompt":"A"}` + "\n" + `{"prompt":"B"}`, "p0002=A,p0003=B"},
		{"json array", "json", "json", `[{"prompt":"A"},"B"]`, "p0001=A,p0002=B"},
		{"json array of texts", "json", "json", ` [ "A" ]`, "p0001=A"},
		{"json object", "json", "json", `{"version":{"v":1},"prompts":[{"text":"A"}],"more":true}`, "p0001=A"},
		{"csv", "csv", "csv", "ID,Prompt,max_tokens\na,\"Hi, you\nthere\",9\nb,Yo,\n", "a=Hi, you\nthere/9,b=Yo"},
		{"csv with mark and CRLF", "CSV", "csv", "\ufefftext\r\nHi\r\n", "p0001=Hi"},
		{"csv with a quoted name", "csv", "csv", "\"prompt\"\nHi\n", "p0001=Hi"},
		{"ShareGPT lines", "sharegpt", "sharegpt", share + "\n", "c=system:S|A+B>C"},
		{"ShareGPT array", "sharegpt", "sharegpt", "[" + share + ",\n" + `{"conversations":[{"from":"human","value":"X"}],"max_tokens":3}]`, "c=system:S|A+B>C,p0002=X/3"},
		{"a request", "messages", "messages", `{"messages":[{"role":"developer","content":"S"},{"role":"user","content":"A"},{"role":"assistant","content":"B"},{"role":"user","content":"C"}]}`, "p0001=system:S|user:A|assistant:B|C"},
		{"a conversation", "messages", "messages", `[{"messages":[{"role":"user","content":"A"},{"role":"assistant","content":"B"},{"role":"user","content":"C"},{"role":"assistant","content":"D"}]}]`, "p0001=A+B>C"},
		{"a batch", "messages", "messages", `{"custom_id":"r-1","method":"POST","body":{"model":"m","body":1,"messages":[{"role":"user","content":[{"type":"text","text":"A"},{"type":"text","text":"B"}]}],"max_completion_tokens":4}}`, "r-1=AB/4"},
		{"lengths", "trace", "trace", `{"timestamp":1000,"input_length":7,"output_length":3,"hash_ids":[1]}` + "\n" + `{"timestamp":1250.5,"input_length":8,"output_length":4}`, "p0001=/3@0#7,p0002=/4@250.5#8"},
		{"trace of texts", "trace", "trace", `[{"t_s":1.5,"prompt":"A","input_length":9,"max_tokens":2},{"at_ms":1500,"messages":[{"role":"user","content":"B"}]}]`, "p0001=A/2@0,p0002=B@0"},
	}
	for _, c := range cases {
		for _, format := range []string{c.format, "auto", ""} {
			if c.found == "" && format != c.format {
				continue
			}
			t.Run(c.name+" as "+format, func(t *testing.T) {
				// One byte at a time: no reader may rely on whole lines.
				in, err := Import(format, iotest.OneByteReader(strings.NewReader(c.in)), ImportOptions{})
				if err != nil {
					t.Fatalf("%#v", err)
				}
				if got := showAll(in.Prompts); got != c.want {
					t.Errorf("got %q, want %q", got, c.want)
				}
				if in.Format != strings.ToLower(c.format) || in.Rejected != nil {
					t.Errorf("format = %q, rejected = %v", in.Format, in.Rejected)
				}
			})
		}
	}
}

func TestParseRefuses(t *testing.T) {
	long := strings.Repeat("x", MaxPrompt+1)
	cases := []struct {
		name, format, in string
		line             int // 0: none
	}{
		{"empty", "jsonl", "", 0},
		{"empty, of no known format", "", " \n", 0},
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
		{"json that ends too soon", "json", "{\n\"prompts\":", 2},
		{"json with a word in between", "json", "[\"A\",\nxxx]", 2},
		{"json of other prompts", "json", "{\"prompts\":\n7}", 2},
		{"ShareGPT without conversations", "sharegpt", "{\"prompt\":\"A\"}", 1},
		{"ShareGPT role", "sharegpt", `{"conversations":[{"from":"xxx","value":"A"}]}`, 1},
		{"ShareGPT begins with an answer", "sharegpt", `{"conversations":[{"from":"gpt","value":"A"}]}`, 1},
		{"ShareGPT turns of one", "sharegpt", `{"conversations":[{"from":"human","value":"A"},{"from":"human","value":"A"}]}`, 1},
		{"ShareGPT empty turn", "sharegpt", `{"conversations":[{"from":"human","value":" "}]}`, 1},
		{"ShareGPT system alone", "sharegpt", `{"conversations":[{"from":"system","value":"A"}]}`, 1},
		{"ShareGPT type", "sharegpt", `{"conversations":"xxx"}`, 1},
		{"messages none", "messages", `{"messages":[]}`, 1},
		{"messages role", "messages", `{"messages":[{"role":"tool","content":"A"}]}`, 1},
		{"messages with a picture", "messages", `{"messages":[{"role":"user","content":[{"type":"image_url"}]}]}`, 1},
		{"messages without text", "messages", `{"messages":[{"role":"user","content":null}]}`, 1},
		{"messages begin with an answer", "messages", `{"messages":[{"role":"assistant","content":"A"},{"role":"user","content":"A"}]}`, 1},
		{"messages end with the system", "messages", `{"messages":[{"role":"user","content":"A"},{"role":"system","content":"A"}]}`, 1},
		{"messages body", "messages", `{"custom_id":"a","body":[]}`, 1},
		{"messages limit", "messages", `{"messages":[{"role":"user","content":"A"}],"max_completion_tokens":"xxx"}`, 1},
		{"history too long", "messages", `{"messages":[{"role":"system","content":"` + long + `"},{"role":"user","content":"A"}]}`, 1},
		{"trace without time", "trace", "{\"prompt\":\"A\"}", 1},
		{"trace without text", "trace", "{\"at_ms\":1}", 1},
		{"trace goes back", "trace", "{\"at_ms\":9,\"prompt\":\"A\"}\n{\"at_ms\":9,\"prompt\":\"A\"}\n{\"at_ms\":8,\"prompt\":\"A\"}", 3},
		{"trace too long", "trace", "{\"at_ms\":-1e308,\"prompt\":\"A\"}\n{\"at_ms\":1e308,\"prompt\":\"A\"}", 2},
		{"trace time is a text", "trace", "{\"timestamp\":\"xxx\",\"prompt\":\"A\"}", 1},
		{"trace length", "trace", "{\"timestamp\":1,\"input_length\":0}", 1},
		{"trace output", "trace", "{\"timestamp\":1,\"input_length\":1,\"output_length\":0}", 1},
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

func TestImportTellsManyMistakes(t *testing.T) {
	in := strings.Repeat("{\"prompt\":\"A\"}\n{\"prompt\":7}\n", 30)
	var e *domain.Error
	if _, err := Import("jsonl", strings.NewReader(in), ImportOptions{}); !errors.As(err, &e) || len(e.Fields) != 20 || e.Fields[19].Message[:8] != "line 40:" {
		t.Errorf("err = %#v", err)
	}
	if _, err := Import("csv", strings.NewReader("prompt,id\nA\nB\nC,1\n"), ImportOptions{}); !errors.As(err, &e) || len(e.Fields) != 2 || e.Msg != "The dataset has mistakes in 2 lines." {
		t.Errorf("err = %#v", err)
	}
}

func TestImportSkipsBadLines(t *testing.T) {
	cases := []struct{ format, in, want string }{
		{"jsonl", "{\"prompt\":\"A\"}\n{\"prompt\":\n\"" + strings.Repeat("x", MaxLine) + "\"\n\"B\"", "p0001=A,p0002=B; 2 3"},
		{"csv", "id,prompt\na,A\nb\nc,\"C\"x\nd,D\n", "a=A,d=D; 3 4"},
		{"json", "[\"A\",\n7,\n\"B\",\n{]", "p0001=A,p0002=B; 2 4"},
		{"trace", "{\"at_ms\":5,\"prompt\":7}\n{\"at_ms\":7,\"prompt\":\"A\"}\n{\"at_ms\":1,\"prompt\":\"B\"}\n{\"at_ms\":9,\"prompt\":\"C\"}", "p0001=A@0,p0002=C@2; 1 3"},
	}
	for _, c := range cases {
		in, err := Import(c.format, strings.NewReader(c.in), ImportOptions{SkipBad: true})
		if err != nil {
			t.Errorf("%s: %v", c.format, err)
			continue
		}
		got := showAll(in.Prompts) + ";"
		for _, r := range in.Rejected {
			got += fmt.Sprint(" ", r.Line)
		}
		if got != c.want {
			t.Errorf("%s: got %q, want %q", c.format, got, c.want)
		}
	}
	var e *domain.Error
	if _, err := Import("jsonl", strings.NewReader("7\n7"), ImportOptions{SkipBad: true}); !errors.As(err, &e) || e.Kind != domain.KindInvalid || len(e.Fields) != 2 {
		t.Errorf("no good line: %#v", err)
	}
	in, err := Import("jsonl", strings.NewReader("\"A\"\n"+strings.Repeat("7\n", maxRejected+5)), ImportOptions{SkipBad: true})
	if err != nil || len(in.Rejected) != maxRejected || !strings.HasSuffix(in.Rejected[maxRejected-1].Message, "; 5 more lines have a mistake") {
		t.Errorf("many bad lines: %d, %v", len(in.Rejected), err)
	}
}

func TestImportLimits(t *testing.T) {
	many := strings.Repeat("\"A\"\n", MaxPrompts+1)
	for _, skip := range []bool{false, true} {
		_, err := Import("jsonl", strings.NewReader(many), ImportOptions{SkipBad: skip})
		if domain.KindOf(err) != domain.KindInvalid || !strings.Contains(err.Error(), fmt.Sprint(MaxPrompts+1)) {
			t.Errorf("too many prompts: %v", err)
		}
	}
	for format, start := range map[string]string{"json": "[\"A\",", "csv": "prompt\n", "jsonl": "\"A\"\n", "trace": "[", "auto": "\"A\"\n", "messages": "{\"messages\":["} {
		in := &limited{r: strings.NewReader(start + strings.Repeat("\n", 200)), left: 100}
		if _, err := read(format, in, ImportOptions{SkipBad: true}); domain.KindOf(err) != domain.KindTooLarge {
			t.Errorf("%s: %v", format, err)
		}
	}
	for _, format := range []string{"auto", "jsonl", "json", "csv", "sharegpt"} {
		if _, err := Parse(format, iotest.ErrReader(errors.New("gone"))); domain.KindOf(err) != domain.KindMalformed {
			t.Errorf("broken reader as %s: %v", format, err)
		}
	}
}

// The first record may be longer than what detection reads.
func TestDetectLongRecord(t *testing.T) {
	long := `{"id":"a","conversations":[{"from":"human","value":"` + strings.Repeat("x ", maxPeek)
	if got := detect([]byte(long)[:maxPeek]); got != FormatShareGPT {
		t.Errorf("got %s", got)
	}
}

// FuzzImport holds what every accepted file must hold, whatever its bytes.
func FuzzImport(f *testing.F) {
	formats := []string{"auto", "jsonl", "csv", "json", "sharegpt", "messages", "trace"}
	for _, seed := range []string{
		`{"id":"a","prompt":"Hi"}`, "\"x\"\r\n{}", "[1,{\"text\":\"a\"}]", "{\"prompts\":[\"a\"]}", "prompt,id\n\"a\nb\",1\n", "\ufeff", "\xff",
		`{"conversations":[{"from":"human","value":"a"},{"from":"gpt","value":"b"},{"from":"human","value":"c"}]}`,
		`[{"messages":[{"role":"system","content":"s"},{"role":"user","content":[{"type":"text","text":"t"}]}]}]`,
		`{"custom_id":"r","body":{"messages":[{"role":"user","content":"a"}],"max_tokens":3}}`, `{"timestamp":3,"input_length":2,"output_length":1}`,
	} {
		for format := range formats {
			f.Add(format, format%2 == 0, []byte(seed))
		}
	}
	f.Fuzz(func(t *testing.T, format int, skip bool, raw []byte) {
		in, err := Import(formats[uint(format)%uint(len(formats))], bytes.NewReader(raw), ImportOptions{SkipBad: skip})
		if err != nil {
			var e *domain.Error
			if !errors.As(err, &e) || e.Kind == domain.KindInternal {
				t.Fatalf("err = %v", err)
			}
			return
		}
		if len(in.Prompts) == 0 || (!skip && len(in.Rejected) > 0) || !slices.Contains(formats[1:], in.Format) {
			t.Fatalf("imported = %+v", in)
		}
		ids, last := map[string]bool{}, 0.0
		for _, p := range in.Prompts {
			if ids[p.ID] || p.ID == "" || !utf8.ValidString(p.ID) || !utf8.ValidString(p.Text) || (strings.TrimSpace(p.Text) == "") != (p.InputTokens != nil) {
				t.Fatalf("prompt = %+v", p)
			}
			ids[p.ID] = true
			if (p.AtMs != nil) != (in.Format == FormatTrace) || (p.AtMs != nil && *p.AtMs < last) {
				t.Fatalf("time of %+v", p)
			} else if p.AtMs != nil {
				last = *p.AtMs
			}
			for _, turn := range p.Turns {
				if turn.Text == "" || turn.Answer == "" {
					t.Fatalf("turn = %+v", turn)
				}
			}
		}
		again, err := Import(in.Format, bytes.NewReader(raw), ImportOptions{SkipBad: skip})
		if err != nil || !reflect.DeepEqual(in, again) {
			t.Fatalf("the found format %s reads something else: %v", in.Format, err)
		}
	})
}

// Many records of an array may stand in one line: the mistake names the record too.
func TestImportNumbersTheEntriesOfAnArray(t *testing.T) {
	in, err := Import("json", strings.NewReader(`["A",7,"B",8]`), ImportOptions{SkipBad: true})
	if err != nil || len(in.Rejected) != 2 || in.Rejected[0].Line != 1 || !strings.HasPrefix(in.Rejected[1].Message, "entry 4: ") {
		t.Errorf("%+v, %v", in.Rejected, err)
	}
}
