package backend_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// textFile is a file of the repository that a person writes.
type textFile struct{ path, text string } // path is slash-separated, below the root

// goFile is a parsed Go file; dir is the folder of its package.
type goFile struct {
	textFile
	dir   string
	test  bool
	lines int
	fset  *token.FileSet
	ast   *ast.File
}

func (f goFile) line(p token.Pos) int { return f.fset.Position(p).Line }

// developerPath matches paths that exist on the machine of one person alone.
var developerPath = regexp.MustCompile(`(?:^|[\s"'` + "`" + `(=:])(?:/root/|/work/|/workspace/|/Users/[a-zA-Z]|[A-Z]:\\+Users\\+[a-zA-Z]|/home/[a-z])`)

// examplePath matches the made-up people whose paths tests and texts use.
var examplePath = regexp.MustCompile(`(?:/home/|/Users/|\\Users\\+)(?:user|me|you|name|ana|alice|bob|someone|example|jane)\b`)

// Nothing that was built or fetched is looked at.
func skipDir(p string) bool {
	name := path.Base(p)
	if p == ".github" || p == ".ci" || p == "." {
		return false
	}
	return strings.HasPrefix(name, ".") || slices.Contains([]string{
		"node_modules", "frontend/dist", "build/bin", "build/dist", "frontend/test-results", "frontend/wailsjs",
	}, p) || name == "node_modules"
}

// textFiles reads what people write; the tests run in backend, one below the root.
func textFiles(t *testing.T) []textFile {
	t.Helper()
	root := os.DirFS("..")
	var out []textFile
	err := fs.WalkDir(root, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if skipDir(p) {
				return fs.SkipDir
			}
			return nil
		}
		kinds := []string{".go", ".ts", ".svelte", ".css", ".html", ".md", ".yml", ".yaml", ".sh", ".c", ".sql", ".js"}
		if !slices.Contains(kinds, path.Ext(p)) && path.Base(p) != "Makefile" && path.Dir(p) != ".ci" {
			return nil
		}
		data, err := fs.ReadFile(root, p)
		if err != nil {
			return fmt.Errorf("read source: %w", err)
		}
		out = append(out, textFile{p, string(data)})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func goFiles(t *testing.T) []goFile {
	t.Helper()
	var out []goFile
	for _, f := range textFiles(t) {
		if path.Ext(f.path) != ".go" {
			continue
		}
		fset := token.NewFileSet()
		parsed, err := parser.ParseFile(fset, f.path, f.text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Errorf("parse: %v", err)
			continue
		}
		out = append(out, goFile{
			textFile: f, dir: path.Dir(f.path), test: strings.HasSuffix(f.path, "_test.go"),
			lines: strings.Count(f.text, "\n"), fset: fset, ast: parsed,
		})
	}
	if len(out) < 50 {
		t.Fatalf("only %d Go files found: the rules are looking in the wrong place", len(out))
	}
	return out
}

// report fails once with every offender, one a line.
func report(t *testing.T, what string, bad []string) {
	t.Helper()
	if len(bad) == 0 {
		return
	}
	slices.Sort(bad)
	t.Errorf("%s: %d offenders\n  %s", what, len(bad), strings.Join(bad, "\n  "))
}

// The project speaks of itself alone: no path of the machine it was written on.
func TestNoDeveloperPaths(t *testing.T) {
	var bad []string
	for _, f := range textFiles(t) {
		if f.path == "backend/rules_files_test.go" {
			continue // names them all
		}
		n := 0
		for line := range strings.Lines(f.text) {
			n++
			if developerPath.MatchString(examplePath.ReplaceAllString(line, "")) {
				bad = append(bad, fmt.Sprintf("%s:%d: %s", f.path, n, strings.TrimSpace(line)))
			}
		}
	}
	report(t, "paths of one machine", bad)
}

// testName is the name of a test as a text writes it.
var testName = regexp.MustCompile("`((?:Test|Fuzz)[A-Z][A-Za-z0-9]*|[a-z]+\\.test\\.mjs)`")

// Every defence that SECURITY.md names a test for has it.
func TestSecurityNamesItsTests(t *testing.T) {
	var all strings.Builder
	named := map[string]bool{}
	for _, f := range textFiles(t) {
		switch {
		case f.path == "SECURITY.md":
			for _, m := range testName.FindAllStringSubmatch(f.text, -1) {
				named[m[1]] = true
			}
		case strings.HasSuffix(f.path, "_test.go"):
			all.WriteString(f.text)
		}
	}
	var bad []string
	for name := range named {
		_, err := os.Stat("../frontend/tests/e2e/" + name)
		if err != nil && !strings.Contains(all.String(), "func "+name+"(") {
			bad = append(bad, name)
		}
	}
	report(t, "tests of SECURITY.md that are not there", bad)
	if len(named) < 20 {
		t.Errorf("SECURITY.md names %d tests", len(named))
	}
}

// The rules themselves can fail: each is tried on what it forbids.
func TestRulesBite(t *testing.T) {
	if r := table()["backend/domain"]; r.allows(module+"backend/store") || r.allows("gonum.org/v1/gonum/stat") {
		t.Error("domain may import something")
	}
	if r := table()["backend/stats"]; !r.allows("gonum.org/v1/gonum/stat") || !r.allows(module+"backend/domain") || r.allows(module+"backend/store") {
		t.Error("the row of stats is not read right")
	}
	if r := table()["backend/runner"]; r.allows(module+"backend/engine/llama") || r.allows("gonum.org/v1/gonumx") {
		t.Error("a name that only begins alike is let through")
	}
	for _, s := range []string{`open("/root/x")`, "see /home/kim/x", `C:\Users\kim`, "/Users/kim/x"} {
		if !developerPath.MatchString(" "+s) && !developerPath.MatchString(s) {
			t.Errorf("%q is not seen", s)
		}
	}
	src := `package x
import "errors"
var _ = 1
var errGone = errors.New("gone")
var cache = map[string]int{}
var count int
`
	fset := token.NewFileSet()
	parsed, err := parser.ParseFile(fset, "x.go", src, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	var fixed []bool
	for _, d := range parsed.Decls[1:] {
		gen, ok := d.(*ast.GenDecl)
		if !ok {
			t.Fatalf("declaration %T", d)
		}
		spec, ok := gen.Specs[0].(*ast.ValueSpec)
		if !ok {
			t.Fatalf("specification %T", gen.Specs[0])
		}
		fixed = append(fixed, goFile{fset: fset, ast: parsed}.fixedVar(gen, spec))
	}
	if !slices.Equal(fixed, []bool{true, true, false, false}) {
		t.Errorf("package variables judged %v", fixed)
	}
}
