// Package logbook keeps the newest records of the program's log in memory, so that they can be shown,
// beside the file that holds them all.
package logbook

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

// Size is how many records a book holds.
const Size = 1000

// longest is how much of one value is kept: enough for a stack.
const longest = 8 << 10

// longestLine bounds a line that is read back from the file.
const longestLine = 1 << 20

// component is the attribute that names the part of the program which speaks.
const component = "component"

// Book holds the newest records. The zero value is ready to use, by many goroutines.
type Book struct {
	mu     sync.Mutex
	ring   []domain.LogRecord // oldest at next once it is full
	next   int
	follow func(domain.LogRecord)
}

// Follow hands each further record to f, which must not block; nil ends it.
func (b *Book) Follow(f func(domain.LogRecord)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.follow = f
}

func (b *Book) put(r domain.LogRecord) (follow func(domain.LogRecord)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.ring) < Size {
		b.ring = append(b.ring, r)
	} else {
		b.ring[b.next] = r
		b.next = (b.next + 1) % Size
	}
	return b.follow
}

// Records returns up to limit records of a level or above, newest first.
func (b *Book) Records(least slog.Level, limit int) []domain.LogRecord {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := []domain.LogRecord{}
	for i := range b.ring {
		r := b.ring[(b.next+len(b.ring)-1-i)%len(b.ring)]
		var level slog.Level
		if level.UnmarshalText([]byte(r.Level)) == nil && level >= least {
			out = append(out, r)
		}
		if len(out) == limit {
			break
		}
	}
	return out
}

// Read takes the records of earlier starts from a file of them; what is no record is passed over. Of a file
// that is read from its middle the first line is such.
func (b *Book) Read(r io.Reader) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, longestLine)
	for lines.Scan() {
		if record, ok := parse(lines.Bytes()); ok {
			b.put(record)
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read log: %w", err)
	}
	return nil
}

// parse reads a line as slog's JSON handler writes it.
func parse(line []byte) (domain.LogRecord, bool) {
	r := domain.LogRecord{Attrs: map[string]string{}}
	var fields map[string]json.RawMessage
	if json.Unmarshal(line, &fields) != nil {
		return r, false
	}
	for key, raw := range fields {
		var text string
		if json.Unmarshal(raw, &text) != nil {
			text = string(bytes.TrimSpace(raw))
		}
		switch key {
		case slog.TimeKey:
			at, err := time.Parse(time.RFC3339Nano, text)
			if err != nil {
				return r, false
			}
			r.At = at
		case slog.LevelKey:
			r.Level = text
		case slog.MessageKey:
			r.Message = text
		default:
			set(&r, key, text)
		}
	}
	return r, !r.At.IsZero() && r.Level != "" && r.Message != ""
}

func set(r *domain.LogRecord, key, text string) {
	if len(text) > longest {
		text = strings.ToValidUTF8(text[:longest], "") + "…"
	}
	if key == component {
		r.Component = text
		return
	}
	r.Attrs[key] = text
}

// Handler keeps every record in the book and hands it on.
func (b *Book) Handler(next slog.Handler) slog.Handler { return &handler{book: b, next: next} }

// handler is one logger's view: attributes and groups that were given before.
type handler struct {
	book  *Book
	next  slog.Handler
	group string // with a final dot, or empty
	attrs []attr
}

type attr struct{ key, text string }

// Enabled implements slog.Handler.
func (h *handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	record := domain.LogRecord{At: r.Time.Round(0), Level: r.Level.String(), Message: r.Message, Attrs: map[string]string{}}
	attrs := slices.Clip(h.attrs)
	r.Attrs(func(a slog.Attr) bool {
		attrs = flatten(attrs, h.group, a)
		return true
	})
	for _, a := range attrs {
		set(&record, a.key, a.text)
	}
	if follow := h.book.put(record); follow != nil {
		follow(record)
	}
	return h.next.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	more := *h
	more.next, more.attrs = h.next.WithAttrs(attrs), slices.Clip(h.attrs)
	for _, a := range attrs {
		more.attrs = flatten(more.attrs, h.group, a)
	}
	return &more
}

// WithGroup implements slog.Handler.
func (h *handler) WithGroup(name string) slog.Handler {
	more := *h
	more.next = h.next.WithGroup(name)
	if name != "" {
		more.group += name + "."
	}
	return &more
}

// flatten appends an attribute, those of a group one by one.
func flatten(to []attr, group string, a slog.Attr) []attr {
	value := a.Value.Resolve()
	if value.Kind() != slog.KindGroup {
		return append(to, attr{group + a.Key, value.String()})
	}
	if a.Key != "" {
		group += a.Key + "."
	}
	for _, inner := range value.Group() {
		to = flatten(to, group, inner)
	}
	return to
}
