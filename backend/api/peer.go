package api

import (
	"context"
	"net"
	"net/netip"
	"sync"
)

type peerKey struct{}

// withPeer remembers how to find out whose process is at the other end of a connection. The
// question is asked once, with the first request.
func withPeer(ctx context.Context, c net.Conn) context.Context {
	local, ok1 := c.LocalAddr().(*net.TCPAddr)
	remote, ok2 := c.RemoteAddr().(*net.TCPAddr)
	if !ok1 || !ok2 {
		return ctx
	}
	return context.WithValue(ctx, peerKey{}, sync.OnceValue(func() bool {
		return samePeer(plainAddr(remote), plainAddr(local))
	}))
}

func plainAddr(a *net.TCPAddr) netip.AddrPort {
	ap := a.AddrPort()
	return netip.AddrPortFrom(ap.Addr().Unmap().WithZone(""), ap.Port())
}

// samePeer reports whether the socket at client, connected to server, belongs to our own user.
// Unknown counts as no.
func samePeer(client, server netip.AddrPort) bool {
	if !client.Addr().IsLoopback() || !server.Addr().IsLoopback() {
		return false
	}
	return ownSocket(client, server)
}

func sameUser(ctx context.Context) bool {
	ask, ok := ctx.Value(peerKey{}).(func() bool)
	return ok && ask()
}
