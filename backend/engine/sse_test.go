package engine

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// readAll returns every event as "name|data" and the error that ended the stream.
func readAll(r io.Reader) ([]string, error) {
	s := NewSSEReader(r)
	var out []string
	for {
		ev, err := s.Next()
		if err != nil {
			return out, err
		}
		out = append(out, ev.Name+"|"+string(ev.Data))
	}
}

func TestSSEReader(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		in   string
		want []string
	}{
		"plain":               {"data: a\n\ndata: b\n\n", []string{"|a", "|b"}},
		"crlf":                {"data: a\r\n\r\ndata: b\r\n\r\n", []string{"|a", "|b"}},
		"cr":                  {"data: a\r\rdata: b\r\r", []string{"|a", "|b"}},
		"comments":            {": ping\n\ndata: a\n: in between\n\n:\n\n", []string{"|a"}},
		"multi-line":          {"data: a\ndata:\ndata: b\n\n", []string{"|a\n\nb"}},
		"no space":            {"data:a\n\n", []string{"|a"}},
		"one space only":      {"data:  a\n\n", []string{"| a"}},
		"name":                {"event: error\ndata: a\n\ndata: b\n\n", []string{"error|a", "|b"}},
		"other name":          {"event: delta\nid: 7\nretry: 1\ndata: a\n\n", []string{"delta|a"}},
		"name without data":   {"event: x\n\ndata: a\n\n", []string{"|a"}},
		"error line":          {"error: {\"code\":500}\n\n", []string{"error|{\"code\":500}"}},
		"no final newline":    {"data: a\n\ndata: [DONE]", []string{"|a", "|[DONE]"}},
		"no blank line":       {"data: a\n\ndata: b\n", []string{"|a", "|b"}},
		"many blank lines":    {"\n\n\ndata: a\n\n\n\n", []string{"|a"}},
		"byte order mark":     {"\xef\xbb\xbfdata: a\n\n", []string{"|a"}},
		"unknown field":       {"date: x\ndata: a\n\n", []string{"|a"}},
		"field without colon": {"data\n\n", []string{"|"}},
		"colon in data":       {"data: {\"a\":1}\n\n", []string{"|{\"a\":1}"}},
		"empty":               {"", nil},
		"long":                {"data: " + strings.Repeat("x", 100_000) + "\n\n", []string{"|" + strings.Repeat("x", 100_000)}},
	} {
		for how, reader := range map[string]io.Reader{
			"whole":       strings.NewReader(c.in),
			"byte-wise":   iotest.OneByteReader(strings.NewReader(c.in)),
			"half":        iotest.HalfReader(strings.NewReader(c.in)),
			"eof at once": iotest.DataErrReader(strings.NewReader(c.in)),
		} {
			got, err := readAll(reader)
			if !errors.Is(err, io.EOF) || strings.Join(got, "\x00") != strings.Join(c.want, "\x00") {
				t.Errorf("%s, %s: %q, %v; want %q", name, how, got, err, c.want)
			}
		}
	}
}

func TestSSEReaderErrors(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	got, err := readAll(io.MultiReader(strings.NewReader("data: a\n\ndata: cut off"), iotest.ErrReader(broken)))
	if !errors.Is(err, broken) || len(got) != 1 || got[0] != "|a" {
		t.Errorf("broken: %q, %v", got, err)
	}
	if _, err := readAll(strings.NewReader("data: " + strings.Repeat("x", MaxEventBytes+1))); !errors.Is(err, ErrEventTooLarge) {
		t.Errorf("endless line: %v", err)
	}
	line := "data: " + strings.Repeat("x", 1<<20) + "\n"
	if _, err := readAll(strings.NewReader(strings.Repeat(line, 5) + "\n")); !errors.Is(err, ErrEventTooLarge) {
		t.Errorf("endless event: %v", err)
	}
	if _, err := readAll(lazyReader{}); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("reader without progress: %v", err)
	}
}

type lazyReader struct{}

func (lazyReader) Read([]byte) (int, error) { return 0, nil }

// TestSSEReaderStamps: events of one read share its stamp; an event in parts has the stamp of the
// read that completed its data, not of its blank line.
func TestSSEReaderStamps(t *testing.T) {
	t.Parallel()
	parts := []string{"data: a\n\nda", "ta: b\n", "\ndata: c\n\ndata: d\n\n"}
	var before []time.Time
	s := NewSSEReader(readerFunc(func(p []byte) (int, error) {
		if len(parts) == 0 {
			return 0, io.EOF
		}
		n := copy(p, parts[0])
		parts = parts[1:]
		before = append(before, time.Now())
		return n, nil
	}))
	reads := []int{0, 1, 2, 2}
	var ats []time.Time
	for i, read := range reads {
		ev, err := s.Next()
		if err != nil {
			t.Fatal(err)
		}
		if ev.At.Before(before[read]) || (read+1 < len(before) && ev.At.After(before[read+1])) {
			t.Errorf("event %d is stamped outside read %d", i, read)
		}
		ats = append(ats, ev.At)
	}
	if !ats[2].Equal(ats[3]) {
		t.Error("events of one read have two stamps")
	}
}

// stamped is a source with a clock of its own.
type stamped struct {
	io.Reader
	at time.Time
}

func (s *stamped) At() time.Time { return s.at }

func (s *stamped) Read(p []byte) (int, error) {
	s.at = s.at.Add(time.Second)
	return s.Reader.Read(p)
}

func TestSSEReaderTakesTheStampsOfItsSource(t *testing.T) {
	t.Parallel()
	begin := time.Unix(1000, 0)
	s := NewSSEReader(&stamped{Reader: io.MultiReader(strings.NewReader("data: a\n\ndata: b\n"), strings.NewReader("\ndata: c\n\n")), at: begin})
	for i, want := range []int{1, 1, 2} {
		if ev, err := s.Next(); err != nil || !ev.At.Equal(begin.Add(time.Duration(want)*time.Second)) {
			t.Errorf("event %d: stamp %v, %v, want that of read %d", i, ev.At, err, want)
		}
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestSSEReaderAllocations(t *testing.T) {
	stream := bytes.Repeat([]byte("data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\n"), 1000)
	allocs := testing.AllocsPerRun(10, func() {
		s := NewSSEReader(bytes.NewReader(stream))
		for {
			if _, err := s.Next(); err != nil {
				return
			}
		}
	})
	if allocs > 10 {
		t.Errorf("%v allocations for 1,000 events, want a constant few", allocs)
	}
}

// FuzzSSEReader: however a stream is cut into reads, its events are the same, and no event is
// larger than the stream.
func FuzzSSEReader(f *testing.F) {
	for _, s := range []string{"data: a\n\n", "data: a\r\n\r\n", ":c\r\rdata:b\rdata:\n\n", "event: e\ndata: x", "\xef\xbb\xbfdata: a\n\n\r\n\n", "error: x\n\n", "data"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		whole, err := readAll(bytes.NewReader(in))
		if !errors.Is(err, io.EOF) {
			t.Fatalf("whole: %v", err)
		}
		split, err := readAll(iotest.OneByteReader(bytes.NewReader(in)))
		if !errors.Is(err, io.EOF) {
			t.Fatalf("byte-wise: %v", err)
		}
		if strings.Join(whole, "\x00") != strings.Join(split, "\x00") || len(whole) != len(split) {
			t.Errorf("whole %q, byte-wise %q", whole, split)
		}
		for _, ev := range whole {
			if len(ev) > len(in)+8 {
				t.Errorf("event %q is larger than the stream", ev)
			}
		}
	})
}
