// Package workload decides what is sent: the n-th prompt of a source, the same for the same seed.
// It reads datasets, holds the built-in ones and makes prompts of exact lengths. It never decides
// when a request starts and never talks to an engine: tokens are counted by a function it is given.
package workload

import (
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"sync"

	"github.com/inferometer/inferometer/backend/domain"
)

// Source gives the n-th prompt. It is safe for concurrent use.
type Source interface {
	// Prompt returns prompt n (0, 1, …); past Len the source goes round again, FromPrompts in a new
	// order.
	Prompt(n int) (domain.Prompt, error)
	// Len is the number of different prompts: one pass.
	Len() int
}

// FromPrompts returns a source over ps in an order drawn from the seed; each pass has its own
// order. One prompt alone repeats.
func FromPrompts(ps []domain.Prompt, seed int64) Source {
	return &shuffled{prompts: ps, seed: seed, pass: -1}
}

// shuffled remembers the order of the pass that was asked for last.
type shuffled struct {
	prompts []domain.Prompt
	seed    int64

	mu    sync.Mutex
	pass  int
	order []int
}

// Len implements Source.
func (s *shuffled) Len() int { return len(s.prompts) }

// Prompt implements Source.
func (s *shuffled) Prompt(n int) (domain.Prompt, error) {
	size := len(s.prompts)
	if size == 0 {
		return domain.Prompt{}, errors.New("take prompt: the source is empty")
	}
	if n < 0 {
		return domain.Prompt{}, fmt.Errorf("take prompt: %d is negative", n)
	}
	if size == 1 {
		return s.prompts[0], nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if pass := n / size; pass != s.pass {
		s.pass = pass
		s.order = rand.New(rand.NewPCG(uint64(s.seed), uint64(pass))).Perm(size) // #nosec G115 G404 -- any bits make a seed; arrivals and prompts are repeated from their seed; no secret is drawn
	}
	return s.prompts[s.order[n%size]], nil
}

// JobSeed is a seed that differs from job to job although the plan's is the same: what an earlier job
// sent may lie in a server's prompt cache.
func JobSeed(id domain.RunID, seed int64) int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(id))
	return seed ^ int64(h.Sum64()) // #nosec G115 -- any bits make a seed
}

// UniquePrefix returns a short first line that no other n of the same seed has, so that no prompt
// cache can answer for a prompt behind it. It costs a handful of tokens. It must not stand before the
// first Prompt.SharedPrefix bytes of a text, which are there to be cached: put it behind them.
func UniquePrefix(seed int64, n int) string {
	return fmt.Sprintf("[%08x]\n", scramble(uint32(n))^fold(seed)) // #nosec G115 -- any bits make a seed
}

// scramble is a bijection over 32 bits (odd multiplications and xor shifts can be undone), so
// different n never share a prefix.
func scramble(x uint32) uint32 {
	x ^= x >> 16
	x *= 0x7feb352d
	x ^= x >> 15
	x *= 0x846ca68b
	x ^= x >> 16
	return x
}

func fold(seed int64) uint32 {
	return scramble(uint32(seed)+0x9e3779b9) ^ scramble(uint32(uint64(seed)>>32)+0x85ebca6b) // #nosec G115 -- any bits make a seed
}
