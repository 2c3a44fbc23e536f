//go:build acceptance

package acceptance

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

const (
	api   = "/api/v1"
	model = "smollm2-135m"
	// patience bounds every wait; a healthy machine needs a fraction of it.
	patience = 60 * time.Second
)

// place is one data folder and the working directory the program runs in.
type place struct {
	t         *testing.T
	data, cwd string
	group     string // the control group that the program starts in; empty for that of the tests
}

func newPlace(t *testing.T) *place {
	t.Helper()
	p := &place{t: t, data: filepath.Join(t.TempDir(), "data"), cwd: t.TempDir()}
	engine, err := filepath.Abs(filepath.Join("..", "..", ".engine"))
	must(t, err)
	if _, err := os.Stat(engine); err != nil {
		t.Fatalf("the engine is missing, run make setup: %v", err)
	}
	must(t, os.Symlink(engine, filepath.Join(p.cwd, ".engine")))
	return p
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func binary(t *testing.T) string {
	t.Helper()
	path := os.Getenv("INFEROMETER_BIN")
	if path == "" {
		path = filepath.Join("..", "bin", "inferometer-headless")
	}
	path, err := filepath.Abs(path)
	must(t, err)
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("the program is missing, run make build: %v", err)
	}
	return path
}

// command builds a call of the program that sees nothing of this process's own settings.
func (p *place) command(env []string, args ...string) *exec.Cmd {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*patience)
	p.t.Cleanup(cancel)
	args = append(args, "--data-dir", p.data)
	c := exec.CommandContext(ctx, binary(p.t), args...)
	if p.group != "" {
		c = exec.CommandContext(ctx, "sh", append([]string{"-c", `echo $$ >"$0" && exec "$@"`, filepath.Join(p.group, "cgroup.procs"), binary(p.t)}, args...)...)
	}
	c.Dir = p.cwd
	c.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + p.cwd, "PWD=" + p.cwd}, env...)
	return c
}

// result is how a call of the program ended.
type result struct {
	code     int
	out, err string
}

func (p *place) cli(args ...string) result { return p.cliEnv(nil, args...) }

func (p *place) cliEnv(env []string, args ...string) result {
	p.t.Helper()
	c := p.command(env, args...)
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	err := c.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		p.t.Fatal(err)
	}
	return result{c.ProcessState.ExitCode(), out.String(), errs.String()}
}

func (r result) want(t *testing.T, code int) result {
	t.Helper()
	if r.code != code {
		t.Fatalf("exit %d, want %d\nout: %s\nerr: %s", r.code, code, r.out, r.err)
	}
	return r
}

// server is a running serve.
type server struct {
	*place
	cmd    *exec.Cmd
	url    string
	stderr *bytes.Buffer
	ended  chan struct{} // closed when the process has ended
}

// serve starts the program on a free port and waits until it listens.
func (p *place) serve(env ...string) *server {
	p.t.Helper()
	return p.serveArgs(env, "serve", "--addr", "127.0.0.1:0")
}

func (p *place) serveArgs(env []string, args ...string) *server {
	p.t.Helper()
	s := &server{place: p, cmd: p.command(env, args...), stderr: &bytes.Buffer{}, ended: make(chan struct{})}
	out, err := s.cmd.StdoutPipe()
	must(p.t, err)
	s.cmd.Stderr = s.stderr
	must(p.t, s.cmd.Start())
	line := make(chan string, 1)
	go func() {
		in := bufio.NewReader(out)
		first, _ := in.ReadString('\n') // an end without a line is judged below
		line <- first
		_, _ = io.Copy(io.Discard, in)
		_ = s.cmd.Wait() // the state is read from the command
		close(s.ended)
	}()
	p.t.Cleanup(func() { s.stop(syscall.SIGTERM) })
	var ok bool
	select {
	case text := <-line:
		s.url, ok = strings.CutPrefix(strings.TrimSpace(text), "listening on ")
	case <-time.After(patience):
	}
	if !ok {
		s.stop(syscall.SIGKILL)
		p.t.Fatalf("serve does not listen: %s", s.stderr)
	}
	return s
}

// stop sends a signal and waits for the end; it says how long that took.
func (s *server) stop(sig os.Signal) time.Duration {
	s.t.Helper()
	begin := time.Now()
	_ = s.cmd.Process.Signal(sig) // it may have ended already
	select {
	case <-s.ended:
	case <-time.After(patience):
		_ = s.cmd.Process.Kill()
		s.t.Errorf("the program did not end within %v of %v", patience, sig)
	}
	return time.Since(begin)
}

// answer is what a route answered.
type answer struct {
	t      *testing.T
	what   string
	status int
	header http.Header
	body   []byte
}

// do calls a route; headers are pairs. A body is JSON unless a Content-Type is given.
func (s *server) do(method, path, body string, headers ...string) answer {
	s.t.Helper()
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	req, err := http.NewRequest(method, s.url+path, r)
	must(s.t, err)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		switch headers[i] {
		case "Host":
			req.Host = headers[i+1]
		default:
			req.Header.Set(headers[i], headers[i+1])
		}
	}
	res, err := http.DefaultClient.Do(req)
	must(s.t, err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	must(s.t, err)
	return answer{s.t, method + " " + path, res.StatusCode, res.Header, b}
}

