package infer

import (
	"math"
	"math/rand/v2"
	"slices"
)

// ChangePoint is where a series moves to another level.
type ChangePoint struct {
	Index         int     // the first value of the new level
	Before, After float64 // the means of the levels on both sides, each up to the next change
	P             float64 // chance of so clear a step in a series without one more change
}

const (
	leastLevel = 3   // values that make a level: fewer are outliers
	farthest   = 2.5 // standard deviations from the median that a value counts as at most
)

// ChangePoints finds the levels of a series in time, one value a run. It splits where the means on both
// sides differ most (the largest t of all places), and asks how often a random order of the same values
// has so clear a split somewhere: that counts in that all places were tried, which comparing t with its
// table does not, and assumes no shape of the noise. After a split the search goes on in both parts, with
// one test a step over all parts, in which values are shuffled only inside their own part; it ends at the
// first step that alpha does not pass. A flat series thus gives an alarm with chance alpha.
//
// A value far away counts as one that is 2.5 standard deviations away, by the median deviation. Without
// that, a single slow run at the end of a long series would be an alarm every time, though one run is no
// level; with it, it is in about a tenth of cases. Before and After are the means of the true values.
//
// Values must be of one thing: the same machine, model and settings. Values that lean on the one before
// give more alarms than alpha. A value that is not finite is left out, but keeps its place in Index. With
// fewer than 1/alpha - 1 permutations nothing can be found, since P is at least 1 / (permutations + 1).
// The points come in the order of the series.
//
// D. S. Matteson and N. A. James, "A Nonparametric Approach for Multiple Change Point Analysis of
// Multivariate Data", Journal of the American Statistical Association 109 (2014), 334-345, with the
// difference of means in place of their energy distance; P as in B. Phipson and G. K. Smyth, "Permutation
// P-values Should Never Be Zero", Statistical Applications in Genetics and Molecular Biology 9 (2010).
func ChangePoints(values []float64, alpha float64, permutations int, seed uint64) []ChangePoint {
	if !share(alpha) || permutations < 1 {
		return nil
	}
	kept, at := known(values)
	s := series{random: rand.New(rand.NewPCG(seed, stream))} // #nosec G404 -- a permutation that is repeated from its seed, no secret
	if len(kept) >= 2*leastLevel && !same(kept) {
		s.parts = []part{newPart(0, kept)}
	}
	var out []ChangePoint
	for {
		index, place, size := s.clearest()
		if index < 0 {
			break
		}
		p, passed := s.test(size, alpha, permutations)
		if !passed {
			break
		}
		whole := s.parts[index]
		middle := whole.from + place
		s.parts = slices.Replace(s.parts, index, index+1,
			newPart(whole.from, kept[whole.from:middle]),
			newPart(middle, kept[middle:whole.from+len(whole.values)]))
		out = append(out, ChangePoint{Index: at[middle], P: p})
	}
	slices.SortFunc(out, func(a, b ChangePoint) int { return a.Index - b.Index })
	for i := range out {
		out[i].Before, out[i].After = s.parts[i].level, s.parts[i+1].level
	}
	return out
}

// series is a series that is split into parts so far.
type series struct {
	parts  []part
	random *rand.Rand
}

// part is what lies between two changes.
type part struct {
	from     int
	level    float64
	values   []float64 // none farther away than counts, less their mean
	shuffled []float64 // the same in another order
	weights  []float64 // of the squared sum of the first k+1 values
}

func newPart(from int, values []float64) part {
	p := part{from: from, level: mean(values), values: winsorized(values), weights: make([]float64, len(values))}
	center := mean(p.values)
	if same(p.values) {
		p.level, center = values[0], values[0] // rounding must not look like steps
	}
	n := float64(len(values))
	for i := range values {
		p.values[i] -= center
		k := float64(i + 1)
		p.weights[i] = n / (k * (n - k))
	}
	p.shuffled = slices.Clone(p.values)
	return p
}

// winsorized are the values with those far from the median moved to where far begins, by the median
// absolute deviation, which is 1 / 1.4826 of the standard deviation of normal values (F. R. Hampel, "The
// Influence Curve and Its Role in Robust Estimation", Journal of the American Statistical Association 69
// (1974), 383-393). Where more than half of them are one, they stay as they are.
func winsorized(values []float64) []float64 {
	out := slices.Clone(values)
	slices.Sort(out)
	middle := quantile(out, 0.5)
	for i, v := range out {
		out[i] = math.Abs(v - middle)
	}
	slices.Sort(out)
	reach := farthest * 1.4826 * quantile(out, 0.5)
	for i, v := range values {
		out[i] = v
		if reach > 0 {
			out[i] = min(max(v, middle-reach), middle+reach)
		}
	}
	return out
}

// clearest is the split with the largest sum of squares between its two sides: the part, how many of its
// values lie before, and the sum. Inside one part, where the sum of all squares is the same whatever the
// order, that is the split with the largest t; and unlike t it can be compared between parts, of which a
// short one has a large t by chance. The part is -1 when there is nothing to split.
func (s *series) clearest() (index, place int, size float64) {
	index = -1
	for i, p := range s.parts {
		if k, v := p.clearest(p.values); v > size {
			index, place, size = i, k, v
		}
	}
	return index, place, size
}

// clearest is the same of one part, with its values in the given order.
func (p *part) clearest(values []float64) (place int, size float64) {
	sum := 0.0
	for i, v := range values {
		sum += v
		if i+1 < leastLevel || i+1 > len(values)-leastLevel {
			continue
		}
		if between := sum * sum * p.weights[i]; between > size {
			place, size = i+1, between
		}
	}
	return place, size
}

// test is the chance of a split as clear among shuffled values; it gives up as soon as alpha is out of
// reach.
func (s *series) test(size, alpha float64, permutations int) (p float64, passed bool) {
	size *= 1 - 1e-9 // sums in another order differ by rounding
	all := float64(permutations + 1)
	asClear := 1 // the order that was measured
	for range permutations {
		most := 0.0
		for i := range s.parts {
			p := &s.parts[i]
			s.random.Shuffle(len(p.shuffled), func(a, b int) {
				p.shuffled[a], p.shuffled[b] = p.shuffled[b], p.shuffled[a]
			})
			_, v := p.clearest(p.shuffled)
			most = max(most, v)
		}
		if most >= size {
			asClear++
		}
		if float64(asClear)/all > alpha {
			return 1, false
		}
	}
	p = float64(asClear) / all
	return p, p <= alpha
}
