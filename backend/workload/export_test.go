package workload

import "github.com/inferometer/inferometer/backend/domain"

// DrawnLengths returns the lengths that Synthesize draws.
func DrawnLengths(spec domain.Synthetic, n int, seed int64) []int {
	var lengths []int
	for _, o := range orders(spec.InputTokens, n, 1, "", 0, seed) {
		lengths = append(lengths, o.tokens)
	}
	return lengths
}