func (s *server) get(path string, headers ...string) answer {
	s.t.Helper()
	return s.do(http.MethodGet, path, "", headers...)
}

func (s *server) post(path, body string, headers ...string) answer {
	s.t.Helper()
	return s.do(http.MethodPost, path, body, headers...)
}

func (a answer) want(status int) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("%s: status %d, want %d: %s", a.what, a.status, status, a.body)
	}
	return a
}

func decode[T any](a answer) T {
	a.t.Helper()
	var v T
	if err := json.Unmarshal(a.body, &v); err != nil {
		a.t.Fatalf("%s: %v: %s", a.what, err, a.body)
	}
	return v
}

// object is a JSON object read without knowing its type.
type object map[string]any

func (a answer) object() object { a.t.Helper(); return decode[object](a) }

// keys are the keys of an object in order.
func (o object) keys() []string {
	var out []string
	for k := range o {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

func (o object) at(t *testing.T, key string) object {
	t.Helper()
	v, ok := o[key].(map[string]any)
	if !ok {
		t.Fatalf("%s is %v, not an object", key, o[key])
	}
	return v
}

// wantKeys compares keys given as one line of words.
func (o object) wantKeys(t *testing.T, what, words string) {
	t.Helper()
	want := strings.Fields(words)
	slices.Sort(want)
	if got := o.keys(); !slices.Equal(got, want) {
		t.Errorf("%s has the keys\n%v, want\n%v", what, got, want)
	}
}

// total is the count of rows on all pages.
func (a answer) total() int {
	a.t.Helper()
	n, err := strconv.Atoi(a.header.Get("X-Total-Count"))
	must(a.t, err)
	return n
}

// next is the address of the next page; empty on the last one.
func (a answer) next() string {
	link := a.header.Get("Link")
	from, to := strings.Index(link, "<"), strings.Index(link, `>; rel="next"`)
	if from < 0 || to < 0 {
		return ""
	}
	u, err := url.Parse(link[from+1 : to])
	must(a.t, err)
	return u.RequestURI()
}

// body builds a benchmark request from the seed's own fields and more.
func body(more ...string) string {
	return "{" + strings.Join(append([]string{`"model_id":"` + model + `","prompt":"Name three colours."`}, more...), ",") + "}"
}

// start starts a job.
func (s *server) start(body string, headers ...string) domain.Run {
	s.t.Helper()
	return decode[domain.Run](s.post(api+"/benchmarks", body, headers...).want(http.StatusAccepted))
}

// finish starts a job and waits for its end, which must be completed.
func (s *server) finish(body string) domain.Run {
	s.t.Helper()
	a := s.post(api+"/benchmarks?wait=120s", body).want(http.StatusOK)
	r := decode[domain.Run](a)
	if r.Status != domain.StatusCompleted {
		s.t.Fatalf("the run is %s: %s", r.Status, a.body)
	}
	return r
}

func (s *server) job(id domain.RunID) domain.Run {
	s.t.Helper()
	return decode[domain.Run](s.get(jobPath(id)).want(http.StatusOK))
}

func (s *server) requests(id domain.RunID) []domain.RequestRecord {
	s.t.Helper()
	return decode[[]domain.RequestRecord](s.get(jobPath(id, "requests") + "?limit=500").want(http.StatusOK))
}

func jobPath(id domain.RunID, more ...string) string {
	return strings.Join(append([]string{api + "/benchmarks/" + string(id)}, more...), "/")
}

// until asks again and again, many times a second, until ok says yes.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); time.Now().Before(end); <-tick.C {
		if ok() {
			return
		}
	}
	t.Fatalf("waited in vain until %s", what)
}

// process names one process for good: a number alone may be given to another.
type process struct {
	pid   int
	birth string
}

// stat reads parent and birth of a process; false when it has ended or is a zombie.
func stat(pid int) (parent int, birth string, ok bool) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, "", false
	}
	f := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	parent, err = strconv.Atoi(f[1])
	return parent, f[19], err == nil && f[0] != "Z" && f[0] != "X"
}

func (p process) alive() bool {
	_, birth, ok := stat(p.pid)
	return ok && birth == p.birth
}

// engines are the engine processes that the program has started.
func (s *server) engines() []process {
	s.t.Helper()
	dirs, err := filepath.Glob("/proc/[0-9]*")
	must(s.t, err)
	var out []process
	for _, dir := range dirs {
		pid, _ := strconv.Atoi(filepath.Base(dir))
		if parent, birth, ok := stat(pid); ok && parent == s.cmd.Process.Pid {
			out = append(out, process{pid, birth})
		}
	}
	return out
}

func gone(t *testing.T, ps []process) {
	t.Helper()
	until(t, "the engine has ended", func() bool {
		return !slices.ContainsFunc(ps, process.alive)
	})
}
