//go:build unix

package llama

import (
	"os"
	"syscall"
	"time"
)

// goneWait bounds the wait for the last process of a killed group.
const goneWait = 2 * time.Second

// stopGroup asks every process of the group to end. It may be gone already.
func stopGroup(pid int) { _ = syscall.Kill(-pid, syscall.SIGTERM) }

// killGroup ends every process of the group. It may be gone already.
func killGroup(pid int) { _ = syscall.Kill(-pid, syscall.SIGKILL) }

// awaitGroupGone waits until the killed group holds no process. A dead process that its new parent
// has not collected counts as there, hence the bound.
func awaitGroupGone(pid int) {
	deadline := time.Now().Add(goneWait)
	for syscall.Kill(-pid, 0) == nil && time.Now().Before(deadline) {
		time.Sleep(2 * time.Millisecond)
	}
}

// signalOf names the signal that ended a process; ill: it was SIGILL.
func signalOf(p *os.ProcessState) (name string, ill bool) {
	ws, ok := p.Sys().(syscall.WaitStatus)
	if !ok || !ws.Signaled() {
		return "", false
	}
	return ws.Signal().String(), ws.Signal() == syscall.SIGILL
}
