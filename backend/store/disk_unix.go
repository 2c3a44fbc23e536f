//go:build unix

package store

import "syscall"

// FreeBytes is what the disk of a folder has left for this user; nil when it cannot be told.
func FreeBytes(dir string) *int64 {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return nil
	}
	return new(int64(st.Bavail) * int64(st.Bsize)) // #nosec G115 -- sizes of a disk
}
