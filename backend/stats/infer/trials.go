package infer

// Trials are the requests of one run: how many there were, and how many of them met what was asked.
type Trials struct{ Met, N int }

// Spread is how much more the runs of equal load differ than the luck of single requests explains: Pearson's χ² of the
// shares over their degrees of freedom, pooled over all loads, and 1 where it is less. A load of which all requests
// or none met tells nothing of it. df is 0 where nothing is known.
//
// P. McCullagh and J. A. Nelder, "Generalized Linear Models", 2nd ed. (1989), section 4.5.
func Spread(loads [][]Trials) (spread float64, df int) {
	chi := 0.0
	for _, runs := range loads {
		met, n := 0, 0
		for _, r := range runs {
			met, n = met+r.Met, n+r.N
		}
		if len(runs) < 2 || met == 0 || met == n {
			continue
		}
		p := float64(met) / float64(n)
		for _, r := range runs {
			if r.N > 0 {
				chi += sq(float64(r.Met)-float64(r.N)*p) / (float64(r.N) * p * (1 - p))
			}
		}
		df += len(runs) - 1
	}
	if df == 0 {
		return 1, 0
	}
	return max(1, chi/float64(df)), df
}

// TrialsInterval is ShareInterval over as many requests as the trials are worth: with a spread of 2 half of them. It is
// false without trials.
//
// J. N. K. Rao and A. J. Scott, "A Simple Method for the Analysis of Clustered Binary Data", Biometrics 48
// (1992), 577-585.
func TrialsInterval(t Trials, spread, confidence float64) (Interval, bool) {
	if t.N < 1 || t.Met < 0 || t.Met > t.N || !(spread >= 1) || !share(confidence) {
		return Interval{}, false
	}
	return wilson(float64(t.Met)/float64(t.N), float64(t.N)/spread, confidence), true
}
