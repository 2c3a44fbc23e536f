package app

import (
	"database/sql"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/mattn/go-sqlite3"

	"github.com/inferometer/inferometer/backend/domain"
)

// spoilTable writes over the first page of a table and of its indexes.
func spoilTable(t *testing.T, path, table string) {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query("SELECT rootpage FROM sqlite_master WHERE tbl_name = ? AND rootpage > 0", table)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for rows.Next() {
		var root int64
		if err := rows.Scan(&root); err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteAt([]byte(strings.Repeat("\xee", 4096)), (root-1)*4096); err != nil {
			t.Fatal(err)
		}
	}
}

func (p *program) database() domain.DatabaseState {
	p.t.Helper()
	return get[domain.System](p, "/api/v1/system").App.Database
}

// TestADamagedDatabaseIsNoDeadStart breaks what the start reads: the settings, and the runs.
func TestADamagedDatabaseIsNoDeadStart(t *testing.T) {
	for _, table := range []string{"kv", "run", "dataset"} {
		t.Run(table, func(t *testing.T) {
			dir := t.TempDir()
			verb(t, dir, "datasets")
			code, _, errs := verb(t, dir, "storage", "backup")
			if code != 0 {
				t.Fatal(errs)
			}
			spoilTable(t, filepath.Join(dir, databaseName), table)
			p := serve(t, dir)
			r := p.database().Recovery
			if r == nil || r.RestoredFrom == "" || !strings.Contains(p.err.String(), r.Quarantined) {
				t.Fatalf("recovery %+v, said %q", r, p.err)
			}
			if _, err := os.Stat(filepath.Join(dir, r.Quarantined)); err != nil {
				t.Error(err)
			}
			if n := len(get[[]domain.Dataset](p, "/api/v1/datasets")); n == 0 {
				t.Error("there are no datasets")
			}
			if code, out, _ := verb(t, dir, "storage"); code != 0 || !strings.Contains(out, r.Quarantined) {
				t.Errorf("the command line says %q", out)
			}
			if code, _, errs := verb(t, dir, "storage", "dismiss"); code != 0 || p.database().Recovery != nil {
				t.Errorf("dismiss ended with %d: %s", code, errs)
			}
		})
	}
}

// TestAForeignDatabaseIsRefusedAndLeftAlone: it may be somebody's only copy.
func TestAForeignDatabaseIsRefusedAndLeftAlone(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, databaseName)
	db, err := sql.Open("sqlite3", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("CREATE TABLE t(x)"); err != nil {
		t.Fatal(err)
	}
	db.Close()
	before, _ := os.ReadFile(path)
	code, _, errs := verb(t, dir, "list")
	after, _ := os.ReadFile(path)
	if code != 1 || !strings.Contains(errs, "belongs to another program") || !strings.Contains(errs, "choose another data folder") || string(before) != string(after) {
		t.Errorf("list ended with %d: %q", code, errs)
	}
}

// TestDamageIsFoundBesideTheWork: a page that no start reads is found by the check in the background.
func TestDamageIsFoundBesideTheWork(t *testing.T) {
	dir := t.TempDir()
	if code, _, errs := verb(t, dir, "storage", "backup"); code != 0 {
		t.Fatal(errs)
	}
	spoilTable(t, filepath.Join(dir, databaseName), "request_detail")
	p := serve(t, dir)
	for end := time.Now().Add(deadline); p.database().Check != "damaged" || p.database().Restores == ""; <-time.After(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the database is %+v", p.database())
		}
	}
	code, out, _ := verb(t, dir, "doctor")
	if !strings.Contains(out, "The database is damaged.") {
		t.Errorf("the doctor ended with %d: %s", code, out)
	}
	if code, _ := p.rest(http.MethodGet, "/api/v1/benchmarks", ""); code != http.StatusOK {
		t.Errorf("the list answers %d", code)
	}
}

// TestAReadThatMeetsDamage fails in words, and the check that it asks for finds what is wrong.
func TestAReadThatMeetsDamage(t *testing.T) {
	dir := t.TempDir()
	p := serve(t, dir)
	for end := time.Now().Add(deadline); p.database().Check != "ok"; <-time.After(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the database is %+v", p.database())
		}
	}
	code, text := p.rest(http.MethodPost, "/api/v1/storage/compact", "")
	if code != http.StatusOK {
		t.Fatalf("compact answered %d: %s", code, text)
	}
	spoilTable(t, filepath.Join(dir, databaseName), "request_detail")
	code, text = p.rest(http.MethodGet, "/api/v1/storage", "")
	if code != http.StatusServiceUnavailable || !strings.Contains(text, "The database is damaged.") {
		t.Errorf("storage answered %d: %s", code, text)
	}
	if got := p.database(); got.Check != "due" {
		t.Errorf("the database is %+v", got)
	}
}
