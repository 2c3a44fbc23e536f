// Package bandwidth estimates how fast this machine reads memory: threads sum up an area that no
// cache can hold, in several short rounds, and the best round counts. Plain Go reads about four
// fifths of what vector code does, so the figure is an estimate of the peak, ± 20 %.
package bandwidth

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"
)

// Rounds and Round are how often and how long the area is read.
const (
	Rounds = 5
	Round  = 200 * time.Millisecond
)

const (
	smallest  = 512 << 20 // bytes to read at least, where memory allows
	cacheFold = 4         // times the last-level cache
	shortest  = 2         // times the cache below which it would be the cache that is measured
	freeShare = 4         // at most a quarter of the free memory is taken
	floor     = 64 << 20  // below this nothing can be told
	piece     = 1 << 17   // words read between two looks at the clock: 1 MiB
	// mostGBPerS is beyond any machine: a figure above it means that the reading did not happen.
	mostGBPerS = 2000
)

// Errors of a measurement that cannot be trusted.
var (
	ErrMemory     = errors.New("too little free memory")
	ErrImpossible = errors.New("the figure is beyond any memory")
)

// Size is how many bytes to read over and over: max(512 MiB, 4 × cache), less where free memory is
// short. It is ErrMemory where even twice the cache does not fit.
func Size(cache, free int64) (int64, error) {
	n := min(max(smallest, cacheFold*cache), free/freeShare)
	if n < max(floor, shortest*cache) {
		return 0, ErrMemory
	}
	return n, nil
}

// Result is what was read.
type Result struct {
	Rounds []float64 // GB/s (10^9 bytes) of each round
	Best   float64   // GB/s
}

// Measure reads bytes of memory with so many threads; done is told the share of the rounds that are
// over. It ends early with the error of ctx.
func Measure(ctx context.Context, bytes int64, threads int, done func(share float64)) (Result, error) {
	defer debug.FreeOSMemory() // the area is large, and this program is to stay small
	parts := fill(max(1, threads), bytes)
	var r Result
	for i := range Rounds {
		rate, err := round(ctx, parts, Round)
		if err != nil {
			return Result{}, err
		}
		r.Rounds, r.Best = append(r.Rounds, rate), max(r.Best, rate)
		done(float64(i+1) / Rounds)
	}
	return r, nil
}

// fill makes the area: one part for each thread, which that thread writes first, so that the memory
// lies near it. Each word is 1, so that a sum says how many words were read.
func fill(threads int, bytes int64) [][]uint64 {
	parts := make([][]uint64, threads)
	words := max(bytes/8/int64(threads), piece) / piece * piece
	var wg sync.WaitGroup
	for i := range parts {
		wg.Go(func() {
			part := make([]uint64, words)
			for j := range part {
				part[j] = 1
			}
			parts[i] = part
		})
	}
	wg.Wait()
	return parts
}

// round lets every thread read its part for so long and adds up their speeds.
func round(ctx context.Context, parts [][]uint64, length time.Duration) (float64, error) {
	rates, errs := make([]float64, len(parts)), make([]error, len(parts))
	begin := make(chan struct{})
	var wg sync.WaitGroup
	for i, part := range parts {
		wg.Go(func() {
			<-begin
			rates[i], errs[i] = sweep(ctx, part, length)
		})
	}
	close(begin)
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return 0, err
	}
	total := 0.0
	for _, r := range rates {
		total += r
	}
	return total, check(total)
}

func check(gbPerS float64) error {
	if gbPerS <= 0 || gbPerS > mostGBPerS {
		return fmt.Errorf("read %.0f GB/s: %w", gbPerS, ErrImpossible)
	}
	return nil
}

// sweep reads part over and over and returns GB/s. The sum proves that every word was read.
func sweep(ctx context.Context, part []uint64, length time.Duration) (float64, error) {
	var sum, words uint64
	start, next := time.Now(), 0
	elapsed := time.Duration(0)
	for elapsed < length {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		sum += add(part[next : next+piece])
		words += piece
		if next += piece; next == len(part) {
			next = 0
		}
		elapsed = time.Since(start)
	}
	if sum != words {
		return 0, fmt.Errorf("read %d of %d words: %w", sum, words, ErrImpossible)
	}
	return float64(words*8) / float64(elapsed.Nanoseconds()), nil // bytes a nanosecond are GB/s
}

// add sums words with eight sums that do not wait for each other, so that memory is what limits it.
func add(p []uint64) uint64 {
	var a, b, c, d, e, f, g, h uint64
	for ; len(p) >= 8; p = p[8:] {
		a += p[0]
		b += p[1]
		c += p[2]
		d += p[3]
		e += p[4]
		f += p[5]
		g += p[6]
		h += p[7]
	}
	return a + b + c + d + e + f + g + h
}
