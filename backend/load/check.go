package load

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/inferometer/inferometer/backend/domain"
)

const onePoint = "a stage is one point: single, closed, rate, poisson, gamma, ramp or trace"

// Limits of the contract.
const (
	mostUsers   = 10_000
	mostRate    = 100_000
	mostMs      = 600_000
	mostCV      = 10
	mostSpeed   = 1000
	mostSeconds = 86_400
	mostValues  = 64
	mostName    = 100
	mostDepth   = 1 << 20

	mostConfidence = 50
)

// Kinds lists the kinds of load.
func Kinds() []string {
	return []string{domain.LoadSingle, domain.LoadClosed, domain.LoadRate, domain.LoadPoisson, domain.LoadGamma,
		domain.LoadRamp, domain.LoadSweep, domain.LoadKnee, domain.LoadTrace}
}

// Metrics lists what an objective may be about.
func Metrics() []string { return []string{"ttft", "ttfv", "ttfr", "itl", "tpot", "ntpot", "e2e"} }

// Check names every field of load, stop, stages and objectives that is wrong, missing, or not taken
// by its kind of load. plan.DatasetID must be filled in already: a trace needs a dataset.
func Check(plan domain.Plan) []domain.FieldError {
	bad := checkLoad("body.load", plan.Load)
	if plan.Load.Kind == domain.LoadTrace && plan.DatasetID == nil {
		bad = append(bad, field("body.dataset_id", "trace needs a dataset whose prompts say when they are sent"))
	}
	bad = append(bad, checkStop("body.stop", plan.Stop)...)
	for i, stage := range plan.Stages {
		bad = append(bad, checkStage(fmt.Sprintf("body.stages[%d]", i), stage, plan)...)
	}
	if len(plan.Stages) > mostValues {
		bad = append(bad, field("body.stages", "must have at most %d entries", mostValues))
	}
	for i, o := range plan.SLO {
		bad = append(bad, checkObjective(fmt.Sprintf("body.slo[%d]", i), o)...)
	}
	return bad
}

func checkStage(at string, stage domain.PlanStage, plan domain.Plan) []domain.FieldError {
	l, bad := stage.Load, []domain.FieldError(nil)
	if l.Kind == "" {
		l = plan.Load // checked already
	} else {
		bad = checkLoad(at+".load", l)
	}
	switch {
	case l.Kind == domain.LoadSweep || l.Kind == domain.LoadKnee:
		bad = append(bad, field(at+".load.kind", onePoint))
	case l.Kind == domain.LoadTrace && plan.DatasetID == nil && plan.Load.Kind != domain.LoadTrace:
		bad = append(bad, field(at+".load.kind", "trace needs a dataset"))
	}
	bad = append(bad, checkStop(at+".stop", stage.Stop)...)
	if utf8.RuneCountInString(stage.Name) > mostName {
		bad = append(bad, field(at+".name", "must have at most %d characters", mostName))
	}
	if d := stage.DepthTokens; d != nil && (*d < 0 || *d > mostDepth) {
		bad = append(bad, field(at+".depth_tokens", "must be 0 to %d", mostDepth))
	}
	return bad
}

// value is one field of a load as a check sees it.
type value struct {
	name     string
	given    bool
	number   float64
	most     float64
	zero     bool // 0 is allowed
	whole    bool
	taken    bool
	required bool
}

// checkLoad checks each field against its range and against what the kind takes.
func checkLoad(at string, l domain.Load) []domain.FieldError {
	if !slices.Contains(Kinds(), l.Kind) {
		return []domain.FieldError{field(at+".kind", "must be one of %s", strings.Join(Kinds(), ", "))}
	}
	var bad []domain.FieldError
	if l.Over != nil && *l.Over != domain.OverConcurrency && *l.Over != domain.OverRate {
		bad = append(bad, field(at+".over", "must be concurrency or rate"))
	}
	if o := l.Overflow; o != nil && *o != domain.OverflowDrop && *o != domain.OverflowQueue {
		bad = append(bad, field(at+".overflow", "must be drop or queue"))
	}
	for _, v := range valuesOf(l) {
		if message := v.wrong(label(l)); message != "" {
			bad = append(bad, field(at+"."+v.name, "%s", message))
		}
	}
	if l.Kind == domain.LoadSingle && l.Concurrency != nil && *l.Concurrency != 1 {
		bad = append(bad, field(at+".concurrency", "must be 1 for load kind single; use closed"))
	}
	bad = append(bad, checkSteps(at, l)...)
	if l.Objective != nil && l.Kind == domain.LoadKnee {
		bad = append(bad, checkObjective(at+".objective", *l.Objective)...)
	}
	return bad
}

