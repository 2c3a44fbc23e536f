//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

const (
	readClients = 200
	readEvery   = time.Second // of each client
)

// readers is a run of 256 streams by itself and beside two hundred clients that read over REST.
func readers(ctx context.Context, m *machine) ([]figure, error) {
	if err := m.set(ctx, m.settings(100, 20)); err != nil {
		return nil, err
	}
	in, err := m.serve(ctx)
	if err != nil {
		return nil, err
	}
	defer in.stop()
	alone, err := in.benchmark(ctx, m, 256, 1536, 64)
	if err != nil {
		return nil, err
	}
	readCtx, stop := context.WithCancel(ctx)
	reads := make(chan *readings, 1)
	go func() { reads <- readBy(readCtx, in.url, alone.ID) }()
	beside, err := in.benchmark(ctx, m, 256, 1536, 64)
	stop()
	r := <-reads
	if err != nil {
		return nil, err
	}
	if len(r.ms) == 0 {
		return nil, fmt.Errorf("nothing was read: %w", r.err)
	}
	a, b := alone.Summary, beside.Summary
	at := ", 256 streams, 200 clients reading"
	return []figure{
		off("output throughput against alone"+at, 2, b.OutputTokensPerSecond, *a.OutputTokensPerSecond),
		off("ITL mean against alone"+at, 2, b.ITLMs.Mean, *a.ITLMs.Mean),
		off("TTFT mean against alone"+at, 2, b.TTFTMs.Mean, *a.TTFTMs.Mean),
		off("E2E mean against alone"+at, 2, b.E2EMs.Mean, *a.E2EMs.Mean),
		most("p99 of a read"+at, "%.1f ms", 50, quantile(r.ms, .99)),
		least("reads in the time of the run", "%.0f", told, float64(len(r.ms))),
		most("reads that failed", "%.0f", 0, float64(r.failed)),
	}, nil
}

// readings are what the clients saw.
type readings struct {
	mu     sync.Mutex
	ms     []float64
	failed int
	err    error // the first
}

func (r *readings) add(took time.Duration, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil {
		r.ms = append(r.ms, us(took)/1e3)
		return
	}
	if r.failed++; r.err == nil {
		r.err = err
	}
}

// readBy has every client read one route after the other, once a second, until ctx ends.
func readBy(ctx context.Context, url string, id domain.RunID) *readings {
	r := &readings{}
	own := fmt.Sprintf("%s/api/v1/benchmarks/%s", url, id)
	routes := []string{own, own + "/requests?limit=50", own + "/metrics?points=200", url + "/api/v1/benchmarks?limit=20", url + "/api/v1/results/average", url + "/api/v1/system/telemetry?last=10s"}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: readClients}}
	defer client.CloseIdleConnections()
	var all sync.WaitGroup
	for n := range readClients {
		all.Go(func() {
			// Spread over the second, as clients are that know nothing of each other.
			if !waited(ctx, readEvery*time.Duration(n)/readClients) {
				return
			}
			tick := time.NewTicker(readEvery)
			defer tick.Stop()
			for i := n; ; i++ {
				begin := time.Now()
				err := read(ctx, client, routes[i%len(routes)])
				if ctx.Err() != nil {
					return
				}
				r.add(time.Since(begin), err)
				select {
				case <-ctx.Done():
					return
				case <-tick.C:
				}
			}
		})
	}
	all.Wait()
	return r
}

func waited(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

func read(ctx context.Context, c *http.Client, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := c.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: status %d", url, res.StatusCode)
	}
	return err
}
