package api

import (
	"net/netip"
	"unsafe"

	"golang.org/x/sys/windows"
)

// What GetExtendedTcpTable is asked for: connections, without listeners, with their processes.
const ownerPIDConnections = 4

// ownSocket reports whether the TCP socket at client which is connected to server is held by a process of our own
// user. Unknown, as where a process cannot be looked at, counts as no.
func ownSocket(client, server netip.AddrPort) bool {
	pid, ok := ownerPID(client, server)
	if !ok {
		return false
	}
	same := sameUserAs(pid)
	again, ok := ownerPID(client, server) // the number may have gone to another process meanwhile
	return same && ok && again == pid
}

func ownerPID(client, server netip.AddrPort) (uint32, bool) {
	family := uintptr(windows.AF_INET)
	if client.Addr().Is6() {
		family = windows.AF_INET6
	}
	get := windows.NewLazySystemDLL("iphlpapi.dll").NewProc("GetExtendedTcpTable")
	if get.Find() != nil {
		return 0, false
	}
	size := uint32(64 << 10)
	for range 4 { // it may grow between two calls
		table := make([]byte, size)
		rc, _, _ := get.Call(uintptr(unsafe.Pointer(&table[0])), uintptr(unsafe.Pointer(&size)), 0, family, ownerPIDConnections, 0)
		switch windows.Errno(rc) {
		case 0:
			return pidInTable(table, client, server)
		case windows.ERROR_INSUFFICIENT_BUFFER:
			size += 4 << 10
		default:
			return 0, false
		}
	}
	return 0, false
}

// sameUserAs compares the user of a process with our own by their security identifiers.
func sameUserAs(pid uint32) bool {
	process, err := windows.OpenProcess(windows.PROCESS_QUERY_LIMITED_INFORMATION, false, pid)
	if err != nil {
		return false
	}
	defer func() { _ = windows.CloseHandle(process) }() // only looked at
	var token windows.Token
	if err := windows.OpenProcessToken(process, windows.TOKEN_QUERY, &token); err != nil {
		return false
	}
	defer func() { _ = token.Close() }() // only looked at
	theirs, err := token.GetTokenUser()
	if err != nil {
		return false
	}
	ours, err := windows.GetCurrentProcessToken().GetTokenUser()
	return err == nil && theirs.User.Sid.Equals(ours.User.Sid)
}
