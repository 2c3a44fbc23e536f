//go:build unix

package relocate

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// syncDir puts the names of a folder on disk.
func syncDir(dir string) error {
	f, err := os.Open(dir) // #nosec G304 -- a folder of the data
	if err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	err = f.Sync()
	if errors.Is(err, syscall.EINVAL) { // some file systems have no such call
		err = nil
	}
	return errors.Join(err, f.Close())
}

// private reports whether others are kept out of a folder.
func private(fi os.FileInfo) bool { return fi.Mode().Perm()&0o077 == 0 }
