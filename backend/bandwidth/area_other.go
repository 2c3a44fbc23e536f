//go:build !linux

package bandwidth

import (
	"runtime/debug"
	"time"
)

func allocate(words int) (part []uint64, free func(), err error) {
	return make([]uint64, words), debug.FreeOSMemory, nil // the area is large, and this program is to stay small
}

// threadTime is not told: the time that goes by counts.
func threadTime() time.Duration { return 0 }
