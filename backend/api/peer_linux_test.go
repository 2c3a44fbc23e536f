package api

import (
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
)

func TestSocketOwner(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	at := func(a net.Addr) netip.AddrPort { return plainAddr(a.(*net.TCPAddr)) }
	c, s := at(client.LocalAddr()), at(server.LocalAddr())
	if !samePeer(c, s) {
		t.Error("our own connection is not known as ours")
	}
	if samePeer(netip.AddrPortFrom(c.Addr(), 1), s) {
		t.Error("a connection that is not there is known")
	}
	// The address of a listener is not that of a caller.
	if _, ok := socketOwner(s, c); ok && samePeer(s, netip.AddrPortFrom(c.Addr(), 1)) {
		t.Error("a listener passes for a caller")
	}
	if samePeer(netip.MustParseAddrPort("192.0.2.7:5000"), s) {
		t.Error("another machine is known")
	}
}

func TestSocketOwnerInTable(t *testing.T) {
	table := "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n" +
		"   0: 0100007F:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000     7        0 1 1\n" +
		"   1: 0100007F:C000 0100007F:1F40 06 00000000:00000000 00:00000000 00000000     0        0 0 1\n" +
		"   2: 0100007F:C001 0100007F:1F40 01 00000000:00000000 00:00000000 00000000  1234        0 2 1\n"
	server := netip.MustParseAddrPort("127.0.0.1:8000")
	if uid, ok := ownerInTable(strings.NewReader(table), netip.MustParseAddrPort("127.0.0.1:49153"), server); !ok || uid != 1234 {
		t.Errorf("owner %d %v", uid, ok)
	}
	if _, ok := ownerInTable(strings.NewReader(table), netip.MustParseAddrPort("127.0.0.1:49152"), server); ok {
		t.Error("a closing connection has no owner")
	}
	if got := tableAddr(netip.MustParseAddrPort("[::1]:8000")); got != "00000000000000000000000001000000:1F40" {
		t.Errorf("table address %s", got)
	}
	if _, err := os.Stat("/proc/net/tcp"); err != nil {
		t.Errorf("this machine has no table: %v", err)
	}
}
