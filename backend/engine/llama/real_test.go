//go:build realengine

package llama_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine/llama"
)

// TestReal drives a real llama-server: INFEROMETER_ENGINE_DIR names a folder with bin/llama-server
// and models/*.gguf.
func TestReal(t *testing.T) {
	dir := os.Getenv("INFEROMETER_ENGINE_DIR")
	models, err := filepath.Glob(filepath.Join(dir, "models", "*.gguf"))
	if dir == "" || err != nil || len(models) == 0 {
		t.Fatalf("INFEROMETER_ENGINE_DIR=%q holds no models/*.gguf", dir)
	}
	state := t.TempDir()
	e := llama.New(llama.Options{Binary: filepath.Join(dir, "bin", "llama-server"), LibDir: filepath.Join(dir, "bin"), StateDir: state})
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	defer e.Close(context.WithoutCancel(ctx))
	spec := domain.EngineSpec{Model: domain.Model{ID: "m", Path: models[0]}, Slots: 2, Context: 512, UseGPU: true}
	info, err := e.Prepare(ctx, spec)
	if err != nil {
		t.Fatalf("Prepare: %v\n%s", err, strings.Join(e.LogTail(), "\n"))
	}
	t.Logf("%+v", info)
	if info.Slots != 2 || info.ContextTokens != 512 || info.PID == 0 || info.Build == "" || info.GPUReason == "" {
		t.Errorf("info = %+v", info)
	}
	for _, raw := range []bool{false, true} {
		chunks := 0
		use, err := e.Generate(ctx, domain.GenRequest{Model: "m", Prompt: "Once upon a time", Raw: raw, MaxTokens: 16,
			TopP: 1, Seed: 1, ExactLength: true}, func(c domain.Chunk) {
			if c.Kind == domain.ChunkText {
				chunks++
			}
		})
		if err != nil {
			t.Fatalf("Generate(raw=%v): %v", raw, err)
		}
		if use.OutputTokens == nil || *use.OutputTokens != 16 || !use.Complete || use.FinishReason != "length" {
			t.Errorf("raw=%v: usage = %+v, want 16 output tokens, complete, length", raw, use)
		}
		if use.Server == nil || use.Server.PredictedTokens != 16 || use.Server.PredictedMs <= 0 || use.Server.CachedTokens != 0 {
			t.Errorf("raw=%v: server timings = %+v", raw, use.Server)
		}
		if chunks < 8 || chunks > 16 {
			t.Errorf("raw=%v: %d text chunks of 16 tokens", raw, chunks)
		}
		if use.PromptTokens == nil || *use.PromptTokens < 4 {
			t.Errorf("raw=%v: prompt tokens = %v", raw, use.PromptTokens)
		}
	}
	pid := info.PID
	if err := e.Close(ctx); err != nil {
		t.Fatalf("Close: %v", err)
	}
	if err := syscall.Kill(-pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("group %d after Close: %v, want no such process", pid, err)
	}
	if left, _ := filepath.Glob(filepath.Join(state, "*")); len(left) != 0 {
		t.Errorf("notes left: %v", left)
	}
}
