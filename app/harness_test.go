package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

// deadline bounds every wait in these tests; machines are slow when much runs on them.
const deadline = 60 * time.Second

// lines is a writer whose lines a test can wait for.
type lines struct {
	mu   sync.Mutex
	buf  bytes.Buffer
	news chan struct{}
}

func newLines() *lines { return &lines{news: make(chan struct{}, 1)} }

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case l.news <- struct{}{}:
	default:
	}
	return l.buf.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// program is one run of the whole program.
type program struct {
	t        *testing.T
	out, err *lines
	stop     context.CancelFunc
	code     chan int
	url      string
}

// testEnv is a process environment of its own: no variable of this machine counts.
func testEnv(ctx context.Context, dir string, out, errs io.Writer, vars []string, args ...string) Env {
	return Env{Args: append(args, "--data-dir", dir), Environ: append([]string{"HOME=" + dir}, vars...),
		Stdin: strings.NewReader(""), Stdout: out, Stderr: errs, WorkDir: dir, Home: dir, GOOS: "linux",
		Signals: func(context.Context) (context.Context, context.CancelFunc) { return context.WithCancel(ctx) }}
}

func testWeb() fstest.MapFS {
	return fstest.MapFS{"index.html": {Data: []byte("<!doctype html><title>Inferometer</title>")}}
}

// serve starts "serve" on a free port and waits until it answers.
func serve(t *testing.T, dir string, vars ...string) *program {
	t.Helper()
	return serveWith(t, dir, vars, "--addr", "127.0.0.1:0")
}

// serveWith is serve with flags of its own.
func serveWith(t *testing.T, dir string, vars []string, flags ...string) *program {
	t.Helper()
	return serveIn(t, func(ctx context.Context, out, errs io.Writer) Env {
		return testEnv(ctx, dir, out, errs, vars, append([]string{"serve"}, flags...)...)
	})
}

// serveIn is serve in an environment of its own.
func serveIn(t *testing.T, in func(ctx context.Context, out, errs io.Writer) Env) *program {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	p := &program{t: t, out: newLines(), err: newLines(), stop: stop, code: make(chan int, 1)}
	env := in(ctx, p.out, p.err)
	go func() { p.code <- Main(env, testWeb()) }()
	timeout := time.After(deadline)
	for {
		if _, rest, ok := strings.Cut(p.out.String(), "listening on "); ok && strings.Contains(rest, "\n") {
			p.url = strings.TrimSpace(rest)
			t.Cleanup(func() { p.end() })
			return p
		}
		select {
		case <-p.out.news:
		case code := <-p.code:
			t.Fatalf("serve ended with %d: %s", code, p.err)
		case <-timeout:
			t.Fatalf("serve did not listen: %s", p.err)
		}
	}
}

// end stops the program and returns its exit code.
func (p *program) end() int {
	p.stop()
	select {
	case code := <-p.code:
		p.code <- code
		return code
	case <-time.After(deadline):
		p.t.Fatal("the program did not end")
		return -1
	}
}

// verb runs one command line and returns its exit code and output.
func verb(t *testing.T, dir string, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	code = Main(testEnv(t.Context(), dir, &o, &e, nil, args...), testWeb())
	return code, o.String(), e.String()
}

// rest makes a call and returns status and body.
func (p *program) rest(method, path, body string) (int, string) {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), method, p.url+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

// get reads a JSON answer.
func get[T any](p *program, path string) T {
	p.t.Helper()
	code, body := p.rest(http.MethodGet, path, "")
	if code != http.StatusOK {
		p.t.Fatalf("GET %s answered %d: %s", path, code, body)
	}
	return decode[T](p.t, body)
}

func decode[T any](t *testing.T, text string) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("cannot read %s: %v", text, err)
	}
	return v
}

// endpoint registers an address and returns its id.
func (p *program) endpoint(base string) string {
	p.t.Helper()
	code, body := p.rest(http.MethodPost, "/api/v1/endpoints", fmt.Sprintf(`{"base_url":%q,"name":"scripted"}`, base))
	if code != http.StatusCreated {
		p.t.Fatalf("add endpoint: %d %s", code, body)
	}
	return decode[domain.Endpoint](p.t, body).ID
}

// await reads a job until it has the wanted status.
func (p *program) await(id domain.RunID, want func(domain.Run) bool) domain.Run {
	p.t.Helper()
	end := time.Now().Add(deadline)
	for {
		code, body := p.rest(http.MethodGet, "/api/v1/benchmarks/"+string(id), "")
		if code != http.StatusOK {
			p.t.Fatalf("read job: %d %s", code, body)
		}
		run := decode[domain.Run](p.t, body)
		if want(run) {
			return run
		}
		if time.Now().After(end) {
			p.t.Fatalf("job %s stands at %s", id, run.Status)
		}
		<-time.After(50 * time.Millisecond)
	}
}
