package stats

import (
	"math"
	"math/bits"
)

// Sketch counts whole numbers from 0 on, such as microseconds, in bins of which each is as wide as at most 1/128
// of its values. So the quantiles of ten million gaps between tokens take neither sorting nor room for them; each is
// right to 0.4 %. The bins are those of HdrHistogram (G. Tene): as many within each power of two.
type Sketch struct {
	counts     []int
	n          int
	least, top int64
}

const (
	sketchBits = 7 // bins within a power of two, as one
	sketchBins = 1 << sketchBits
)

// Add counts a value; one below 0 counts as 0.
func (s *Sketch) Add(v int64) {
	v = max(0, v)
	if s.n == 0 {
		s.least = v
	}
	s.least, s.top = min(s.least, v), max(s.top, v)
	s.n++
	bin := sketchBin(v)
	if bin >= len(s.counts) {
		s.counts = append(s.counts, make([]int, bin+1-len(s.counts))...)
	}
	s.counts[bin]++
}

// N is how many values were counted.
func (s *Sketch) N() int { return s.n }

// sketchBin is the bin of a value: below twice sketchBins its own, above by its leading bits.
func sketchBin(v int64) int {
	shift := max(0, bits.Len64(uint64(v))-sketchBits-1) // #nosec G115 -- not negative
	return shift*sketchBins + int(v>>shift)
}

// sketchValue is the middle of a bin.
func sketchValue(bin int) float64 {
	if bin < 2*sketchBins {
		return float64(bin)
	}
	shift := bin/sketchBins - 1
	low := float64(bin-shift*sketchBins) * math.Exp2(float64(shift))
	return low + (math.Exp2(float64(shift))-1)/2
}

// Quantiles returns points values at even steps of the probability, the least and the largest value first and last;
// none without a value.
func (s *Sketch) Quantiles(points int) []float64 {
	if s.n == 0 || points < 2 {
		return nil
	}
	out := make([]float64, points)
	bin, below := 0, 0 // values in the bins before
	for i := range out {
		rank := int(math.Round(float64(i) / float64(points-1) * float64(s.n-1)))
		for below+s.counts[bin] <= rank {
			below += s.counts[bin]
			bin++
		}
		out[i] = min(max(sketchValue(bin), float64(s.least)), float64(s.top))
	}
	out[0], out[points-1] = float64(s.least), float64(s.top)
	return out
}

// Quantiles are those of sorted values at even steps of the probability, the least and the largest first and last; at
// most as many as there are values, none without one.
func Quantiles(sorted []float64, points int) []float64 {
	points = min(points, len(sorted))
	out := make([]float64, 0, points)
	for i := range points {
		out = append(out, Quantile(sorted, float64(i)/float64(max(1, points-1))))
	}
	return out
}
