package llama

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// note is what is kept on disk about a running child, so that the next start of the program can
// end it should this one die.
type note struct {
	PID     int    `json:"pid"`
	Start   string `json:"start"` // see identify
	Binary  string `json:"binary"`
	Owner   int    `json:"owner_pid"`
	OwnerAt string `json:"owner_start"`
}

// writeNote keeps a note about a child that was just started; it returns its path.
func writeNote(dir string, pid int, binary string) (string, error) {
	if dir == "" {
		return "", nil
	}
	n := note{PID: pid, Binary: binary, Owner: os.Getpid()}
	var err error
	if n.Start, err = identify(pid); err != nil {
		return "", fmt.Errorf("note child: %w", err)
	}
	if n.OwnerAt, err = identify(n.Owner); err != nil {
		return "", fmt.Errorf("note child: %w", err)
	}
	raw, err := json.Marshal(n)
	if err != nil {
		return "", fmt.Errorf("note child: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("note child: %w", err)
	}
	path := filepath.Join(dir, fmt.Sprintf("engine-%d.json", pid))
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		return "", fmt.Errorf("note child: %w", err)
	}
	return path, nil
}

// removeNote forgets a child that is gone. A note that stays does no harm: its process is not
// found again.
func removeNote(path string) {
	if path != "" {
		_ = os.Remove(path)
	}
}

// ReapOrphans ends the engines that an earlier, dead process of this program left running, and
// returns their process ids. It ends a process only when its number, its start time and its
// binary are the noted ones and the process that started it is gone.
func ReapOrphans(stateDir string) ([]int, error) {
	paths, err := filepath.Glob(filepath.Join(stateDir, "engine-*.json"))
	if err != nil {
		return nil, fmt.Errorf("find notes: %w", err)
	}
	var reaped []int
	var errs []error
	for _, path := range paths {
		raw, err := os.ReadFile(path) // #nosec G304 -- a file of the data folder
		if err != nil {
			errs = append(errs, fmt.Errorf("read note: %w", err))
			continue
		}
		var n note
		if json.Unmarshal(raw, &n) != nil || n.PID <= 1 || strings.TrimSpace(n.Start) == "" {
			removeNote(path) // cut off in writing; nothing can be told from it
			continue
		}
		if at, err := identify(n.Owner); err == nil && at == n.OwnerAt {
			continue // another instance, or we ourselves, still cares for it
		}
		if at, err := identify(n.PID); err == nil && at == n.Start && runs(n.PID, n.Binary) {
			killGroup(n.PID)
			awaitGroupGone(n.PID)
			reaped = append(reaped, n.PID)
		}
		removeNote(path)
	}
	return reaped, errors.Join(errs...)
}
