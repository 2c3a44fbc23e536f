package config_test

import (
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/inferometer/inferometer/backend/config"
)

func TestParseDotEnv(t *testing.T) {
	good := []struct {
		text string
		want map[string]string
	}{
		{"", map[string]string{}},
		{"\uFEFFA=1\r\n\r\n# B=2\nexport C = 3 \nexport\tD=4", map[string]string{"A": "1", "C": "3", "D": "4"}},
		{"A=1 # one\nB=x#y\nC=#\nD=", map[string]string{"A": "1", "B": "x#y", "C": "", "D": ""}},
		{`A='a "b" \n $C' # c`, map[string]string{"A": `a "b" \n $C`}},
		{`A="a\n\t\r\"\\\$ # \q"`, map[string]string{"A": "a\n\t\r\"\\$ # \\q"}},
		{`A="C:\Users\me"#`, map[string]string{"A": `C:\Users\me`}},
		{`A=C:\new`, map[string]string{"A": `C:\new`}},
		{"A=1\nA=2", map[string]string{"A": "2"}},
		{"A=b=c\nexported=1\nexport=2", map[string]string{"A": "b=c", "exported": "1", "export": "2"}},
		{`A=''`, map[string]string{"A": ""}},
		{"A=it's", map[string]string{"A": "it's"}},
	}
	for _, c := range good {
		got, err := config.ParseDotEnv(c.text)
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%q: got %q, %v", c.text, got, err)
		}
	}
	bad := []struct{ text, want string }{
		{"A=1\nsecret", "line 2 is not NAME=value"}, {"=secret", "line 1 is not"}, {"1A=secret", "line 1 is not"}, {"A B=secret", "line 1 is not"},
		{"export =secret", "line 1 is not"}, {`A="secret`, "line 1: A has no closing quote"}, {`A="secret\"`, "no closing quote"},
		{`A="secret" more`, "text after its closing quote"}, {"A='secret\nB=2'", "line 1: A has no closing quote"},
	}
	for _, c := range bad {
		_, err := config.ParseDotEnv(c.text)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: got %v, want %q", c.text, err, c.want)
		}
	}
}

func FuzzParseDotEnv(f *testing.F) {
	for _, s := range []string{"A=1", "export A='x' # c", `B="\n\"`, "\uFEFF#", "A=\"\\"} {
		f.Add(s)
	}
	quote := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`, `$`, `\$`)
	f.Fuzz(func(t *testing.T, text string) {
		vars, err := config.ParseDotEnv(text)
		if err != nil {
			return
		}
		var out strings.Builder
		for name, value := range vars {
			out.WriteString(name + `="` + quote.Replace(value) + "\"\n")
		}
		again, err := config.ParseDotEnv(out.String())
		if err != nil || !reflect.DeepEqual(again, vars) {
			t.Errorf("%q became %q, written %q and read as %q, %v", text, vars, out.String(), again, err)
		}
	})
}

func TestTooLargeDotEnv(t *testing.T) {
	if _, err := config.ReadDotEnv(dotenv(t, strings.Repeat("#\n", 1<<19+1))); err == nil {
		t.Error("it was read")
	}
}

func TestDataDir(t *testing.T) {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		flag, env, goos, home, want string
	}{
		{"/flag", "INFEROMETER_DATA_DIR=/env", "linux", "/h", "/flag"},
		{"rel", "", "linux", "/h", filepath.Join(here, "rel")},
		{"", "INFEROMETER_DATA_DIR=/env", "darwin", "/h", "/env"},
		{"", "XDG_DATA_HOME=/xdg", "linux", "/h", "/xdg/inferometer"},
		{"", "XDG_DATA_HOME=rel", "linux", "/h", "/h/.local/share/inferometer"},
		{"", "XDG_DATA_HOME=/xdg", "darwin", "/h", "/h/Library/Application Support/Inferometer"},
		{"", "", "freebsd", "/h", "/h/.local/share/inferometer"},
		{"", `LOCALAPPDATA=C:\L`, "windows", `C:\h`, `C:\L\Inferometer`},
		{"", "", "windows", `C:\h`, `C:\h\AppData\Local\Inferometer`},
		{"", "", "linux", "", ""},
	}
	for _, c := range cases {
		if runtime.GOOS == "windows" && c.goos != "windows" {
			continue
		}
		got, err := config.DataDir(c.flag, config.Lookup([]string{c.env}, nil), c.goos, c.home)
		if got != c.want || (err != nil) != (c.want == "") {
			t.Errorf("%+v: got %q, %v", c, got, err)
		}
	}
}

func TestLookup(t *testing.T) {
	get := config.Lookup([]string{"A=env", "E="}, map[string]string{"A": "file", "B": "file", "E": "file"})
	for name, want := range map[string]string{"A": "env", "B": "file", "C": "", "E": ""} {
		if got := get(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
}

// TestExampleFile holds .env.example to the table of settings: every variable once, with its
// default, commented out.
func TestExampleFile(t *testing.T) {
	b, err := os.ReadFile("../../.env.example")
	if err != nil {
		t.Fatal(err)
	}
	var live []string
	for line := range strings.Lines(string(b)) {
		if name := strings.TrimPrefix(line, "#"); name != line && strings.Contains(name, "=") && !strings.HasPrefix(name, " ") {
			live = append(live, name)
		} else if line != "\n" && !strings.HasPrefix(line, "# ") {
			t.Errorf("neither a comment nor a variable: %q", line)
		}
	}
	vars, err := config.ParseDotEnv(strings.Join(live, ""))
	if err != nil {
		t.Fatal(err)
	}
	if len(vars) != len(live) {
		t.Errorf("%d lines for %d variables", len(live), len(vars))
	}
	for _, name := range append(config.Variables(), config.EnvDataDir) {
		if _, ok := vars[name]; !ok {
			t.Errorf("%s is missing", name)
		}
		delete(vars, name)
	}
	for name := range vars {
		t.Errorf("%s is not a setting", name)
	}
	s := load(t, config.Input{DotEnv: dotenv(t, strings.Join(live, ""))})
	for _, d := range load(t, config.Input{}).Settings().Items {
		if got := item(t, s, d.Key).Value; !reflect.DeepEqual(got, d.Value) {
			t.Errorf("%s: the example says %v, the default is %v", d.Key, got, d.Value)
		}
	}
	if p := s.Problems(); len(p) != 0 {
		t.Errorf("problems %q", p)
	}
}
