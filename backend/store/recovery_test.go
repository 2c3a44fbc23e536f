package store_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/store"
)

// harm is what happens to a closed database.
type harm struct {
	name   string
	do     func(t *testing.T, path string)
	reason string
	empty  bool // nothing is left that could be set aside
}

func overwrite(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// spoil writes over pages of a file from a byte on.
func spoil(t *testing.T, path string, at int64, bytes int) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte(strings.Repeat("\xee", bytes)), at); err != nil {
		t.Fatal(err)
	}
}

func cutInHalf(t *testing.T, path string) {
	t.Helper()
	fi, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, fi.Size()/2/4096*4096); err != nil {
		t.Fatal(err)
	}
}

func harms() []harm {
	return []harm{
		{"text", func(t *testing.T, p string) { overwrite(t, p, "a letter to my aunt, quite long") }, "The file in place of the database is not one.", false},
		{"short text", func(t *testing.T, p string) { overwrite(t, p, "x") }, "The file in place of the database is not one.", false},
		{"header", func(t *testing.T, p string) { spoil(t, p, 16, 84) }, "The database is damaged.", false},
		{"first page", func(t *testing.T, p string) { spoil(t, p, 100, 3996) }, "The database is damaged.", false},
		{"cut in half", cutInHalf, "The database is damaged.", false},
		{"zero bytes", func(t *testing.T, p string) { overwrite(t, p, "") }, "The database is empty, but there are backups of it.", false},
		{"zero bytes with a journal", func(t *testing.T, p string) { overwrite(t, p, ""); overwrite(t, p+"-wal", "frames") },
			"The database is empty or missing, but its journal is not.", false},
		{"missing with a journal", func(t *testing.T, p string) {
			if err := os.Remove(p); err != nil {
				t.Fatal(err)
			}
			overwrite(t, p+"-wal", "frames")
		}, "The database is empty or missing, but its journal is not.", true},
	}
}

// withBackup makes a closed database of a run and, unless backedUp is false, a backup without its last run.
func withBackup(t *testing.T, backedUp bool) (path, backup string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "inferometer.db")
	s := openAt(t, path)
	mustCreate(t, s, newRun("old"))
	if backedUp {
		b, err := s.AddBackup(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		backup = b.Name
	}
	mustCreate(t, s, newRun("new"))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return path, backup
}

// TestDamagedDatabaseGivesWayToTheBackup: a start is never dead, and nothing is deleted.
func TestDamagedDatabaseGivesWayToTheBackup(t *testing.T) {
	for _, h := range harms() {
		t.Run(h.name, func(t *testing.T) {
			path, backup := withBackup(t, true)
			h.do(t, path)
			was, _ := os.ReadFile(path)
			s := openAt(t, path)
			r := s.State().Recovery
			if r == nil || r.Reason != h.reason || r.RestoredFrom != backup {
				t.Fatalf("recovery %+v", r)
			}
			if _, err := s.Run(t.Context(), "old"); err != nil {
				t.Error(err)
			}
			mustCreate(t, s, newRun("next"))
			if now, err := os.ReadFile(filepath.Join(filepath.Dir(path), r.Quarantined)); string(now) != string(was) || (err != nil) != h.empty {
				t.Errorf("set aside are %d bytes of %d, %v", len(now), len(was), err)
			}
			if strings.Contains(h.name, "journal") {
				if text, err := os.ReadFile(filepath.Join(filepath.Dir(path), r.Quarantined+"-wal")); string(text) != "frames" {
					t.Errorf("the journal is %q, %v", text, err)
				}
			}
		})
	}
}

// TestDamagedDatabaseWithoutABackup begins anew beside it.
func TestDamagedDatabaseWithoutABackup(t *testing.T) {
	for _, bad := range []bool{false, true} {
		path, backup := withBackup(t, bad)
		if bad {
			spoil(t, filepath.Join(filepath.Dir(path), "backups", backup), 8192, 4096)
		}
		cutInHalf(t, path)
		s := openAt(t, path)
		if r := s.State().Recovery; r == nil || r.RestoredFrom != "" || r.Quarantined == "" {
			t.Fatalf("recovery %+v", r)
		}
		_, err := s.Run(t.Context(), "old")
		wantKind(t, "a run of the old database", err, domain.KindNotFound)
		mustCreate(t, s, newRun("old"))
	}
}

