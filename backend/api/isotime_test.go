package api

import (
	"encoding/json"
	"os"
	"testing"
	"time"
)

func TestParseTime(t *testing.T) {
	for text, want := range map[string]string{
		"2024-06-01":                       "2024-06-01T00:00:00Z",
		"20240601":                         "2024-06-01T00:00:00Z",
		"2024W23":                          "2024-06-03T00:00:00Z",
		"2024-W23":                         "2024-06-03T00:00:00Z",
		"2025-W09-6":                       "2025-03-01T00:00:00Z",
		"2024-06-01T12:00:00":              "2024-06-01T12:00:00Z",
		"2024-06-01 12:00":                 "2024-06-01T12:00:00Z",
		"2024-06-01T12:00:00Z":             "2024-06-01T12:00:00Z",
		"2024-06-01T12:00:00+02:00":        "2024-06-01T10:00:00Z",
		"2024-06-01T12:00:00-0330":         "2024-06-01T15:30:00Z",
		"2024-06-01T12:00:00.5+00:00:30":   "2024-06-01T11:59:30.5Z",
		"20240601T120000,25":               "2024-06-01T12:00:00.25Z",
		"2024-06-01T12:00:00.123456789":    "2024-06-01T12:00:00.123456Z",
		"0001-01-01T00:00:00+10:00":        "0000-12-31T14:00:00Z",
		"2024-06-01T":                      "",
		"2024-06-01\u00e912:00":            "2024-06-01T12:00:00Z",
		"1717243200":                       "",
		"yesterday":                        "",
		"2024-06-01T24:00":                 "",
		"2023-02-29":                       "",
		"":                                 "",
		"2024-06-01T12:00:00+24:00":        "",
		"2024-06-01T12:00:00+02:00 or so":  "",
		"2024-06-01T12:00:00.12345678901x": "",
	} {
		got, err := ParseTime(text)
		switch {
		case want == "" && err == nil:
			t.Errorf("%q was read as %s", text, got)
		case want != "" && (err != nil || got.Format(time.RFC3339Nano) != want):
			t.Errorf("%q is %s (%v), want %s", text, got.Format(time.RFC3339Nano), err, want)
		}
	}
}

// testdata/fromisoformat.json is what Python 3.11 itself made of some thousand texts: the time in
// microseconds since 1970 UTC, or null.
func TestParseTimeAgreesWithPython(t *testing.T) {
	raw, err := os.ReadFile("testdata/fromisoformat.json")
	if err != nil {
		t.Fatal(err)
	}
	var rows [][2]any
	if err := json.Unmarshal(raw, &rows); err != nil {
		t.Fatal(err)
	}
	accepted := 0
	for _, row := range rows {
		text := row[0].(string)
		got, err := ParseTime(text)
		want, valid := row[1].(float64)
		switch {
		case valid && err != nil:
			t.Errorf("%q is refused", text)
		case !valid && err == nil:
			t.Errorf("%q is read as %s", text, got)
		case valid && got.UnixMicro() != int64(want):
			t.Errorf("%q is %s, want %s", text, got, time.UnixMicro(int64(want)).UTC())
		}
		if valid {
			accepted++
		}
	}
	if accepted < 300 || len(rows)-accepted < 300 {
		t.Errorf("%d of %d texts are valid; both kinds are needed", accepted, len(rows))
	}
}

func FuzzParseTime(f *testing.F) {
	for _, s := range []string{"2024-06-01", "20240601T1200", "2024-W23-1T12:30:45,5+02:00", "2024W231Z"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := ParseTime(s)
		if err != nil {
			return
		}
		if got.Location() != time.UTC || got.Year() < 0 || got.Year() > 10000 || got.Nanosecond()%1000 != 0 {
			t.Fatalf("%q is %v", s, got)
		}
	})
}
