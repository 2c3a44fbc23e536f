//go:build linux

package main

import (
	"fmt"
	"math"
)

// told is the limit of a figure that only says how it is.
const told = -1

// figure is one measured value with what must be reached.
type figure struct {
	what   string
	format string  // of the value, with its unit
	limit  float64 // or told
	least  bool    // the limit is a lower one
	value  float64
}

// must is the limit in words.
func (f figure) must() string {
	switch {
	case f.limit == told:
		return ""
	case f.least:
		return "≥ " + fmt.Sprintf(f.plain(), f.limit)
	}
	return "≤ " + fmt.Sprintf(f.plain(), f.limit)
}

// plain is the format without a sign and with as few digits as a limit needs.
func (f figure) plain() string {
	for i, c := range f.format {
		if c == 'f' {
			return "%g" + f.format[i+1:]
		}
	}
	return f.format
}

// missed reports whether the value breaks its limit.
func (f figure) missed() bool {
	switch {
	case f.limit == told:
		return false
	case f.least:
		return f.value < f.limit
	}
	return math.Abs(f.value) > f.limit
}

// better reports whether f is nearer to what is wanted than an earlier value. An error counts by
// its size, whatever its sign.
func (f figure) better(than figure) bool {
	if f.least {
		return f.value > than.value
	}
	return math.Abs(f.value) < math.Abs(than.value)
}

// off is how far a reported figure is from the truth; a missing one is infinitely far.
func off(what string, limit float64, reported *float64, truth float64) figure {
	f := figure{what: what, format: "%+.2f %%", limit: limit, value: math.Inf(1)}
	if reported != nil && truth > 0 {
		f.value = 100 * (*reported/truth - 1)
	}
	return f
}

func most(what, format string, limit, value float64) figure {
	return figure{what: what, format: format, limit: limit, value: value}
}

func least(what, format string, limit, value float64) figure {
	return figure{what: what, format: format, limit: limit, least: true, value: value}
}
