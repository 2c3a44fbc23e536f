//go:build linux

package main

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/store"
)

const (
	storedRows = 1_000_000
	fewRows    = 10_000
	importAt   = 10_000 // rows of one transaction
	rowEvery   = 3 * time.Second
)

// The same figures from the rows themselves, as they stand in the table and by the index that has all
// their columns.
const (
	ofTheTable = "request NOT INDEXED"
	ofTheIndex = "request INDEXED BY request_time"
	unsummed   = `SELECT count(*), count(output_tokens), count(ttft_us), count(tpot_us), count(last_us),
	sum(output_tokens), sum(ttft_us), sum(tpot_us), sum(last_us) FROM %s LEFT JOIN run ON run.id = run_id
	WHERE outcome = 'ok' AND phase = 'measure' AND (run_id IS NULL OR deleted_us IS NULL)
	AND request.started_us >= ? AND request.started_us <= ?`
)

// storage measures the database alone: what a row costs to import, what an average costs with few rows and
// with many, and how long reads take beside a thousand writes a second.
func storage(ctx context.Context, m *machine) ([]figure, error) {
	few, _, err := m.filled(ctx, fewRows)
	if err != nil {
		return nil, err
	}
	defer few.close()
	many, perRow, err := m.filled(ctx, m.o.rows)
	if err != nil {
		return nil, err
	}
	defer many.close()
	out := []figure{most("CPU of a row imported, sums included", "%.1f µs", 12, perRow)}
	averages, err := compareAverages(ctx, few, many)
	if err != nil {
		return nil, err
	}
	reads, err := readsBesideWrites(ctx, many)
	if err != nil {
		return nil, err
	}
	samples, err := keptSamples(ctx, m)
	return append(append(append(out, averages...), reads...), samples...), err
}

// filling is a database with results at even distances.
type filling struct {
	dir  string
	s    *store.Store
	raw  *sql.DB
	rows int
}

func (f *filling) close() {
	_ = f.raw.Close()
	_ = f.s.Close()
	_ = os.RemoveAll(f.dir)
}

func firstResult() time.Time { return time.Date(2024, 6, 1, 0, 0, 0, 0, time.UTC) }

// filled makes a database of so many rows and says what a row took, in µs of the processor.
func (m *machine) filled(ctx context.Context, rows int) (*filling, float64, error) {
	dir, err := os.MkdirTemp(m.tmp, "storage")
	if err != nil {
		return nil, 0, fmt.Errorf("make a folder: %w", err)
	}
	path := filepath.Join(dir, "inferometer.db")
	s, err := store.Open(ctx, path)
	if err != nil {
		return nil, 0, err
	}
	f := &filling{dir: dir, s: s, rows: rows}
	r := rand.New(rand.NewPCG(1, 2))
	var spent time.Duration
	for n := 0; n < rows; n += importAt {
		batch := results(r, n, min(importAt, rows-n))
		before := cpuTime()
		if err := s.UpsertResults(ctx, batch, false); err != nil {
			return nil, 0, err
		}
		spent += cpuTime() - before
	}
	f.raw, err = sql.Open("sqlite3", "file:"+path+"?mode=ro&_cache_size=-8000")
	return f, float64(spent.Microseconds()) / float64(rows), err
}

func results(r *rand.Rand, first, n int) []domain.Result {
	text := strings.Repeat("abcdefgh ", 29)
	rs := make([]domain.Result, n)
	for i := range rs {
		tokens, ttft, tpot, total := r.IntN(500), float64(r.IntN(1000)), float64(r.IntN(50)), float64(r.IntN(10_000))
		rs[i] = domain.Result{RequestID: fmt.Sprintf("request-%08d", first+i), PromptText: &text, GeneratedText: &text, TokenCount: &tokens,
			TimeToFirstToken: &ttft, TimePerOutputToken: &tpot, TotalGenerationTime: &total, Timestamp: firstResult().Add(time.Duration(first+i) * rowEvery)}
	}
	return rs
}

