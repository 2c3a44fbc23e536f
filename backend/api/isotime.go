package api

import (
	"errors"
	"strings"
	"time"
	"unicode/utf8"
)

var errTime = errors.New("not an ISO 8601 time")

// ParseTime reads what Python 3.11's datetime.fromisoformat reads: dates and ISO weeks, extended
// and basic, any one character before the time, fractions after a point or comma, offsets down to
// fractions of a second. A time without a zone is UTC. The answer is in UTC.
func ParseTime(s string) (time.Time, error) {
	if len(s) < 7 {
		return time.Time{}, errTime
	}
	cut := dateEnd(s)
	if cut > len(s) {
		return time.Time{}, errTime
	}
	date, ok := parseDate(s[:cut])
	if !ok {
		return time.Time{}, errTime
	}
	rest := s[cut:]
	if len(rest) == 0 {
		return date, nil
	}
	r, size := utf8.DecodeRuneInString(rest) // the separator, whatever it is
	if r == utf8.RuneError && size <= 1 {
		return time.Time{}, errTime
	}
	clock, zone, ok := parseClock(rest[size:])
	if !ok {
		return time.Time{}, errTime
	}
	return date.Add(clock - zone), nil
}

// dateEnd finds where the date ends. Ambiguous texts are read as Python reads them.
func dateEnd(s string) int {
	n := len(s)
	switch {
	case n == 7:
		return 7 // YYYYWww
	case s[4] == '-' && s[5] == 'W':
		if n > 8 && s[8] == '-' {
			switch {
			case n == 9:
				return n + 1 // YYYY-Www- ends too early
			case n > 10 && isDigit(s[10]):
				return 8 // YYYY-Www-HH…: the hyphen separates
			}
			return 10
		}
		return 8
	case s[4] == '-':
		return 10
	case s[4] == 'W':
		i := 7
		for i < n && isDigit(s[i]) {
			i++
		}
		switch {
		case i < 9:
			return i
		case i%2 == 0:
			return 7 // an even end: YYYYWwwHHMM…
		}
		return 8
	}
	return 8
}

func parseDate(s string) (time.Time, bool) {
	year, s, ok := number(s, 4)
	if !ok || year < 1 {
		return time.Time{}, false
	}
	dash := len(s) > 0 && s[0] == '-'
	if dash {
		s = s[1:]
	}
	if len(s) > 0 && s[0] == 'W' {
		return parseWeek(year, s[1:], dash)
	}
	month, s, ok := number(s, 2)
	if !ok {
		return time.Time{}, false
	}
	if dash {
		if len(s) == 0 || s[0] != '-' {
			return time.Time{}, false
		}
		s = s[1:]
	}
	day, s, ok := number(s, 2)
	if !ok || s != "" || month < 1 || month > 12 || day < 1 {
		return time.Time{}, false
	}
	t := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	return t, t.Day() == day // a day past the month's end rolls over
}

// parseWeek reads ww, wwD or ww-D of an ISO week year.
func parseWeek(year int, s string, dash bool) (time.Time, bool) {
	week, s, ok := number(s, 2)
	day := 1
	if ok && s != "" {
		if dash {
			if s[0] != '-' {
				return time.Time{}, false
			}
			s = s[1:]
		}
		day, s, ok = number(s, 1)
	}
	if !ok || s != "" || week < 1 || day < 1 || day > 7 {
		return time.Time{}, false
	}
	// January 4th is always in week 1.
	first := time.Date(year, time.January, 4, 0, 0, 0, 0, time.UTC)
	monday := first.AddDate(0, 0, -int((first.Weekday()+6)%7))
	thursday := monday.AddDate(0, 0, 7*(week-1)+3)
	if thursday.Year() != year { // a week 53 that the year does not have
		return time.Time{}, false
	}
	t := monday.AddDate(0, 0, 7*(week-1)+day-1)
	return t, t.Year() >= 1 && t.Year() <= 9999
}

// parseClock reads a time of day and its offset from UTC.
func parseClock(s string) (clock, zone time.Duration, ok bool) {
	at := 0
	for at < len(s) && s[at] != '+' && s[at] != '-' && s[at] != 'Z' {
		at++
	}
	part, left, ok := parseHMS(s[:at])
	if !ok || part[0] > 23 || part[1] > 59 || part[2] > 59 {
		return 0, 0, false
	}
	clock = part.duration()
	switch {
	case at == len(s):
		return clock, 0, !left
	case s[at] == 'Z':
		return clock, 0, at == len(s)-1
	}
	// What is left over before a zone is ignored, as Python ignores it.
	if part, left, ok = parseHMS(s[at+1:]); !ok || left {
		return 0, 0, false
	}
	if zone = part.duration(); zone >= 24*time.Hour {
		return 0, 0, false
	}
	if s[at] == '-' {
		zone = -zone
	}
	return clock, zone, true
}

// hms are hours, minutes, seconds and microseconds.
type hms [4]int

func (p hms) duration() time.Duration {
	return time.Duration(p[0])*time.Hour + time.Duration(p[1])*time.Minute +
		time.Duration(p[2])*time.Second + time.Duration(p[3])*time.Microsecond
}

// parseHMS reads HH[:MM[:SS]] or HH[MM[SS]], each with a fraction of a second after it. Digits past
// the sixth of a fraction are dropped. left tells that something follows that was not read; where
// Python's reader is laxer than its documentation, so is this one.
func parseHMS(s string) (p hms, left, ok bool) {
	colon := false
	for i := range 3 {
		if p[i], s, ok = number(s, 2); !ok {
			return p, false, false
		}
		if i == 0 {
			colon = strings.HasPrefix(s, ":")
		}
		if len(s) < 2 {
			return p, s != "", true
		}
		if s[0] == '.' || s[0] == ',' {
			s = s[1:]
			break
		}
		if colon {
			if s[0] != ':' {
				return p, false, false
			}
			s = s[1:]
		}
	}
	n := min(len(s), 6)
	if p[3], s, ok = number(s, n); !ok {
		return p, false, false
	}
	for range 6 - n {
		p[3] *= 10
	}
	s = strings.TrimLeft(s, "0123456789")
	return p, s != "", true
}

// number reads exactly n digits.
func number(s string, n int) (value int, rest string, ok bool) {
	if len(s) < n {
		return 0, s, false
	}
	for i := range n {
		if !isDigit(s[i]) {
			return 0, s, false
		}
		value = value*10 + int(s[i]-'0')
	}
	return value, s[n:], true
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
