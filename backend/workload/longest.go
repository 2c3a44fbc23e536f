package workload

import (
	"math"

	"github.com/inferometer/inferometer/backend/domain"
)

// rarely is how many standard deviations above the mean a drawn length hardly ever gets.
const rarely = 4

// Longest is the greatest length in tokens to be ready for: of a distribution without an upper end,
// one that hardly ever comes up.
func Longest(l domain.Lengths) int {
	_, most := span(l)
	if l.Max == nil && l.Mean != nil && l.StdDev != nil {
		most = min(most, int(math.Ceil(*l.Mean+rarely**l.StdDev)))
	}
	return most
}
