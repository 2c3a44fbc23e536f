package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/inferometer/inferometer/backend/domain"
)

// How a check of the whole database stands.
const (
	checkNone    = "none"
	checkDue     = "due"
	checkRunning = "running"
	checkOK      = "ok"
	checkDamaged = "damaged"
)

// health is what is known of the state of an open database.
type health struct {
	mu     sync.Mutex
	latest int // schema that this program writes
	state  domain.DatabaseState
}

func (s *Store) setCheck(check, detail, restores string) {
	s.health.mu.Lock()
	defer s.health.mu.Unlock()
	s.health.state.Check, s.health.state.Detail, s.health.state.Restores = check, detail, restores
}

// State says how well the database is.
func (s *Store) State() domain.DatabaseState {
	s.health.mu.Lock()
	defer s.health.mu.Unlock()
	return s.health.state
}

// suspectPath is a mark beside the database: it has yet to be checked, or is damaged.
func suspectPath(path string) string { return path + ".suspect" }

// suspicion is what the mark says: empty, checkDue or checkDamaged.
func suspicion(path string) string {
	text, err := os.ReadFile(suspectPath(path))
	switch {
	case err != nil:
		return ""
	case string(text) == checkDamaged:
		return checkDamaged
	}
	return checkDue
}

func suspect(path, check string) error {
	if err := os.WriteFile(suspectPath(path), []byte(check), 0o600); err != nil {
		return fmt.Errorf("mark database: %w", err)
	}
	return nil
}

// examine decides at opening, from what was there before, whether the database has to be checked. One
// that is known to be damaged is checked here and given up if a backup can take its place.
func (s *Store) examine(ctx context.Context, unclean bool) error {
	said := suspicion(s.path)
	s.health.state.UncleanEnd = unclean || said == checkDue
	s.health.state.Recovery = readRecovery(s.path)
	s.health.state.Check, s.health.state.Schema = checkNone, s.health.latest
	switch {
	case said == checkDamaged:
		return s.examineDamaged(ctx)
	case s.health.state.UncleanEnd:
		// The mark outlives an end before the check has ended.
		s.health.state.Check = checkDue
		return suspect(s.path, checkDue)
	case s.SizeBytes() <= smallFile:
		s.health.state.Check = checkDue
	}
	return nil
}

func (s *Store) examineDamaged(ctx context.Context) error {
	fault, err := quickCheck(ctx, s.path)
	if err != nil {
		return err
	}
	if fault == nil { // it was mended, or replaced by hand
		s.health.state.Check = checkOK
		return ignoreMissing(os.Remove(suspectPath(s.path)))
	}
	_, _, found, err := goodBackup(ctx, s.path, s.health.latest)
	if err != nil {
		return err
	}
	if found {
		return damaged(fault)
	}
	s.setCheck(checkDamaged, fault.Error(), "") // what can be read of it is more than nothing
	return nil
}

// quickCheck reads a database from end to end; fault is what is wrong with it.
func quickCheck(ctx context.Context, path string) (fault, err error) {
	db := open(path, "mode=ro", 1, []pragma{{"busy_timeout", "5000", "5000"}})
	defer db.Close()
	var verdict string
	err = db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&verdict)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		if err = wrap("check database", err); Damaged(err) {
			return err, nil
		}
		return nil, err
	case verdict != "ok":
		return errors.New(verdict), nil
	}
	return nil, nil
}

// Check reads the whole database if its last end was not clean or it is small, and keeps what it finds
// for State. A check that ctx ends is due again. A damaged database gives way to a backup at the next opening.
func (s *Store) Check(ctx context.Context) error {
	before := s.State()
	if before.Check != checkDue {
		return nil
	}
	s.setCheck(checkRunning, "", "")
	fault, err := quickCheck(ctx, s.path)
	switch {
	case err != nil:
		s.setCheck(checkDue, "", "")
		return err
	case fault == nil:
		s.setCheck(checkOK, "", "")
		return ignoreMissing(os.Remove(suspectPath(s.path)))
	}
	return s.foundDamaged(ctx, fault)
}

// Suspect makes a check due, here and at the next opening, because an access met damage.
func (s *Store) Suspect() {
	if s.State().Check != checkDamaged && suspect(s.path, checkDamaged) == nil {
		s.setCheck(checkDue, "", "")
	}
}

// foundDamaged keeps that the database is damaged, for this start and the next one.
func (s *Store) foundDamaged(ctx context.Context, fault error) error {
	if err := suspect(s.path, checkDamaged); err != nil {
		s.setCheck(checkDamaged, fault.Error(), "")
		return err
	}
	name, _, _, err := goodBackup(ctx, s.path, s.health.latest)
	if err != nil { // it was ended: nothing may say that there is no backup
		s.setCheck(checkDue, "", "")
		return err
	}
	s.setCheck(checkDamaged, fault.Error(), name)
	return nil
}
