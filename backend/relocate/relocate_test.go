package relocate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

// victimEnv names a base folder whose move the test binary does, to be killed at it.
const victimEnv = "RELOCATE_TEST_VICTIM"

// TestMain lets the test binary be its own victim.
func TestMain(m *testing.M) {
	if base := os.Getenv(victimEnv); base != "" {
		fmt.Println("begins")
		if err := whole(context.Background(), base); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// whole does all of a move that was planned.
func whole(ctx context.Context, base string) error {
	o := Options{Dir: base, Base: base, Lock: noLock}
	if err := New(o).Copy(ctx); err != nil {
		return err
	}
	if to, err := Pending(base); err != nil || to == "" {
		return errors.Join(err, errors.New("nothing is pending"))
	}
	_, err := Finish(ctx, o)
	return err
}

type nothing struct{}

func (nothing) Close() error { return nil }

func noLock(string) (io.Closer, error) { return nothing{}, nil }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// files are the data of the tests: path below the folder, and content.
func files() map[string]string {
	return map[string]string{
		"inferometer.db": strings.Repeat("page", 5000), "inferometer.db-wal": "journal", "keys.json": "{}", "token": "secret",
		"models/a.gguf": strings.Repeat("m", 300_000), "models/sub/b.gguf": "b", "engines/b1/llama-server": "#!", "backups/x.db": "old",
		"logs/inferometer.log": "{}",
		// What belongs to the place or to a process.
		"lock": "", "server.json": "{}", "tmp/spool": "x", "engine-12.json": "{}", "inferometer.db-shm": "shared",
	}
}

// folder is a data folder with the files, some links, and a mover of it.
func folder(t *testing.T) (base string, m *Mover) {
	t.Helper()
	base = filepath.Join(t.TempDir(), "base")
	for rel, text := range files() {
		path := filepath.Join(base, rel)
		must(t, os.MkdirAll(filepath.Dir(path), 0o700))
		must(t, os.WriteFile(path, []byte(text), 0o644))
	}
	must(t, os.Chmod(filepath.Join(base, "engines/b1/llama-server"), 0o755))
	must(t, os.Symlink("a.gguf", filepath.Join(base, "models/inner")))
	must(t, os.Symlink(filepath.Join(base, "models"), filepath.Join(base, "models/sub/up")))
	must(t, os.Symlink("../../elsewhere", filepath.Join(base, "models/outer")))
	return base, New(Options{Dir: base, Base: base, Lock: noLock})
}

// sameData checks that a folder holds all data of the tests.
func sameData(t *testing.T, dir string) {
	t.Helper()
	for rel, want := range files() {
		if stays(rel) || strings.HasPrefix(rel, "tmp") {
			continue
		}
		got, err := os.ReadFile(filepath.Join(dir, rel))
		if err != nil || string(got) != want {
			t.Errorf("%s: %d bytes, want %d, %v", rel, len(got), len(want), err)
		}
	}
}

func TestMoveSwitchesAtTheNextStart(t *testing.T) {
	base, m := folder(t)
	to := filepath.Join(t.TempDir(), "new")
	plan, err := m.Plan(t.Context(), to)
	must(t, err)
	if plan.State != StateCopying || plan.To != to || plan.TotalBytes < 320_000 {
		t.Errorf("%+v", plan)
	}
	if pending, err := Pending(base); err != nil || pending != "" {
		t.Errorf("before it is copied a start would move to %q, %v", pending, err)
	}
	must(t, m.Copy(t.Context()))
	if got := m.Move(); got == nil || got.State != StateReady || got.DoneBytes < 300_000 || got.DoneBytes >= got.TotalBytes {
		t.Errorf("%+v", got)
	}
	if _, err := os.Stat(filepath.Join(to, "inferometer.db")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the database in use was copied")
	}
	// What happens between: one file changes, one goes.
	must(t, os.WriteFile(filepath.Join(base, "models/sub/b.gguf"), []byte("changed"), 0o600))
	must(t, os.Remove(filepath.Join(base, "backups/x.db")))
	probed := ""
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	got, err := Finish(t.Context(), Options{Dir: base, Base: base, Now: func() time.Time { return at },
		Probe: func(_ context.Context, dir string) error { probed = dir; return nil }})
	if err != nil || got != to || probed != to {
		t.Fatalf("moved to %q, probed %q: %v", got, probed, err)
	}
	if dir, err := Follow(base); err != nil || dir != to {
		t.Errorf("the data lies in %q, %v", dir, err)
	}
	if b, _ := os.ReadFile(filepath.Join(to, "models/sub/b.gguf")); string(b) != "changed" {
		t.Errorf("the changed file is %q", b)
	}
	if _, err := os.Stat(filepath.Join(to, "backups/x.db")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the deleted file is in the new place")
	}
	for _, rel := range []string{"lock", "server.json", "tmp", "engine-12.json", "inferometer.db-shm", planName, copiedName, pointerName} {
		if _, err := os.Lstat(filepath.Join(to, rel)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is in the new place", rel)
		}
	}
	checkModes(t, to)
	for rel, want := range map[string]string{"models/inner": "a.gguf", "models/sub/up": "..", "models/outer": filepath.Join(base, "../elsewhere")} {
		if text, err := os.Readlink(filepath.Join(to, rel)); err != nil || text != want {
			t.Errorf("%s leads to %q, want %q, %v", rel, text, want, err)
		}
	}
	old := New(Options{Dir: to, Base: base, Lock: noLock}).Old()
	if old == nil || old.Dir != base || old.Bytes < 300_000 || !old.MovedAt.Equal(at) {
		t.Errorf("the old folder is %+v", old)
	}
}

func checkModes(t *testing.T, to string) {
	t.Helper()
	must(t, filepath.WalkDir(to, func(path string, d fs.DirEntry, err error) error {
		if fi, ierr := d.Info(); err == nil && ierr == nil && d.Type()&fs.ModeSymlink == 0 && fi.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s is %v", path, fi.Mode())
		}
		return err
	}))
	if fi, err := os.Stat(filepath.Join(to, "engines/b1/llama-server")); err != nil || fi.Mode().Perm() != 0o700 {
		t.Errorf("the engine cannot be started: %v, %v", fi.Mode(), err)
	}
}

func TestRemoveOldLeavesWhatIsNotOurs(t *testing.T) {
	base, m := folder(t)
	first, second := filepath.Join(t.TempDir(), "first"), filepath.Join(t.TempDir(), "second")
	_, err := m.Plan(t.Context(), first)
	must(t, err)
	must(t, whole(t.Context(), base))
	must(t, os.WriteFile(filepath.Join(base, "diary.txt"), []byte("mine"), 0o600))
	m = New(Options{Dir: first, Base: base, Lock: noLock})
	old, err := m.RemoveOld(t.Context())
	if err != nil || old.Bytes < 300_000 {
		t.Fatalf("%+v, %v", old, err)
	}
	names, err := os.ReadDir(base)
	must(t, err)
	var left []string
	for _, n := range names {
		left = append(left, n.Name())
	}
	if got := strings.Join(left, " "); got != "diary.txt engine-12.json location.json lock server.json" {
		t.Errorf("left are %s", got)
	}
	if m.Old() != nil {
		t.Error("the old folder is still told")
	}
	if _, err := m.RemoveOld(t.Context()); domain.KindOf(err) != domain.KindNotFound {
		t.Errorf("once more: %v", err)
	}
	sameData(t, first)
	// On, from a place that is not the platform's own: it goes as a whole.
	_, err = m.Plan(t.Context(), second)
	must(t, err)
	must(t, m.Copy(t.Context()))
	_, err = Finish(t.Context(), Options{Dir: first, Base: base})
	must(t, err)
	_, err = New(Options{Dir: second, Base: base, Lock: noLock}).RemoveOld(t.Context())
	must(t, err)
	if _, err := os.Stat(first); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the folder in between is still there")
	}
	// And back to where it began: the pointer goes.
	must(t, os.Remove(filepath.Join(base, "diary.txt")))
	must(t, os.Remove(filepath.Join(base, "engine-12.json")))
	must(t, os.Remove(filepath.Join(base, "server.json")))
	m = New(Options{Dir: second, Base: base, Lock: noLock})
	_, err = m.Plan(t.Context(), base)
	must(t, err)
	must(t, m.Copy(t.Context()))
	_, err = Finish(t.Context(), Options{Dir: second, Base: base})
	must(t, err)
	if dir, err := Follow(base); err != nil || dir != base {
		t.Errorf("back home the data lies in %q, %v", dir, err)
	}
	sameData(t, base)
}

