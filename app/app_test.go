package app

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/inferometer/inferometer/app/cli"
	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine/enginetest"
)

func TestServeMeasuresAnEndpointAndKeepsItOverARestart(t *testing.T) {
	dir, server := t.TempDir(), enginetest.NewServer(t)
	p := serve(t, dir)
	id := p.endpoint(server.BaseURL())
	code, body := p.rest(http.MethodPost, "/api/v1/benchmarks?wait=30s",
		fmt.Sprintf(`{"model_id":"m","endpoint_id":%q,"prompt":"hello there","max_tokens":8,"stop":{"requests":3}}`, id))
	if code != http.StatusOK {
		t.Fatalf("start answered %d: %s", code, body)
	}
	run := decode[domain.Run](t, body)
	if run.Status != domain.StatusCompleted || run.Summary == nil || run.Summary.Requests.OK != 3 || *run.TokensGenerated != 24 {
		t.Fatalf("run = %+v", run)
	}
	_, _, bodies := server.Seen()
	if len(bodies) != 4 { // one warm-up and three measured
		t.Errorf("the server saw %d generations, want 4", len(bodies))
	}
	if code := p.end(); code != 0 {
		t.Errorf("serve ended with %d: %s", code, p.err)
	}

	again := serve(t, dir)
	kept := get[domain.Run](again, "/api/v1/benchmarks/"+string(run.ID))
	if kept.Status != domain.StatusCompleted || *kept.TokensGenerated != 24 {
		t.Errorf("after a restart the run is %+v", kept)
	}
	if n := len(get[[]domain.RequestRecord](again, "/api/v1/benchmarks/"+string(run.ID)+"/requests")); n != 4 {
		t.Errorf("after a restart there are %d requests, want 4", n)
	}
}

func TestFilesAreForThisUserAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	serve(t, dir)
	want := map[string]fs.FileMode{".": 0o700, databaseName: 0o600, tokenName: 0o600, serverName: 0o600}
	for name, mode := range want {
		st, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if st.Mode().Perm() != mode {
			t.Errorf("%s has mode %o, want %o", name, st.Mode().Perm(), mode)
		}
	}
}

func TestServerFileNamesTheInstanceAndGoesWithIt(t *testing.T) {
	dir := t.TempDir()
	p := serve(t, dir)
	s := readServer(dir)
	if s == nil || s.URL != p.url || s.PID != os.Getpid() || s.Version != Version {
		t.Fatalf("%s = %+v, want %s", serverName, s, p.url)
	}
	p.end()
	if _, err := os.Stat(filepath.Join(dir, serverName)); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", serverName, err)
	}
}

func TestAStaleServerFileIsKnownByItsPid(t *testing.T) {
	dir := t.TempDir()
	if err := writeServer(dir, serverInfo{URL: "http://127.0.0.1:1", PID: 1 << 30, Version: "x"}); err != nil {
		t.Fatal(err)
	}
	if s := readServer(dir); s != nil {
		t.Errorf("a file of a dead process counts: %+v", s)
	}
}

func TestATakenPortEndsServeWithOneLine(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	code, out, errs := verb(t, t.TempDir(), "serve", "--addr", ln.Addr().String())
	if code != 1 || out != "" || strings.Count(errs, "\n") != 1 || !strings.Contains(errs, ln.Addr().String()) {
		t.Errorf("serve on a taken port: code %d, out %q, err %q", code, out, errs)
	}
}

func TestTheWindowTakesTheNextPort(t *testing.T) {
	first, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	second, note, err := listen(ListenOptions{Addr: first.Addr().String(), Fallback: true})
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if !strings.Contains(note, "is taken; now on") {
		t.Errorf("note = %q", note)
	}
}

func TestASecondServeSaysWhoHoldsTheFolder(t *testing.T) {
	dir := t.TempDir()
	p := serve(t, dir)
	code, _, errs := verb(t, dir, "serve", "--addr", "127.0.0.1:0")
	if code != 1 || !strings.Contains(errs, p.url) {
		t.Errorf("a second serve ended with %d: %q", code, errs)
	}
}

