package api

import (
	"regexp"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

// What the document's patterns let through, the operations take.
func TestPatternsOfTheDocument(t *testing.T) {
	isTime := func(s string) bool { _, err := ParseTime(s); return err == nil }
	upTo := func(most time.Duration) func(string) bool {
		return func(s string) bool { d, err := time.ParseDuration(s); return err == nil && d >= 0 && d <= most }
	}
	for _, row := range []struct {
		pattern   string
		taken     func(string) bool
		good, bad []string
	}{
		{usualTime, isTime, []string{"2024-06-01", "2024-02-29", "2000-02-29", "2025-12-31T23:59", "2025-12-31 23:59:59.123456+02:00", "2025-01-01T00:00:00Z"},
			[]string{"", "2023-02-29", "1900-02-29", "2025-04-31", "2025-13-01", "2025-01-01T24:00", "2025-01-01T00:00+2", "x2025-01-01"}},
		{usualDuration, upTo(time.Hour), []string{"1ms", "999999ms", "3600s", "60m", "1h"}, []string{"", "0s", "3601s", "61m", "2h", "-1s", "1"}},
		{usualWait, upTo(maxWait), []string{"0s", "1ms", "600s", "10m"}, []string{"", "601s", "11m", "1h"}},
		{offsetCursor, func(s string) bool { n, err := (&PageInput{Cursor: s}).offset(); return err == nil && n >= 0 },
			[]string{"0", "50", "999999999999999999"}, []string{"", "-1", "01", "x", "1.5"}},
		{hostAndPort, func(string) bool { return true }, []string{"127.0.0.1:8000", "[::1]:0", "localhost:65535"}, []string{"", "localhost", ":8000", "h:65536", "h:01"}},
		{webAddress, func(string) bool { return true }, []string{"http://h", "https://127.0.0.1:8080/v1", "http://[::1]:65535/a%20b/", "http://[fe80::1]/"},
			[]string{"", "ftp://h", "http://", "http://u:p@h", "http://h:0", "http://h:65536", "http://h/?a=b", "http://h/#a"}},
	} {
		re := regexp.MustCompile(row.pattern)
		for _, s := range row.good {
			if !re.MatchString(s) || !row.taken(s) {
				t.Errorf("%q: pattern %v, operation %v", s, re.MatchString(s), row.taken(s))
			}
		}
		for _, s := range row.bad {
			if re.MatchString(s) {
				t.Errorf("%q passes %s", s, row.pattern)
			}
		}
	}
}

// The words of the document are those that the settings and endpoints take.
func TestWordsOfTheDocument(t *testing.T) {
	w := newWorld(t, false)
	for field, path := range map[string]string{"theme": "/settings", "language": "/settings", "kind": "/endpoints"} {
		schema := map[string]string{"/settings": "SettingsPatch", "/endpoints": "EndpointInput"}[path]
		for _, word := range tightened()[schema+"."+field]["enum"].([]string) {
			if path == "/settings" {
				w.call("PATCH", base+path, map[string]any{field: word}).want(200)
			} else {
				e := decode[domain.Endpoint](w.call("POST", base+path, map[string]any{field: word, "base_url": "http://h/v1"}).want(201))
				if e.Kind != word {
					t.Errorf("kind %q became %q", word, e.Kind)
				}
			}
		}
	}
}
