package engine

import (
	"bytes"
	"errors"
	"io"
	"time"
)

// MaxEventBytes is the largest event SSEReader accepts, over all its lines.
const MaxEventBytes = 4 << 20

// ErrEventTooLarge says that one event, or one line, is longer than MaxEventBytes.
var ErrEventTooLarge = errors.New("event is too large")

// Event is one server-sent event.
type Event struct {
	At   time.Time // when the bytes that completed the last data line were read
	Name string    // the event field; "error" also for lines that some servers begin with "error:"
	Data []byte    // data lines joined by a newline; valid until the next call of Next
}

// Stamped is a source that knows when the bytes of its last Read arrived.
type Stamped interface{ At() time.Time }

// SSEReader reads server-sent events and stamps them with their arrival: the stamp is that of the
// source where it is Stamped, else the clock is read once after each read of it, before any
// parsing; so events of one packet share a stamp and slow parsing moves none. It takes LF, CRLF and CR line ends, comments, events that are cut
// anywhere, and a last event without its blank line. It is not safe for concurrent use.
type SSEReader struct {
	src    io.Reader
	stamp  Stamped // src, where it is one
	buf    []byte
	r, w   int // unread bytes are buf[r:w]
	seen   int // bytes of buf[r:w] that hold no line end
	at     time.Time
	err    error
	skipLF bool // the last line ended in CR: a following LF belongs to it
	first  bool // no line was read yet: a byte order mark may come
	data   []byte
}

const sseBufferBytes = 4 << 10

// NewSSEReader returns a reader over src, which is never read ahead of need beyond one buffer.
func NewSSEReader(src io.Reader) *SSEReader {
	stamp, _ := src.(Stamped)
	return &SSEReader{src: src, stamp: stamp, buf: make([]byte, sseBufferBytes), first: true}
}

// Next returns the next event that carries data. The error is io.EOF at a clean end; events that
// are complete come before the error.
func (s *SSEReader) Next() (Event, error) {
	ev := Event{}
	s.data = s.data[:0]
	lines := 0
	for {
		line, err := s.line()
		if err != nil {
			// A lenient end: servers that forget the last blank line still mean the event.
			if errors.Is(err, io.EOF) && lines > 0 {
				ev.Data = s.data
				return ev, nil
			}
			return Event{}, err
		}
		if len(line) == 0 {
			if lines > 0 {
				ev.Data = s.data
				return ev, nil
			}
			ev.Name = ""
			continue
		}
		name, value := splitField(line)
		switch string(name) {
		case "event":
			ev.Name = eventName(value)
			continue
		case "error":
			ev.Name = "error"
		case "data":
		default: // comment, id, retry, unknown
			continue
		}
		if lines > 0 {
			s.data = append(s.data, '\n')
		}
		if len(s.data)+len(value) > MaxEventBytes {
			return Event{}, ErrEventTooLarge
		}
		s.data = append(s.data, value...)
		ev.At = s.at
		lines++
	}
}

// splitField cuts "name: value" and drops the one space that may follow the colon. A comment has
// an empty name.
func splitField(line []byte) (name, value []byte) {
	name, value, found := bytes.Cut(line, []byte(":"))
	if found && len(value) > 0 && value[0] == ' ' {
		value = value[1:]
	}
	return name, value
}

// eventName avoids an allocation for the names that streams use.
func eventName(b []byte) string {
	switch string(b) {
	case "message":
		return "message"
	case "error":
		return "error"
	}
	return string(b)
}

// line returns the next line without its end. It is valid until the next call.
func (s *SSEReader) line() ([]byte, error) {
	for {
		if s.skipLF && s.r < s.w {
			if s.buf[s.r] == '\n' {
				s.r++
			}
			s.skipLF = false
		}
		if i := lineEnd(s.buf[s.r+s.seen : s.w]); i >= 0 {
			end := s.r + s.seen + i
			line := s.buf[s.r:end]
			s.skipLF = s.buf[end] == '\r'
			s.r, s.seen = end+1, 0
			return s.withoutMark(line), nil
		}
		s.seen = s.w - s.r
		if s.err != nil {
			if errors.Is(s.err, io.EOF) && s.seen > 0 {
				line := s.buf[s.r:s.w]
				s.r, s.seen = s.w, 0
				return s.withoutMark(line), nil
			}
			return nil, s.err
		}
		s.fill()
	}
}

// lineEnd returns the place of the first CR or LF, -1 when there is none. Two vectorised searches
// beat one loop over bytes.
func lineEnd(b []byte) int {
	i := bytes.IndexByte(b, '\n')
	if i >= 0 {
		b = b[:i]
	}
	if j := bytes.IndexByte(b, '\r'); j >= 0 {
		return j
	}
	return i
}

// withoutMark drops a byte order mark from the first line.
func (s *SSEReader) withoutMark(line []byte) []byte {
	if s.first {
		s.first = false
		line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
	}
	return line
}

// fill makes room and reads once from the source. What ends the stream is kept in err.
func (s *SSEReader) fill() {
	if s.r > 0 {
		s.w = copy(s.buf, s.buf[s.r:s.w])
		s.r = 0
	}
	if s.w == len(s.buf) {
		if len(s.buf) >= MaxEventBytes {
			s.err = ErrEventTooLarge
			return
		}
		grown := make([]byte, min(2*len(s.buf), MaxEventBytes))
		copy(grown, s.buf[:s.w])
		s.buf = grown
	}
	for range 100 { // io.Reader may return nothing a few times
		n, err := s.src.Read(s.buf[s.w:])
		switch {
		case n == 0:
		case s.stamp != nil:
			s.at = s.stamp.At()
		default:
			s.at = time.Now()
		}
		s.w += n
		s.err = err
		if n > 0 || err != nil {
			return
		}
	}
	s.err = io.ErrNoProgress
}
