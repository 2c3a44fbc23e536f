package infer

import (
	"math"
	"slices"
)

// Outliers counts the values far from the others, in both directions.
type Outliers struct {
	// Values beyond 1.5 and beyond 3 interquartile ranges from the quartiles; a severe one is not mild too.
	MildLow, MildHigh, SevereLow, SevereHigh int
	// Share is the part of all squared deviations from the mean that is theirs, 0 to 1: of how unsure the
	// mean is, so much is due to them. 0 without any, NaN where squares are too large for a number.
	Share       float64
	SevereShare float64 // the part of the severe ones alone
}

// N is how many outliers there are.
func (o Outliers) N() int { return o.MildLow + o.MildHigh + o.SevereLow + o.SevereHigh }

// FindOutliers sorts values into classes by Tukey's fences. Of normal values 0.7 % lie beyond the inner
// fences and 0.0002 % beyond the outer ones; latencies have a long tail and more. It removes nothing: an
// outlier of a benchmark is mostly a thing that happened. Values that are not finite are left out, and
// fewer than 4 have no outliers. Where more than half of all values are the same, whatever differs is
// severe.
//
// J. W. Tukey, "Exploratory Data Analysis" (1977), section 2D, with quartiles by interpolation (type 7).
func FindOutliers(values []float64) Outliers {
	kept, _ := known(values)
	return outliers(kept, func(v float64) float64 { return v })
}

// FindOutliersByRatio draws the fences on logarithms, for values such as latencies whose noise is in
// proportion and whose tail is long: of log-normal values, whatever their spread, no more lie beyond them
// than of normal ones beyond Tukey's own. Shares are of the values themselves. A value that is not positive
// leaves the fences where FindOutliers has them.
func FindOutliersByRatio(values []float64) Outliers {
	kept, _ := known(values)
	if slices.ContainsFunc(kept, func(v float64) bool { return v <= 0 }) {
		return FindOutliers(kept)
	}
	return outliers(kept, math.Log)
}

func outliers(kept []float64, scale func(float64) float64) Outliers {
	if len(kept) < 4 {
		return Outliers{}
	}
	sorted := slices.Sorted(slices.Values(kept))
	for i, v := range sorted {
		sorted[i] = scale(v)
	}
	q1, q3 := quantile(sorted, 0.25), quantile(sorted, 0.75)
	inner, outer := 1.5*(q3-q1), 3*(q3-q1)
	m, squares := meanAndSquares(kept)
	var out Outliers
	var theirs, severe float64
	for _, v := range kept {
		square := (v - m) * (v - m)
		switch at := scale(v); {
		case at < q1-outer:
			out.SevereLow++
			severe += square
		case at > q3+outer:
			out.SevereHigh++
			severe += square
		case at < q1-inner:
			out.MildLow++
		case at > q3+inner:
			out.MildHigh++
		default:
			continue
		}
		theirs += square
	}
	if theirs > 0 {
		out.Share, out.SevereShare = theirs/squares, severe/squares
	}
	return out
}
