package ollama

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine"
)

// Lines as the server writes them.
const (
	lineChat     = `{"model":"smollm2:135m","created_at":"2026-02-03T10:11:12.123456789Z","message":{"role":"assistant","content":" the"},"done":false}`
	lineThink    = `{"model":"qwen3","created_at":"2026-02-03T10:11:12Z","message":{"role":"assistant","content":"","thinking":"hm\u003e"},"done":false}`
	lineGenerate = `{"model":"m","created_at":"2026-02-03T10:11:12Z","response":"\n\"a\" 🙂","done":false}`
	lineBoth     = `{"model":"m","created_at":"x","response":"","thinking":"why","done":false}`
	lineLast     = `{"model":"m","created_at":"x","message":{"role":"assistant","content":""},"done":true,"done_reason":"length","total_duration":5000000000,"load_duration":40500000,"prompt_eval_count":26,"prompt_eval_duration":130000000,"eval_count":290,"eval_duration":4700000000}`
)

func TestQuickLineKnowsTokens(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]line{
		lineChat: {text: " the"}, lineThink: {thinking: "hm>"}, lineGenerate: {text: "\n\"a\" 🙂"}, lineBoth: {thinking: "why"},
	} {
		if got, ok := quickLine([]byte(in)); !ok || got != want {
			t.Errorf("%s: %+v %v, want %+v", in, got, ok, want)
		}
	}
	for _, in := range []string{lineLast, `{"error":"no"}`, ``, lineChat + "x", strings.Replace(lineChat, `"done":false`, `"done":false,"error":"x"`, 1),
		strings.Replace(lineChat, "assistant", "tool", 1)} {
		if got, ok := quickLine([]byte(in)); ok {
			t.Errorf("%s was read as %+v", in, got)
		}
	}
}

func TestReadLine(t *testing.T) {
	t.Parallel()
	l, err := readLine([]byte(lineLast))
	if err != nil || !l.done || l.reason != "length" || *l.promptTokens != 26 || *l.outputTokens != 290 ||
		l.loadNs != 40_500_000 || l.promptNs != 130_000_000 || l.outputNs != 4_700_000_000 || l.totalNs != 5_000_000_000 {
		t.Errorf("last line: %+v, %v", l, err)
	}
	for in, want := range map[string]string{
		`{"error":"out of memory"}`: "out of memory", `{"error":{"message":"gone"}}`: "gone", `{"error":{}}`: "the engine reported an error", `{"error":null}`: "",
	} {
		if l, err := readLine([]byte(in)); err != nil || l.failed != want {
			t.Errorf("%s: %+v, %v", in, l, err)
		}
	}
	if _, err := readLine([]byte(`{"message":`)); err == nil {
		t.Error("a cut line is read")
	}
}

// Whatever the quick reader accepts, the general one reads alike.
func FuzzReadLine(f *testing.F) {
	for _, s := range []string{lineChat, lineThink, lineGenerate, lineBoth, lineLast, `{"error":"x"}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, ok := quickLine(data)
		want, err := fullLine(data)
		if ok && (err != nil || got != want) {
			t.Errorf("%q: quick %+v, full %+v %v", data, got, want, err)
		}
	})
}

// allLines returns every line and the error that ended the stream.
func allLines(r io.Reader) ([]string, error) {
	l := newLineReader(r)
	var out []string
	for {
		data, at, err := l.next()
		if err != nil {
			return out, err
		}
		if at.IsZero() {
			return out, errors.New("a line without a stamp")
		}
		out = append(out, string(data))
	}
}

func TestLineReader(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 100_000)
	for in, want := range map[string]string{
		"": "", "\n\r\n \n": "", "a\nb\n": "a|b", "a\r\n\r\n b \r\nc": "a|b|c", long + "\n" + long: long + "|" + long,
	} {
		for how, r := range map[string]io.Reader{"whole": strings.NewReader(in), "byte-wise": iotest.OneByteReader(strings.NewReader(in)),
			"half": iotest.HalfReader(strings.NewReader(in)), "eof at once": iotest.DataErrReader(strings.NewReader(in))} {
			if got, err := allLines(r); !errors.Is(err, io.EOF) || strings.Join(got, "|") != want {
				t.Errorf("%.20q, %s: %.40q, %v", in, how, got, err)
			}
		}
	}
	broken := errors.New("broken")
	if got, err := allLines(io.MultiReader(strings.NewReader("a\ncut"), iotest.ErrReader(broken))); !errors.Is(err, broken) || len(got) != 1 {
		t.Errorf("broken: %q, %v", got, err)
	}
	if _, err := allLines(strings.NewReader(strings.Repeat("x", engine.MaxEventBytes+1))); !errors.Is(err, engine.ErrEventTooLarge) {
		t.Errorf("endless line: %v", err)
	}
	if _, err := allLines(lazyReader{}); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("reader without progress: %v", err)
	}
}

type lazyReader struct{}

func (lazyReader) Read([]byte) (int, error) { return 0, nil }

// Lines of one read share its stamp; a line in parts has the stamp of the read that ended it.
func TestLineReaderStamps(t *testing.T) {
	t.Parallel()
	var reads []time.Time
	parts := []string{"a\nb", "b\nc\nd\n"}
	l := newLineReader(readerFunc(func(p []byte) (int, error) {
		if len(parts) == 0 {
			return 0, io.EOF
		}
		reads = append(reads, time.Now())
		n := copy(p, parts[0])
		parts = parts[1:]
		return n, nil
	}))
	var at [4]time.Time
	for i := range at {
		var err error
		if _, at[i], err = l.next(); err != nil {
			t.Fatal(err)
		}
	}
	if at[0].Before(reads[0]) || at[0].After(reads[1]) || at[1].Before(reads[1]) || !at[1].Equal(at[2]) || !at[2].Equal(at[3]) {
		t.Errorf("stamps %v of reads %v", at, reads)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// FuzzLineReader: however a stream is cut into reads, its lines are the same.
func FuzzLineReader(f *testing.F) {
	for _, s := range []string{"a\nb\n", "a\r\n\nb", "\n\n", lineChat + "\n" + lineLast} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		whole, err := allLines(strings.NewReader(in))
		split, err2 := allLines(iotest.OneByteReader(strings.NewReader(in)))
		if !errors.Is(err, io.EOF) || !errors.Is(err2, io.EOF) || strings.Join(whole, "\n") != strings.Join(split, "\n") {
			t.Errorf("whole %q %v, byte-wise %q %v", whole, err, split, err2)
		}
	})
}

// A token costs one allocation, its text, from the stream to the sink.
func TestTokensAreCheap(t *testing.T) {
	const tokens = 1000
	stream := strings.Repeat(lineChat+"\n", tokens)
	allocs := testing.AllocsPerRun(5, func() {
		lines := newLineReader(strings.NewReader(stream))
		for {
			data, at, err := lines.next()
			if err != nil {
				return
			}
			l, err := readLine(data)
			if err != nil {
				t.Fatal(err)
			}
			l.hand(at, func(domain.Chunk) {})
		}
	})
	if allocs > tokens+20 {
		t.Errorf("%v allocations for %d tokens", allocs, tokens)
	}
}
