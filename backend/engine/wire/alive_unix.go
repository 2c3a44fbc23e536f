//go:build unix

package wire

import (
	"errors"
	"net"
	"syscall"
)

// alive reports whether the server still holds an idle connection: nothing may have come over it,
// least of all its end. It costs one system call and takes nothing off the connection.
func (k *conn) alive() bool {
	raw, ok := k.sock.Conn.(syscall.Conn)
	if !ok {
		return true
	}
	control, err := raw.SyscallConn()
	if err != nil {
		return false
	}
	alive := false
	err = control.Control(func(fd uintptr) {
		var one [1]byte
		n, _, err := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK)
		// After a TLS handshake the tickets of the session wait unread.
		alive = errors.Is(err, syscall.EAGAIN) || (n > 0 && k.Conn != net.Conn(k.sock))
	})
	return err == nil && alive
}
