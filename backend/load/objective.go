package load

import "github.com/inferometer/inferometer/backend/domain"

// objectiveWord writes an objective as it is read, such as ttft_p95<500ms.
func objectiveWord(o domain.Objective) string {
	word := o.Metric
	if o.Percentile != nil {
		word += "_p" + digits(*o.Percentile)
	}
	return word + "<" + digits(o.BelowMs) + "ms"
}
