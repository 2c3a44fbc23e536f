//go:build unix && !linux

package llama

import (
	"context"
	"fmt"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const libraryPathVariable = "DYLD_LIBRARY_PATH"

// prepareGroup puts the child into a group of its own.
func prepareGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// identify returns what tells a process from another one that got its number later.
func identify(pid int) (string, error) { return ps(pid, "lstart=") }

// runs reports whether the process runs the binary.
func runs(pid int, binary string) bool {
	line, err := ps(pid, "command=")
	return err == nil && (line == binary || strings.HasPrefix(line, binary+" "))
}

// ps asks for one column of one process.
func ps(pid int, column string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "ps", "-o", column, "-p", strconv.Itoa(pid)).Output()
	if err != nil {
		return "", fmt.Errorf("read process: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

func physicalCores() int { return runtime.NumCPU() }
