package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// socket stamps each read of a connection, below TLS where there is any.
type socket struct {
	net.Conn
	at time.Time // just after the last read that brought bytes
}

// Read implements io.Reader.
func (s *socket) Read(p []byte) (int, error) {
	n, err := s.Conn.Read(p)
	if n > 0 {
		s.at = time.Now()
	}
	return n, err
}

// conn is one connection of the pool.
type conn struct {
	net.Conn // the socket, or TLS over it
	sock     *socket
	idle     time.Time // when it was put into the pool; zero when it never was
}

// take returns a connection that is ready to write to: the one that was used last, as its way is
// the warmest, or a new one.
func (c *Client) take(ctx context.Context, fresh bool) (*conn, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	for !fresh {
		k, stale := c.pop()
		for _, old := range stale {
			_ = old.Close()
		}
		if k == nil {
			break
		}
		if k.alive() {
			return k, nil
		}
		_ = k.Close()
	}
	return c.dial(ctx)
}

// pop takes the newest idle connection. Where that is too old, all are, and none is returned.
func (c *Client) pop() (newest *conn, stale []*conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	last := len(c.kept) - 1
	if last < 0 {
		return nil, nil
	}
	if time.Since(c.kept[last].idle) > keepFor {
		stale, c.kept = c.kept, nil
		return nil, stale
	}
	newest = c.kept[last]
	c.kept[last] = nil
	c.kept = c.kept[:last]
	return newest, nil
}

// put keeps a connection for the next request.
func (c *Client) put(k *conn) {
	k.idle = time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		_ = k.Close()
		return
	}
	c.kept = append(c.kept, k)
}

// Open sees to it that n connections are open and idle, by opening what is missing; no request is
// sent. It returns how many there are, with the first error when they are fewer. Idle connections
// are given up after four seconds, so it belongs just before the requests.
func (c *Client) Open(ctx context.Context, n int) (int, error) {
	n = min(n, mostOpen)
	missing := n - c.refresh()
	var failed atomic.Pointer[error]
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(missing, dialsAtOnce) {
		workers.Go(func() {
			for failed.Load() == nil && next.Add(1) <= int64(missing) {
				k, err := c.dial(ctx)
				if err != nil {
					failed.CompareAndSwap(nil, &err)
					return
				}
				c.put(k)
			}
		})
	}
	workers.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := failed.Load(); err != nil {
		return len(c.kept), &Error{Stage: StageConnect, Ended: ctx.Err() != nil, Err: *err}
	}
	return len(c.kept), nil
}

// refresh closes the idle connections that would be too old soon, or are closed at the other end,
// and returns how many are left.
func (c *Client) refresh() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	good := c.kept[:0]
	for _, k := range c.kept {
		if time.Since(k.idle) < keepFor/4 && k.alive() {
			good = append(good, k)
		} else {
			_ = k.Close()
		}
	}
	clear(c.kept[len(good):])
	c.kept = good
	return len(good)
}

// dial opens a connection, through the proxy where there is one, up to the end of the handshake.
func (c *Client) dial(ctx context.Context) (*conn, error) {
	select {
	case c.dials <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("connect: %w", context.Cause(ctx))
	}
	defer func() { <-c.dials }()
	cause := func(err error) error {
		if ended := context.Cause(ctx); ended != nil { // of the caller, not of our own limit
			return fmt.Errorf("connect: %w", ended)
		}
		return err
	}
	limited, cancel := context.WithTimeoutCause(ctx, dialTimeout, ErrIdle)
	defer cancel()
	k, err := c.connect(limited)
	if err != nil {
		if errors.Is(context.Cause(limited), ErrIdle) {
			err = fmt.Errorf("connect: %w", ErrIdle)
		}
		return nil, cause(err)
	}
	return k, nil
}

func (c *Client) connect(ctx context.Context) (*conn, error) {
	proxy, err := c.proxy(c.base)
	if err != nil {
		return nil, fmt.Errorf("find proxy: %w", err)
	}
	to := c.base
	if proxy != nil {
		to = proxy
	}
	var d net.Dialer
	raw, err := d.DialContext(ctx, "tcp", address(to))
	if err != nil {
		return nil, fmt.Errorf("dial: %w", err)
	}
	sock := &socket{Conn: raw}
	way, err := c.secure(ctx, sock, proxy)
	if err != nil {
		_ = raw.Close()
		return nil, err
	}
	return &conn{Conn: way, sock: sock}, nil
}

// handshake begins TLS over a connection.
func handshake(ctx context.Context, over net.Conn, config *tls.Config) (net.Conn, error) {
	t := tls.Client(over, config)
	if err := t.HandshakeContext(ctx); err != nil {
		return nil, fmt.Errorf("begin TLS: %w", err)
	}
	return t, nil
}
