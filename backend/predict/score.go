package predict

import (
	"fmt"
	"math"
	"slices"

	"github.com/inferometer/inferometer/backend/domain"
)

// mostChecks is how many runs are listed one by one; all of them count.
const mostChecks = 100

// Score predicts each run from the others and says how often the range held what was measured. All runs of the
// same file and about the same depth are left out together: they would tell the answer.
func (f *Fitted) Score() domain.PredictionScore {
	out := domain.PredictionScore{Runs: []domain.PredictionCheck{}}
	var errors []float64
	if len(f.ps) > 1 {
		for i, p := range f.ps {
			without := slices.Concat(f.ps[:i], f.ps[i+1:])
			l := fit(without, f.peak, f.h.Device.GPU)
			for _, o := range p.of {
				c := check(o, *speedOf(l.at(target{weights: o.weights, cache: o.cache, format: o.format}, 1)))
				out.Runs = append(out.Runs, c)
				errors = append(errors, 100*math.Abs(c.Predicted.Value/c.Measured-1))
				out.Total++
				if c.Held {
					out.Held++
				}
			}
		}
	}
	if out.Total == 0 {
		out.Sentence = "No prediction can be scored yet: it takes runs of two model files or of two context depths."
		return out
	}
	slices.Sort(errors)
	median := (errors[(len(errors)-1)/2] + errors[len(errors)/2]) / 2
	out.MedianErrorPercent = &median
	out.Sentence = fmt.Sprintf("%d of %d predictions held; the median error is %.0f %%.", out.Held, out.Total, median)
	created := map[domain.RunID]int64{}
	for i := range f.h.all {
		created[f.h.all[i].run.ID] = f.h.all[i].run.CreatedAt.UnixNano()
	}
	slices.SortStableFunc(out.Runs, func(a, b domain.PredictionCheck) int {
		if x, y := created[a.JobID], created[b.JobID]; x != y {
			return int(max(-1, min(1, y-x)))
		}
		return a.Stage - b.Stage
	})
	out.Runs = out.Runs[:min(mostChecks, len(out.Runs))]
	return out
}

func check(o observation, expected domain.PredictedSpeed) domain.PredictionCheck {
	return domain.PredictionCheck{JobID: o.run.ID, Stage: o.stage, Model: o.run.Model, Quantization: o.run.Environment.Model.Quantization,
		ContextTokens: int(math.Round(o.depth)), Predicted: expected, Measured: o.speed, Held: expected.Low <= o.speed && o.speed <= expected.High}
}
