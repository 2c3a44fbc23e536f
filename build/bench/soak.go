//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"time"
)

// soak serves benchmarks for as long as the flag says, one after the other, and compares the memory of
// the beginning with that of the end. The first tenth is left out: caches fill in it.
func soak(ctx context.Context, m *machine) ([]figure, error) {
	if m.o.soak == 0 {
		return nil, nil
	}
	if err := m.set(ctx, m.settings(50, 10)); err != nil {
		return nil, err
	}
	in, err := m.serve(ctx)
	if err != nil {
		return nil, err
	}
	defer in.stop()
	begin := time.Now()
	var rss, files []float64
	runs := 0
	for time.Since(begin) < m.o.soak && ctx.Err() == nil {
		if _, err := in.benchmark(ctx, m, 32, 320, 64); err != nil {
			return nil, err
		}
		runs++
		mb, ok := memoryMB(in.pid, "VmRSS:")
		if !ok {
			return nil, fmt.Errorf("serve is gone after %d benchmarks", runs)
		}
		rss, files = append(rss, mb), append(files, openFiles(in.pid))
	}
	warm := len(rss) / 10
	third := max(1, (len(rss)-warm)/3)
	first, last := quantile(rss[warm:warm+third], .5), quantile(rss[len(rss)-third:], .5)
	at := fmt.Sprintf(", %s", m.o.soak)
	return []figure{most("growth of the resident memory from the first to the last third"+at, "%+.1f %%", 5, 100*(last/first-1)),
		most("resident memory at the end"+at, "%.0f MB", told, rss[len(rss)-1]),
		most("open files more than at the beginning"+at, "%.0f", 2, files[len(files)-1]-files[warm]),
		least("benchmarks, all completed"+at, "%.0f", told, float64(runs))}, nil
}

func openFiles(pid int) float64 {
	entries, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid)) // none when the process is gone
	return float64(len(entries))
}
