package api

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"io"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// The kernel's numbers for asking about one TCP socket.
const (
	netlinkInetDiag = 4
	diagByFamily    = 20
	established     = 1
	headerLen       = 16
	requestLen      = 56
	replyLen        = 72
)

// ownSocket reports whether the TCP socket at client which is connected to server belongs to our own user.
func ownSocket(client, server netip.AddrPort) bool {
	uid, ok := socketOwner(client, server)
	return ok && int(uid) == os.Geteuid()
}

// socketOwner returns the user that owns the TCP socket at client which is connected to server.
func socketOwner(client, server netip.AddrPort) (uint32, bool) {
	if uid, ok := ownerByNetlink(client, server); ok {
		return uid, true
	}
	name := "/proc/net/tcp"
	if client.Addr().Is6() {
		name = "/proc/net/tcp6"
	}
	f, err := os.Open(name)
	if err != nil {
		return 0, false
	}
	defer f.Close()
	return ownerInTable(f, client, server)
}

// ownerByNetlink asks the kernel for exactly this socket. Only an established one counts: when it
// is gone the kernel would answer with whatever listens on the same port.
func ownerByNetlink(client, server netip.AddrPort) (uint32, bool) {
	fd, err := syscall.Socket(syscall.AF_NETLINK, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC, netlinkInetDiag)
	if err != nil {
		return 0, false
	}
	defer syscall.Close(fd)
	timeout := syscall.Timeval{Sec: 1}
	if err := syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, &timeout); err != nil {
		return 0, false
	}
	if err := syscall.Sendto(fd, diagRequest(client, server), 0, &syscall.SockaddrNetlink{Family: syscall.AF_NETLINK}); err != nil {
		return 0, false
	}
	buf := make([]byte, 8192)
	n, from, err := syscall.Recvfrom(fd, buf, 0)
	if err != nil {
		return 0, false
	}
	if sender, ok := from.(*syscall.SockaddrNetlink); !ok || sender.Pid != 0 {
		return 0, false // not the kernel
	}
	return ownerInReply(buf[:n], client, server)
}

func diagRequest(client, server netip.AddrPort) []byte {
	b := make([]byte, headerLen+requestLen)
	ne := binary.NativeEndian
	ne.PutUint32(b[0:], uint32(len(b))) // #nosec G115 -- 72 bytes
	ne.PutUint16(b[4:], diagByFamily)
	ne.PutUint16(b[6:], syscall.NLM_F_REQUEST)
	req := b[headerLen:]
	req[0], req[1] = syscall.AF_INET, syscall.IPPROTO_TCP
	if client.Addr().Is6() {
		req[0] = syscall.AF_INET6
	}
	ne.PutUint32(req[4:], 1<<established)
	copy(req[8:], socketID(client, server))
	for i := 48; i < 56; i++ {
		req[i] = 0xff // no cookie
	}
	return b
}

// socketID is the part that request and reply share: ports and addresses in network order.
func socketID(client, server netip.AddrPort) []byte {
	id := make([]byte, 36)
	binary.BigEndian.PutUint16(id[0:], client.Port())
	binary.BigEndian.PutUint16(id[2:], server.Port())
	copy(id[4:], client.Addr().AsSlice())
	copy(id[20:], server.Addr().AsSlice())
	return id
}

func ownerInReply(b []byte, client, server netip.AddrPort) (uint32, bool) {
	if len(b) < headerLen+replyLen || binary.NativeEndian.Uint16(b[4:]) != diagByFamily {
		return 0, false
	}
	msg := b[headerLen:]
	want := socketID(client, server)
	if msg[1] != established || !slices.Equal(msg[4:4+len(want)], want) {
		return 0, false
	}
	return binary.NativeEndian.Uint32(msg[64:]), true
}

// ownerInTable looks for the socket in the text of /proc/net/tcp or tcp6.
func ownerInTable(r io.Reader, client, server netip.AddrPort) (uint32, bool) {
	local, remote := tableAddr(client), tableAddr(server)
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		if len(f) < 8 || f[1] != local || f[2] != remote || f[3] != "01" {
			continue
		}
		uid, err := strconv.ParseUint(f[7], 10, 32)
		return uint32(uid), err == nil
	}
	return 0, false
}

// tableAddr writes an address as the table does: words of four bytes in the machine's own order.
func tableAddr(a netip.AddrPort) string {
	raw := a.Addr().AsSlice()
	out := make([]byte, len(raw))
	for i := 0; i < len(raw); i += 4 {
		binary.BigEndian.PutUint32(out[i:], binary.NativeEndian.Uint32(raw[i:]))
	}
	return strings.ToUpper(hex.EncodeToString(out)) + ":" + strings.ToUpper(hex.EncodeToString([]byte{byte(a.Port() >> 8), byte(a.Port())})) // #nosec G115 -- the two bytes of a port
}