func TestCancelTakesBackWhatWasCopied(t *testing.T) {
	for _, made := range []bool{true, false} {
		_, m := folder(t)
		to := filepath.Join(t.TempDir(), "new")
		if !made {
			must(t, os.Mkdir(to, 0o755))
		}
		_, err := m.Plan(t.Context(), to)
		must(t, err)
		if _, err := m.Plan(t.Context(), to+"2"); domain.KindOf(err) != domain.KindConflict {
			t.Errorf("a second move: %v", err)
		}
		must(t, m.Copy(t.Context()))
		must(t, m.Cancel(t.Context()))
		names, err := os.ReadDir(to)
		if made != errors.Is(err, fs.ErrNotExist) || len(names) != 0 {
			t.Errorf("left are %v, %v", names, err)
		}
		if err := m.Cancel(t.Context()); domain.KindOf(err) != domain.KindNotFound || m.Move() != nil {
			t.Errorf("once more: %v", err)
		}
	}
}

func TestRefusedPlaces(t *testing.T) {
	base, m := folder(t)
	outside := t.TempDir()
	must(t, os.WriteFile(filepath.Join(outside, "file"), nil, 0o600))
	must(t, os.Mkdir(filepath.Join(outside, "full"), 0o700))
	must(t, os.WriteFile(filepath.Join(outside, "full/x"), nil, 0o600))
	must(t, os.Symlink(base, filepath.Join(outside, "round")))
	for to, why := range map[string]string{
		"relative/path": "absolute", filepath.Join(base, "models/x"): "outside", base: "outside", filepath.Join(outside, "round"): "outside",
		filepath.Join(outside, "round/models/y"): "outside", filepath.Join(outside, "file"): "no folder", filepath.Join(outside, "full"): "empty",
		filepath.Join(outside, "missing/deep"): "must exist", filepath.Dir(base): "empty",
	} {
		_, err := m.Plan(t.Context(), to)
		var e *domain.Error
		if !errors.As(err, &e) || e.Kind != domain.KindInvalid || len(e.Fields) != 1 || e.Fields[0].Location != place || !strings.Contains(e.Fields[0].Message, why) {
			t.Errorf("%s: %v", to, err)
		}
	}
	little := int64(spare)
	small := New(Options{Dir: base, Base: base, Free: func(string) *int64 { return &little }})
	if _, err := small.Plan(t.Context(), filepath.Join(outside, "new")); err == nil {
		t.Error("a disk without room was taken")
	}
	if _, err := New(Options{Dir: base}).Plan(t.Context(), filepath.Join(outside, "new")); domain.KindOf(err) != domain.KindConflict {
		t.Errorf("a folder that was named at the start: %v", err)
	}
	if m.Move() != nil {
		t.Error("a refused move is told")
	}
}

