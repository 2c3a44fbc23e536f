//go:build linux

package main

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	_ "github.com/mattn/go-sqlite3" // the driver of database/sql

	"github.com/inferometer/inferometer/backend/domain"
)

// instance is the program as a REST server with the ground-truth server as its endpoint.
type instance struct {
	url, endpoint string
	pid           int
	stop          func()
}

func (m *machine) serve(ctx context.Context) (*instance, error) {
	data, err := m.folder()
	if err != nil {
		return nil, err
	}
	cmd := m.command(ctx, data, "serve", "--addr", "127.0.0.1:0")
	in := &instance{}
	if in.url, err = startListening(cmd, m.o.clientCPU); err != nil {
		return nil, fmt.Errorf("start serve: %w", err)
	}
	in.pid = cmd.Process.Pid
	in.stop = func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended already
		_ = cmd.Wait()                          // its end by a signal is as wanted
	}
	var e domain.Endpoint
	if err := call(ctx, "POST", in.url+"/api/v1/endpoints", map[string]any{"base_url": "http://" + m.server + "/v1"}, &e); err != nil {
		in.stop()
		return nil, err
	}
	in.endpoint = e.ID
	return in, nil
}

// benchmark posts a closed load and waits for its end.
func (in *instance) benchmark(ctx context.Context, m *machine, users, requests, tokens int) (domain.Run, error) {
	var r domain.Run
	body := map[string]any{"model_id": m.o.model, "endpoint_id": in.endpoint, "prompt": "Name the parts of a boat.", "max_tokens": tokens,
		"warmup": 0, "stop": map[string]any{"requests": requests}, "load": map[string]any{"kind": "closed", "concurrency": users}}
	err := call(ctx, "POST", in.url+"/api/v1/benchmarks?wait=120s", body, &r)
	if err == nil && r.Status != domain.StatusCompleted {
		err = fmt.Errorf("the run is %s: %+v", r.Status, r.Error)
	}
	return r, err
}

// serve256 is the memory of the program as its users have it: a server that stores a run of 256
// streams.
func serve256(ctx context.Context, m *machine) ([]figure, error) {
	if err := m.set(ctx, m.settings(100, 20)); err != nil {
		return nil, err
	}
	in, err := m.serve(ctx)
	if err != nil {
		return nil, err
	}
	defer in.stop()
	if _, err := in.benchmark(ctx, m, 256, 1024, 64); err != nil {
		return nil, err
	}
	mb, ok := peakRSS(in.pid)
	if !ok {
		return nil, fmt.Errorf("the memory of serve cannot be read")
	}
	return []figure{most("peak RSS of serve, 256 streams, stored", "%.0f MB", 90, mb)}, nil
}

// start is the time from asking for a run to its first request, whole at the server: over REST
// from a program that runs, and on the command line from nothing.
func start(ctx context.Context, m *machine) ([]figure, error) {
	in, err := m.serve(ctx)
	if err != nil {
		return nil, err
	}
	defer in.stop()
	post, err := m.firstRequest(ctx, func() (int64, error) {
		begin := mono()
		_, err := in.benchmark(ctx, m, 1, 1, 4)
		return begin, err
	})
	if err != nil {
		return nil, err
	}
	cold, err := m.firstRequest(ctx, func() (int64, error) {
		o, err := m.run(ctx, m.tmp, "--endpoint", "http://"+m.server+"/v1", "--model", m.o.model, "--prompt", "Go.", "--max-tokens", "4", "--warmup", "0")
		return o.started, err
	})
	return []figure{most("POST to the first request at the server", "%.0f ms", 50, post),
		most("command line to the first request at the server", "%.0f ms", 200, cold)}, err
}

// firstRequest is the time in ms from the moment that ask returns to the first request.
func (m *machine) firstRequest(ctx context.Context, ask func() (int64, error)) (float64, error) {
	if err := m.set(ctx, m.settings(10, 1)); err != nil {
		return 0, err
	}
	begin, err := ask()
	if err != nil {
		return 0, err
	}
	t, err := m.truth(ctx)
	if err == nil && t.Requests == 0 {
		err = fmt.Errorf("the server saw no request")
	}
	return float64(t.FirstRecv-begin) / 1e6, err
}

func (m *machine) hasEngine() bool {
	_, err := os.Stat(filepath.Join(m.root, ".engine", "models"))
	return err == nil
}

// storedPerToken is what the database holds of each token's time, in bytes.
func storedPerToken(o outcome) (float64, error) {
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(o.data, "inferometer.db")+"?mode=ro")
	if err != nil {
		return 0, fmt.Errorf("open database: %w", err)
	}
	defer db.Close()
	var bytes, tokens float64
	err = db.QueryRowContext(context.Background(), "SELECT total(length(d.chunks)), total(r.output_tokens) FROM request_detail d JOIN request r ON r.id = d.id").Scan(&bytes, &tokens)
	if err != nil || tokens == 0 {
		return 0, fmt.Errorf("read sizes: %w", err)
	}
	return bytes / tokens, nil
}
