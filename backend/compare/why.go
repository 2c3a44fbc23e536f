package compare

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

const (
	mostChanges = 2    // that are told as a cause; with more of them nobody knows which it was
	otherBytes  = 0.01 // of a token: a difference that is worth telling
)

// why tells what was measured of the causes of a difference: what was set differently, what a token reads, and what
// limited each side. It tells no more than readings show; where they show nothing it says so. Nothing is told of
// sides that show no difference.
func why(sides []Side, c domain.Comparison) []domain.ComparisonCause {
	out := []domain.ComparisonCause{}
	row := mainMetric(c)
	if len(sides) < 2 || row == nil || !slices.ContainsFunc(row.Values, differsShown) {
		return out
	}
	out = append(out, setOtherwise(c)...)
	found := bytesRead(sides, c)
	found = append(found, limits(sides, c)...)
	if len(found) == 0 {
		found = append(found, domain.ComparisonCause{Kind: domain.CauseUnknown, Sides: []int{}, Text: "No reading shows what limited these runs."})
	}
	return append(out, found...)
}

func differsShown(v domain.ComparisonValue) bool {
	return v.Effect != nil && (v.Effect.Verdict == Better || v.Effect.Verdict == Worse || v.Effect.Verdict == TooFew)
}

// setOtherwise are the settings that differ, where they are few and the same within each side.
func setOtherwise(c domain.Comparison) []domain.ComparisonCause {
	var out []domain.ComparisonCause
	for _, d := range c.Differs {
		asked := d.Key == "threads" && slices.ContainsFunc(c.Differs, func(o domain.Difference) bool { return o.Key == "engine_options.threads" })
		if asked || d.Key == "model_sha256" || slices.Contains(d.Values, varies) {
			continue
		}
		if d.About == "machine" || len(out) == mostChanges {
			return nil
		}
		told := domain.ComparisonCause{Kind: domain.CauseSetting, Key: d.Key, Sides: []int{}, Values: d.Values}
		var parts []string
		for i, v := range d.Values {
			if v != d.Values[c.Baseline] {
				told.Sides = append(told.Sides, i)
				parts = append(parts, fmt.Sprintf("%s: %s %s instead of %s", c.Sides[i].Name, strings.TrimPrefix(d.Key, "engine_options."), text(v), text(d.Values[c.Baseline])))
			}
		}
		told.Text = strings.Join(parts, "; ") + "."
		out = append(out, told)
	}
	return out
}

func text(v string) string {
	if v == "" {
		return "the default"
	}
	return v
}

// bytesRead tells the sides whose model reads more or less for each token than that of the baseline.
func bytesRead(sides []Side, c domain.Comparison) []domain.ComparisonCause {
	base := tokenGB(sides[c.Baseline])
	var out []domain.ComparisonCause
	for i, s := range sides {
		own := tokenGB(s)
		if i == c.Baseline || base == nil || own == nil || math.Abs(*own / *base - 1) < otherBytes {
			continue
		}
		out = append(out, domain.ComparisonCause{Kind: domain.CauseBytes, Sides: []int{i}, Value: own, Baseline: base, Unit: "GB",
			Text: fmt.Sprintf("%s reads %.2f GB a token instead of %.2f.", s.Name, *own, *base)})
	}
	return out
}

// tokenGB is what a token of all runs of a side reads; nil where that is not known or not the same.
func tokenGB(s Side) *float64 {
	var out *float64
	for i := range s.Runs {
		e := s.Runs[i].Environment
		if e == nil || e.Model == nil || e.Model.BytesPerToken == nil || *e.Model.BytesPerToken <= 0 {
			return nil
		}
		if v := float64(*e.Model.BytesPerToken) / 1e9; out == nil {
			out = &v
		} else if *out != v {
			return nil
		}
	}
	return out
}

// limits puts the sides together that were limited by the same thing in all their runs.
func limits(sides []Side, c domain.Comparison) []domain.ComparisonCause {
	var out []domain.ComparisonCause
	for i, s := range sides {
		limit := limitOf(s, c.Load)
		if limit == "" {
			continue
		}
		at := slices.IndexFunc(out, func(k domain.ComparisonCause) bool { return k.Key == limit })
		if at < 0 {
			out, at = append(out, domain.ComparisonCause{Kind: domain.CauseLimit, Key: limit, Sides: []int{}}), len(out)
		}
		out[at].Sides = append(out[at].Sides, i)
	}
	for i := range out {
		var names []string
		for _, s := range out[i].Sides {
			names = append(names, c.Sides[s].Name)
		}
		verb := "are"
		if len(names) == 1 {
			verb = "is"
		}
		out[i].Text = fmt.Sprintf("%s %s limited by %s.", strings.Join(names, " and "), verb, limitWord(out[i].Key))
	}
	return out
}

// limitOf is what limited every run of a side at a load; empty where that is not known or not the same.
func limitOf(s Side, load string) string {
	limit := ""
	for i := range s.Runs {
		b := s.Runs[i].Bottleneck
		f, stage := PointOf(&s.Runs[i], load)
		if b == nil || f == nil || b.Limit == domain.LimitUnknown || stage != nil && *stage != b.Stage || limit != "" && limit != b.Limit {
			return ""
		}
		limit = b.Limit
	}
	return limit
}

func limitWord(limit string) string {
	words := map[string]string{domain.LimitMemory: "memory bandwidth", domain.LimitCompute: "arithmetic", domain.LimitCPU: "too little processor time",
		domain.LimitThermal: "heat", domain.LimitPower: "the power limit", domain.LimitOffload: "layers outside the GPU",
		domain.LimitQueue: "waiting in the server", domain.LimitClient: "the measuring program"}
	return words[limit]
}

// apart is how far the middle of the measuring of a side lies from that of the baseline, of the side that is furthest, in
// seconds. Nil for runs that were measured in turns.
func apart(sides []Side, a Asked) *float64 {
	if a.Paired || a.Baseline >= len(sides) {
		return nil
	}
	var most *float64
	base, known := middle(sides[a.Baseline])
	for i, s := range sides {
		own, ok := middle(s)
		if i == a.Baseline || !ok || !known {
			continue
		}
		if d := math.Abs(own.Sub(base).Seconds()); most == nil || d > *most {
			most = &d
		}
	}
	return most
}

// middle is the median moment at which the runs of a side began.
func middle(s Side) (time.Time, bool) {
	var at []time.Time
	for i := range s.Runs {
		if t := s.Runs[i].StartedAt; t != nil {
			at = append(at, *t)
		} else if !s.Runs[i].CreatedAt.IsZero() {
			at = append(at, s.Runs[i].CreatedAt)
		}
	}
	if len(at) == 0 {
		return time.Time{}, false
	}
	slices.SortFunc(at, time.Time.Compare)
	return at[(len(at)-1)/2], true
}
