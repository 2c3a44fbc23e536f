package stream_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/service"
	"github.com/inferometer/inferometer/backend/stream"
)

var _ service.Publisher = (*stream.Hub)(nil)

// publish sends the numbers from first to last as data.
func publish(h *stream.Hub, first, last int) {
	for n := first; n <= last; n++ {
		h.Publish(domain.EventLog, n)
	}
}

// waiting reads what lies in the channel now, as words: "3", "reset:0", "closed".
func waiting(ch <-chan domain.Event) string {
	var out []string
	for {
		select {
		case e, ok := <-ch:
			if !ok {
				return strings.Join(append(out, "closed"), " ")
			}
			if e.Kind == domain.EventReset {
				out = append(out, fmt.Sprint("reset:", e.Data.(domain.ResetEvent).Dropped))
			} else {
				out = append(out, fmt.Sprint(e.Data))
			}
			continue
		default:
		}
		return strings.Join(out, " ")
	}
}

func want(t *testing.T, what string, ch <-chan domain.Event, words string) {
	t.Helper()
	synctest.Wait()
	if got := waiting(ch); got != words {
		t.Errorf("%s: got %q, want %q", what, got, words)
	}
}

// idOf returns the id of the event that comes next, "EPOCH-1" turned to another number.
func idOf(e domain.Event, n string) string {
	epoch, _, _ := strings.Cut(e.ID, "-")
	return epoch + "-" + n
}

func TestFollowAndResume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := stream.NewHub(stream.Options{Replay: 4, Buffer: 8})
		defer h.Close()
		first := h.Subscribe(t.Context(), "")
		publish(h, 1, 1)
		one := <-first
		if epoch, n, _ := strings.Cut(one.ID, "-"); len(epoch) != 8 || n != "1" || one.At.IsZero() {
			t.Errorf("first event is %+v", one)
		}
		publish(h, 2, 6)
		want(t, "follower", first, "2 3 4 5 6")
		want(t, "newcomer", h.Subscribe(t.Context(), ""), "")
		cases := []struct{ lastID, words string }{
			{idOf(one, "6"), ""}, {idOf(one, "5"), "6"}, {idOf(one, "2"), "3 4 5 6"},
			{idOf(one, "1"), "reset:0"}, {idOf(one, "0"), "reset:0"}, {idOf(one, "7"), "reset:0"},
			{"00000000-5", "reset:0"}, {"nonsense", "reset:0"}, {idOf(one, "-1"), "reset:0"},
		}
		for _, c := range cases {
			want(t, c.lastID, h.Subscribe(t.Context(), c.lastID), c.words)
		}
		reset := <-h.Subscribe(t.Context(), "other-3")
		publish(h, 7, 7)
		want(t, "from a reset", h.Subscribe(t.Context(), reset.ID), "7")
	})
}

func TestReplayThenLiveWithoutAGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := stream.NewHub(stream.Options{Replay: 100, Buffer: 2})
		defer h.Close()
		ch := h.Subscribe(t.Context(), "")
		publish(h, 1, 1)
		id := (<-ch).ID
		publish(h, 2, 50)
		late := h.Subscribe(t.Context(), id)
		publish(h, 51, 52)
		var words []string
		for n := 2; n <= 52; n++ {
			words = append(words, fmt.Sprint(n))
		}
		want(t, "late", late, strings.Join(words, " "))
	})
}

func TestSlowSubscriberIsToldAndOthersGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := stream.NewHub(stream.Options{Buffer: 3})
		defer h.Close()
		slow, quick := h.Subscribe(t.Context(), ""), h.Subscribe(t.Context(), "")
		for n := 1; n <= 5; n++ {
			publish(h, n, n)
			want(t, "quick", quick, fmt.Sprint(n))
		}
		want(t, "slow", slow, "reset:3 4 5")
		publish(h, 6, 7)
		want(t, "slow, back again", slow, "6 7")
		publish(h, 8, 20) // overflows again and again: the count adds up
		var lost, got int
		for _, w := range strings.Fields(waiting(slow)) {
			if n, ok := strings.CutPrefix(w, "reset:"); ok {
				if _, err := fmt.Sscan(n, &lost); err != nil {
					t.Error(err)
				}
			} else {
				got++
			}
		}
		if lost+got != 13 || got == 0 {
			t.Errorf("lost %d and got %d of 13", lost, got)
		}
	})
}

func TestEndOfContextAndClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := stream.NewHub(stream.Options{})
		ctx, cancel := context.WithCancel(t.Context())
		gone, stays := h.Subscribe(ctx, ""), h.Subscribe(t.Context(), "")
		cancel()
		want(t, "canceled", gone, "closed")
		publish(h, 1, 1)
		want(t, "other", stays, "1")
		publish(h, 2, 2)
		h.Close()
		if got := waiting(stays); got != "2 closed" {
			t.Errorf("after Close returned: %q", got)
		}
		h.Close()
		publish(h, 3, 3)
		want(t, "subscribed after Close", h.Subscribe(t.Context(), ""), "closed")
	})
}

// TestManyAtOnce lets the race detector look, and checks that every subscriber sees rising numbers.
func TestManyAtOnce(t *testing.T) {
	h := stream.NewHub(stream.Options{Replay: 64, Buffer: 16})
	var readers, writers sync.WaitGroup
	for range 8 {
		ch := h.Subscribe(t.Context(), "")
		readers.Go(func() {
			var seen []uint64
			for e := range ch {
				var n uint64
				if _, err := fmt.Sscanf(e.ID[9:], "%d", &n); err != nil {
					t.Error(err)
				}
				if e.Kind != domain.EventReset {
					seen = append(seen, n)
				}
			}
			if !slices.IsSorted(seen) || len(slices.Compact(seen)) != len(seen) {
				t.Error("events out of order or twice")
			}
		})
	}
	for range 4 {
		writers.Go(func() {
			publish(h, 1, 500)
			ctx, cancel := context.WithCancel(t.Context())
			h.Subscribe(ctx, "x")
			cancel()
		})
	}
	writers.Wait()
	h.Close()
	readers.Wait()
}
