package wire_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/engine/wire"
)

// The end of the context ends a request wherever it is.
func TestCancel(t *testing.T) {
	t.Parallel()
	cause := errors.New("enough")
	for name, answer := range map[string]string{
		"before the head": "", "in the head": "HTTP/1.1 200 OK\r\n", "in the body": "HTTP/1.1 200 OK\r\n\r\nabc",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancelCause(t.Context())
			s := serve(t, func(c net.Conn, r *bufio.Reader, _ int) {
				if ask(r) != nil {
					_, _ = io.WriteString(c, answer)
					cancel(cause)
					_ = ask(r)
				}
			})
			c := client(t, s)
			begun := time.Now()
			res, err := c.Do(ctx, post("x"))
			if err == nil {
				defer res.Close()
				_, err = io.ReadAll(res)
			}
			var failed *wire.Error
			if !errors.As(err, &failed) || !failed.Ended || !errors.Is(err, cause) || time.Since(begun) > 5*time.Second {
				t.Errorf("%+v", err)
			}
			if _, err := c.Do(ctx, post("x")); !errors.Is(err, cause) {
				t.Errorf("with an ended context: %v", err)
			}
		})
	}
}

// TestTimeouts: what counts as progress is the caller's to say; bytes alone are none.
func TestTimeouts(t *testing.T) {
	t.Parallel()
	const gap, gaps = 20 * time.Millisecond, 20
	trickle := func(c net.Conn, r *bufio.Reader, _ int) {
		if ask(r) == nil {
			return
		}
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\nx")
		for range gaps {
			<-time.After(gap)
			_, _ = io.WriteString(c, "x")
		}
		_ = ask(r)
	}
	for name, c := range map[string]struct {
		timeout time.Duration
		counts  bool
		want    error
	}{
		"progress":    {gap * gaps / 2, true, nil},
		"no progress": {gap * gaps / 2, false, wire.ErrIdle},
		"enough time": {time.Minute, false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := post("x")
			r.Timeout = c.timeout
			res, err := client(t, serve(t, trickle)).Do(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Close()
			var p [1]byte
			for err == nil {
				_, err = res.Read(p[:])
				if c.counts {
					res.Progress(res.At())
				}
			}
			if want := orEOF(c.want); !errors.Is(err, want) {
				t.Errorf("%v, want %v", err, want)
			}
		})
	}
	s := serve(t, func(_ net.Conn, r *bufio.Reader, _ int) { ask(r); ask(r) })
	r := post("x")
	r.Timeout = 30 * time.Millisecond
	if _, err := client(t, s).Do(t.Context(), r); !errors.Is(err, wire.ErrIdle) {
		t.Errorf("no head: %v", err)
	}
}

func orEOF(err error) error {
	if err == nil {
		return io.EOF
	}
	return err
}

// Neither success nor failure leaves a goroutine or a connection behind.
func TestNothingIsLeft(t *testing.T) {
	s := serve(t, func(c net.Conn, r *bufio.Reader, n int) {
		for ask(r) != nil {
			fmt.Fprint(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
			if n%3 == 0 {
				return
			}
			if n%3 == 1 {
				fmt.Fprint(c, "0\r\n\r\n")
			}
		}
	})
	before := runtime.NumGoroutine()
	c := wire.New(wire.Options{Base: s.url})
	var all sync.WaitGroup
	for range 300 {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			res, err := c.Do(ctx, post("x"))
			if err == nil {
				_, _ = io.ReadAll(res)
				res.Close()
			}
		})
	}
	all.Wait()
	c.Close()
	until(t, "connections closed", func() bool { return s.open.Load() == 0 })
	until(t, "goroutines ended", func() bool { return runtime.NumGoroutine() <= before })
}
