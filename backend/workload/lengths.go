package workload

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
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
	field, wrong := checkLengths(spec.InputTokens, maxInput)
	add("input_tokens"+field, wrong)
	if out := spec.OutputTokens; out != nil {
		field, wrong := checkLengths(*out, maxTokens)
		add("output_tokens"+field, wrong)
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

// checkLengths says what is wrong with a distribution, and with which field, such as .min; both are
// empty when nothing is.
func checkLengths(l domain.Lengths, limit int) (field, message string) {
	takes := map[string][]string{"fixed": {".tokens"}, "uniform": {".min", ".max"}, "histogram": {".bins"},
		"normal": {".mean", ".stddev", ".min", ".max"}, "lognormal": {".mean", ".stddev", ".min", ".max"}}
	taken, known := takes[l.Kind]
	if !known {
		return ".kind", "must be fixed, uniform, normal, lognormal or histogram"
	}
	between := fmt.Sprintf("must be 1 to %d tokens", limit)
	tokens := func(n *int) bool { return n == nil || (*n >= 1 && *n <= limit) }
	for _, f := range []struct {
		name      string
		given, ok bool
		message   string
	}{
		{".tokens", l.Tokens != nil, tokens(l.Tokens), between},
		{".min", l.Min != nil, tokens(l.Min), between},
		{".max", l.Max != nil, tokens(l.Max), between},
		{".mean", l.Mean != nil, l.Mean == nil || (*l.Mean >= 1 && *l.Mean <= float64(limit)), between},
		{".stddev", l.StdDev != nil, l.StdDev == nil || (*l.StdDev >= 0 && *l.StdDev <= float64(limit)), fmt.Sprintf("must be 0 to %d tokens", limit)},
		{".bins", len(l.Bins) > 0, true, ""},
	} {
		needed := slices.Contains(taken, f.name)
		optional := (f.name == ".min" || f.name == ".max") && l.Kind != "uniform"
		switch {
		case f.given && !needed:
			return f.name, "is not taken by lengths of kind " + l.Kind
		case !f.given && needed && !optional:
			return f.name, "is required for lengths of kind " + l.Kind
		case !f.ok:
			return f.name, f.message
		}
	}
	if l.Min != nil && l.Max != nil && *l.Min > *l.Max {
		return ".min", "must not be above max"
	}
	for i, b := range l.Bins {
		if b.Tokens < 1 || b.Tokens > limit {
			return fmt.Sprintf(".bins[%d].tokens", i), between
		}
		if !(b.Weight > 0) || math.IsInf(b.Weight, 0) {
			return fmt.Sprintf(".bins[%d].weight", i), "must be above 0"
		}
	}
	return "", ""
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
