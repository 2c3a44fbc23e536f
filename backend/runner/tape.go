package runner

import (
	"math"
	"sync/atomic"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

const (
	maxFirstMarks = 2048 // marks that are allocated before a request is sent
	moreMarks     = 1024 // marks of each further block
	extraMarks    = 8    // role, usage and finish events beside the tokens
	bytesPerToken = 6    // of output text, generously
	maxFirstText  = 8 << 10
	moreText      = 4 << 10
)

// tape takes the chunks of one request: sixteen bytes a chunk and its text, in memory that is
// allocated before the request is sent. The request's goroutine alone writes, the recorder alone
// reads while it runs: a chunk is written first and published by one atomic store after, so the hot
// path holds no lock. Blocks never move, which is what makes reading beside it safe.
type tape struct {
	n            int // of the request within the run
	phase        domain.Phase
	stage        int
	conversation *int
	turn         int
	begun        time.Time // just before Generate was called; marks count from here
	due          time.Time // zero in a closed loop
	maxTokens    int

	marks     *markBlock
	text      *textBlock
	published atomic.Int64 // chunks that may be read

	to   writer // the request's own
	view view   // the recorder's own
}

// mark is one chunk: when it came, what it was, and how much text it brought.
type mark struct {
	sinceNs int64 // from begun
	bytes   uint32
	tokens  uint16 // 0: not told
	kind    domain.ChunkKind
}

type markBlock struct {
	marks []mark // as long as the block is
	next  atomic.Pointer[markBlock]
}

type textBlock struct {
	bytes []byte // as long as the block is
	next  atomic.Pointer[textBlock]
}

// writer is where the next chunk goes.
type writer struct {
	marks   *markBlock
	i       int
	text    *textBlock
	j       int
	written int64
}

// newTape allocates for the expected length, so that usually nothing is allocated while it runs.
func newTape(n int, phase domain.Phase, maxTokens int) *tape {
	t := &tape{
		n: n, phase: phase, maxTokens: maxTokens,
		marks: &markBlock{marks: make([]mark, min(maxTokens+extraMarks, maxFirstMarks))},
		text:  &textBlock{bytes: make([]byte, min((maxTokens+1)*bytesPerToken, maxFirstText))},
	}
	t.to = writer{marks: t.marks, text: t.text}
	t.view = view{read: t.reader(), told: t.reader()}
	return t
}

// add stores one chunk. It is the sink that engines call.
func (t *tape) add(c domain.Chunk) {
	w := &t.to
	if w.i == len(w.marks.marks) {
		next := &markBlock{marks: make([]mark, moreMarks)}
		w.marks.next.Store(next)
		w.marks, w.i = next, 0
	}
	for text := c.Text; text != ""; {
		if w.j == len(w.text.bytes) {
			next := &textBlock{bytes: make([]byte, max(moreText, len(text)))}
			w.text.next.Store(next)
			w.text, w.j = next, 0
		}
		k := copy(w.text.bytes[w.j:], text)
		w.j, text = w.j+k, text[k:]
	}
	w.marks.marks[w.i] = mark{
		sinceNs: int64(c.At.Sub(t.begun)), bytes: uint32(len(c.Text)), // #nosec G115 -- the text of one chunk
		tokens: uint16(min(max(c.Tokens, 0), math.MaxUint16)), kind: c.Kind,
	}
	w.i++
	w.written++
	t.published.Store(w.written)
}

// reader is a place on a tape from which chunks are read.
type reader struct {
	marks *markBlock
	i     int
	text  *textBlock
	j     int
	seen  int64
}

func (t *tape) reader() reader { return reader{marks: t.marks, text: t.text} }

// next returns the chunk at the reader's place, which must have been published, and goes on to the
// one after. Its text, appended to out, is only copied where the caller wants it.
func (r *reader) next(out []byte, want bool) (mark, []byte) {
	if r.i == len(r.marks.marks) {
		r.marks, r.i = r.marks.next.Load(), 0
	}
	m := r.marks.marks[r.i]
	r.i++
	r.seen++
	for left := int(m.bytes); left > 0; {
		if r.j == len(r.text.bytes) {
			r.text, r.j = r.text.next.Load(), 0
		}
		k := min(left, len(r.text.bytes)-r.j)
		if want {
			out = append(out, r.text.bytes[r.j:r.j+k]...)
		}
		r.j, left = r.j+k, left-k
	}
	return m, out
}

// chunks calls yield for every chunk published so far, in order, with its text.
func (t *tape) chunks(yield func(mark, []byte) bool) {
	r := t.reader()
	var room []byte
	for n := t.published.Load(); r.seen < n; {
		m, text := r.next(room[:0], true)
		room = text
		if !yield(m, text) {
			return
		}
	}
}

// output returns the content of the stream so far, reasoning included.
func (t *tape) output() string {
	var out []byte
	for m, text := range t.chunks {
		if m.content() {
			out = append(out, text...)
		}
	}
	return string(out)
}

// each calls yield for every chunk published so far, in order, without its text.
func (t *tape) each(yield func(mark) bool) {
	r := t.reader()
	for n := t.published.Load(); r.seen < n; {
		if m, _ := r.next(nil, false); !yield(m) {
			return
		}
	}
}

// times returns TTFT and, for two output tokens or more, TPOT of a request that has ended.
func (t *tape) times(sent time.Time, tokens int) (ttft, tpot time.Duration) {
	var first, last int64
	content := false
	for m := range t.each {
		if !m.content() {
			continue
		}
		if !content {
			first, content = m.sinceNs, true
		}
		last = m.sinceNs
	}
	if tokens >= 2 {
		tpot = time.Duration((last - first) / int64(tokens-1))
	}
	return t.begun.Add(time.Duration(first)).Sub(sent), tpot
}

// tokens counts what content chunks carried: their own count where the engine gave one.
func (t *tape) tokens() int {
	total := 0
	for m := range t.each {
		total += m.count()
	}
	return total
}

func (m mark) content() bool { return m.kind != domain.ChunkOther }

// count is the tokens of a chunk; a content chunk without its own count holds one.
func (m mark) count() int {
	switch {
	case !m.content():
		return 0
	case m.tokens > 0:
		return int(m.tokens)
	}
	return 1
}

// view is how far the recorder has read a tape, and what it saw.
type view struct {
	read    reader // up to the newest chunk seen
	told    reader // up to the text that went out with progress events
	tokens  int
	content bool  // a content chunk was seen
	firstNs int64 // first content
	lastNs  int64 // newest content
	ended   bool
}

// advance reads what was published since the last call: it returns the new tokens and appends the
// new gaps between content chunks, in ms.
func (t *tape) advance(gaps []float64) (int, []float64) {
	v := &t.view
	fresh := 0
	for n := t.published.Load(); v.read.seen < n; {
		m, _ := v.read.next(nil, false)
		if !m.content() {
			continue
		}
		if v.content {
			gaps = append(gaps, ms(time.Duration(m.sinceNs-v.lastNs)))
		} else {
			v.content, v.firstNs = true, m.sinceNs
		}
		v.lastNs = m.sinceNs
		fresh += m.count()
	}
	v.tokens += fresh
	return fresh, gaps
}

// newText returns the visible text up to where advance has read, from where it was told last.
func (t *tape) newText() string {
	v := &t.view
	var out, room []byte
	for v.told.seen < v.read.seen {
		var m mark
		m, room = v.told.next(room[:0], true)
		if m.kind == domain.ChunkText {
			out = append(out, room...)
		}
	}
	return string(out)
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