func cpuTime() time.Duration {
	var u unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// windows are the whole time and a tenth of it that begins and ends between two rows.
func (f *filling) windows() [2]domain.Window {
	all := time.Duration(f.rows) * rowEvery
	start, end := firstResult().Add(all/7+time.Second), firstResult().Add(all/7+all/10+2*time.Second)
	begin, far := firstResult(), firstResult().Add(all)
	return [2]domain.Window{{Start: &begin, End: &far}, {Start: &start, End: &end}}
}

// compareAverages asks both databases and the rows themselves in turn.
func compareAverages(ctx context.Context, few, many *filling) ([]figure, error) {
	names := [2]string{"all", "a tenth"}
	var out []figure
	for i, name := range names {
		var fast, slow, indexed, wallFew, wallMany []float64 // µs
		for range 7 {
			const calls = 200
			cpu, walls, err := asked(ctx, many.s, many.windows()[i], calls)
			if err != nil {
				return nil, err
			}
			fast, wallMany = append(fast, cpu), append(wallMany, walls...)
			if _, walls, err = asked(ctx, few.s, few.windows()[i], calls); err != nil {
				return nil, err
			}
			wallFew = append(wallFew, walls...)
			for from, to := range map[string]*[]float64{ofTheTable: &slow, ofTheIndex: &indexed} {
				if cpu, err = many.scanned(ctx, from, many.windows()[i]); err != nil {
					return nil, err
				}
				*to = append(*to, cpu)
			}
		}
		least1000 := float64(told)
		if many.rows >= storedRows {
			least1000 = 1000
		}
		at := fmt.Sprintf(", %s of %d rows", name, many.rows)
		out = append(out, most("CPU of an average"+at, "%.0f µs", told, quantile(fast, .5)),
			least("less CPU than the same SQL without sums"+at, "%.0f ×", least1000, quantile(slow, .5)/quantile(fast, .5)),
			most("the same against an index of all columns"+at, "%.0f ×", told, quantile(indexed, .5)/quantile(fast, .5)),
			most(fmt.Sprintf("p50 of an average, %s of %d against %d rows", name, many.rows, few.rows), "%.2f ×", 2, quantile(wallMany, .5)/quantile(wallFew, .5)))
	}
	return out, nil
}

// asked asks so many times and returns the processor time of a call and the time that each took, in µs.
func asked(ctx context.Context, s *store.Store, w domain.Window, calls int) (cpu float64, walls []float64, err error) {
	walls = make([]float64, calls)
	before := cpuTime()
	for i := range walls {
		begin := time.Now()
		if _, err := s.Averages(ctx, w, domain.ResultFilter{}); err != nil {
			return 0, nil, err
		}
		walls[i] = us(time.Since(begin))
	}
	return us(cpuTime()-before) / float64(calls), walls, nil
}

func (f *filling) scanned(ctx context.Context, from string, w domain.Window) (float64, error) {
	before := cpuTime()
	var v [9]int64
	into := make([]any, len(v))
	for i := range v {
		into[i] = &v[i]
	}
	err := f.raw.QueryRowContext(ctx, fmt.Sprintf(unsummed, from), w.Start.UnixMicro(), w.End.UnixMicro()).Scan(into...)
	return us(cpuTime() - before), err
}

func us(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }

// readsBesideWrites reads the newest results and an average while ten rows arrive each hundredth of a second.
func readsBesideWrites(ctx context.Context, f *filling) ([]figure, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	written := make(chan error, 1)
	go func() { written <- f.write(ctx) }()
	var walls []float64 // ms
	for ctx.Err() == nil {
		begin := time.Now()
		if _, err := f.s.Results(ctx, domain.Window{}, domain.ResultFilter{}, 50, 0); err != nil && ctx.Err() == nil {
			return nil, err
		}
		if ctx.Err() == nil {
			walls = append(walls, us(time.Since(begin))/1e3)
		}
	}
	if err := <-written; err != nil {
		return nil, err
	}
	return []figure{most("p99 of reading 50 results while 1,000 rows a second are written", "%.2f ms", 5, quantile(walls, .99)),
		most("the longest of these reads", "%.2f ms", told, slices.Max(walls))}, nil
}

func (f *filling) write(ctx context.Context) error {
	r := rand.New(rand.NewPCG(3, 4))
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for n := f.rows; ; n += 10 {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := f.s.UpsertResults(context.WithoutCancel(ctx), results(r, n, 10), false); err != nil {
			return err
		}
	}
}
