package load

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Each word that the page on loads shows is read, and no kind is left out.
func TestPageOnLoads(t *testing.T) {
	page, err := os.ReadFile("../../docs/loads.md")
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile("(?m)^\\| ([a-z]+)[a-z, ]* \\| `([^`]+)` \\|")
	var kinds []string
	kindsTable, _, _ := strings.Cut(string(page), "Options follow")
	for _, m := range row.FindAllStringSubmatch(kindsTable, -1) {
		word := m[2]
		if file, rest, ok := TraceFile(word); ok && file == "FILE" {
			word = rest
		}
		l, err := ParseWord(word)
		if err != nil || l.Kind != m[1] {
			t.Errorf("%s: %s, %v", m[0], l.Kind, err)
		}
		kinds = append(kinds, l.Kind)
	}
	for _, kind := range Kinds() {
		if !slices.Contains(kinds, kind) {
			t.Errorf("no row for %s", kind)
		}
	}
}
