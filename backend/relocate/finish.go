package relocate

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/inferometer/inferometer/backend/domain"
)

// Pending says where the data folder goes at this start; empty: nowhere. A start that was stopped while it moved the
// data is not repeated by itself, for it may have been the move that stopped it.
func Pending(dir string) (to string, err error) {
	p, ok := readPlan(dir)
	switch {
	case !ok:
		return "", nil
	case p.State == stateSwitching:
		p.State, p.Reason = StateFailed, "The program was stopped while it moved the data folder."
		return "", writeJSON(filepath.Join(dir, planName), p)
	case p.State != StateReady:
		return "", nil
	}
	return p.To, nil
}

// Finish copies the rest of a move whose time has come, reads it back, and switches to the new place. The caller holds
// the lock of the old one and has not opened anything in it. An error is kept for the person: the old place goes on.
func Finish(ctx context.Context, o Options) (to string, err error) {
	if o.Now == nil {
		o.Now = New(o).o.Now
	}
	p, ok := readPlan(o.Dir)
	if !ok || p.State != StateReady || o.Base == "" {
		return "", errors.New("no move is ready")
	}
	note := filepath.Join(o.Dir, planName)
	p.State = stateSwitching
	if err := writeJSON(note, p); err != nil {
		return "", err
	}
	if err := finish(ctx, o, p.To); err != nil {
		p.State, p.Reason = StateFailed, reason(err)
		if ctx.Err() != nil { // the person was in a hurry; the next start does it
			p.State, p.Reason = StateReady, ""
		}
		return "", errors.Join(err, writeJSON(note, p))
	}
	// From here on the new place is the data folder. What is left of the move is nothing that anybody reads.
	_ = os.Remove(note)
	_ = os.Remove(filepath.Join(p.To, copiedName))
	return p.To, nil
}

func finish(ctx context.Context, o Options, to string) error {
	if h, _, ok := claimed(to); !ok || !same(h.From, o.Dir) {
		return domain.Errorf(domain.KindUnavailable, "The folder %s is not there any more, or holds something else.", to)
	}
	items, dirs, err := list(ctx, o.Dir, false)
	if err != nil {
		return err
	}
	if err := transfer(ctx, o.Dir, to, items, dirs, func(int64) {}); err != nil {
		return err
	}
	names := make([]string, 0, len(items)+len(dirs))
	for _, i := range items {
		names = append(names, i.rel)
	}
	names = append(names, dirs...)
	// What was deleted since it was copied is deleted here too.
	_, copied, _ := claimed(to)
	gone := slices.DeleteFunc(copied, func(rel string) bool { return slices.Contains(names, rel) })
	if err := removeAll(to, gone); err != nil {
		return err
	}
	if err := complete(to, items); err != nil {
		return err
	}
	if o.Probe != nil {
		if err := o.Probe(ctx, to); err != nil {
			return err
		}
	}
	if err := writeJSON(filepath.Join(to, receiptName), receipt{From: o.Dir, At: o.Now().UTC(), Files: names}); err != nil {
		return err
	}
	return point(o.Base, to)
}

// complete checks that everything is there with the size that it had.
func complete(to string, items []item) error {
	for _, i := range items {
		fi, err := os.Lstat(filepath.Join(to, i.rel))
		if err != nil {
			return fmt.Errorf("%s was not copied: %w", i.rel, err)
		}
		if fi.Mode().Type() != i.info.Mode().Type() || fi.Mode().IsRegular() && fi.Size() != i.info.Size() {
			return fmt.Errorf("%s was not copied whole", i.rel)
		}
	}
	return nil
}

// Old is what the last move left in the old place; nil without one.
func (m *Mover) Old() *domain.OldData {
	r, ok := m.receipt()
	if !ok {
		return nil
	}
	out := domain.OldData{Dir: r.From, MovedAt: r.At}
	for _, rel := range r.Files {
		if fi, err := os.Lstat(filepath.Join(r.From, rel)); err == nil && fi.Mode().IsRegular() {
			out.Bytes += fi.Size()
		}
	}
	return &out
}

func (m *Mover) receipt() (receipt, bool) {
	var r receipt
	if m.fixed() || readJSON(filepath.Join(m.o.Dir, receiptName), &r) != nil || !filepath.IsAbs(r.From) || same(r.From, m.o.Dir) {
		return receipt{}, false
	}
	return r, true
}

// RemoveOld deletes what the last move copied from the old place, and nothing else that lies there.
func (m *Mover) RemoveOld(context.Context) (domain.OldData, error) {
	r, ok := m.receipt()
	if !ok {
		return domain.OldData{}, &domain.Error{Kind: domain.KindNotFound, Msg: "There is no old data folder."}
	}
	old := *m.Old()
	if _, err := os.Stat(r.From); err == nil {
		lock, err := m.o.Lock(r.From)
		if err != nil {
			return old, err
		}
		names := slices.DeleteFunc(r.Files, func(rel string) bool { return !filepath.IsLocal(rel) || stays(rel) })
		for _, more := range []string{"inferometer.db-shm", "inferometer.db-wal", planName, receiptName} { // the last of an earlier move
			names = append(names, more)
		}
		err = errors.Join(removeAll(r.From, names), os.RemoveAll(filepath.Join(r.From, "tmp")), lock.Close())
		if err != nil {
			return old, fmt.Errorf("remove the old data folder: %w", err)
		}
		if !same(r.From, m.o.Base) {
			_ = os.Remove(filepath.Join(r.From, "lock"))
			_ = os.Remove(r.From) // only if it is empty
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return old, fmt.Errorf("look at the old data folder: %w", err)
	}
	r.From, r.Files = "", nil
	return old, writeJSON(filepath.Join(m.o.Dir, receiptName), r)
}
