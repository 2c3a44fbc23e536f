// Package bandwidth estimates how fast this machine reads memory: threads sum up an area that no
// cache can hold, in short rounds, until the two best agree. Speed is counted by the time that a
// thread has had a core, so that other programs disturb it little. Plain Go reads about four fifths
// of what vector code does, so the figure is an estimate of the peak, ± 20 %.
package bandwidth

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"
)

// Round is how long the area is read at a time; there are at least leastRounds, and at most mostRounds.
const (
	Round       = 200 * time.Millisecond
	leastRounds = 10
	mostRounds  = 25
)

const (
	// agreeing is how near the second best round must come to the best one.
	agreeing = 0.98
	// undisturbed is the share of a round that each thread must have had a core for. With less, threads
	// have read one after the other, and their speeds do not add up.
	undisturbed = 0.85
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
	Rounds []float64 // GB/s (10^9 bytes) of each round that counts
	Best   float64   // GB/s
}

func (r *Result) add(rate float64) {
	r.Rounds, r.Best = append(r.Rounds, rate), max(r.Best, rate)
}

// settled reports whether a further round would tell nothing new.
func (r *Result) settled() bool {
	n := len(r.Rounds)
	if n < leastRounds {
		return false
	}
	return slices.Sorted(slices.Values(r.Rounds))[n-2] >= agreeing*r.Best
}

// Measure reads bytes of memory with so many threads; done is told the share of the longest time that
// it takes, and 1 at the end. Disturbed rounds count only where there are no others. It ends early with
// the error of ctx.
func Measure(ctx context.Context, bytes int64, threads int, done func(share float64)) (Result, error) {
	t, err := gather(ctx, bytes, max(1, threads))
	defer t.end()
	if err != nil {
		return Result{}, err
	}
	var good, poor Result
	for i := range mostRounds {
		rate, share, err := t.round(Round)
		if err != nil {
			return Result{}, err
		}
		if share >= undisturbed {
			good.add(rate)
		} else {
			poor.add(rate)
		}
		if good.settled() {
			break
		}
		done(float64(i+1) / (mostRounds + 1))
	}
	done(1)
	if len(good.Rounds) == 0 {
		return poor, nil
	}
	return good, nil
}

// team are threads that read parts of the area of their own.
type team struct {
	orders  []chan time.Duration // how long to read
	reports chan report
}

type report struct {
	rate  float64 // GB/s of the time on a core
	share float64 // of the time that it had a core
	err   error
}

// gather starts the threads. Each writes its part first, so that the memory lies near it.
func gather(ctx context.Context, bytes int64, threads int) (*team, error) {
	t := &team{reports: make(chan report, threads)}
	words := max(bytes/8/int64(threads), piece) / piece * piece
	for range threads {
		orders := make(chan time.Duration)
		t.orders = append(t.orders, orders)
		go work(ctx, int(words), orders, t.reports)
	}
	return t, t.collect().err
}

// end waits until every thread has given its memory back.
func (t *team) end() {
	for _, o := range t.orders {
		close(o)
	}
	t.collect()
}

// collect waits for a report of each thread; the speeds are added up, the smallest share counts.
func (t *team) collect() report {
	sum := report{share: 1}
	for range t.orders {
		r := <-t.reports
		sum.rate, sum.share, sum.err = sum.rate+r.rate, min(sum.share, r.share), errors.Join(sum.err, r.err)
	}
	return sum
}

// round lets every thread read its part for so long.
func (t *team) round(length time.Duration) (gbPerS, share float64, err error) {
	for _, o := range t.orders {
		o <- length
	}
	r := t.collect()
	if r.err != nil {
		return 0, 0, r.err
	}
	return r.rate, r.share, check(r.rate)
}

// work is one thread: it reports when its part is ready, after each order, and when it has ended.
func work(ctx context.Context, words int, orders <-chan time.Duration, reports chan<- report) {
	runtime.LockOSThread() // whose time on a core is counted
	defer runtime.UnlockOSThread()
	part, free, err := allocate(words)
	if err == nil {
		err = fill(ctx, part)
	}
	reports <- report{err: err}
	for length := range orders {
		reports <- sweep(ctx, part, length)
	}
	free()
	reports <- report{}
}

// fill makes each word 1, so that a sum says how many words were read.
func fill(ctx context.Context, part []uint64) error {
	for i := range part {
		if i%piece == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		part[i] = 1
	}
	return nil
}

func check(gbPerS float64) error {
	if gbPerS <= 0 || gbPerS > mostGBPerS {
		return fmt.Errorf("read %.0f GB/s: %w", gbPerS, ErrImpossible)
	}
	return nil
}

// sweep reads part over and over. The sum proves that every word was read.
func sweep(ctx context.Context, part []uint64, length time.Duration) report {
	var sum, words uint64
	start, next := begin(), 0
	wall := time.Duration(0)
	for wall < length {
		if err := ctx.Err(); err != nil {
			return report{err: err}
		}
		sum += add(part[next : next+piece])
		words += piece
		if next += piece; next == len(part) {
			next = 0
		}
		wall = time.Since(start.wall)
	}
	if sum != words {
		return report{err: fmt.Errorf("read %d of %d words: %w", sum, words, ErrImpossible)}
	}
	busy := start.busy()
	return report{
		rate:  float64(words*8) / float64(busy.Nanoseconds()), // bytes a nanosecond are GB/s
		share: float64(busy) / float64(wall),
	}
}

// clock is the begin of a round of this thread.
type clock struct {
	wall time.Time
	cpu  time.Duration // 0: the system does not tell
}

func begin() clock { return clock{time.Now(), threadTime()} }

// busy is the time that this thread has had a core since then; the time that went by where the system
// does not tell.
func (c clock) busy() time.Duration {
	if now := threadTime(); now > c.cpu && c.cpu > 0 {
		return now - c.cpu
	}
	return time.Since(c.wall)
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
