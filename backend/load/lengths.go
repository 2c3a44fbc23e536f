package load

import (
	"strings"

	"github.com/inferometer/inferometer/backend/domain"
)

// lengthForm is what a length word looks like.
const lengthForm = "lengths must be such as 512, uniform:128..512, normal:512,64, lognormal:512,128 " +
	"(perhaps with ,min=16 and ,max=1024) or histogram:128=3,512=1"

// mostTokens is the longest text that can be asked for, mostBins the finest histogram.
const mostTokens, mostBins = 1 << 20, 1000

// ParseLengths reads a distribution of lengths in tokens. The error is a *domain.Error and never
// repeats the word.
func ParseLengths(word string) (domain.Lengths, error) {
	kind, text, has := strings.Cut(strings.TrimSpace(word), ":")
	if !has {
		kind, text = "fixed", kind
	}
	l, ok := domain.Lengths{Kind: kind}, false
	switch kind {
	case "fixed":
		l.Tokens, ok = parseTokens(text)
	case "uniform":
		low, high, _ := strings.Cut(text, "..")
		var ok1, ok2 bool
		l.Min, ok1 = parseTokens(low)
		l.Max, ok2 = parseTokens(high)
		ok = ok1 && ok2 && *l.Min <= *l.Max
	case "normal", "lognormal":
		ok = parseNormal(&l, text)
	case "histogram":
		ok = parseBins(&l, text)
	}
	if !ok {
		return domain.Lengths{}, domain.Invalid("body.synthetic", lengthForm)
	}
	return l, nil
}

func parseTokens(text string) (*int, bool) {
	n, ok := parseCount(text)
	return &n, ok && n >= 1 && n <= mostTokens
}

// parseNormal reads mean,stddev and the cuts.
func parseNormal(l *domain.Lengths, text string) bool {
	parts := strings.Split(text, ",")
	if len(parts) < 2 {
		return false
	}
	mean, ok1 := parseNumber(parts[0])
	stddev, ok2 := parseNumber(parts[1])
	if parts[1] == "0" {
		ok2 = true
	}
	l.Mean, l.StdDev = &mean, &stddev
	ok := ok1 && ok2 && mean <= mostTokens && stddev <= mostTokens
	for _, cut := range parts[2:] {
		name, value, _ := strings.Cut(cut, "=")
		tokens, good := parseTokens(value)
		switch name {
		case "min":
			l.Min = tokens
		case "max":
			l.Max = tokens
		default:
			good = false
		}
		ok = ok && good
	}
	return ok && (l.Min == nil || l.Max == nil || *l.Min <= *l.Max)
}

// parseBins reads tokens=weight with commas between them.
func parseBins(l *domain.Lengths, text string) bool {
	bins := strings.Split(text, ",")
	if len(bins) > mostBins {
		return false
	}
	for _, bin := range bins {
		length, weight, _ := strings.Cut(bin, "=")
		tokens, ok1 := parseTokens(length)
		w, ok2 := parseNumber(weight)
		if !ok1 || !ok2 {
			return false
		}
		l.Bins = append(l.Bins, domain.LengthBin{Tokens: *tokens, Weight: w})
	}
	return true
}
