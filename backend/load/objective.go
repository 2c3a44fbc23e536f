package load

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/inferometer/inferometer/backend/domain"
)

// objectiveForm is what an objective word looks like.
const objectiveForm = `must be such as "ttft<500ms" or "tpot_p95<50ms"; metrics are ttft, ttfv, ttfr, itl, tpot, ntpot and e2e, units ms and s`

// mostBelow bounds a limit that is given as a word, in milliseconds.
const mostBelow = 1e12

// ParseObjectives reads objectives in any form of the contract: nothing, words with commas between
// them, a list of words or of objects {metric, percentile, below_ms}, or one object such as
// {"ttft_p95_ms": 500}. The error is a *domain.Error that names the entry.
func ParseObjectives(v any) ([]domain.Objective, error) {
	var entries []any
	switch list := v.(type) {
	case nil:
		return nil, nil
	case []domain.Objective:
		entries = boxed(list)
	case string:
		entries = boxed(strings.Split(list, ","))
	case []string:
		entries = boxed(list)
	case []any:
		entries = list
	case map[string]any:
		return limits(list)
	default:
		return nil, domain.Invalid("body.slo", "must be a word, a list, or an object")
	}
	objectives := make([]domain.Objective, 0, len(entries))
	for i, entry := range entries {
		at := fmt.Sprintf("body.slo[%d]", i)
		o, bad := parseEntry(at, entry)
		if bad == nil {
			bad = checkObjective(at, o)
		}
		if len(bad) > 0 {
			return nil, refuse(bad)
		}
		objectives = append(objectives, o)
	}
	return objectives, nil
}

func boxed[T any](list []T) []any {
	out := make([]any, len(list))
	for i, v := range list {
		out[i] = v
	}
	return out
}

// parseEntry reads one entry of a list.
func parseEntry(at string, entry any) (domain.Objective, []domain.FieldError) {
	switch e := entry.(type) {
	case domain.Objective:
		return e, nil
	case string:
		o, ok := parseObjective(strings.TrimSpace(e))
		if !ok {
			return o, []domain.FieldError{field(at, objectiveForm)}
		}
		return o, nil
	case map[string]any:
		var o domain.Objective
		// Through JSON, so that the names and types of the contract are told in one place.
		text, err := json.Marshal(e)
		if err == nil {
			d := json.NewDecoder(strings.NewReader(string(text)))
			d.DisallowUnknownFields()
			err = d.Decode(&o)
		}
		if err != nil {
			return o, []domain.FieldError{field(at, "must hold metric, below_ms and perhaps percentile, and nothing else")}
		}
		return o, nil
	}
	return domain.Objective{}, []domain.FieldError{field(at, "must be a word or an object")}
}

// limits reads {"ttft_p95_ms": 500}.
func limits(object map[string]any) ([]domain.Objective, error) {
	var objectives []domain.Objective
	for _, key := range slices.Sorted(maps.Keys(object)) {
		name, isMs := strings.CutSuffix(key, "_ms")
		o, ok := parseMetric(name)
		limit, isNumber := object[key].(float64)
		if !isMs || !ok {
			return nil, domain.Invalid("body.slo", `names must be such as ttft_ms or ttft_p95_ms`)
		}
		o.BelowMs = limit
		if bad := checkObjective("body.slo", o); !isNumber || len(bad) > 0 {
			return nil, domain.Invalid("body.slo", "limits must be numbers above 0, in milliseconds")
		}
		objectives = append(objectives, o)
	}
	return objectives, nil
}

// parseObjective reads a word such as ttft_p95<500ms. A percentile must be within its range.
func parseObjective(word string) (domain.Objective, bool) {
	name, limit, found := strings.Cut(word, "<")
	o, ok := parseMetric(name)
	if !found || !ok {
		return o, false
	}
	unit := 1.0
	number, ms := strings.CutSuffix(limit, "ms")
	if !ms {
		if number, ok = strings.CutSuffix(limit, "s"); !ok {
			return o, false
		}
		unit = 1000
	}
	v, ok := parseNumber(number)
	o.BelowMs = v * unit
	return o, ok && o.BelowMs < mostBelow
}

// parseMetric reads ttft or ttft_p95.
func parseMetric(name string) (domain.Objective, bool) {
	metric, percentile, has := strings.Cut(name, "_p")
	o := domain.Objective{Metric: metric}
	if has {
		p, ok := parseNumber(percentile)
		if !ok || p > 100 {
			return o, false
		}
		o.Percentile = &p
	}
	return o, slices.Contains(Metrics(), metric)
}

// objectiveWord writes an objective as it is read, such as ttft_p95<500ms.
func objectiveWord(o domain.Objective) string {
	word := o.Metric
	if o.Percentile != nil {
		word += "_p" + digits(*o.Percentile)
	}
	return word + "<" + digits(o.BelowMs) + "ms"
}

// parseNumber reads a plain decimal number above 0: no sign, exponent, or name such as Inf. Its
// range is wider than any limit of the contract, and narrow enough to be written in full again.
func parseNumber(text string) (float64, bool) {
	if text == "" || len(text) > 64 || strings.Trim(text, "0123456789.") != "" {
		return 0, false
	}
	v, err := strconv.ParseFloat(text, 64)
	return v, err == nil && v >= 1e-9 && v < mostBelow
}

// parseCount reads a whole number, 0 included.
func parseCount(text string) (int, bool) {
	if text == "" || len(text) > 10 || strings.Trim(text, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.Atoi(text)
	return n, err == nil
}
