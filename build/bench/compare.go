//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

const (
	comparedRuns     = 8
	comparedRequests = 10_000
	comparedAsks     = 9
)

// comparing is the screen that holds eight runs of ten thousand requests against one another: what the program takes
// for its answers, and how long it takes until all is painted. A machine without a browser or node only tells the answers.
func comparing(ctx context.Context, m *machine) ([]figure, error) {
	if m.compared {
		return nil, nil // its own rounds are enough, and its runs take most of the time
	}
	m.compared = true
	in, err := m.serve(ctx)
	if err != nil {
		return nil, err
	}
	defer in.stop()
	var ids []string
	for i := range comparedRuns {
		// Two sides, of which one is slower.
		if err := m.set(ctx, m.settings(5+float64(i%2), 0.5)); err != nil {
			return nil, err
		}
		r, err := in.benchmark(ctx, m, 128, comparedRequests, 16+8*(i%2))
		if err != nil {
			return nil, err
		}
		ids = append(ids, string(r.ID))
	}
	out, err := in.comparisons(ctx, ids)
	if err != nil {
		return nil, err
	}
	var set json.RawMessage
	if err := call(ctx, http.MethodPatch, in.url+"/api/v1/settings", map[string]any{"onboarding_done": true}, &set); err != nil {
		return nil, err
	}
	painted, err := m.painted(ctx, in.url, ids)
	return append(out, painted...), err
}

// comparisons measures the answers that the screen is made of.
func (in *instance) comparisons(ctx context.Context, ids []string) ([]figure, error) {
	at := fmt.Sprintf(", %d runs × %d requests, p50", comparedRuns, comparedRequests)
	list := strings.Join(ids, ",")
	median := func(ask func() error) (float64, error) {
		var walls []float64
		for range comparedAsks {
			begin := time.Now()
			if err := ask(); err != nil {
				return 0, err
			}
			walls = append(walls, us(time.Since(begin))/1e3)
		}
		return quantile(walls, .5), nil
	}
	var out []figure
	for _, metric := range []string{domain.RequestTTFT, domain.RequestDecode, domain.RequestITL} {
		ms, err := median(func() error {
			return read(ctx, http.DefaultClient, in.url+"/api/v1/distributions?metric="+metric+"&runs="+list)
		})
		if err != nil {
			return nil, err
		}
		out = append(out, most("distribution of "+metric+at, "%.1f ms", told, ms))
	}
	ms, err := median(func() error {
		var c domain.Comparison
		return call(ctx, http.MethodPost, in.url+"/api/v1/comparisons", map[string]any{"runs": ids}, &c)
	})
	return append(out, most("comparison"+at, "%.1f ms", told, ms)), err
}

// painted has a browser open the screen again and again; none where there is no browser.
func (m *machine) painted(ctx context.Context, url string, ids []string) ([]figure, error) {
	browser := os.Getenv("CHROMIUM")
	if browser == "" {
		browser = "/usr/bin/chromium"
	}
	script := filepath.Join(m.root, "frontend", "tests", "painted.mjs")
	node, err := exec.LookPath("node")
	if _, missing := os.Stat(browser); err != nil || missing != nil {
		return nil, nil
	}
	if _, err := os.Stat(filepath.Join(m.root, "frontend", "node_modules", "playwright-core")); err != nil {
		return nil, nil
	}
	cmd := exec.CommandContext(ctx, node, append([]string{script, url}, ids...)...) // #nosec G204 -- this driver's own script
	var errs bytes.Buffer
	cmd.Stderr = &errs
	text, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("open the comparison in a browser: %w: %s", err, errs.String())
	}
	var got struct{ Pressed, Address, PressedCPU, AddressCPU []float64 }
	if err := json.Unmarshal(text, &got); err != nil || len(got.Pressed) == 0 {
		return nil, fmt.Errorf("read %q: %w", text, err)
	}
	at := fmt.Sprintf(", %d runs × %d requests", comparedRuns, comparedRequests)
	return []figure{
		most("comparison painted, from C in Results"+at, "%.0f ms", 150, slices.Min(got.Pressed)),
		most("the same from its address in a page that never showed one", "%.0f ms", 150, slices.Min(got.Address)),
		most("the same, median of the rounds in the browser", "%.0f ms", told, quantile(got.Address, .5)),
		most("processor time of the page for it", "%.0f ms", told, quantile(got.AddressCPU, .5)),
	}, nil
}
