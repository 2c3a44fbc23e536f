package llama

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
	"time"
)

// libraryPathVariable: Windows looks for libraries along PATH.
const libraryPathVariable = "PATH"

const killWait = 10 * time.Second

// prepareGroup keeps console signals of ours away from the child.
func prepareGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP, HideWindow: true}
}

// stopGroup ends the tree: there is no gentle signal for a process without a window.
func stopGroup(pid int) { killGroup(pid) }

// killGroup ends the process and what it started, as far as they are still linked.
func killGroup(pid int) {
	ctx, cancel := context.WithTimeout(context.Background(), killWait)
	defer cancel()
	if exec.CommandContext(ctx, "taskkill", "/T", "/F", "/PID", strconv.Itoa(pid)).Run() == nil {
		return
	}
	if p, err := os.FindProcess(pid); err == nil {
		_ = p.Kill() // it may be gone already
	}
}

// awaitGroupGone has nothing to wait for: taskkill returns when the tree is gone.
func awaitGroupGone(int) {}

// signalOf knows no signals here; an unknown instruction is an exit code.
func signalOf(p *os.ProcessState) (name string, ill bool) {
	const illegalInstruction = 0xC000001D
	return "", uint32(p.ExitCode()) == illegalInstruction
}

// identify returns the creation time of a process.
func identify(pid int) (string, error) {
	h, err := syscall.OpenProcess(syscall.PROCESS_QUERY_INFORMATION, false, uint32(pid))
	if err != nil {
		return "", fmt.Errorf("open process: %w", err)
	}
	defer syscall.CloseHandle(h)
	var created, exited, kernel, user syscall.Filetime
	if err := syscall.GetProcessTimes(h, &created, &exited, &kernel, &user); err != nil {
		return "", fmt.Errorf("read process times: %w", err)
	}
	if exited.HighDateTime != 0 || exited.LowDateTime != 0 {
		return "", fmt.Errorf("read process: it has ended")
	}
	return strconv.FormatInt(created.Nanoseconds(), 10), nil
}

// runs trusts the creation time, which identify has compared.
func runs(int, string) bool { return true }

func physicalCores() int { return runtime.NumCPU() }
