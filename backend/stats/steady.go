package stats

import (
	"fmt"
	"math"

	"github.com/inferometer/inferometer/backend/domain"
)

const (
	leastSteadyS = 60 // shorter runs say nothing of what a machine holds
	burstS       = 10 // from the first token on
	batchS       = 5  // seconds in one mean
	steadyChange = 2.0
)

// steadySpeed compares the speed right after the start with the one that is held, of a run with one stage
// of a minute or more; nil for any other. What is compared is the decode speed of each request, second
// by second, so that neither the load nor a wait for the next request shows in it.
//
// Where the steady state begins is found by MSER-5 (White, 1997, "An effective truncation heuristic for
// bias reduction in simulation output"): means of five seconds each, cut where the standard error of the
// rest is least. A cut in the second half means that no steady state was reached.
func steadySpeed(parts []part, s set) *domain.Steady {
	if len(parts) != 1 || len(parts[0].rests) > 0 {
		return nil // a machine that rests holds nothing
	}
	speeds, from := decodeBySecond(s)
	if len(speeds) < leastSteadyS {
		return nil
	}
	batches := batchMeans(speeds)
	cut := mser(batches)
	out := &domain.Steady{Reached: cut <= len(batches)/2, BurstTokensPerSecond: meanKnown(speeds[:burstS])}
	if !out.Reached {
		cut = len(batches) * 3 / 4
	}
	out.SustainedTokensPerSecond = meanKnown(speeds[cut*batchS:])
	if math.IsNaN(out.BurstTokensPerSecond) || math.IsNaN(out.SustainedTokensPerSecond) || out.BurstTokensPerSecond <= 0 {
		return nil
	}
	out.LossPercent = 100 * (1 - out.SustainedTokensPerSecond/out.BurstTokensPerSecond)
	at := from + int64(cut*batchS)*1e6
	if out.Reached {
		out.TimeToSteadyS, out.SteadyFromUs = ptr(float64(cut*batchS)), &at
	}
	out.Sentence = steadyWords(*out)
	return out
}

func steadyWords(s domain.Steady) string {
	switch {
	case !s.Reached:
		return fmt.Sprintf("No steady speed was reached: decoding began at %.1f and ended at %.1f tokens per second; run longer.",
			s.BurstTokensPerSecond, s.SustainedTokensPerSecond)
	case s.LossPercent >= steadyChange:
		return fmt.Sprintf("Decoding began at %.1f tokens per second and holds %.1f (%.0f %% less) from %.0f s on.",
			s.BurstTokensPerSecond, s.SustainedTokensPerSecond, s.LossPercent, *s.TimeToSteadyS)
	}
	return fmt.Sprintf("Decoding held its speed: %.1f tokens per second.", s.SustainedTokensPerSecond)
}

// decodeBySecond is the decode speed of one request in each second from the first token on, NaN where
// none was written; from is that first moment.
func decodeBySecond(s set) (speeds []float64, from int64) {
	first, last := int64(math.MaxInt64), int64(0)
	for _, r := range s.ok {
		if n := len(r.ChunkUs); n > 1 {
			first, last = min(first, r.SentUs+r.ChunkUs[0]), max(last, r.SentUs+r.ChunkUs[n-1])
		}
	}
	if last <= first {
		return nil, 0
	}
	tokens, us := make([]float64, (last-first)/1e6+1), make([]float64, (last-first)/1e6+1)
	for _, r := range s.ok {
		for i := 1; i < len(r.ChunkUs); i++ {
			slot, n := (r.SentUs+r.ChunkUs[i]-first)/1e6, 1.0
			if i < len(r.ChunkTokens) {
				n = float64(r.ChunkTokens[i])
			}
			tokens[slot] += n
			us[slot] += float64(r.ChunkUs[i] - r.ChunkUs[i-1])
		}
	}
	whole := int((last - first) / 1e6) // the last second is cut off
	for i := range whole {
		if us[i] == 0 {
			speeds = append(speeds, math.NaN())
			continue
		}
		speeds = append(speeds, tokens[i]/us[i]*1e6)
	}
	return speeds, first
}

// batchMeans are the means of batchS seconds each; what is left over at the end is dropped. A batch
// without a reading takes the one before.
func batchMeans(speeds []float64) []float64 {
	var out []float64
	for i := 0; i+batchS <= len(speeds); i += batchS {
		m := meanKnown(speeds[i : i+batchS])
		if math.IsNaN(m) && len(out) > 0 {
			m = out[len(out)-1]
		}
		out = append(out, m)
	}
	return out
}

// mser is how many values to cut off so that the squared standard error of the rest is least. A quarter
// of the values stays, two at least: a few that happen to be alike would look steadiest of all.
func mser(values []float64) int {
	best, cut := math.Inf(1), 0
	var sum, squares, n float64
	for i := len(values) - 1; i >= 0; i-- {
		sum, squares, n = sum+values[i], squares+values[i]*values[i], n+1
		if n < 2 || 4*n < float64(len(values)) {
			continue
		}
		if e := (squares - sum*sum/n) / (n * n); e <= best { // a tie goes to the earlier cut
			best, cut = e, i
		}
	}
	return cut
}

// meanKnown is the mean of what is a number; NaN without any.
func meanKnown(values []float64) float64 {
	sum, n := 0.0, 0.0
	for _, v := range values {
		if !math.IsNaN(v) {
			sum, n = sum+v, n+1
		}
	}
	return sum / n
}
