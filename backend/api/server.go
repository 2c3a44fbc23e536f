package api

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

type closingKey struct{}

// closing returns a channel that is closed when the server of a request shuts down; nil, which
// never is, without one.
func closing(ctx context.Context) <-chan struct{} {
	c, _ := ctx.Value(closingKey{}).(chan struct{})
	return c
}

// Server returns a server with limits for a listener on a machine's own network. A stream of
// events has no end, so there is no WriteTimeout: each event has its own deadline, each body too.
// Shutdown ends the streams.
func Server(h http.Handler) *http.Server {
	stop := make(chan struct{})
	s := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		BaseContext: func(net.Listener) context.Context {
			return context.WithValue(context.Background(), closingKey{}, stop)
		},
		ConnContext: withPeer,
	}
	s.RegisterOnShutdown(sync.OnceFunc(func() { close(stop) }))
	return s
}

type panicError struct{ value any }

func (p panicError) Error() string { return fmt.Sprintf("panic: %v", p.value) }
