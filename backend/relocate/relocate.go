// Package relocate moves the data folder to another place. What is large is copied while the program runs, what
// changes is copied at the next start, and only then a pointer in the platform's own folder is switched. Until that
// moment everything stays where it is; afterwards the old copy stays until a person removes it.
package relocate

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

// Files of this package.
const (
	pointerName = "location.json" // in the platform's own folder: where the data lies
	planName    = "move.json"     // in the old place: what is to happen
	copiedName  = "moving.jsonl"  // in the new place, while it is filled: what was copied so far
	receiptName = "moved.json"    // in the new place, from then on: what it was filled from
)

// States of a move.
const (
	StateCopying   = "copying"
	StateReady     = "ready"     // it happens at the next start
	stateSwitching = "switching" // a start is at it; one that finds it so was stopped in the middle
	StateFailed    = "failed"
)

// pointer is the content of location.json.
type pointer struct {
	DataDir string `json:"data_dir"`
}

// plan is the content of move.json.
type plan struct {
	To     string    `json:"to"`
	At     time.Time `json:"at"`
	State  string    `json:"state"`
	Reason string    `json:"reason,omitempty"`
}

// receipt is the content of moved.json. Without From nothing is left in an old place.
type receipt struct {
	From  string    `json:"from,omitempty"`
	At    time.Time `json:"at"`
	Files []string  `json:"files,omitempty"` // what was copied, below both folders
}

// Follow returns where the data lies that belongs into the platform's own folder base. A place that is not there is
// an error and not an empty beginning: its disk may not be connected.
func Follow(base string) (string, error) {
	var p pointer
	err := readJSON(filepath.Join(base, pointerName), &p)
	if errors.Is(err, fs.ErrNotExist) {
		return base, nil
	}
	if err == nil && !filepath.IsAbs(p.DataDir) {
		err = errors.New("no absolute path")
	}
	if err != nil {
		return "", &domain.Error{Kind: domain.KindUnavailable, Err: err, Msg: "The file " + filepath.Join(base, pointerName) + " does not say where the data folder is.",
			Hint: `Write {"data_dir": "/PATH"} into it, or delete it to use the folder that it lies in.`}
	}
	if _, err := os.Stat(filepath.Join(p.DataDir, receiptName)); err != nil {
		return "", &domain.Error{Kind: domain.KindUnavailable, Err: err, Msg: "The data folder was moved to " + p.DataDir + ", where it is not.",
			Hint: "Connect its disk. If it is lost, delete " + filepath.Join(base, pointerName) + "."}
	}
	return p.DataDir, nil
}

// point makes dir the place of the data, from one moment to the next.
func point(base, dir string) error {
	path := filepath.Join(base, pointerName)
	if same(base, dir) {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("switch the data folder: %w", err)
		}
		return syncDir(base)
	}
	return writeJSON(path, pointer{dir})
}

// readPlan returns the move that a data folder waits for; false without one.
func readPlan(dir string) (plan, bool) {
	var p plan
	if err := readJSON(filepath.Join(dir, planName), &p); err != nil || !filepath.IsAbs(p.To) {
		return plan{}, false
	}
	return p, true
}

func readJSON(path string, v any) error {
	raw, err := os.ReadFile(path) // #nosec G304 -- a file of the data folder
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return fmt.Errorf("read %s: %w", filepath.Base(path), err)
	}
	return nil
}

// writeJSON replaces a private file whole or not at all, also when the machine stops.
func writeJSON(path string, v any) error {
	raw, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("encode %s: %w", filepath.Base(path), err)
	}
	tmp := path + ".new"
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600) // #nosec G304 -- a file of the data folder
	if err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	_, err = f.Write(append(raw, '\n'))
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	return syncDir(filepath.Dir(path))
}

// same reports whether two paths are one folder.
func same(a, b string) bool {
	fa, err := os.Stat(a)
	if err != nil {
		return filepath.Clean(a) == filepath.Clean(b)
	}
	fb, err := os.Stat(b)
	return err == nil && os.SameFile(fa, fb)
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
