package infer

import (
	"math"
	"math/rand/v2"
)

func source(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }

func lognormals(random *rand.Rand, n int, spread float64) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = math.Exp(spread * random.NormFloat64())
	}
	return out
}
