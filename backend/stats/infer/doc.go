// Package infer is the statistics that says how far figures can be trusted: intervals around quantiles
// and means, comparisons of two arms, their power, change points, and when repeating may stop. It works
// on plain numbers, knows nothing of runs, holds no state, and draws by a PCG generator from the seed it
// is given: the same input always has the same output, to the last bit.
//
// # What is one value
//
// Requests of one run share its machine, its temperature and its page cache, so they are not
// independent of one another. Tests that pool them find differences where there are none: with the noise
// of the simulations beside this package, in 40 to 50 % of comparisons of a thing with itself when the arms
// take turns, and in 80 % when one arm runs after the other. Whatever compares here (PairedRatio,
// WelchRatio, ChangePoints, SplitVariance) therefore takes one value for each run. QuantileInterval,
// MeanInterval and BCaMean may be given the requests of one run, and then say how well that run is
// known, not what the next one would give.
//
// # Ratios
//
// Comparisons are of ratios, b ÷ a, and are worked out on logarithms: speeds and latencies are positive
// and their noise is in proportion, and on logarithms "b over a" and "a over b" give the same answer.
//
// # Bad input
//
// What cannot be worked out is not guessed: functions that return an ok return false, those that return
// an error say in it what is wrong, and a number that has no answer is NaN. Values that are not numbers
// make an interval or a comparison impossible; where a missing reading is normal (FindOutliers,
// ChangePoints, MSER5, SplitVariance, Trend) NaN stands for it and is left out.
package infer
