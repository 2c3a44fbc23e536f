package app

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

// homeEnv is an environment in which the data folder is the platform's own.
func homeEnv(ctx context.Context, home string, out, errs io.Writer, args ...string) Env {
	e := testEnv(ctx, home, out, errs, nil, args...)
	e.Args = args
	return e
}

func serveHome(t *testing.T, home string) *program {
	t.Helper()
	return serveIn(t, func(ctx context.Context, out, errs io.Writer) Env {
		return homeEnv(ctx, home, out, errs, "serve", "--addr", "127.0.0.1:0")
	})
}

func verbHome(t *testing.T, home string, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	code = Main(homeEnv(t.Context(), home, &o, &e, args...), testWeb())
	return code, o.String(), e.String()
}

// copied waits until a move only needs the next start.
func (p *program) copied() domain.Move {
	p.t.Helper()
	for end := time.Now().Add(deadline); ; <-time.After(10 * time.Millisecond) {
		m := get[domain.StorageWork](p, "/api/v1/storage/work").Move
		if m == nil || time.Now().After(end) {
			p.t.Fatalf("the move is %+v", m)
		}
		if m.State != "copying" {
			return *m
		}
	}
}

func TestTheDataFolderMoves(t *testing.T) {
	home, to := t.TempDir(), filepath.Join(t.TempDir(), "new place")
	base := filepath.Join(home, ".local/share/inferometer")
	p := serveHome(t, home)
	code, text := p.rest(http.MethodPost, "/api/v1/views", `{"name":"kept"}`)
	if code != http.StatusCreated {
		t.Fatalf("%d %s", code, text)
	}
	if err := os.MkdirAll(filepath.Join(base, "models"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(base, "models/a.gguf"), bytes.Repeat([]byte("m"), 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	body := fmt.Sprintf(`{"path":%q}`, to)
	for bad, status := range map[string]int{`{"path":"relative"}`: 422, `{"path":""}`: 422, fmt.Sprintf(`{"path":%q}`, base+"/models/x"): 422} {
		if code, text := p.rest(http.MethodPost, "/api/v1/storage/move", bad); code != status || !strings.Contains(text, "body.path") {
			t.Errorf("%s answered %d: %s", bad, code, text)
		}
	}
	if code, text := p.rest(http.MethodPost, "/api/v1/storage/move", body); code != http.StatusAccepted {
		t.Fatalf("move answered %d: %s", code, text)
	}
	if m := p.copied(); m.State != "ready" || m.To != to || m.DoneBytes < 1<<20 {
		t.Errorf("%+v", m)
	}
	// Taken back, nothing is left; asked for again, the next start does it.
	if code, text := p.rest(http.MethodDelete, "/api/v1/storage/move", ""); code != http.StatusNoContent {
		t.Errorf("stay answered %d: %s", code, text)
	}
	if _, err := os.Stat(to); !os.IsNotExist(err) {
		t.Errorf("the copy is still there: %v", err)
	}
	p.rest(http.MethodPost, "/api/v1/storage/move", body)
	p.copied()
	if code, out, errs := verbHome(t, home, "storage"); code != 0 || !strings.Contains(out, "The next start moves it to "+to) {
		t.Errorf("storage ended with %d: %s%s", code, out, errs)
	}
	token, _ := os.ReadFile(filepath.Join(base, tokenName))
	p.end()
	p = serveHome(t, home)
	if got := get[domain.System](p, "/api/v1/system").App.DataDir; got != to {
		t.Errorf("the data lies in %s: %s", got, p.err)
	}
	if views := get[[]domain.SavedView](p, "/api/v1/views"); len(views) != 1 || views[0].Name != "kept" {
		t.Errorf("the views are %+v", views)
	}
	if now, err := os.ReadFile(filepath.Join(to, tokenName)); err != nil || !bytes.Equal(now, token) {
		t.Errorf("the token is another one: %v", err)
	}
	// A verb finds the moved instance; it frees the old place.
	code, out, errs := verbHome(t, home, "storage")
	if code != 0 || !strings.Contains(out, base+" still holds") {
		t.Errorf("storage ended with %d: %s%s", code, out, errs)
	}
	if code, out, errs = verbHome(t, home, "storage", "remove-old"); code != 0 || !strings.Contains(out, base) {
		t.Errorf("remove-old ended with %d: %s%s", code, out, errs)
	}
	if _, err := os.Stat(filepath.Join(base, databaseName)); !os.IsNotExist(err) {
		t.Errorf("the old database is still there: %v", err)
	}
	if old := get[domain.Storage](p, "/api/v1/storage").OldData; old != nil {
		t.Errorf("the old folder is still told: %+v", old)
	}
	p.end()
	// Without its disk the program does not begin anew.
	if err := os.Rename(to, to+" away"); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := verbHome(t, home, "list"); code != 1 || !strings.Contains(errs, to) || !strings.Contains(errs, "Connect its disk") {
		t.Errorf("list ended with %d: %s", code, errs)
	}
	if names, err := filepath.Glob(filepath.Join(base, databaseName+"*")); err != nil || len(names) != 0 {
		t.Errorf("a new database was begun: %v", names)
	}
}

// TestMoveByVerb does without an instance that runs.
func TestMoveByVerb(t *testing.T) {
	home, to := t.TempDir(), filepath.Join(t.TempDir(), "new")
	code, out, errs := verbHome(t, home, "storage", "move", to)
	if code != 0 || !strings.Contains(out, to) {
		t.Fatalf("move ended with %d: %s%s", code, out, errs)
	}
	if code, _, errs := verbHome(t, home, "datasets"); code != 0 || !strings.Contains(errs, "Moved.") {
		t.Errorf("datasets ended with %d: %s", code, errs)
	}
	if code, out, _ := verbHome(t, home, "storage"); code != 0 || !strings.HasPrefix(out, to+"\n") {
		t.Errorf("the data lies elsewhere: %s", out)
	}
	code, _, errs = verb(t, t.TempDir(), "storage", "move", to+"2")
	if code != 1 || !strings.Contains(errs, "--data-dir") {
		t.Errorf("with a named folder move ended with %d: %s", code, errs)
	}
}

// TestAMoveThatFailsLeavesTheProgramWhereItIs: the place is gone at the next start.
func TestAMoveThatFailsLeavesTheProgramWhereItIs(t *testing.T) {
	home, to := t.TempDir(), filepath.Join(t.TempDir(), "new")
	if code, _, errs := verbHome(t, home, "storage", "move", to); code != 0 {
		t.Fatal(errs)
	}
	if err := os.RemoveAll(to); err != nil {
		t.Fatal(err)
	}
	p := serveHome(t, home)
	if m := get[domain.StorageWork](p, "/api/v1/storage/work").Move; m == nil || m.State != "failed" || !strings.Contains(m.Reason, to) {
		t.Errorf("%+v", m)
	}
	if got := get[domain.System](p, "/api/v1/system").App.DataDir; got != filepath.Join(home, ".local/share/inferometer") {
		t.Errorf("the data lies in %s", got)
	}
	if code, out, errs := verbHome(t, home, "storage"); code != 0 || !strings.Contains(out, "It was not moved to "+to) {
		t.Errorf("storage ended with %d: %s%s", code, out, errs)
	}
	if code, _, errs := verbHome(t, home, "storage", "stay"); code != 0 {
		t.Errorf("stay: %s", errs)
	}
}
