package bandwidth

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/fstest"
	"time"
)

func TestSize(t *testing.T) {
	const mib, gib = 1 << 20, 1 << 30
	for name, c := range map[string]struct{ cache, free, want int64 }{
		"small cache":     {32 * mib, 64 * gib, 512 * mib},
		"unknown cache":   {0, 64 * gib, 512 * mib},
		"large cache":     {384 * mib, 64 * gib, 1536 * mib},
		"little memory":   {32 * mib, 1 * gib, 256 * mib},
		"too little":      {32 * mib, 200 * mib, 0},
		"only the cache":  {512 * mib, 2 * gib, 0},
		"nothing is free": {0, 0, 0},
	} {
		got, err := Size(c.cache, c.free)
		if got != c.want || (err != nil) != (c.want == 0) || err != nil && !errors.Is(err, ErrMemory) {
			t.Errorf("%s: %d, %v; want %d", name, got, err, c.want)
		}
	}
}

func TestMeasure(t *testing.T) {
	var shares []float64
	r, err := Measure(t.Context(), 32<<20, 2, func(s float64) { shares = append(shares, s) })
	if err != nil {
		t.Fatal(err)
	}
	best := 0.0
	for _, x := range r.Rounds {
		best = max(best, x)
	}
	if n := len(r.Rounds); n < 1 || n > mostRounds || r.Best != best || best <= 0.05 {
		t.Errorf("%+v", r)
	}
	if !slices.IsSorted(shares) || shares[len(shares)-1] != 1 || len(shares) > mostRounds+1 {
		t.Errorf("progress %v", shares)
	}
}

// Rounds go on until the two best agree.
func TestSettled(t *testing.T) {
	for _, c := range []struct {
		rates []float64
		want  bool
	}{
		{[]float64{10, 10, 10, 10, 10, 10, 10, 10, 10}, false}, // too few
		{[]float64{8, 10, 9, 9.85, 7, 8, 8, 8, 8, 8}, true},
		{[]float64{8, 10, 9, 9.7, 7, 8, 8, 8, 8, 8}, false},
		{[]float64{8, 10, 9, 9.7, 7, 8, 8, 8, 8, 8, 9.81}, true},
		{nil, false},
	} {
		var r Result
		for _, x := range c.rates {
			r.add(x)
		}
		if r.settled() != c.want {
			t.Errorf("%v: settled is %v", c.rates, r.settled())
		}
	}
}

func TestMeasureIsCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	begun := time.Now()
	_, err := Measure(ctx, 8<<20, 2, func(float64) { cancel() })
	if !errors.Is(err, context.Canceled) || time.Since(begun) > leastRounds*Round {
		t.Errorf("after %v: %v", time.Since(begun), err)
	}
}

// A loop that reads less than it says, or a figure that no memory reaches, is an error.
func TestImpossible(t *testing.T) {
	part := make([]uint64, piece) // zeros: the sum cannot be right
	if r := sweep(t.Context(), part, time.Millisecond); !errors.Is(r.err, ErrImpossible) {
		t.Errorf("a wrong sum gave %v", r.err)
	}
	for rate, ok := range map[float64]bool{0: false, 30: true, 1999: true, 2001: false, 200000: false} {
		if err := check(rate); (err == nil) != ok {
			t.Errorf("%v GB/s: %v", rate, err)
		}
	}
}

func TestAdd(t *testing.T) {
	p := make([]uint64, 64)
	want := uint64(0)
	for i := range p {
		p[i] = uint64(i * i)
		want += p[i]
	}
	if got := add(p); got != want {
		t.Errorf("%d, want %d", got, want)
	}
}

func TestLastLevelCache(t *testing.T) {
	tree := fstest.MapFS{}
	cache := func(dir, level, size, shared string) {
		for name, text := range map[string]string{"level": level, "size": size, "shared_cpu_list": shared} {
			tree[dir+"/"+name] = &fstest.MapFile{Data: []byte(text + "\n")}
		}
	}
	for _, c := range []string{"0", "1", "2", "3"} {
		cache("cpu"+c+"/cache/index0", "1", "48K", c)
		cache("cpu"+c+"/cache/index2", "2", "1024K", c)
	}
	if got := LastLevelCache(tree); got != 4<<20 {
		t.Errorf("four caches of level 2: %d", got)
	}
	cache("cpu0/cache/index3", "3", "32768K", "0-1")
	cache("cpu1/cache/index3", "3", "32768K", "0-1")
	cache("cpu2/cache/index3", "3", "32M", "2-3")
	if got := LastLevelCache(tree); got != 64<<20 {
		t.Errorf("two caches of level 3: %d", got)
	}
	if got := LastLevelCache(fstest.MapFS{}); got != 0 {
		t.Errorf("nothing listed: %d", got)
	}
}

func FuzzBytesOf(f *testing.F) {
	for _, s := range []string{"32768K", "1M", "2G", "", "K", "-1K", "99999999999999999999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if bytesOf(s) < 0 {
			t.Errorf("%q gives %d", s, bytesOf(s))
		}
	})
}
