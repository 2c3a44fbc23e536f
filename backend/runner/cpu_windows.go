package runner

import (
	"syscall"
	"time"
)

// processCPU is the processor time that this program has used, nil where it cannot be read.
func processCPU() *time.Duration {
	self, err := syscall.GetCurrentProcess()
	if err != nil {
		return nil
	}
	var created, ended, kernel, user syscall.Filetime
	if syscall.GetProcessTimes(self, &created, &ended, &kernel, &user) != nil {
		return nil
	}
	ticks := func(f syscall.Filetime) int64 { return int64(f.HighDateTime)<<32 | int64(f.LowDateTime) }
	return new(time.Duration(100 * (ticks(kernel) + ticks(user)))) // in units of 100 ns
}
