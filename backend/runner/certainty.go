package runner

import (
	"sync"
	"time"

	"github.com/inferometer/inferometer/backend/stats"
)

// fewestForCertainty is how many requests a stage has at least before its spread is believed.
const fewestForCertainty = 10

// certainty follows how well the means of a stage are known; users add to it when a request has
// ended, never while one runs.
type certainty struct {
	mu         sync.Mutex
	ttft, tpot stats.Precision
}

// add takes the times of a successful request; a tpot of 0 means that it has none.
func (c *certainty) add(ttft, tpot time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ttft.Add(float64(ttft))
	if tpot > 0 {
		c.tpot.Add(float64(tpot))
	}
}

// within reports whether the means are known to so many percent.
func (c *certainty) within(percent float64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ttft.N() >= fewestForCertainty && c.ttft.HalfWidthPercent() <= percent &&
		(c.tpot.N() == 0 || c.tpot.HalfWidthPercent() <= percent)
}