func TestAVerbGoesToTheInstanceThatHoldsTheFolder(t *testing.T) {
	dir, server := t.TempDir(), enginetest.NewServer(t)
	p := serve(t, dir)
	code, out, errs := verb(t, dir, "run", "--json", "--endpoint", server.BaseURL(), "--model", "m",
		"--prompt", "hello", "--max-tokens", "4", "--warmup", "0")
	if code != 0 {
		t.Fatalf("run ended with %d: %s", code, errs)
	}
	run := decode[domain.Run](t, out)
	if got := get[domain.Run](p, "/api/v1/benchmarks/"+string(run.ID)); got.Status != domain.StatusCompleted {
		t.Errorf("the instance knows the run as %+v", got)
	}
	if !strings.Contains(errs, "TTFT") {
		t.Errorf("no progress on standard error: %q", errs)
	}
}

func TestAVerbWithoutAnInstanceWorksByItself(t *testing.T) {
	dir, server := t.TempDir(), enginetest.NewServer(t)
	code, out, errs := verb(t, dir, "run", "--endpoint", server.BaseURL(), "--model", "m", "--prompt", "hello",
		"--max-tokens", "4", "--load", "closed:2", "--requests", "6", "--name", "Two users")
	if code != 0 || !strings.Contains(out, "Two users: m") || !strings.Contains(out, "6 ok") {
		t.Fatalf("run ended with %d\n%s\n%s", code, out, errs)
	}
	code, out, _ = verb(t, dir, "list")
	if code != 0 || !strings.Contains(out, "Two users") || !strings.Contains(out, "completed") {
		t.Errorf("list ended with %d\n%s", code, out)
	}
}

func TestAFailedRunEndsWithOne(t *testing.T) {
	dir, server := t.TempDir(), enginetest.NewServer(t)
	code, out, _ := verb(t, dir, "run", "--endpoint", server.BaseURL(), "--model", "m"+string(enginetest.TrapErrorEvent),
		"--prompt", "hello", "--max-tokens", "8")
	if code != 1 || !strings.Contains(out, "failed") {
		t.Errorf("a run whose requests all fail ended with %d\n%s", code, out)
	}
}

