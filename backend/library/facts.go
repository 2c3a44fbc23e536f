package library

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/gguf"
)

// factCache remembers what is dear to find out about a file for as long as its size and time of
// change stay the same. Checksums survive a restart, header facts do not need to.
type factCache struct {
	path string

	mu      sync.Mutex
	hashes  map[string]stamped[string]
	headers map[string]stamped[header]
}

type stamped[T any] struct {
	Stamp string `json:"stamp"`
	Value T      `json:"value"`
}

type header struct {
	info domain.GGUFInfo
	err  error
}

// openFactCache starts empty when the file is missing or damaged: it only saves time.
func openFactCache(path string) *factCache {
	c := &factCache{path: path, hashes: map[string]stamped[string]{}, headers: map[string]stamped[header]{}}
	if raw, err := os.ReadFile(path); err == nil { // #nosec G304 -- a file of the person's own choice, or one that the program made
		if json.Unmarshal(raw, &c.hashes) != nil || c.hashes == nil {
			c.hashes = map[string]stamped[string]{}
		}
	}
	return c
}

// stampOf changes when a file does.
func stampOf(path string) (string, error) {
	st, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("stat file: %w", err)
	}
	return fmt.Sprintf("%d %d", st.Size(), st.ModTime().UnixNano()), nil
}

// knownSHA256 returns a remembered checksum, "" when there is none.
func (c *factCache) knownSHA256(path string) string {
	stamp, err := stampOf(path)
	if err != nil {
		return ""
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if h := c.hashes[path]; h.Stamp == stamp {
		return h.Value
	}
	return ""
}

// sha256 returns a file's checksum, reading the file only when it has changed.
func (c *factCache) sha256(ctx context.Context, path string) (string, error) {
	if sum := c.knownSHA256(path); sum != "" {
		return sum, nil
	}
	stamp, err := stampOf(path)
	if err != nil {
		return "", err
	}
	sum, err := sha256File(ctx, path)
	if err != nil {
		return "", err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hashes[path] = stamped[string]{stamp, sum}
	for p := range c.hashes {
		if _, err := os.Stat(p); errors.Is(err, fs.ErrNotExist) {
			delete(c.hashes, p)
		}
	}
	_ = writeJSON(c.path, c.hashes) // losing it costs time only
	return sum, nil
}

// header returns a model file's facts, reading them only when the file has changed.
func (c *factCache) header(path string) (domain.GGUFInfo, error) {
	stamp, err := stampOf(path)
	if err != nil {
		return domain.GGUFInfo{}, err
	}
	c.mu.Lock()
	h, ok := c.headers[path]
	c.mu.Unlock()
	if !ok || h.Stamp != stamp {
		info, err := gguf.Read(path)
		h = stamped[header]{stamp, header{info, err}}
		c.mu.Lock()
		c.headers[path] = h
		c.mu.Unlock()
	}
	return h.Value.info, h.Value.err
}

// writeJSON replaces a file in one step.
func writeJSON(path string, v any) error {
	raw, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("encode %s: %w", filepath.Base(path), err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("create folder: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-")
	if err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	_, err = f.Write(append(raw, '\n'))
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	return nil
}
