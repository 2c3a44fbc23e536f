//go:build !unix

package relocate

import "os"

// syncDir does nothing: NTFS keeps the order of its names by itself.
func syncDir(string) error { return nil }

// private cannot be told from the mode of a file here: folders below that of a user are the user's alone.
func private(os.FileInfo) bool { return true }
