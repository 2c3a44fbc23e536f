package store_test

import (
	"bufio"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/store"
)

// holdLocked is another program that locks the database until its input ends.
func holdLocked(path string) error {
	db, err := sql.Open("sqlite3", "file:"+path)
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("BEGIN EXCLUSIVE; INSERT INTO kv(key, value) VALUES('theirs', 'x')"); err != nil {
		return err
	}
	fmt.Println("locked")
	_, err = io.Copy(io.Discard, os.Stdin)
	return errors.Join(err, db.Close())
}

// tryOpening says what a person is told when the database cannot be opened.
func tryOpening(path string) string {
	s, err := store.Open(background(), path)
	if err == nil {
		return fmt.Sprintf("opened %v", s.Close())
	}
	var ours *domain.Error
	if errors.As(err, &ours) {
		return ours.Msg + " " + ours.Hint
	}
	return "without words: " + err.Error()
}

// TestDatabaseLockedByAnotherProgram: writing waits and then says so, reading goes on, and nothing is lost.
func TestDatabaseLockedByAnotherProgram(t *testing.T) {
	path := filepath.Join(t.TempDir(), "inferometer.db")
	s := openAt(t, path)
	mustCreate(t, s, newRun("a"))
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), lockerEnv+"="+path)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); _ = cmd.Wait() })
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "locked\n" {
		t.Fatalf("the other program says %q, %v", line, err)
	}
	batch := domain.Batch{Requests: []domain.RequestRecord{okRequest("a", 0, t0(), 1, 1, 1, 1)}}
	err = s.AppendRun(t.Context(), "a", batch)
	wantKind(t, "append", err, domain.KindUnavailable)
	if e := refusalOf(t, err); e.Msg != "The database is in use by another program." || e.Hint == "" {
		t.Errorf("%+v", e)
	}
	if _, err := s.Run(t.Context(), "a"); err != nil {
		t.Errorf("reading fails: %v", err)
	}
	in.Close()
	_ = cmd.Wait()
	mustAppend(t, s, "a", batch)
	if n := len(collect(t, s.Records(t.Context(), "a"))); n != 1 {
		t.Errorf("%d requests", n)
	}
}