// TestNoticeOfARecoveryStaysUntilItIsPutAway is told at every start until then.
func TestNoticeOfARecoveryStaysUntilItIsPutAway(t *testing.T) {
	path, _ := withBackup(t, true)
	cutInHalf(t, path)
	for range 2 {
		s := openAt(t, path)
		if s.State().Recovery == nil || usage(t, s).Database.Recovery == nil {
			t.Fatal("there is no notice")
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	s := openAt(t, path)
	if err := s.ForgetRecovery(t.Context()); err != nil || s.State().Recovery != nil {
		t.Fatalf("%+v, %v", s.State(), err)
	}
	wantKind(t, "put away twice", s.ForgetRecovery(t.Context()), domain.KindNotFound)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if r := openAt(t, path).State().Recovery; r != nil {
		t.Errorf("the notice is back: %+v", r)
	}
}

// TestRecoverySurvivesAStop stops after the backup was laid ready and the damaged file moved away.
func TestRecoverySurvivesAStop(t *testing.T) {
	path, backup := withBackup(t, true)
	copied, err := os.ReadFile(filepath.Join(filepath.Dir(path), "backups", backup))
	if err != nil {
		t.Fatal(err)
	}
	overwrite(t, path+".restore", string(copied))
	overwrite(t, path+".recovered", `{"reason":"The database is damaged.","quarantined":"x.db","restored_from":"b"}`)
	if err := os.Rename(path, path+"-aside"); err != nil {
		t.Fatal(err)
	}
	s := openAt(t, path)
	if _, err := s.Run(t.Context(), "old"); err != nil || s.State().Recovery.RestoredFrom != "b" {
		t.Errorf("%+v, %v", s.State().Recovery, err)
	}
}

// spoilTable writes over the root page of the table of requests' texts, which no opening reads.
func spoilTable(t *testing.T, path string) {
	t.Helper()
	db := raw(t, path)
	var root int64
	if err := db.QueryRow("SELECT rootpage FROM sqlite_master WHERE name = 'request_detail'").Scan(&root); err != nil {
		t.Fatal(err)
	}
	db.Close()
	spoil(t, path, (root-1)*4096, 4096)
}

// TestCorruptPageIsFoundInTheBackground: the program starts and tells; the next start restores.
func TestCorruptPageIsFoundInTheBackground(t *testing.T) {
	path, backup := withBackup(t, true)
	spoilTable(t, path)
	s := openAt(t, path)
	if got := s.State(); got.Check != "due" || got.UncleanEnd || got.Recovery != nil {
		t.Fatalf("at the start %+v", got)
	}
	if err := s.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := s.State(); got.Check != "damaged" || got.Detail == "" || got.Restores != backup {
		t.Errorf("after the check %+v", got)
	}
	if _, err := s.Run(t.Context(), "new"); err != nil {
		t.Errorf("what is whole cannot be read: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openAt(t, path)
	if r := s.State().Recovery; r == nil || r.RestoredFrom != backup {
		t.Fatalf("recovery %+v", r)
	}
	if err := s.Check(t.Context()); err != nil || s.State().Check != "ok" {
		t.Errorf("%+v, %v", s.State(), err)
	}
}

// TestCorruptPageWithoutABackupStays: what can be read is more than an empty database.
func TestCorruptPageWithoutABackupStays(t *testing.T) {
	path, _ := withBackup(t, false)
	spoilTable(t, path)
	for range 2 {
		s := openAt(t, path)
		if err := s.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := s.State(); got.Check != "damaged" || got.Restores != "" || got.Recovery != nil {
			t.Errorf("%+v", got)
		}
		if _, err := s.Run(t.Context(), "new"); err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestWriteThatMeetsDamageAsksForACheck: the next start restores.
func TestWriteThatMeetsDamageAsksForACheck(t *testing.T) {
	path, backup := withBackup(t, true)
	spoilTable(t, path)
	s := openAt(t, path)
	err := s.AppendRun(t.Context(), "new", domain.Batch{Requests: []domain.RequestRecord{withTexts("new", 0, "a", "b")}})
	if !store.Damaged(err) {
		t.Fatalf("got %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if r := openAt(t, path).State().Recovery; r == nil || r.RestoredFrom != backup {
		t.Errorf("recovery %+v", r)
	}
}

// TestReadThatMeetsDamageAsksForACheck: whoever reads tells the store.
func TestReadThatMeetsDamageAsksForACheck(t *testing.T) {
	path, backup := withBackup(t, true)
	spoilTable(t, path)
	s := openAt(t, path)
	_, err := s.Usage(t.Context())
	if !store.Damaged(err) {
		t.Fatalf("got %v", err)
	}
	s.Suspect()
	if err := s.Check(t.Context()); err != nil || s.State().Check != "damaged" || s.State().Restores != backup {
		t.Errorf("%+v, %v", s.State(), err)
	}
}

// TestUncleanEndIsCheckedEvenIfThatIsPutOff: the mark stays until a check has ended.
func TestUncleanEndIsCheckedEvenIfThatIsPutOff(t *testing.T) {
	path := filepath.Join(t.TempDir(), "inferometer.db")
	killWriter(t, path, 5, 0)
	for range 2 {
		s := openAt(t, path)
		if got := s.State(); !got.UncleanEnd || got.Check != "due" {
			t.Fatalf("after a kill %+v", got)
		}
		canceled, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.Check(canceled); err == nil || s.State().Check != "due" {
			t.Errorf("a check that was ended: %v, %+v", err, s.State())
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	s := openAt(t, path)
	if err := s.Check(t.Context()); err != nil || s.State().Check != "ok" {
		t.Fatalf("%+v, %v", s.State(), err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if got := openAt(t, path).State(); got.UncleanEnd {
		t.Errorf("after a clean end %+v", got)
	}
}
