package backend_test

import (
	"fmt"
	"go/ast"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	module       = "github.com/inferometer/inferometer/"
	mostFile     = 500
	mostFunction = 80
	mostSvelte   = 250
	mostTS       = 300
)

// row says what one package may import beside the standard library: packages of the program by
// their folder, and modules by their path.
type row struct{ own, third []string }

// table is the architecture: a package or module that is not listed here may not be imported. A new
// one adds its row in the same commit.
func table() map[string]row {
	domain := []string{"backend/domain"}
	everything := []string{"backend/", "app/cli"}
	return map[string]row{
		".":                         {own: []string{"app"}},
		"app":                       {own: everything, third: []string{"github.com/wailsapp/wails/v2", "github.com/zalando/go-keyring", "golang.org/x/sys", "gopkg.in/natefinch/lumberjack.v2"}},
		"app/cli":                   {own: []string{"backend/domain", "backend/load"}, third: []string{"github.com/spf13/cobra", "github.com/spf13/pflag"}},
		"backend":                   {},
		"backend/api":               {own: []string{"backend/domain", "backend/service"}, third: []string{"github.com/gorilla/mux", "github.com/danielgtaylor/huma/v2", "golang.org/x/sys"}},
		"backend/bandwidth":         {own: domain},
		"backend/compare":           {own: []string{"backend/domain", "backend/stats/infer"}},
		"backend/config":            {own: domain},
		"backend/domain":            {},
		"backend/engine":            {own: domain},
		"backend/engine/discover":   {own: domain},
		"backend/engine/enginetest": {own: []string{"backend/domain", "backend/engine"}},
		"backend/engine/llama":      {own: []string{"backend/domain", "backend/engine", "backend/engine/openai", "backend/engine/remote", "backend/engine/scan", "backend/engine/wire"}, third: []string{"golang.org/x/sys"}},
		"backend/engine/ollama":     {own: []string{"backend/domain", "backend/engine", "backend/engine/remote", "backend/engine/scan", "backend/engine/wire"}},
		"backend/engine/openai":     {own: []string{"backend/domain", "backend/engine", "backend/engine/remote", "backend/engine/wire"}},
		"backend/engine/wire":       {own: []string{"backend/domain", "backend/engine"}},
		"backend/engine/remote":     {own: []string{"backend/domain", "backend/engine", "backend/engine/wire"}},
		"backend/engine/scan":       {},
		"backend/gguf":              {own: domain},
		"backend/library":           {own: []string{"backend/domain", "backend/gguf"}, third: []string{"golang.org/x/sys"}},
		"backend/logbook":           {own: domain},
		"backend/experiment":        {own: []string{"backend/compare", "backend/domain", "backend/load", "backend/stats/infer"}},
		"backend/load":              {own: domain},
		"backend/relocate":          {own: domain},
		"backend/quality":           {own: []string{"backend/domain", "backend/stats/infer"}},
		"backend/scrape":            {own: domain},
		"backend/predict":           {own: domain, third: []string{"gonum.org/v1/gonum"}},
		"backend/runner":            {own: []string{"backend/domain", "backend/engine", "backend/load", "backend/stats", "backend/workload"}},
		"backend/service":           {own: []string{"backend/compare", "backend/domain", "backend/engine", "backend/experiment", "backend/load", "backend/predict", "backend/quality", "backend/runner", "backend/stats", "backend/transfer", "backend/verdict", "backend/workload"}, third: []string{"github.com/google/uuid"}},
		"backend/stats":             {own: []string{"backend/domain", "backend/stats/infer"}, third: []string{"gonum.org/v1/gonum"}},
		"backend/stats/infer":       {third: []string{"gonum.org/v1/gonum"}},
		"backend/store":             {own: []string{"backend/domain", "backend/store/column"}, third: []string{"github.com/mattn/go-sqlite3"}},
		"backend/store/column":      {},
		"backend/stream":            {own: domain},
		"backend/telemetry":         {own: domain, third: []string{"github.com/shirou/gopsutil/v3", "github.com/NVIDIA/go-nvml", "github.com/klauspost/cpuid/v2", "golang.org/x/sys"}},
		"backend/transfer":          {own: []string{"backend/domain", "backend/stats"}},
		"backend/verdict":           {own: domain},
		"backend/workload":          {own: domain},
		"build/acceptance":          {},
		"build/bench":               {own: []string{"backend/bandwidth", "backend/domain", "backend/store", "backend/telemetry"}, third: []string{"github.com/mattn/go-sqlite3", "github.com/shirou/gopsutil/v3", "golang.org/x/sys"}},
		"build/groundtruth":         {third: []string{"golang.org/x/sys"}},
		"build/tally":               {},
	}
}

// allows reports whether the row lets the import through.
func (r row) allows(path string) bool {
	if own, ok := strings.CutPrefix(path, module); ok {
		return slices.ContainsFunc(r.own, func(p string) bool {
			return own == p || strings.HasSuffix(p, "/") && strings.HasPrefix(own, p)
		})
	}
	return slices.ContainsFunc(r.third, func(p string) bool { return path == p || strings.HasPrefix(path, p+"/") })
}

// Imports point inward. All build tags are read, so that no system has a way round.
func TestImports(t *testing.T) {
	rows := table()
	var bad []string
	for _, f := range goFiles(t) {
		r, known := rows[f.dir]
		if !known && !f.test {
			bad = append(bad, fmt.Sprintf("%s: package %s has no row in the table", f.path, f.dir))
			continue
		}
		for _, spec := range f.ast.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			outside := strings.Contains(strings.Split(path, "/")[0], ".")
			if outside && !f.test && !r.allows(path) {
				bad = append(bad, fmt.Sprintf("%s: %s may not import %s", f.path, f.dir, path))
			}
			if outside && f.test && strings.Contains(path, "wailsapp") && f.dir != "app" {
				bad = append(bad, f.path+": the window belongs to package app, in tests too")
			}
		}
	}
	report(t, "imports against the table of layers", bad)
}

