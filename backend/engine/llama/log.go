package llama

import (
	"bytes"
	"strings"
	"sync"
)

const (
	ringLines    = 500
	maxLineBytes = 4 << 10
)

// logRing keeps the last lines of a child's output. It is an io.Writer for both its streams.
type logRing struct {
	mu     sync.Mutex
	ring   []string
	next   int
	rest   []byte // a line without its end yet
	secret string
	onLine func(string)
}

func newLogRing(onLine func(string)) *logRing { return &logRing{onLine: onLine} }

// begin empties the ring for a new child. The secret is masked should the child ever print it.
func (l *logRing) begin(secret string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ring, l.next, l.rest, l.secret = nil, 0, nil, secret
}

// Write implements io.Writer; it never fails, as a child must not block on its log.
func (l *logRing) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(p)
	for {
		i := bytes.IndexByte(p, '\n')
		if i < 0 {
			if room := maxLineBytes - len(l.rest); room > 0 {
				l.rest = append(l.rest, p[:min(room, len(p))]...)
			}
			return n, nil
		}
		l.add(append(l.rest, p[:i]...))
		l.rest = l.rest[:0]
		p = p[i+1:]
	}
}

// flush turns an unfinished last line into a line.
func (l *logRing) flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.rest) > 0 {
		l.add(l.rest)
		l.rest = nil
	}
}

func (l *logRing) add(raw []byte) {
	line := strings.ToValidUTF8(strings.TrimRight(string(raw[:min(len(raw), maxLineBytes)]), "\r"), "?")
	if l.secret != "" {
		line = strings.ReplaceAll(line, l.secret, "***")
	}
	if len(l.ring) < ringLines {
		l.ring = append(l.ring, line)
	} else {
		l.ring[l.next] = line
		l.next = (l.next + 1) % ringLines
	}
	if l.onLine != nil {
		l.onLine(line)
	}
}

// lines returns a copy, oldest first.
func (l *logRing) lines() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]string, 0, len(l.ring))
	out = append(out, l.ring[l.next:]...)
	return append(out, l.ring[:l.next]...)
}

// joinTail returns the last n lines as one text.
func joinTail(lines []string, n int) string {
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