// TestAFailedMoveLeavesTheOldPlace: the new disk cannot carry a database, or was taken away.
func TestAFailedMoveLeavesTheOldPlace(t *testing.T) {
	base, m := folder(t)
	to := filepath.Join(t.TempDir(), "new")
	_, err := m.Plan(t.Context(), to)
	must(t, err)
	must(t, m.Copy(t.Context()))
	bad := domain.Errorf(domain.KindUnavailable, "The database cannot be written.")
	if _, err := Finish(t.Context(), Options{Dir: base, Base: base, Probe: func(context.Context, string) error { return bad }}); !errors.Is(err, bad) {
		t.Fatal(err)
	}
	if got := m.Move(); got.State != StateFailed || got.Reason != bad.Msg {
		t.Errorf("%+v", got)
	}
	if dir, err := Follow(base); err != nil || dir != base {
		t.Errorf("the data lies in %q, %v", dir, err)
	}
	if pending, err := Pending(base); err != nil || pending != "" {
		t.Errorf("it is tried again: %q, %v", pending, err)
	}
	// Asked for again, it goes on where it was; with the disk away it fails in words.
	_, err = m.Plan(t.Context(), to)
	must(t, err)
	must(t, os.RemoveAll(to))
	if err := m.Copy(t.Context()); err == nil || m.Move().State != StateFailed {
		t.Errorf("%v, %+v", err, m.Move())
	}
	must(t, m.Cancel(t.Context()))
	sameData(t, base)
}

