package store_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/store"
)

func daily(t *testing.T, s *store.Store, now time.Time, keep int) bool {
	t.Helper()
	made, err := s.BackUpDaily(t.Context(), now, keep)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func backups(t *testing.T, s *store.Store) []domain.Backup {
	t.Helper()
	all, err := s.Backups(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestDailyBackupIsMadeWhenItIsDue: not of an empty database, not twice a day, not of an unchanged one.
func TestDailyBackupIsMadeWhenItIsDue(t *testing.T) {
	s := openNew(t)
	now := time.Now()
	if daily(t, s, now, 3) {
		t.Error("a database that was not checked was backed up")
	}
	if err := s.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	if daily(t, s, now, 3) {
		t.Error("an empty database was backed up")
	}
	mustCreate(t, s, newRun("a"))
	if daily(t, s, now, 0) || !daily(t, s, now, 3) || daily(t, s, now.Add(23*time.Hour), 3) {
		t.Errorf("backups %+v", backups(t, s))
	}
	if daily(t, s, now.Add(25*time.Hour), 3) {
		t.Error("an unchanged database was backed up")
	}
	mustCreate(t, s, newRun("b"))
	if !daily(t, s, now.Add(25*time.Hour), 3) {
		t.Error("a changed database was not backed up")
	}
}

// TestDailyBackupsArePruned: those made by hand stay.
func TestDailyBackupsArePruned(t *testing.T) {
	s := openNew(t)
	if err := s.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	byHand, err := s.AddBackup(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		mustCreate(t, s, newRun(string(rune('a'+i))))
		if !daily(t, s, time.Now().Add(25*time.Hour), 2) {
			t.Fatal("no backup was made")
		}
	}
	all := backups(t, s)
	if len(all) != 3 || all[0].Reason != "daily" || all[1].Reason != "daily" || all[2].Name != byHand.Name {
		t.Errorf("%+v", all)
	}
}

// TestDamagedDatabaseIsNotBackedUp: it would push the good copies out.
func TestDamagedDatabaseIsNotBackedUp(t *testing.T) {
	path, _ := withBackup(t, true)
	spoilTable(t, path)
	s := openAt(t, path)
	if err := s.Check(t.Context()); err != nil || s.State().Check != "damaged" {
		t.Fatalf("%+v, %v", s.State(), err)
	}
	if daily(t, s, time.Now().Add(48*time.Hour), 1) || len(backups(t, s)) != 1 {
		t.Errorf("backups %+v", backups(t, s))
	}
	if found, err := filepath.Glob(filepath.Join(filepath.Dir(path), "backups", "*")); err != nil || len(found) != 1 {
		t.Errorf("%v, %v", found, err)
	}
}
