package api

import (
	"encoding/binary"
	"net/netip"
	"slices"
)

// Layouts of the rows of Windows' table of TCP connections with their processes, MIB_TCPROW_OWNER_PID and
// MIB_TCP6ROW_OWNER_PID: where each field begins. Addresses and ports are in network order.
type tableLayout struct{ size, state, local, localPort, remote, remotePort, pid int }

func layoutOf(v6 bool) tableLayout {
	if v6 {
		return tableLayout{size: 56, state: 48, local: 0, localPort: 20, remote: 24, remotePort: 44, pid: 52}
	}
	return tableLayout{size: 24, state: 0, local: 4, localPort: 8, remote: 12, remotePort: 16, pid: 20}
}

// tableEstablished is MIB_TCP_STATE_ESTAB: the address of a listener is not that of a caller.
const tableEstablished = 5

// pidInTable looks for the process that holds the socket at client which is connected to server, in a table with its
// count of rows before them. A table that is shorter than it says knows nothing.
func pidInTable(table []byte, client, server netip.AddrPort) (uint32, bool) {
	if len(table) < 4 || client.Addr().Is6() != server.Addr().Is6() {
		return 0, false
	}
	l, ne := layoutOf(client.Addr().Is6()), binary.NativeEndian
	rows, n := table[4:], int64(ne.Uint32(table))
	if int64(len(rows)) < n*int64(l.size) {
		return 0, false
	}
	at := func(row []byte, addr, port int, want netip.AddrPort) bool {
		raw := want.Addr().AsSlice()
		return slices.Equal(row[addr:addr+len(raw)], raw) && binary.BigEndian.Uint16(row[port:]) == want.Port()
	}
	for i := range n {
		row := rows[i*int64(l.size):][:l.size]
		if ne.Uint32(row[l.state:]) == tableEstablished && at(row, l.local, l.localPort, client) && at(row, l.remote, l.remotePort, server) {
			return ne.Uint32(row[l.pid:]), true
		}
	}
	return 0, false
}
