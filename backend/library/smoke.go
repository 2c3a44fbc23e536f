package library

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"time"
)

const (
	versionTimeout = 20 * time.Second
	smokeTimeout   = 3 * time.Minute // a loaded machine took a minute to start
	smokeTokens    = 8
)

// engineEnv is the environment for an engine whose shared libraries lie in libDir.
func engineEnv(libDir string, extra ...string) []string {
	path := libDir
	if old := os.Getenv("LD_LIBRARY_PATH"); old != "" {
		path += string(filepath.ListSeparator) + old
	}
	return append(append(os.Environ(), "LD_LIBRARY_PATH="+path), extra...)
}

// engineVersion runs --version and returns the build it names, e.g. "b10434"; "" when it names
// none that means anything.
func (l *Library) engineVersion(ctx context.Context, binary string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, versionTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, "--version")
	cmd.Env = engineEnv(filepath.Dir(binary))
	var out tail
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = &out, &out, time.Second
	ownGroup(cmd)
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("ask engine for its version: %w: %s", err, out.lines(2))
	}
	m := regexp.MustCompile(`version: (\d{3,})\b`).FindStringSubmatch(out.String())
	if m == nil {
		return "", nil
	}
	return "b" + m[1], nil
}

// smoke starts the engine on a model and has it generate a few tokens. A build for another
// processor passes --version and dies only here.
func (l *Library) smoke(ctx context.Context, binary, model string) error {
	ctx, cancel := context.WithTimeout(ctx, smokeTimeout)
	defer cancel()
	port, err := freePort()
	if err != nil {
		return err
	}
	key := rand.Text()
	cmd := exec.CommandContext(ctx, binary, "-m", model, "--host", "127.0.0.1", "--port", strconv.Itoa(port), // #nosec G204 -- the engine that was just installed, without a shell
		"-c", "256", "-np", "1", "-t", "1")
	cmd.Env = engineEnv(filepath.Dir(binary), "LLAMA_API_KEY="+key)
	var out tail
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = &out, &out, time.Second
	ownGroup(cmd)
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start engine: %w", err)
	}
	died := make(chan error, 1)
	go func() { died <- cmd.Wait(); cancel() }()
	err = generateEight(ctx, port, key)
	cancel()
	exit := <-died
	if err != nil {
		return fmt.Errorf("test generation: %w (%w; %s)", err, exit, out.lines(2))
	}
	return nil
}

func freePort() (int, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer func() { _ = ln.Close() }()
	return ln.Addr().(*net.TCPAddr).Port, nil
}

func generateEight(ctx context.Context, port int, key string) error {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	call := func(method, path string, body []byte) (int, []byte, error) {
		url := fmt.Sprintf("http://127.0.0.1:%d%s", port, path)
		req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
		if err != nil {
			return 0, nil, fmt.Errorf("build request: %w", err)
		}
		req.Header.Set("Authorization", "Bearer "+key)
		req.Header.Set("Content-Type", "application/json")
		res, err := client.Do(req)
		if err != nil {
			return 0, nil, fmt.Errorf("call engine: %w", err)
		}
		defer func() { _ = res.Body.Close() }()
		b, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
		return res.StatusCode, b, err
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for ready := false; !ready; {
		select {
		case <-ctx.Done():
			return errors.New("the engine did not become ready")
		case <-tick.C:
			code, _, err := call(http.MethodGet, "/health", nil)
			ready = err == nil && code == http.StatusOK
		}
	}
	ask := fmt.Sprintf(`{"prompt":"The capital of France is","n_predict":%d,"ignore_eos":true,"temperature":0,"seed":1}`, smokeTokens)
	code, body, err := call(http.MethodPost, "/completion", []byte(ask))
	if err != nil {
		return err
	}
	var answer struct {
		Content string `json:"content"`
		Tokens  int    `json:"tokens_predicted"`
	}
	if err := json.Unmarshal(body, &answer); code != http.StatusOK || err != nil {
		return fmt.Errorf("the engine answered %d", code)
	}
	if answer.Tokens != smokeTokens || answer.Content == "" {
		return fmt.Errorf("the engine generated %d of %d tokens", answer.Tokens, smokeTokens)
	}
	return nil
}