// valuesOf lists the single fields of a load with their rules; see docs/loads.md.
func valuesOf(l domain.Load) []value {
	is := func(kinds ...string) bool { return slices.Contains(kinds, l.Kind) }
	steps := is(domain.LoadRamp, domain.LoadSweep, domain.LoadKnee)
	users := is(domain.LoadSingle, domain.LoadClosed) || (steps && !l.Open())
	mean := is(domain.LoadRate, domain.LoadPoisson, domain.LoadGamma)
	whole := steps && !l.Open()
	level := float64(mostRate)
	if whole {
		level = mostUsers
	}
	return []value{
		count("concurrency", l.Concurrency, mostUsers, value{taken: is(domain.LoadSingle, domain.LoadClosed), required: is(domain.LoadClosed)}),
		count("think_time_ms", l.ThinkTimeMs, mostMs, value{taken: users, zero: true}),
		count("spread_ms", l.SpreadMs, mostMs, value{taken: users && !is(domain.LoadSingle, domain.LoadRamp), zero: true}),
		amount("rate_per_s", l.RatePerS, mostRate, value{taken: mean, required: mean}),
		amount("cv", l.CV, mostCV, value{taken: is(domain.LoadGamma)}),
		{name: "over", given: l.Over != nil, number: 1, most: 1, taken: steps},
		amount("from", l.From, level, value{taken: steps && !is(domain.LoadSweep), whole: whole}),
		amount("to", l.To, level, value{taken: steps && !is(domain.LoadSweep), required: is(domain.LoadRamp), whole: whole}),
		amount("ramp_s", l.RampS, mostSeconds, value{taken: is(domain.LoadRamp), required: is(domain.LoadRamp)}),
		{name: "values", given: len(l.Values) > 0, number: 1, most: 1, taken: is(domain.LoadSweep), required: is(domain.LoadSweep)},
		{name: "objective", given: l.Objective != nil, number: 1, most: 1, taken: is(domain.LoadKnee)},
		amount("speed", l.Speed, mostSpeed, value{taken: is(domain.LoadTrace)}),
		count("max_in_flight", l.MaxInFlight, mostUsers, value{taken: l.Open()}),
		{name: "overflow", given: l.Overflow != nil, number: 1, most: 1, taken: l.Open()},
	}
}

func count(name string, n *int, most float64, v value) value {
	v.name, v.given, v.number, v.most, v.whole = name, n != nil, float64(or(n, 0)), most, true
	return v
}

func amount(name string, n *float64, most float64, v value) value {
	v.name, v.given, v.number, v.most = name, n != nil, or(n, 0), most
	return v
}

// wrong says what is wrong with the field, nothing when it is right.
func (v value) wrong(kind string) string {
	switch {
	case !v.given && v.required:
		return "is required for load kind " + kind
	case !v.given:
		return ""
	case !v.taken:
		return "is not taken by load kind " + kind
	}
	return outside(v.number, v.most, v.zero, v.whole)
}

// outside says what the number must be, nothing when it is. It is also right for NaN.
func outside(n, most float64, zero, whole bool) string {
	switch {
	case whole && !(n >= 1 && n <= most || zero && n == 0), whole && n != math.Trunc(n):
		low := 1
		if zero {
			low = 0
		}
		return fmt.Sprintf("must be a whole number from %d to %.0f", low, most)
	case !whole && !(n > 0 && n <= most):
		return fmt.Sprintf("must be above 0 and at most %.0f", most)
	}
	return ""
}

// label names the kind with what it changes, since that decides which fields it takes.
func label(l domain.Load) string {
	switch l.Kind {
	case domain.LoadRamp, domain.LoadSweep, domain.LoadKnee:
		if l.Open() {
			return l.Kind + " over rate"
		}
		return l.Kind + " over concurrency"
	}
	return l.Kind
}

// checkSteps checks the levels that a ramp, sweep or search goes through.
func checkSteps(at string, l domain.Load) []domain.FieldError {
	var bad []domain.FieldError
	switch l.Kind {
	case domain.LoadRamp, domain.LoadKnee:
		if from, to := or(l.From, DefaultFrom), or(l.To, DefaultKneeTo); !(from < to) && (l.To != nil || l.Kind == domain.LoadKnee) {
			bad = append(bad, field(at+".to", "must be above from"))
		}
	case domain.LoadSweep:
		if len(l.Values) > mostValues {
			bad = append(bad, field(at+".values", "must have at most %d entries", mostValues))
		}
		most := float64(mostUsers)
		if l.Open() {
			most = mostRate
		}
		for i, v := range l.Values {
			if message := outside(v, most, false, !l.Open()); message != "" {
				bad = append(bad, field(fmt.Sprintf("%s.values[%d]", at, i), "%s", message))
			}
		}
	}
	return bad
}

func checkStop(at string, s domain.Stop) []domain.FieldError {
	var bad []domain.FieldError
	for _, v := range []value{
		count("requests", s.Requests, 1_000_000, value{taken: true}),
		amount("duration_s", s.DurationS, mostSeconds, value{taken: true}),
		count("tokens", s.Tokens, 1_000_000_000, value{taken: true}),
		count("errors", s.Errors, 1_000_000, value{taken: true}),
		amount("confidence_percent", s.ConfidencePercent, mostConfidence, value{taken: true}),
	} {
		if message := v.wrong(""); message != "" {
			bad = append(bad, field(at+"."+v.name, "%s", message))
		}
	}
	return bad
}

func checkObjective(at string, o domain.Objective) []domain.FieldError {
	var bad []domain.FieldError
	if !slices.Contains(Metrics(), o.Metric) {
		bad = append(bad, field(at+".metric", "must be one of %s", strings.Join(Metrics(), ", ")))
	}
	if p := o.Percentile; p != nil && !(*p > 0 && *p <= 100) {
		bad = append(bad, field(at+".percentile", "must be above 0 and at most 100"))
	}
	if !(o.BelowMs > 0 && !math.IsInf(o.BelowMs, 0)) {
		bad = append(bad, field(at+".below_ms", "must be above 0"))
	}
	return bad
}

func field(location, format string, args ...any) domain.FieldError {
	return domain.FieldError{Location: location, Message: fmt.Sprintf(format, args...)}
}

// refuse is the error for the fields at fault.
func refuse(bad []domain.FieldError) error {
	return &domain.Error{Kind: domain.KindInvalid, Msg: "Some values are not valid.", Fields: bad}
}
