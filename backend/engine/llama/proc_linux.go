package llama

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

const libraryPathVariable = "LD_LIBRARY_PATH"

// prepareGroup puts the child into a group of its own and lets the kernel end it with us.
func prepareGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// identify returns what tells a process from another one that got its number later: its start
// time in ticks since boot, and the boot.
func identify(pid int) (string, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", fmt.Errorf("read process: %w", err)
	}
	// The second field is the name in brackets and may hold anything; count from its end.
	fields := strings.Fields(string(raw[bytes.LastIndexByte(raw, ')')+1:]))
	if len(fields) < 20 {
		return "", fmt.Errorf("read process: unexpected form of stat")
	}
	if fields[0] == "Z" || fields[0] == "X" {
		return "", fmt.Errorf("read process: it has ended")
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		boot = nil // a restricted container; the start time alone must do
	}
	return strings.TrimSpace(string(boot)) + "/" + fields[19], nil
}

// runs reports whether the process runs the binary, by its executable or its first argument.
func runs(pid int, binary string) bool {
	if exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid)); err == nil {
		if strings.TrimSuffix(exe, " (deleted)") == binary {
			return true
		}
	}
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		return false
	}
	first, _, _ := strings.Cut(string(raw), "\x00")
	return first == binary
}

// physicalCores counts cores without their hyper-threads, never more than we may run on.
func physicalCores() int {
	files, err := filepath.Glob("/sys/devices/system/cpu/cpu[0-9]*/topology/thread_siblings_list")
	if err != nil || len(files) == 0 {
		return runtime.NumCPU()
	}
	cores := map[string]bool{}
	for _, f := range files {
		raw, err := os.ReadFile(f) // #nosec G304 -- a file below /proc
		if err != nil {
			return runtime.NumCPU()
		}
		cores[strings.TrimSpace(string(raw))] = true
	}
	return min(len(cores), runtime.NumCPU())
}
