// Package stream carries live events from the program to whoever watches it. Publishing never
// blocks: a watcher that is too slow loses events and is told so by a reset, never in silence. It
// stores nothing on disk and gives events no meaning.
package stream

import (
	"context"
	"crypto/rand"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

// Options size a Hub; zero values mean the defaults.
type Options struct {
	Replay int // events kept for those who come back; 1024
	Buffer int // events a subscriber may lag behind; 256
}

// Hub numbers events and hands them to its subscribers. Its methods are safe for concurrent use.
type Hub struct {
	epoch  string
	buffer int
	done   chan struct{}
	wait   sync.WaitGroup

	mu   sync.Mutex
	last uint64         // number of the newest event
	ring []domain.Event // event n lies at n % len
	subs map[chan domain.Event]struct{}
	// closed is set before done is closed; nothing is published or subscribed after it.
	closed bool
}

// NewHub returns a hub with an epoch of its own.
func NewHub(opts Options) *Hub {
	if opts.Replay <= 0 {
		opts.Replay = 1024
	}
	if opts.Buffer <= 0 {
		opts.Buffer = 256
	}
	return &Hub{epoch: strings.ToLower(rand.Text()[:8]), buffer: max(opts.Buffer, 2), done: make(chan struct{}),
		ring: make([]domain.Event, opts.Replay), subs: map[chan domain.Event]struct{}{}}
}

// Publish sends an event to all subscribers without ever waiting for one. The caller must not
// change data afterwards.
func (h *Hub) Publish(kind domain.EventKind, data any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return
	}
	h.last++
	e := domain.Event{ID: h.id(h.last), Kind: kind, At: time.Now().UTC(), Data: data}
	h.ring[h.last%uint64(len(h.ring))] = e
	for ch := range h.subs {
		h.send(ch, e)
	}
}

// send is called with mu held, so nothing else fills ch.
func (h *Hub) send(ch chan domain.Event, e domain.Event) {
	select {
	case ch <- e:
		return
	default:
	}
	// The subscriber has to read everything anew anyway, so all that waits for it can go.
	dropped := 0
	for {
		select {
		case old := <-ch:
			if r, ok := old.Data.(domain.ResetEvent); ok && old.Kind == domain.EventReset {
				dropped += r.Dropped
			} else {
				dropped++
			}
			continue
		default:
		}
		break
	}
	ch <- h.reset(h.last-1, dropped)
	ch <- e
}

// Subscribe returns a channel with what came after lastID ("" for none) and then every new event,
// until ctx ends or the hub closes; then the channel is closed. It begins with a reset when the
// past cannot be replayed.
func (h *Hub) Subscribe(ctx context.Context, lastID string) <-chan domain.Event {
	h.mu.Lock()
	defer h.mu.Unlock()
	past := h.past(lastID)
	ch := make(chan domain.Event, h.buffer+len(past))
	if h.closed {
		close(ch)
		return ch
	}
	for _, e := range past {
		ch <- e
	}
	h.subs[ch] = struct{}{}
	h.wait.Go(func() {
		select {
		case <-ctx.Done():
		case <-h.done:
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.subs, ch)
		close(ch)
	})
	return ch
}

// past returns what a subscriber that has seen lastID is to be told first.
func (h *Hub) past(lastID string) []domain.Event {
	if lastID == "" {
		return nil
	}
	epoch, number, _ := strings.Cut(lastID, "-")
	seen, err := strconv.ParseUint(number, 10, 64)
	if err != nil || epoch != h.epoch || seen > h.last || h.last-seen > uint64(len(h.ring)) {
		return []domain.Event{h.reset(h.last, 0)}
	}
	var out []domain.Event
	for n := seen + 1; n <= h.last; n++ {
		out = append(out, h.ring[n%uint64(len(h.ring))])
	}
	return out
}

// reset carries the number of an event that was, so that coming back with it goes on from there.
func (h *Hub) reset(n uint64, dropped int) domain.Event {
	return domain.Event{ID: h.id(n), Kind: domain.EventReset, At: time.Now().UTC(), Data: domain.ResetEvent{Dropped: dropped}}
}

func (h *Hub) id(n uint64) string { return h.epoch + "-" + strconv.FormatUint(n, 10) }

// Close ends all subscriptions and returns when their channels are closed. Publishing afterwards
// does nothing.
func (h *Hub) Close() {
	h.mu.Lock()
	if !h.closed {
		h.closed = true
		close(h.done)
	}
	h.mu.Unlock()
	h.wait.Wait()
}
