package store_test

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// nobody is a user who owns nothing here.
const nobody = 65534

// openAsOwner opens a database in another process, as nobody where this one is the administrator, whom no
// mode of a folder holds back.
func openAsOwner(t *testing.T, path string) string {
	t.Helper()
	self, err := os.Open(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	defer self.Close()
	// The test binary lies where nobody may not look.
	program := filepath.Join(publicDir(t), "opener")
	f, err := os.OpenFile(program, os.O_CREATE|os.O_WRONLY, 0o755) //nolint:gosec // it has to be run by another user
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(f, self); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program)
	cmd.Env = []string{openerEnv + "=" + path}
	if os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return strings.TrimSpace(string(out))
}

// publicDir is a folder of the test that everybody may enter.
func publicDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for at := dir; at != filepath.Dir(os.TempDir()) && at != "/"; at = filepath.Dir(at) {
		if fi, err := os.Stat(at); err == nil && fi.Mode().Perm()&0o005 != 0o005 {
			if err := os.Chmod(at, fi.Mode().Perm()|0o055); err != nil {
				break
			}
		}
	}
	return dir
}

// own gives files to nobody if this process may, and takes the right to write from the folder.
func own(t *testing.T, dir string, mode os.FileMode) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if err == nil && os.Geteuid() == 0 {
			err = os.Chown(path, nobody, nobody)
		}
		return err
	})
	if err == nil {
		err = os.Chmod(dir, mode)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestReadOnlyFolder: the program says so and changes nothing.
func TestReadOnlyFolder(t *testing.T) {
	const want = "The database cannot be written. Make the data folder yours and writable, or choose another one."
	dir := filepath.Join(publicDir(t), "data")
	path := filepath.Join(dir, "inferometer.db")
	for name, prepare := range map[string]func(){
		"empty": func() { mkdir(t, dir) },
		"with a database": func() {
			s := openAt(t, path)
			mustCreate(t, s, newRun("a"))
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		},
	} {
		prepare()
		own(t, dir, 0o500)
		before, _ := os.ReadFile(path)
		if got := openAsOwner(t, path); got != want {
			t.Errorf("%s: %q", name, got)
		}
		own(t, dir, 0o700)
		if after, _ := os.ReadFile(path); string(after) != string(before) {
			t.Errorf("%s: the database was changed", name)
		}
		if got := openAsOwner(t, path); got != "opened <nil>" {
			t.Errorf("%s, writable again: %q", name, got)
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
	}
}
