package load

import (
	"fmt"
	"strings"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

// wordForm is what a load word looks like.
const wordForm = "a load must be such as single, closed:16, rate:5/s, poisson:5/s, gamma:5/s,cv=2, ramp:1..64/30s, " +
	"ramp:1/s..20/s/60s, sweep:1,2,4,8, sweep:1..64, sweep:1/s,2/s, knee, knee:ttft_p95<500ms or trace"

// longestWord bounds what is read; a sweep of 64 values fits.
const longestWord = 2000

// ParseWord reads a load word, as Word writes it. A trace word holds no file: TraceFile takes it off
// before. The error is a *domain.Error and never repeats the word.
func ParseWord(word string) (domain.Load, error) {
	fail := func(format string, args ...any) (domain.Load, error) {
		return domain.Load{}, domain.Invalid("body.load", fmt.Sprintf(format, args...))
	}
	word = strings.TrimSpace(word)
	end := strings.IndexAny(word, ":,")
	if end < 0 {
		end = len(word)
	}
	if len(word) > longestWord {
		return fail("%s", wordForm)
	}
	l := domain.Load{Kind: word[:end]}
	if rest := word[end:]; rest != "" {
		main, options := rest, ""
		if i := optionsAt(rest); i >= 0 {
			main, options = rest[:i], rest[i+1:]
		}
		if main != "" && (main[0] != ':' || !parseMain(&l, main[1:])) {
			return fail("%s", wordForm)
		}
		if bad := parseOptions(&l, options); bad != "" {
			return fail("%s", bad)
		}
	}
	if bad := checkLoad("body.load", l); len(bad) > 0 {
		return domain.Load{}, refuse(bad)
	}
	return l, nil
}

// optionsAt is the comma before the first name=value; negative when there is none.
func optionsAt(rest string) int {
	if i := strings.Index(rest, "="); i >= 0 {
		return strings.LastIndex(rest[:i], ",")
	}
	return -1
}

// parseMain reads what stands between the kind and the options.
func parseMain(l *domain.Load, text string) bool {
	ok := false
	switch l.Kind {
	case domain.LoadClosed:
		var users int
		users, ok = parseCount(text)
		l.Concurrency = &users
	case domain.LoadRate, domain.LoadPoisson, domain.LoadGamma:
		number, perSecond := strings.CutSuffix(text, "/s")
		var rate float64
		rate, ok = parseNumber(number)
		ok = ok && perSecond
		l.RatePerS = &rate
	case domain.LoadRamp:
		ok = parseRamp(l, text)
	case domain.LoadSweep:
		ok = parseSweep(l, text)
	case domain.LoadKnee:
		var o domain.Objective
		o, ok = parseObjective(text)
		l.Objective = &o
	}
	return ok
}

// parseRamp reads 1..64/30s and 1/s..20/s/60s.
func parseRamp(l *domain.Load, text string) bool {
	first, rest, found := strings.Cut(text, "..")
	cut := strings.LastIndex(rest, "/")
	if !found || cut < 0 {
		return false
	}
	from, fromRate, ok1 := parseLevel(first)
	to, toRate, ok2 := parseLevel(rest[:cut])
	number, inSeconds := strings.CutSuffix(rest[cut+1:], "s")
	length, ok3 := parseNumber(number)
	l.From, l.To, l.RampS, l.Over = &from, &to, &length, over(toRate)
	return ok1 && ok2 && ok3 && inSeconds && fromRate == toRate
}

// parseSweep reads 1,2,4 and 1/s,2/s, and 1..64 in powers of two up to the last.
func parseSweep(l *domain.Load, text string) bool {
	if first, last, found := strings.Cut(text, ".."); found {
		from, fromRate, ok1 := parseLevel(first)
		to, toRate, ok2 := parseLevel(last)
		if !ok1 || !ok2 || fromRate != toRate || from >= to {
			return false
		}
		l.Over = over(toRate)
		for ; from < to && len(l.Values) < mostValues; from *= 2 {
			l.Values = append(l.Values, from)
		}
		l.Values = append(l.Values, to)
		return true
	}
	perSecond := strings.HasSuffix(text, "/s")
	l.Over = over(perSecond)
	for _, word := range strings.Split(text, ",") {
		v, rate, ok := parseLevel(word)
		if !ok || rate != perSecond {
			return false
		}
		l.Values = append(l.Values, v)
	}
	return true
}

// parseLevel reads a number of users or, with /s, a rate.
func parseLevel(text string) (v float64, rate, ok bool) {
	number, rate := strings.CutSuffix(text, "/s")
	v, ok = parseNumber(number)
	return v, rate, ok
}

func over(rate bool) *string {
	if !rate {
		return nil // concurrency is the default
	}
	return new(domain.OverRate)
}

// parseOptions reads name=value with commas between them; the answer says what is wrong.
func parseOptions(l *domain.Load, text string) string {
	if text == "" {
		return ""
	}
	for _, option := range strings.Split(text, ",") {
		name, value, _ := strings.Cut(option, "=")
		number, ok := (*float64)(nil), false
		switch name {
		case "cv", "speed", "from", "to":
			v, good := parseNumber(value)
			number, ok = &v, good
		}
		switch name {
		case "cv":
			l.CV = number
		case "speed":
			l.Speed = number
		case "from":
			l.From = number
		case "to":
			l.To = number
		case "over":
			ok = value == domain.OverRate || value == domain.OverConcurrency
			l.Over = over(value == domain.OverRate)
		case "think":
			l.ThinkTimeMs, ok = parseMillis(value)
		case "spread":
			l.SpreadMs, ok = parseMillis(value)
		case "max":
			var n int
			n, ok = parseCount(value)
			l.MaxInFlight = &n
		case "overflow":
			l.Overflow, ok = &value, value == domain.OverflowDrop || value == domain.OverflowQueue
		}
		if !ok {
			return "options of a load are cv=2, think=250ms, spread=1s, max=64, overflow=queue, speed=2, and for knee over=rate, from=1, to=64"
		}
	}
	return ""
}

// parseMillis reads a time in ms or s that is whole in milliseconds.
func parseMillis(text string) (*int, bool) {
	if text == "0" {
		text = "0s"
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 || d%time.Millisecond != 0 || !strings.HasSuffix(text, "s") {
		return nil, false
	}
	return new(int(d / time.Millisecond)), true
}

// TraceFile takes the name of the file off a word trace:FILE, and leaves what ParseWord reads.
func TraceFile(word string) (file, rest string, ok bool) {
	file, ok = strings.CutPrefix(strings.TrimSpace(word), domain.LoadTrace+":")
	if !ok {
		return "", word, false
	}
	rest = domain.LoadTrace
	for {
		i := strings.LastIndexByte(file, ',')
		name, _, _ := strings.Cut(file[max(i, 0):], "=")
		if i < 0 || name != ",speed" && name != ",max" && name != ",overflow" {
			return file, rest, file != ""
		}
		file, rest = file[:i], rest+file[i:]
	}
}
