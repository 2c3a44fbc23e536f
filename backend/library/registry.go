package library

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

const watchEvery = 300 * time.Millisecond

// fetchRegistry lets the machine's own package client, with its own index and proxy settings,
// bring one pinned file into a fresh folder below scratch, and returns its verified path.
func (l *Library) fetchRegistry(ctx context.Context, s Source, scratch string, t *tracker) (string, error) {
	python, err := findPython()
	if err != nil {
		return "", err
	}
	dl, tmp := filepath.Join(scratch, "dl"), filepath.Join(scratch, "tmp")
	for _, d := range []string{dl, tmp} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return "", fmt.Errorf("create folder: %w", err)
		}
	}
	if err := enoughSpace(scratch, 2*s.Size); err != nil {
		return "", err
	}
	pins := filepath.Join(scratch, "pins.txt")
	line := fmt.Sprintf("%s==%s --hash=sha256:%s\n", s.Package, s.Version, s.SHA256)
	if err := os.WriteFile(pins, []byte(line), 0o600); err != nil {
		return "", fmt.Errorf("write pins: %w", err)
	}
	form, of := "--only-binary", ":all:"
	if s.Kind == sourceBuild { // its build tools may still come as binaries
		form, of = "--no-binary", s.Package
	}
	t.begin(0, s.Size)
	cmd := exec.CommandContext(ctx, python, "-m", "pip", "download", "--disable-pip-version-check", // #nosec G204 -- a fixed program with the words of the catalogue, without a shell
		"--no-input", "--progress-bar", "off", "--retries", "2", "--timeout", "15",
		"--no-deps", form, of, "--require-hashes", "-r", pins, "-d", dl)
	cmd.Env = append(os.Environ(), "TMPDIR="+tmp, "PIP_NO_INPUT=1")
	stopWatch := watchFolder(scratch, s.Size, t)
	err = l.runQuiet(cmd)
	stopWatch()
	if err != nil {
		return "", fmt.Errorf("fetch package: %w", err)
	}
	t.state(stateVerifying, "")
	return verifiedOnly(ctx, dl, s.SHA256)
}

func findPython() (string, error) {
	for _, name := range []string{"python3", "python"} {
		if p, err := exec.LookPath(name); err == nil {
			return p, nil
		}
	}
	return "", errors.New("python3 with pip is not installed (package python3-pip)")
}

// verifiedOnly returns the one file of a folder after checking its checksum.
func verifiedOnly(ctx context.Context, dir, want string) (string, error) {
	list, err := os.ReadDir(dir)
	if err != nil {
		return "", fmt.Errorf("list folder: %w", err)
	}
	if len(list) != 1 || !list[0].Type().IsRegular() {
		return "", fmt.Errorf("the package client brought %d files, not one", len(list))
	}
	p := filepath.Join(dir, list[0].Name())
	sum, err := sha256File(ctx, p)
	if err != nil {
		return "", err
	}
	if sum != want {
		return "", errors.New("the package's checksum is wrong")
	}
	return p, nil
}

// watchFolder tells t how much has arrived in dir until the returned func is called.
func watchFolder(dir string, limit int64, t *tracker) (stop func()) {
	quit := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(watchEvery)
		defer tick.Stop()
		for {
			select {
			case <-quit:
				return
			case <-tick.C:
				n := folderSize(dir)
				if limit > 0 {
					n = min(n, limit)
				}
				t.set(n)
			}
		}
	})
	return func() { close(quit); wg.Wait() }
}

func folderSize(dir string) int64 {
	var n int64
	_ = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil {
			return nil //nolint:nilerr // files come and go while the client works; the next look counts them
		}
		if st, err := e.Info(); err == nil && st.Mode().IsRegular() {
			n += st.Size()
		}
		return nil
	})
	return n
}

// runQuiet runs a command that ends with its whole group when ctx does, and puts the last lines
// of its output into the error.
func (l *Library) runQuiet(cmd *exec.Cmd) error {
	var out tail
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.WaitDelay = 5 * time.Second
	ownGroup(cmd)
	l.log.Debug("Running", "command", cmd.Args)
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%w: %s", err, out.lines(3))
	}
	return nil
}

// tail keeps the end of a command's output.
type tail struct {
	mu sync.Mutex
	b  []byte
}

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b = append(t.b, p...)
	if len(t.b) > 16<<10 {
		t.b = bytes.Clone(t.b[len(t.b)-8<<10:])
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.b)
}

func (t *tail) lines(n int) string {
	ls := strings.Split(strings.TrimSpace(t.String()), "\n")
	return strings.Join(ls[max(0, len(ls)-n):], " | ")
}
