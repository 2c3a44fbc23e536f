//go:build acceptance && linux

package acceptance

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// askEnv makes the test binary a caller that a test starts as another user: it asks once, prints the status and ends.
const askEnv = "INFEROMETER_TEST_ASK"

// nobody is the user that every system has and nobody is.
const nobody = 65534

func TestMain(m *testing.M) {
	if url := os.Getenv(askEnv); url != "" {
		os.Exit(ask(url, os.Getenv(askEnv+"_TOKEN"), os.Getenv(askEnv+"_FILE")))
	}
	os.Exit(m.Run())
}

// ask prints the status of a route, or how reading a file failed.
func ask(url, token, file string) int {
	if file != "" {
		_, err := os.ReadFile(file)
		fmt.Println(errors.Is(err, fs.ErrPermission))
		return 0
	}
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err == nil && token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if err == nil {
		var res *http.Response
		if res, err = (&http.Client{Timeout: patience}).Do(req); err == nil {
			res.Body.Close()
			fmt.Println(res.StatusCode)
			return 0
		}
	}
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// public is a folder that every user may enter, with copies of the program and of this test.
type public struct {
	t             *testing.T
	program, self string
	dir           string
}

func newPublic(t *testing.T) *public {
	t.Helper()
	dir, err := os.MkdirTemp("", "inferometer-users-") //nolint:usetesting // t.TempDir is closed to other users
	must(t, err)
	t.Cleanup(func() { must(t, os.RemoveAll(dir)) })
	must(t, os.Chmod(dir, 0o755))
	self, err := os.Executable()
	must(t, err)
	p := &public{t: t, dir: dir, program: filepath.Join(dir, "inferometer"), self: filepath.Join(dir, "ask")}
	for to, from := range map[string]string{p.program: binary(t), p.self: self} {
		in, err := os.Open(from)
		must(t, err)
		out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o755)
		must(t, err)
		_, err = io.Copy(out, in)
		must(t, errors.Join(err, in.Close(), out.Close()))
	}
	return p
}

// as runs a command as a user; those who are not root can only be themselves.
func as(c *exec.Cmd, uid int) *exec.Cmd {
	if uid != os.Getuid() {
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}}
	}
	return c
}

// ask is what a caller of that user is answered.
func (p *public) ask(uid int, url string, env ...string) string {
	p.t.Helper()
	c := as(exec.Command(p.self), uid)
	c.Dir, c.Env = p.dir, append([]string{askEnv + "=" + url}, env...)
	var errs bytes.Buffer
	c.Stderr = &errs
	out, err := c.Output()
	if err != nil {
		p.t.Fatalf("user %d cannot ask: %v %s", uid, err, errs.String())
	}
	return strings.TrimSpace(string(out))
}

// serve starts the program as a user with a data folder of its own, and returns address and data folder.
func (p *public) serve(uid int, addr string) (url, data string) {
	p.t.Helper()
	data = filepath.Join(p.dir, fmt.Sprintf("data-%d-%d", uid, len(addr)))
	must(p.t, os.Mkdir(data, 0o700))
	must(p.t, os.Chown(data, uid, -1))
	c := as(exec.Command(p.program, "serve", "--addr", addr, "--data-dir", data), uid)
	c.Dir, c.Env = p.dir, []string{"HOME=" + data, "PATH=" + os.Getenv("PATH")}
	var errs bytes.Buffer
	c.Stderr = &errs
	out, err := c.StdoutPipe()
	must(p.t, err)
	must(p.t, c.Start())
	ended := make(chan struct{})
	line := make(chan string, 1)
	go func() {
		defer close(ended)
		in := bufio.NewReader(out)
		first, _ := in.ReadString('\n') // an end without a line is judged below
		line <- first
		_, _ = io.Copy(io.Discard, in)
		_ = c.Wait() // ended by a signal
	}()
	p.t.Cleanup(func() {
		_ = c.Process.Signal(syscall.SIGTERM)
		<-ended
	})
	select {
	case text := <-line:
		var ok bool
		if url, ok = strings.CutPrefix(strings.TrimSpace(text), "listening on "); ok {
			return url, data
		}
	case <-time.After(patience):
	}
	p.t.Fatalf("user %d cannot serve: %s", uid, errs.String())
	return "", ""
}

// Another user of this machine is refused without a token, on loopback too, and served with it; the same user needs none.
// Only root can play another user: everybody else holds the program to what it promises to themselves.
func TestAnotherUserOfThisMachine(t *testing.T) {
	p := newPublic(t)
	me := os.Getuid()
	users := []int{me}
	if me == 0 {
		users = append(users, nobody)
	}
	addrs := []string{"127.0.0.1:0"}
	if _, err := os.Stat("/proc/net/if_inet6"); err == nil {
		addrs = append(addrs, "[::1]:0")
	}
	asked := 0
	for _, owner := range users {
		for _, addr := range addrs {
			url, data := p.serve(owner, addr)
			health := url + api + "/health"
			b, err := os.ReadFile(filepath.Join(data, "token"))
			must(t, err)
			token := askEnv + "_TOKEN=" + strings.TrimSpace(string(b))
			for _, caller := range users {
				want := "200"
				if caller != owner {
					want = "401"
				}
				for _, row := range []struct{ what, env, want string }{
					{"without a token", "X=", want}, {"with a wrong one", askEnv + "_TOKEN=" + strings.Repeat("0", 64), want}, {"with the token", token, "200"},
				} {
					asked++
					if got := p.ask(caller, health, row.env); got != row.want {
						t.Errorf("%s of user %d, user %d %s: %s, want %s", addr, owner, caller, row.what, got, row.want)
					}
				}
				if caller == owner || caller == 0 { // root reads everything
					continue
				}
				for _, name := range []string{"token", "server.json", "inferometer.db", "logs/inferometer.log"} {
					if got := p.ask(caller, health, askEnv+"_FILE="+filepath.Join(data, name)); got != "true" {
						t.Errorf("user %d can read %s of user %d", caller, name, owner)
					}
				}
			}
		}
	}
	if asked < 3 {
		t.Errorf("only %d questions were asked", asked)
	}
}
