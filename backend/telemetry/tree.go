package telemetry

import (
	"io/fs"
	"strings"
)

// text reads a small file without blanks at its ends; empty when it cannot be read.
func text(tree fs.FS, name string) string {
	data, err := fs.ReadFile(tree, name)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
}

// matches is fs.Glob for a pattern that is well formed.
func matches(tree fs.FS, pattern string) []string {
	found, err := fs.Glob(tree, pattern)
	if err != nil {
		return nil
	}
	return found
}
