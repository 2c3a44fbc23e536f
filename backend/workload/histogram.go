package workload

import (
	"math"
	"slices"

	"github.com/inferometer/inferometer/backend/domain"
)

const mostBins = 12

// Histogram shows how long the prompts are: what the first request of each sends, its history
// included. Lengths are estimated, except those of prompts that ask for a length.
func Histogram(prompts []domain.Prompt) domain.TokenHistogram {
	h := domain.TokenHistogram{Bins: []domain.TokenBin{}}
	if len(prompts) == 0 {
		return h
	}
	lengths, sum := make([]int, len(prompts)), 0
	for i, p := range prompts {
		if p.InputTokens != nil {
			lengths[i] = *p.InputTokens
		} else {
			lengths[i], h.Estimated = EstimateTokens(p.Text), true
		}
		for _, m := range p.History {
			lengths[i], h.Estimated = lengths[i]+EstimateTokens(m.Content), true
		}
		sum += lengths[i]
	}
	slices.Sort(lengths)
	mean, p50, p95 := float64(sum)/float64(len(lengths)), quantile(lengths, 0.5), quantile(lengths, 0.95)
	most := lengths[len(lengths)-1]
	h.Mean, h.P50, h.P95, h.Max = &mean, &p50, &p95, &most
	edges := binEdges(lengths[0], most)
	for i := range len(edges) - 1 {
		from, _ := slices.BinarySearch(lengths, edges[i])
		to, _ := slices.BinarySearch(lengths, edges[i+1])
		h.Bins = append(h.Bins, domain.TokenBin{From: edges[i], To: edges[i+1], Count: to - from})
	}
	return h
}

// quantile interpolates between the two nearest of sorted values.
func quantile(sorted []int, q float64) float64 {
	at := q * float64(len(sorted)-1)
	low := int(at)
	high := min(low+1, len(sorted)-1)
	return float64(sorted[low]) + (at-float64(low))*float64(sorted[high]-sorted[low])
}

// binEdges returns the limits of about a dozen bins from least to most: of equal width, 1, 2 or 5
// times a power of ten; or each twice as wide as the one before where lengths differ much.
func binEdges(least, most int) []int {
	if most >= 32*max(least, 1) {
		edges := []int{0}
		for at := 1 << int(math.Log2(float64(max(least, 1)))); ; at *= 2 {
			if at > least {
				edges = append(edges, at)
			}
			if at > most {
				return edges
			}
		}
	}
	step := 1
	for i := 0; most/step-least/step+1 > mostBins; i++ {
		step = step * []int{2, 5, 2}[i%3] / []int{1, 2, 1}[i%3] // 1, 2, 5, 10, 20 …
	}
	var edges []int
	for at := least / step * step; ; at += step {
		edges = append(edges, at)
		if at > most {
			return edges
		}
	}
}
