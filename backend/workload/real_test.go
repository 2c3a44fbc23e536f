//go:build realengine

package workload_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/workload"
)

// startTokenizer runs a real llama-server, of INFEROMETER_ENGINE_DIR, until the test ends.
func startTokenizer(t *testing.T) workload.Tokenize {
	t.Helper()
	dir := os.Getenv("INFEROMETER_ENGINE_DIR")
	models, err := filepath.Glob(filepath.Join(dir, "models", "*.gguf"))
	if dir == "" || err != nil || len(models) == 0 {
		t.Fatalf("INFEROMETER_ENGINE_DIR=%q holds no models/*.gguf", dir)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().(*net.TCPAddr)
	_ = free.Close()
	ctx, cancel := context.WithCancel(context.Background())
	server := exec.CommandContext(ctx, filepath.Join(dir, "bin", "llama-server"), "-m", models[0], "-c", "256", "-t", "1",
		"--host", "127.0.0.1", "--port", fmt.Sprint(address.Port), "--no-warmup")
	server.Env = append(os.Environ(), "LD_LIBRARY_PATH="+filepath.Join(dir, "bin"))
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = server.Wait() })
	tok := func(ctx context.Context, text string) ([]int, error) {
		body, err := json.Marshal(map[string]any{"content": text, "add_special": false})
		if err != nil {
			return nil, err
		}
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, fmt.Sprintf("http://%s/tokenize", address), bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return nil, err
		}
		defer response.Body.Close()
		raw, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode != http.StatusOK {
			return nil, fmt.Errorf("status %d: %w", response.StatusCode, err)
		}
		var answer struct{ Tokens []int }
		return answer.Tokens, json.Unmarshal(raw, &answer)
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(time.Minute); ; <-tick.C {
		if _, err := tok(t.Context(), "a"); err == nil {
			return tok
		} else if time.Now().After(deadline) {
			t.Fatalf("the engine is not ready: %v", err)
		}
	}
}

// TestReal holds made prompts and estimates against a true tokenizer.
func TestReal(t *testing.T) {
	tok := startTokenizer(t)
	calls := 0
	counting := func(ctx context.Context, text string) ([]int, error) {
		calls++
		return tok(ctx, text)
	}
	count := func(t *testing.T, text string) int {
		t.Helper()
		tokens, err := tok(t.Context(), text)
		if err != nil {
			t.Fatal(err)
		}
		return len(tokens)
	}
	t.Run("every prompt has its length", func(t *testing.T) {
		least, most, shared, turns := 1, 3000, 64, 2
		spec := domain.Synthetic{InputTokens: domain.Lengths{Kind: "uniform", Min: &least, Max: &most}}
		lengths := workload.DrawnLengths(spec, 200, 7)
		calls = 0
		prompts, err := workload.Synthesize(t.Context(), spec, 200, 0, 7, counting)
		if err != nil {
			t.Fatal(err)
		}
		if calls > 10 {
			t.Errorf("%d calls for 200 prompts", calls)
		}
		for i, p := range prompts {
			if got := count(t, p.Text); got != lengths[i] {
				t.Errorf("%s has %d tokens, want %d", p.ID, got, lengths[i])
			}
		}
		exact := 300
		spec = domain.Synthetic{InputTokens: domain.Lengths{Kind: "fixed", Tokens: &exact}, SharedPrefixTokens: &shared, Turns: &turns}
		if prompts, err = workload.Synthesize(t.Context(), spec, 50, 0, 8, counting); err != nil {
			t.Fatal(err)
		}
		for _, p := range prompts {
			prefix := strings.TrimSuffix(p.Text[:p.SharedPrefix], " ")
			if a, b, c := count(t, p.Text), count(t, prefix), count(t, p.Turns[0].Text); a != 300 || b != 64 || c != 300 {
				t.Errorf("%s has %d tokens, %d of them shared, and a turn of %d", p.ID, a, b, c)
			}
		}
	})
	t.Run("context", func(t *testing.T) {
		for _, tokens := range []int{1, 2, 777, 20_000} {
			text, err := workload.Context(t.Context(), tokens, 3, counting)
			if err != nil || count(t, text) != tokens {
				t.Errorf("%d tokens: %d, %v", tokens, count(t, text), err)
			}
		}
	})
	t.Run("estimates", func(t *testing.T) {
		for _, set := range workload.Builtin() {
			guess, truth := 0, 0
			for _, p := range set.Prompts {
				guess, truth = guess+workload.EstimateTokens(p.Text), truth+count(t, p.Text)
			}
			ratio := float64(guess) / float64(truth)
			t.Logf("%s: %.2f", set.Dataset.ID, ratio)
			if ratio < 0.75 || ratio > 1.25 {
				t.Errorf("%s: the estimate is %.2f of the truth", set.Dataset.ID, ratio)
			}
		}
	})
}