// TestALostPlaceIsNoEmptyBeginning: its disk may not be connected.
func TestALostPlaceIsNoEmptyBeginning(t *testing.T) {
	base, m := folder(t)
	to := filepath.Join(t.TempDir(), "new")
	_, err := m.Plan(t.Context(), to)
	must(t, err)
	must(t, whole(t.Context(), base))
	must(t, os.Rename(to, to+"-away"))
	if _, err := Follow(base); domain.KindOf(err) != domain.KindUnavailable || !strings.Contains(err.Error(), to) {
		t.Errorf("without the disk: %v", err)
	}
	must(t, os.Mkdir(to, 0o700)) // an empty mount point
	if _, err := Follow(base); domain.KindOf(err) != domain.KindUnavailable {
		t.Errorf("with an empty folder: %v", err)
	}
	must(t, os.WriteFile(filepath.Join(base, pointerName), []byte("{"), 0o600))
	if _, err := Follow(base); domain.KindOf(err) != domain.KindUnavailable {
		t.Errorf("with a broken pointer: %v", err)
	}
}

// TestKilledMoveLeavesOnePlaceWhole kills a move at random moments. Whatever place the pointer names then has all
// data, and as long as it is not the new one the old one is untouched; in the end the move is done.
func TestKilledMoveLeavesOnePlaceWhole(t *testing.T) {
	base, m := folder(t)
	to := filepath.Join(t.TempDir(), "new")
	_, err := m.Plan(t.Context(), to)
	must(t, err)
	switched, stopped := false, 0
	for kills := 0; kills < 40 && !switched; kills++ {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), victimEnv+"="+base)
		out, err := cmd.StdoutPipe()
		must(t, err)
		must(t, cmd.Start())
		_, err = out.Read(make([]byte, 8)) // it has begun
		must(t, err)
		time.AfterFunc(time.Duration(rand.Int64N(int64(kills+1)*int64(time.Millisecond))), func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait() // it was killed, so this is an error by design
		dir, err := Follow(base)
		must(t, err)
		sameData(t, base)
		if switched = dir == to; switched {
			break
		}
		stopped++
		if _, err := Pending(base); err != nil {
			t.Fatal(err)
		}
		if p := m.Move(); p.State == StateFailed {
			_, err := m.Plan(t.Context(), to) // as a person would
			must(t, err)
		}
	}
	t.Logf("%d kills before the switch; switched: %v", stopped, switched)
	if !switched {
		if p := m.Move(); p.State == StateReady {
			_, err = Finish(t.Context(), Options{Dir: base, Base: base})
		} else {
			err = whole(t.Context(), base)
		}
		must(t, err)
	}
	if stopped == 0 {
		t.Error("no kill hit the move")
	}
	sameData(t, to)
}