func TestKeysNeverReachDatabaseOrAnswer(t *testing.T) {
	dir, server := t.TempDir(), enginetest.NewServer(t)
	const secret = "sk-very-secret-4711"
	t.Setenv("APP_TEST_KEY", secret)
	p := serve(t, dir)
	code, body := p.rest(http.MethodPost, "/api/v1/endpoints", fmt.Sprintf(`{"base_url":%q,"api_key":"env:APP_TEST_KEY"}`, server.BaseURL()))
	if code != http.StatusCreated || strings.Contains(body, secret) {
		t.Fatalf("add endpoint answered %d: %s", code, body)
	}
	e := decode[domain.Endpoint](t, body)
	if !e.HasKey || e.KeyFrom != "env:APP_TEST_KEY" {
		t.Errorf("endpoint = %+v", e)
	}
	if code, body = p.rest(http.MethodPost, "/api/v1/endpoints/"+e.ID+"/check", ""); code != http.StatusOK {
		t.Fatalf("check answered %d: %s", code, body)
	}
	_, auth, _ := server.Seen()
	if len(auth) == 0 || auth[len(auth)-1] != "Bearer "+secret {
		t.Errorf("the endpoint saw %q", auth)
	}
	p.end()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if strings.Contains(string(b), secret) {
			t.Errorf("the key stands in %s", d.Name())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestOwnAddressIsRefused(t *testing.T) {
	p := serve(t, t.TempDir())
	port := p.url[strings.LastIndex(p.url, ":"):]
	for _, host := range []string{"127.0.0.1", "localhost", "[::1]", "0.0.0.0", "LOCALHOST"} {
		code, body := p.rest(http.MethodPost, "/api/v1/endpoints", fmt.Sprintf(`{"base_url":"http://%s%s/v1"}`, host, port))
		if code != http.StatusUnprocessableEntity || !strings.Contains(body, "body.base_url") {
			t.Errorf("%s answered %d: %s", host, code, body)
		}
	}
}

func TestCancelKeepsWhatWasMeasured(t *testing.T) {
	server := enginetest.NewServer(t)
	server.Gap = 10 * time.Millisecond
	p := serve(t, t.TempDir())
	id := p.endpoint(server.BaseURL())
	_, body := p.rest(http.MethodPost, "/api/v1/benchmarks",
		fmt.Sprintf(`{"model_id":"m","endpoint_id":%q,"prompt":"x","max_tokens":20,"stop":{"requests":1000}}`, id))
	job := decode[domain.Run](t, body)
	p.await(job.ID, func(r domain.Run) bool { return r.Progress != nil && r.Progress.Done >= 2 })
	code, body := p.rest(http.MethodPost, "/api/v1/benchmarks/"+string(job.ID)+"/cancel", "")
	run := decode[domain.Run](t, body)
	if code != http.StatusOK || run.Status != domain.StatusCanceled || run.Summary.Requests.OK < 2 {
		t.Errorf("cancel answered %d: %s %+v", code, run.Status, run.Summary)
	}
	if code, _ := p.rest(http.MethodPost, "/api/v1/benchmarks/"+string(job.ID)+"/cancel", ""); code != http.StatusConflict {
		t.Errorf("a second cancel answered %d, want 409", code)
	}
}

// A second start asks the instance that holds the data folder to come to the front.
func TestASecondStartBringsTheWindowToTheFront(t *testing.T) {
	dir := t.TempDir()
	env := testEnv(t.Context(), dir, io.Discard, io.Discard, nil)
	a, err := Wire(t.Context(), Wiring{Env: env, Web: testWeb(), DataDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := a.Listen(ListenOptions{Addr: "127.0.0.1:0"}); err != nil {
		t.Fatal(err)
	}
	_, err = Wire(t.Context(), Wiring{Env: env, Web: testWeb(), DataDir: dir})
	var held *HeldError
	if !errors.As(err, &held) {
		t.Fatalf("a second instance: %v", err)
	}
	c, err := held.client(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if front(t.Context(), c) {
		t.Error("an instance without a window says that it has one")
	}
	var asked atomic.Int32
	toFront := func() { asked.Add(1) }
	a.front.Store(&toFront)
	if !front(t.Context(), c) || asked.Load() != 1 {
		t.Errorf("the window was asked %d times", asked.Load())
	}
}

func TestAHintIsPrintedUnderItsError(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, databaseName), 0o700); err != nil {
		t.Fatal(err)
	}
	code, _, errs := verb(t, dir, "list")
	if lines := strings.Split(strings.TrimSpace(errs), "\n"); code != 1 || len(lines) != 2 {
		t.Errorf("list over a folder ended with %d: %q", code, errs)
	}
}

func TestTheDataFolderMayStandInDotEnv(t *testing.T) {
	work, data := t.TempDir(), filepath.Join(t.TempDir(), "named")
	if err := os.WriteFile(filepath.Join(work, ".env"), []byte("INFEROMETER_DATA_DIR="+data+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := Env{WorkDir: work, Home: work, GOOS: "linux"}
	h := &host{env: env}
	if got, err := h.dataDir(cli.Options{}, h.dotEnv()); err != nil || got.dir != data || got.base != "" {
		t.Errorf("the data folder is %q, %v, want %q", got, err, data)
	}
	h.env.Environ = []string{"INFEROMETER_DATA_DIR=" + data + "2"}
	if got, err := h.dataDir(cli.Options{}, h.dotEnv()); err != nil || got.dir != data+"2" {
		t.Errorf("the environment does not win: %q, %v", got, err)
	}
	if got, err := h.dataDir(cli.Options{DataDir: data + "3"}, h.dotEnv()); err != nil || got.dir != data+"3" {
		t.Errorf("the flag does not win: %q, %v", got, err)
	}
}
