package main

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestGoCounter(t *testing.T) {
	ev := func(action, pkg, test string) string {
		return `{"Action":"` + action + `","Package":"` + pkg + `","Test":"` + test + `"}` + "\n"
	}
	cases := []struct {
		name, in string
		want     result
	}{
		{"one of each", ev("pass", "p", "A") + ev("skip", "p", "B") + ev("fail", "p", "C") + ev("fail", "p", ""),
			result{Passed: 1, Skipped: 1, Failed: 1, Failures: []string{"p C"}}},
		{"only leaves count", ev("pass", "p", "A/x") + ev("pass", "p", "A/y") + ev("pass", "p", "A"), result{Passed: 2}},
		{"a failed leaf counts once", ev("fail", "p", "A/x/z") + ev("fail", "p", "A/x") + ev("fail", "p", "A") + ev("fail", "p", ""),
			result{Failed: 1, Failures: []string{"p A/x/z"}}},
		{"a parent that failed by itself", ev("pass", "p", "A/x") + ev("fail", "p", "A"),
			result{Passed: 1, Failed: 1, Failures: []string{"p A"}}},
		{"never ended", ev("run", "p", "A") + ev("fail", "p", ""), result{Failed: 1, Failures: []string{"p A"}}},
		{"did not compile", ev("fail", "p", ""), result{Failed: 1, Failures: []string{"p"}}},
		{"other lines", "make: hello\n" + ev("pass", "p", "A"), result{Passed: 1}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			g := &goCounter{out: &bytes.Buffer{}, state: map[string]string{}}
			half := len(c.in) / 2 // lines come in pieces
			_, _ = g.Write([]byte(c.in[:half]))
			_, _ = g.Write([]byte(c.in[half:]))
			if got := g.result(true); !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestVitestCounter(t *testing.T) {
	report := filepath.Join(t.TempDir(), "r.json")
	raw := `{"testResults":[
		{"name":"a.test.ts","status":"failed","assertionResults":[{"fullName":"one","status":"passed"},{"fullName":"two","status":"failed"},{"fullName":"three","status":"skipped"}]},
		{"name":"b.test.ts","status":"failed","assertionResults":[]}]}`
	if err := os.WriteFile(report, []byte(raw), 0o600); err != nil {
		t.Fatal(err)
	}
	got := (&vitestCounter{report: report}).result(false)
	want := result{Passed: 1, Failed: 2, Skipped: 1, Failures: []string{"two", "b.test.ts"}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// TestSuites runs true commands end to end: nothing that fails may vanish from the sum.
func TestSuites(t *testing.T) {
	cases := []struct {
		name, kind, script, last string
		bad                      bool
	}{
		{"passes", "exit", "true", "1 passed, 0 failed", false},
		{"fails", "exit", "false", "0 passed, 1 failed", true},
		{"step counts for nothing", "step", "true", "0 passed, 0 failed", false},
		{"step fails", "step", "false", "0 passed, 1 failed", true},
		{"node, tap", "node", "printf '# pass 3\\n# fail 0\\n# cancelled 0\\n'", "3 passed, 0 failed", false},
		{"node, spec", "node", "printf 'ℹ pass 3\\nℹ fail 1\\nℹ cancelled 1\\n'; exit 1", "3 passed, 2 failed", true},
		{"node ran nothing", "node", "printf '# pass 0\\n# fail 0\\n'", "0 passed, 1 failed", true},
		{"count and status differ", "node", "printf '# pass 3\\n'; exit 4", "3 passed, 1 failed", true},
		{"no go test ran", "gotest", "true", "0 passed, 1 failed", true},
		{"vitest died", "vitest", "exit 1", "0 passed, 1 failed", true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			var out bytes.Buffer
			if err := run([]string{"run", "s", c.kind, "sh", "-c", c.script}, &out); err != nil {
				t.Fatal(err)
			}
			err := run([]string{"sum", "s"}, &out)
			lines := strings.Split(strings.TrimSpace(out.String()), "\n")
			if lines[len(lines)-1] != c.last || (err != nil) != c.bad {
				t.Errorf("last line %q, error %v; want %q", lines[len(lines)-1], err, c.last)
			}
		})
	}
	t.Chdir(t.TempDir())
	if err := run([]string{"sum", "never-ran"}, &bytes.Buffer{}); err == nil {
		t.Error("a suite without a result must fail the sum")
	}
}
