package bandwidth

import (
	"fmt"
	"syscall"
	"time"
	"unsafe"
)

// allocate takes memory outside of the Go heap, which stays small so, in pages as large as the system
// gives: with small ones a good part of the time goes to looking up where they lie.
func allocate(words int) (part []uint64, free func(), err error) {
	const wordBytes = 8
	block, err := syscall.Mmap(-1, 0, words*wordBytes, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		return nil, func() {}, fmt.Errorf("take %d bytes: %w: %w", words*wordBytes, ErrMemory, err)
	}
	_ = syscall.Madvise(block, syscall.MADV_HUGEPAGE)                                                           // refused where the system has none
	return unsafe.Slice((*uint64)(unsafe.Pointer(&block[0])), words), func() { _ = syscall.Munmap(block) }, nil // #nosec G103 -- a mapped block read as words, within its length
}

// threadTime is the time that this thread has had a core.
func threadTime() time.Duration {
	const ofThread = 1 // RUSAGE_THREAD
	var u syscall.Rusage
	if syscall.Getrusage(ofThread, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