// Each package says what it is for.
func TestPackageDocs(t *testing.T) {
	said := map[string]bool{}
	for _, f := range goFiles(t) {
		if f.test {
			continue
		}
		doc := strings.TrimSpace(f.ast.Doc.Text())
		said[f.dir] = said[f.dir] || strings.HasPrefix(doc, "Package ") || strings.HasPrefix(doc, "Command ")
	}
	var bad []string
	for dir, ok := range said {
		if !ok {
			bad = append(bad, dir+": no package comment that begins with \"Package\"")
		}
	}
	report(t, "package comments", bad)
}

func TestSizes(t *testing.T) {
	var bad []string
	for _, f := range goFiles(t) {
		if f.lines > mostFile {
			bad = append(bad, fmt.Sprintf("%s: %d lines, at most %d", f.path, f.lines, mostFile))
		}
		for _, d := range f.ast.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if n := f.line(fn.End()) - f.line(fn.Pos()) + 1; n > mostFunction {
				bad = append(bad, fmt.Sprintf("%s:%d: %s has %d lines, at most %d", f.path, f.line(fn.Pos()), fn.Name.Name, n, mostFunction))
			}
		}
	}
	for _, f := range textFiles(t) {
		most := 0
		switch {
		case !strings.HasPrefix(f.path, "frontend/src/"):
		case f.path == "frontend/src/api/schema.d.ts", f.path == "frontend/src/api/types.ts": // types of the contract, no code
		case strings.HasSuffix(f.path, ".svelte"):
			most = mostSvelte
		case strings.HasSuffix(f.path, ".ts"):
			most = mostTS
		}
		if n := strings.Count(f.text, "\n"); most > 0 && n > most {
			bad = append(bad, fmt.Sprintf("%s: %d lines, at most %d", f.path, n, most))
		}
	}
	report(t, "sizes", bad)
}

// Nothing happens at import and no package has state of its own.
func TestNoPackageState(t *testing.T) {
	var bad []string
	for _, f := range goFiles(t) {
		for _, d := range f.ast.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				bad = append(bad, fmt.Sprintf("%s:%d: func init", f.path, f.line(fn.Pos())))
			}
			gen, ok := d.(*ast.GenDecl)
			if !ok || gen.Tok != token.VAR {
				continue
			}
			for _, s := range gen.Specs {
				if spec, ok := s.(*ast.ValueSpec); ok && !f.fixedVar(gen, spec) {
					bad = append(bad, fmt.Sprintf("%s:%d: package variable %s", f.path, f.line(spec.Pos()), spec.Names[0].Name))
				}
			}
		}
	}
	report(t, "package state", bad)
}

// fixedVar reports whether a package variable is one that nobody changes: a type check, an error
// value, a regular expression, an embedded file, or what the linker sets at build time.
func (f goFile) fixedVar(gen *ast.GenDecl, spec *ast.ValueSpec) bool {
	name := spec.Names[0].Name
	if name == "_" || embedded(gen.Doc) || embedded(spec.Doc) {
		return true
	}
	if f.test && name == "update" { // the -update flag of golden files
		return true
	}
	if f.dir == "app" && (name == "Version" || name == "Commit") {
		return true
	}
	if len(spec.Values) != 1 {
		return false
	}
	lower := strings.ToLower(name)
	call, isCall := spec.Values[0].(*ast.CallExpr)
	if !isCall {
		return strings.HasPrefix(lower, "err") // an error value of a type of ours
	}
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	pkg, ok := sel.X.(*ast.Ident)
	if !ok {
		return false
	}
	switch pkg.Name {
	case "regexp":
		return sel.Sel.Name == "MustCompile"
	case "errors", "fmt", "domain":
		return strings.HasPrefix(lower, "err")
	}
	return false
}

func embedded(doc *ast.CommentGroup) bool {
	return doc != nil && slices.ContainsFunc(doc.List, func(c *ast.Comment) bool {
		return strings.HasPrefix(c.Text, "//go:embed ")
	})
}

// Tests neither wait by the clock nor leave themselves out. In a synctest bubble the clock is not
// real, so there sleeping is how time passes.
func TestTestsAreHonest(t *testing.T) {
	var bad []string
	for _, f := range goFiles(t) {
		if !f.test {
			continue
		}
		bubble := slices.ContainsFunc(f.ast.Imports, func(s *ast.ImportSpec) bool {
			return s.Path.Value == `"testing/synctest"`
		})
		ast.Inspect(f.ast, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			x, ok := sel.X.(*ast.Ident)
			switch {
			case !ok:
			case x.Name == "time" && sel.Sel.Name == "Sleep" && !bubble:
				bad = append(bad, fmt.Sprintf("%s:%d: time.Sleep", f.path, f.line(n.Pos())))
			case slices.Contains([]string{"Skip", "Skipf", "SkipNow"}, sel.Sel.Name) &&
				slices.Contains([]string{"t", "b", "f", "tb"}, x.Name):
				bad = append(bad, fmt.Sprintf("%s:%d: %s.%s", f.path, f.line(n.Pos()), x.Name, sel.Sel.Name))
			}
			return true
		})
	}
	report(t, "honest tests", bad)
}
