package api

import (
	"encoding/binary"
	"net/netip"
	"testing"
)

// tableRow is a row as Windows lays it out, written field by field.
func tableRow(state uint32, local, remote netip.AddrPort, pid uint32) []byte {
	var b []byte
	number := func(v uint32) { b = binary.NativeEndian.AppendUint32(b, v) }
	port := func(p uint16) { b = append(binary.BigEndian.AppendUint16(b, p), 0, 0) }
	if local.Addr().Is6() {
		for _, a := range []netip.AddrPort{local, remote} {
			b = append(b, a.Addr().AsSlice()...)
			number(0) // scope
			port(a.Port())
		}
		number(state)
	} else {
		number(state)
		for _, a := range []netip.AddrPort{local, remote} {
			b = append(b, a.Addr().AsSlice()...)
			port(a.Port())
		}
	}
	number(pid)
	return b
}

func TestPIDInTable(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "[::1]"} {
		client, server, other := netip.MustParseAddrPort(host+":50123"), netip.MustParseAddrPort(host+":8000"), netip.MustParseAddrPort(host+":50124")
		table := binary.NativeEndian.AppendUint32(nil, 4)
		for _, row := range [][]byte{
			tableRow(2, client, server, 11),               // it listens
			tableRow(tableEstablished, server, client, 7), // our own end
			tableRow(tableEstablished, other, server, 12),
			tableRow(tableEstablished, client, server, 13),
		} {
			table = append(table, row...)
		}
		if pid, ok := pidInTable(table, client, server); !ok || pid != 13 {
			t.Errorf("%s: %d, %v", host, pid, ok)
		}
		if pid, ok := pidInTable(table, netip.AddrPortFrom(client.Addr(), 1), server); ok {
			t.Errorf("%s: a connection that is not there belongs to %d", host, pid)
		}
		for _, bad := range [][]byte{nil, table[:3], table[:len(table)-1]} {
			if _, ok := pidInTable(bad, client, server); ok {
				t.Errorf("%s: %d bytes know a process", host, len(bad))
			}
		}
	}
	if _, ok := pidInTable(make([]byte, 200), netip.MustParseAddrPort("127.0.0.1:1"), netip.MustParseAddrPort("[::1]:2")); ok {
		t.Error("two families make a connection")
	}
}
