package load

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/inferometer/inferometer/backend/domain"
)

// Word writes a load as one word, such as closed:16 or gamma:5/s,cv=2. ParseWord reads it back.
func Word(l domain.Load) string {
	unit := ""
	if l.Open() {
		unit = "/s"
	}
	level := func(v *float64, def float64) string { return digits(or(v, def)) + unit }
	var b strings.Builder
	b.WriteString(l.Kind)
	switch l.Kind {
	case domain.LoadClosed:
		fmt.Fprintf(&b, ":%d", or(l.Concurrency, 1))
	case domain.LoadRate, domain.LoadPoisson, domain.LoadGamma:
		b.WriteString(":" + level(l.RatePerS, 1))
	case domain.LoadRamp:
		fmt.Fprintf(&b, ":%s..%s/%ss", level(l.From, DefaultFrom), level(l.To, 1), digits(or(l.RampS, 1)))
	case domain.LoadSweep:
		for i, v := range l.Values {
			b.WriteString(separator(i) + level(&v, 1))
		}
	case domain.LoadKnee:
		writeKnee(&b, l)
	}
	writeOptions(&b, l)
	return b.String()
}

func separator(i int) string {
	if i == 0 {
		return ":"
	}
	return ","
}

func writeKnee(b *strings.Builder, l domain.Load) {
	if l.Objective != nil {
		b.WriteString(":" + objectiveWord(*l.Objective))
	}
	if l.Open() {
		b.WriteString(",over=rate")
	}
	if l.From != nil {
		b.WriteString(",from=" + digits(*l.From))
	}
	if l.To != nil {
		b.WriteString(",to=" + digits(*l.To))
	}
}

func writeOptions(b *strings.Builder, l domain.Load) {
	if l.CV != nil {
		b.WriteString(",cv=" + digits(*l.CV))
	}
	if l.Speed != nil {
		b.WriteString(",speed=" + digits(*l.Speed))
	}
	if l.ThinkTimeMs != nil {
		fmt.Fprintf(b, ",think=%dms", *l.ThinkTimeMs)
	}
	if l.SpreadMs != nil {
		fmt.Fprintf(b, ",spread=%dms", *l.SpreadMs)
	}
	if l.MaxInFlight != nil {
		fmt.Fprintf(b, ",max=%d", *l.MaxInFlight)
	}
	if l.Overflow != nil {
		b.WriteString(",overflow=" + *l.Overflow)
	}
}

// digits writes a number in full, as short as it is exact.
func digits(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
