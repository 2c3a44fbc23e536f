//go:build realengine

package llama_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine"
	"github.com/inferometer/inferometer/backend/engine/discover"
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
		chunks, tokens := 0, 0
		use, err := e.Generate(ctx, domain.GenRequest{Model: "m", Prompt: "Once upon a time", Raw: raw, MaxTokens: 16,
			TopP: 1, Seed: 1, ExactLength: true}, func(c domain.Chunk) {
			if c.Kind == domain.ChunkText {
				chunks++
				tokens += c.Tokens
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
		if raw && tokens != 16 {
			t.Errorf("the events of a raw completion count %d tokens, want 16", tokens)
		}
		if chunks < 8 || chunks > 16 {
			t.Errorf("raw=%v: %d text chunks of 16 tokens", raw, chunks)
		}
		if use.PromptTokens == nil || *use.PromptTokens < 4 {
			t.Errorf("raw=%v: prompt tokens = %v", raw, use.PromptTokens)
		}
	}
	const text = "Once upon a time 🙂"
	ids, err := e.Tokenize(ctx, text)
	use, genErr := e.Generate(ctx, domain.GenRequest{Prompt: text, Raw: true, MaxTokens: 1, TopP: 1}, func(domain.Chunk) {})
	if err != nil || genErr != nil || len(ids) < 5 || use.PromptTokens == nil || *use.PromptTokens != len(ids) || !info.Tokenizer {
		t.Errorf("tokens %v, %v; the server counted %v, %v", ids, err, use.PromptTokens, genErr)
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

// TestRealRemote measures a llama-server that this program did not start.
func TestRealRemote(t *testing.T) {
	dir := os.Getenv("INFEROMETER_ENGINE_DIR")
	models, err := filepath.Glob(filepath.Join(dir, "models", "*.gguf"))
	if dir == "" || err != nil || len(models) == 0 {
		t.Fatalf("INFEROMETER_ENGINE_DIR=%q holds no models/*.gguf", dir)
	}
	port, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := port.Addr().(*net.TCPAddr)
	port.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	server := exec.CommandContext(ctx, filepath.Join(dir, "bin", "llama-server"), "-m", models[0], "--host", "127.0.0.1",
		"--port", strconv.Itoa(address.Port), "-t", "1", "-c", "4096", "-np", "2", "-ngl", "0", "--api-key", "sk-real")
	server.Env = append(os.Environ(), "LD_LIBRARY_PATH="+filepath.Join(dir, "bin"))
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	}()
	e, err := llama.NewRemote(llama.RemoteOptions{BaseURL: "http://" + address.String() + "/v1", APIKey: "sk-real"})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close(ctx)
	var info domain.EngineInfo
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		if info, err = e.Prepare(ctx, domain.EngineSpec{Slots: 4}); err == nil {
			break
		}
		if k := domain.KindOf(err); k != domain.KindUnavailable {
			t.Fatalf("Prepare: %v (%s)", err, k)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal(ctx.Err())
		}
	}
	if info.Slots != 2 || info.ContextTokens != 2048 || info.Version == "" || !info.Tokenizer {
		t.Errorf("info = %+v", info)
	}
	for _, p := range engine.Check(ctx, e, "m") {
		t.Logf("%s: %s: %s", p.Code, p.State, p.Detail)
		if p.State != "ok" {
			t.Errorf("%s: %s, want ok: %s", p.Code, p.State, p.Detail)
		}
	}
	found := discover.Local(ctx, discover.Options{Ports: []int{address.Port}})
	if len(found) != 1 || found[0].Kind != "llama" || !found[0].NeedsKey || len(found[0].Models) != listed(ctx, t, "http://"+address.String()) {
		t.Errorf("found %+v", found)
	}
}

// listed is how many models a server with a key lists to everybody: one up to b10507, none from b11434 on.
func listed(ctx context.Context, t *testing.T, root string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, root+"/v1/models", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusUnauthorized {
		return 0
	}
	return 1
}
