//go:build unix

package runner

import (
	"syscall"
	"time"
)

// processCPU is the processor time that this program has used, nil where it cannot be read.
func processCPU() *time.Duration {
	var use syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &use) != nil {
		return nil
	}
	return new(time.Duration(use.Utime.Nano() + use.Stime.Nano()))
}
