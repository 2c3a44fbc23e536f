//go:build realengine

package llama_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine/llama"
)

// TestRealOutOfMemory lets a true engine run out of memory: it may have 3 GB, and a context of 262,144 tokens needs
// more. Preparing fails with a hint, and a context that fits works afterwards.
func TestRealOutOfMemory(t *testing.T) {
	dir := os.Getenv("INFEROMETER_ENGINE_DIR")
	models, err := filepath.Glob(filepath.Join(dir, "models", "*.gguf"))
	if dir == "" || err != nil || len(models) == 0 {
		t.Fatalf("INFEROMETER_ENGINE_DIR=%q holds no models/*.gguf", dir)
	}
	bin, err := filepath.EvalSymlinks(filepath.Join(dir, "bin"))
	if err != nil {
		t.Fatal(err)
	}
	state := t.TempDir()
	small := filepath.Join(state, "llama-server")
	script := "#!/bin/sh\nulimit -v 3000000\nexport MALLOC_ARENA_MAX=1\nexec '" + filepath.Join(bin, "llama-server") + "' \"$@\"\n"
	if err := os.WriteFile(small, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	e := llama.New(llama.Options{Binary: small, LibDir: bin, StateDir: state})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err = e.Prepare(ctx, domain.EngineSpec{Model: domain.Model{ID: "m", Path: models[0]}, Slots: 1, Context: 262144})
	var told *domain.Error
	if !errors.As(err, &told) || !strings.Contains(told.Hint, "not enough memory") || !strings.Contains(told.LogTail, "failed to allocate") {
		t.Errorf("%v", err)
	}
	if err := e.Close(context.WithoutCancel(ctx)); err != nil {
		t.Errorf("close: %v", err)
	}
	if _, err := e.Prepare(ctx, domain.EngineSpec{Model: domain.Model{ID: "m", Path: models[0]}, Slots: 1, Context: 512}); err != nil {
		t.Errorf("a context that fits, afterwards: %v", err)
	}
	if err := e.Close(context.WithoutCancel(ctx)); err != nil {
		t.Errorf("close: %v", err)
	}
}
