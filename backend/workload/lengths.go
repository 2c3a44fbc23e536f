package workload

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sort"

	"github.com/inferometer/inferometer/backend/domain"
)

// CheckSynthetic finds what is wrong with a description of made prompts; locations begin with
// body.synthetic.
func CheckSynthetic(spec domain.Synthetic) []domain.FieldError {
	var bad []domain.FieldError
	add := func(field, message string) {
		if message != "" {
			bad = append(bad, domain.FieldError{Location: "body.synthetic." + field, Message: message})
		}
	}
	shared := 0
	if s := spec.SharedPrefixTokens; s != nil {
		shared = *s
	}
	wrong := checkLengths(spec.InputTokens, maxInput)
	add("input_tokens", wrong)
	if out := spec.OutputTokens; out != nil {
		add("output_tokens", checkLengths(*out, maxTokens))
	}
	if shared < 0 || shared >= maxInput {
		add("shared_prefix_tokens", fmt.Sprintf("must be 0 to %d", maxInput-1))
	} else if shared > 0 && wrong == "" {
		if _, most := span(spec.InputTokens); most <= shared {
			add("shared_prefix_tokens", "must be fewer than the input tokens")
		}
	}
	if t := spec.Turns; t != nil && (*t < 1 || *t > 64) {
		add("turns", "must be 1 to 64")
	}
	return bad
}

// checkLengths says what is wrong with a distribution; empty when nothing is.
func checkLengths(l domain.Lengths, limit int) string {
	between := fmt.Sprintf("lengths must be 1 to %d tokens", limit)
	if (l.Min != nil && (*l.Min < 1 || *l.Min > limit)) || (l.Max != nil && (*l.Max < 1 || *l.Max > limit)) {
		return between
	}
	if l.Min != nil && l.Max != nil && *l.Min > *l.Max {
		return "min must not be above max"
	}
	switch l.Kind {
	case "fixed":
		if l.Tokens == nil || *l.Tokens < 1 || *l.Tokens > limit {
			return between
		}
	case "uniform":
		if l.Min == nil || l.Max == nil {
			return "uniform needs min and max"
		}
	case "normal", "lognormal":
		if l.Mean == nil || l.StdDev == nil || !(*l.Mean >= 1 && *l.Mean <= float64(limit)) || !(*l.StdDev >= 0 && *l.StdDev <= float64(limit)) {
			return fmt.Sprintf("%s needs a mean of 1 to %d and a stddev of 0 or more", l.Kind, limit)
		}
	case "histogram":
		if len(l.Bins) == 0 {
			return "histogram needs bins"
		}
		for _, b := range l.Bins {
			if b.Tokens < 1 || b.Tokens > limit || !(b.Weight > 0) || math.IsInf(b.Weight, 0) {
				return between + " and weights above 0"
			}
		}
	default:
		return "the kind must be fixed, uniform, normal, lognormal or histogram"
	}
	return ""
}

// span returns the least and the greatest length that a distribution gives.
func span(l domain.Lengths) (least, most int) {
	least, most = 1, maxInput
	switch l.Kind {
	case "fixed":
		return *l.Tokens, *l.Tokens
	case "histogram":
		least, most = l.Bins[0].Tokens, l.Bins[0].Tokens
		for _, b := range l.Bins {
			least, most = min(least, b.Tokens), max(most, b.Tokens)
		}
		return least, most
	}
	if l.Min != nil {
		least = *l.Min
	}
	if l.Max != nil {
		most = *l.Max
	}
	return least, most
}

// drawer returns a function that draws lengths of at least least and at most most tokens. Normal and
// log-normal lengths are drawn from the part of the distribution between the limits, by its inverse:
// limits cut the tails off and pile nothing up, so they move the mean.
//
// The log-normal distribution is given by mean m and standard deviation s of the lengths themselves;
// those of their logarithm follow as σ² = ln(1 + s²/m²) and μ = ln m − σ²/2 (Johnson, Kotz,
// Balakrishnan: Continuous Univariate Distributions, vol. 1, chapter 14).
func drawer(l domain.Lengths, least, most int) func(*rand.Rand) int {
	low, high := span(l)
	low, high = max(low, least), min(high, most)
	cut := func(n int) int { return min(max(n, low), high) }
	switch l.Kind {
	case "uniform":
		return func(rng *rand.Rand) int { return low + rng.IntN(high-low+1) }
	case "normal":
		draw := normal(*l.Mean, *l.StdDev, float64(low)-0.5, float64(high)+0.5)
		return func(rng *rand.Rand) int { return cut(int(math.Round(draw(rng)))) }
	case "lognormal":
		sigma2 := math.Log1p(*l.StdDev * *l.StdDev / (*l.Mean * *l.Mean))
		draw := normal(math.Log(*l.Mean)-sigma2/2, math.Sqrt(sigma2), math.Log(float64(low)-0.5), math.Log(float64(high)+0.5))
		return func(rng *rand.Rand) int { return cut(int(math.Round(math.Exp(draw(rng))))) }
	case "histogram":
		sums := make([]float64, len(l.Bins))
		total := 0.0
		for i, b := range l.Bins {
			total += b.Weight
			sums[i] = total
		}
		return func(rng *rand.Rand) int {
			at := sort.SearchFloat64s(sums, rng.Float64()*total)
			return cut(l.Bins[min(at, len(l.Bins)-1)].Tokens)
		}
	}
	return func(*rand.Rand) int { return *l.Tokens }
}

// normal draws from the normal distribution between two limits: x = μ + σ·√2·erf⁻¹(2p − 1), with p
// uniform between the distribution's values at the limits.
func normal(mean, dev, low, high float64) func(*rand.Rand) float64 {
	if dev == 0 {
		return func(*rand.Rand) float64 { return mean }
	}
	at := func(x float64) float64 { return math.Erfc((mean-x)/(dev*math.Sqrt2)) / 2 }
	from, to := at(low), at(high)
	if from == to { // the limits lie far out on one side
		return func(*rand.Rand) float64 { return min(max(mean, low), high) }
	}
	return func(rng *rand.Rand) float64 {
		p := from + rng.Float64()*(to-from)
		// A limit far out leaves p at 0 or 1, whose inverse is infinite.
		return min(max(mean+dev*math.Sqrt2*math.Erfinv(2*p-1), low), high)
	}
}
