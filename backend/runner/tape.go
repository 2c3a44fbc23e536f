package runner

import (
	"sync/atomic"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

const (
	blockSize    = 256
	maxPrealloc  = 4 // blocks allocated before a request is sent
	extraMarks   = 8 // role, usage and finish events beside the tokens
	tokensPerOne = 1 // a content chunk without its own count holds one token
)

// tape takes the chunks of one request. The request's goroutine alone writes, the recorder alone
// reads while it runs: a chunk is written first and published by one atomic store after, so the
// hot path holds no lock. Blocks never move, which is what makes reading beside it safe.
type tape struct {
	n         int // of the request within the run
	phase     domain.Phase
	begun     time.Time // just before Generate was called
	maxTokens int

	last      *block // writer's own
	written   int64  // writer's own
	published atomic.Int64
	first     *block

	view view // recorder's own
}

type block struct {
	marks [blockSize]domain.Chunk
	next  atomic.Pointer[block]
}

// newTape allocates for the expected length, so that usually nothing is allocated while it runs.
func newTape(n int, phase domain.Phase, maxTokens int) *tape {
	t := &tape{n: n, phase: phase, maxTokens: maxTokens, first: &block{}}
	tail := t.first
	for i := 1; i < min(maxPrealloc, (maxTokens+extraMarks+blockSize-1)/blockSize); i++ {
		b := &block{}
		tail.next.Store(b)
		tail = b
	}
	t.last = t.first
	t.view.at = t.first
	return t
}

// add stores one chunk. It is the sink that engines call.
func (t *tape) add(c domain.Chunk) {
	i := t.written % blockSize
	if i == 0 && t.written > 0 {
		next := t.last.next.Load()
		if next == nil {
			next = &block{}
			t.last.next.Store(next)
		}
		t.last = next
	}
	t.last.marks[i] = c
	t.written++
	t.published.Store(t.written)
}

// chunks calls yield for every chunk published so far, in order.
func (t *tape) chunks(yield func(domain.Chunk) bool) {
	b := t.first
	for i, n := int64(0), t.published.Load(); i < n; i++ {
		if i > 0 && i%blockSize == 0 {
			b = b.next.Load()
		}
		if !yield(b.marks[i%blockSize]) {
			return
		}
	}
}

// tokens counts what content chunks carried: their own count where the engine gave one.
func (t *tape) tokens() int {
	total := 0
	for c := range t.chunks {
		total += chunkTokens(c)
	}
	return total
}

func isContent(c domain.Chunk) bool { return c.Kind != domain.ChunkOther }

func chunkTokens(c domain.Chunk) int {
	switch {
	case !isContent(c):
		return 0
	case c.Tokens > 0:
		return c.Tokens
	default:
		return tokensPerOne
	}
}

// view is how far the recorder has read a tape, and what it saw.
type view struct {
	at     *block
	seen   int64
	tokens int
	firstT time.Time // first content
	lastT  time.Time // newest content
	told   int64     // chunks whose text went out with progress events
	toldAt *block
	ended  bool
}

// advance reads what was published since the last call: it returns the new tokens and appends the
// new gaps between content chunks, in ms.
func (t *tape) advance(gaps []float64) (int, []float64) {
	v := &t.view
	fresh := 0
	for n := t.published.Load(); v.seen < n; v.seen++ {
		if v.seen > 0 && v.seen%blockSize == 0 {
			v.at = v.at.next.Load()
		}
		c := v.at.marks[v.seen%blockSize]
		if !isContent(c) {
			continue
		}
		if v.firstT.IsZero() {
			v.firstT = c.At
		} else {
			gaps = append(gaps, ms(c.At.Sub(v.lastT)))
		}
		v.lastT = c.At
		fresh += chunkTokens(c)
	}
	v.tokens += fresh
	return fresh, gaps
}

// newText returns the visible text up to where advance has read, from where it was told last.
func (t *tape) newText() string {
	v := &t.view
	if v.toldAt == nil {
		v.toldAt = t.first
	}
	var out []byte
	for ; v.told < v.seen; v.told++ {
		if v.told > 0 && v.told%blockSize == 0 {
			v.toldAt = v.toldAt.next.Load()
		}
		if c := v.toldAt.marks[v.told%blockSize]; c.Kind == domain.ChunkText {
			out = append(out, c.Text...)
		}
	}
	return string(out)
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
