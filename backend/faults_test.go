package backend_test

import (
	"go/ast"
	"regexp"
	"strings"
	"testing"
)

// TestEveryFaultHasItsTest holds docs/faults.md to its word: each row names tests, and those exist.
func TestEveryFaultHasItsTest(t *testing.T) {
	tests := map[string]bool{}
	for _, f := range goFiles(t) {
		for _, d := range f.ast.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && f.test {
				tests[fn.Name.Name] = true
			}
		}
	}
	named := regexp.MustCompile("`(Test[A-Za-z0-9]+)`")
	rows := 0
	var bad []string
	for _, f := range textFiles(t) {
		if f.path != "docs/faults.md" {
			continue
		}
		for line := range strings.Lines(f.text) {
			cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
			if len(cells) != 4 || strings.HasPrefix(cells[0], "---") || strings.TrimSpace(cells[0]) == "fault" {
				continue
			}
			rows++
			found := named.FindAllStringSubmatch(cells[3], -1)
			if len(found) == 0 {
				bad = append(bad, "no test: "+cells[0])
			}
			for _, m := range found {
				if !tests[m[1]] {
					bad = append(bad, "there is no "+m[1])
				}
			}
		}
	}
	if rows < 20 {
		t.Errorf("only %d rows were found", rows)
	}
	report(t, "rows of docs/faults.md", bad)
}
