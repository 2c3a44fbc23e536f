package ollama

import (
	"bytes"
	"errors"
	"io"
	"time"

	"github.com/inferometer/inferometer/backend/engine"
)

const lineBufferBytes = 4 << 10

// lineReader reads lines of a stream and stamps them with their arrival: the stamp is that of the
// source where it has one, else the clock is read once after each read of it, before any parsing;
// so lines of one packet share a stamp. Empty lines are passed over; a last line needs no end. It
// is not safe for concurrent use.
type lineReader struct {
	src   io.Reader
	stamp engine.Stamped // src, where it is one
	buf   []byte
	r, w  int // unread bytes are buf[r:w]
	seen  int // bytes of buf[r:w] that hold no line end
	at    time.Time
	err   error
}

func newLineReader(src io.Reader) *lineReader {
	stamp, _ := src.(engine.Stamped)
	return &lineReader{src: src, stamp: stamp, buf: make([]byte, lineBufferBytes)}
}

// next returns the next line without its end, valid until the next call, and when the bytes that
// completed it were read. Lines that are complete come before the error, io.EOF at a clean end.
func (l *lineReader) next() ([]byte, time.Time, error) {
	for {
		if i := bytes.IndexByte(l.buf[l.r+l.seen:l.w], '\n'); i >= 0 {
			line := l.take(l.r+l.seen+i, 1)
			if len(line) > 0 {
				return line, l.at, nil
			}
			continue
		}
		l.seen = l.w - l.r
		if l.err != nil {
			if line := l.take(l.w, 0); errors.Is(l.err, io.EOF) && len(line) > 0 {
				return line, l.at, nil
			}
			return nil, l.at, l.err
		}
		l.fill()
	}
}

// take returns the unread bytes up to end without white space around them, and passes over them
// and over as many further bytes.
func (l *lineReader) take(end, further int) []byte {
	line := bytes.Trim(l.buf[l.r:end], " \t\r\n")
	l.r, l.seen = end+further, 0
	return line
}

// fill makes room and reads once from the source. What ends the stream is kept in err.
func (l *lineReader) fill() {
	if l.r > 0 {
		l.w = copy(l.buf, l.buf[l.r:l.w])
		l.r = 0
	}
	if l.w == len(l.buf) {
		if len(l.buf) >= engine.MaxEventBytes {
			l.err = engine.ErrEventTooLarge
			return
		}
		l.buf = append(l.buf, make([]byte, len(l.buf))...)
	}
	for range 100 { // io.Reader may return nothing a few times
		n, err := l.src.Read(l.buf[l.w:])
		switch {
		case n == 0:
		case l.stamp != nil:
			l.at = l.stamp.At()
		default:
			l.at = time.Now()
		}
		l.w += n
		l.err = err
		if n > 0 || err != nil {
			return
		}
	}
	l.err = io.ErrNoProgress
}
